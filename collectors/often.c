/* How often a directory is listed.  Beats with refresh=true are seen by
 * listings alone, so those are due by the TTLs; but whatever the reason, all of
 * them together take etcd no more than a twentieth of the time.  A few in a row
 * are excepted, and where one took long, perhaps since a member hung, the next
 * is not put off for longer than a quiet directory's.  Asked by
 * collectors/sync.c before it asks, and by collectors/compare.c at the end. */
#include "collectors/watch_impl.h"

enum {
	MIN_INTERVAL_MS = 1000,
	MAX_INTERVAL_MS = 30 * 1000,
	COST_FACTOR = 20,		/* a listing's share: 5 % of the time */
	IN_A_ROW = 5,			/* leaders change, members, a break */
};

/* The TTL below which a tenth of the instances lie, in seconds; 0: no TTLs. */
static int64_t low_ttl(const struct listed *l)
{
	size_t sum = 0;

	for (int64_t s = 1; s < TTL_CAP; s++) {
		sum += l->ttls[s];
		if (l->nttls > 0 && sum * 10 >= l->nttls)
			return s;
	}
	return 0;
}

int64_t often_interval_ms(const struct listed *l)
{
	int64_t ttl_s = low_ttl(l);
	int64_t ms = MAX_INTERVAL_MS, least = COST_FACTOR * l->cost_ms;

	if (l->silent && ttl_s > 0)
		ms = ttl_s * 1000 / 3;
	if (ms > MAX_INTERVAL_MS)
		ms = MAX_INTERVAL_MS;
	if (ms < MIN_INTERVAL_MS)
		ms = MIN_INTERVAL_MS;
	return ms > least ? ms : least;
}

/* By now another one in a row may be. */
static int64_t regained_ms(const struct watcher *w)
{
	int64_t ms = COST_FACTOR * w->listing.cost_ms;

	return ms < MAX_INTERVAL_MS ? ms : MAX_INTERVAL_MS;
}

void often_listed(struct watcher *w)
{
	int64_t each = regained_ms(w);
	int64_t n = mono_since(w->in_a_row_at, w->asked_at) / each;

	if (n < w->in_a_row) {
		w->in_a_row -= (unsigned)n;
		w->in_a_row_at = mono_add(w->in_a_row_at, n * each);
	} else {
		w->in_a_row = 0;
		w->in_a_row_at = w->asked_at;
	}
	w->in_a_row++;
}

mono_t often_not_before(const struct watcher *w)
{
	if (w->in_a_row < IN_A_ROW)
		return (mono_t){ 0 };
	return mono_add(w->in_a_row_at,
	    (w->in_a_row - IN_A_ROW + 1) * regained_ms(w));
}
