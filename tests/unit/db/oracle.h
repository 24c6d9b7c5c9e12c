#ifndef TESTS_UNIT_DB_ORACLE_H
#define TESTS_UNIT_DB_ORACLE_H

/* docs/UPTIME.md read literally: a small history as plain arrays, and what is
 * true of it second by second.  Nothing of db/ is used here, and nothing is
 * clever; all times are whole seconds since the beginning. */

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "core/history.h"
#include "core/registry.h"

enum {
	O_IDENTITIES = 7, O_SERVICES = 3, O_DIRECTORIES = 2, O_STAYS = 40,
	O_WATCHES = 8, O_WINDOWS = 4, O_MINIMA = 4, O_SECONDS = 160,
	O_LATER = 400,		/* an end behind everything */
};

struct o_stay {
	int directory;
	enum state state;
	enum cause cause;
	int from, doubt_from, doubt_to;
};

struct o_history {
	struct o_stay stays[O_IDENTITIES][O_STAYS];
	int nstays[O_IDENTITIES];
	int watches[O_DIRECTORIES][O_WATCHES][2], nwatches[O_DIRECTORIES];
	struct { int service, identity, from, to; } windows[O_WINDOWS];
	int nwindows;
	struct { int from, min; } minima[O_SERVICES][O_MINIMA];
	int nminima[O_SERVICES];
};

enum o_class { O_ABSENT, O_UP, O_DOWN, O_MAINTENANCE, O_UNKNOWN, O_CLASSES };

static inline int o_service(int identity)
{
	return identity % 2;	/* the third has no instance */
}

static inline bool o_is_down(enum state s)
{
	return s == STATE_EXPIRED || s == STATE_LOST;
}

static inline bool o_watched(const struct o_history *h, int directory, int t)
{
	for (int i = 0; i < h->nwatches[directory]; i++)
		if (h->watches[directory][i][0] <= t &&
		    t < h->watches[directory][i][1])
			return true;
	return false;
}

/* The stay in force at t, -1 if there was none yet. */
static inline int o_at(const struct o_history *h, int identity, int t)
{
	int at = -1;

	for (int i = 0; i < h->nstays[identity]; i++)
		if (h->stays[identity][i].from <= t)
			at = i;
	return at;
}

static inline bool o_state_is(const struct o_history *h, int identity, int i,
    bool (*what)(enum state s))
{
	return i >= 0 && i < h->nstays[identity] &&
	    what(h->stays[identity][i].state);
}

static inline bool o_is_up(enum state s)
{
	return s == STATE_UP;
}

/* Whether a change that is in doubt lets it be `what` as well. */
static inline bool o_may(const struct o_history *h, int identity, int t,
    bool (*what)(enum state s))
{
	int i = o_at(h, identity, t);
	const struct o_stay *v = h->stays[identity];

	if (o_state_is(h, identity, i, what))
		return true;
	if (i >= 0 && t < v[i].doubt_to && o_state_is(h, identity, i - 1,
	    what))
		return true;
	return i + 1 < h->nstays[identity] && t >= v[i + 1].doubt_from &&
	    what(v[i + 1].state);
}

static inline bool o_not_up(enum state s)
{
	return s != STATE_UP;
}

static inline bool o_not_down(enum state s)
{
	return !o_is_down(s);
}

/* Absence before the first stay counts among what is not. */
static inline bool o_surely(const struct o_history *h, int identity, int t,
    bool (*what)(enum state s), bool (*other)(enum state s))
{
	int i = o_at(h, identity, t);
	const struct o_stay *v = h->stays[identity];

	if (!o_state_is(h, identity, i, what))
		return false;
	if (i == 0 && t < v[0].doubt_to)
		return false;	/* it can have been not there yet */
	return !o_may(h, identity, t, other);
}

