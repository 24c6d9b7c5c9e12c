#ifndef CORE_SNAPSHOT_H
#define CORE_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/clock.h"
#include "core/metric.h"
#include "core/registry.h"

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

enum { SNAP_BLOCK = 256 };

struct snap_instance {
	struct rstr *labels;	/* etcd_cluster service_name instance_id */
	struct rstr *info;	/* key="",address="",extra... */
	int64_t changed_ms, expires_ms, ttl_s;
	uint64_t expirations;
	enum state state;
	bool held, flapping, detail;
};

struct snap_block {
	_Atomic unsigned refs;
	size_t n;
	struct snap_instance v[SNAP_BLOCK];
};

struct snap_service {
	struct rstr *labels;
	struct rstr *info;	/* configured labels, rendered; NULL: none */
	size_t up, min_instances, late, permanent;
	uint64_t registrations, expirations, deregistrations, losses;
	bool known;		/* false: never looked at, nothing saved */
};

struct snap_service_block {
	_Atomic unsigned refs;
	size_t n;
	struct snap_service v[SNAP_BLOCK];
};

struct snap_sample {
	enum metric_id metric;
	struct rstr *labels;	/* rendered; NULL: none */
	double value;
};

struct snapshot {
	_Atomic unsigned refs;
	uint64_t number;
	wall_t taken;
	struct snap_block **blocks;
	size_t nblocks;
	struct snap_service_block **service_blocks;
	size_t nservice_blocks;
	struct snap_sample *samples;	/* in the order of enum metric_id */
	size_t nsamples;
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

/* --- any thread --- */

/* The present snapshot, or NULL before the first.  Release it soon. */
struct snapshot *snapshot_acquire(void);
void snapshot_release(struct snapshot *s);	/* NULL is a no-op */

#endif
