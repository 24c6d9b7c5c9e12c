#ifndef CORE_EVENT_H
#define CORE_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/clock.h"
#include "core/registry.h"

struct window;

/* Every change of state passes event_emit(), once.  It only queues; one
 * event_flush() per turn of the loop hands each event to every sink in table
 * order, until nothing is queued (a sink may emit: an alert that fires).  One
 * flush is one unit: one transaction of the database. */

enum event_type {
	EVENT_INSTANCE,		/* an instance entered a state */
	EVENT_DETAIL,		/* its key, value, TTL or indexes changed */
	EVENT_HELD,		/* its hold began or ended */
	EVENT_DROPPED,		/* forgotten: the struct is freed after the
				   flush */
	EVENT_SERVICE,		/* minimum changed, or the service is new */
	EVENT_SERVICE_DROPPED,	/* forgotten: freed after the flush */
	EVENT_LOOKING,		/* a directory is looked at or no longer */
	EVENT_PROGRESS,		/* watching_to, applied_index moved */
	EVENT_CLUSTER,		/* leader, term, id, mass vanish */
	EVENT_MEMBER,		/* up, healthy, leader */
	EVENT_MEMBER_STATS,	/* a round of polls is in */
	EVENT_ALERT,		/* an alert's saved state changed */
	EVENT_OUTBOX,		/* a message was queued, tried, or is done */
	EVENT_CLOCK_JUMP,	/* history time was rebased */
	EVENT_MAINTENANCE,	/* a window began or is over */
	EVENT_TYPES
};

/* The saved form of an alert: a row of the table alerts. */
struct alert_record {
	const char *fingerprint;	/* 16 hex digits, primary key */
	const char *alertname;
	const char *labels, *annotations;	/* JSON objects */
	const char *state;		/* pending firing resolved */
	wall_t active_at, fired_at, resolved_at, keep_firing_since;
	wall_t last_sent, last_notified;	/* ms 0: never */
	bool gone;			/* delete the row */
};

/* A message to a receiver: a row of the table outbox. */
struct outbox_record {
	int64_t id;
	const char *receiver, *integration, *group_key;
	const char *payload;		/* rendered body */
	wall_t created, next_try;
	int64_t attempts;
	const char *last_error;		/* or NULL */
	bool done;			/* delivered or given up: delete */
};

struct event {
	enum event_type type;
	mono_t at;
	wall_t when;
	union {
		struct {
			struct instance *instance;
			struct period begun;
			struct notice noticed;	/* INSTANCE: how */
			int64_t ended_id;	/* period that ends at
						   begun.from; 0: none */
			enum state was;		/* 0: new */
			bool restored;
			bool first;	/* of the first listing ever */
		} instance;		/* INSTANCE DETAIL HELD DROPPED */
		struct service *service;
		struct directory *directory;	/* LOOKING PROGRESS */
		struct cluster *cluster;
		struct member *member;
		struct alert_record alert;	/* strings copied by emit */
		struct outbox_record outbox;	/* strings copied by emit */
		int64_t jump_ms;
		const struct window *window;	/* MAINTENANCE */
	};
};

struct event_sink {
	const char *name;
	void (*on_event)(void *arg, const struct event *e);
	/* After the last event of a flush that had any. */
	void (*on_unit)(void *arg, uint64_t unit, mono_t now);	/* or NULL */
	void *arg;
};

struct event_bus;

struct event_bus *event_bus_new(void);
void event_bus_free(struct event_bus *b);

/* Adds a sink behind those that are there.  At most 8. */
void event_bus_add(struct event_bus *b, const struct event_sink *s);

/* Queues a copy.  at and when are filled in. */
void event_emit(struct event_bus *b, const struct event *e);

/* What a turn may bring.  Whoever has more to change goes on in the next one,
 * so that no turn gets long: a state that changes costs its share of database,
 * alerting and log as well, some 20 us in all. */
enum { EVENT_SLICE = 128, EVENT_SLICE_LEAST = 32 };

/* May a part that has taken so many steps in this turn take one more?  Nobody
 * starves: the least is everybody's, however much others have queued. */
bool event_room(const struct event_bus *b, size_t steps);

/* Hands out what is queued, at most 16 rounds (more is a bug: asserted).
 * Returns the number of the unit, or 0 if nothing was queued. */
uint64_t event_flush(struct event_bus *b, mono_t now);

/* The unit being filled now: the one the next flush ends. */
uint64_t event_unit(const struct event_bus *b);

/* The database acknowledged all units up to this one; told to listeners. */
void event_committed(struct event_bus *b, uint64_t unit, mono_t now);
uint64_t event_committed_unit(const struct event_bus *b);

/* The database writes, but so many units late that whoever has a million
 * changes to make, and time, waits before the next: all that is not yet written
 * takes memory. */
enum { EVENT_BACKLOG = 400, EVENT_STALLED_MS = 2000 };
bool event_backlog(const struct event_bus *b, mono_t now);

void event_on_committed(struct event_bus *b,
    void (*fn)(void *arg, uint64_t unit, mono_t now), void *arg);

/* Calls fn(arg) after the present flush: for freeing what events point to. */
void event_after_flush(struct event_bus *b, void (*fn)(void *), void *arg);

#endif