static inline bool o_excused(const struct o_history *h, int identity, int t)
{
	int i = o_at(h, identity, t);
	const struct o_stay *s = &h->stays[identity][i < 0 ? 0 : i];

	if (i < 0 || (s->state == STATE_DEREGISTERED &&
	    (s->cause == CAUSE_FORGOTTEN || s->cause == CAUSE_UNWATCHED)))
		return false;
	for (int w = 0; w < h->nwindows; w++)
		if (h->windows[w].from <= t && t < h->windows[w].to &&
		    (h->windows[w].service < 0 ||
		     h->windows[w].service == o_service(identity)) &&
		    (h->windows[w].identity < 0 ||
		     h->windows[w].identity == identity))
			return true;
	return false;
}

static inline enum o_class o_instance(const struct o_history *h, int identity,
    int t)
{
	int i = o_at(h, identity, t);
	const struct o_stay *s = &h->stays[identity][i < 0 ? 0 : i];

	if (!o_watched(h, s->directory, t))
		return O_UNKNOWN;
	if (o_excused(h, identity, t))
		return O_MAINTENANCE;
	if (i < 0 || s->state == STATE_DEREGISTERED)
		return O_ABSENT;
	return s->state == STATE_UP ? O_UP : O_DOWN;
}

/* --- services --- */

static inline bool o_feeds(const struct o_history *h, int service,
    int directory)
{
	bool any = false, this = false;

	for (int k = 0; k < O_IDENTITIES; k++)
		for (int i = 0; i < h->nstays[k]; i++)
			if (o_service(k) == service) {
				any = true;
				this |= h->stays[k][i].directory == directory;
			}
	return h->nwatches[directory] > 0 && (this || !any);
}

/* Some directory was looked at before and after, and none was in a gap. */
static inline bool o_service_known(const struct o_history *h, int service,
    int t)
{
	bool within = false;

	for (int d = 0; d < O_DIRECTORIES; d++) {
		int n = h->nwatches[d];

		if (!o_feeds(h, service, d) || t < h->watches[d][0][0] ||
		    t >= h->watches[d][n - 1][1])
			continue;
		within = true;
		if (!o_watched(h, d, t))
			return false;
	}
	return within;
}

static inline int o_min(const struct o_history *h, int service, int t,
    int asked)
{
	int min = -1;

	for (int i = 0; i < h->nminima[service]; i++)
		if (h->minima[service][i].from <= t)
			min = h->minima[service][i].min;
	return min >= 0 && asked >= 0 ? asked : min;
}

static inline bool o_whole_window(const struct o_history *h, int service,
    int t)
{
	for (int w = 0; w < h->nwindows; w++)
		if (h->windows[w].identity < 0 && h->windows[w].from <= t &&
		    t < h->windows[w].to && (h->windows[w].service < 0 ||
		    h->windows[w].service == service))
			return true;
	return false;
}

struct o_counts {
	int up, sure, maybe, excused;
};

static inline struct o_counts o_count(const struct o_history *h, int service,
    int t)
{
	struct o_counts c = { 0, 0, 0, 0 };

	for (int k = 0; k < O_IDENTITIES; k++) {
		bool up = o_state_is(h, k, o_at(h, k, t), o_is_up);

		if (o_service(k) != service || h->nstays[k] == 0)
			continue;
		c.up += up;
		c.sure += o_surely(h, k, t, o_is_up, o_not_up);
		c.maybe += o_may(h, k, t, o_is_up);
		c.excused += !up && o_excused(h, k, t);
	}
	return c;
}

static inline enum o_class o_service_class(const struct o_history *h,
    int service, int t, int asked)
{
	struct o_counts c = o_count(h, service, t);
	int min = o_min(h, service, t, asked);

	if (!o_service_known(h, service, t))
		return O_UNKNOWN;
	if (min < 0)
		return O_ABSENT;
	if (o_whole_window(h, service, t))
		return O_MAINTENANCE;
	if (c.up >= min)
		return O_UP;
	return c.up + c.excused >= min ? O_MAINTENANCE : O_DOWN;
}

/* --- sums over [from, to) --- */

struct o_sums {
	int of[O_CLASSES], none, up_least, up_most, down_least, down_most;
	int outages, longest;
	bool present;
};

static inline void o_add(struct o_sums *s, enum o_class class, int *outage)
{
	s->of[class]++;
	if (class == O_DOWN)
		++*outage;
	if (class == O_UP || class == O_ABSENT)
		*outage = 0;
	if (class == O_DOWN && *outage == 1)
		s->outages++;
	if (*outage > s->longest)
		s->longest = *outage;
}

