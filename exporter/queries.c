/* A queue of questions to history and the threads that answer them.  Each has
 * a session of its own, opened when it is first needed and again after it
 * failed: the file may have been away for a while.  Knows nothing of HTTP:
 * that is answering.c. */
#include "exporter/queries.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "core/err.h"
#include "core/history.h"
#include "core/xalloc.h"

struct query {
	TAILQ_ENTRY(query) link;
	struct query_work work;
	struct queries *queries;
	bool running, run, done, released;
};

struct queries {
	struct history_source source;
	int64_t limit_ms;
	pthread_t threads[QUERIES_THREADS];
	size_t nthreads, waiting;
	pthread_mutex_t mutex;		/* for all of this, and each query's
					   flags */
	pthread_cond_t come;
	TAILQ_HEAD(, query) queue;
	bool stop;
};

static void query_free(struct query *q)
{
	q->work.drop(q->work.arg);
	free(q);
}

/* The mutex is held, and is held again afterwards. */
static void run_one(struct queries *qs, struct query *q, void **session)
{
	struct err e = { "" };
	bool gone;

	q->running = true;
	pthread_mutex_unlock(&qs->mutex);
	if (*session == NULL)
		*session = qs->source.open(qs->source.arg, &e);
	if (*session != NULL)
		qs->source.limits(*session, qs->limit_ms, NULL, NULL);
	q->work.run(*session, &qs->source, &e, q->work.arg);
	pthread_mutex_lock(&qs->mutex);
	q->running = false;
	q->run = q->done = true;
	gone = q->released;
	if (gone)
		query_free(q);
	else
		q->work.wake(q->work.asker);
}

static void *run(void *arg)
{
	struct queries *qs = arg;
	void *session = NULL;

	pthread_mutex_lock(&qs->mutex);
	for (;;) {
		struct query *q = TAILQ_FIRST(&qs->queue);

		if (q == NULL && qs->stop)
			break;
		if (q == NULL) {
			pthread_cond_wait(&qs->come, &qs->mutex);
			continue;
		}
		TAILQ_REMOVE(&qs->queue, q, link);
		qs->waiting--;
		run_one(qs, q, &session);
	}
	pthread_mutex_unlock(&qs->mutex);
	if (session != NULL)
		qs->source.close(session);
	return NULL;
}

/* Signals belong to the loop. */
static int start_threads(struct queries *qs)
{
	sigset_t all, before;
	int rc = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (qs->nthreads < QUERIES_THREADS && rc == 0) {
		rc = pthread_create(&qs->threads[qs->nthreads], NULL, run,
		    qs);
		if (rc == 0)
			pthread_setname_np(qs->threads[qs->nthreads++],
			    "query");
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

struct queries *queries_new(const struct history_source *source,
    int64_t limit_ms, struct err *e)
{
	struct queries *qs = xcalloc(1, sizeof(*qs));

	qs->source = *source;
	qs->limit_ms = limit_ms > 0 ? limit_ms : QUERIES_LIMIT_MS;
	pthread_mutex_init(&qs->mutex, NULL);
	pthread_cond_init(&qs->come, NULL);
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

/* Who still waits is woken without an answer; a query that is woken stays in
 * nobody's queue. */
void queries_stop(struct queries *qs)
{
	struct query *q;

	pthread_mutex_lock(&qs->mutex);
	qs->stop = true;
	while ((q = TAILQ_FIRST(&qs->queue)) != NULL) {
		TAILQ_REMOVE(&qs->queue, q, link);
		qs->waiting--;
		q->done = true;
		q->work.wake(q->work.asker);
	}
	pthread_cond_broadcast(&qs->come);
	pthread_mutex_unlock(&qs->mutex);
	for (size_t i = 0; i < qs->nthreads; i++)
		pthread_join(qs->threads[i], NULL);
	qs->nthreads = 0;
}

void queries_free(struct queries *qs)
{
	if (qs == NULL)
		return;
	pthread_mutex_destroy(&qs->mutex);
	pthread_cond_destroy(&qs->come);
	free(qs);
}
