/* What a scrape of a large registry does not have to write again: the lines
 * of each family that comes from blocks, rendered and packed, in segments of
 * some blocks.  A block says when each part of it last changed; a segment
 * remembers what its blocks said, so the next one takes over the share of
 * every block that did not change, and where none did it is used as it is.
 * Nothing here belongs to the loop.  Called by exposition.c in HTTP's
 * threads. */
#include "exporter/segments.h"

#include <assert.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "core/buf.h"
#include "core/xalloc.h"
#include "exporter/lines.h"
#include "exporter/values.h"

/* A reply may have no more than IOV_MAX pieces (pieces.c), in all families
 * together.  Packed, small pieces cost more than they save. */
enum { PLAIN_SEGMENTS = 800, GZIP_SEGMENTS = 100 };

/* The share of one block. */
struct share {
	uint64_t number;	/* of the block's part, when it was rendered */
	size_t end;		/* of its bytes in the segment */
	struct gzip_sum sum;	/* gzip only */
};

struct segment {
	_Atomic unsigned refs;
	struct buf bytes;
	struct gzip_sum sum;
	size_t n;		/* shares, one for each block */
	struct share v[];
};

/* Which lines. */
struct family {
	enum metric_id id;
	enum encoding encoding;
	enum snap_part part;	/* of a block, on which they depend */
	const struct snap_set *set;
};

struct segments {
	pthread_mutex_t lock;
	size_t limit[ENCODINGS];	/* segments in an answer */
	size_t each[ENCODINGS];		/* blocks in a segment */
	struct run *latest[M_COUNT][ENCODINGS];
	struct run *heads[SEGMENTS_HEADS];
	mono_t asked[ENCODINGS];
	struct packer *packer;
	struct buf text;	/* what is being packed */
	struct segments_counts counts;
};

struct segments *segments_new(void)
{
	struct segments *c = xcalloc(1, sizeof(*c));

	pthread_mutex_init(&c->lock, NULL);
	c->limit[ENCODING_PLAIN] = PLAIN_SEGMENTS;
	c->limit[ENCODING_GZIP] = GZIP_SEGMENTS;
	c->each[ENCODING_PLAIN] = c->each[ENCODING_GZIP] = 1;
	c->packer = packer_new();
	buf_init(&c->text, SIZE_MAX / 8);
	return c;
}

static void segment_unref(struct segment *s)
{
	if (atomic_fetch_sub(&s->refs, 1) != 1)
		return;
	buf_free(&s->bytes);
	free(s);
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
	*n_r = r->v[i]->bytes.len;
	return r->v[i]->bytes.data;
}

