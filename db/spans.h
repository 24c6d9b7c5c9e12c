#ifndef DB_SPANS_H
#define DB_SPANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Half-open intervals of milliseconds, in order, without overlap and with
 * something between any two. */
struct span {
	int64_t from, to;
};

struct spans {
	struct span *v;
	size_t n, cap;
};

void spans_free(struct spans *s);

/* Adds one that begins no earlier than the last one did; what touches or
 * overlaps becomes one.  Empty ones are left out. */
void spans_add(struct spans *s, int64_t from, int64_t to);

/* Adds in any order, for spans_join(), without which nothing else holds. */
void spans_put(struct spans *s, int64_t from, int64_t to);

/* Brings what was put into order, and joins it. */
void spans_join(struct spans *s);

/* The first that ends after t; s->n if there is none. */
size_t spans_after(const struct spans *s, int64_t t);

/* True if t lies in one of them; *until_r: up to where that stays so
 * (INT64_MAX: for ever). */
bool spans_at(const struct spans *s, int64_t t, int64_t *until_r);

/* How much of [from, to) they cover. */
int64_t spans_covered(const struct spans *s, int64_t from, int64_t to);

#endif
