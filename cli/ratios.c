/* rollcall_service_uptime_ratio and its coverage.  A thread asks history and
 * swaps in what came out; the loop takes it from there with every snapshot.
 * Neither ever waits for the other's work. */
#include "cli/ratios.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "core/buf.h"
#include "core/err.h"
#include "core/labels.h"
#include "core/log.h"
#include "core/snapshot.h"
#include "core/xalloc.h"

enum {
	EVERY_MS = 60000, LIMIT_MS = 10000, FRESH_MS = 10000,
	FIRST_MS = 2000,		/* doubled until anything is known */
	LABELS_MAX = 64 << 10,
	STOP_MS = 300,			/* for the disk, at a stop */
};

#define DAY_MS INT64_C(86400000)

static const struct {
	const char *name;
	int64_t ms;
} windows[] = {
	{ "1d", DAY_MS }, { "7d", 7 * DAY_MS }, { "30d", 30 * DAY_MS },
};

struct ratio {
	struct rstr *labels;
	double uptime, coverage;
};

struct list {
	struct ratio *v;
	size_t n, cap;
};

struct ratios {
	struct history_source source;
	int64_t every_ms;
	pthread_t thread;
	pthread_mutex_t mutex;		/* for the two below */
	pthread_cond_t stopping;
	struct list shown;
	atomic_bool stop;
	bool failing;			/* the thread's own, as is */
	void *session;			/* this, while it asks */
};

static void list_free(struct list *l)
{
	for (size_t i = 0; i < l->n; i++)
		rstr_unref(l->v[i].labels);
	free(l->v);
	*l = (struct list){ NULL, 0, 0 };
}

struct filling {
	struct list list;
	const char *window;
	struct buf labels;
};

static bool add(const struct history_uptime *row, void *arg)
{
	struct filling *f = arg;
	struct list *l = &f->list;

	if (row->coverage <= 0)
		return true;
	if (l->n == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 64;
		l->v = xreallocarray(l->v, l->cap, sizeof(*l->v));
	}
	buf_reset(&f->labels);
	labels_render_pair(&f->labels, "etcd_cluster", row->cluster);
	buf_addc(&f->labels, ',');
	labels_render_pair(&f->labels, "service_name", row->service);
	buf_addf(&f->labels, ",window=\"%s\"", f->window);
	l->v[l->n++] = (struct ratio){
		rstr_new(buf_str(&f->labels)), row->uptime, row->coverage
	};
	return true;
}

static enum history_rc ask(struct ratios *r, void *session,
    struct filling *f, struct err *e)
{
	wall_t since, until, now = clock_wall();
	enum history_rc rc = r->source.looked(session, &since, &until, e);

	if (until.ms < now.ms && until.ms >= now.ms - FRESH_MS)
		now = until;
	for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]) &&
	    rc == HISTORY_OK; i++) {
		const wall_t edges[] = { wall_add(now, -windows[i].ms), now };
		const struct history_uptime_query q = {
			.of = HISTORY_SERVICES, .edges = edges, .nedges = 2,
			.min_instances = -1,
		};

		f->window = windows[i].name;
		rc = r->source.uptime(session, &q, add, f, e);
	}
	return rc;
}

/* Called by the source while it is at a query. */
static void look_for_stop(double share, void *arg)
{
	struct ratios *r = arg;

	(void)share;
	if (r->stop)
		r->source.limits(r->session, 1, NULL, NULL);
}

/* What cannot be asked has no series: an old value would pass for a new
 * one. */
static void refresh(struct ratios *r)
{
	struct filling f = { .window = NULL };
	struct err e = { "" };
	void *session = r->source.open(r->source.arg, &e);
	enum history_rc rc = HISTORY_FAILED;
	struct list before;

	buf_init(&f.labels, LABELS_MAX);
	if (session != NULL) {
		r->session = session;
		r->source.limits(session, LIMIT_MS, look_for_stop, r);
		rc = ask(r, session, &f, &e);
		r->source.close(session);
	}
	if (rc != HISTORY_OK) {
		list_free(&f.list);
		if (!r->failing && !r->stop)
			log_warn("history cannot be asked for uptime: no "
			    "uptime metrics", LOG_S("error", e.text));
	}
	r->failing = rc != HISTORY_OK;
	buf_free(&f.labels);
	pthread_mutex_lock(&r->mutex);
	before = r->shown;
	r->shown = f.list;
	pthread_mutex_unlock(&r->mutex);
	list_free(&before);
}

/* True when it is time to stop. */
static bool wait_for(struct ratios *r, int64_t ms)
{
	struct timespec until;
	int rc = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += ms % 1000 * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&r->mutex);
	while (!r->stop && rc != ETIMEDOUT)
		rc = pthread_cond_timedwait(&r->stopping, &r->mutex, &until);
	pthread_mutex_unlock(&r->mutex);
	return rc != ETIMEDOUT;
}

static void *run(void *arg)
{
	struct ratios *r = arg;
	int64_t wait = FIRST_MS;

	while (!wait_for(r, wait < r->every_ms ? wait : r->every_ms)) {
		refresh(r);
		wait = r->shown.n > 0 ? r->every_ms : wait * 2;
	}
	return NULL;
}

struct ratios *ratios_start(const struct history_source *source,
    int64_t every_ms, struct err *e)
{
	struct ratios *r = xcalloc(1, sizeof(*r));
	pthread_condattr_t attributes;
	sigset_t all, before;
	int rc;

	r->source = *source;
	r->every_ms = every_ms > 0 ? every_ms : EVERY_MS;
	pthread_mutex_init(&r->mutex, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&r->stopping, &attributes);
	pthread_condattr_destroy(&attributes);
	/* Signals belong to the loop. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&r->thread, NULL, run, r);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc == 0) {
		pthread_setname_np(r->thread, "uptime");
		return r;
	}
	err_set(e, "no thread to ask history for uptime");
	free(r);
	return NULL;
}

/* False: it hangs in a call to the disk. */
static bool join(struct ratios *r)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += STOP_MS * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	return pthread_timedjoin_np(r->thread, NULL, &until) == 0;
}

void ratios_stop(struct ratios *r)
{
	if (r == NULL)
		return;
	pthread_mutex_lock(&r->mutex);
	r->stop = true;
	pthread_cond_signal(&r->stopping);
	pthread_mutex_unlock(&r->mutex);
	if (!join(r)) {			/* and still looks at r */
		pthread_detach(r->thread);
		return;
	}
	list_free(&r->shown);
	pthread_mutex_destroy(&r->mutex);
	pthread_cond_destroy(&r->stopping);
	free(r);
}

void ratios_samples(void *arg, struct sample_sink *s)
{
	struct ratios *r = arg;

	pthread_mutex_lock(&r->mutex);
	for (size_t i = 0; i < r->shown.n; i++) {
		const struct ratio *one = &r->shown.v[i];

		if (!isnan(one->uptime))
			sample_add_shared(s, M_service_uptime, one->uptime,
			    one->labels);
		sample_add_shared(s, M_service_uptime_coverage, one->coverage,
		    one->labels);
	}
	pthread_mutex_unlock(&r->mutex);
}
