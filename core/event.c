/* The event bus: a queue of changes, and the table of sinks that hear of
 * them.  It knows nothing of what the events mean.  Everything runs on the
 * loop; event_flush() is called once at the end of each turn by cli/serve.c,
 * so that a sink which emits never re-enters another sink. */
#include "core/event.h"

#include <assert.h>
#include <stdlib.h>

#include "core/xalloc.h"

enum { MAX_SINKS = 8, MAX_ROUNDS = 16, MAX_LISTENERS = 4 };

struct queue {
	struct event *v;
	size_t n, cap;
};

struct later {
	void (*fn)(void *arg);
	void *arg;
};

struct listener {
	void (*fn)(void *arg, uint64_t unit, mono_t now);
	void *arg;
};

struct event_bus {
	struct event_sink sinks[MAX_SINKS];
	size_t nsinks;
	struct listener listeners[MAX_LISTENERS];
	size_t nlisteners;
	struct queue queue;
	struct later *laters;
	size_t nlaters;
	uint64_t unit;			/* the last one that was ended */
	uint64_t committed;
	mono_t committed_at;
};

struct event_bus *event_bus_new(void)
{
	return xcalloc(1, sizeof(struct event_bus));
}

static const char *copy(const char *s)
{
	return xstrdup(s);
}

/* Alert and outbox records are copied whole, since whoever emitted them may
 * change or free the originals before the flush. */
static void copy_strings(struct event *e)
{
	if (e->type == EVENT_ALERT) {
		struct alert_record *a = &e->alert;

		a->fingerprint = copy(a->fingerprint);
		a->alertname = copy(a->alertname);
		a->labels = copy(a->labels);
		a->annotations = copy(a->annotations);
		a->state = copy(a->state);
	} else if (e->type == EVENT_OUTBOX) {
		struct outbox_record *o = &e->outbox;

		o->receiver = copy(o->receiver);
		o->integration = copy(o->integration);
		o->group_key = copy(o->group_key);
		o->payload = copy(o->payload);
		o->last_error = copy(o->last_error);
	}
}

static void drop(const char *s)
{
	free((void *)(uintptr_t)s);
}

static void free_strings(struct event *e)
{
	if (e->type == EVENT_ALERT) {
		drop(e->alert.fingerprint);
		drop(e->alert.alertname);
		drop(e->alert.labels);
		drop(e->alert.annotations);
		drop(e->alert.state);
	} else if (e->type == EVENT_OUTBOX) {
		drop(e->outbox.receiver);
		drop(e->outbox.integration);
		drop(e->outbox.group_key);
		drop(e->outbox.payload);
		drop(e->outbox.last_error);
	}
}

static void queue_free(struct queue *q)
{
	for (size_t i = 0; i < q->n; i++)
		free_strings(&q->v[i]);
	free(q->v);
	*q = (struct queue){ 0 };
}

void event_bus_free(struct event_bus *b)
{
	if (b == NULL)
		return;
	queue_free(&b->queue);
	for (size_t i = 0; i < b->nlaters; i++)
		b->laters[i].fn(b->laters[i].arg);
	free(b->laters);
	free(b);
}

void event_bus_add(struct event_bus *b, const struct event_sink *s)
{
	assert(b->nsinks < MAX_SINKS);
	b->sinks[b->nsinks++] = *s;
}

void event_emit(struct event_bus *b, const struct event *e)
{
	struct queue *q = &b->queue;

	assert(e->type < EVENT_TYPES);
	if (q->n == q->cap) {
		q->cap = q->cap ? q->cap * 2 : 64;
		q->v = xreallocarray(q->v, q->cap, sizeof(*q->v));
	}
	struct event *slot = &q->v[q->n++];

	*slot = *e;
	slot->at = clock_mono();
	slot->when = clock_history(slot->at);
	copy_strings(slot);
}

bool event_room(const struct event_bus *b, size_t steps)
{
	return steps < EVENT_SLICE_LEAST ||
	    (steps < EVENT_SLICE && b->queue.n < 2 * EVENT_SLICE);
}

/* Hands out one round: what was queued when it began. */
static void deliver(struct event_bus *b)
{
	struct queue round = b->queue;

	b->queue = (struct queue){ 0 };
	for (size_t i = 0; i < round.n; i++)
		for (size_t s = 0; s < b->nsinks; s++)
			b->sinks[s].on_event(b->sinks[s].arg, &round.v[i]);
	queue_free(&round);
}

static void run_laters(struct event_bus *b)
{
	struct later *laters = b->laters;
	size_t n = b->nlaters;

	b->laters = NULL;
	b->nlaters = 0;
	for (size_t i = 0; i < n; i++)
		laters[i].fn(laters[i].arg);
	free(laters);
}

uint64_t event_flush(struct event_bus *b, mono_t now)
{
	int rounds = 0;

	if (b->queue.n == 0) {
		run_laters(b);
		return 0;
	}
	while (b->queue.n > 0) {
		rounds++;
		assert(rounds <= MAX_ROUNDS);
		deliver(b);
	}
	b->unit++;
	for (size_t s = 0; s < b->nsinks; s++)
		if (b->sinks[s].on_unit != NULL)
			b->sinks[s].on_unit(b->sinks[s].arg, b->unit, now);
	run_laters(b);
	return b->unit;
}

uint64_t event_unit(const struct event_bus *b)
{
	return b->unit + 1;
}

void event_committed(struct event_bus *b, uint64_t unit, mono_t now)
{
	if (unit <= b->committed)
		return;
	b->committed = unit;
	b->committed_at = now;
	for (size_t i = 0; i < b->nlisteners; i++)
		b->listeners[i].fn(b->listeners[i].arg, unit, now);
}

uint64_t event_committed_unit(const struct event_bus *b)
{
	return b->committed;
}

bool event_backlog(const struct event_bus *b, mono_t now)
{
	return b->committed > 0 && b->unit - b->committed > EVENT_BACKLOG &&
	    mono_since(b->committed_at, now) < EVENT_STALLED_MS;
}

void event_on_committed(struct event_bus *b,
    void (*fn)(void *arg, uint64_t unit, mono_t now), void *arg)
{
	assert(b->nlisteners < MAX_LISTENERS);
	b->listeners[b->nlisteners++] = (struct listener){ fn, arg };
}

void event_after_flush(struct event_bus *b, void (*fn)(void *), void *arg)
{
	if ((b->nlaters & (b->nlaters - 1)) == 0)	/* a power of two */
		b->laters = xreallocarray(b->laters,
		    b->nlaters ? b->nlaters * 2 : 1, sizeof(*b->laters));
	b->laters[b->nlaters++] = (struct later){ fn, arg };
}
