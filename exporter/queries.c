/* A queue of questions to history and the threads that answer them.  Each has
 * a session of its own, opened when it is first needed, and tried again if that
 * failed: the file may not be there yet.  Whoever has waited for as long as a
 * query may take is sent away, since who asked may be gone by then.  Knows
 * nothing of HTTP: that is lookup.c. */
#include "exporter/queries.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <time.h>

#include "core/clock.h"
#include "core/err.h"
#include "core/history.h"
#include "core/log.h"
#include "core/thread.h"
#include "core/xalloc.h"

struct query {
	TAILQ_ENTRY(query) link;
	struct query_work work;
	struct queries *queries;
	mono_t patience;		/* until when it may wait */
	bool running, run, done, released;
};

/* One of the threads, and what it is at. */
struct runner {
	struct queries *queries;
	void *session;
	struct query *query;		/* the present one, or NULL */
	bool cut;			/* it was, by a stop */
	bool ended;
	pthread_t thread;
};

struct queries {
	struct history_source source;
	int64_t limit_ms;
	struct runner runners[QUERIES_THREADS];
	size_t nrunners, waiting;
	pthread_mutex_t mutex;		/* for all of this, and each query's
					   flags; held during wake() */
	pthread_cond_t come, gone;	/* queries; runners */
	TAILQ_HEAD(, query) queue;
	size_t nended;			/* runners */
	atomic_bool stop;
	bool freed;			/* by all but runners that hang */
};

static void query_free(struct query *q)
{
	q->work.drop(q->work.arg);
	free(q);
}

/* Called by the source every now and then while it is at a query. */
static void look_for_stop(double share, void *runner)
{
	struct runner *r = runner;

	(void)share;
	if (!r->queries->stop)
		return;
	r->cut = true;
	r->queries->source.limits(r->session, 1, NULL, NULL);
}

static void answer(struct runner *r, const struct query_work *w)
{
	const struct history_source *source = &r->queries->source;
	struct err e = { "" };

	r->cut = false;
	if (r->session == NULL)
		r->session = source->open(source->arg, &e);
	if (r->session != NULL)
		source->limits(r->session, r->queries->limit_ms,
		    look_for_stop, r);
	w->run(r->session, source, &e, w->arg);
}

/* The mutex is held.  Whoever asked may be gone, or is woken, if that was not
 * done at the stop. */
static void finish(struct query *q, bool was_run)
{
	bool woken = q->done;

	q->running = false;
	q->run = was_run && !woken;
	q->done = true;
	if (q->released)
		query_free(q);
	else if (!woken)
		q->work.wake(q->work.asker);
}

/* The mutex is held, and is held again afterwards. */
static void run_one(struct runner *r, struct query *q)
{
	q->running = true;
	r->query = q;
	pthread_mutex_unlock(&r->queries->mutex);
	answer(r, &q->work);
	pthread_mutex_lock(&r->queries->mutex);
	r->query = NULL;
	finish(q, !r->cut);
}

/* The mutex is held. */
static void run_all(struct runner *r)
{
	struct queries *qs = r->queries;

	for (;;) {
		struct query *q = TAILQ_FIRST(&qs->queue);

		if (q == NULL && qs->stop)
			return;
		if (q == NULL) {
			pthread_cond_wait(&qs->come, &qs->mutex);
			continue;
		}
		TAILQ_REMOVE(&qs->queue, q, link);
		qs->waiting--;
		if (mono_due(q->patience, clock_mono()))
			finish(q, false);
		else
			run_one(r, q);
	}
}

static void destroy(struct queries *qs)
{
	pthread_mutex_destroy(&qs->mutex);
	pthread_cond_destroy(&qs->come);
	pthread_cond_destroy(&qs->gone);
	free(qs);
}

static void *run(void *arg)
{
	struct runner *r = arg;
	struct queries *qs = r->queries;
	bool last;

	pthread_mutex_lock(&qs->mutex);
	run_all(r);
	pthread_mutex_unlock(&qs->mutex);
	if (r->session != NULL)
		qs->source.close(r->session);
	pthread_mutex_lock(&qs->mutex);
	r->ended = true;
	qs->nended++;
	pthread_cond_signal(&qs->gone);
	last = qs->freed && qs->nended == qs->nrunners;
	pthread_mutex_unlock(&qs->mutex);
	if (last)
		destroy(qs);
	return NULL;
}

