/* collectors/samples.c, through a snapshot:
 *	before the first poll only counters at 0
 *	the series of a member that answers, and of one that does not
 *	labels in the order of the metrics table
 *	directories and the cluster */
#include "collectors/samples.c"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "core/clock.h"
#include "core/log.h"
#include "tests/unit/collectors/fixture.h"

#define MEMBER "etcd_cluster=\"default\",member=\"127.0.0.1:2379\""
#define DIRECTORY "etcd_cluster=\"default\",directory=\"/login_servers\""
#define CLUSTER "etcd_cluster=\"default\""

static const char *const urls[] = { "http://127.0.0.1:2379" };
static struct fixture f;
static struct member *m;
static struct snapshot *shot;

static int setup(void **state)
{
	(void)state;
	clock_set((mono_t){ 100000 }, (wall_t){ 1700000000000 });
	log_set_level(LEVEL_ERROR);
	fixture_init(&f, urls, 1);
	m = f.cluster->members;
	snapshot_add_source(f.registry, collectors_samples, f.registry);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	snapshot_release(shot);
	shot = NULL;
	fixture_fini(&f);
	clock_use_real();
	return 0;
}

static void take(void)
{
	clock_advance(2000);
	fixture_flush(&f);
	snapshot_touch(f.registry);
	snapshot_publish(f.registry, clock_mono());
	snapshot_release(shot);
	shot = snapshot_acquire();
	assert_non_null(shot);
}

static const struct snap_sample *find(enum metric_id id, const char *labels)
{
	for (size_t i = 0; i < shot->nsamples; i++)
		if (shot->samples[i].metric == id &&
		    strcmp(shot->samples[i].labels->s, labels) == 0)
			return &shot->samples[i];
	return NULL;
}

static size_t count(enum metric_id id)
{
	size_t n = 0;

	for (size_t i = 0; i < shot->nsamples; i++)
		n += shot->samples[i].metric == id;
	return n;
}

static void is(enum metric_id id, const char *labels, double v)
{
	const struct snap_sample *s = find(id, labels);

	if (!s)
		fail_msg("%s{%s}: no series", metrics[id].name, labels);
	if (s->value != v)
		fail_msg("%s{%s}: %f, not %f", metrics[id].name, labels,
		    s->value, v);
}

static void test_before_the_first_poll(void **state)
{
	(void)state;
	take();
	assert_int_equal(count(M_etcd_member_up), 0);
	assert_int_equal(count(M_etcd_member_is_leader), 0);
	assert_int_equal(count(M_etcd_member_info), 0);
	assert_int_equal(count(M_etcd_endpoint_up), 0);
	assert_int_equal(count(M_etcd_endpoint_last_success), 0);
	assert_int_equal(count(M_poll_requests), ENDPOINT_COUNT);
	is(M_poll_requests, MEMBER ",endpoint=\"stats_self\"", 0);
	is(M_poll_request_failures, MEMBER ",endpoint=\"keys\"", 0);
	is(M_looking, CLUSTER, 0);
	is(M_mass_vanish, CLUSTER, 0);
	is(M_etcd_leader_changes, CLUSTER, 0);
	assert_int_equal(count(M_etcd_raft_term), 0);
}

static void test_member_that_answers(void **state)
{
	(void)state;
	m->up = m->healthy = m->has_leader = m->is_leader = true;
	m->member_id = xstrdup("a1");
	m->server_version = xstrdup("3.4.23");
	for (int e = 0; e < ENDPOINT_COUNT; e++) {
		member_begin(m, (enum endpoint)e);
		member_answered(m, (enum endpoint)e, 2500);
	}
	member_sample(m, ENDPOINT_STATS_STORE, M_etcd_store_watchers, NULL,
	    7);
	member_sample(m, ENDPOINT_STATS_STORE,
	    M_etcd_store_operation_successes, "get", 8);
	take();
	is(M_etcd_member_up, MEMBER, 1);
	is(M_etcd_member_healthy, MEMBER, 1);
	is(M_etcd_member_is_leader, MEMBER, 1);
	is(M_etcd_member_has_leader, MEMBER, 1);
	is(M_etcd_member_info, MEMBER ",member_name=\"\",member_id=\"a1\","
	    "server_version=\"3.4.23\",cluster_version=\"\",cluster_id=\"\"",
	    1);
	is(M_etcd_endpoint_up, MEMBER ",endpoint=\"health\"", 1);
	is(M_etcd_endpoint_duration, MEMBER ",endpoint=\"health\"", 0.0025);
	is(M_etcd_endpoint_last_success, MEMBER ",endpoint=\"health\"",
	    1700000000);
	is(M_poll_requests, MEMBER ",endpoint=\"health\"", 1);
	is(M_etcd_store_watchers, MEMBER, 7);
	is(M_etcd_store_operation_successes, MEMBER ",operation=\"get\"", 8);
}

