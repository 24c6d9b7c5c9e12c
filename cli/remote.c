/* A source of history that asks a daemon: the rows of its API, page by page,
 * by the same table of fields as they were written.  Blocks, as a command may.
 * Used by asking.c alone. */
#include "cli/remote.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/http_once.h"
#include "core/buf.h"
#include "core/err.h"
#include "core/history_rows.h"
#include "core/json.h"
#include "core/timefmt.h"
#include "core/xalloc.h"

enum {
	PAGE = 10000,			/* rows */
	MAX_QUERY = 64 << 10, MAX_BODY = 256 << 20,
	PATIENCE_MS = 30000,		/* the daemon gives up after 10 s */
};

#define FIRST_MS INT64_C(100000000000)

struct remote {
	char *url;
	struct http_config http;
};

/* --- one page --- */

/* The parsed answer to BASE/api/registry/v1/QUERY; NULL with e. */
static cJSON *ask(const struct remote *r, const char *query, struct err *e)
{
	char *url = xasprintf("%s/api/registry/v1/%s", r->url, query);
	struct http_once q = {
		.url = url, .http = &r->http, .deadline_ms = PATIENCE_MS,
		.max_body = MAX_BODY,
	};
	struct http_once_answer a = { .body = NULL };
	cJSON *tree = NULL;

	if (http_once(&q, &a, e) == 0) {
		if (a.status / 100 != 2)
			http_once_refused(&q, &a, e);
		else if ((tree = json_parse(a.body, a.len, e)) == NULL)
			err_prefix(e, "%s", url);
	}
	free(a.body);
	free(url);
	return tree;
}

static void add_text(struct buf *b, const char *name, const char *value)
{
	char *escaped;

	if (value == NULL)
		return;
	escaped = curl_easy_escape(NULL, value, 0);
	buf_addf(b, "&%s=%s", name, escaped != NULL ? escaped : "");
	curl_free(escaped);
}

static void add_who(struct buf *b, const struct history_who *who,
    enum history_of of)
{
	buf_addf(b, "&of=%s", of == HISTORY_SERVICES ? "services" :
	    "instances");
	add_text(b, "cluster", who->cluster);
	add_text(b, "service", who->service);
	add_text(b, "instance", who->instance);
}

static void add_min(struct buf *b, int64_t min)
{
	if (min >= 0)
		buf_addf(b, "&min=%" PRId64, min);
}

/* --- rows --- */

static bool fill_number(const struct row_field *f, const cJSON *v, char *row)
{
	bool is_null = cJSON_IsNull(v);
	double d = NAN;
	int64_t i = f->type == ROW_SECONDS ? -1 : 0;

	if (!is_null && !cJSON_IsNumber(v))
		return false;
	if (!is_null)
		d = v->valuedouble;
	if (!is_null && fabs(d) < JSON_MAX_EXACT)
		i = llround(f->type == ROW_SECONDS ? d * 1000 : d);
	if (f->type == ROW_RATIO)
		memcpy(row + f->offset, &d, sizeof(d));
	else
		memcpy(row + f->offset, &i, sizeof(i));
	return true;
}

static bool fill_text(const struct row_field *f, const cJSON *v, char *row)
{
	const char *text = cJSON_GetStringValue(v);
	wall_t t = { 0 };

	if (text == NULL && !cJSON_IsNull(v))
		return false;
	if (f->type == ROW_TEXT)
		memcpy(row + f->offset, &text, sizeof(text));
	else if (text != NULL && timefmt_parse_rfc3339(text, &t, NULL) != 0)
		return false;
	if (row_is_time(f->type))
		memcpy(row + f->offset, &t, sizeof(t));
	return true;
}

/* What no row is without: whoever reads rows need not ask whether it is
 * there.  NULL at the end. */
static const char *const uptime_needs[] = { "from", "to", "etcd_cluster",
	"service_name", NULL };
static const char *const outage_needs[] = { "from", "earliest", "seen",
	"etcd_cluster", "service_name", NULL };
static const char *const event_needs[] = { "time", "earliest", "seen",
	"etcd_cluster", "service_name", "instance_id", "state", "cause", NULL };

static bool is_needed(const char *const *needs, const char *name)
{
	while (*needs != NULL && strcmp(*needs, name) != 0)
		needs++;
	return *needs != NULL;
}

/* A field that another version does not know is nothing; one of another type,
 * or a row without what every row has, is an error. */
