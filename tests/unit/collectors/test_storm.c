/* The judge of storms:
 *	at least five and 30 % of those that were up, what is coming included
 *	within 10 s, or half the largest TTL, or 60 s
 *	what left before counts, also when it was no storm then
 *	how long an instance is held, and that it is let go with its like
 *	random leaves: never against a judge who remembers every one */
#include "collectors/storm.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/seeded.h"

enum { LATER = 7000 * 1000 };		/* some moment, a full second */

static bool judge_at(struct storm *s, int64_t ms, size_t leaving,
    size_t coming, size_t up, int64_t ttl_s)
{
	struct storm_case c = { .leaving = leaving, .coming = coming,
		.up = up, .largest_ttl_s = ttl_s };

	return storm_judge(s, &c, (mono_t){ LATER + ms });
}

/* --- one batch --- */

static const struct {
	size_t leaving, coming, up;
	bool storm;
} batches[] = {
	{ 0, 0, 0, false },
	{ 1, 0, 1, false },
	{ 4, 0, 4, false },		/* all, but only four */
	{ 5, 0, 5, true },
	{ 5, 0, 16, true },		/* 31 % */
	{ 5, 0, 17, false },		/* 29 % */
	{ 6, 0, 20, true },		/* 30 % */
	{ 29, 0, 100, false },
	{ 30, 0, 100, true },
	{ 1, 4, 5, true },		/* the first of a burst */
	{ 1, 3, 5, false },
	{ 1, 29, 100, true },
	{ 1, 28, 100, false },
	{ 0, 100, 100, false },		/* nobody has left yet */
	{ 100000, 0, 100000, true },
	{ 299999, 0, 1000000, false },
};

static void a_batch_alone(void **state)
{
	(void)state;
	for (size_t k = 0; k < sizeof(batches) / sizeof(batches[0]); k++) {
		struct storm *s = storm_new();

		if (judge_at(s, 0, batches[k].leaving, batches[k].coming,
		    batches[k].up, 10) != batches[k].storm)
			fail_msg("batch %zu", k);
		storm_free(s);
	}
}

/* --- one after the other --- */

/* Two leave, then three: when does the first still count? */
static const struct {
	int64_t ttl_s, apart_ms;
	bool storm;
} windows[] = {
	{ 0, 9000, true },		/* permanent: 10 s */
	{ 1, 9000, true },
	{ 10, 9000, true },
	{ 10, 10000, false },
	{ 20, 10000, false },		/* half the TTL is no more than 10 s */
	{ 30, 14000, true },
	{ 30, 15000, false },
	{ 100, 49000, true },
	{ 100, 50000, false },
	{ 120, 59000, true },
	{ 3600, 59000, true },		/* at most 60 s */
	{ 3600, 60000, false },
	{ INT64_MAX, 59000, true },
	{ INT64_MAX, 60000, false },
	{ -5, 9000, true },
	{ -5, 10000, false },
};

static void within_the_window(void **state)
{
	(void)state;
	for (size_t k = 0; k < sizeof(windows) / sizeof(windows[0]); k++) {
		struct storm *s = storm_new();

		assert_false(judge_at(s, 0, 2, 0, 10, windows[k].ttl_s));
		if (judge_at(s, windows[k].apart_ms, 3, 0, 8,
		    windows[k].ttl_s) != windows[k].storm)
			fail_msg("window %zu", k);
		storm_free(s);
	}
}

/* Those who left before were up when it began: 5 of 20, then the sixth. */
static void who_left_was_up_before(void **state)
{
	struct storm *s = storm_new();

	(void)state;
	assert_false(judge_at(s, 0, 5, 0, 20, 10));
	assert_true(judge_at(s, 500, 1, 0, 15, 10));
	assert_true(judge_at(s, 900, 1, 0, 14, 10));
	storm_free(s);
}

/* What was only expected to come is not counted when it comes. */
static void what_was_coming_counts_once(void **state)
{
	struct storm *s = storm_new();

	(void)state;
	assert_false(judge_at(s, 0, 1, 3, 10, 10));
	assert_false(judge_at(s, 10, 1, 2, 9, 10));
	assert_false(judge_at(s, 20, 2, 0, 8, 10));
	assert_true(judge_at(s, 30, 1, 0, 6, 10));
	storm_free(s);
}

/* The slots are used again after 64 s, and after hours. */
static void old_slots_do_not_count(void **state)
{
	struct storm *s = storm_new();

	(void)state;
	for (int64_t t = 0; t < 50; t++)
		assert_false(judge_at(s, t * 64 * 1000, 4, 0, 4, 3600));
	assert_false(judge_at(s, (int64_t)86400 * 1000, 4, 0, 4, 3600));
	storm_free(s);
}

