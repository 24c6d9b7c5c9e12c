/* Timers: a binary heap ordered by time, then by the order in which they were
 * set.  Those due in a turn are taken out of the heap first and called then,
 * so a timer that sets itself to "now" cannot keep the turn from ending.
 * Knows nothing of waiting: core/loop.c asks how long it may sleep. */
#include "core/timer.h"

#include <assert.h>
#include <stdlib.h>

#include "core/loop.h"
#include "core/xalloc.h"

#define NOWHERE SIZE_MAX

struct timer {
	struct timers *timers;
	void (*fn)(void *arg, mono_t now);
	void *arg;
	mono_t at;
	uint64_t set;			/* breaks ties: first set, first run */
	size_t place;			/* in the heap, or NOWHERE */
	struct timer *next, **prev;	/* in the due list; prev NULL: not */
};

static int earlier(const struct timer *a, const struct timer *b)
{
	if (a->at.ms != b->at.ms)
		return a->at.ms < b->at.ms;
	return a->set < b->set;
}

static void put(struct timers *ts, size_t place, struct timer *t)
{
	ts->heap[place] = t;
	t->place = place;
}

static void sift_up(struct timers *ts, size_t i, struct timer *t)
{
	while (i > 0 && earlier(t, ts->heap[(i - 1) / 2])) {
		put(ts, i, ts->heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	put(ts, i, t);
}

static void sift_down(struct timers *ts, size_t i, struct timer *t)
{
	size_t child;

	while ((child = 2 * i + 1) < ts->n) {
		if (child + 1 < ts->n &&
		    earlier(ts->heap[child + 1], ts->heap[child]))
			child++;
		if (!earlier(ts->heap[child], t))
			break;
		put(ts, i, ts->heap[child]);
		i = child;
	}
	put(ts, i, t);
}

static void heap_insert(struct timers *ts, struct timer *t)
{
	if (ts->n == ts->cap) {
		ts->cap = ts->cap ? ts->cap * 2 : 16;
		ts->heap = xreallocarray(ts->heap, ts->cap,
		    sizeof(*ts->heap));
	}
	sift_up(ts, ts->n++, t);
}

static void heap_remove(struct timers *ts, struct timer *t)
{
	struct timer *last = ts->heap[--ts->n];
	size_t i = t->place;

	t->place = NOWHERE;
	if (last == t)
		return;
	if (i > 0 && earlier(last, ts->heap[(i - 1) / 2]))
		sift_up(ts, i, last);
	else
		sift_down(ts, i, last);
}

static void due_remove(struct timer *t)
{
	*t->prev = t->next;
	if (t->next)
		t->next->prev = t->prev;
	t->next = NULL;
	t->prev = NULL;
}

struct timer *timer_new(struct loop *l, void (*fn)(void *arg, mono_t now),
    void *arg)
{
	struct timer *t = xcalloc(1, sizeof(*t));

	assert(fn);
	t->timers = loop_timers(l);
	t->fn = fn;
	t->arg = arg;
	t->place = NOWHERE;
	return t;
}

void timer_set(struct timer *t, mono_t at)
{
	timer_clear(t);
	t->at = at;
	t->set = ++t->timers->sets;
	heap_insert(t->timers, t);
}

void timer_clear(struct timer *t)
{
	if (t->place != NOWHERE)
		heap_remove(t->timers, t);
	if (t->prev)
		due_remove(t);
}

void timer_free(struct timer *t)
{
	if (!t)
		return;
	timer_clear(t);
	free(t);
}

void timers_fini(struct timers *ts)
{
	free(ts->heap);
	*ts = (struct timers){ 0 };
}

int timers_wait(const struct timers *ts, mono_t now, int max)
{
	int64_t ms;

	if (ts->n == 0)
		return max;
	ms = mono_since(now, ts->heap[0]->at);
	if (ms <= 0)
		return 0;
	return ms < max ? (int)ms : max;
}

/* Moves every due timer from the heap to the due list, earliest first. */
static void collect(struct timers *ts, mono_t now)
{
	struct timer **end = &ts->due, *t;

	while (ts->n > 0 && mono_due(ts->heap[0]->at, now)) {
		t = ts->heap[0];
		heap_remove(ts, t);
		t->next = NULL;
		t->prev = end;
		*end = t;
		end = &t->next;
	}
}

void timers_run(struct timers *ts, mono_t now)
{
	struct timer *t;

	assert(!ts->due);
	collect(ts, now);
	while ((t = ts->due)) {
		due_remove(t);
		t->fn(t->arg, now);	/* may free or set t, or any other */
	}
}
