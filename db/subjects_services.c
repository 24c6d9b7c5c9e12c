/* What only services have: when they could be known, maintenance of them as a
 * whole, and how many instances were expected.  Part of subjects.c. */
#include "db/subjects_impl.h"

#include <stdlib.h>
#include <string.h>

#include "core/xalloc.h"
#include "db/sql.h"

static const char expectations_sql[] =
	"SELECT cluster, service_name, from_ms, min_instances"
	" FROM expectations WHERE (?1 IS NULL OR matches(?1, cluster))"
	" AND (?2 IS NULL OR matches(?2, service_name))"
	" ORDER BY cluster, service_name, from_ms";

static const char windows_sql[] =
	"SELECT cluster, service_name, instance_id, from_ms,"
	" min(to_ms, ifnull(ended_ms, to_ms)) FROM maintenance"
	" WHERE instance_id IS NULL";

static int compare(const struct subject_service *s, const char *cluster,
    const char *name)
{
	int c = strcmp(s->cluster, cluster);

	return c != 0 ? c : strcmp(s->name, name);
}

static int by_name(const void *va, const void *vb)
{
	const struct subject_service *b = *(struct subject_service *const *)vb;

	return compare(*(struct subject_service *const *)va, b->cluster,
	    b->name);
}

struct merge {
	struct subjects *s;
	size_t sorted;		/* services that have instances */
	size_t at;		/* among them */
};

/* Both come in the order of their names; who never had an instance is put
 * behind, and sorted in at the end. */
static struct subject_service *expected_service(struct merge *m,
    const char *cluster, const char *name)
{
	struct subjects *s = m->s;
	struct subject_service *last = s->services == NULL ? NULL :
	    s->services[s->nservices - 1];

	while (m->at < m->sorted &&
	    compare(s->services[m->at], cluster, name) < 0)
		m->at++;
	if (m->at < m->sorted &&
	    compare(s->services[m->at], cluster, name) == 0)
		return s->services[m->at];
	if (s->nservices > m->sorted && compare(last, cluster, name) == 0)
		return last;
	return subjects_add_service(s, cluster, name);
}

static void add_expectation(sqlite3_stmt *row, void *arg)
{
	struct subject_service *service = expected_service(arg,
	    sql_text(row, 0), sql_text(row, 1));

	service->expected = xreallocarray(service->expected,
	    service->nexpected + 1, sizeof(*service->expected));
	service->expected[service->nexpected++] = (struct expectation){
		.from = sqlite3_column_int64(row, 2),
		.min = sqlite3_column_int64(row, 3),
	};
}

static void add_window(sqlite3_stmt *row, void *arg)
{
	struct subjects *s = arg;

	for (size_t i = 0; i < s->nservices; i++)
		if (subjects_named(row, 0, s->services[i]->cluster) &&
		    subjects_named(row, 1, s->services[i]->name))
			subjects_put_window(&s->services[i]->maintenance, row);
}

/* The directories a service comes from; one without instances may have come
 * from any of its cluster. */
static size_t directories_of(const struct subjects *s,
    const struct subject_service *service, const struct watched **v_r)
{
	size_t n = 0;

	for (size_t d = 0; d < s->nwatched; d++) {
		const struct watched *w = s->watched[d];
		bool is = service->n == 0 &&
		    strcmp(w->cluster, service->cluster) == 0;

		for (size_t i = 0; i < service->n && !is; i++) {
			const struct subject *one = &s->v[service->first + i];

			for (size_t r = 0; r < one->n && !is; r++)
				is = s->rows[one->first + r].watched == w;
		}
		if (is && w->spans.n > 0)
			v_r[n++] = w;
	}
	return n;
}

/* Known is what lies between a first and a last look at one of the
 * directories and in no gap of any: a directory that is no longer watched, or
 * not yet, does not make the others unknown. */
static void set_known(struct subject_service *service,
    const struct watched *const *v, size_t n)
{
	struct spans whole = { NULL, 0, 0 }, gaps = { NULL, 0, 0 };

	for (size_t d = 0; d < n; d++) {
		const struct spans *w = &v[d]->spans;

		spans_put(&whole, w->v[0].from, w->v[w->n - 1].to);
		for (size_t i = 1; i < w->n; i++)
			spans_put(&gaps, w->v[i - 1].to, w->v[i].from);
	}
	spans_join(&whole);
	spans_join(&gaps);
	for (size_t i = 0; i < whole.n; i++) {
		int64_t t = whole.v[i].from, until;

		while (t < whole.v[i].to) {
			bool gap = spans_at(&gaps, t, &until);

			if (until > whole.v[i].to)
				until = whole.v[i].to;
			if (!gap)
				spans_add(&service->known, t, until);
			t = until;
		}
	}
	spans_free(&whole);
	spans_free(&gaps);
}

int subjects_load_services(struct subjects *s, sqlite3 *db,
    const struct history_who *who, struct err *e)
{
	const struct watched **v = xcalloc(s->nwatched + 1, sizeof(*v));
	struct merge m = { s, s->nservices, 0 };
	int rc = subjects_query(db, expectations_sql, who, add_expectation,
	    &m, e);

	if (rc == 0)
		rc = subjects_query(db, windows_sql, who, add_window, s, e);
	for (size_t i = 0; i < s->nservices; i++) {
		spans_join(&s->services[i]->maintenance);
		set_known(s->services[i], v, directories_of(s,
		    s->services[i], v));
	}
	if (s->nservices > m.sorted)
		qsort(s->services, s->nservices,
		    sizeof(struct subject_service *), by_name);
	free(v);
	return rc;
}
