#ifndef ALERTS_DUE_H
#define ALERTS_DUE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/clock.h"

/* Who is due next: a binary heap whose members carry their own place, so that
 * a time is changed in O(log n) and one timer serves any number of them. */
struct due {
	mono_t at;
	size_t place;		/* 0: in no heap */
};

struct due_list {
	struct due **v;		/* v[1..n] */
	size_t n, cap;
};

/* Puts d in, or moves it, to `at`. */
void due_set(struct due_list *l, struct due *d, mono_t at);

/* Takes d out if it is in. */
void due_clear(struct due_list *l, struct due *d);

/* The earliest, or NULL. */
struct due *due_first(const struct due_list *l);

void due_list_fini(struct due_list *l);

#endif
