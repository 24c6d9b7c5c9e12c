/* Loads who a question is about: the roll in the order of its identities, the
 * directories they lie in, the maintenance windows that name them.  What only
 * services have is subjects_services.c.  What they did is walk.c. */
#include "db/subjects_impl.h"

#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/xalloc.h"
#include "db/sql.h"

/* Through the index of identities, so that who is not asked for costs no more
 * than its name. */
static const char roll_sql[] =
	"SELECT cluster, service_name, instance_id, id, directory, last_stay"
	" FROM roll INDEXED BY instances_identity"
	" WHERE (?1 IS NULL OR matches(?1, cluster))"
	" AND (?2 IS NULL OR matches(?2, service_name))"
	" AND (?3 IS NULL OR matches(?3, instance_id))"
	" ORDER BY cluster, service_name, instance_id, id";

/* The same of everybody, in two parts: the index alone, in its order, then the
 * table in its own.  Each row by itself would be a page read for each. */
static const char names_sql[] =
	"SELECT cluster, service_name, instance_id, id"
	" FROM roll INDEXED BY instances_identity"
	" ORDER BY cluster, service_name, instance_id, id";
static const char places_sql[] =
	"SELECT id, cluster, directory, last_stay FROM roll";

static const char watching_sql[] =
	"SELECT cluster, directory, from_ms, to_ms FROM watching"
	" ORDER BY cluster, directory, from_ms";

static const char maintenance_sql[] =
	"SELECT cluster, service_name, instance_id, from_ms,"
	" min(to_ms, ifnull(ended_ms, to_ms)) FROM maintenance";

static bool same(const char *a, const char *b)
{
	return a != NULL && strcmp(a, b) == 0;
}

struct subject_service *subjects_add_service(struct subjects *s,
    const char *cluster, const char *name)
{
	struct subject_service *service = xcalloc(1, sizeof(*service));

	service->cluster = xstrdup(cluster);
	service->name = xstrdup(name);
	service->first = s->n;
	service->index = s->nservices;
	GROW(s->services, s->nservices);
	return s->services[s->nservices++] = service;
}

/* Rows come in the order of their names: it is the last one or a new one. */
static struct subject_service *service_of(struct subjects *s,
    const char *cluster, const char *name)
{
	struct subject_service *last = s->nservices > 0 ?
	    s->services[s->nservices - 1] : NULL;

	if (last != NULL && same(last->name, name) &&
	    same(last->cluster, cluster))
		return last;
	return subjects_add_service(s, cluster, name);
}

/* A million names by themselves would leave as many holes in the memory of the
 * process when the answer is out. */
static const char *keep_name(struct subjects *s, const char *name)
{
	size_t n = strlen(name) + 1;

	return memcpy(room_take(&s->names, n), name, n);
}

static size_t subject_of(struct subjects *s, struct subject_service *service,
    const char *instance)
{
	struct subject *last = s->n > 0 ? &s->v[s->n - 1] : NULL;

	if (last != NULL && last->service == service &&
	    same(last->instance, instance))
		return s->n - 1;
	GROW(s->v, s->n);
	s->v[s->n] = (struct subject){
		.service = service, .instance = keep_name(s, instance),
		.first = s->nrows,
	};
	service->n++;
	return s->n++;
}

static int by_directory(const void *va, const void *vb)
{
	const struct watched *a = *(struct watched *const *)va;
	const struct watched *b = *(struct watched *const *)vb;
	int c = strcmp(a->cluster, b->cluster);

	return c != 0 ? c : strcmp(a->directory, b->directory);
}

/* What was never watched has no spans: a row can only come from another hand,
 * but it must not take its neighbours along. */
static const struct watched never = { "", "", { NULL, 0, 0 } };

static const struct watched *watched_of(struct subjects *s,
    const char *cluster, const char *directory)
{
	struct watched key = { cluster, directory, { NULL, 0, 0 } };
	struct watched *p = &key, **found;

	found = s->nwatched == 0 ? NULL : bsearch(&p, s->watched, s->nwatched,
	    sizeof(struct watched *), by_directory);
	return found != NULL ? *found : &never;
}

static void put_place(struct subjects *s, struct subject_row *r,
    const char *cluster, const char *directory, int64_t last_stay)
{
	const struct watched *w = s->latest;

	if (w == NULL || !same(w->directory, directory) ||
	    !same(w->cluster, cluster))
		w = s->latest = watched_of(s, cluster, directory);
	r->watched = w;
	r->last_stay = last_stay;
}

static void add_name(sqlite3_stmt *row, void *arg)
{
	struct subjects *s = arg;
	struct subject_service *service = service_of(s, sql_text(row, 0),
	    sql_text(row, 1));
	size_t subject = subject_of(s, service, sql_text(row, 2));

	GROW(s->rows, s->nrows);
	s->rows[s->nrows++] = (struct subject_row){
		.id = sqlite3_column_int64(row, 3), .subject = subject,
		.watched = &never,
	};
	s->v[subject].n++;
}

static void add_row(sqlite3_stmt *row, void *arg)
{
	struct subjects *s = arg;

	add_name(row, s);
	put_place(s, &s->rows[s->nrows - 1], sql_text(row, 0),
	    sql_text(row, 4), sqlite3_column_int64(row, 5));
}

