#ifndef COLLECTORS_WATCH_IMPL_H
#define COLLECTORS_WATCH_IMPL_H

/* What the files of the watcher share: watcher.c (member and long polls),
 * batch.c (events into the roll), sync.c (listing and comparison), looking.c
 * (may it be called watched?). */

#include "collectors/storm.h"
#include "collectors/watcher.h"
#include "core/cluster.h"
#include "core/loop.h"
#include "core/registry.h"
#include "etcd/etcd.h"

struct pending {			/* an event on its way into the roll */
	enum etcd_action action;
	struct etcd_node node, prev;	/* strings owned */
	bool has_prev, live;
	wall_t earliest, seen;
};

struct listed {				/* a listing kept until it counts */
	struct etcd_node *v;		/* strings owned */
	size_t n;
	uint64_t index;
	bool ready;
	int64_t cost_ms;
};

struct watcher {
	struct loop *loop;
	struct directory *d;
	struct cluster *c;
	struct storm *storm;

	/* The member and the long poll. */
	struct member *member;
	struct etcd_call *poll;
	uint64_t next;			/* waitIndex of the present poll */
	uint64_t reached;		/* every event up to here came in */
	uint64_t head_index;		/* store's index when the poll began */
	bool headed;			/* headers of the present poll came */
	mono_t head_at, event_at;
	unsigned failures;		/* of polls, in a row */
	unsigned store;			/* c->store this watch belongs to */
	struct timer *retry;
	bool complained;		/* the log has been told */

	/* The batch. */
	struct pending *batch;
	size_t nbatch, batch_cap;
	bool judging;			/* a leave is in it */
	mono_t judge_at;		/* at the latest */
	struct timer *judge;

	/* Listing and comparison. */
	struct etcd_call *list;
	struct listed listing;
	struct table *touched;		/* key -> touch, since it was asked */
	struct timer *list_timer, *settle;
	bool in_sync;			/* compared since the last resync */
	bool gap;			/* history was lost: absences are `lost` */
	bool list_first;		/* no index yet: list before watching */
	uint64_t asked_reached;		/* reached when it was asked for */

	/* Looking. */
	bool probe_ok, probe_lost;
	mono_t in_place_at;		/* last time all was well */
	uint64_t mark_index;		/* best index then, for "behind" */
	mono_t mark_at;
	bool behind;
};

/* watcher.c */
void watcher_resync(struct watcher *w, enum resync reason, bool gap);
void watcher_repoll(struct watcher *w);		/* fresh headers */
void watcher_list_failed(struct watcher *w, const char *reason);

/* batch.c */
void batch_event(struct watcher *w, const struct etcd_event *e);
void batch_headed(struct watcher *w);	/* the next poll's headers came */
void batch_apply(struct watcher *w, mono_t now);
void batch_free(struct watcher *w);
struct key_facts facts_of(const struct watcher *w,
    const struct etcd_node *node);
/* Takes instances that went, together, out of the roll. */
struct leave {
	struct instance *instance;
	enum cause cause;
	wall_t from;
	struct moment moment;
};
void batch_leave(struct watcher *w, struct leave *v, size_t n, mono_t now);

/* sync.c */
void sync_list(struct watcher *w);
void sync_touch(struct watcher *w, const char *key, uint64_t index);
void sync_advanced(struct watcher *w, mono_t now);	/* reached moved */
void sync_drop(struct watcher *w);	/* forget the listing under way */
void sync_free(struct watcher *w);

/* looking.c */
void looking_judge(struct watcher *w, mono_t now);
void looking_proved(struct watcher *w, mono_t proof, mono_t now);

#endif
