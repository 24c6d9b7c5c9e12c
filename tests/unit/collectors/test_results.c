/* collectors/collectors.c and the collectors' files: from a decoded answer to
 * members, cluster and registry, without a network.
 *	outcomes: answers, refusals, empty, failures
 *	one log line for a fault
 *	what each collector takes from an answer
 *	who leads, by the probes of all members
 *	which cluster a member belongs to */
#include "collectors/collectors.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "core/clock.h"
#include "tests/unit/collectors/fixture.h"

static const char *const urls[] = {
	"http://127.0.0.1:2379", "http://127.0.0.1:2479",
	"http://127.0.0.1:2579",
};
static const char *const ids[] = { "a1", "b2", "c3" };

static struct fixture f;
static struct member *m;		/* f.cluster->members */

static int setup(void **state)
{
	(void)state;
	clock_set((mono_t){ 100000 }, (wall_t){ 1700000000000 });
	log_set_level(LEVEL_ERROR);
	fixture_init(&f, urls, 3);
	m = f.cluster->members;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fixture_fini(&f);
	clock_use_real();
	return 0;
}

static struct etcd_result result(enum etcd_outcome o)
{
	struct etcd_result r = { .outcome = o, .duration_us = 2000 };

	r.started = clock_mono();
	clock_advance(2);
	r.ended = clock_mono();
	snprintf(r.text, sizeof(r.text), "%s", o == ETCD_OK ? "" : "why");
	return r;
}

static void failed_with(const struct collector *c, struct member *who,
    enum etcd_outcome o)
{
	struct etcd_result r = result(o);

	assert_true(collector_apply(c, who, &r));
}

static void id_told(struct member *who, const char *id)
{
	struct etcd_result r = result(ETCD_OK);

	r.self = (struct etcd_stats_self){ .name = "m", .id = id,
	    .state = "StateFollower", .leader = "" };
	assert_true(collector_apply(&collector_stats_self, who, &r));
}

static void ids_told(void)
{
	for (int i = 0; i < 3; i++)
		id_told(&m[i], ids[i]);
}

static void leader_named(struct member *who, const char *id)
{
	struct etcd_result r = result(id ? ETCD_OK : ETCD_REFUSED);

	if (id)
		r.leader = (struct etcd_member){ .id = id, .name = "x",
		    .client_url = "", .peer_url = "" };
	assert_true(collector_apply(&collector_leader, who, &r));
}

static void index_told(struct member *who, const char *cluster_id,
    uint64_t index)
{
	struct etcd_result r = result(ETCD_OK);

	r.meta.etcd_index = index;
	r.meta.raft_index = index + 50;
	r.meta.raft_term = 3;
	snprintf(r.meta.cluster_id, sizeof(r.meta.cluster_id), "%s",
	    cluster_id);
	assert_true(collector_apply(&collector_keys, who, &r));
}

static double value(const struct member *who, enum metric_id id,
    const char *extra)
{
	double v = -1;

	member_value(who, id, extra, &v);
	return v;
}

/* --- outcomes --- */

static void test_version(void **state)
{
	struct etcd_result r = result(ETCD_OK);

	(void)state;
	r.version = (struct etcd_version){ "3.4.23", "3.4.0" };
	collector_apply(&collector_version, m, &r);
	assert_true(m->up);
	assert_string_equal(m->server_version, "3.4.23");
	assert_string_equal(m->cluster_version, "3.4.0");
	failed_with(&collector_version, m, ETCD_FAILED);
	assert_false(m->up);
	assert_string_equal(m->server_version, "3.4.23");
}

/* The third failure in a row is told again: the alert waits for it. */
static void test_member_changed_is_told(void **state)
{
	struct etcd_result r = result(ETCD_OK);

	(void)state;
	r.version = (struct etcd_version){ "3.4.23", "3.4.0" };
	collector_apply(&collector_version, m, &r);
	collector_apply(&collector_version, m, &r);
	fixture_flush(&f);
	assert_int_equal(f.events[EVENT_MEMBER], 1);
	for (int i = 0; i < 5; i++)
		failed_with(&collector_version, m, ETCD_FAILED);
	fixture_flush(&f);
	assert_int_equal(f.events[EVENT_MEMBER], 3);
	collector_apply(&collector_version, m, &r);
	fixture_flush(&f);
	assert_int_equal(f.events[EVENT_MEMBER], 4);
}

