#ifndef CORE_HISTORY_H
#define CORE_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/clock.h"

struct err;

/* What can be asked of history, and by what answers it: db/ answers from the
 * file, cli/ from a daemon's API, exporter/ passes it on over HTTP.  The
 * words are docs/UPTIME.md's. */

enum history_rc {
	HISTORY_OK,
	HISTORY_BAD,		/* the question: what is wrong is in e */
	HISTORY_ENDED,		/* the receiver of the rows wanted no more */
	HISTORY_TOO_LONG,	/* cut off, so that the database is free */
	HISTORY_FAILED,		/* the database, or the daemon asked */
};

/* Globs as fnmatch(3) has them; NULL: all. */
struct history_who {
	const char *cluster, *service, *instance;
};

enum history_of { HISTORY_SERVICES, HISTORY_INSTANCES };

struct history_uptime_query {
	struct history_who who;
	enum history_of of;
	const wall_t *edges;	/* nedges ascending moments: a row for each
				   subject and two neighbours, half-open */
	size_t nedges;		/* at least 2 */
	int64_t min_instances;	/* of services, instead of the minimum then
				   in force; -1: that one */
};

/* One subject over [from, to): its milliseconds add up to to - from. */
struct history_uptime {
	const char *cluster, *service;
	const char *instance;	/* NULL: a service */
	wall_t from, to;
	double uptime;		/* up/(up+down); NAN where both are 0 */
	double uptime_low, uptime_high;	/* what it can have been */
	double coverage;	/* 1 - unknown/(to-from) */
	int64_t up_ms;		/* a service: not below its minimum */
	int64_t down_ms;
	int64_t none_ms;	/* a service: without any instance; else 0 */
	int64_t maintenance_ms, absent_ms, unknown_ms;
	int64_t outages, longest_ms;	/* by seconds down */
	int64_t mtbf_ms, mttr_ms;	/* up and down per outage; -1: none */
};

struct history_outages_query {
	struct history_who who;
	enum history_of of;
	wall_t from, to;
	int64_t min_instances;	/* as above */
	int64_t limit;		/* the newest so many; 0: all */
	int64_t offset;		/* without the newest so many */
};

/* Newest first. */
struct history_outage {
	const char *cluster, *service, *instance;	/* NULL: a service */
	wall_t from, to;	/* ms 0: it goes on.  Not cut to the range */
	wall_t earliest, seen;	/* when it can have begun; detected */
	int64_t down_ms;	/* inside the range, as are the next two */
	int64_t maintenance_ms, unknown_ms;
	const char *state, *cause;	/* an instance's; NULL: a service */
	int64_t min_instances;	/* a service's then; else 0 */
	int64_t up_least;	/* a service: instances at the worst; else 0 */
	const char *address;	/* or NULL */
};

struct history_events_query {
	struct history_who who;
	wall_t from, to;	/* by the moment seen; ms 0: open */
	int64_t limit, offset;	/* as above */
	bool newest_first;	/* else oldest first, of the same ones */
};

struct history_event {
	wall_t at;			/* when it happened */
	wall_t earliest, seen;
	const char *cluster, *directory, *service, *instance, *address;
	const char *key, *state, *cause;
	const char *was;		/* state before; NULL: none known */
	int64_t was_ms;			/* length of that stay, or -1 */
	int64_t etcd_index;		/* 0: not from an event */
};

/* How to ask.  Rows, and what they point to, are the callee's and gone when
 * fn returns; false from fn ends the query (HISTORY_ENDED).  e is set unless
 * HISTORY_OK or _ENDED is returned. */
struct history_source {
	/* For the use of one thread.  NULL with e. */
	void *(*open)(const void *arg, struct err *e);
	void (*close)(void *session);
	enum history_rc (*uptime)(void *session,
	    const struct history_uptime_query *q,
	    bool (*fn)(const struct history_uptime *row, void *arg),
	    void *arg, struct err *e);
	enum history_rc (*outages)(void *session,
	    const struct history_outages_query *q,
	    bool (*fn)(const struct history_outage *row, void *arg),
	    void *arg, struct err *e);
	enum history_rc (*events)(void *session,
	    const struct history_events_query *q,
	    bool (*fn)(const struct history_event *row, void *arg),
	    void *arg, struct err *e);
	/* Since when and until when anything was looked at, of all
	 * directories; ms 0: never.  (A running daemon notes it every 5 s.) */
	enum history_rc (*looked)(void *session, wall_t *since_r,
	    wall_t *until_r, struct err *e);
	/* From here on a query ends with HISTORY_TOO_LONG after so long (0:
	 * never), and calls fn (or NULL) now and then with the share done, 0
	 * to 1.  Sources that cannot tell do not call.  If fn calls this, the
	 * limit is for what is left of the present query. */
	void (*limits)(void *session, int64_t limit_ms,
	    void (*progress)(double share, void *arg), void *arg);
	const void *arg;		/* of open */
};

#endif