static void add_place(sqlite3_stmt *row, void *arg)
{
	struct subjects *s = arg;
	size_t at = (size_t)(sqlite3_column_int64(row, 0) - s->first_id);

	/* An index that lacks it is damaged: `rollcall db check` says so. */
	if (at < s->nids && s->by_id[at] != 0)
		put_place(s, &s->rows[s->by_id[at] - 1], sql_text(row, 1),
		    sql_text(row, 2), sqlite3_column_int64(row, 3));
}

static void add_watched(sqlite3_stmt *row, void *arg)
{
	struct subjects *s = arg;
	struct watched *last = s->nwatched > 0 ?
	    s->watched[s->nwatched - 1] : NULL;

	if (last == NULL || !same(last->directory, sql_text(row, 1)) ||
	    !same(last->cluster, sql_text(row, 0))) {
		last = xcalloc(1, sizeof(*last));
		last->cluster = xstrdup(sql_text(row, 0));
		last->directory = xstrdup(sql_text(row, 1));
		GROW(s->watched, s->nwatched);
		s->watched[s->nwatched++] = last;
	}
	spans_add(&last->spans, sqlite3_column_int64(row, 2),
	    sqlite3_column_int64(row, 3));
}

bool subjects_named(sqlite3_stmt *row, int column, const char *name)
{
	const char *wanted = sql_text_or_null(row, column);

	return wanted == NULL || strcmp(wanted, name) == 0;
}

void subjects_put_window(struct spans *spans, sqlite3_stmt *row)
{
	spans_put(spans, sqlite3_column_int64(row, 3),
	    sqlite3_column_int64(row, 4));
}

static void add_window(sqlite3_stmt *row, void *arg)
{
	struct subjects *s = arg;

	for (size_t i = 0; i < s->n; i++) {
		struct subject *one = &s->v[i];

		if (subjects_named(row, 0, one->service->cluster) &&
		    subjects_named(row, 1, one->service->name) &&
		    subjects_named(row, 2, one->instance))
			subjects_put_window(&one->maintenance, row);
	}
}

int subjects_query(sqlite3 *db, const char *sql,
    const struct history_who *who,
    void (*fn)(sqlite3_stmt *row, void *arg), void *arg, struct err *e)
{
	const char *globs[] = { who->cluster, who->service, who->instance };
	sqlite3_stmt *s = NULL;
	int rc;

	if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK)
		return sql_fail(db, e, "read the history");
	for (int i = 0; i < 3 && i < sqlite3_bind_parameter_count(s); i++)
		sqlite3_bind_text(s, i + 1, globs[i], -1, SQLITE_STATIC);
	while ((rc = sqlite3_step(s)) == SQLITE_ROW)
		fn(s, arg);
	if (rc != SQLITE_DONE)
		sql_fail(db, e, "read the history");
	sqlite3_finalize(s);
	return rc == SQLITE_DONE ? 0 : -1;
}

static void index_rows(struct subjects *s)
{
	int64_t last = INT64_MIN;

	s->first_id = INT64_MAX;
	for (size_t i = 0; i < s->nrows; i++) {
		int64_t id = s->rows[i].id;

		s->first_id = id < s->first_id ? id : s->first_id;
		last = id > last ? id : last;
	}
	if (s->nrows == 0)
		return;
	s->nids = (size_t)(last - s->first_id) + 1;
	s->by_id = xcalloc(s->nids, sizeof(*s->by_id));
	for (size_t i = 0; i < s->nrows; i++)
		s->by_id[s->rows[i].id - s->first_id] = (uint32_t)i + 1;
}

static int load_rows(struct subjects *s, sqlite3 *db,
    const struct history_who *who, struct err *e)
{
	if (subjects_query(db, s->all ? names_sql : roll_sql, who,
	    s->all ? add_name : add_row, s, e) != 0)
		return -1;
	index_rows(s);
	return s->all ? subjects_query(db, places_sql, who, add_place, s, e) :
	    0;
}

struct subjects *subjects_load(sqlite3 *db, const struct history_who *who,
    struct err *e)
{
	struct subjects *s = xcalloc(1, sizeof(*s));

	s->all = who->cluster == NULL && who->service == NULL &&
	    who->instance == NULL;
	if (subjects_query(db, watching_sql, who, add_watched, s, e) != 0 ||
	    load_rows(s, db, who, e) != 0 ||
	    subjects_query(db, maintenance_sql, who, add_window, s, e) != 0) {
		subjects_free(s);
		return NULL;
	}
	if (sql_int(db, "SELECT ifnull(max(id), 0) FROM roll", &s->all_rows,
	    e) != 0) {
		subjects_free(s);
		return NULL;
	}
	for (size_t i = 0; i < s->n; i++)
		spans_join(&s->v[i].maintenance);
	return s;
}

static void service_free(struct subject_service *service)
{
	free((char *)(uintptr_t)service->cluster);
	free((char *)(uintptr_t)service->name);
	spans_free(&service->known);
	spans_free(&service->maintenance);
	free(service->expected);
	free(service);
}

static void watched_free(struct watched *w)
{
	free((char *)(uintptr_t)w->cluster);
	free((char *)(uintptr_t)w->directory);
	spans_free(&w->spans);
	free(w);
}

void subjects_free(struct subjects *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->n; i++)
		spans_free(&s->v[i].maintenance);
	room_free(&s->names);
	for (size_t i = 0; i < s->nservices; i++)
		service_free(s->services[i]);
	for (size_t i = 0; i < s->nwatched; i++)
		watched_free(s->watched[i]);
	free(s->v);
	free(s->rows);
	free(s->services);
	free(s->watched);
	free(s->by_id);
	free(s);
}
