/* Which path is answered by what: one table, and the short answers
 * themselves.  It sees a request as a struct and fills a reply; sockets and
 * libmicrohttpd are server.c's, metrics exposition.c's, the page page.c's. */
#include "exporter/routes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/history_rows.h"
#include "core/snapshot.h"
#include "core/xalloc.h"
#include "exporter/admin.h"
#include "exporter/answers.h"
#include "exporter/exporter.h"
#include "exporter/exposition.h"
#include "exporter/gzip.h"
#include "exporter/listing.h"
#include "exporter/negotiate.h"
#include "exporter/page.h"
#include "exporter/pieces.h"
#include "exporter/process.h"

/* A body above this is an error, not an answer. */
enum { BODY_MAX = 256 << 20 };

#define PLAIN "text/plain; charset=utf-8"
#define HTML "text/html; charset=utf-8"
#define JSON "application/json"
#define READING ROUTES_READING

struct route {
	const char *path;		/* NULL: the telemetry path */
	const char *methods;		/* as the Allow header has them */
	const char *content_type;	/* NULL: the handler sets it */
	const char *vary;
	void (*answer)(const struct request *q, struct reply *r);
	const char *what;		/* NULL: the API does not list it */
};

/* What is made elsewhere, and what is measured at the scrape: in this order,
 * which is that of the table. */
static struct snap_sample *measure(const struct request *q, size_t *n_r)
{
	struct snap_sample *v = xcalloc(q->nmore + PROCESS_MAX_SAMPLES,
	    sizeof(*v));

	if (q->nmore > 0)
		memcpy(v, q->more, q->nmore * sizeof(*v));
	*n_r = q->nmore + process_samples(v + q->nmore);
	return v;
}

static void answer_metrics(const struct request *q, struct reply *r)
{
	enum exposition_format f = negotiate_format(q->accept);
	struct snap_sample *extra;
	struct exposition x = {
		.snapshot = q->snapshot,
		.wanted = q->filtered ? q->wanted : NULL,
	};

	if (q->snapshot == NULL) {
		r->status = 503;
		r->content_type = PLAIN;
		buf_adds(&r->body, "Not ready: the last known registrations "
		    "are not read yet. Ask again in a moment.\n");
		return;
	}
	x.extra = extra = measure(q, &x.nextra);
	r->content_type = exposition_content_type(f);
	r->gzipped = negotiate_gzip(q->accept_encoding);
	r->pieces = pieces_new(q->segments,
	    r->gzipped ? ENCODING_GZIP : ENCODING_PLAIN);
	exposition_write(&x, f, r->pieces);
	r->body.failed = !pieces_end(r->pieces);
	free(extra);
}

static void answer_page(const struct request *q, struct reply *r)
{
	page_write(q, &r->body);
}

static void answer_healthy(const struct request *q, struct reply *r)
{
	(void)q;
	buf_adds(&r->body, "rollcall is healthy.\n");
}

/* Watching and alerting go on without a disk, so rollcall is ready. */
static bool changes_wait(const struct snapshot *s)
{
	for (size_t i = 0; i < s->nsamples; i++)
		if (s->samples[i].metric == M_db_up)
			return s->samples[i].value == 0;
	return false;
}

static void answer_ready(const struct request *q, struct reply *r)
{
	if (q->stopping) {
		r->status = 503;
		buf_adds(&r->body, "rollcall is stopping.\n");
	} else if (q->snapshot == NULL) {
		r->status = 503;
		buf_adds(&r->body, "rollcall is starting.\n");
	} else {
		buf_adds(&r->body, "rollcall is ready.\n");
		if (changes_wait(q->snapshot))
			buf_adds(&r->body, "The database cannot be written:"
			    " changes wait in memory. The log says why.\n");
	}
}

/* Those in force and the last ones over, newest first. */
static void answer_windows(const struct request *q, struct reply *r)
{
	const struct window_list *l = q->snapshot ? q->snapshot->windows :
	    NULL;

	if (l == NULL) {
		routes_unavailable(r, "rollcall is starting");
		return;
	}
	buf_addc(&r->body, '[');
	for (size_t i = 0; i < l->n; i++) {
		buf_adds(&r->body, i > 0 ? ",\n" : "\n");
		row_json(&r->body, &window_rows, &l->v[i]);
	}
	buf_adds(&r->body, "\n]\n");
}

static void answer_listing(const struct request *q, struct reply *r);

/* The telemetry path may be any but those of the others
 * (exporter_has_path()). */
