#ifndef CORE_REGISTRY_H
#define CORE_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "core/clock.h"
#include "core/cluster.h"
#include "core/labels.h"
#include "core/names.h"

struct config;
struct directory_config;
struct event_bus;
struct maintenance;
struct rstr;
struct snap_block;
struct table;

/* The roll: clusters, watched directories, services, instances and the state
 * each instance is in (docs/DESIGN.md, Words).  Owned by the loop thread.
 * Others read the structs as const; every change goes through registry_*
 * functions, each of which queues the event that tells of it. */

enum state {
	STATE_UP = 1,
	STATE_EXPIRED,		/* its TTL ran out */
	STATE_LOST,		/* found missing, history no longer tells */
	STATE_DEREGISTERED,	/* deleted, forgotten, no longer watched */
};

enum cause {
	CAUSE_REGISTERED = 1, CAUSE_EXPIRE, CAUSE_DELETE, CAUSE_DIR_EXPIRE,
	CAUSE_DIR_DELETE, CAUSE_DIFF, CAUSE_ETCD_OUTAGE, CAUSE_FORGOTTEN,
	CAUSE_UNWATCHED,
	CAUSE_COUNT
};

const char *state_name(enum state s);	/* "up" */
const char *cause_name(enum cause c);	/* "expire" */

enum { PERIOD_ID_BITS = 56 };
#define PERIOD_ID_END ((int64_t)1 << (PERIOD_ID_BITS - 1))

/* One stay in a state; with its notice a row of the table periods.  Times are
 * history time.  An expiry has from at etcd's expiration. */
struct period {
	/* One word with the next two: there may be a million of these. */
	int64_t id : PERIOD_ID_BITS;
	enum state state : 4;
	enum cause cause : 4;
	wall_t from;
};

/* How it was learned that a period began: [earliest, seen] is the interval in
 * which that can have happened. */
struct notice {
	wall_t earliest, seen;
	uint64_t index;		/* etcd's modifiedIndex; 0: not from an event */
};

/* A directory that has instances of a service, or is configured for it. */
struct feed {
	struct directory *directory;
	size_t instances;
};

struct service {
	struct cluster *cluster;
	char *name, *table_key;
	size_t min_instances;
	const struct labels *labels;	/* configured; may be NULL */
	struct rstr *label_text;	/* etcd_cluster service_name */
	size_t known;			/* instances not forgotten */
	size_t up, late, permanent, held;
	struct feed *feeds;		/* directories it comes from */
	size_t nfeeds;
	size_t not_looking;		/* of those, not looked at now */
	bool synced;			/* all of them were compared once */
	bool configured, was_configured;	/* by name; before */
	wall_t empty_since;		/* no instance known any more; or 0 */
	uint64_t registrations, expirations, deregistrations, losses;
	size_t slot;			/* in the snapshot's blocks */
};

/* A key that claims an identity which another key has. */
struct rival {
	struct rival *next;
	struct directory *directory;
	struct instance *instance;	/* the one that has the identity */
	char *key, *value;
	bool has_ttl;
	uint16_t listed;		/* as an instance's */
	uint64_t created_index, modified_index;
	int64_t ttl_s;
	wall_t expires;
};

enum { FLAPPING_EXPIRIES = 4 };

/* What few instances have: made when one needs it, and kept. */
struct instance_rare {
	struct rival *rivals;
	wall_t not_before;		/* its first stay begins */
	mono_t held_until;
	mono_t left_at;			/* last expired or lost; 0: never */
	struct notice noticed;		/* how that was; while it is gone */
	struct instance *older, *newer;	/* order of vanishing */
	wall_t expired[FLAPPING_EXPIRIES];	/* the last; 0: never */
	/* While it flaps: */
	TAILQ_ENTRY(instance_rare) flapping;
	struct instance *instance;	/* whose this is */
	mono_t quiet_since;
};

/* There may be a million of these, hence the small types: see
 * tests/unit/core/test_memory.c before adding to it. */
struct instance {
	int64_t id;			/* row of the table instances */
	struct service *service;
	struct directory *directory;
	struct names *names;		/* another when key or value is */
	struct instance_rare *rare;	/* ask instance_rare() */
	struct period period;		/* the present one */
	uint64_t created_index, modified_index;
	int64_t ttl_s;			/* granted; 0: permanent */
	wall_t expires;			/* etcd's expiration, by our clock */
	wall_t last_beat;
	int32_t beat_ms;		/* learned heartbeat; 0: unknown */
	int32_t ttl_window_s;		/* largest TTL of the last listings */
	uint32_t slot;
	uint32_t expirations;
	uint16_t listed;		/* the last listing that had its key:
					   collectors/sync.c's */
	unsigned char ttl_window_n;
	bool present : 1;		/* its key is in etcd, by our books */
	bool leaving : 1;		/* it is known to be gone, and on its
					   way out: collectors/ alone */
	bool silent : 1;		/* beats with refresh=true were seen */
	bool index_saved : 1;		/* modified_index is of a former run */
	bool first_listed : 1;		/* came with the first listing ever */
	bool late : 1, flapping : 1;
	bool held : 1;			/* alert waits for the storm to pass */
};

