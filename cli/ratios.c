/* rollcall_service_uptime_ratio and its coverage.  A thread asks history and
 * swaps in what came out, as samples that never change; HTTP's threads take
 * them from there for every scrape.  The loop has no part in it: with thousands
 * of services that would be a large part of each snapshot. */
#include "cli/ratios.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "core/buf.h"
#include "core/err.h"
#include "core/labels.h"
#include "core/log.h"
#include "core/snapshot.h"
#include "core/thread.h"
#include "core/xalloc.h"

enum {
	EVERY_MS = 60000, LIMIT_MS = 10000, FRESH_MS = 10000,
	FIRST_MS = 2000,		/* doubled until anything is known */
	COST_FACTOR = 20,		/* its share: 5 % of the time */
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

/* All uptimes, then all coverages. */
struct shown {
	atomic_uint refs;
	size_t n;
	struct snap_sample v[];
};

struct ratios {
	struct history_source source;
	int64_t every_ms;
	pthread_t thread;
	pthread_mutex_t mutex;		/* for the three below */
	pthread_cond_t stopping;
	struct shown *shown;		/* NULL: none */
	atomic_bool stop;
	bool started;
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

static struct shown *show(const struct list *l)
{
	struct shown *s = xcalloc(1, sizeof(*s) + 2 * l->n * sizeof(s->v[0]));

	atomic_init(&s->refs, 1);
	for (size_t i = 0; i < l->n; i++) {
		s->v[i] = (struct snap_sample){ M_service_uptime,
		    rstr_ref(l->v[i].labels), l->v[i].uptime };
		s->v[l->n + i] = (struct snap_sample){
		    M_service_uptime_coverage, rstr_ref(l->v[i].labels),
		    l->v[i].coverage };
	}
	s->n = 2 * l->n;
	return s;
}

static void shown_unref(struct shown *s)
{
	if (s == NULL || atomic_fetch_sub(&s->refs, 1) != 1)
		return;
	for (size_t i = 0; i < s->n; i++)
		rstr_unref(s->v[i].labels);
	free(s);
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

static void swap_in(struct ratios *r, struct shown *shown)
{
	struct shown *before;

	pthread_mutex_lock(&r->mutex);
	before = r->shown;
	r->shown = shown;
	pthread_mutex_unlock(&r->mutex);
	shown_unref(before);
}

/* What cannot be asked has no series: an old value would pass for a new one.
 * True if there are any. */
static bool refresh(struct ratios *r)
{
	struct filling f = { .window = NULL };
	struct err e = { "" };
	void *session = r->source.open(r->source.arg, &e);
	enum history_rc rc = HISTORY_FAILED;
	bool any;

	buf_init(&f.labels, LABELS_MAX);
	if (session != NULL) {
		r->session = session;
		r->source.limits(session, LIMIT_MS, look_for_stop, r);
		rc = ask(r, session, &f, &e);
		r->source.close(session);
	}
	if (rc != HISTORY_OK && !r->failing && !r->stop)
		log_warn("history cannot be asked for uptime: no uptime "
		    "metrics", LOG_S("error", e.text));
	r->failing = rc != HISTORY_OK;
	swap_in(r, rc == HISTORY_OK ? show(&f.list) : NULL);
	any = rc == HISTORY_OK && f.list.n > 0;
	buf_free(&f.labels);
	list_free(&f.list);
	return any;
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

/* Before that, the roll is what the last run left, or grows by the thousand. */
static bool anything_is_looked_at(void)
{
	struct snapshot *s = snapshot_acquire();
	bool is = false;

	for (size_t i = 0; s != NULL && i < s->nsamples; i++)
		is |= s->samples[i].metric == M_directory_looking &&
		    s->samples[i].value == 1;
	snapshot_release(s);
	return is;
}

/* How long to wait after a refresh that took so long. */
static int64_t pause_after(const struct ratios *r, int64_t wait, int64_t took)
{
	if (wait > r->every_ms)
		wait = r->every_ms;
	return wait > COST_FACTOR * took ? wait : COST_FACTOR * took;
}

static void *run(void *arg)
{
	struct ratios *r = arg;
	mono_t began = clock_mono();
	int64_t wait = pause_after(r, FIRST_MS, 0);

	while (!wait_for(r, wait)) {
		mono_t now = clock_mono();

		if (mono_since(began, now) < r->every_ms &&
		    !anything_is_looked_at())
			continue;
		wait = refresh(r) ? r->every_ms : wait * 2;
		wait = pause_after(r, wait, mono_since(now, clock_mono()));
	}
	return NULL;
}

struct ratios *ratios_new(const struct history_source *source,
    int64_t every_ms)
{
	struct ratios *r = xcalloc(1, sizeof(*r));
	pthread_condattr_t attributes;

	r->source = *source;
	r->every_ms = every_ms > 0 ? every_ms : EVERY_MS;
	pthread_mutex_init(&r->mutex, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&r->stopping, &attributes);
	pthread_condattr_destroy(&attributes);
	return r;
}

int ratios_start(struct ratios *r, struct err *e)
{
	if (thread_start(&r->thread, "uptime", run, r) != 0)
		return err_set(e, "no thread to ask history for uptime");
	r->started = true;
	return 0;
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
	if (r->started && !join(r)) {	/* and still looks at r */
		pthread_detach(r->thread);
		return;
	}
	shown_unref(r->shown);
	pthread_mutex_destroy(&r->mutex);
	pthread_cond_destroy(&r->stopping);
	free(r);
}

static const struct snap_sample *take(void *arg, size_t *n_r)
{
	struct ratios *r = arg;
	struct shown *s;

	pthread_mutex_lock(&r->mutex);
	s = r->shown;
	if (s != NULL)
		atomic_fetch_add(&s->refs, 1);
	pthread_mutex_unlock(&r->mutex);
	*n_r = s != NULL ? s->n : 0;
	return s != NULL ? s->v : NULL;
}

static void give_back(const struct snap_sample *v)
{
	if (v != NULL)
		shown_unref((struct shown *)((uintptr_t)v -
		    offsetof(struct shown, v)));
}

struct exporter_samples ratios_samples(struct ratios *r)
{
	return (struct exporter_samples){ take, give_back, r };
}