static const struct route routes[] = {
	{ NULL, READING, NULL, "Accept, Accept-Encoding", answer_metrics,
	  NULL },
	{ "/", READING, HTML, "Accept-Encoding", answer_page, NULL },
	{ "/-/healthy", READING, PLAIN, NULL, answer_healthy, NULL },
	{ "/-/ready", READING, PLAIN, NULL, answer_ready, NULL },
	{ "/api/registry/v1", READING, JSON, "Accept-Encoding",
	  answer_listing, NULL },
	{ ANSWERS_V1, READING, JSON, "Accept-Encoding", answer_listing,
	  "This list." },
	{ ANSWERS_V1 "maintenance", READING ", POST", JSON,
	  "Accept-Encoding", answer_windows,
	  "Maintenance windows, newest first; POST starts one." },
};

enum { ROUTES = sizeof(routes) / sizeof(routes[0]) };

static void answer_listing(const struct request *q, struct reply *r)
{
	struct listing l;

	listing_begin(&l, q->link_prefix, &r->body);
	for (size_t i = 0; i < ROUTES; i++)
		if (routes[i].what != NULL)
			listing_add(&l, routes[i].methods, routes[i].path, "",
			    routes[i].what);
	answers_list(&l);
	admin_list(&l);
	listing_end(&l);
}

bool exporter_has_path(const char *path)
{
	for (size_t i = 0; i < ROUTES; i++)
		if (routes[i].path != NULL &&
		    strcmp(routes[i].path, path) == 0)
			return true;
	return admin_methods(path) != NULL || answers_has_path(path);
}

static const struct route *find_route(const struct request *q)
{
	for (size_t i = 0; i < ROUTES; i++) {
		const char *path = routes[i].path;

		if (strcmp(q->path, path ? path : q->telemetry_path) == 0)
			return &routes[i];
	}
	return NULL;
}

/* True if the word is in a list like "GET, HEAD". */
static bool listed(const char *list, const char *word)
{
	size_t n = strlen(word), k;

	for (; *list != '\0'; list += k) {
		list += strspn(list, ", ");
		k = strcspn(list, ",");
		if (n > 0 && k == n && strncmp(list, word, n) == 0)
			return true;
	}
	return false;
}

void routes_error(struct reply *r_r, unsigned status, const char *type,
    const char *error, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, error);
	vsnprintf(text, sizeof(text), error, ap);
	va_end(ap);
	*r_r = (struct reply){
		.status = status, .content_type = JSON
	};
	buf_init(&r_r->body, BODY_MAX);
	buf_adds(&r_r->body, "{\"status\":\"error\",\"errorType\":");
	buf_add_json(&r_r->body, type);
	buf_adds(&r_r->body, ",\"error\":");
	buf_add_json(&r_r->body, text);
	buf_adds(&r_r->body, "}\n");
}

void routes_unavailable(struct reply *r_r, const char *why)
{
	routes_error(r_r, 503, "unavailable", "%s", why);
	r_r->retry_after = "5";
}

static void answer_wrong_method(const struct request *q, const char *methods,
    struct reply *r_r)
{
	routes_error(r_r, 405, "method_not_allowed",
	    "%.20s is not possible at %.200s: use %s", q->method, q->path,
	    methods);
	r_r->allow = methods;
}

void routes_pack(const char *accept_encoding, struct reply *r)
{
	if (r->pieces == NULL && r->status == 200 && r->vary != NULL &&
	    negotiate_gzip(accept_encoding))
		r->gzipped = gzip_buf(&r->body) == 0;
}

/* Of paths that are answered elsewhere, if the method is right. */
static const char *other_methods(const char *path)
{
	return answers_has_path(path) ? READING : admin_methods(path);
}

void routes_answer(const struct request *q, struct reply *r_r)
{
	const struct route *route = find_route(q);

	if (route == NULL && other_methods(q->path) != NULL) {
		answer_wrong_method(q, other_methods(q->path), r_r);
		return;
	}
	if (route == NULL) {
		routes_error(r_r, 404, "not_found", "no page at %.200s",
		    q->path);
		return;
	}
	if (!listed(route->methods, q->method)) {
		answer_wrong_method(q, route->methods, r_r);
		return;
	}
	*r_r = (struct reply){
		.status = 200,
		.content_type = route->content_type,
		.vary = route->vary,
	};
	buf_init(&r_r->body, BODY_MAX);
	route->answer(q, r_r);
	if (r_r->body.failed) {
		buf_free(&r_r->body);
		pieces_free(r_r->pieces);
		routes_error(r_r, 500, "internal",
		    "the answer is larger than %d MiB", BODY_MAX >> 20);
		return;
	}
	routes_pack(q->accept_encoding, r_r);
}
