/* The HTTP server: libmicrohttpd with two threads per listen address.  It
 * turns a connection into a struct request, lets routes.c answer it from the
 * present snapshot, and sends the reply (respond.c).  What is said at which
 * path is not its business, and it touches nothing that belongs to the loop. */
#include "exporter/exporter.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/clock.h"
#include "core/err.h"
#include "core/log.h"
#include "core/snapshot.h"
#include "core/thread.h"
#include "core/xalloc.h"
#include "exporter/admin.h"
#include "exporter/answers.h"
#include "exporter/calls.h"
#include "exporter/exposition.h"
#include "exporter/listen.h"
#include "exporter/lookup.h"
#include "exporter/negotiate.h"
#include "exporter/pieces.h"
#include "exporter/queries.h"
#include "exporter/respond.h"
#include "exporter/routes.h"
#include "exporter/scrape.h"
#include "exporter/segments.h"
#include "exporter/sending.h"
#include "exporter/upload.h"
#include "exporter/visit.h"

enum {
	THREADS = 2,
	MAX_CONNECTIONS = 256,
	IDLE_S = 30,
	TOTAL_S = 120,
	MAX_IGNORED_BODY = 64 << 10,
	LARGE_BLOCKS = 64,		/* written anew in some 5 ms */
	/* Half of it is for what was read, such as some 3000 edges: room for
	 * pieces (respond.c), fields, cookies and the headers of the answer in
	 * the other. */
	CONNECTION_MEMORY = 96 << 10,
	LOG_INTERVAL_MS = 1000,
	FAREWELLS = 100,		/* of 5 ms each, at the stop */
};

struct exporter {
	struct MHD_Daemon **daemons;
	char **addresses;
	size_t n;
	char *telemetry_path, *link_prefix;
	unsigned idle_s;
	struct segments *segments;
	struct scrapes *scrapes;
	struct sendings *sendings;
	struct upload_shared uploads;	/* admin NULL: nothing changes */
	struct queries *queries;	/* NULL: no history */
	struct exporter_samples more;
	atomic_int visits;		/* uploads, lookups and scrapes */
	atomic_bool stopping;
};

/* The state of a connection whose request is answered at once. */
static struct visit reading;

static void log_library(void *arg, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));

/* What libmicrohttpd has to say.  Clients can provoke it at will, so one line
 * a second is enough. */
static void log_library(void *arg, const char *fmt, va_list ap)
{
	static _Atomic int64_t next;
	int64_t now = clock_mono().ms;
	char text[256];

	(void)arg;
	if (now < next)
		return;
	next = now + LOG_INTERVAL_MS;
	vsnprintf(text, sizeof(text), fmt, ap);
	text[strcspn(text, "\r\n")] = '\0';
	log_warn("http server", LOG_S("err", text));
}

static const char *header(struct MHD_Connection *c, const char *name)
{
	return MHD_lookup_connection_value(c, MHD_HEADER_KIND, name);
}

/* For each parameter of the query: collects name[]. */
static enum MHD_Result take_parameter(void *arg, enum MHD_ValueKind kind,
    const char *key, const char *value)
{
	struct request *q = arg;
	enum metric_id id;

	(void)kind;
	if (strcmp(key, "name[]") != 0 || value == NULL)
		return MHD_YES;
	q->filtered = true;
	if (exposition_find(value, &id))
		q->wanted[id] = true;
	return MHD_YES;
}

/* No other request has use for a body: a short one is read and ignored, another
 * refused before it is read.  True if it was refused. */
static bool refuse_body(struct exporter *x, struct MHD_Connection *c,
    enum MHD_Result *done_r)
{
	struct reply r;

	if (header(c, "Transfer-Encoding") != NULL)
		routes_error(&r, 400, "bad_data",
		    "a request body is of no use here");
	else if (respond_body_length(c) > MAX_IGNORED_BODY)
		routes_error(&r, 413, "bad_data",
		    "a request body is of no use here");
	else
		return false;
	*done_r = respond(x->sendings, c, &r);
	return true;
}

static struct request read_request(const struct exporter *x,
    struct MHD_Connection *c, const char *path, const char *method)
{
	struct request q = {
		.method = method,
		.path = path,
		.accept = header(c, "Accept"),
		.accept_encoding = header(c, "Accept-Encoding"),
		.segments = x->segments,
		.telemetry_path = x->telemetry_path,
		.link_prefix = x->link_prefix,
	};

	MHD_get_connection_values(c, MHD_GET_ARGUMENT_KIND, take_parameter,
	    &q);
	return q;
}

/* In any thread. */
static void write_answer(void *arg, struct request *q, struct reply *r_r)
{
	struct exporter *x = arg;
	struct snapshot *s = snapshot_acquire();
	bool more = x->more.take != NULL &&
	    strcmp(q->path, x->telemetry_path) == 0;

	q->snapshot = s;
	q->stopping = x->stopping;
	if (more)
		q->more = x->more.take(x->more.arg, &q->nmore);
	routes_answer(q, r_r);
	if (more)
		x->more.give_back(q->more);
	snapshot_release(s);
}

