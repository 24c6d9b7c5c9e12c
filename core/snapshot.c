/* Publishing: from the loop's registry to an immutable picture of it that
 * other threads read.  Only blocks with something changed are built anew, so
 * publishing costs what changed.  The present picture is one pointer under a
 * mutex; that mutex and the reference counts are all that loop and readers
 * share.  What a snapshot looks like when written out is exporter/'s. */
#include "core/snapshot.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/config.h"
#include "core/registry.h"
#include "core/xalloc.h"

enum {
	MAX_SOURCES = 16,
	PUBLISH_EVERY_MS = 10,
	PUBLISH_AT_LEAST_MS = 1000,
};

struct source {
	void (*fn)(void *arg, struct sample_sink *s);
	void *arg;
};

struct sample_sink {
	struct snap_sample *v;
	size_t n, cap;
};

/* Which blocks are to be built anew. */
struct marks {
	bool *dirty;
	size_t n;
};

struct publisher {
	struct source sources[MAX_SOURCES];
	size_t nsources;
	struct marks instances, services;
	bool touched, published;
	mono_t last;
	uint64_t number;
};

static pthread_mutex_t current_lock = PTHREAD_MUTEX_INITIALIZER;
static struct snapshot *current;

struct publisher *publisher_new(void)
{
	return xcalloc(1, sizeof(struct publisher));
}

static void set_current(struct snapshot *s)
{
	struct snapshot *old;

	pthread_mutex_lock(&current_lock);
	old = current;
	current = s;
	pthread_mutex_unlock(&current_lock);
	snapshot_release(old);
}

void publisher_free(struct publisher *p)
{
	if (p == NULL)
		return;
	set_current(NULL);
	free(p->instances.dirty);
	free(p->services.dirty);
	free(p);
}

void snapshot_add_source(struct registry *r,
    void (*fn)(void *arg, struct sample_sink *s), void *arg)
{
	struct publisher *p = r->publisher;

	assert(p->nsources < MAX_SOURCES);
	p->sources[p->nsources++] = (struct source){ fn, arg };
}

/* --- marks --- */

static void mark(struct marks *m, size_t slot)
{
	size_t block = slot / SNAP_BLOCK;

	if (block >= m->n) {
		size_t n = block + 16;

		m->dirty = xreallocarray(m->dirty, n, sizeof(*m->dirty));
		for (size_t i = m->n; i < n; i++)
			m->dirty[i] = true;
		m->n = n;
	}
	m->dirty[block] = true;
}

void snapshot_touch(struct registry *r)
{
	r->publisher->touched = true;
}

void snapshot_touch_instance(struct registry *r, const struct instance *i)
{
	mark(&r->publisher->instances, i->slot);
	snapshot_touch(r);
}

void snapshot_touch_service(struct registry *r, const struct service *s)
{
	mark(&r->publisher->services, s->slot);
	snapshot_touch(r);
}

/* --- samples --- */

static void sink_add(struct sample_sink *s, enum metric_id id, double value,
    struct rstr *labels)
{
	assert(metrics[id].source == FROM_SAMPLES);
	if (s->n == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 256;
		s->v = xreallocarray(s->v, s->cap, sizeof(*s->v));
	}
	s->v[s->n++] = (struct snap_sample){ id, labels, value };
}

void sample_add(struct sample_sink *s, enum metric_id id, double value, ...)
{
	const char *name = metrics[id].labels;
	struct buf b;
	va_list ap;

	if (name[0] == '\0') {
		sink_add(s, id, value, NULL);
		return;
	}
	buf_init(&b, 64 * 1024);
	va_start(ap, value);
	while (*name != '\0') {
		size_t n = strcspn(name, ",");
		char *one = xstrndup(name, n);

		if (b.len > 0)
			buf_addc(&b, ',');
		labels_render_pair(&b, one, va_arg(ap, const char *));
		free(one);
		name += n + (name[n] == ',');
	}
	va_end(ap);
	sink_add(s, id, value, rstr_new(buf_str(&b)));
	buf_free(&b);
}

