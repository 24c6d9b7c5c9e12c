/* When may a message leave?  Knows units and time, not messages; whoever has
 * messages compares their unit with gate_open_unit().  Acknowledgements come
 * from the event bus, the limit from a timer. */
#include "alerts/gate.h"

#include <stdlib.h>
#include <string.h>

#include "core/event.h"
#include "core/loop.h"
#include "core/xalloc.h"

struct held {
	uint64_t unit;
	mono_t until;
};

struct gate {
	struct event_bus *bus;
	struct timer *timer;
	void (*opened)(void *arg, mono_t now);
	void *arg;
	uint64_t waiting;		/* a unit not flushed yet, or 0 */
	uint64_t open;
	uint64_t uncommitted;
	struct held *held;		/* flushed, in order */
	size_t n, cap;
};

static void open_to(struct gate *g, uint64_t unit, mono_t now)
{
	size_t gone = 0;

	if (unit <= g->open)
		return;
	g->open = unit;
	while (gone < g->n && g->held[gone].unit <= unit)
		gone++;
	g->n -= gone;
	memmove(g->held, g->held + gone, g->n * sizeof(*g->held));
	if (g->n > 0)
		timer_set(g->timer, g->held[0].until);
	else
		timer_clear(g->timer);
	if (gone > 0)
		g->opened(g->arg, now);
}

static void committed(void *gate, uint64_t unit, mono_t now)
{
	open_to(gate, unit, now);
}

static void too_long(void *gate, mono_t now)
{
	struct gate *g = gate;
	uint64_t unit = 0;

	for (size_t i = 0; i < g->n && mono_due(g->held[i].until, now); i++)
		unit = g->held[i].unit;
	if (unit > 0)
		open_to(g, unit, now);
	else if (g->n > 0)
		timer_set(g->timer, g->held[0].until);
}

struct gate *gate_new(struct loop *l, struct event_bus *b,
    void (*opened)(void *arg, mono_t now), void *arg)
{
	struct gate *g = xcalloc(1, sizeof(*g));

	g->bus = b;
	g->opened = opened;
	g->arg = arg;
	g->cap = 8;
	g->held = xcalloc(g->cap, sizeof(*g->held));
	g->timer = timer_new(l, too_long, g);
	event_on_committed(b, committed, g);
	return g;
}

void gate_free(struct gate *g)
{
	if (g == NULL)
		return;
	timer_free(g->timer);
	free(g->held);
	free(g);
}

uint64_t gate_wait(struct gate *g)
{
	g->waiting = event_unit(g->bus);
	return g->waiting;
}

void gate_flushed(struct gate *g, uint64_t unit, mono_t now)
{
	if (g->waiting == 0 || g->waiting > unit)
		return;
	g->waiting = 0;
	if (g->open >= unit) {		/* acknowledged before we were told */
		g->opened(g->arg, now);
		return;
	}
	if (g->n == g->cap) {
		g->cap *= 2;
		g->held = xreallocarray(g->held, g->cap, sizeof(*g->held));
	}
	g->held[g->n++] = (struct held){ unit, mono_add(now, GATE_MS) };
	if (g->n == 1)
		timer_set(g->timer, g->held[0].until);
}

uint64_t gate_open_unit(const struct gate *g)
{
	return g->open;
}

void gate_passed(struct gate *g, uint64_t unit)
{
	if (unit > event_committed_unit(g->bus))
		g->uncommitted++;
}

uint64_t gate_uncommitted(const struct gate *g)
{
	return g->uncommitted;
}