static enum MHD_Result send_answer(struct exporter *x,
    struct MHD_Connection *c, struct reply *r)
{
	if (r->pieces != NULL && respond_is_unusual(c)) {
		pieces_free(r->pieces);
		routes_error(r, 431, "bad_data", "the headers or the body "
		    "of this request are too long");
	}
	return respond(x->sendings, c, r);
}

/* True if the answer may take too long for a thread of HTTP to write it. */
static bool takes_long(const struct exporter *x, const struct request *q)
{
	enum encoding e = negotiate_gzip(q->accept_encoding) ?
	    ENCODING_GZIP : ENCODING_PLAIN;
	struct snapshot *s;
	bool large;

	if (strcmp(q->path, x->telemetry_path) != 0)
		return false;
	s = snapshot_acquire();
	large = s != NULL &&
	    s->instances->n + s->services->n > LARGE_BLOCKS &&
	    !segments_ready(x->segments, s, e);
	snapshot_release(s);
	return large;
}

/* The first call at the end of a body that is ignored, another when the
 * connection was woken. */
static enum MHD_Result handle_plain(struct exporter *x,
    struct MHD_Connection *c, const char *path, const char *method,
    void **state)
{
	struct request q;
	struct reply r;

	if (*state == &reading) {
		q = read_request(x, c, path, method);
		if (!takes_long(x, &q)) {
			write_answer(x, &q, &r);
			return send_answer(x, c, &r);
		}
		*state = scrape_new(x->scrapes, c, &q);
		atomic_fetch_add(&x->visits, 1);
	}
	return scrape_answer(*state, &r) ? send_answer(x, c, &r) : MHD_YES;
}

/* The same calls for a request that changes something; between the last two the
 * connection may have been asleep. */
static enum MHD_Result handle_change(struct exporter *x,
    struct MHD_Connection *c, const char *path, const char *method,
    const char *upload, size_t *upload_n, void **state)
{
	struct reply r;

	if (*state == NULL) {
		*state = upload_new(&x->uploads, c, method, &r);
		if (*state == NULL)
			return respond(x->sendings, c, &r);
		atomic_fetch_add(&x->visits, 1);
		return MHD_YES;
	}
	if (*upload_n > 0) {
		upload_add(*state, upload, *upload_n);
		*upload_n = 0;
		return MHD_YES;
	}
	return upload_answer(*state, method, path, &r) ?
	    respond(x->sendings, c, &r) : MHD_YES;
}

/* The first call after the headers, the second at the end of a body that is
 * ignored, the last when the connection was woken. */
static enum MHD_Result handle_lookup(struct exporter *x,
    struct MHD_Connection *c, const char *path, void **state)
{
	struct reply r;

	if (*state == &reading) {
		*state = lookup_new(x->queries, c, path, x->link_prefix, &r);
		if (*state == NULL) {
			*state = &reading;
			return respond(x->sendings, c, &r);
		}
		atomic_fetch_add(&x->visits, 1);
	}
	return lookup_answer(*state, &r) ?
	    respond(x->sendings, c, &r) : MHD_YES;
}

static bool reads(const char *method)
{
	return strcmp(method, MHD_HTTP_METHOD_GET) == 0 ||
	    strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
}

static void completed(void *arg, struct MHD_Connection *c, void **state,
    enum MHD_RequestTerminationCode code)
{
	const struct visit *visit = *state;
	struct exporter *x = arg;

	(void)c;
	(void)code;
	if (visit == NULL || visit->free == NULL)
		return;
	visit->free(*state);
	atomic_fetch_sub(&x->visits, 1);
}

/* Who was woken at the end gets an answer, unless it does not read. */
static void let_visitors_leave(struct exporter *x)
{
	const struct timespec moment = { .tv_nsec = 5000000 };

	for (int i = 0; i < FAREWELLS && atomic_load(&x->visits) > 0; i++)
		nanosleep(&moment, NULL);
}

/* libmicrohttpd calls this once with the headers, then for each piece of a
 * body, then once more at its end. */
static enum MHD_Result handle(void *arg, struct MHD_Connection *c,
    const char *path, const char *method, const char *version,
    const char *upload, size_t *upload_n, void **state)
{
	struct exporter *x = arg;
	enum MHD_Result done;

	(void)version;
	if (x->uploads.admin != NULL && admin_is(method, path))
		return handle_change(x, c, path, method, upload, upload_n,
		    state);
	if (*state == NULL) {
		*state = &reading;
		return refuse_body(arg, c, &done) ? done : MHD_YES;
	}
	if (*upload_n > 0) {
		*upload_n = 0;
		return MHD_YES;
	}
	if (x->queries != NULL && reads(method) && answers_has_path(path))
		return handle_lookup(x, c, path, state);
	return handle_plain(x, c, path, method, state);
}

