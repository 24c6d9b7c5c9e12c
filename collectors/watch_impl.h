#ifndef COLLECTORS_WATCH_IMPL_H
#define COLLECTORS_WATCH_IMPL_H

/* What the files of the watcher share: watcher.c (which member, what after a
 * break), poll.c (long polls), batch.c (events into the roll), judge.c (when
 * leaves are judged), leave.c (those who go, judged together), sync.c
 * (listings), journal.c (what differs in them), compare.c (what they say),
 * looking.c (may it be called watched?). */

#include "collectors/storm.h"
#include "collectors/watcher.h"
#include "core/cluster.h"
#include "core/loop.h"
#include "core/registry.h"
#include "etcd/etcd.h"
#include "etcd/line.h"

struct pending {			/* an event on its way into the roll */
	enum etcd_action action;
	struct etcd_node node, prev;	/* strings owned */
	bool has_prev, live;
	wall_t earliest, seen;
};

/* One who goes, by an event or as a listing shows. */
struct leave {
	struct instance *instance;
	enum cause cause;
	wall_t from;
	struct moment moment;
	bool storm, outage, counts;	/* as it was judged */
};

/* Those who go, in order; all judged but the last, for a moment. */
struct leaves {
	struct leave *v;
	size_t n, cap;
	size_t judged;			/* of them */
	size_t at;			/* the next one to take out */
};

/* What was still to come when time was up: of the last `range` events of the
 * store those in the batch are known. */
struct outlook {
	uint64_t more, range;		/* range 0: nothing is to come */
};

struct journal;

enum { TTL_CAP = 128 };

/* What there is of a listing.  Each key that the roll has is marked with its
 * number as it arrives; kept is only what the roll does not have like that,
 * until the listing counts.  Then it is compared, step by step. */
struct listed {
	uint16_t number;		/* and one more: missing in it */
	uint64_t index;			/* kept when it is dropped, like cost */
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

/* The long poll that waits now, in its line of polls. */
struct poll {
	struct watcher *watcher;
	struct etcd_line *line;
	uint64_t wait_index;		/* 0: from now */
	bool headed;			/* its headers came */
	bool settled;			/* and then nothing for a moment */
	uint64_t index;			/* the store's when it began */
	uint64_t store_index;		/* the best of the line's */
};

struct watcher {
	struct loop *loop;
	struct directory *d;
	struct cluster *c;
	struct storm *storm;

	/* The member and the long poll. */
	struct member *member;
	struct etcd_line_peer *peers;	/* of each member */
	struct poll *poll;		/* the one that counts; or NULL */
	struct poll *relief;		/* its successor, not yet in charge */
	struct etcd_call *asks_index;	/* is more to come?  or NULL */
	bool index_below;		/* the root may not be read */
	mono_t poll_at;			/* when the poll began */
	unsigned pace;			/* of the last line in charge */
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

	/* The batch: events [applied, nbatch), those before `ripe` due. */
	struct pending *batch;
	size_t applied, ripe, nbatch, batch_cap;
	struct leaves leaves;		/* of events before `applied`: they go
					   first */
	struct timer *drain;		/* the next turn goes on with it */

	uint64_t taken;			/* index of the event under way */
	uint64_t done;			/* of the last one applied as a whole */
	mono_t proof;			/* when what is ripe had come */

