/* The judge of mass vanishes: pure arithmetic over the leaves of the last
 * minute.  It decides nothing about alerts; leave.c holds the instances that
 * it says are part of a storm. */
#include "collectors/storm.h"

#include <stdlib.h>

#include "core/xalloc.h"

enum {
	MIN_LEAVING = 5,
	PERCENT = 30,
	MIN_WINDOW_MS = 10 * 1000,
	MAX_WINDOW_MS = 60 * 1000,
	MIN_HOLD_MS = 5 * 1000,
	MAX_HOLD_MS = 60 * 1000,
	SLOTS = 64,			/* one per second of the window */
	STEP_MS = 1000,			/* in which they are let go */
};

struct storm {
	mono_t held_from;		/* a second of those held */
	struct {
		int64_t second;
		size_t left;
	} slots[SLOTS];
};

struct storm *storm_new(void)
{
	return xcalloc(1, sizeof(struct storm));
}

void storm_free(struct storm *s)
{
	free(s);
}

static int64_t clamp(int64_t v, int64_t low, int64_t high)
{
	if (v < low)
		return low;
	return v > high ? high : v;
}

static int64_t hold_ms(int64_t ttl_s)
{
	return clamp(clamp(ttl_s, 0, MAX_HOLD_MS) * 1000, MIN_HOLD_MS,
	    MAX_HOLD_MS);
}

mono_t storm_hold_until(const struct storm *s, int64_t ttl_s, mono_t now)
{
	int64_t ms = mono_since(s->held_from, now) + hold_ms(ttl_s);

	return mono_add(s->held_from, ms - ms % STEP_MS + STEP_MS);
}

static int64_t window_ms(int64_t largest_ttl_s)
{
	return clamp(clamp(largest_ttl_s, 0, MAX_WINDOW_MS) * 500,
	    MIN_WINDOW_MS, MAX_WINDOW_MS);
}

static void remember(struct storm *s, int64_t second, size_t left)
{
	size_t k = (size_t)(second % SLOTS);

	if (s->slots[k].second != second) {
		s->slots[k].second = second;
		s->slots[k].left = 0;
	}
	s->slots[k].left += left;
}

void storm_again(struct storm *s, mono_t left)
{
	int64_t second = left.ms / 1000;
	size_t k = (size_t)(second % SLOTS);

	if (s->slots[k].second == second && s->slots[k].left > 0)
		s->slots[k].left--;
}

static size_t left_since(const struct storm *s, int64_t second)
{
	size_t n = 0;

	for (size_t k = 0; k < SLOTS; k++)
		if (s->slots[k].second >= second)
			n += s->slots[k].left;
	return n;
}

static bool is_storm(size_t went, size_t up)
{
	return went >= MIN_LEAVING && went * 100 >= up * PERCENT;
}

void storm_hold(struct storm *s, mono_t now)
{
	if (mono_since(s->held_from, now) >= STEP_MS)
		s->held_from = now;
}

bool storm_judge(struct storm *s, const struct storm_case *c, mono_t now)
{
	int64_t second = now.ms / 1000;
	int64_t start = (now.ms - window_ms(c->largest_ttl_s)) / 1000;
	size_t before = left_since(s, start + 1);

	remember(s, second, c->leaving);
	return c->leaving > 0 &&
	    is_storm(before + c->leaving + c->coming, c->up + before);
}

/* Whoever left before makes it likelier, so all that may count do. */
bool storm_possible(const struct storm *s, size_t leaving, size_t up,
    mono_t now)
{
	size_t before = left_since(s, (now.ms - MAX_WINDOW_MS) / 1000 + 1);

	return is_storm(before + leaving, up + before);
}
