#ifndef CORE_CLOCK_H
#define CORE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* Two clocks that must never be mixed, so each has a type of its own.
 * Nothing outside core/clock.c asks the kernel what time it is. */
typedef struct { int64_t ms; } mono_t;	/* durations, deadlines, timers */
typedef struct { int64_t ms; } wall_t;	/* Unix time: shown, stored, sent */

/* Milliseconds on CLOCK_MONOTONIC.  Any thread. */
mono_t clock_mono(void);

/* Microseconds on the same clock, for measuring short durations. */
int64_t clock_mono_us(void);

/* Unix time as the system clock has it now.  Any thread. */
wall_t clock_wall(void);

/* History time at `at`: the wall clock when the process started plus the
 * monotonic time since, so that it neither jumps nor runs backwards when
 * someone sets the system clock.  Rebased only by clock_rebase().  Any
 * thread. */
wall_t clock_history(mono_t at);

/* History time now. */
wall_t clock_now(void);

/* How far the system clock is ahead of history time, in milliseconds. */
int64_t clock_drift(void);

/* Makes history time equal to the system clock again and returns by how
 * much it moved.  The caller records the jump (table clock_jumps).  Loop
 * thread only. */
int64_t clock_rebase(void);

/* For tests and simulations: from here on every function above answers from
 * these values, moved only by clock_advance(); history time starts at `wall`
 * again.  clock_step() moves the wall clock alone, as if someone had set the
 * system clock.  clock_use_real() ends it all. */
void clock_set(mono_t mono, wall_t wall);
void clock_advance(int64_t ms);
void clock_step(int64_t ms);
void clock_use_real(void);

static inline mono_t mono_add(mono_t t, int64_t ms)
{
	return (mono_t){ t.ms + ms };
}

static inline bool mono_due(mono_t t, mono_t now)
{
	return t.ms <= now.ms;
}

static inline int64_t mono_since(mono_t t, mono_t now)
{
	return now.ms - t.ms;
}

static inline wall_t wall_add(wall_t t, int64_t ms)
{
	return (wall_t){ t.ms + ms };
}

#endif
