/* What a scrape of a large registry does not have to write again: the lines
 * of each family that comes from blocks, rendered and packed, in runs of
 * segments (segment.c) of some blocks.  A block says when each part of it last
 * changed, so where nothing did the last run is used as it is.  A run that
 * somebody is sending never changes; one that only lies here is brought up to
 * date where it lies.  Nothing here belongs to the loop.  Called by
 * exposition.c in HTTP's threads. */
#include "exporter/segments.h"

#include <assert.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "core/buf.h"
#include "core/xalloc.h"
#include "exporter/segment.h"
#include "exporter/values.h"

/* A reply may have no more than IOV_MAX pieces (pieces.c), in all families
 * together.  Packed, small pieces cost more than they save. */
enum { PLAIN_SEGMENTS = 800, GZIP_SEGMENTS = 100 };

struct segments {
	pthread_mutex_t lock;
	size_t limit[ENCODINGS];	/* segments in an answer */
	size_t each[ENCODINGS];		/* blocks in a segment */
	struct run *latest[M_COUNT][ENCODINGS];
	struct run *heads[SEGMENTS_HEADS];
	mono_t asked[ENCODINGS];
	atomic_size_t kept;		/* bytes of latest and heads */
	atomic_size_t own;		/* ... of answers' own */
	struct maker maker;
};

struct segments *segments_new(void)
{
	struct segments *c = xcalloc(1, sizeof(*c));

	pthread_mutex_init(&c->lock, NULL);
	c->limit[ENCODING_PLAIN] = PLAIN_SEGMENTS;
	c->limit[ENCODING_GZIP] = GZIP_SEGMENTS;
	c->each[ENCODING_PLAIN] = c->each[ENCODING_GZIP] = 1;
	maker_init(&c->maker);
	return c;
}

static struct run *run_ref(struct run *r)
{
	atomic_fetch_add_explicit(&r->refs, 1, memory_order_relaxed);
	return r;
}

void run_unref(struct run *r)
{
	if (r == NULL || atomic_fetch_sub(&r->refs, 1) != 1)
		return;
	for (size_t i = 0; i < r->n; i++)
		segment_unref(r->v[i]);
	free(r);
}

const char *run_bytes(const struct run *r, size_t i, size_t *n_r)
{
	const struct buf *bytes = segment_bytes(r->v[i]);

	*n_r = bytes->len;
	return bytes->data;
}

/* Takes the runs of one encoding out, for the caller to let go of. */
static void take_runs(struct segments *c, enum encoding e,
    struct run *taken[M_COUNT])
{
	for (int id = 0; id < M_COUNT; id++) {
		taken[id] = c->latest[id][e];
		c->latest[id][e] = NULL;
		if (taken[id] != NULL)
			atomic_fetch_sub(&c->kept, taken[id]->room);
	}
}

/* True if there were any. */
static bool unref_runs(struct run *taken[M_COUNT])
{
	bool any = false;

	for (int id = 0; id < M_COUNT; id++) {
		any |= taken[id] != NULL;
		run_unref(taken[id]);
	}
	return any;
}