void sample_add_rendered(struct sample_sink *s, enum metric_id id,
    double value, const char *labels)
{
	sink_add(s, id, value, rstr_new(labels));
}

void sample_add_shared(struct sample_sink *s, enum metric_id id,
    double value, struct rstr *labels)
{
	sink_add(s, id, value, rstr_ref(labels));
}

/* By metric, and within one in the order in which they were added. */
static void sort_samples(struct sample_sink *s)
{
	struct snap_sample *v = xmalloc((s->n + 1) * sizeof(*v));
	size_t at[M_COUNT + 1] = { 0 };

	for (size_t i = 0; i < s->n; i++)
		at[s->v[i].metric + 1]++;
	for (size_t m = 0; m < M_COUNT; m++)
		at[m + 1] += at[m];
	for (size_t i = 0; i < s->n; i++)
		v[at[s->v[i].metric]++] = s->v[i];
	free(s->v);
	s->v = v;
}

/* --- blocks --- */

static struct snap_instance instance_view(const struct instance *i)
{
	return (struct snap_instance){
		.labels = rstr_ref(i->label_text),
		.info = rstr_ref(i->info_text),
		.changed_ms = i->period.from.ms,
		.expires_ms = i->ttl_s > 0 ? i->expires.ms : 0,
		.ttl_s = i->ttl_s,
		.expirations = i->expirations,
		.state = i->period.state,
		.held = i->held,
		.flapping = i->flapping,
		.detail = i->directory->config->instance_detail,
	};
}

static struct snap_block *build_block(const struct registry *r, size_t first)
{
	struct snap_block *b = xmalloc(sizeof(*b));

	atomic_init(&b->refs, 1);
	b->n = 0;
	for (size_t k = first; k < r->nslots && b->n < SNAP_BLOCK; k++)
		b->v[b->n++] = instance_view(r->slots[k]);
	return b;
}

static struct snap_service service_view(const struct service *s)
{
	struct snap_service v = {
		.labels = rstr_ref(s->label_text),
		.up = s->up,
		.min_instances = s->min_instances,
		.late = s->late,
		.permanent = s->permanent,
		.registrations = s->registrations,
		.expirations = s->expirations,
		.deregistrations = s->deregistrations,
		.losses = s->losses,
		.known = s->synced || s->known > 0 || s->registrations > 0,
	};
	struct buf b;

	if (s->labels != NULL) {
		buf_init(&b, 64 * 1024);
		labels_render(s->labels, &b);
		v.info = rstr_new(buf_str(&b));
		buf_free(&b);
	}
	return v;
}

static struct snap_service_block *build_service_block(
    const struct registry *r, size_t first)
{
	struct snap_service_block *b = xmalloc(sizeof(*b));

	atomic_init(&b->refs, 1);
	b->n = 0;
	for (size_t k = first; k < r->nservice_slots && b->n < SNAP_BLOCK; k++)
		b->v[b->n++] = service_view(r->service_slots[k]);
	return b;
}

static void unref_block(struct snap_block *b)
{
	if (atomic_fetch_sub(&b->refs, 1) != 1)
		return;
	for (size_t k = 0; k < b->n; k++) {
		rstr_unref(b->v[k].labels);
		rstr_unref(b->v[k].info);
	}
	free(b);
}

static void unref_service_block(struct snap_service_block *b)
{
	if (atomic_fetch_sub(&b->refs, 1) != 1)
		return;
	for (size_t k = 0; k < b->n; k++) {
		rstr_unref(b->v[k].labels);
		rstr_unref(b->v[k].info);
	}
	free(b);
}

/* --- the picture --- */

static bool is_dirty(const struct marks *m, size_t block)
{
	return block >= m->n || m->dirty[block];
}

