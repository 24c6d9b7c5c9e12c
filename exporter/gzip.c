/* gzip format out of pieces.  Each is deflated by itself, without references
 * to what was before, and flushed to a whole byte, so pieces can stand in any
 * order; the check sum of the whole is combined from theirs.  Level 1: on an
 * exposition it makes a tenth of the size, and level 6 takes three times as
 * long for a tenth less.  Called by pieces.c, segments.c and routes.c. */
#include "exporter/gzip.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

#include "core/buf.h"
#include "core/xalloc.h"

/* The tables, which are made and cleared again and again, are kept small: in
 * an exposition what comes again comes soon. */
enum { RAW_DEFLATE = -13, MEMORY_LEVEL = 6, FLUSH_MAX = 16 };

struct packer {
	z_stream z;
};

static voidpf z_alloc(voidpf arg, uInt count, uInt size)
{
	(void)arg;
	return xcalloc(count, size);
}

static void z_free(voidpf arg, voidpf p)
{
	(void)arg;
	free(p);
}

struct packer *packer_new(void)
{
	struct packer *p = xcalloc(1, sizeof(*p));
	int rc;

	p->z.zalloc = z_alloc;
	p->z.zfree = z_free;
	rc = deflateInit2(&p->z, Z_BEST_SPEED, Z_DEFLATED, RAW_DEFLATE,
	    MEMORY_LEVEL, Z_DEFAULT_STRATEGY);
	assert(rc == Z_OK);
	(void)rc;
	return p;
}

void packer_free(struct packer *p)
{
	if (p == NULL)
		return;
	deflateEnd(&p->z);
	free(p);
}

void gzip_begin(struct buf *out)
{
	/* No name, no time, any system. */
	buf_add(out, "\x1f\x8b\x08\0\0\0\0\0\x04\xff", 10);
}

/* Takes n bytes, at most UINT_MAX, to a whole byte of output. */
static void deflate_some(z_stream *z, const char *text, uInt n,
    struct buf *out)
{
	uLong room = deflateBound(z, n) + FLUSH_MAX;
	int rc;

	if (!buf_reserve(out, room))
		return;
	z->next_in = (z_const Bytef *)(uintptr_t)text;
	z->avail_in = n;
	z->next_out = (Bytef *)out->data + out->len;
	z->avail_out = (uInt)room;
	rc = deflate(z, Z_FULL_FLUSH);
	assert(rc == Z_OK && z->avail_in == 0 && z->avail_out > 0);
	(void)rc;
	out->len += room - z->avail_out;
	out->data[out->len] = '\0';
}

struct gzip_sum gzip_pack(struct packer *p, const char *text, size_t n,
    struct buf *out)
{
	struct gzip_sum sum = { .n = n };
	const size_t most = UINT_MAX / 2;

	if (n == 0)
		return sum;
	sum.crc = (uint32_t)crc32_z(0, (const Bytef *)text, n);
	gzip_sum_done(&sum);
	deflateReset(&p->z);
	for (; n > 0; n -= n < most ? n : most) {
		deflate_some(&p->z, text, (uInt)(n < most ? n : most), out);
		text += n < most ? n : most;
	}
	return sum;
}

void gzip_sum_add(struct gzip_sum *sum, const struct gzip_sum *more)
{
	if (more->n == 0)
		return;
	sum->crc = (uint32_t)crc32_combine_op(sum->crc, more->crc, more->op);
	sum->n += more->n;
}

void gzip_sum_done(struct gzip_sum *sum)
{
	sum->op = (uint32_t)crc32_combine_gen((z_off_t)sum->n);
}

static void add_le32(struct buf *out, uint32_t v)
{
	for (int shift = 0; shift < 32; shift += 8)
		buf_addc(out, (char)(v >> shift & 0xff));
}

void gzip_end(struct buf *out, const struct gzip_sum *sum)
{
	buf_add(out, "\x03\0", 2);		/* the last block, empty */
	add_le32(out, sum->crc);
	add_le32(out, (uint32_t)sum->n);
}

int gzip_buf(struct buf *b)
{
	struct packer *p = packer_new();
	struct gzip_sum sum;
	struct buf packed;

	/* zlib wants room for the worst case. */
	buf_init(&packed, b->max + b->max / 4 + 1000);
	gzip_begin(&packed);
	sum = gzip_pack(p, buf_str(b), b->len, &packed);
	gzip_end(&packed, &sum);
	packer_free(p);
	if (packed.failed) {
		buf_free(&packed);
		return -1;
	}
	buf_free(b);
	*b = packed;
	return 0;
}
