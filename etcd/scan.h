#ifndef ETCD_SCAN_H
#define ETCD_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/json.h"

/* JSON, token by token, from text that comes in pieces of any size.  Takes and
 * refuses what json_parse() does, with its limits on depth, numbers and values,
 * but builds no tree and allocates nothing per value.  As there, \u0000 in a
 * string becomes C0 80. */

enum scan_token {
	SCAN_NOTHING,
	SCAN_MORE,		/* all that was fed is used up */
	SCAN_ERROR,		/* scan.why says what is wrong; for good */
	SCAN_END,		/* a whole value, and the text is at its end */
	SCAN_OBJECT, SCAN_ARRAY,
	SCAN_CLOSE,		/* of either */
	SCAN_NAME,		/* of the member whose value comes next */
	SCAN_STRING, SCAN_NUMBER, SCAN_TRUE, SCAN_FALSE, SCAN_NULL
};

enum { SCAN_MAX_NUMBER = 60 };

struct scan {
	/* The token just returned. */
	size_t start, len;		/* NAME, STRING: in buf, NUL behind */
	bool has_nul;			/* C0 80 is in it */
	char number[SCAN_MAX_NUMBER + 1];	/* NUMBER: as it is written */
	unsigned depth;			/* open brackets, with this token's */
	struct err why;

	/* Where strings are: the text itself, or memory that grows.  Of the
	 * latter, what lies below `used` stays. */
	char *buf;
	size_t used, cap;

	/* The scan's own. */
	bool in_place, last;
	const char *in, *piece, *end;	/* the piece being read */
	size_t before;			/* bytes in front of it */
	size_t values, out, nnumber;
	const char *word;		/* what is left of true, false, null */
	uint8_t expect, part, special, token, means, need, low, high;
	unsigned hex, surrogate;
	uint64_t objects[(JSON_MAX_DEPTH + 63) / 64];	/* or arrays */
};

/* For text that comes in pieces: scan_feed() each, and call scan_next() until
 * there is SCAN_MORE.  A piece is not needed any longer then. */
void scan_init(struct scan *s);
void scan_feed(struct scan *s, const char *piece, size_t n);
/* No more will come; scan_next() tells of SCAN_END or SCAN_ERROR at last. */
void scan_finish(struct scan *s);
void scan_free(struct scan *s);

/* For text that is there as a whole: strings are unescaped in it and stay.
 * Neither fed nor freed. */
void scan_in_place(struct scan *s, char *text, size_t n);

enum scan_token scan_next(struct scan *s);

/* The string just returned stays in buf until scan_forget(). */
void scan_keep(struct scan *s);
/* What was kept since `used` was this is not needed any longer. */
void scan_forget(struct scan *s, size_t used);

/* The number just returned, as near as a double comes; an integer above 2^53
 * never becomes 2^53. */
double scan_double(const struct scan *s);

#endif