void segments_free(struct segments *c)
{
	struct run *taken[M_COUNT];

	if (c == NULL)
		return;
	for (int e = 0; e < ENCODINGS; e++) {
		take_runs(c, (enum encoding)e, taken);
		unref_runs(taken);
	}
	for (size_t i = 0; i < SEGMENTS_HEADS; i++)
		run_unref(c->heads[i]);
	maker_free(&c->maker);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

/* --- runs --- */

/* How many blocks go into a segment: so many that all families together stay
 * within the limit.  Another number means to render all anew, so it is a power
 * of two, and becomes smaller only far below the limit. */
static size_t blocks_each(const struct snapshot *s, size_t limit,
    size_t before)
{
	size_t shares = 0, each = before;

	for (int id = 0; id < M_COUNT; id++)
		if (metrics[id].source == FROM_INSTANCES)
			shares += s->instances->n;
		else if (metrics[id].source == FROM_SERVICES)
			shares += s->services->n;
	while (each * limit < shares)
		each *= 2;
	while (each > 1 && each / 4 * limit >= shares)
		each /= 2;
	return each;
}

/* A run of as many segments that the cache alone has: `old` itself, if so,
 * else one that shares the segments of old (or NULL). */
static struct run *begin_run(const struct family *f, size_t each,
    struct run *old)
{
	size_t n = (f->set->n + each - 1) / each;
	struct run *r;

	if (old != NULL && old->each != each)
		old = NULL;
	if (old != NULL && old->n == n &&
	    old->number <= f->set->changed[f->part] &&
	    atomic_load(&old->refs) == 1)
		return run_ref(old);
	r = xcalloc(1, sizeof(*r) + n * sizeof(struct segment *));
	atomic_init(&r->refs, 1);
	r->each = each;
	r->n = n;
	if (old == NULL)
		return r;
	for (size_t i = 0; i < n && i < old->n; i++)
		r->v[i] = segment_ref(old->v[i]);
	return r;
}

/* Segment i of a run that has the one before, or none.  Returns the room of
 * that. */
static size_t make_segment(struct segments *c, const struct family *f,
    struct run *r, size_t i)
{
	size_t first = i * r->each, left = r->blocks - first;
	size_t before = r->v[i] != NULL ? segment_room(r->v[i]) : 0;

	r->v[i] = segment_make(&c->maker, f, first,
	    left < r->each ? left : r->each, r->v[i]);
	r->len += segment_bytes(r->v[i])->len;
	r->room += segment_room(r->v[i]);
	gzip_sum_add(&r->sum, segment_sum(r->v[i]));
	return before;
}

/* Returns a reference for whoever asked; the one to old stays with it.  What
 * is kept is counted with each segment, since others may look meanwhile. */
static struct run *make_run(struct segments *c, const struct family *f,
    size_t each, struct run *old, bool keep)
{
	struct run *r = begin_run(f, each, old);
	size_t left = old != NULL ? old->room : 0;

	r->number = f->set->changed[f->part];
	r->blocks = f->set->n;
	r->len = r->room = 0;
	r->sum = (struct gzip_sum){ 0 };
	for (size_t i = 0; i < r->n; i++) {
		size_t before = make_segment(c, f, r, i);

		left -= before;
		if (keep)
			atomic_fetch_add(&c->kept,
			    segment_room(r->v[i]) - before);
	}
	if (keep)
		atomic_fetch_sub(&c->kept, left);
	gzip_sum_done(&r->sum);
	c->maker.counts.runs++;
	return r;
}

static bool says_the_same(const struct run *r, const struct family *f,
    size_t each)
{
	return r != NULL && r->number == f->set->changed[f->part] &&
	    r->blocks == f->set->n && r->each == each;
}

static struct family family_of(const struct snapshot *s, enum metric_id id,
    enum encoding e)
{
	return (struct family){
		.id = id, .encoding = e, .part = values_part(id),
		.set = metrics[id].source == FROM_INSTANCES ?
		    s->instances : s->services,
	};
}

static bool all_the_same(const struct segments *c, const struct snapshot *s,
    enum encoding e)
{
	size_t each = blocks_each(s, c->limit[e], c->each[e]);

	for (int id = 0; id < M_COUNT; id++) {
		struct family f = family_of(s, (enum metric_id)id, e);

		if (metrics[id].source != FROM_SAMPLES &&
		    !says_the_same(c->latest[id][e], &f, each))
			return false;
	}
	return true;
}

bool segments_ready(struct segments *c, const struct snapshot *s,
    enum encoding e)
{
	bool ready;

	if (pthread_mutex_trylock(&c->lock) != 0)
		return false;		/* somebody is rendering */
	ready = all_the_same(c, s, e);
	pthread_mutex_unlock(&c->lock);
	return ready;
}

struct run *segments_run(struct segments *c, const struct snapshot *s,
    enum metric_id id, enum encoding e)
{
	struct family f = family_of(s, id, e);
	struct run *r, *old = NULL;
	size_t each;
	bool keep;

	pthread_mutex_lock(&c->lock);
	each = blocks_each(s, c->limit[e], c->each[e]);
	c->each[e] = each;
	c->asked[e] = clock_mono();
	old = c->latest[id][e];
	if (says_the_same(old, &f, each)) {
		r = run_ref(old);
		old = NULL;
	} else {
		/* Who comes with an older snapshot has it alone. */
		keep = old == NULL || old->number <= f.set->changed[f.part];
		r = make_run(c, &f, each, old, keep);
		if (keep)
			c->latest[id][e] = run_ref(r);
		else
			old = NULL;
	}
	pthread_mutex_unlock(&c->lock);
	run_unref(old);
	return r;
}

/* A run of one segment of no block. */
static struct run *pack_head(struct segments *c, const struct buf *text)
{
	struct run *r = xcalloc(1, sizeof(*r) + sizeof(struct segment *));
	struct segment *s = segment_pack(&c->maker, text);

	atomic_init(&r->refs, 1);
	r->sum = *segment_sum(s);
	r->len = segment_bytes(s)->len;
	r->room = segment_room(s);
	r->v[r->n++] = s;
	atomic_fetch_add(&c->kept, r->room);
	return r;
}

struct run *segments_head(struct segments *c, size_t which,
    const struct buf *text)
{
	struct run *r;

	assert(which < SEGMENTS_HEADS);
	pthread_mutex_lock(&c->lock);
	if (c->heads[which] == NULL)
		c->heads[which] = pack_head(c, text);
	r = run_ref(c->heads[which]);
	pthread_mutex_unlock(&c->lock);
	return r;
}

/* What was let go of lies in between what is kept, so the C library would
 * keep it: half the process, where the registry is large.  It takes some ms, in
 * which the loop may have to wait for its arena. */
static void return_memory(void)
{
#ifdef __GLIBC__
	malloc_trim(0);
#endif
}

void segments_drop_idle(struct segments *c, mono_t now)
{
	struct run *taken[M_COUNT];

	for (int e = 0; e < ENCODINGS; e++) {
		pthread_mutex_lock(&c->lock);
		if (mono_since(c->asked[e], now) < SEGMENTS_KEEP_MS) {
			pthread_mutex_unlock(&c->lock);
			continue;
		}
		take_runs(c, (enum encoding)e, taken);
		pthread_mutex_unlock(&c->lock);
		if (unref_runs(taken))
			return_memory();
	}
}

struct segments_counts segments_counts(struct segments *c)
{
	struct segments_counts counts;

	pthread_mutex_lock(&c->lock);
	counts = c->maker.counts;
	pthread_mutex_unlock(&c->lock);
	return counts;
}

/* Of numbers that change meanwhile, so the difference may be out by a segment,
 * and is never below nothing. */
struct segments_room segments_room(const struct segments *c)
{
	size_t there = atomic_load(&c->maker.room);
	size_t kept = atomic_load(&c->kept);

	return (struct segments_room){
		.kept = kept,
		.held = (there > kept ? there - kept : 0) +
		    atomic_load(&c->own),
	};
}

void segments_own(struct segments *c, size_t n)
{
	atomic_fetch_add(&c->own, n);
}

void segments_disown(struct segments *c, size_t n)
{
	atomic_fetch_sub(&c->own, n);
}