static int start_threads(struct queries *qs)
{
	while (qs->nrunners < QUERIES_THREADS) {
		struct runner *r = &qs->runners[qs->nrunners];
		int rc;

		r->queries = qs;
		rc = thread_start(&r->thread, "query", run, r);
		if (rc != 0)
			return rc;
		qs->nrunners++;
	}
	return 0;
}

static void init_conditions(struct queries *qs)
{
	pthread_condattr_t monotonic;

	pthread_mutex_init(&qs->mutex, NULL);
	pthread_cond_init(&qs->come, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&qs->gone, &monotonic);
	pthread_condattr_destroy(&monotonic);
}

struct queries *queries_new(const struct history_source *source,
    int64_t limit_ms, struct err *e)
{
	struct queries *qs = xcalloc(1, sizeof(*qs));

	qs->source = *source;
	qs->limit_ms = limit_ms > 0 ? limit_ms : QUERIES_LIMIT_MS;
	init_conditions(qs);
	TAILQ_INIT(&qs->queue);
	if (start_threads(qs) == 0)
		return qs;
	err_set(e, "no thread to answer questions to history");
	queries_stop(qs);
	queries_free(qs);
	return NULL;
}

struct query *queries_start(struct queries *qs, const struct query_work *w)
{
	struct query *q = NULL;

	pthread_mutex_lock(&qs->mutex);
	if (!qs->stop && qs->waiting < QUERIES_MAX) {
		q = xcalloc(1, sizeof(*q));
		q->work = *w;
		q->queries = qs;
		q->patience = mono_add(clock_mono(), qs->limit_ms);
		TAILQ_INSERT_TAIL(&qs->queue, q, link);
		qs->waiting++;
		pthread_cond_signal(&qs->come);
	}
	pthread_mutex_unlock(&qs->mutex);
	return q;
}

bool query_was_run(struct query *q)
{
	bool was;

	pthread_mutex_lock(&q->queries->mutex);
	was = q->run;
	pthread_mutex_unlock(&q->queries->mutex);
	return was;
}

void query_release(struct query *q)
{
	struct queries *qs;
	bool running;

	if (q == NULL)
		return;
	qs = q->queries;
	pthread_mutex_lock(&qs->mutex);
	q->released = true;
	running = q->running;
	if (!running && !q->done) {
		TAILQ_REMOVE(&qs->queue, q, link);
		qs->waiting--;
	}
	pthread_mutex_unlock(&qs->mutex);
	if (!running)
		query_free(q);
}

/* --- the end --- */

/* The mutex is held.  A query that is woken stays in nobody's queue. */
static void give_up_queue(struct queries *qs)
{
	struct query *q;

	while ((q = TAILQ_FIRST(&qs->queue)) != NULL) {
		TAILQ_REMOVE(&qs->queue, q, link);
		qs->waiting--;
		q->done = true;
		q->work.wake(q->work.asker);
	}
}

/* The same.  True if all have ended. */
static bool wait_for_runners(struct queries *qs)
{
	struct timespec until;
	int rc = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += QUERIES_STOP_MS * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	while (qs->nended < qs->nrunners && rc != ETIMEDOUT)
		rc = pthread_cond_timedwait(&qs->gone, &qs->mutex, &until);
	return qs->nended == qs->nrunners;
}

/* The same.  It hangs in a call to the disk: whoever waits for it does so no
 * longer. */
static void give_up_runner(struct runner *r)
{
	struct query *q = r->query;

	if (q == NULL || q->done)
		return;
	q->done = true;
	if (!q->released)
		q->work.wake(q->work.asker);
}

void queries_stop(struct queries *qs)
{
	bool ended[QUERIES_THREADS] = { false }, all;

	pthread_mutex_lock(&qs->mutex);
	qs->stop = true;
	give_up_queue(qs);
	pthread_cond_broadcast(&qs->come);
	all = wait_for_runners(qs);
	for (size_t i = 0; i < qs->nrunners; i++) {
		ended[i] = qs->runners[i].ended;
		give_up_runner(&qs->runners[i]);
	}
	pthread_mutex_unlock(&qs->mutex);
	if (!all)
		log_error("stopping without an answer from history: does its "
		    "disk hang?");
	for (size_t i = 0; i < qs->nrunners; i++)
		if (ended[i])
			pthread_join(qs->runners[i].thread, NULL);
		else
			pthread_detach(qs->runners[i].thread);
}

void queries_free(struct queries *qs)
{
	bool last;

	if (qs == NULL)
		return;
	pthread_mutex_lock(&qs->mutex);
	qs->freed = true;
	last = qs->nended == qs->nrunners;
	pthread_mutex_unlock(&qs->mutex);
	if (last)
		destroy(qs);
}
