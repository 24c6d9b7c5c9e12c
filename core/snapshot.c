/* Publishing: from the loop's registry to an immutable picture of it that
 * other threads read.  Only blocks with something changed are built anew
 * (snapshot_blocks.c), so publishing costs what changed.  The present picture
 * is one pointer under a mutex; that mutex and the reference counts are all
 * that loop and readers share.  What a snapshot looks like when written out is
 * exporter/'s. */
#include "core/snapshot.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/config.h"
#include "core/maintenance.h"
#include "core/registry.h"
#include "core/snapshot_impl.h"
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

struct publisher {
	struct source sources[MAX_SOURCES];
	size_t nsources;
	struct marks instances, services;
	bool touched, published;
	mono_t last;
};

static pthread_mutex_t current_lock = PTHREAD_MUTEX_INITIALIZER;
static struct snapshot *current;
static uint64_t last_number;		/* the loop's */

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
	marks_free(&p->instances);
	marks_free(&p->services);
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

void snapshot_touch(struct registry *r)
{
	r->publisher->touched = true;
}

void snapshot_touch_instance(struct registry *r, const struct instance *i)
{
	marks_set(&r->publisher->instances, i->slot);
	snapshot_touch(r);
}

void snapshot_touch_service(struct registry *r, const struct service *s)
{
	marks_set(&r->publisher->services, s->slot);
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

/* --- the picture --- */

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
	s->number = ++last_number;
	s->taken = clock_history(now);
	s->instances = snap_instances(r, old ? old->instances : NULL,
	    &p->instances, s->number);
	s->services = snap_services(r, old ? old->services : NULL,
	    &p->services, s->number);
	s->windows = maintenance_list(r->maintenance);
	add_samples(s, p);
	snapshot_release(old);
	set_current(s);
}

void snapshot_publish_now(struct registry *r, mono_t now)
{
	struct publisher *p = r->publisher;

	build(r, now);
	p->published = true;
	p->touched = false;
	p->last = now;
}

mono_t snapshot_publish(struct registry *r, mono_t now)
{
	struct publisher *p = r->publisher;
	int64_t age = mono_since(p->last, now);
	int64_t wait = p->touched ? PUBLISH_EVERY_MS : PUBLISH_AT_LEAST_MS;

	if (p->published && age < wait)
		return mono_add(p->last, wait);
	snapshot_publish_now(r, now);
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
	snap_instances_unref(s->instances);
	snap_services_unref(s->services);
	for (size_t k = 0; k < s->nsamples; k++)
		rstr_unref(s->samples[k].labels);
	free(s->samples);
	window_list_unref(s->windows);
	free(s);
}