static int fill(const struct row_table *t, const char *const *needs,
    const cJSON *object, void *row, struct err *e)
{
	memset(row, 0, t->size);
	if (!cJSON_IsObject(object))
		return err_set(e, "a row of the answer is no object");
	for (size_t i = 0; i < t->n; i++) {
		const struct row_field *f = &t->fields[i];
		const cJSON *v = cJSON_GetObjectItemCaseSensitive(object,
		    f->name);
		static const cJSON null = { .type = cJSON_NULL };
		bool text = f->type == ROW_TEXT || row_is_time(f->type);

		v = v != NULL ? v : &null;
		if (cJSON_IsNull(v) && is_needed(needs, f->name))
			return err_set(e, "a row of the answer is without"
			    " \"%s\"", f->name);
		if (text ? !fill_text(f, v, row) : !fill_number(f, v, row))
			return err_set(e, "\"%s\" of a row of the answer is"
			    " no %s", f->name, row_is_time(f->type) ? "time" :
			    text ? "text" : "number");
	}
	return 0;
}

typedef bool (*row_fn)(const void *row, void *arg);

struct paging {
	const struct row_table *table;
	const char *const *needs;
	bool reversed;			/* the last one first */
	bool open;			/* without an end: rows may come in */
	struct buf query;		/* without limit and offset */
	int64_t limit, offset;		/* 0: all */
	int64_t n;			/* rows so far */
};

static enum history_rc not_understood(const struct remote *r, struct err *e)
{
	err_set(e, "%s: %s: is that a rollcall?", r->url, e->text);
	return HISTORY_FAILED;
}

static enum history_rc tell_page(const struct remote *r,
    const struct paging *p, const cJSON *page, row_fn fn, void *arg,
    struct err *e)
{
	void *row = xcalloc(1, p->table->size);
	const cJSON *one = page->child;
	enum history_rc rc = HISTORY_OK;

	/* The first one's `prev` is the last one. */
	if (p->reversed && one != NULL)
		one = one->prev;
	while (one != NULL && rc == HISTORY_OK) {
		if (fill(p->table, p->needs, one, row, e) != 0)
			rc = not_understood(r, e);
		else if (!fn(row, arg))
			rc = HISTORY_ENDED;
		if (p->reversed)
			one = one != page->child ? one->prev : NULL;
		else
			one = one->next;
	}
	free(row);
	return rc;
}

static cJSON *next_page(const struct remote *r, const struct paging *p,
    struct err *e)
{
	int64_t want = p->limit > 0 && p->limit - p->n < PAGE ?
	    p->limit - p->n : PAGE;
	char *query = xasprintf("%s&limit=%" PRId64 "&offset=%" PRId64,
	    buf_str(&p->query), want, p->offset + p->n);
	cJSON *page = ask(r, query, e);

	free(query);
	if (page == NULL || cJSON_IsArray(page))
		return page;
	err_set(e, "%s: the answer is no array: is that a rollcall?", r->url);
	cJSON_Delete(page);
	return NULL;
}

static enum history_rc too_many(const struct remote *r, struct err *e)
{
	err_set(e, "%s: too many intervals for one question: take longer ones"
	    " or a shorter range", r->url);
	return HISTORY_BAD;
}

/* What comes in while pages are read would move the later ones: the first
 * page's newest is the last of all. */
static void close_end(struct paging *p, const cJSON *page)
{
	const char *seen = page->child != NULL ?
	    json_str(page->child, "seen") : NULL;
	wall_t t;

	if (p->open && seen != NULL &&
	    timefmt_parse_rfc3339(seen, &t, NULL) == 0)
		buf_addf(&p->query, "&to=%" PRId64, t.ms + 1);
	p->open = false;
}

/* Pages come newest first: in the other order they are told when all are
 * there. */
static enum history_rc tell_all(const struct remote *r, struct paging *p,
    row_fn fn, void *arg, struct err *e)
{
	cJSON *pages = cJSON_CreateArray(), *page = NULL;
	enum history_rc rc = p->query.failed ? too_many(r, e) : HISTORY_OK;
	int got = PAGE;

	while (rc == HISTORY_OK && got == PAGE &&
	    (p->limit == 0 || p->n < p->limit)) {
		page = next_page(r, p, e);
		if (page == NULL) {
			rc = HISTORY_FAILED;
			break;
		}
		close_end(p, page);
		got = cJSON_GetArraySize(page);
		p->n += got;
		if (!p->reversed)
			rc = tell_page(r, p, page, fn, arg, e);
		cJSON_InsertItemInArray(pages, 0, page);
		if (!p->reversed)
			cJSON_DeleteItemFromArray(pages, 0);
	}
	for (page = pages->child; page != NULL && rc == HISTORY_OK;
	    page = page->next)
		rc = tell_page(r, p, page, fn, arg, e);
	cJSON_Delete(pages);
	buf_free(&p->query);
	return rc;
}

/* --- the questions --- */

/* 1 is before all history, and so is whatever the API would take for
 * seconds. */
static int64_t moment(wall_t t)
{
	return t.ms >= FIRST_MS ? t.ms : 1;
}

