#ifndef EXPORTER_DEFLATE_H
#define EXPORTER_DEFLATE_H

#include <stddef.h>
#include <stdint.h>

enum { DEFLATE_HASHES = 4096 };

/* What is remembered while text is packed.  All zero at first; never has to
 * be cleared. */
struct deflate {
	uint32_t seen[DEFLATE_HASHES];	/* where four bytes were last */
	uint32_t base;			/* of the present text in that count */
};

/* The most bytes that n bytes of text can become. */
size_t deflate_bound(size_t n);

/* Writes text as raw deflate (RFC 1951) that does not refer to anything
 * before it, is not the last of its stream and ends on a whole byte.  out has
 * room for deflate_bound(n).  Returns how many bytes. */
size_t deflate_piece(struct deflate *d, const char *text, size_t n,
    unsigned char *out);

#endif
