/* Sets of time as ordered intervals: when a directory was watched, when a
 * maintenance window was in force.  Arithmetic alone, no sqlite; used by what
 * answers questions about history. */
#include "db/spans.h"

#include <stdlib.h>

#include "core/xalloc.h"

void spans_free(struct spans *s)
{
	free(s->v);
	*s = (struct spans){ NULL, 0, 0 };
}

void spans_put(struct spans *s, int64_t from, int64_t to)
{
	if (from >= to)
		return;
	if (s->n == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 8;
		s->v = xreallocarray(s->v, s->cap, sizeof(*s->v));
	}
	s->v[s->n++] = (struct span){ from, to };
}

void spans_add(struct spans *s, int64_t from, int64_t to)
{
	struct span *last = s->n > 0 ? &s->v[s->n - 1] : NULL;

	if (from >= to)
		return;
	if (last != NULL && from <= last->to) {
		last->to = to > last->to ? to : last->to;
		return;
	}
	spans_put(s, from, to);
}

static int by_from(const void *va, const void *vb)
{
	const struct span *a = va, *b = vb;

	return a->from < b->from ? -1 : a->from > b->from;
}

void spans_join(struct spans *s)
{
	size_t n = s->n;

	if (n == 0)
		return;
	qsort(s->v, n, sizeof(*s->v), by_from);
	s->n = 0;
	/* Never ahead of what is read: n never grows past i. */
	for (size_t i = 0; i < n; i++)
		spans_add(s, s->v[i].from, s->v[i].to);
}

size_t spans_after(const struct spans *s, int64_t t)
{
	size_t low = 0, high = s->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (s->v[mid].to > t)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

bool spans_at(const struct spans *s, int64_t t, int64_t *until_r)
{
	size_t i = spans_after(s, t);
	bool inside = i < s->n && s->v[i].from <= t;

	*until_r = INT64_MAX;
	if (i < s->n)
		*until_r = inside ? s->v[i].to : s->v[i].from;
	return inside;
}

int64_t spans_covered(const struct spans *s, int64_t from, int64_t to)
{
	int64_t sum = 0;

	for (size_t i = spans_after(s, from); i < s->n && s->v[i].from < to;
	    i++) {
		int64_t a = s->v[i].from > from ? s->v[i].from : from;
		int64_t b = s->v[i].to < to ? s->v[i].to : to;

		sum += b - a;
	}
	return sum;
}