static void fail_all(void)
{
	for (int e = 0; e < ENDPOINT_COUNT; e++)
		member_failed(m, (enum endpoint)e);
}

static void test_member_that_fails(void **state)
{
	(void)state;
	m->member_id = xstrdup("a1");
	for (int e = 0; e < ENDPOINT_COUNT; e++)
		member_answered(m, (enum endpoint)e, 2500);
	member_sample(m, ENDPOINT_STATS_STORE, M_etcd_store_watchers, NULL,
	    7);
	fail_all();
	take();
	is(M_etcd_endpoint_up, MEMBER ",endpoint=\"health\"", 0);
	is(M_etcd_endpoint_duration, MEMBER ",endpoint=\"health\"", 0.0025);
	is(M_etcd_store_watchers, MEMBER, 7);
	fail_all();
	take();
	is(M_etcd_endpoint_up, MEMBER ",endpoint=\"health\"", 0);
	is(M_etcd_endpoint_last_success, MEMBER ",endpoint=\"health\"",
	    1700000000);
	is(M_poll_request_failures, MEMBER ",endpoint=\"health\"", 2);
	is(M_etcd_member_up, MEMBER, 0);
	is(M_etcd_member_healthy, MEMBER, 0);
	is(M_etcd_member_is_leader, MEMBER, 0);
	assert_int_equal(count(M_etcd_endpoint_duration), 0);
	assert_int_equal(count(M_etcd_store_watchers), 0);
	assert_int_equal(count(M_etcd_member_info), 0);
}

static void test_directory(void **state)
{
	struct directory *d = f.cluster->directories[0];

	(void)state;
	d->watch_events = 12;
	d->bad_keys = 2;
	d->list_interval_ms = 1500;
	d->listings = 7;
	d->last_sync = (wall_t){ 1699999999500 };
	d->resyncs[RESYNC_HISTORY_CLEARED] = 3;
	d->looking = true;
	take();
	is(M_directory_looking, DIRECTORY, 1);
	is(M_looking, CLUSTER, 1);
	is(M_directory_last_sync, DIRECTORY, 1699999999.5);
	is(M_directory_list_interval, DIRECTORY, 1.5);
	is(M_directory_listings, DIRECTORY, 7);
	is(M_watch_events, DIRECTORY, 12);
	is(M_bad_keys, DIRECTORY, 2);
	is(M_resyncs, DIRECTORY ",reason=\"history_cleared\"", 3);
	is(M_resyncs, DIRECTORY ",reason=\"start\"", 0);
	assert_int_equal(count(M_resyncs), RESYNC_COUNT);
	d->looking = false;
}

static void test_cluster(void **state)
{
	(void)state;
	f.cluster->raft_term = 4;
	f.cluster->raft_index = 99;
	f.cluster->leader_changes = 2;
	f.cluster->mass_vanish = true;
	take();
	is(M_etcd_raft_term, CLUSTER, 4);
	is(M_etcd_raft_index, CLUSTER, 99);
	is(M_etcd_leader_changes, CLUSTER, 2);
	is(M_mass_vanish, CLUSTER, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(test_before_the_first_poll),
		T(test_member_that_answers),
		T(test_member_that_fails),
		T(test_directory),
		T(test_cluster),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
