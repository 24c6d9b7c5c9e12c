/* A heap of deadlines, earliest first.  Sets no timer itself: set.c asks it
 * for the first and sets the one it has. */
#include "alerts/due.h"

#include <stdlib.h>

#include "core/xalloc.h"

static void put(struct due_list *l, size_t place, struct due *d)
{
	l->v[place] = d;
	d->place = place;
}

static void sift_up(struct due_list *l, size_t i, struct due *d)
{
	while (i > 1 && d->at.ms < l->v[i / 2]->at.ms) {
		put(l, i, l->v[i / 2]);
		i /= 2;
	}
	put(l, i, d);
}

static void sift_down(struct due_list *l, size_t i, struct due *d)
{
	size_t child;

	while ((child = 2 * i) <= l->n) {
		if (child < l->n && l->v[child + 1]->at.ms < l->v[child]->at.ms)
			child++;
		if (d->at.ms <= l->v[child]->at.ms)
			break;
		put(l, i, l->v[child]);
		i = child;
	}
	put(l, i, d);
}

void due_set(struct due_list *l, struct due *d, mono_t at)
{
	if (d->place == 0) {
		if (l->n + 1 >= l->cap) {
			l->cap = l->cap ? l->cap * 2 : 64;
			l->v = xreallocarray(l->v, l->cap, sizeof(*l->v));
		}
		d->place = ++l->n;
	}
	d->at = at;
	sift_up(l, d->place, d);
	sift_down(l, d->place, d);
}

void due_clear(struct due_list *l, struct due *d)
{
	size_t hole = d->place;

	if (hole == 0)
		return;
	struct due *last = l->v[l->n--];

	d->place = 0;
	if (last == d)
		return;
	last->place = hole;
	sift_up(l, hole, last);
	sift_down(l, last->place, last);
}

struct due *due_first(const struct due_list *l)
{
	return l->n > 0 ? l->v[1] : NULL;
}

void due_list_fini(struct due_list *l)
{
	free(l->v);
	*l = (struct due_list){ 0 };
}
