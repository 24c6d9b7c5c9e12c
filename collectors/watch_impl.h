#ifndef COLLECTORS_WATCH_IMPL_H
#define COLLECTORS_WATCH_IMPL_H

/* What the files of the watcher share: watcher.c (which member, what after a
 * break), poll.c (long polls), batch.c (events into the roll), leave.c (those
 * who go, judged together), sync.c (listings), compare.c (what they say),
 * looking.c (may it be called watched?). */

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

struct journal;

enum { TTL_CAP = 128 };

/* What there is of a listing.  Each key that the roll has is marked with its
 * number as it arrives; kept is only what the roll does not have like that,
 * until the listing counts.  Then it is compared, step by step. */
struct listed {
	uint16_t number;		/* and one more: missing in it */
	uint64_t index;
	bool ready;			/* it is whole */
	unsigned step;			/* of the comparison; 0: not begun */
	struct journal *differ;		/* changed or not known */
	struct journal *deeper;		/* the same: deeper than instances */
	struct table *bad_keys;		/* of the roll's; owned */
	size_t bad;			/* entries that make no sense */
	int64_t cost_ms;

	size_t cursor;			/* of the walk over the roll */
	unsigned moves;			/* of its table, when that began */
	size_t absent;
	struct storm_case missing;
	bool storm;

	bool silent;			/* someone beats with refresh=true */
	size_t ttls[TTL_CAP], nttls;	/* of those listed, by seconds */
};

/* A long poll under way. */
struct poll {
	struct watcher *watcher;
	struct etcd_call *call;
	uint64_t wait_index;		/* 0: from now */
	bool headed;			/* its headers came */
	bool settled;			/* and then nothing for a moment */
	uint64_t index;			/* the store's when it began */
};

struct watcher {
	struct loop *loop;
	struct directory *d;
	struct cluster *c;
	struct storm *storm;

	/* The member and the long poll. */
	struct member *member;
	struct poll *poll;		/* the one that counts; or NULL */
	struct poll *relief;		/* its successor, not yet in charge */
	mono_t poll_at;			/* when the poll began */
	uint64_t reached;		/* every event up to here came in */
	uint64_t store_index;		/* the store's, by the last headers */
	bool caught_up;			/* with the present, since a break */
	unsigned failures;		/* of polls, in a row */
	unsigned senseless;		/* answers without sense, in a row */
	unsigned store;			/* c->store this watch belongs to */
	struct timer *retry;
	bool complained;		/* the log has been told */
	bool waits;			/* for who the cluster is */
	mono_t waits_until;

	/* The batch. */
	struct pending *batch;
	size_t nbatch, batch_cap;
	bool judging;			/* a leave is in it */
	uint64_t judging_from;		/* index of that leave */
	bool quiet_once;		/* nothing came, one turn ago */
	mono_t judge_at;		/* at the latest */
	struct timer *judge;

	/* Listing and comparison. */
	struct etcd_call *list;
	struct listed listing;
	struct table *touched;		/* key -> touch, since it was asked */
	struct timer *list_timer, *settle, *slice;
	unsigned list_failures;		/* in a row */
	mono_t list_retry_at;		/* not before, while they fail */
	bool list_complained;		/* the log has been told */
	bool in_sync;			/* compared since the last resync */
	bool gap;			/* history was lost */
	bool list_first;		/* no index yet: list before watching */
	uint64_t asked_reached;		/* reached when it was asked for */
	mono_t asked_at;

	/* Looking. */
	bool probe_ok, probe_lost;
	mono_t in_place_at;		/* last time all was well */
	uint64_t mark_index;		/* best index then, for "behind" */
	mono_t mark_at;
	bool behind;
};

/* watcher.c */
struct etcd_target watcher_target(const struct watcher *w);
/* The chain broke: it is taken up again on the next member. */
void watcher_broken(struct watcher *w, const char *reason);
/* Starts over from the last index, or, with a gap in history, from a
 * listing. */
void watcher_start_over(struct watcher *w, enum resync reason, bool gap);
/* True if the cluster was rebuilt meanwhile; has started over then. */
bool watcher_store_changed(struct watcher *w);
/* True if the answer is another cluster's than ours; has asked the next member
 * then, or, where there is only one, started over in the new cluster.  Which of
 * several is right is settled by the polls of all of them. */
bool watcher_of_another(struct watcher *w, const struct etcd_meta *m);
void watcher_list_failed(struct watcher *w, const char *reason);
void watcher_listed(struct watcher *w);	/* it succeeded */

/* poll.c */
void poll_start(struct watcher *w);	/* the next one in the chain */
void poll_renew(struct watcher *w);	/* if it is headed: a relief */
void poll_keep_fresh(struct watcher *w, mono_t now);
void poll_stop(struct watcher *w);
void poll_settled(struct watcher *w, mono_t now);
bool poll_headed(const struct watcher *w);
/* What it told is all there was, so far. */
bool poll_caught_up(const struct watcher *w);

/* batch.c */
void batch_event(struct watcher *w, const struct etcd_event *e, bool live);
void batch_headed(struct watcher *w);	/* the next poll's headers came */
void batch_apply(struct watcher *w, mono_t now);
void batch_free(struct watcher *w);
struct key_facts facts_of(const struct watcher *w,
    const struct etcd_node *node);

/* leave.c: takes instances that went, together, out of the roll. */
struct leave {
	struct instance *instance;
	enum cause cause;
	wall_t from;
	struct moment moment;
};

void leave_all(struct watcher *w, struct leave *v, size_t n, mono_t now);
/* The same for too many to be had at once: each is counted, then all are judged
 * together (true: a storm), then each leaves. */
void leave_count(struct watcher *w, struct storm_case *c,
    const struct leave *l);
bool leave_judge(struct watcher *w, struct storm_case *c, mono_t now);
void leave_one(struct watcher *w, const struct leave *l, bool storm);

/* sync.c */
void sync_list(struct watcher *w);
void sync_touch(struct watcher *w, const char *key, uint64_t index);
void sync_advanced(struct watcher *w, mono_t now);	/* reached moved */
void sync_new_leader(struct watcher *w);	/* maybe: one is known */
void sync_drop(struct watcher *w);	/* forget the listing under way */
void sync_free(struct watcher *w);
void sync_done(struct watcher *w);	/* it is compared */
/* An event behind the listing changed the key or a directory above it. */
bool sync_touched(const struct watcher *w, const char *key);

/* compare.c */
void sync_compare(struct watcher *w, mono_t now);	/* a slice of it */
/* An instance of the listing: for how often there must be one. */
void sync_is_listed(struct watcher *w, const struct instance *i);
void sync_is_bad(struct watcher *w, const char *key);	/* and is there */

/* looking.c */
void looking_judge(struct watcher *w, mono_t now);
void looking_proved(struct watcher *w, mono_t proof, mono_t now);

#endif