/* Starts a daemon on fd, which is its from here on.  Its threads take no
 * signals: those are the loop's. */
static struct MHD_Daemon *start_daemon(struct exporter *x, int fd)
{
	struct MHD_Daemon *d;
	sigset_t before;

	thread_block_signals(&before);
	d = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC |
	    MHD_USE_ERROR_LOG | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
	    handle, x,
	    MHD_OPTION_EXTERNAL_LOGGER, log_library, NULL,
	    MHD_OPTION_NOTIFY_COMPLETED, completed, x,
	    MHD_OPTION_LISTEN_SOCKET, fd,
	    MHD_OPTION_THREAD_POOL_SIZE, (unsigned)THREADS,
	    MHD_OPTION_CONNECTION_LIMIT, (unsigned)MAX_CONNECTIONS,
	    MHD_OPTION_CONNECTION_TIMEOUT, x->idle_s,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
	    MHD_OPTION_END);
	thread_restore_signals(&before);
	return d;
}

static int start_at(struct exporter *x, const char *address, struct err *e)
{
	int fd = listen_open(address, &x->addresses[x->n], e);

	if (fd < 0)
		return -1;
	x->daemons[x->n] = start_daemon(x, fd);
	if (x->daemons[x->n++] == NULL)
		return err_set(e, "listen at %s: the HTTP server could not "
		    "be started", address);
	log_info("listening", LOG_S("address", x->addresses[x->n - 1]));
	return 0;
}

/* "/roll" of "https://example.org/roll/", "" without a path. */
static char *prefix_of(const char *url)
{
	const char *at = url != NULL ? strstr(url, "://") : NULL;
	size_t n;

	at = at != NULL ? at + 3 : url;
	at = at != NULL ? strchr(at, '/') : NULL;
	if (at == NULL)
		return xstrdup("");
	n = strcspn(at, "?#");
	while (n > 0 && at[n - 1] == '/')
		n--;
	return xstrndup(at, n);
}

struct exporter *exporter_start(const struct exporter_options *o,
    struct err *e)
{
	struct exporter *x;

	if (o->telemetry_path[0] != '/') {
		err_set(e, "telemetry path \"%s\": must begin with /",
		    o->telemetry_path);
		return NULL;
	}
	x = xcalloc(1, sizeof(*x));
	x->daemons = xcalloc(o->listen.n, sizeof(struct MHD_Daemon *));
	x->addresses = xcalloc(o->listen.n, sizeof(char *));
	x->telemetry_path = xstrdup(o->telemetry_path);
	x->link_prefix = prefix_of(o->external_url);
	x->idle_s = o->idle_s > 0 ? o->idle_s : IDLE_S;
	x->more = o->more;
	x->uploads = (struct upload_shared){
		.admin = o->admin, .enabled = o->admin_api,
	};
	if (o->admin != NULL)
		x->uploads.calls = calls_new(o->loop, o->admin_limit_ms);
	if (o->history != NULL)
		x->queries = queries_new(o->history, o->query_limit_ms, e);
	if (o->history != NULL && x->queries == NULL) {
		exporter_stop(x);
		return NULL;
	}
	x->scrapes = scrapes_new(write_answer, x);
	x->segments = segments_new();
	x->sendings = sendings_new(x->segments,
	    o->total_s > 0 ? o->total_s : TOTAL_S);
	if (x->sendings == NULL) {
		err_set(e, "the HTTP server could not be started: no thread");
		exporter_stop(x);
		return NULL;
	}
	for (size_t i = 0; i < o->listen.n; i++)
		if (start_at(x, o->listen.v[i], e) != 0) {
			exporter_stop(x);
			return NULL;
		}
	return x;
}

const char *exporter_address(const struct exporter *x, size_t i)
{
	return i < x->n ? x->addresses[i] : NULL;
}

void exporter_stopping(struct exporter *x)
{
	x->stopping = true;
}

void exporter_stop(struct exporter *x)
{
	if (x == NULL)
		return;
	if (x->uploads.calls != NULL)
		calls_stop(x->uploads.calls);
	if (x->queries != NULL)
		queries_stop(x->queries);
	if (x->scrapes != NULL)
		scrapes_stop(x->scrapes);
	let_visitors_leave(x);
	for (size_t i = 0; i < x->n; i++) {
		if (x->daemons[i] != NULL)
			MHD_stop_daemon(x->daemons[i]);
		free(x->addresses[i]);
	}
	calls_free(x->uploads.calls);
	queries_free(x->queries);
	scrapes_free(x->scrapes);
	sendings_free(x->sendings);
	segments_free(x->segments);
	free(x->daemons);
	free(x->addresses);
	free(x->telemetry_path);
	free(x->link_prefix);
	free(x);
}
