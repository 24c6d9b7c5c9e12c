#ifndef COLLECTORS_STORM_H
#define COLLECTORS_STORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/clock.h"

/* When many registrations vanish at once it is seldom the services that died
 * (docs/DESIGN.md, Words).  One judge per cluster; pure: it is told the time
 * and keeps only what left lately. */
struct storm;

struct storm *storm_new(void);
void storm_free(struct storm *s);

struct storm_case {
	size_t leaving;		/* instances of this batch, expired or lost */
	size_t coming;		/* more of them that are likely on their way */
	size_t up;		/* instances up before it */
	int64_t largest_ttl_s;	/* of those leaving */
	size_t outages;		/* of them, on account of an election */
	size_t going;		/* judged, and not out of the roll yet */
};

/* Judges a batch and remembers those leaving: true if, with what left before
 * within max(10 s, half the largest TTL, at most 60 s) and what is coming, at
 * least 5 and 30 % of those that were up go. */
bool storm_judge(struct storm *s, const struct storm_case *c, mono_t now);

/* Could as many leaving now, or less, be judged a storm, whatever their TTL? */
bool storm_possible(const struct storm *s, size_t leaving, size_t up,
    mono_t now);

/* Someone who left at `left`, and was counted then, is about to leave again: it
 * counts once.  ms 0: never before. */
void storm_again(struct storm *s, mono_t left);

/* Some who leave now are to be held.  Within a second of the first of them it
 * says nothing new. */
void storm_hold(struct storm *s, mono_t now);

/* Until when an instance with this TTL is held that goes now: for its TTL, 5 to
 * 60 s, and up to 1 s more, so that those who went within that second, with one
 * TTL, are let go together. */
mono_t storm_hold_until(const struct storm *s, int64_t ttl_s, mono_t now);

#endif
