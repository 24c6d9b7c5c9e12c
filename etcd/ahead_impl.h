#ifndef ETCD_AHEAD_IMPL_H
#define ETCD_AHEAD_IMPL_H

#include <stdint.h>

#include "core/loop.h"
#include "etcd/ahead.h"

/* Shared by ahead.c (the ring, and telling what is in it) and ahead_lanes.c
 * (the connections that fill it). */

enum {
	LANES = 8,
	PER_LANE = ETCD_AHEAD_MOST / LANES,
};

struct slot {
	uint64_t asked;			/* wait index */
	mono_t at;
	uint64_t told;			/* answers, when it was asked */
	bool headed, whole;
	long status;
	struct etcd_meta meta;
	char *type;			/* Content-Type, of errors */
	char *body;
	size_t len;
};

struct alley {				/* a lane and what is asked on it */
	struct etcd_ahead *ahead;
	struct lane *lane;		/* NULL: none */
	bool open;
	bool anew;			/* and no answer came since */
	uint32_t fifo[PER_LANE];	/* numbers of slots */
	unsigned first, n;
};

struct etcd_ahead {
	struct loop *loop;
	char *url, *name;		/* name: of the directory */
	const struct http_config *http;
	char *before, *behind;		/* the target, around the index */
	size_t per_lane;
	const struct etcd_ahead_user *user;
	void *arg;

	struct alley alleys[LANES];
	bool no_more;			/* a further lane was refused */
	struct slot slots[ETCD_AHEAD_MOST];
	uint32_t first, n;		/* of the slots in use */
	uint64_t told;			/* answers so far */
	bool head_told;			/* of the first one */
	size_t held;			/* bytes of bodies */
	struct timer *tell, *pace;
	uint64_t paced;			/* a->told, at the last pause */
	struct etcd_result result;

	bool busy, closed, ended;
	enum etcd_ahead_end why;
	char reason[256];
};

static inline struct slot *ahead_slot(struct etcd_ahead *a, uint32_t number)
{
	return &a->slots[number % ETCD_AHEAD_MOST];
}

/* ahead.c: it ends, once what came before is told. */
void ahead_end(struct etcd_ahead *a, enum etcd_ahead_end why,
    const char *reason);

/* ahead_lanes.c */
void ahead_open_lane(struct etcd_ahead *a, struct alley *y);
void ahead_close_lanes(struct etcd_ahead *a);
void ahead_pause(struct etcd_ahead *a, bool pause);

/* Sends it on the lane with the fewest under way, and opens another lane where
 * these have enough.  False: all are full. */
bool ahead_post(struct etcd_ahead *a, uint32_t number);

#endif
