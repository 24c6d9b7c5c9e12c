#ifndef DB_HISTORY_H
#define DB_HISTORY_H

#include <stdint.h>

#include "core/clock.h"

struct err;

/* Reading history on a read-only connection, while a daemon writes or not. */

struct history_event {
	wall_t at;			/* from_ms of the period */
	wall_t earliest, seen;
	const char *cluster, *directory, *service, *instance_id, *address;
	const char *key, *state, *cause;
	const char *was;		/* state before; NULL: none known */
	int64_t before_ms;		/* length of that stay, or -1 */
	uint64_t etcd_index;
};

struct history_query {
	wall_t since, until;		/* by the moment seen; ms 0: open */
	const char *service;		/* glob as in the config; NULL: all */
	const char *instance;		/* the same */
	const char *cluster;		/* NULL: all */
	int64_t limit;			/* newest ones; 0: no limit */
};

/* Calls fn for each change of state, oldest first; what ev points to is gone
 * when fn returns.  No transaction is open meanwhile, so fn may take its time
 * (a pager) without the daemon's WAL growing.  0, or -1 with e (no such file,
 * not ours, another version, an sqlite error). */
int history_events(const char *path, const struct history_query *q,
    void (*fn)(const struct history_event *ev, void *arg), void *arg,
    struct err *e);

#endif