static void clean(struct marks *m)
{
	for (size_t i = 0; i < m->n; i++)
		m->dirty[i] = false;
}

static void add_blocks(struct snapshot *s, const struct snapshot *old,
    const struct registry *r)
{
	s->nblocks = (r->nslots + SNAP_BLOCK - 1) / SNAP_BLOCK;
	s->blocks = xcalloc(s->nblocks + 1, sizeof(*s->blocks));
	for (size_t k = 0; k < s->nblocks; k++) {
		if (old == NULL || k >= old->nblocks ||
		    is_dirty(&r->publisher->instances, k)) {
			s->blocks[k] = build_block(r, k * SNAP_BLOCK);
			continue;
		}
		s->blocks[k] = old->blocks[k];
		atomic_fetch_add(&s->blocks[k]->refs, 1);
	}
}

static void add_service_blocks(struct snapshot *s,
    const struct snapshot *old, const struct registry *r)
{
	s->nservice_blocks = (r->nservice_slots + SNAP_BLOCK - 1) / SNAP_BLOCK;
	s->service_blocks = xcalloc(s->nservice_blocks + 1,
	    sizeof(*s->service_blocks));
	for (size_t k = 0; k < s->nservice_blocks; k++) {
		if (old == NULL || k >= old->nservice_blocks ||
		    is_dirty(&r->publisher->services, k)) {
			s->service_blocks[k] =
			    build_service_block(r, k * SNAP_BLOCK);
			continue;
		}
		s->service_blocks[k] = old->service_blocks[k];
		atomic_fetch_add(&s->service_blocks[k]->refs, 1);
	}
}

static void add_samples(struct snapshot *s, const struct publisher *p)
{
	struct sample_sink sink = { 0 };

	for (size_t i = 0; i < p->nsources; i++)
		p->sources[i].fn(p->sources[i].arg, &sink);
	sort_samples(&sink);
	s->samples = sink.v;
	s->nsamples = sink.n;
}

static void build(struct registry *r, mono_t now)
{
	struct publisher *p = r->publisher;
	struct snapshot *s = xcalloc(1, sizeof(*s));
	struct snapshot *old = snapshot_acquire();

	atomic_init(&s->refs, 1);
	s->number = ++p->number;
	s->taken = clock_history(now);
	add_blocks(s, old, r);
	add_service_blocks(s, old, r);
	add_samples(s, p);
	clean(&p->instances);
	clean(&p->services);
	snapshot_release(old);
	set_current(s);
}

mono_t snapshot_publish(struct registry *r, mono_t now)
{
	struct publisher *p = r->publisher;
	int64_t age = mono_since(p->last, now);
	int64_t wait = p->touched ? PUBLISH_EVERY_MS : PUBLISH_AT_LEAST_MS;

	if (p->published && age < wait)
		return mono_add(p->last, wait);
	build(r, now);
	p->published = true;
	p->touched = false;
	p->last = now;
	return mono_add(now, PUBLISH_AT_LEAST_MS);
}

/* --- readers --- */

struct snapshot *snapshot_acquire(void)
{
	struct snapshot *s;

	pthread_mutex_lock(&current_lock);
	s = current;
	if (s != NULL)
		atomic_fetch_add(&s->refs, 1);
	pthread_mutex_unlock(&current_lock);
	return s;
}

void snapshot_release(struct snapshot *s)
{
	if (s == NULL || atomic_fetch_sub(&s->refs, 1) != 1)
		return;
	for (size_t k = 0; k < s->nblocks; k++)
		unref_block(s->blocks[k]);
	for (size_t k = 0; k < s->nservice_blocks; k++)
		unref_service_block(s->service_blocks[k]);
	for (size_t k = 0; k < s->nsamples; k++)
		rstr_unref(s->samples[k].labels);
	free(s->blocks);
	free(s->service_blocks);
	free(s->samples);
	free(s);
}
