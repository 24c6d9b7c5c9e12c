/* The queue between the loop and the writer, and what happens when it grows
 * because the disk is slow, full or hung.  First statistics are dropped.  Far
 * above that, new units are merged into the last one that waits (unit.c), so
 * that memory is bounded by how many rows there are, not by how often they
 * change.  Units that the writer has taken are out of reach of all this. */
#include "db/queue.h"

#include <pthread.h>
#include <stdlib.h>

#include "core/xalloc.h"

struct queue {
	pthread_mutex_t mutex;
	struct units units;
	struct queue_limits limits;
	struct queue_counts counts;
};

struct queue *queue_new(const struct queue_limits *limits)
{
	struct queue *q = xcalloc(1, sizeof(*q));

	pthread_mutex_init(&q->mutex, NULL);
	TAILQ_INIT(&q->units);
	q->limits = limits != NULL ? *limits : (struct queue_limits){
		1000, 16 << 20, 64 << 20 };
	return q;
}

static void free_units(struct units *units)
{
	struct unit *u;

	while ((u = TAILQ_FIRST(units)) != NULL) {
		TAILQ_REMOVE(units, u, link);
		unit_free(u);
	}
}

void queue_free(struct queue *q)
{
	if (q == NULL)
		return;
	free_units(&q->units);
	pthread_mutex_destroy(&q->mutex);
	free(q);
}

static bool crowded(const struct queue *q)
{
	return q->counts.units > q->limits.statistics_units ||
	    q->counts.bytes > q->limits.statistics_bytes;
}

/* An empty unit only waits for those before it to be acknowledged. */
static void push_empty(struct queue *q, struct unit *u)
{
	struct unit *last = TAILQ_LAST(&q->units, units);

	last->number = u->number;
	unit_free(u);
}

static void push_merged(struct queue *q, struct unit *u)
{
	struct unit *last = TAILQ_LAST(&q->units, units);
	size_t before = unit_bytes(last);

	q->counts.transitions_collapsed += unit_merge(last, u);
	q->counts.bytes += unit_bytes(last) - before;
}

static void push_last(struct queue *q, struct unit *u)
{
	TAILQ_INSERT_TAIL(&q->units, u, link);
	q->counts.units++;
	q->counts.bytes += unit_bytes(u);
}

void queue_push(struct queue *q, struct unit *u)
{
	pthread_mutex_lock(&q->mutex);
	if (crowded(q))
		q->counts.statistics_dropped += unit_drop_statistics(u);
	if (u->nops == 0 && !TAILQ_EMPTY(&q->units))
		push_empty(q, u);
	else if (q->counts.bytes > q->limits.collapse_bytes &&
	    !TAILQ_EMPTY(&q->units))
		push_merged(q, u);
	else
		push_last(q, u);
	pthread_mutex_unlock(&q->mutex);
}

size_t queue_take(struct queue *q, struct units *out, size_t max_units,
    size_t max_bytes)
{
	size_t n = 0, bytes = 0;
	struct unit *u;

	pthread_mutex_lock(&q->mutex);
	while ((u = TAILQ_FIRST(&q->units)) != NULL &&
	    (n == 0 || (n < max_units && bytes + unit_bytes(u) <= max_bytes))) {
		TAILQ_REMOVE(&q->units, u, link);
		TAILQ_INSERT_TAIL(out, u, link);
		bytes += unit_bytes(u);
		n++;
	}
	pthread_mutex_unlock(&q->mutex);
	return n;
}

void queue_give_back(struct queue *q, struct units *taken)
{
	pthread_mutex_lock(&q->mutex);
	TAILQ_CONCAT(taken, &q->units, link);
	TAILQ_CONCAT(&q->units, taken, link);
	pthread_mutex_unlock(&q->mutex);
}

uint64_t queue_done(struct queue *q, struct units *taken)
{
	uint64_t number = TAILQ_LAST(taken, units)->number;
	size_t n = 0, bytes = 0;
	struct unit *u;

	for (u = TAILQ_FIRST(taken); u != NULL; u = TAILQ_NEXT(u, link)) {
		n++;
		bytes += unit_bytes(u);
	}
	pthread_mutex_lock(&q->mutex);
	q->counts.units -= n;
	q->counts.bytes -= bytes;
	pthread_mutex_unlock(&q->mutex);
	free_units(taken);
	return number;
}

struct queue_counts queue_counts(struct queue *q)
{
	struct queue_counts counts;

	pthread_mutex_lock(&q->mutex);
	counts = q->counts;
	pthread_mutex_unlock(&q->mutex);
	return counts;
}
