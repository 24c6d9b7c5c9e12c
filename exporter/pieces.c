/* Puts an answer together from text of its own and runs of segments, plain or
 * as one gzip stream, as a list of pieces of memory for whoever sends it.
 * The text in between is little: families' first lines, and samples that come
 * from no block.  Made by routes.c, filled by exposition.c, sent by
 * server.c. */
#include "exporter/pieces.h"

#include <assert.h>
#include <stdlib.h>

#include "core/buf.h"
#include "core/xalloc.h"

/* Text of an answer above this is an error, not an answer. */
enum { OWN_MAX = 256 << 20 };

/* Bytes of its own, or all segments of a run. */
struct part {
	struct run *run;	/* NULL: own */
	size_t at, n;
};

struct piece {
	const char *bytes;
	size_t n;
};

struct pieces {
	struct segments *segments;
	enum encoding encoding;
	struct packer *packer;	/* gzip only, as are text and sum */
	struct buf own, text;
	struct gzip_sum sum;
	size_t listed;		/* bytes of its own that are in parts */
	struct part parts[3 * M_COUNT + 1];	/* text, head, run each */
	size_t nparts;
	struct piece *v;
	size_t n;
	size_t room;		/* of it, counted when it is ended */
};

struct pieces *pieces_new(struct segments *c, enum encoding e)
{
	struct pieces *p = xcalloc(1, sizeof(*p));

	p->segments = c;
	p->encoding = e;
	buf_init(&p->own, OWN_MAX);
	buf_init(&p->text, OWN_MAX);
	if (e == ENCODING_GZIP) {
		p->packer = packer_new();
		gzip_begin(&p->own);
	}
	return p;
}

void pieces_free(struct pieces *p)
{
	if (p == NULL)
		return;
	segments_disown(p->segments, p->room);
	for (size_t i = 0; i < p->nparts; i++)
		run_unref(p->parts[i].run);
	packer_free(p->packer);
	buf_free(&p->own);
	buf_free(&p->text);
	free(p->v);
	free(p);
}

struct buf *pieces_text(struct pieces *p)
{
	return p->encoding == ENCODING_GZIP ? &p->text : &p->own;
}

static void pack_text(struct pieces *p)
{
	struct gzip_sum sum;

	if (p->encoding != ENCODING_GZIP)
		return;
	p->own.failed |= p->text.failed;
	sum = gzip_pack(p->packer, buf_str(&p->text), p->text.len, &p->own);
	gzip_sum_add(&p->sum, &sum);
	buf_reset(&p->text);
}

static void add_part(struct pieces *p, struct run *r, size_t at, size_t n)
{
	assert(p->nparts < sizeof(p->parts) / sizeof(p->parts[0]));
	p->parts[p->nparts++] = (struct part){ r, at, n };
}

/* Lists what was written of its own. */
static void list_own(struct pieces *p)
{
	if (p->own.len > p->listed)
		add_part(p, NULL, p->listed, p->own.len - p->listed);
	p->listed = p->own.len;
}

struct run *pieces_find(struct pieces *p, const struct snapshot *s,
    enum metric_id id)
{
	struct run *r = segments_run(p->segments, s, id, p->encoding);

	if (r->len > 0)
		return r;
	run_unref(r);
	return NULL;
}

void pieces_add(struct pieces *p, struct run *r)
{
	pack_text(p);
	list_own(p);
	gzip_sum_add(&p->sum, &r->sum);
	add_part(p, r, 0, 0);
}

void pieces_add_head(struct pieces *p, size_t which, const struct buf *text)
{
	if (p->encoding == ENCODING_GZIP)
		pieces_add(p, segments_head(p->segments, which, text));
	else
		buf_add(&p->own, buf_str(text), text->len);
}

static void add_piece(struct pieces *p, const char *bytes, size_t n)
{
	if (n > 0)
		p->v[p->n++] = (struct piece){ bytes, n };
}

static void add_run(struct pieces *p, const struct run *r)
{
	for (size_t i = 0; i < r->n; i++) {
		size_t n;
		const char *bytes = run_bytes(r, i, &n);

		add_piece(p, bytes, n);
	}
}

static size_t count_most(const struct pieces *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->nparts; i++)
		n += p->parts[i].run != NULL ? p->parts[i].run->n : 1;
	return n;
}

/* What is only needed for writing goes: the answer may be on its way for
 * long. */
static void settle(struct pieces *p, size_t npieces)
{
	packer_free(p->packer);
	p->packer = NULL;
	buf_free(&p->text);
	p->room = sizeof(*p) + p->own.cap + npieces * sizeof(*p->v);
	segments_own(p->segments, p->room);
}

bool pieces_end(struct pieces *p)
{
	size_t most;

	pack_text(p);
	if (p->encoding == ENCODING_GZIP)
		gzip_end(&p->own, &p->sum);
	if (p->own.failed)
		return false;
	list_own(p);
	most = count_most(p) + 1;
	p->v = xcalloc(most, sizeof(*p->v));
	for (size_t i = 0; i < p->nparts; i++)
		if (p->parts[i].run != NULL)
			add_run(p, p->parts[i].run);
		else
			add_piece(p, p->own.data + p->parts[i].at,
			    p->parts[i].n);
	assert(p->n <= PIECES_MAX);
	settle(p, most);
	return true;
}

size_t pieces_count(const struct pieces *p)
{
	return p->n;
}

const char *pieces_get(const struct pieces *p, size_t i, size_t *n_r)
{
	*n_r = p->v[i].n;
	return p->v[i].bytes;
}
