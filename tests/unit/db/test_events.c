/* db/events.c, db/history.c, db/reader.c:
 *	the window, by the moment seen; the newest N; globs; the cluster
 *	the stay before, also under an earlier row of the same identity
 *	beside a daemon and without one; the callback may take its time
 *	no file, no database, foreign, older, newer, a read-only folder */
#include "db/events.c"

#include <sys/stat.h>
#include <sys/wait.h>

#include "db/history.h"
#include "db/migrations.h"
#include "tests/unit/db/daemon.h"

static char told[8192];

static int history_events(const char *file,
    const struct history_events_query *q,
    bool (*fn)(const struct history_event *ev, void *arg), void *arg,
    struct err *e)
{
	struct history_source source = history_of_file(file);
	void *session = source.open(source.arg, e);
	enum history_rc rc = HISTORY_FAILED;

	if (session != NULL)
		rc = source.events(session, q, fn, arg, e);
	source.close(session);
	return rc == HISTORY_OK ? 0 : -1;
}

static bool tell_one(const struct history_event *ev, void *arg)
{
	size_t len = strlen(told);

	(void)arg;
	snprintf(told + len, sizeof(told) - len, "%s%lld %s/%s %s %s %s %lld",
	    len > 0 ? "\n" : "", (long long)(ev->at.ms - T0), ev->service,
	    ev->instance, ev->state, ev->cause, ev->was ? ev->was : "-",
	    (long long)ev->was_ms);
	return true;
}

static const char *history(const struct history_events_query *q)
{
	struct err e;

	told[0] = '\0';
	if (history_events(path, q, tell_one, NULL, &e) != 0)
		fail_msg("%s", e.text);
	return told;
}

static void must_fail(const char *what)
{
	const struct history_events_query q = { .limit = 0 };
	struct err e = { "" };

	assert_int_equal(history_events(path, &q, tell_one, NULL, &e), -1);
	if (strstr(e.text, what) == NULL || strstr(e.text, path) == NULL)
		fail_msg("unexpected: %s", e.text);
}

static int setup(void **state)
{
	(void)state;
	folder_make();
	world_reset();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	chmod(folder, 0755);
	folder_remove();
	return 0;
}

/* a goes and comes; b, seen late, goes and returns under a new row. */
static void write_history(void)
{
	struct instance a = instance_named(1, "0001-0001");
	struct instance b = instance_named(2, "0001-0002");
	struct instance again = instance_named(3, "0001-0002");

	daemon_start();
	emit(change(&a, STATE_UP, CAUSE_REGISTERED, T0, 0));
	emit(change(&b, STATE_UP, CAUSE_REGISTERED, T0 + 1000, 0));
	emit(change(&a, STATE_EXPIRED, CAUSE_EXPIRE, T0 + 5000, 20));
	emit(change(&b, STATE_DEREGISTERED, CAUSE_DELETE, T0 + 6000, 4000));
	emit((struct event){ .type = EVENT_DROPPED, .instance.instance = &b });
	emit(change(&a, STATE_UP, CAUSE_REGISTERED, T0 + 9000, 0));
	emit(change(&again, STATE_UP, CAUSE_REGISTERED, T0 + 11000, 0));
	flush_and_commit();
	instance_gone(&a);
	instance_gone(&b);
	instance_gone(&again);
}

static const char all[] =
	"0 login_server/0001-0001 up registered - -1\n"
	"1000 login_server/0001-0002 up registered - -1\n"
	"5000 login_server/0001-0001 expired expire up 5000\n"
	"6000 login_server/0001-0002 deregistered delete up 5000\n"
	"9000 login_server/0001-0001 up registered expired 4000\n"
	"11000 login_server/0001-0002 up registered deregistered 5000";

static void test_everything(void **state)
{
	struct history_events_query q = { .limit = 0 };

	(void)state;
	write_history();
	assert_string_equal(history(&q), all);	/* beside the daemon */
	assert_true(daemon_stop(1000));
	assert_string_equal(history(&q), all);
}

