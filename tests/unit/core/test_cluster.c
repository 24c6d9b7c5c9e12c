/* core/cluster.c:
 *	samples replaced at each poll, ended by the second failure
 *	an empty answer changes nothing but the count
 *	values found by metric and third label
 *	no more than MEMBER_MAX_SAMPLES
 *	skew: one Date, many Dates, no agreement, drift */
#include "core/cluster.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "core/clock.h"

static struct member member;

static int setup(void **state)
{
	(void)state;
	clock_set((mono_t){ 1000 }, (wall_t){ 1700000000000 });
	member = (struct member){ 0 };
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	member_fini(&member);
	clock_use_real();
	return 0;
}

static void watchers_are(double v)
{
	member_begin(&member, ENDPOINT_STATS_STORE);
	member_sample(&member, ENDPOINT_STATS_STORE, M_etcd_store_watchers,
	    NULL, v);
	member_answered(&member, ENDPOINT_STATS_STORE, 1500);
}

static double watchers(void)
{
	double v = -1;

	member_value(&member, M_etcd_store_watchers, NULL, &v);
	return v;
}

static void test_answer_replaces_samples(void **state)
{
	const struct endpoint_state *s =
	    &member.endpoints[ENDPOINT_STATS_STORE];

	(void)state;
	assert_false(s->polled);
	assert_false(member_fresh(&member, ENDPOINT_STATS_STORE));
	watchers_are(3);
	watchers_are(4);
	assert_true(s->polled && s->up);
	assert_true(member_fresh(&member, ENDPOINT_STATS_STORE));
	assert_int_equal(s->nsamples, 1);
	assert_true(watchers() == 4);
	assert_true(s->duration_s == 0.0015);
	assert_int_equal(s->last_success.ms, 1700000000000);
	assert_int_equal(s->requests, 2);
	assert_int_equal(s->request_failures, 0);
}

static void test_second_failure_ends_samples(void **state)
{
	const struct endpoint_state *s =
	    &member.endpoints[ENDPOINT_STATS_STORE];

	(void)state;
	watchers_are(3);
	member_failed(&member, ENDPOINT_STATS_STORE);
	assert_false(s->up);
	assert_true(watchers() == 3);
	assert_true(member_fresh(&member, ENDPOINT_STATS_STORE));
	member_failed(&member, ENDPOINT_STATS_STORE);
	assert_true(watchers() == -1);
	assert_false(member_fresh(&member, ENDPOINT_STATS_STORE));
	assert_int_equal(s->failures, 2);
	assert_int_equal(s->request_failures, 2);
	assert_int_equal(s->last_success.ms, 1700000000000);
	watchers_are(5);
	assert_int_equal(s->failures, 0);
	assert_int_equal(s->requests, 4);
	assert_true(watchers() == 5);
}

static void test_empty_answer_changes_nothing(void **state)
{
	const struct endpoint_state *s =
	    &member.endpoints[ENDPOINT_STATS_STORE];

	(void)state;
	member_no_sample(&member, ENDPOINT_STATS_STORE);
	assert_false(s->polled);
	assert_int_equal(s->requests, 1);
	watchers_are(3);
	member_failed(&member, ENDPOINT_STATS_STORE);
	member_no_sample(&member, ENDPOINT_STATS_STORE);
	assert_int_equal(s->failures, 1);
	assert_int_equal(s->requests, 4);
	assert_true(watchers() == 3);
}

static void test_value_by_third_label(void **state)
{
	const enum endpoint e = ENDPOINT_STATS_STORE;
	double v = 0;

	(void)state;
	member_begin(&member, e);
	member_sample(&member, e, M_etcd_store_operation_successes, "get", 1);
	member_sample(&member, e, M_etcd_store_operation_successes, "set", 2);
	member_answered(&member, e, 1);
	assert_true(member_value(&member, M_etcd_store_operation_successes,
	    "set", &v));
	assert_true(v == 2);
	assert_false(member_value(&member, M_etcd_store_operation_successes,
	    "delete", &v));
	assert_false(member_value(&member, M_etcd_store_operation_successes,
	    NULL, &v));
}

static void test_samples_are_limited(void **state)
{
	const enum endpoint e = ENDPOINT_STATS_LEADER;
	char label[16];

	(void)state;
	member_begin(&member, e);
	for (int i = 0; i < MEMBER_MAX_SAMPLES + 10; i++) {
		snprintf(label, sizeof(label), "m%d", i);
		member_sample(&member, e, M_etcd_follower_successes, label,
		    i);
	}
	assert_int_equal(member.endpoints[e].nsamples, MEMBER_MAX_SAMPLES);
}

/* A poll that took rtt ms at our time `at`, by a clock `skew` ahead. */
static void date_seen(int64_t at, int64_t rtt, int64_t skew)
{
	int64_t server = at + rtt / 2 + skew;

	member_saw_date(&member, (wall_t){ server - server % 1000 },
	    (wall_t){ at }, (wall_t){ at + rtt }, (mono_t){ at });
}

static void test_skew_of_one_date(void **state)
{
	(void)state;
	assert_int_equal(member_skew_ms(&member), 0);
	date_seen(500300, 10, 0);
	assert_true(member.skew_known);
	assert_int_equal(member.skew_low, 500000 - 500310);
	assert_int_equal(member.skew_high, 501000 - 500300);
	assert_int_equal(member_skew_ms(&member), 0);
}

/* Polls that sweep through the server's second leave little room. */
static void test_skew_narrows(void **state)
{
	(void)state;
	for (int i = 0; i < 40; i++)
		date_seen(500000 + i * 970, 2, 5432);
	assert_in_range(member.skew_low, 5390, 5432);
	assert_in_range(member.skew_high, 5432, 5480);
	assert_int_equal(member_skew_ms(&member), member.skew_low);
}

static void test_skew_behind(void **state)
{
	(void)state;
	for (int i = 0; i < 40; i++)
		date_seen(500000 + i * 970, 2, -3000);
	assert_true(member.skew_high < -2950);
	assert_int_equal(member_skew_ms(&member), member.skew_high);
}

static void test_skew_starts_over(void **state)
{
	(void)state;
	for (int i = 0; i < 40; i++)
		date_seen(500000 + i * 970, 2, 5432);
	date_seen(600000, 2, 100);	/* the server's clock was set */
	assert_true(member.skew_low <= 100 && member.skew_high >= 100);
	assert_int_equal(member_skew_ms(&member), 0);
}

/* 50 ppm for an hour: the bounds follow, and never exclude the truth. */
static void test_skew_follows_drift(void **state)
{
	int64_t skew = 0;

	(void)state;
	for (int64_t at = 500000; at < 4100000; at += 970) {
		skew = 2000 + (at - 500000) / 20000;
		date_seen(at, 2, skew);
		assert_true(member.skew_low <= skew);
		assert_true(member.skew_high >= skew);
	}
	assert_true(member.skew_high - member.skew_low < 100);
}

/* History time was rebased while the poll was under way. */
static void test_skew_ignores_nonsense(void **state)
{
	(void)state;
	member_saw_date(&member, (wall_t){ 500000 }, (wall_t){ 900000 },
	    (wall_t){ 400000 }, (mono_t){ 1 });
	assert_false(member.skew_known);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(test_answer_replaces_samples),
		T(test_second_failure_ends_samples),
		T(test_empty_answer_changes_nothing),
		T(test_value_by_third_label),
		T(test_samples_are_limited),
		T(test_skew_of_one_date),
		T(test_skew_narrows),
		T(test_skew_behind),
		T(test_skew_starts_over),
		T(test_skew_follows_drift),
		T(test_skew_ignores_nonsense),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
