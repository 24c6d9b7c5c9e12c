/* db/stats.c, and the statements against the schema:
 *	the columns stand in the order of the table, with their names
 *	a round of polls arrives in its row, in small units, NULL where unknown
 *	samples of an endpoint that did not answer are not written again
 *	followers have rows of their own
 *	every statement prepares and takes as many values as it is given */
#include "db/stats.c"

#include "db/db.h"
#include "db/migrations.h"
#include "db/statements.h"
#include "tests/unit/db/daemon.h"

static char name[] = "127.0.0.1:2379";
static struct member member = { .cluster = &cluster, .name = name,
	.up = true, .healthy = true, .index = 4711 };

static int setup(void **state)
{
	(void)state;
	folder_make();
	daemon_start();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_true(daemon_stop(1000));
	folder_remove();
	return 0;
}

static void column_is(const char *table, int64_t at, const char *expected)
{
	char sql[128];

	snprintf(sql, sizeof(sql),
	    "SELECT name FROM pragma_table_info('%s') WHERE cid = %d", table,
	    (int)at);
	ask_equal(sql, expected);
}

static void test_columns(void **state)
{
	size_t at = NFIXED - 1;		/* cluster and member are one id */
	char us[64];

	(void)state;
	column_is("members", 6, "etcd_index");
	for (size_t i = 0; i < NCOLUMNS; i++)
		column_is("members", (int64_t)at++, columns[i].name);
	for (size_t i = 0; i < NDURATIONS; i++) {
		snprintf(us, sizeof(us), "%s_us", endpoint_names[durations[i]]);
		column_is("members", (int64_t)at++, us);
	}
	assert_int_equal(ask("SELECT count(*) FROM"
	    " pragma_table_info('members')"), at);
	for (size_t i = 0; i < NFOLLOWER; i++)
		column_is("followers", 3 + (int64_t)i,
		    follower_columns[i].name);
}

static void poll_round(void)
{
	struct member *m = &member;

	member_begin(m, ENDPOINT_STATS_STORE);
	member_sample(m, ENDPOINT_STATS_STORE, M_etcd_store_watchers, NULL, 6);
	member_sample(m, ENDPOINT_STATS_STORE,
	    M_etcd_store_operation_successes, "compare_and_swap", 99);
	member_answered(m, ENDPOINT_STATS_STORE, 1500);
	member_begin(m, ENDPOINT_STATS_SELF);
	member_sample(m, ENDPOINT_STATS_SELF,
	    M_etcd_receive_requests_per_second, NULL, 2.3456);
	member_answered(m, ENDPOINT_STATS_SELF, 800);
	member_begin(m, ENDPOINT_STATS_LEADER);
	member_sample(m, ENDPOINT_STATS_LEADER, M_etcd_follower_latency,
	    "f1", 0.001234);
	member_sample(m, ENDPOINT_STATS_LEADER, M_etcd_follower_failures,
	    "f1", 3);
	member_sample(m, ENDPOINT_STATS_LEADER, M_etcd_follower_failures,
	    "f2", 4);
	member_answered(m, ENDPOINT_STATS_LEADER, 900);
}

static void test_round(void **state)
{
	(void)state;
	member.name = xstrdup(name);
	poll_round();
	emit((struct event){ .type = EVENT_MEMBER_STATS, .member = &member });
	flush_and_commit();
	ask_equal("SELECT n.cluster||' '||n.member||' '||up||healthy||"
	    "is_leader||has_leader||' '||etcd_index||' '||watchers||' '||"
	    "cas_ok||' '||receive_milli_per_s||' '||stats_store_us||' '||"
	    "(get_ok IS NULL)||(health_us IS NULL) FROM members m"
	    " JOIN member_names n ON n.id = m.member",
	    "im 127.0.0.1:2379 1100 4711 6 99 2346 1500 11");
	ask_equal("SELECT group_concat(n.member||' '||ifnull(latency_us,'-')"
	    "||' '||failures) FROM followers f JOIN member_names n"
	    " ON n.id = f.follower", "f1 1234 3,f2 - 4");
	assert_int_equal(ask("SELECT count(*) FROM member_names"), 3);
	member_fini(&member);
	member = (struct member){ .cluster = &cluster, .name = name };
}

static void test_silent_endpoint(void **state)
{
	double v;

	(void)state;
	member.name = xstrdup(name);
	poll_round();
	member_failed(&member, ENDPOINT_STATS_STORE);
	member_failed(&member, ENDPOINT_STATS_LEADER);
	assert_true(member_value(&member, M_etcd_store_watchers, NULL, &v));
	emit((struct event){ .type = EVENT_MEMBER_STATS, .member = &member });
	flush_and_commit();
	assert_int_equal(ask("SELECT watchers IS NULL AND stats_store_us IS"
	    " NULL AND receive_milli_per_s = 2346 FROM members"), 1);
	assert_int_equal(ask("SELECT count(*) FROM followers"), 0);
	member_fini(&member);
}

static void test_whole(void **state)
{
	(void)state;
	assert_int_equal(whole(1.5).i, 2);
	assert_int_equal(whole(-1.2).i, -1);
	assert_int_equal(whole(NAN).type, VALUE_NULL);
	assert_int_equal(whole(INFINITY).type, VALUE_NULL);
	assert_int_equal(whole(9.3e18).type, VALUE_NULL);
}

static void test_statements_prepare(void **state)
{
	sqlite3 *c;

	(void)state;
	assert_int_equal(sqlite3_open(path, &c), SQLITE_OK);
	for (int i = 0; i < SQL_COUNT; i++) {
		sqlite3_stmt *s = NULL;

		if (sqlite3_prepare_v2(c, statements[i].sql, -1, &s, NULL) !=
		    SQLITE_OK)
			fail_msg("%d: %s", i, sqlite3_errmsg(c));
		if (i == SQL_MEMBER)
			assert_int_equal(sqlite3_bind_parameter_count(s),
			    NFIXED + NCOLUMNS + NDURATIONS);
		if (i == SQL_FOLLOWER)
			assert_int_equal(sqlite3_bind_parameter_count(s),
			    5 + NFOLLOWER);
		sqlite3_finalize(s);
	}
	sqlite3_close(c);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_columns), T(test_round), T(test_silent_endpoint),
		T(test_whole), T(test_statements_prepare),
	};

	return cmocka_run_group_tests_name("db/stats", tests, NULL, NULL);
}