/* Takes the runs of one encoding out, for the caller to let go of. */
static void take_runs(struct segments *c, enum encoding e,
    struct run *taken[M_COUNT])
{
	for (int id = 0; id < M_COUNT; id++) {
		taken[id] = c->latest[id][e];
		c->latest[id][e] = NULL;
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
	packer_free(c->packer);
	buf_free(&c->text);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

/* --- segments --- */

/* A segment being made: of blocks->n blocks from the first on. */
struct making {
	struct segments *c;
	const struct family *f;
	struct snap_block *const *blocks;
	size_t n;
	struct segment *old;	/* the one before, or NULL */
	struct segment *s;
};

static bool is_current(const struct making *m, size_t k)
{
	return m->old != NULL && k < m->old->n &&
	    m->old->v[k].number == m->blocks[k]->changed[m->f->part];
}

static bool all_current(const struct making *m)
{
	if (m->old == NULL || m->old->n != m->n)
		return false;
	for (size_t k = 0; k < m->n; k++)
		if (!is_current(m, k))
			return false;
	return true;
}

/* The next share, from its block. */
static void render(struct making *m)
{
	struct segments *c = m->c;
	const struct snap_block *b = m->blocks[m->s->n];
	struct share *share = &m->s->v[m->s->n++];

	if (m->f->encoding == ENCODING_PLAIN) {
		lines_add_block(&m->s->bytes, m->f->id, b);
	} else {
		buf_reset(&c->text);
		lines_add_block(&c->text, m->f->id, b);
		share->sum = gzip_pack(c->packer, buf_str(&c->text),
		    c->text.len, &m->s->bytes);
	}
	share->number = b->changed[m->f->part];
	share->end = m->s->bytes.len;
	c->counts.rendered++;
}

/* The next shares, at least one, from the old segment: all up to the next
 * block that changed. */
static void copy(struct making *m)
{
	const struct segment *old = m->old;
	struct segment *s = m->s;
	size_t start = s->n > 0 ? old->v[s->n - 1].end : 0, end;
	size_t moved = s->bytes.len - start;	/* modulo SIZE_MAX + 1 */

	do {
		end = old->v[s->n].end;
		s->v[s->n] = old->v[s->n];
		s->v[s->n++].end += moved;
		m->c->counts.copied++;
	} while (s->n < m->n && is_current(m, s->n));
	buf_add(&s->bytes, buf_str(&old->bytes) + start, end - start);
	m->c->counts.copied_bytes += end - start;
}

/* Gives back what a growing buffer took too much. */
static void fit(struct buf *b)
{
	if (b->data == NULL)
		return;
	b->cap = b->len + 1;
	b->data = xrealloc(b->data, b->cap);
}

static struct segment *ref_segment(struct segment *s)
{
	atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	return s;
}

static struct segment *make_segment(struct making *m)
{
	struct segment *s;

	if (all_current(m))
		return ref_segment(m->old);
	s = m->s = xcalloc(1, sizeof(*s) + m->n * sizeof(s->v[0]));
	atomic_init(&s->refs, 1);
	buf_init(&s->bytes, SIZE_MAX / 8);
	if (m->old != NULL)
		buf_reserve(&s->bytes, m->old->bytes.len);
	while (s->n < m->n)
		if (is_current(m, s->n))
			copy(m);
		else
			render(m);
	for (size_t k = 0; k < s->n; k++)
		gzip_sum_add(&s->sum, &s->v[k].sum);
	gzip_sum_done(&s->sum);
	fit(&s->bytes);
	m->c->counts.segments++;
	return s;
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

static void add_segment(struct segments *c, const struct family *f,
    const struct run *old, struct run *r)
{
	size_t first = r->n * r->each, left = r->blocks - first;
	struct making m = {
		.c = c, .f = f, .blocks = f->set->blocks + first,
		.n = left < r->each ? left : r->each,
	};
	struct segment *s;

	if (old != NULL && old->each == r->each && r->n < old->n)
		m.old = old->v[r->n];
	s = make_segment(&m);
	r->v[r->n++] = s;
	r->len += s->bytes.len;
	gzip_sum_add(&r->sum, &s->sum);
}

static struct run *make_run(struct segments *c, const struct family *f,
    size_t each, const struct run *old)
{
	size_t n = (f->set->n + each - 1) / each;
	struct run *r = xcalloc(1, sizeof(*r) + n * sizeof(struct segment *));

	atomic_init(&r->refs, 1);
	r->number = f->set->changed[f->part];
	r->blocks = f->set->n;
	r->each = each;
	while (r->n < n)
		add_segment(c, f, old, r);
	gzip_sum_done(&r->sum);
	c->counts.runs++;
	return r;
}

static bool says_the_same(const struct run *r, const struct family *f,
    size_t each)
{
	return r != NULL && r->number == f->set->changed[f->part] &&
	    r->blocks == f->set->n && r->each == each;
}

struct run *segments_run(struct segments *c, const struct snapshot *s,
    enum metric_id id, enum encoding e)
{
	struct family f = {
		.id = id, .encoding = e, .part = values_part(id),
		.set = metrics[id].source == FROM_INSTANCES ?
		    s->instances : s->services,
	};
	struct run *r, *old = NULL;
	size_t each;

	pthread_mutex_lock(&c->lock);
	each = blocks_each(s, c->limit[e], c->each[e]);
	c->each[e] = each;
	c->asked[e] = clock_mono();
	r = c->latest[id][e];
	if (!says_the_same(r, &f, each)) {
		old = r;
		r = make_run(c, &f, each, old);
		if (old != NULL && old->number > r->number) {
			/* Who comes with an older snapshot has it alone. */
			pthread_mutex_unlock(&c->lock);
			return r;
		}
		c->latest[id][e] = r;
	}
	atomic_fetch_add_explicit(&r->refs, 1, memory_order_relaxed);
	pthread_mutex_unlock(&c->lock);
	run_unref(old);
	return r;
}

/* A run of one segment of no block. */
static struct run *pack_head(struct segments *c, const struct buf *text)
{
	struct run *r = xcalloc(1, sizeof(*r) + sizeof(struct segment *));
	struct segment *s = xcalloc(1, sizeof(*s));

	atomic_init(&s->refs, 1);
	buf_init(&s->bytes, SIZE_MAX / 8);
	s->sum = gzip_pack(c->packer, buf_str(text), text->len, &s->bytes);
	fit(&s->bytes);
	atomic_init(&r->refs, 1);
	r->sum = s->sum;
	r->len = s->bytes.len;
	r->v[r->n++] = s;
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
	r = c->heads[which];
	atomic_fetch_add_explicit(&r->refs, 1, memory_order_relaxed);
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
	counts = c->counts;
	pthread_mutex_unlock(&c->lock);
	return counts;
}