/* For reading: all zero if it has none of it.  Never NULL. */
const struct instance_rare *instance_rare(const struct instance *i);

/* What etcd says to whoever asks it for a directory. */
enum refusal { REFUSAL_NONE, REFUSAL_NO_V2, REFUSAL_UNAUTHORIZED };

struct directory {
	struct cluster *cluster;
	struct directory_config *config;
	char *path;			/* "/login_servers" */
	struct table *by_key;		/* key in etcd -> instance */
	struct table *rivals;		/* key -> rival */
	struct table *bad;		/* key -> itself: seen and counted */
	struct ended_list *ended;	/* who was deregistered lately */
	size_t deepest;			/* slashes in the deepest key that an
					   instance ever had */
	size_t vanished;		/* expired or lost, not forgotten */
	size_t empty_services;		/* as the last tick counted them */
	bool looking, synced;
	enum refusal refusal;		/* the last answer's */
	bool removed;			/* no longer configured */
	uint64_t applied_index;		/* every event up to here is applied */
	int64_t watching_id;		/* last row of the table watching, which
					   also says how far it is applied;
					   0: none */
	wall_t watching_from, watching_to;
	wall_t last_sync;
	int64_t list_interval_ms;
	uint64_t listings;		/* that came whole */
	uint16_t listing;		/* number of the last listing */
	uint64_t watch_events, bad_keys;
	uint64_t resyncs[8];		/* by enum resync */
	bool changed;			/* a state since the last progress */
	mono_t progress_at;		/* last EVENT_PROGRESS */
};

enum resync {
	RESYNC_START, RESYNC_HISTORY_CLEARED, RESYNC_NEW_STORE,
	RESYNC_CONNECTION, RESYNC_MEMBER, RESYNC_LEADER, RESYNC_DIFFERENCE,
	RESYNC_COUNT
};

extern const char *const resync_names[RESYNC_COUNT];

struct registry {
	struct event_bus *bus;
	struct config *config;
	struct cluster **clusters;
	size_t nclusters;
	struct table *services;		/* "cluster/service" -> service */
	int64_t next_instance_id, next_period_id, next_watching_id;
	struct instance **slots;	/* by slot, for the snapshot */
	size_t nslots;
	struct service **service_slots;
	size_t nservice_slots;
	struct instance *oldest, *newest;	/* vanished, in order */
	TAILQ_HEAD(, instance_rare) flapping;	/* by their last expiry */
	struct instance *tick_at;	/* where the tick goes on; or NULL */
	mono_t tick_next;		/* the next hold's end it has seen */
	size_t comparing;		/* listings now: collectors/ */
	struct maintenance *maintenance;	/* core/maintenance.h */
	struct publisher *publisher;	/* core/snapshot.c */
};

/* The event bus must outlive it. */
struct registry *registry_new(struct event_bus *bus);
void registry_free(struct registry *r);

/* Takes a configuration into force: new clusters and directories appear,
 * removed ones end (cause unwatched), minima change.  The first call comes
 * before anything is restored.  Keeps a reference. */
void registry_configure(struct registry *r, struct config *c);

struct cluster *registry_cluster(const struct registry *r, const char *name);
struct directory *registry_directory(const struct cluster *c,
    const char *path);
/* The one in the roll, up or vanished, or NULL. */
struct instance *registry_instance(const struct cluster *c,
    const char *service, const char *instance_id);
struct service *registry_service(struct registry *r, struct cluster *c,
    const char *name);		/* made if new */

/* --- what collectors/ tells --- */

/* A key as etcd has it, in an event or a listing. */
struct key_facts {
	const char *key, *value;	/* value "" for a directory */
	bool is_dir, has_ttl;
	int64_t ttl_s;			/* as etcd says; may be <= 0 */
	wall_t expires;			/* by our clock; if has_ttl */
	uint64_t created_index, modified_index;
	bool renewed;		/* a write without prevNode, or with one that
				   had expired: a registration for certain */
	wall_t lapsed;		/* when that one had expired; ms 0: none */
};

/* When something happened, as far as it is known. */
struct moment {
	wall_t earliest, seen;
	mono_t now;
	uint64_t index;
	wall_t as_of;			/* of a listing that took long: it
					   shows nothing later; ms 0: seen */
};

/* The key is there (event).  */
void registry_written(struct directory *d, const struct key_facts *k,
    const struct moment *m);

/* The key is listed: like registry_written(), but learns TTL and heartbeat
 * and judges late. */
void registry_listed(struct directory *d, const struct key_facts *k,
    const struct moment *m);