static void test_refused_health_is_an_answer(void **state)
{
	struct etcd_result ok = result(ETCD_OK);
	const struct endpoint_state *s = &m->endpoints[ENDPOINT_HEALTH];

	(void)state;
	ok.health.healthy = true;
	collector_apply(&collector_health, m, &ok);
	assert_true(m->healthy);
	failed_with(&collector_health, m, ETCD_REFUSED);
	assert_false(m->healthy);
	assert_true(s->up);
	assert_int_equal(s->request_failures, 0);
	collector_apply(&collector_health, m, &ok);
	failed_with(&collector_health, m, ETCD_FAILED);
	assert_false(m->healthy);
	assert_false(s->up);
	assert_int_equal(s->request_failures, 1);
}

static void test_every_failure_counts(void **state)
{
	static const enum etcd_outcome bad[] = {
		ETCD_NO_V2, ETCD_UNAUTHORIZED, ETCD_FAILED, ETCD_BAD,
		ETCD_ERROR, ETCD_EMPTY,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		failed_with(&collector_keys, m, bad[i]);
	assert_int_equal(m->endpoints[ENDPOINT_KEYS].failures, 6);
	assert_int_equal(m->endpoints[ENDPOINT_KEYS].requests, 6);
}

static void test_empty_stats_self_is_no_sample(void **state)
{
	struct etcd_result empty = result(ETCD_EMPTY);
	const struct endpoint_state *s = &m->endpoints[ENDPOINT_STATS_SELF];

	(void)state;
	assert_false(collector_apply(&collector_stats_self, m, &empty));
	assert_false(s->polled);
	id_told(m, "a1");
	assert_false(collector_apply(&collector_stats_self, m, &empty));
	assert_true(s->up);
	assert_int_equal(s->requests, 3);
	assert_int_equal(s->request_failures, 0);
	assert_true(value(m, M_etcd_append_requests_sent, NULL) == 0);
}

/* --- what the log says --- */

static int reported(enum endpoint e)
{
	return m->endpoints[e].reported;
}

/* One line for the member, and another when the first one is mended. */
static void test_member_not_there_is_reported_once(void **state)
{
	(void)state;
	failed_with(&collector_leader, m, ETCD_FAILED);
	failed_with(&collector_keys, m, ETCD_FAILED);
	failed_with(&collector_keys, m, ETCD_FAILED);
	assert_int_equal(reported(ENDPOINT_LEADER), ETCD_FAILED);
	assert_int_equal(reported(ENDPOINT_KEYS), 0);
	failed_with(&collector_health, m, ETCD_BAD);
	assert_int_equal(reported(ENDPOINT_HEALTH), ETCD_BAD);
	leader_named(m, NULL);
	assert_int_equal(reported(ENDPOINT_LEADER), 0);
	failed_with(&collector_keys, m, ETCD_FAILED);
	assert_int_equal(reported(ENDPOINT_KEYS), ETCD_FAILED);
}

/* It comes back without v2, and goes again. */
static void test_another_fault_is_reported(void **state)
{
	(void)state;
	failed_with(&collector_leader, m, ETCD_FAILED);
	failed_with(&collector_keys, m, ETCD_NO_V2);
	assert_int_equal(reported(ENDPOINT_KEYS), ETCD_NO_V2);
	failed_with(&collector_leader, m, ETCD_NO_V2);
	assert_int_equal(reported(ENDPOINT_LEADER), ETCD_NO_V2);
	failed_with(&collector_members, m, ETCD_NO_V2);
	assert_int_equal(reported(ENDPOINT_MEMBERS), 0);
	failed_with(&collector_leader, m, ETCD_BAD);
	assert_int_equal(reported(ENDPOINT_LEADER), ETCD_NO_V2);
	failed_with(&collector_version, m, ETCD_FAILED);
	assert_int_equal(reported(ENDPOINT_VERSION), ETCD_FAILED);
}

/* --- what is taken --- */

static void test_stats_self(void **state)
{
	struct etcd_result r = result(ETCD_OK);

	(void)state;
	r.self = (struct etcd_stats_self){
		.name = "m1", .id = "a1", .state = "StateLeader",
		.leader = "a1", .start = { 1699999000500 },
		.leader_start = { 1699999001250 },
		.recv_appends = 6467, .send_appends = 12,
		.recv_pkg_rate = 4309.5,
	};
	leader_named(m, "a1");
	collector_apply(&collector_stats_self, m, &r);
	assert_string_equal(m->member_id, "a1");
	assert_string_equal(m->member_name, "m1");
	assert_true(value(m, M_etcd_start, NULL) == 1699999000.5);
	assert_true(value(m, M_etcd_leader_start, NULL) == 1699999001.25);
	assert_true(value(m, M_etcd_append_requests_received, NULL) == 6467);
	assert_true(value(m, M_etcd_append_requests_sent, NULL) == 12);
	assert_true(value(m, M_etcd_receive_requests_per_second, NULL) ==
	    4309.5);
	assert_true(value(m, M_etcd_send_bytes_per_second, NULL) == 0);
	leader_named(m, NULL);
	collector_apply(&collector_stats_self, m, &r);
	assert_false(m->is_leader);	/* `state` lies without a leader */
	/* So does the time. */
	assert_true(value(m, M_etcd_leader_start, NULL) == -1);
	assert_true(value(m, M_etcd_start, NULL) == 1699999000.5);
}

static void test_stats_store(void **state)
{
	struct etcd_result r = result(ETCD_OK);

	(void)state;
	r.store = (struct etcd_stats_store){
		.get_success = 1, .get_fail = 2, .set_success = 3,
		.set_fail = 4, .delete_success = 5, .delete_fail = 6,
		.update_success = 7, .update_fail = 8, .create_success = 9,
		.create_fail = 10, .cas_success = 11, .cas_fail = 12,
		.cad_success = 13, .cad_fail = 14, .expire_count = 15,
		.watchers = 16,
	};
	collector_apply(&collector_stats_store, m, &r);
	static const char *const names[] = { "get", "set", "delete", "update",
	    "create", "compare_and_swap", "compare_and_delete" };
	for (int i = 0; i < 7; i++) {
		assert_true(value(m, M_etcd_store_operation_successes,
		    names[i]) == 2 * i + 1);
		assert_true(value(m, M_etcd_store_operation_failures,
		    names[i]) == 2 * i + 2);
	}
	assert_true(value(m, M_etcd_store_expirations, NULL) == 15);
	assert_true(value(m, M_etcd_store_watchers, NULL) == 16);
}

static struct etcd_result two_followers(void)
{
	struct etcd_result r = result(ETCD_OK);

	r.stats_leader.leader = "a1";
	r.stats_leader.n = 2;
	r.stats_leader.v[0] = (struct etcd_follower){ .id = "b2",
	    .current = 0.001, .average = 0.002, .stddev = 0.003,
	    .minimum = 0.0005, .maximum = 0.004, .sampled = true, .fail = 1,
	    .success = 7 };
	r.stats_leader.v[1] = (struct etcd_follower){ .id = "dd",
	    .minimum = 9.2e18, .sampled = false };
	return r;
}

static void test_followers_of_the_leader(void **state)
{
	struct etcd_result r = two_followers();

	(void)state;
	ids_told();
	leader_named(m, "a1");
	collector_apply(&collector_stats_leader, m, &r);
	assert_true(value(m, M_etcd_follower_successes, "127.0.0.1:2479")
	    == 7);
	assert_true(value(m, M_etcd_follower_failures, "127.0.0.1:2479")
	    == 1);
	assert_true(value(m, M_etcd_follower_latency_min, "127.0.0.1:2479")
	    == 0.0005);
	assert_true(value(m, M_etcd_follower_successes, "dd") == 0);
	assert_true(value(m, M_etcd_follower_latency_min, "dd") == -1);
	failed_with(&collector_stats_leader, m, ETCD_REFUSED);
	assert_true(value(m, M_etcd_follower_successes, "dd") == -1);
	assert_true(m->endpoints[ENDPOINT_STATS_LEADER].up);
}

/* A leader that was cut off answers 200 for a second or two. */
static void test_followers_end_with_the_leadership(void **state)
{
	struct etcd_result r = two_followers();

	(void)state;
	ids_told();
	leader_named(m, "a1");
	collector_apply(&collector_stats_leader, m, &r);
	leader_named(&m[1], "b2");
	leader_named(&m[2], "b2");
	assert_true(value(m, M_etcd_follower_successes, "dd") == -1);
	collector_apply(&collector_stats_leader, m, &r);
	assert_true(value(m, M_etcd_follower_successes, "dd") == -1);
}

static void test_members_gives_ids(void **state)
{
	struct etcd_result r = result(ETCD_OK);

	(void)state;
	id_told(&m[2], "c3");
	r.members.n = 3;
	r.members.v[0] = (struct etcd_member){ "a1", "m1",
	    "http://127.0.0.1:2379/", "" };
	r.members.v[1] = (struct etcd_member){ "b2", "", "", "" };
	r.members.v[2] = (struct etcd_member){ "ee", "m3",
	    "http://127.0.0.1:2579", "" };
	collector_apply(&collector_members, m, &r);
	assert_string_equal(m[0].member_id, "a1");
	assert_string_equal(m[0].member_name, "m1");
	assert_null(m[1].member_id);
	assert_string_equal(m[2].member_id, "c3");	/* its own word */
}

/* --- who leads --- */

static void test_leader(void **state)
{
	(void)state;
	ids_told();
	for (int i = 0; i < 3; i++)
		leader_named(&m[i], "b2");
	assert_true(m[1].is_leader && !m[0].is_leader && !m[2].is_leader);
	assert_true(m[0].has_leader && f.cluster->has_leader);
	assert_true(f.cluster->answers);
	assert_string_equal(f.cluster->leader_id, "b2");
}

static void test_nothing_is_said_before_all_were_asked(void **state)
{
	(void)state;
	failed_with(&collector_leader, &m[0], ETCD_FAILED);
	failed_with(&collector_leader, &m[1], ETCD_REFUSED);
	fixture_flush(&f);
	assert_int_equal(f.events[EVENT_CLUSTER], 0);
	leader_named(&m[2], "c3");
	assert_true(f.cluster->has_leader);
}

static void test_no_leader(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		leader_named(&m[i], "b2");
	failed_with(&collector_leader, &m[1], ETCD_FAILED);
	leader_named(&m[0], NULL);
	assert_true(f.cluster->has_leader);
	leader_named(&m[2], NULL);
	assert_false(f.cluster->has_leader);
	assert_true(f.cluster->answers);
	assert_false(m[1].is_leader);
	failed_with(&collector_leader, &m[0], ETCD_FAILED);
	failed_with(&collector_leader, &m[2], ETCD_FAILED);
	assert_false(f.cluster->answers);
}

static void test_old_leader_names_itself(void **state)
{
	(void)state;
	ids_told();
	leader_named(&m[0], "a1");
	leader_named(&m[1], "b2");
	/* One against one: the younger claim. */
	assert_true(m[1].is_leader);
	leader_named(&m[0], "a1");
	assert_true(m[1].is_leader && !m[0].is_leader);
	leader_named(&m[2], "b2");
	assert_true(m[1].is_leader);
}

static void test_id_learned_late(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		leader_named(&m[i], "b2");
	assert_false(m[1].is_leader);
	ids_told();
	assert_true(m[1].is_leader);
}

/* --- keys --- */

static void test_keys(void **state)
{
	(void)state;
	index_told(&m[1], "cc", 900);
	assert_null(f.cluster->cluster_id);	/* not all were asked */
	assert_int_equal(m[1].index, 900);
	index_told(&m[2], "cc", 900);
	index_told(m, "cc", 1000);
	assert_int_equal(m->index, 1000);
	assert_true(value(m, M_etcd_index, NULL) == 1000);
	assert_int_equal(f.cluster->best_index, 1000);
	assert_int_equal(f.cluster->best_index_at.ms, clock_mono().ms);
	assert_int_equal(f.cluster->raft_term, 3);
	assert_int_equal(f.cluster->raft_index, 1050);
	assert_string_equal(f.cluster->cluster_id, "cc");
	index_told(&m[1], "cc", 990);
	assert_int_equal(f.cluster->best_index, 1000);
	failed_with(&collector_keys, m, ETCD_FAILED);
	assert_int_equal(m->index, 1000);
	failed_with(&collector_keys, m, ETCD_FAILED);
	assert_int_equal(m->index, 0);
}

static void test_date_gives_skew(void **state)
{
	struct etcd_result r = result(ETCD_OK);

	(void)state;
	r.meta.etcd_index = 1;
	r.meta.date = (wall_t){ 1700000007000 };
	collector_apply(&collector_keys, m, &r);
	assert_true(m->skew_known);
	assert_int_equal(m->skew_low, 6998);
	assert_int_equal(m->skew_high, 8000);
	assert_int_equal(member_skew_ms(m), 6998);
}

/* One wrong endpoint, asked first, is outvoted. */
static void test_foreign_member(void **state)
{
	(void)state;
	index_told(&m[0], "ff", 90000);
	assert_null(f.cluster->cluster_id);
	index_told(&m[1], "cc", 10);
	assert_int_equal(f.cluster->best_index, 0);
	index_told(&m[2], "cc", 11);
	assert_string_equal(f.cluster->cluster_id, "cc");
	assert_true(m[0].foreign && !m[1].foreign && !m[2].foreign);
	assert_int_equal(f.cluster->store, 0);
	assert_int_equal(m[0].index, 0);
	index_told(&m[0], "ff", 90001);
	index_told(&m[1], "cc", 12);
	assert_int_equal(f.cluster->best_index, 12);
	assert_int_equal(f.cluster->raft_index, 62);
	assert_int_equal(m[0].index, 0);
	ids_told();
	leader_named(&m[0], "a1");
	assert_false(f.cluster->has_leader);
	leader_named(&m[1], "b2");
	assert_true(m[1].is_leader && !m[0].is_leader);
}

static void test_rebuilt_cluster(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		index_told(&m[i], "cc", 5000);
	index_told(&m[0], "dd", 4);
	assert_string_equal(f.cluster->cluster_id, "cc");
	assert_true(m[0].foreign);
	index_told(&m[1], "dd", 4);
	assert_string_equal(f.cluster->cluster_id, "dd");
	index_told(&m[2], "dd", 5);
	assert_false(m[0].foreign || m[1].foreign || m[2].foreign);
	assert_int_equal(f.cluster->best_index, 5);
}

/* The same id, but a store that starts again. */
static void test_best_index_goes_back_with_the_store(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		index_told(&m[i], "cc", 5000);
	index_told(&m[0], "cc", 4);
	assert_int_equal(f.cluster->best_index, 5000);
	clock_advance(10000);
	index_told(&m[1], "cc", 5);
	assert_int_equal(f.cluster->best_index, 5000);
	index_told(&m[2], "cc", 6);
	assert_int_equal(f.cluster->best_index, 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(test_version),
		T(test_member_changed_is_told),
		T(test_refused_health_is_an_answer),
		T(test_every_failure_counts),
		T(test_empty_stats_self_is_no_sample),
		T(test_member_not_there_is_reported_once),
		T(test_another_fault_is_reported),
		T(test_stats_self),
		T(test_stats_store),
		T(test_followers_of_the_leader),
		T(test_followers_end_with_the_leadership),
		T(test_members_gives_ids),
		T(test_leader),
		T(test_nothing_is_said_before_all_were_asked),
		T(test_no_leader),
		T(test_old_leader_names_itself),
		T(test_id_learned_late),
		T(test_keys),
		T(test_date_gives_skew),
		T(test_foreign_member),
		T(test_rebuilt_cluster),
		T(test_best_index_goes_back_with_the_store),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
