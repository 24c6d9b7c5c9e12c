#ifndef CORE_BURST_H
#define CORE_BURST_H

#include <stdbool.h>

#include "core/clock.h"

/* When the same is to be told of thousands at once, nobody reads thousands of
 * lines: the first of a second are written, of the others how many they were.
 * Starts zeroed. */
struct burst {
	mono_t began;			/* its second */
	unsigned lines;			/* written in it */
	unsigned left_out;		/* since then, and not told yet */
	mono_t left_out_at;		/* the first of these */
};

enum { BURST_LINES = 20, BURST_MS = 1000 };

/* There is one more; true if it is to be written. */
bool burst_line(struct burst *b, mono_t now);

/* How many were left out, a second after the first of them; says so once.  0:
 * none, or not yet. */
unsigned burst_over(struct burst *b, mono_t now);

#endif
