#ifndef ETCD_AHEAD_H
#define ETCD_AHEAD_H

#include <stdbool.h>
#include <stddef.h>

#include "etcd/etcd.h"

/* Long polls of one directory asked ahead: many under way at a time, on a few
 * connections, each with several.  Answers are told in the order in which they
 * were asked for, whatever order they come in. */
struct etcd_ahead;

enum etcd_ahead_end {
	ETCD_AHEAD_BROKEN,	/* no connection is left */
	ETCD_AHEAD_LARGE,	/* an answer is too large for here */
	ETCD_AHEAD_UNABLE	/* the server ends a poll when the next is
				   asked behind it (Go before 1.11) */
};

struct etcd_ahead_user {
	/* Connected: polls may be asked for. */
	void (*ready)(void *arg);

	/* The headers of the poll whose answer is the next to be told, once it
	 * is known that this is not here yet.  fresh: the poll was asked for
	 * after the last answer was told. */
	void (*head)(const struct etcd_meta *m, long status, bool fresh,
	    void *arg);

	/* The next answer.  asked: its wait index. */
	void (*answer)(const struct etcd_result *r, uint64_t asked,
	    void *arg);

	/* All that has come is told. */
	void (*idle)(void *arg);

	/* Nothing is called any more; what was not told is lost.  reason: one
	 * line for people. */
	void (*end)(enum etcd_ahead_end why, const char *reason, void *arg);
};

enum { ETCD_AHEAD_MOST = 2048 };	/* polls under way */

/* False where it cannot be done: through a proxy, to begin with. */
bool etcd_ahead_is_possible(const struct etcd_target *t);

/* one_each: never two polls on a connection at a time.  NULL if the directory
 * is none that can be asked for. */
struct etcd_ahead *etcd_ahead_open(const struct etcd_target *t,
    const char *dir, bool one_each, const struct etcd_ahead_user *user,
    void *arg);

/* At any time, also inside the callbacks.  NULL is a no-op. */
void etcd_ahead_close(struct etcd_ahead *a);

/* One more poll, after ready().  False: as many as possible are under way.
 * etcd_ahead_send() sends them. */
bool etcd_ahead_ask(struct etcd_ahead *a, uint64_t wait_index);
void etcd_ahead_send(struct etcd_ahead *a);

size_t etcd_ahead_waiting(const struct etcd_ahead *a);	/* not told yet */
bool etcd_ahead_holds(const struct etcd_ahead *a);	/* some are here */
mono_t etcd_ahead_oldest(const struct etcd_ahead *a);	/* of them: asked */

#endif
