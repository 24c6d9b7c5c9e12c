#ifndef CORE_SNAPSHOT_H
#define CORE_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/clock.h"
#include "core/metric.h"
#include "core/names.h"
#include "core/registry.h"
#include "core/window.h"

/* One moment of everything rollcall knows, immutable, for threads other than
 * the loop.  The loop publishes, readers acquire and release; blocks that did
 * not change are shared between one snapshot and the next. */

/* A reference-counted string that never changes. */
struct rstr {
	_Atomic unsigned refs;
	char s[];
};

struct rstr *rstr_new(const char *s);
struct rstr *rstr_ref(struct rstr *r);
void rstr_unref(struct rstr *r);		/* NULL is a no-op */

/* Small enough that changes spread at random leave most blocks as they were,
 * large enough that there are not too many of them: measured by
 * bench/scrape_bench.c. */
enum { SNAP_BLOCK = 32 };

/* What of an entry may change by itself, so that a reader who keeps something
 * made from a block knows when to make it anew.  What adds or ends series or
 * renames them counts as a change of every part. */
enum snap_part {
	SNAP_STATE,		/* of a service: every number of it */
	SNAP_INFO,
	SNAP_CHANGED,
	SNAP_EXPIRATIONS,
	SNAP_HELD,
	SNAP_FLAPPING,
	SNAP_TTL,
	SNAP_EXPIRES,
	SNAP_MAINTENANCE,	/* of an instance */
	SNAP_PARTS
};

struct snap_instance {
	struct rstr *service;	/* etcd_cluster="",service_name="" */
	struct names *names;	/* NULL: nobody has this slot */
	/* One word with the next four; good for a million years. */
	int64_t changed_ms : 56;
	unsigned state : 3;	/* enum state */
	bool held : 1, flapping : 1, maintenance : 1;
	int64_t expires_ms;	/* 0: none, or not asked for */
	uint32_t expirations;
	uint32_t ttl_s;		/* 0: none, or not asked for */
};

struct snap_service {
	struct rstr *labels;
	struct rstr *info;	/* configured labels, rendered; NULL: none */
	size_t up, min_instances, late, permanent;
	uint64_t registrations, expirations, deregistrations, losses;
	bool known;		/* false: never looked at, nothing saved */
	bool maintenance;	/* of the whole service */
};

/* When each part last changed, as the number of a snapshot: while that of a
 * block at its place in the set stays the same, so does what it says. */
struct snap_block {
	_Atomic unsigned refs;
	unsigned n;
	uint64_t changed[SNAP_PARTS];
	union {			/* n of them, no more are allocated */
		struct snap_instance instances[SNAP_BLOCK];
		struct snap_service services[SNAP_BLOCK];
	};
};

/* Blocks that follow each other.  Sets share those in which none changed, so
 * a publish does not touch every block there is. */
enum { SNAP_GROUP = 64 };

struct snap_group {
	_Atomic unsigned refs;
	unsigned n;
	struct snap_block *blocks[SNAP_GROUP];
};

struct snap_set {
	_Atomic unsigned refs;
	uint64_t changed[SNAP_PARTS];	/* in any block, or their number */
	size_t n;			/* blocks */
	struct snap_group *groups[];	/* all full but the last */
};

static inline struct snap_block *snap_block(const struct snap_set *s,
    size_t k)
{
	return s->groups[k / SNAP_GROUP]->blocks[k % SNAP_GROUP];
}

struct snap_sample {
	enum metric_id metric;
	struct rstr *labels;	/* rendered; NULL: none */
	double value;
};

struct snapshot {
	_Atomic unsigned refs;
	uint64_t number;	/* each higher than any before */
	wall_t taken;
	struct snap_set *instances, *services;
	struct snap_sample *samples;	/* in the order of enum metric_id */
	size_t nsamples;
	struct window_list *windows;	/* of maintenance */
};

/* --- loop side --- */

struct sample_sink;
struct publisher;

/* One per registry, made and freed by it. */
struct publisher *publisher_new(void);
void publisher_free(struct publisher *p);

/* Adds a source of samples, asked at every publish.  At most 16. */
void snapshot_add_source(struct registry *r,
    void (*fn)(void *arg, struct sample_sink *s), void *arg);

/* One sample; the values of the metric's labels follow, as const char *, one
 * for each name in its table entry. */
void sample_add(struct sample_sink *s, enum metric_id id, double value, ...);

/* One sample with labels already rendered (labels_render()). */
void sample_add_rendered(struct sample_sink *s, enum metric_id id,
    double value, const char *labels);

/* The same with a reference to a text that is kept. */
void sample_add_shared(struct sample_sink *s, enum metric_id id,
    double value, struct rstr *labels);

/* Marks what changed; the next publish rebuilds its block. */
void snapshot_touch_instance(struct registry *r, const struct instance *i);
void snapshot_touch_service(struct registry *r, const struct service *s);
void snapshot_touch(struct registry *r);	/* only samples */

/* Each turn: publishes if something changed and the last publish is at least
 * 10 ms ago, or if it is a second ago.  Returns when to call again. */
mono_t snapshot_publish(struct registry *r, mono_t now);

/* Publishes whatever the time: whoever is answered now finds what changed. */
void snapshot_publish_now(struct registry *r, mono_t now);

/* --- any thread --- */

/* The instance still belongs to the roll: up, or vanished and not yet
 * forgotten. */
bool snap_instance_is_known(const struct snap_instance *i);

/* The present snapshot, or NULL before the first.  Release it soon. */
struct snapshot *snapshot_acquire(void);
void snapshot_release(struct snapshot *s);	/* NULL is a no-op */

#endif
