/* Comparing the roster of a directory with a whole listing: both are sorted,
 * and run through side by side.  What only the listing has is new, what it has
 * not is lost, since nobody told of its end.  Used by cli/discover_*.c. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "core/xalloc.h"
#include "discover/roster_impl.h"

static int by_key(const void *a, const void *b)
{
	const struct etcd_node *const *x = a, *const *y = b;

	return strcmp((*x)->key, (*y)->key);
}

/* Those that matter, sorted.  Of two keys that look the same (etcd replaces
 * what is not UTF-8) one counts. */
static const struct etcd_node **sorted(const struct roster_dir *d,
    const struct etcd_listing *l, size_t *n_r)
{
	const struct etcd_node **v = xcalloc(l->n + 1,
	    sizeof(const struct etcd_node *));
	size_t n = 0, unique = 0;

	for (size_t i = 0; i < l->n; i++)
		if (roster_wants(d, &l->v[i]))
			v[n++] = &l->v[i];
	qsort(v, n, sizeof(*v), by_key);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || strcmp(v[i]->key, v[unique - 1]->key) != 0)
			v[unique++] = v[i];
	*n_r = unique;
	return v;
}

struct merge {
	struct roster *roster;
	struct roster_dir *d;
	struct roster_node **v;		/* what comes of it */
	size_t n;
	bool whole;			/* the listing had all there is */
	mono_t told;
};

static void only_known(struct merge *m, struct roster_node *known)
{
	if (m->whole)
		roster_node_leave(m->roster, m->d, known, ROSTER_LOST);
	else
		m->v[m->n++] = known;
}

static void merge(struct merge *m, const struct etcd_node *const *listed,
    size_t nlisted)
{
	const struct roster_dir *d = m->d;
	size_t i = 0, j = 0;
	int c;

	while (i < d->n || j < nlisted) {
		if (i == d->n || j == nlisted)
			c = i == d->n ? 1 : -1;
		else
			c = strcmp(d->v[i]->key, listed[j]->key);
		if (c < 0) {
			only_known(m, d->v[i++]);
		} else if (c > 0) {
			m->v[m->n++] = roster_node_new(d, listed[j++],
			    m->told);
		} else {
			roster_node_update(m->roster, m->d, d->v[i],
			    listed[j++], m->told);
			m->v[m->n++] = d->v[i++];
		}
	}
}

void roster_listing(struct roster *r, size_t directory,
    const struct etcd_result *listing)
{
	const struct etcd_listing *l = &listing->listing;
	struct roster_dir *d = &r->dirs[directory];
	struct merge m = { .roster = r, .d = d, .whole = l->bad == 0,
	    .told = listing->ended };
	const struct etcd_node **listed;
	size_t n;

	assert(directory < r->n);
	listed = sorted(d, l, &n);
	d->cap = d->n + n;
	m.v = xcalloc(d->cap + 1, sizeof(struct roster_node *));
	if (!m.whole)
		log_warn("a listing has nodes that make no sense: what is not"
		    " in it is not taken for gone",
		    LOG_S("directory", d->path), LOG_I("nodes", l->bad),
		    LOG_S("first", l->first_bad));
	merge(&m, listed, n);
	free(listed);
	free(d->v);
	d->v = m.v;
	d->n = m.n;
	d->listed = true;
	roster_settle(r, d, 0, d->n);
}
