/* The bytes of an answer in pieces, one behind the other. */
#ifndef TESTS_UNIT_EXPORTER_JOINED_H
#define TESTS_UNIT_EXPORTER_JOINED_H

#include "core/buf.h"
#include "exporter/pieces.h"

/* The pieces are ended; free() what is returned.  len_r may be NULL. */
static inline char *copied(const struct pieces *p, size_t *len_r)
{
	struct buf out;

	buf_init(&out, 1 << 30);
	for (size_t i = 0; i < pieces_count(p); i++) {
		size_t n;
		const char *bytes = pieces_get(p, i, &n);

		assert_true(n > 0);
		buf_add(&out, bytes, n);
	}
	return buf_take(&out, len_r);
}

/* The same, and frees the pieces. */
static inline char *joined(struct pieces *p, size_t *len_r)
{
	char *all = copied(p, len_r);

	pieces_free(p);
	return all;
}

#endif
