#ifndef CORE_TIMER_H
#define CORE_TIMER_H

#include <stddef.h>
#include <stdint.h>

#include "core/clock.h"

/* The timers of one loop; for core/loop.c alone, everybody else uses the
 * timer_ functions of core/loop.h. */
struct loop;
struct timer;

struct timers {
	struct timer **heap;		/* earliest first */
	size_t n, cap;
	struct timer *due;		/* collected in this turn, in order */
	uint64_t sets;			/* number given to the last one set */
};

void timers_fini(struct timers *ts);

/* Milliseconds until the earliest timer: 0 if one is due, at most `max`. */
int timers_wait(const struct timers *ts, mono_t now, int max);

/* Calls every timer due at `now`, once.  One that is set again meanwhile, even
 * to `now`, waits for the next call. */
void timers_run(struct timers *ts, mono_t now);

/* In core/loop.c. */
struct timers *loop_timers(struct loop *l);

#endif