	/* Judging: a leave is among those not ripe. */
	bool judging;
	uint64_t judging_from;		/* index of the first such leave */
	bool headed;			/* the next poll's headers came */
	bool hears;			/* something came since the last tick */
	unsigned ticks, heard, quiet;	/* see judge.c */
	bool probes, awake;		/* etcd was asked in the silence, and
					   answered */
	struct outlook outlook;		/* of the last judgement by time */
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
	bool watch_first;		/* unless that takes too long */
	uint64_t asked_reached;		/* reached when it was asked for */
	mono_t asked_at;
	unsigned in_a_row;		/* listings, whose share is not over */
	mono_t in_a_row_at;		/* that of the first began */

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
/* How a listing or a poll ended: does etcd refuse the directory? */
void watcher_answered(struct watcher *w, enum etcd_outcome o);
void watcher_list_failed(struct watcher *w, const char *reason);
void watcher_listed(struct watcher *w);	/* it succeeded */

/* poll.c */
void poll_start(struct watcher *w);	/* the next one in the chain */
void poll_renew(struct watcher *w);	/* if it is headed: a relief */
void poll_keep_fresh(struct watcher *w, mono_t now);
void poll_stop(struct watcher *w);
void poll_ask_index(struct watcher *w);	/* how far the store is */
void poll_forget_index(struct watcher *w);	/* whatever asks_index says */
void poll_settled(struct watcher *w, mono_t now);
bool poll_headed(const struct watcher *w);
/* What it told is all there was, so far. */
bool poll_caught_up(const struct watcher *w);

/* batch.c */
void batch_event(struct watcher *w, const struct etcd_event *e, bool live);
/* All that came is judged now and goes in, as much as there is room for in
 * this turn; the rest in those that follow. */
void batch_apply(struct watcher *w, mono_t now);
void batch_drain(struct watcher *w, mono_t now);	/* goes on */
void batch_finish(struct watcher *w, mono_t now);	/* all of it, now */
/* Nothing waits: everything up to `reached` is applied. */
bool batch_idle(const struct watcher *w);
bool batch_is_leave(enum etcd_action a);	/* or a write */
void batch_free(struct watcher *w);
struct key_facts facts_of(const struct watcher *w,
    const struct etcd_node *node);

/* judge.c: when the leaves of a batch are judged. */
void judge_event(struct watcher *w, const struct etcd_event *e);
/* Headers that were asked for behind the last event say that the store is at
 * this index (and their raft term is known). */
void batch_headed(struct watcher *w, uint64_t index);
/* So says the answer to poll_ask_index(). */
void batch_indexed(struct watcher *w, uint64_t index);
void batch_answered(struct watcher *w);	/* or an answer without one */
bool judge_tick(struct watcher *w, mono_t now);	/* true: it is time */
void judge_end(struct watcher *w);

/* leave.c: takes instances that went, together, out of the roll. */
void leave_add(struct watcher *w, const struct leave *one);	/* once each */
/* Those added since the last judgement, together; before any of them goes. */
void leave_judge_batch(struct watcher *w, const struct outlook *o,
    mono_t now);
bool leave_next(struct watcher *w);	/* goes; false: there is none */
void leave_now(struct watcher *w, const struct leave *one);	/* alone */
/* Those up of which a storm may be made, without those on their way out. */
size_t leave_up(const struct cluster *c);
/* For those a listing misses, which is gone through twice, over many turns:
 * each is counted, then all are judged together (true: a storm), then each
 * leaves; in the end those who were counted and stayed are taken off the
 * books.  Those who are on their way already are passed over. */
void leave_count(struct watcher *w, struct storm_case *c, struct leave *l);
bool leave_judge(struct watcher *w, struct storm_case *c, mono_t now);
void leave_one(struct watcher *w, struct storm_case *c, struct leave *l,
    bool storm);
void leave_end(struct watcher *w, struct storm_case *c);

/* sync.c */
void sync_list(struct watcher *w);	/* now, or when it may */
bool sync_may_list(const struct watcher *w);
void sync_touch(struct watcher *w, const char *key, uint64_t index);
void sync_advanced(struct watcher *w, mono_t now);	/* reached moved */
void sync_new_leader(struct watcher *w);	/* maybe: one is known */
void sync_drop(struct watcher *w);	/* forget the listing under way */
void sync_free(struct watcher *w);
void sync_done(struct watcher *w);	/* it is compared */
/* An event behind the listing changed the key or a directory above it. */
bool sync_touched(const struct watcher *w, const char *key);

/* often.c: how often to list, and when again whatever the reason. */
int64_t often_interval_ms(const struct listed *l);
void often_listed(struct watcher *w);	/* one has come, and cost this */
mono_t often_not_before(const struct watcher *w);

/* compare.c */
void sync_compare(struct watcher *w, mono_t now);	/* a slice of it */
/* An instance of the listing: for how often there must be one. */
void sync_is_listed(struct watcher *w, const struct instance *i);
void sync_is_bad(struct watcher *w, const char *key);	/* and is there */

/* looking.c */
void looking_judge(struct watcher *w, mono_t now);
void looking_proved(struct watcher *w, mono_t proof, mono_t now);

#endif
