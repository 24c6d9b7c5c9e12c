#ifndef ALERTS_GATE_H
#define ALERTS_GATE_H

#include <stdint.h>

#include "core/clock.h"

struct event_bus;
struct loop;

/* Holds messages back until the unit that saves them is acknowledged by the
 * database, or until 5 ms after its flush: a message should not outrun the
 * record of it, and a hung disk must not hold up a page. */
struct gate;

enum { GATE_MS = 5 };

/* opened(arg, now) is called whenever units were let through. */
struct gate *gate_new(struct loop *l, struct event_bus *b,
    void (*opened)(void *arg, mono_t now), void *arg);
void gate_free(struct gate *g);		/* NULL is a no-op */

/* A message of the present unit waits; returns the unit's number. */
uint64_t gate_wait(struct gate *g);

/* The flush of the unit is over (the sink's on_unit). */
void gate_flushed(struct gate *g, uint64_t unit, mono_t now);

/* Messages of units up to this one may leave. */
uint64_t gate_open_unit(const struct gate *g);

/* A message of this unit leaves for the first time: counted if the database
 * has not acknowledged it. */
void gate_passed(struct gate *g, uint64_t unit);
uint64_t gate_uncommitted(const struct gate *g);

#endif
