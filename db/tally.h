#ifndef DB_TALLY_H
#define DB_TALLY_H

#include <stddef.h>
#include <stdint.h>

#include "core/history.h"

/* Sums over one subject's time (docs/UPTIME.md): pieces of time go in, in
 * order and without holes, sums per interval between two edges come out. */

enum piece_class {
	PIECE_ABSENT, PIECE_UP, PIECE_DOWN, PIECE_MAINTENANCE, PIECE_UNKNOWN,
	PIECE_CLASSES
};

enum { MAY_BE_UP = 1, MAY_BE_DOWN = 2, MAY_BE_ABSENT = 4 };

struct piece {
	int64_t from, to;
	enum piece_class class;
	unsigned may;		/* MAY_*: what it can have been, itself too;
				   looked at where nothing hides it */
	bool none;		/* a service: without any instance */
};

/* Sums of one interval. */
struct tally {
	int64_t ms[PIECE_CLASSES];
	int64_t none_ms;
	int64_t up_least, down_most;	/* as the ms, at the bounds */
	int64_t up_most, down_least;
	int64_t outages, longest_ms;
};

/* One subject on its way through the edges. */
struct tallies {
	const wall_t *edges;
	size_t nedges, at;	/* the present interval */
	struct tally *v;	/* nedges - 1 of them */
	int64_t outage_ms;	/* of the one going on, in this interval */
};

/* Adds a piece that begins where the last one ended; what lies outside the
 * edges does not count. */
void tallies_add(struct tallies *t, const struct piece *p);

/* The end of the last interval. */
void tallies_end(struct tallies *t);

/* Fills in all but the names of a row. */
void tally_row(const struct tally *t, wall_t from, wall_t to,
    struct history_uptime *row);

#endif