static void test_window(void **state)
{
	struct history_events_query q = { .from = { T0 + 5020 },
	    .to = { T0 + 10000 } };

	(void)state;
	write_history();
	assert_string_equal(history(&q),
	    "5000 login_server/0001-0001 expired expire up 5000\n"
	    "9000 login_server/0001-0001 up registered expired 4000");
	q.from.ms++;
	assert_string_equal(history(&q),
	    "9000 login_server/0001-0001 up registered expired 4000");
	q.to.ms++;
	assert_non_null(strstr(history(&q), "deregistered delete"));
	q = (struct history_events_query){ .from = { T0 + 20000 } };
	assert_string_equal(history(&q), "");
	assert_true(daemon_stop(1000));
}

/* The same ones in the other order; without the newest. */
static void test_newest_first(void **state)
{
	struct history_events_query q = { .limit = 2, .newest_first = true };

	(void)state;
	write_history();
	assert_string_equal(history(&q),
	    "11000 login_server/0001-0002 up registered deregistered 5000\n"
	    "9000 login_server/0001-0001 up registered expired 4000");
	q.offset = 1;
	q.limit = 1;
	assert_string_equal(history(&q),
	    "9000 login_server/0001-0001 up registered expired 4000");
	assert_true(daemon_stop(1000));
}

static void test_filters(void **state)
{
	struct history_events_query q = { .limit = 2 };

	(void)state;
	write_history();
	assert_string_equal(history(&q), strstr(all, "9000"));
	q = (struct history_events_query){
	    .who.instance = "*-000[!1]", .limit = 1 };
	assert_string_equal(history(&q), strstr(all, "11000"));
	q = (struct history_events_query){
	    .who = { NULL, "log*", "*1" } };
	history(&q);
	assert_null(strstr(told, "0001-0002"));
	assert_non_null(strstr(told, "0001-0001"));
	q = (struct history_events_query){ .who.service = "x*" };
	assert_string_equal(history(&q), "");
	q = (struct history_events_query){ .who.cluster = "im" };
	assert_string_equal(history(&q), all);
	q = (struct history_events_query){ .who.cluster = "other" };
	assert_string_equal(history(&q), "");
	assert_true(daemon_stop(1000));
}

/* In the callback no transaction is open: the WAL can be emptied. */
static bool checkpoint(const struct history_event *ev, void *arg)
{
	(void)ev;
	*(int64_t *)arg += ask("PRAGMA wal_checkpoint(TRUNCATE)");
	return true;
}

static void test_no_transaction(void **state)
{
	const struct history_events_query q = { .limit = 0 };
	int64_t busy = 0;
	struct err e;

	(void)state;
	write_history();
	assert_int_equal(history_events(path, &q, checkpoint, &busy, &e), 0);
	assert_int_equal(busy, 0);
	assert_true(daemon_stop(1000));
}

static void test_unreadable(void **state)
{
	FILE *out;

	(void)state;
	must_fail("No such file");
	out = fopen(path, "w");
	fclose(out);
	must_fail("empty");
	out = fopen(path, "w");
	fputs("clusters: [this is no database, whatever its name]", out);
	fclose(out);
	must_fail("not a database");
	unlink(path);
	run_sql("CREATE TABLE photos(x)");
	must_fail("another program");
	unlink(path);
	write_history();
	assert_true(daemon_stop(1000));
	run_sql("PRAGMA user_version = 99");
	must_fail("newer");
	run_sql("PRAGMA user_version = 0");
	must_fail("start its daemon");
}

/* As a user who may read but not write, which root never is. */
static void test_read_only_folder(void **state)
{
	int status;
	pid_t child;

	(void)state;
	write_history();
	assert_true(daemon_stop(1000));
	chmod(folder, 0555);
	child = fork();
	if (child == 0) {
		const struct history_events_query q = { .limit = 0 };
		struct err e = { "" };

		if (geteuid() == 0 && setuid(65534) != 0)
			_exit(1);
		_exit(history_events(path, &q, tell_one, NULL, &e) == -1 &&
		    strstr(e.text, "-shm") != NULL ? 0 : 2);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_everything), T(test_window), T(test_filters),
		T(test_newest_first),
		T(test_no_transaction), T(test_unreadable),
		T(test_read_only_folder),
	};

	return cmocka_run_group_tests_name("db/events", tests, NULL, NULL);
}