/* The same for a key of i, if nothing has happened to it since the roll was
 * told of it: true, and then there is nothing but "late" to judge and no event.
 * false: nothing was done. */
bool registry_listed_unchanged(struct instance *i, const struct key_facts *k,
    wall_t as_of);

/* The key went, for this cause; from is when (clamped to what is possible).
 * hold_until > 0: the instance's alert is held until then. */
void registry_left(struct directory *d, struct instance *i, enum cause cause,
    wall_t from, const struct moment *m, mono_t hold_until);

/* The instance that has this key, or NULL. */
struct instance *registry_find(const struct directory *d, const char *key);

/* The key is gone and was no instance: a rival or a bad key, if anything. */
void registry_left_other(struct directory *d, const char *key);

void registry_set_looking(struct directory *d, bool looking,
    const struct moment *m);
/* That it does not answer at all is no refusal. */
void registry_set_refusal(struct directory *d, enum refusal refusal);
/* Proof that the directory was being watched until `to`, all events up to
 * index applied. */
void registry_progress(struct directory *d, wall_t to, uint64_t index,
    mono_t now);
void registry_resynced(struct directory *d, enum resync reason);
void registry_synced(struct directory *d, wall_t at);
/* The key is no instance, and why: counted and logged the first time. */
void registry_bad_key(struct directory *d, const char *key, const char *why);

/* What the last leader probe found: whether a member answers, whether one
 * knows a leader, and that one's id (NULL: not known).  Another leader or none
 * disturbs the cluster: what expires within a TTL is etcd_outage. */
void registry_set_leader(struct cluster *c, bool answers, bool has_leader,
    const char *leader_id, mono_t now);
/* Term and index as a member's answer had them; lower ones than the highest
 * seen are ignored, a new term counts as an election. */
void registry_set_raft(struct cluster *c, uint64_t term, uint64_t index,
    mono_t now);
void registry_set_cluster_id(struct cluster *c, const char *id);
void registry_set_mass_vanish(struct cluster *c, bool on);

/* Instances that are up and not about to leave in what is being applied. */
size_t registry_staying(const struct cluster *c);
/* The polled state of a member changed (up, healthy, leader). */
void registry_member_changed(struct member *m);
/* A round of polls is complete: its statistics may be kept. */
void registry_member_round(struct member *m, mono_t now);

/* Everything is restored: what is no longer configured ends. */
void registry_restored(struct registry *r);

/* Ends holds that ran out, forgets what is due; returns when to call again
 * (at most a second ahead): now, if it is too much for one turn. */
mono_t registry_tick(struct registry *r, mono_t now);

/* Forgets one vanished instance now, and its service with it if nobody else is
 * known of it and nothing configured names it.  false: it is up, or not
 * known. */
bool registry_forget(struct registry *r, const char *cluster,
    const char *service, const char *instance_id);

/* --- what db/ restores at start, after registry_configure() --- */

struct restored_instance {
	int64_t id;
	const char *cluster, *directory, *service, *instance_id;
	const char *key, *value;
	int64_t ttl_s;
	wall_t expires, last_beat;
	uint64_t created_index, modified_index, expirations;
	struct period period;		/* the open one */
	struct notice noticed;		/* its beginning */
	wall_t held_until;		/* 0: not held */
};

/* What belongs to a directory no longer configured is ended with cause
 * unwatched. */
void registry_restore_instance(struct registry *r,
    const struct restored_instance *i);
/* counters: registrations, expirations, deregistrations, losses.  This and the
 * functions below pass over what the registry does not have (any more). */
void registry_restore_service(struct registry *r, const char *cluster,
    const char *service, const uint64_t counters[4]);
struct restored_directory {
	const char *cluster, *path;
	int64_t watching_id;		/* last row of watching */
	wall_t watching_from, watching_to;
	uint64_t applied_index;
};

/* How far the directory was watched and its events applied. */
void registry_restore_directory(struct registry *r,
    const struct restored_directory *d);

/* An identity that was deregistered, and when.  After its directory. */
struct restored_ended {
	const char *cluster, *path, *service, *instance_id;
	wall_t at;
};

void registry_restore_ended(struct registry *r,
    const struct restored_ended *e);
/* A directory that gave instances to a restored service, and when the last of
 * them entered its last state: there the service is missed. */
void registry_restore_feed(struct registry *r, const char *cluster,
    const char *path, const char *service, wall_t last_change);

struct restored_cluster {
	const char *name, *cluster_id;
	uint64_t raft_term, leader_changes;
	wall_t disturbed_until;		/* ms 0: no election was seen */
};

/* What tells that etcd was rebuilt, or was disturbed shortly before. */
void registry_restore_cluster(struct registry *r,
    const struct restored_cluster *saved);
/* The ids that the next new rows get. */
void registry_restore_ids(struct registry *r, int64_t next_instance,
    int64_t next_period, int64_t next_watching);

#endif
