/* The lines of one family for some blocks that follow each other, rendered
 * and perhaps packed.  A segment remembers what each block said when its share
 * was rendered, so whoever makes the next one takes over the shares of blocks
 * that did not change.  Where nobody else holds the old one, its memory is used
 * again, and what keeps its length stays where it is: to get and to clear new
 * memory would take longer than to fill it.  Which segments there are, and who
 * may have them, is segments.c's, its only caller. */
#include "exporter/segment.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/xalloc.h"
#include "exporter/lines.h"
#include "exporter/values.h"

/* The share of one block.  There are many: every 32 instances have one in each
 * of nine families. */
struct share {
	uint32_t number;	/* of the block's part, when it was rendered:
				   its low bits */
	uint32_t end;		/* of its bytes in the segment */
	uint32_t n, crc, op;	/* struct gzip_sum; gzip only */
};

struct segment {
	_Atomic unsigned refs;
	_Atomic size_t *rooms;	/* the maker's, of which */
	size_t room;		/* this is its part */
	struct buf bytes;
	struct gzip_sum sum;
	size_t n;		/* shares, one for each block */
	struct share v[];
};

void maker_init(struct maker *mk)
{
	*mk = (struct maker){ .packer = packer_new() };
	buf_init(&mk->text, SIZE_MAX / 8);
	buf_init(&mk->bytes, SIZE_MAX / 8);
}

void maker_free(struct maker *mk)
{
	packer_free(mk->packer);
	buf_free(&mk->text);
	buf_free(&mk->bytes);
}

struct segment *segment_ref(struct segment *s)
{
	atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	return s;
}

void segment_unref(struct segment *s)
{
	if (s == NULL || atomic_fetch_sub(&s->refs, 1) != 1)
		return;
	atomic_fetch_sub(s->rooms, s->room);
	buf_free(&s->bytes);
	free(s);
}

const struct buf *segment_bytes(const struct segment *s)
{
	return &s->bytes;
}

const struct gzip_sum *segment_sum(const struct segment *s)
{
	return &s->sum;
}

size_t segment_room(const struct segment *s)
{
	return s->room;
}

static struct segment *new_segment(struct maker *mk, size_t n)
{
	struct segment *s = xcalloc(1, sizeof(*s) + n * sizeof(s->v[0]));

	atomic_init(&s->refs, 1);
	s->rooms = &mk->room;
	buf_init(&s->bytes, SIZE_MAX / 8);
	s->n = n;
	return s;
}

/* --- making one --- */

/* While `in_place`, all shares so far have the place they had in the old
 * segment, which is the new one too.  From the first that has not on, they are
 * collected in the maker's bytes. */
struct making {
	struct maker *mk;
	const struct family *f;
	size_t first;		/* block, of the family's set */
	struct segment *old, *s;
	size_t start, end;	/* of the present share in the old one */
	size_t kept;		/* bytes that stay where they are */
	bool in_place;
};

/* A block that stayed the same for as long as these come round again, a year of
 * a hundred snapshots a second, will not change just then. */
static uint32_t number_of(const struct making *m, const struct snap_block *b)
{
	return (uint32_t)b->changed[m->f->part];
}

static const struct snap_block *block(const struct making *m, size_t k)
{
	return snap_block(m->f->set, m->first + k);
}

static bool is_current(const struct making *m, size_t k)
{
	return m->old != NULL && k < m->old->n &&
	    m->old->v[k].number == number_of(m, block(m, k));
}

static bool all_current(const struct making *m, size_t n)
{
	if (m->old == NULL || m->old->n != n)
		return false;
	for (size_t k = 0; k < n; k++)
		if (!is_current(m, k))
			return false;
	return true;
}