/* One that came back and left again has left once. */
static void who_left_twice_counts_once(void **state)
{
	struct storm *s = storm_new();

	(void)state;
	for (int64_t t = 0; t < 9000; t += 1000) {
		if (t > 0)
			storm_again(s, (mono_t){ LATER + t - 1000 });
		assert_false(judge_at(s, t, 1, 0, 3, 10));
	}
	assert_false(judge_at(s, 9000, 3, 0, 10, 10));
	assert_true(judge_at(s, 9000, 1, 0, 7, 10));
	storm_again(s, (mono_t){ 0 });
	storm_again(s, (mono_t){ LATER - 64 * 1000 });
	assert_true(judge_at(s, 9000, 1, 0, 15, 10));
	storm_free(s);
}

/* --- the hold --- */

static void hold_is_the_ttl_within_limits(void **state)
{
	static const struct {
		int64_t ttl_s, ms;
	} holds[] = {
		{ INT64_MIN, 5000 }, { -1, 5000 }, { 0, 5000 }, { 1, 5000 },
		{ 5, 5000 }, { 6, 6000 }, { 30, 30000 }, { 60, 60000 },
		{ 61, 60000 }, { 86400, 60000 }, { INT64_MAX, 60000 },
	};

	struct storm *s = storm_new();

	(void)state;
	for (size_t k = 0; k < sizeof(holds) / sizeof(holds[0]); k++)
		assert_int_equal(storm_hold_until(s, holds[k].ttl_s,
		    (mono_t){ LATER + 999 }).ms, LATER + holds[k].ms + 1000);
	storm_free(s);
}

/* Over a full second, too; those of the next second by themselves. */
static void those_who_went_together_are_let_go_together(void **state)
{
	static const struct {
		int64_t gone, until;
	} of_8_s[] = {
		{ 990, 9990 }, { 1010, 9990 }, { 1989, 9990 }, { 1990, 10990 },
		{ 2500, 10990 }, { 9700, 18700 }, { 10699, 18700 },
		{ 10701, 19701 },
	};
	struct storm *s = storm_new();

	(void)state;
	for (size_t k = 0; k < sizeof(of_8_s) / sizeof(of_8_s[0]); k++) {
		mono_t now = { LATER + of_8_s[k].gone };

		storm_hold(s, now);
		assert_int_equal(storm_hold_until(s, 8, now).ms,
		    LATER + of_8_s[k].until);
	}
	storm_free(s);
}

/* --- against a judge who remembers every leave --- */

enum { STEPS = 20000 };

struct memory {
	struct {
		int64_t ms;
		size_t left;
	} v[STEPS];
	size_t n;
};

static size_t left_within(const struct memory *m, int64_t now, int64_t ms)
{
	size_t left = 0;

	for (size_t k = m->n; k-- > 0 && m->v[k].ms > now - ms;)
		left += m->v[k].left;
	return left;
}

static bool naive(const struct storm_case *c, size_t before)
{
	double went = (double)(c->leaving + c->coming + before);

	return c->leaving > 0 && went >= 5 &&
	    went / (double)(c->up + before) >= 0.2999999999;
}

static int64_t naive_window(int64_t ttl_s)
{
	int64_t half = ttl_s * 500;

	return half < 10000 ? 10000 : half > 60000 ? 60000 : half;
}

/* Whole seconds are remembered, so a leave may be forgotten a second early:
 * only where that makes no difference must the two agree. */
static void random_leaves(void **state)
{
	static const int64_t ttls[] = { 0, 1, 5, 20, 30, 77, 120, 500 };
	struct memory *m = calloc(1, sizeof(*m));
	struct storm *s = storm_new();
	int64_t now = LATER;
	size_t same = 0, storms = 0;

	(void)state;
	seeded_start();
	for (size_t k = 0; k < STEPS; k++) {
		struct storm_case c = { .leaving = seeded_below(4),
			.coming = seeded_below(3),
			.up = 3 + seeded_below(40),
			.largest_ttl_s = ttls[seeded_below(8)] };
		int64_t window = naive_window(c.largest_ttl_s);
		bool least, most, storm;

		now += (int64_t)seeded_below(seeded_below(9) ? 3000 : 70000);
		least = naive(&c, left_within(m, now, window - 1000));
		most = naive(&c, left_within(m, now, window));
		storm = storm_judge(s, &c, (mono_t){ now });
		if (least == most) {
			assert_int_equal(storm, least);
			same++;
			storms += storm;
		}
		m->v[m->n].ms = now;
		m->v[m->n++].left = c.leaving;
	}
	assert_true(same > STEPS / 2 && storms > STEPS / 100);
	storm_free(s);
	free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_batch_alone),
		cmocka_unit_test(within_the_window),
		cmocka_unit_test(who_left_was_up_before),
		cmocka_unit_test(what_was_coming_counts_once),
		cmocka_unit_test(old_slots_do_not_count),
		cmocka_unit_test(who_left_twice_counts_once),
		cmocka_unit_test(hold_is_the_ttl_within_limits),
		cmocka_unit_test(those_who_went_together_are_let_go_together),
		cmocka_unit_test(random_leaves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
