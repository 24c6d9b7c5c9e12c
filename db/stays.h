#ifndef DB_STAYS_H
#define DB_STAYS_H

#include <stdbool.h>
#include <stdint.h>

#include <sqlite3.h>

#include "core/registry.h"

struct err;

/* Reading the table `stays` (migrations.c, version 2): by id, backwards along
 * one instance, and forwards over all of them from a moment on. */
struct stay {
	int64_t id, instance;
	int64_t from;
	int64_t doubt_from, doubt_to;	/* when it can have begun; both `from`
					   where etcd tells */
	int64_t earliest, seen;		/* stays_get() alone tells these */
	unsigned char state, cause;	/* enum state, enum cause */
};

/* What the column `what` says.  Anybody can write to the file: what no
 * rollcall wrote reads as found by comparison. */
static inline enum state stay_state(int64_t what)
{
	return (enum state)((what & 3) + STATE_UP);
}

static inline enum cause stay_cause(int64_t what)
{
	int cause = (int)(what >> 2 & 15) + CAUSE_REGISTERED;

	return cause < CAUSE_COUNT ? (enum cause)cause : CAUSE_DIFF;
}

struct stays;

struct stays *stays_new(sqlite3 *db, struct err *e);
void stays_free(struct stays *s);	/* NULL is a no-op */

/* At the beginning of each question: clocks may have been set back.  0, or -1
 * with e. */
int stays_refresh(struct stays *s, struct err *e);

/* A scan calls it now and then, and fails when it returns true. */
void stays_interrupt(struct stays *s, int (*interrupted)(void *arg),
    void *arg);

/* By how much clocks were set back, all together: what comes later was seen
 * at most so much earlier. */
int64_t stays_jumped(const struct stays *s);

/* How much of the present scan is done, 0 to 1. */
double stays_share(const struct stays *s);

/* All of these return 1 if there is one, 0 if not, -1 with e. */

/* With the id of the stay before it; 0: none, or no longer kept. */
int stays_get(struct stays *s, int64_t id, struct stay *stay_r,
    int64_t *before_r, struct err *e);

/* The smallest id such that no stay before it was seen at t or later, even
 * where clocks were set back (clock_jumps).  Beyond the last one if all were
 * seen earlier. */
int stays_since(struct stays *s, int64_t t, int64_t *id_r, struct err *e);

/* The smallest id such that none from it on was seen before t. */
int stays_until(struct stays *s, int64_t t, int64_t *id_r, struct err *e);

int stays_last(struct stays *s, int64_t *id_r, struct err *e);

/* Calls fn for each stay from that id on, in their order.  Returns 1 at the
 * end, 0 if fn returned false, -1 with e. */
int stays_scan(struct stays *s, int64_t id,
    bool (*fn)(const struct stay *stay, void *arg), void *arg,
    struct err *e);

#endif
