/* The arithmetic of uptime (docs/UPTIME.md): sums pieces of time up, counts
 * outages, and makes the ratios and their bounds.  Knows nothing of where
 * pieces come from: instance_uptime.c and service_uptime.c cut them. */
#include "db/tally.h"

#include <math.h>

static void end_outage(struct tallies *t)
{
	struct tally *sums = &t->v[t->at];

	if (t->outage_ms == 0)
		return;
	sums->outages++;
	if (t->outage_ms > sums->longest_ms)
		sums->longest_ms = t->outage_ms;
	t->outage_ms = 0;
}

static void add_bounds(struct tally *sums, const struct piece *p, int64_t ms)
{
	if (p->class == PIECE_MAINTENANCE || p->class == PIECE_UNKNOWN)
		return;
	if (p->may & MAY_BE_UP)
		sums->up_most += ms;
	if (p->may & MAY_BE_DOWN)
		sums->down_most += ms;
	if (p->may == MAY_BE_UP)
		sums->up_least += ms;
	if (p->may == MAY_BE_DOWN)
		sums->down_least += ms;
}

static void add(struct tallies *t, const struct piece *p, int64_t ms)
{
	struct tally *sums = &t->v[t->at];

	sums->ms[p->class] += ms;
	if (p->none && p->class == PIECE_DOWN)
		sums->none_ms += ms;
	add_bounds(sums, p, ms);
	/* Time that nobody saw, or that does not count, neither ends an
	 * outage nor lengthens it. */
	if (p->class == PIECE_DOWN)
		t->outage_ms += ms;
	else if (p->class == PIECE_UP || p->class == PIECE_ABSENT)
		end_outage(t);
}

void tallies_add(struct tallies *t, const struct piece *p)
{
	int64_t from = p->from;

	if (from < t->edges[0].ms)
		from = t->edges[0].ms;
	while (from < p->to && t->at + 1 < t->nedges) {
		int64_t edge = t->edges[t->at + 1].ms;
		int64_t to = p->to < edge ? p->to : edge;

		if (to > from)
			add(t, p, to - from);
		if (p->to < edge)
			return;
		end_outage(t);
		t->at++;
		from = to > from ? to : from;
	}
}

void tallies_end(struct tallies *t)
{
	if (t->at + 1 < t->nedges)
		end_outage(t);
}

static double ratio(int64_t up, int64_t down)
{
	return up + down > 0 ? (double)up / (double)(up + down) : NAN;
}

/* What may have been absent all the time has no other value than the one that
 * is known; and what has none has no bounds. */
static double bound(int64_t up, int64_t down, double uptime)
{
	return up + down > 0 && !isnan(uptime) ? ratio(up, down) : uptime;
}

static int64_t per_outage(int64_t ms, int64_t outages)
{
	return outages > 0 ? ms / outages : -1;
}

void tally_row(const struct tally *t, wall_t from, wall_t to,
    struct history_uptime *row)
{
	int64_t up = t->ms[PIECE_UP], down = t->ms[PIECE_DOWN];
	int64_t unknown = t->ms[PIECE_UNKNOWN];

	row->from = from;
	row->to = to;
	row->uptime = ratio(up, down);
	row->uptime_low = bound(t->up_least, t->down_most, row->uptime);
	row->uptime_high = bound(t->up_most, t->down_least, row->uptime);
	row->coverage = 1 - (double)unknown / (double)(to.ms - from.ms);
	row->up_ms = up;
	row->down_ms = down;
	row->none_ms = t->none_ms;
	row->maintenance_ms = t->ms[PIECE_MAINTENANCE];
	row->absent_ms = t->ms[PIECE_ABSENT];
	row->unknown_ms = unknown;
	row->outages = t->outages;
	row->longest_ms = t->longest_ms;
	row->mtbf_ms = per_outage(up, t->outages);
	row->mttr_ms = per_outage(down, t->outages);
}