static enum history_rc uptime(void *session,
    const struct history_uptime_query *q,
    bool (*fn)(const struct history_uptime *row, void *arg), void *arg,
    struct err *e)
{
	struct paging p = { .table = &history_uptime_rows,
	    .needs = uptime_needs };

	buf_init(&p.query, MAX_QUERY);
	buf_adds(&p.query, "uptime?edges=");
	for (size_t i = 0; i < q->nedges; i++)
		buf_addf(&p.query, "%s%" PRId64, i > 0 ? "," : "",
		    q->edges[i].ms > 0 ? q->edges[i].ms : 1);
	add_who(&p.query, &q->who, q->of);
	add_min(&p.query, q->min_instances);
	return tell_all(session, &p, (row_fn)fn, arg, e);
}

static enum history_rc outages(void *session,
    const struct history_outages_query *q,
    bool (*fn)(const struct history_outage *row, void *arg), void *arg,
    struct err *e)
{
	struct paging p = { .table = &history_outage_rows,
	    .needs = outage_needs,
	    .limit = q->limit, .offset = q->offset };

	buf_init(&p.query, MAX_QUERY);
	buf_addf(&p.query, "outages?from=%" PRId64 "&to=%" PRId64,
	    moment(q->from), moment(q->to));
	add_who(&p.query, &q->who, q->of);
	add_min(&p.query, q->min_instances);
	return tell_all(session, &p, (row_fn)fn, arg, e);
}

static enum history_rc events(void *session,
    const struct history_events_query *q,
    bool (*fn)(const struct history_event *row, void *arg), void *arg,
    struct err *e)
{
	struct paging p = { .table = &history_event_rows,
	    .needs = event_needs, .open = q->to.ms == 0,
	    .limit = q->limit, .offset = q->offset,
	    .reversed = !q->newest_first };

	buf_init(&p.query, MAX_QUERY);
	/* Something has to stand before the first &. */
	buf_addf(&p.query, "events?from=%" PRId64, moment(q->from));
	if (q->to.ms != 0)
		buf_addf(&p.query, "&to=%" PRId64, q->to.ms);
	add_text(&p.query, "cluster", q->who.cluster);
	add_text(&p.query, "service", q->who.service);
	add_text(&p.query, "instance", q->who.instance);
	return tell_all(session, &p, (row_fn)fn, arg, e);
}

/* A time or null.  -1 with e: it is neither, or is not there. */
static int read_looked(const cJSON *overview, const char *name, wall_t *t_r,
    struct err *e)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(overview, name);
	const char *text = cJSON_GetStringValue(v);

	*t_r = (wall_t){ 0 };
	if (cJSON_IsNull(v) || (text != NULL &&
	    timefmt_parse_rfc3339(text, t_r, NULL) == 0))
		return 0;
	return err_set(e, "the overview has no \"%s\"", name);
}

static enum history_rc looked(void *session, wall_t *since_r,
    wall_t *until_r, struct err *e)
{
	cJSON *tree = ask(session, "overview", e);
	enum history_rc rc = HISTORY_OK;

	if (tree == NULL)
		return HISTORY_FAILED;
	if (read_looked(tree, "looked_since", since_r, e) != 0 ||
	    read_looked(tree, "looked_until", until_r, e) != 0)
		rc = not_understood(session, e);
	cJSON_Delete(tree);
	return rc;
}

static void *open_session(const void *arg, struct err *e)
{
	(void)e;
	return (void *)(uintptr_t)arg;
}

static void close_session(void *session)
{
	(void)session;
}

/* The daemon has limits of its own, and does not tell how far it is. */
static void limits(void *session, int64_t limit_ms,
    void (*progress)(double share, void *arg), void *arg)
{
	(void)session;
	(void)limit_ms;
	(void)progress;
	(void)arg;
}

struct history_source remote_history(const char *url,
    const char *http_config_file, struct err *e)
{
	struct remote *r = xcalloc(1, sizeof(*r));

	http_config_init(&r->http);
	if (http_config_file != NULL &&
	    http_config_load(&r->http, http_config_file, e) != 0) {
		free(r);
		return (struct history_source){ .open = NULL };
	}
	r->url = xstrdup(url);
	while (r->url[0] != '\0' && r->url[strlen(r->url) - 1] == '/')
		r->url[strlen(r->url) - 1] = '\0';
	return (struct history_source){
		.open = open_session, .close = close_session,
		.uptime = uptime, .outages = outages, .events = events,
		.looked = looked, .limits = limits, .arg = r,
	};
}

void remote_history_free(struct history_source *s)
{
	struct remote *r = (void *)(uintptr_t)s->arg;

	if (s->open != open_session)
		return;
	http_config_free(&r->http);
	free(r->url);
	free(r);
}