static void render(struct making *m, struct share *share,
    const struct snap_block *b)
{
	struct maker *mk = m->mk;

	if (m->f->encoding == ENCODING_PLAIN) {
		lines_add_block(&mk->bytes, m->f->id, b);
	} else {
		struct gzip_sum sum;

		buf_reset(&mk->text);
		lines_add_block(&mk->text, m->f->id, b);
		sum = gzip_pack(mk->packer, buf_str(&mk->text),
		    mk->text.len, &mk->bytes);
		share->n = (uint32_t)sum.n;
		share->crc = sum.crc;
		share->op = sum.op;
	}
	share->number = number_of(m, b);
	mk->counts.rendered++;
}

/* A share that was rendered while all lay where they did: puts it into its
 * place if it fits there. */
static void try_place(struct making *m)
{
	struct buf *b = &m->mk->bytes;

	m->in_place = b->len == m->end - m->start;
	m->kept = m->start;
	if (!m->in_place)
		return;
	if (b->len > 0)
		memcpy(m->s->bytes.data + m->start, b->data, b->len);
	buf_reset(b);
	m->kept = m->end;
}

static void add_new(struct making *m, size_t k)
{
	render(m, &m->s->v[k], block(m, k));
	if (m->in_place)
		try_place(m);
}

static void add_old(struct making *m, size_t k)
{
	m->s->v[k] = m->old->v[k];
	m->mk->counts.copied++;
	if (m->in_place) {
		m->kept = m->end;
		return;
	}
	buf_add(&m->mk->bytes, buf_str(&m->old->bytes) + m->start,
	    m->end - m->start);
	m->mk->counts.copied_bytes += m->end - m->start;
}

static void add_share(struct making *m, size_t k)
{
	m->start = m->end;
	if (m->old != NULL && k < m->old->n)
		m->end = m->old->v[k].end;
	if (is_current(m, k))
		add_old(m, k);
	else
		add_new(m, k);
	m->s->v[k].end = (uint32_t)(m->kept + m->mk->bytes.len);
}

/* What was collected goes behind what is kept.  One that grows gets some room
 * for the next time. */
static void settle(struct segment *s, size_t kept, const struct buf *collected)
{
	struct buf *b = &s->bytes;
	size_t n = kept + collected->len;

	if (n == 0) {
		buf_free(b);
		return;
	}
	if (n >= b->cap || n < b->cap / 2) {
		b->cap = n + (b->cap > 0 ? n / 64 : 0) + 1;
		b->data = xrealloc(b->data, b->cap);
	}
	b->len = kept;
	buf_add(b, buf_str(collected), collected->len);
}

static void count_room(struct segment *s)
{
	size_t room = sizeof(*s) + s->n * sizeof(s->v[0]) + s->bytes.cap;

	atomic_fetch_add(s->rooms, room - s->room);
	s->room = room;
}

static void add_sums(struct segment *s)
{
	s->sum = (struct gzip_sum){ 0 };
	for (size_t k = 0; k < s->n; k++) {
		const struct share *v = &s->v[k];

		gzip_sum_add(&s->sum, &(struct gzip_sum){
			v->n, v->crc, v->op });
	}
	gzip_sum_done(&s->sum);
}

struct segment *segment_make(struct maker *mk, const struct family *f,
    size_t first, size_t n, struct segment *old)
{
	struct making m = {
		.mk = mk, .f = f, .first = first, .old = old,
	};

	if (all_current(&m, n))
		return old;
	m.in_place = old != NULL && old->n == n &&
	    atomic_load(&old->refs) == 1;
	m.s = m.in_place ? segment_ref(old) : new_segment(mk, n);
	buf_reset(&mk->bytes);
	for (size_t k = 0; k < n; k++)
		add_share(&m, k);
	settle(m.s, m.kept, &mk->bytes);
	count_room(m.s);
	add_sums(m.s);
	segment_unref(old);
	mk->counts.segments++;
	return m.s;
}

struct segment *segment_pack(struct maker *mk, const struct buf *text)
{
	struct segment *s = new_segment(mk, 0);

	buf_reset(&mk->bytes);
	s->sum = gzip_pack(mk->packer, buf_str(text), text->len, &mk->bytes);
	settle(s, 0, &mk->bytes);
	count_room(s);
	return s;
}
