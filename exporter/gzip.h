#ifndef EXPORTER_GZIP_H
#define EXPORTER_GZIP_H

#include <stddef.h>
#include <stdint.h>

struct buf;

/* gzip format in pieces that are packed each by itself and may be kept, so
 * that a long answer of which little changed is put together from pieces
 * packed before:
 *	gzip_begin  gzip_pack*  gzip_end
 * makes one member, an ordinary stream to every reader.  (A member for each
 * piece would be shorter to write, but some readers stop after the first.) */
struct packer;

/* What the end of the stream says of the text packed so far.  All zero: of
 * none. */
struct gzip_sum {
	uint64_t n;
	uint32_t crc;
	uint32_t op;		/* crc's operator of n, by gzip_sum_done() */
};

struct packer *packer_new(void);
void packer_free(struct packer *p);		/* NULL is a no-op */

void gzip_begin(struct buf *out);

/* Appends a text packed, no bytes for none, and returns its sum, done. */
struct gzip_sum gzip_pack(struct packer *p, const char *text, size_t n,
    struct buf *out);

/* The sum of a text and another behind it; more must be done.  Sums are done
 * when nothing is added to them any more. */
void gzip_sum_add(struct gzip_sum *sum, const struct gzip_sum *more);
void gzip_sum_done(struct gzip_sum *sum);

void gzip_end(struct buf *out, const struct gzip_sum *sum);

/* Replaces the bytes of b by the same in gzip format.  0, or -1 with b as it
 * was (the caller sends it plain). */
int gzip_buf(struct buf *b);

#endif
