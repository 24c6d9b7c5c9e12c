/* gzip format out of pieces.  Each is deflated by itself (deflate.c) and ends
 * on a whole byte, so pieces can stand in any order; the check sum of the
 * whole is combined from theirs.  Called by pieces.c, segments.c and
 * routes.c. */
#include "exporter/gzip.h"

#include <pthread.h>
#include <stdlib.h>
#include <zlib.h>

#include "core/buf.h"
#include "core/xalloc.h"
#include "exporter/deflate.h"

/* Of text that is packed at once. */
enum { PIECE_MAX = 1 << 20 };

struct packer {
	struct deflate deflate;
};

struct packer *packer_new(void)
{
	return xcalloc(1, sizeof(struct packer));
}

void packer_free(struct packer *p)
{
	free(p);
}

void gzip_begin(struct buf *out)
{
	/* No name, no time, any system. */
	buf_add(out, "\x1f\x8b\x08\0\0\0\0\0\x04\xff", 10);
}

struct gzip_sum gzip_pack(struct packer *p, const char *text, size_t n,
    struct buf *out)
{
	struct gzip_sum sum = { .n = n };

	if (n == 0)
		return sum;
	sum.crc = (uint32_t)crc32_z(0, (const Bytef *)text, n);
	gzip_sum_done(&sum);
	for (size_t some; n > 0; n -= some, text += some) {
		some = n < PIECE_MAX ? n : PIECE_MAX;
		if (!buf_reserve(out, deflate_bound(some)))
			return sum;
		out->len += deflate_piece(&p->deflate, text, some,
		    (unsigned char *)out->data + out->len);
		out->data[out->len] = '\0';
	}
	return sum;
}

/* --- check sums of texts behind each other --- */

/* A CRC is the remainder of a polynomial over GF(2), its lowest power in the
 * highest bit, so a text in front of n bytes counts x^(8n) times.  (zlib has
 * functions for this since 1.2.12, which is too new to rely on.) */
enum { POWERS = 64 };
static const uint32_t polynomial = 0xedb88320, one = 1u << 31;
static uint32_t power[POWERS];	/* x^(8 * 2^k) */

static uint32_t multiply(uint32_t a, uint32_t b)
{
	uint32_t product = 0;

	for (; a != 0; a <<= 1) {
		product ^= b & (0 - (a >> 31));
		b = b >> 1 ^ (polynomial & (0 - (b & 1)));
	}
	return product;
}

static void make_powers(void)
{
	power[0] = one >> 8;
	for (int k = 1; k < POWERS; k++)
		power[k] = multiply(power[k - 1], power[k - 1]);
}

void gzip_sum_add(struct gzip_sum *sum, const struct gzip_sum *more)
{
	if (more->n == 0)
		return;
	sum->crc = multiply(more->op, sum->crc) ^ more->crc;
	sum->n += more->n;
}

void gzip_sum_done(struct gzip_sum *sum)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, make_powers);
	sum->op = one;
	for (int k = 0; k < POWERS && sum->n >> k != 0; k++)
		if (sum->n >> k & 1)
			sum->op = multiply(power[k], sum->op);
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

	/* deflate_bound(), and what stands around it. */
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
