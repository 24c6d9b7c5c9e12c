#ifndef ETCD_LINE_H
#define ETCD_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "etcd/etcd.h"

/* The long polls of a directory at one member, one behind the other from an
 * index on: every event, once and in order.  As long as little happens one poll
 * is under way at a time; when events come faster than that, polls are asked
 * ahead (etcd/ahead.h), and then hardly more of them than there are events.
 * docs/ETCD.md has the rule and why it loses nothing. */
struct etcd_line;

/* What was learned of a member; zeroed by the caller, who keeps it as long as
 * the member. */
struct etcd_line_peer {
	bool one_each;			/* see ETCD_AHEAD_UNABLE; or, twice in
					   a row, polls behind others had no
					   headers and one alone had */
	unsigned doubts;		/* times in a row that was so */
};

struct etcd_line_user {
	/* The headers of the poll that waits now. */
	etcd_head *head;

	/* The same, of a poll that was asked ahead and has waited since before
	 * the last event was told: its index is no news of the store. */
	void (*old_head)(const struct etcd_meta *m, void *arg);

	/* ETCD_OK: the next event, and the line goes on behind it; r->meta are
	 * the headers of its poll, which head() may not have told.  Anything
	 * else is how the line ended.  A poll that stays quiet ends it with
	 * FETCH_TIMEOUT. */
	etcd_done *done;
};

struct etcd_line_request {
	const char *directory;
	uint64_t from;			/* the first index; 0: from now on */
	int64_t poll_ms;		/* so long may a poll be quiet */
	unsigned pace;			/* etcd_line_pace() of the line that it
					   goes on for, 0: none */
	struct etcd_line_peer *peer;
};

struct etcd_line *etcd_line_start(const struct etcd_target *t,
    const struct etcd_line_request *r, const struct etcd_line_user *user,
    void *arg);

/* Answers have come that cannot be told yet, since one asked for before them
 * has not: silence of the line says nothing. */
bool etcd_line_holds(const struct etcd_line *l);

/* How many polls ahead events come fast enough for: after a break the next
 * line has to begin there, for history lasts less than it takes to see that. */
unsigned etcd_line_pace(const struct etcd_line *l);

/* At any time, also inside the callbacks.  NULL is a no-op. */
void etcd_line_stop(struct etcd_line *l);

#endif