static inline struct o_sums o_sum_instance(const struct o_history *h,
    int identity, int from, int to)
{
	struct o_sums s = { .none = 0 };
	int outage = 0;

	for (int t = from; t < to; t++) {
		enum o_class class = o_instance(h, identity, t);
		int i = o_at(h, identity, t);

		o_add(&s, class, &outage);
		s.present |= i >= 0 &&
		    h->stays[identity][i].state != STATE_DEREGISTERED;
		if (class == O_MAINTENANCE || class == O_UNKNOWN)
			continue;
		s.up_least += o_surely(h, identity, t, o_is_up, o_not_up);
		s.down_least += o_surely(h, identity, t, o_is_down,
		    o_not_down);
		s.up_most += o_may(h, identity, t, o_is_up);
		s.down_most += o_may(h, identity, t, o_is_down);
	}
	return s;
}

static inline struct o_sums o_sum_service(const struct o_history *h,
    int service, int from, int to, int asked)
{
	struct o_sums s = { .none = 0 };
	int outage = 0;

	for (int t = from; t < to; t++) {
		enum o_class class = o_service_class(h, service, t, asked);
		struct o_counts c = o_count(h, service, t);
		int min = o_min(h, service, t, asked);
		bool may_up = c.maybe >= min;
		bool may_down = c.sure + c.excused < min;

		o_add(&s, class, &outage);
		s.present |= min >= 0;
		s.none += class == O_DOWN && c.up == 0;
		if (class != O_UP && class != O_DOWN)
			continue;
		s.up_least += may_up && !may_down;
		s.down_least += may_down && !may_up;
		s.up_most += may_up;
		s.down_most += may_down;
	}
	return s;
}

static inline double o_ratio(int up, int down, double otherwise)
{
	return up + down > 0 ? (double)up / (up + down) : otherwise;
}

/* --- outages --- */

struct o_outage {
	int who, from, to;	/* O_LATER: goes on */
	int down, maintenance, unknown, min, up_least;
};

static inline void o_count_in(struct o_outage *o, enum o_class class)
{
	o->down += class == O_DOWN;
	o->maintenance += class == O_MAINTENANCE;
	o->unknown += class == O_UNKNOWN;
}

/* Stays one after another in which it was down. */
static inline int o_outages_instance(const struct o_history *h, int identity,
    int from, int to, struct o_outage *v, int n)
{
	for (int i = 0; i < h->nstays[identity]; i++) {
		struct o_outage o = {
			.who = identity, .from = h->stays[identity][i].from,
			.to = O_LATER,
		};
		int k = i;

		if (!o_is_down(h->stays[identity][i].state) ||
		    o_state_is(h, identity, i - 1, o_is_down))
			continue;
		while (o_state_is(h, identity, k, o_is_down))
			k++;
		if (k < h->nstays[identity])
			o.to = h->stays[identity][k].from;
		for (int t = from; t < to; t++)
			if (t >= o.from && t < o.to)
				o_count_in(&o, o_instance(h, identity, t));
		if (o.down > 0)
			v[n++] = o;
	}
	return n;
}

static inline int o_outages_service(const struct o_history *h, int service,
    int from, int to, int asked, struct o_outage *v, int n)
{
	struct o_outage o = { .from = -1 };

	for (int t = 0; t <= O_LATER; t++) {
		enum o_class class = o_service_class(h, service, t, asked);
		int up = o_count(h, service, t).up;

		if (o.from >= 0 && (class == O_UP || class == O_ABSENT ||
		    t == O_LATER)) {
			o.to = t;
			if (o.down > 0)
				v[n++] = o;
			o.from = -1;
		}
		if (o.from < 0 && class == O_DOWN)
			o = (struct o_outage){ .who = service, .from = t,
			    .min = o_min(h, service, t, asked),
			    .up_least = up };
		if (o.from >= 0 && class == O_DOWN && up < o.up_least)
			o.up_least = up;
		if (o.from >= 0 && t >= from && t < to)
			o_count_in(&o, class);
	}
	return n;
}

#endif
