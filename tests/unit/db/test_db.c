/* db/db.c with db/record.c, db/commit.c, db/writer.c on a real file:
 *	each type of event writes its rows
 *	everything in a row comes back at the restore
 *	kill -9: what was acknowledged is there, open periods stay open
 *	a full disk: nothing lost, counted, written when there is room
 *	a disk that hangs: neither events nor units nor the stop wait for it
 *	a refused row leaves its neighbours alone */
#include "db/db.c"

#include <sys/wait.h>

#include "core/config.h"
#include "core/problems.h"
#include "core/registry.h"
#include "tests/unit/db/daemon.h"
#include "tests/unit/db/faulty_vfs.h"

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
	faulty_fail(0, 0);
	faulty_block(false);
	clock_use_real();
	folder_remove();
	return 0;
}

/* As if the event bus had filled it in at this time. */
static void record_at(struct event e, int64_t ms)
{
	e.when.ms = ms;
	db_sink(db).on_event(db, &e);
}

static void test_instance(void **state)
{
	struct instance i = instance_named(1, "0001-0001");

	(void)state;
	daemon_start();
	names_unref(i.names);
	i.names = names_new("0001-0001", "/login_servers/0001-0001", "h:1",
	    "h:1", "zone=\"a\"");
	service.registrations = 1;
	emit(change(&i, STATE_UP, CAUSE_REGISTERED, T0, 0));
	flush_and_commit();
	ask_equal("SELECT state||' '||cause||' '||time||' '||(until IS NULL)"
	    " FROM events", "up registered 2025-11-13T02:13:20.000Z 1");
	ask_equal("SELECT labels FROM roll", "{\"zone\":\"a\"}");
	assert_int_equal(ask("SELECT earliest_ms IS NULL AND seen_ms IS NULL"
	    " FROM periods"), 1);

	service.expirations = 1;
	emit(change(&i, STATE_EXPIRED, CAUSE_EXPIRE, T0 + 5000, 30));
	flush_and_commit();
	assert_int_equal(ask("SELECT to_ms - from_ms FROM periods WHERE id=1"),
	    5000);
	assert_int_equal(ask("SELECT seen_ms - from_ms FROM periods"
	    " WHERE id=2"), 30);
	ask_equal("SELECT registrations||' '||expirations FROM service_totals",
	    "1 1");
	ask_equal("SELECT state||' '||since FROM instances",
	    "expired 2025-11-13T02:13:25.000Z");

	/* A clock set back: no negative stay. */
	emit(change(&i, STATE_UP, CAUSE_REGISTERED, T0 + 1000, 0));
	flush_and_commit();
	assert_int_equal(ask("SELECT to_ms - from_ms FROM periods WHERE id=2"),
	    0);

	/* The key moved, then it is forgotten. */
	i.names->text[1] = 'L';
	emit((struct event){ .type = EVENT_DETAIL, .instance.instance = &i });
	flush_and_commit();
	ask_equal("SELECT key FROM roll", "/Login_servers/0001-0001");
	assert_int_equal(ask("SELECT count(*) FROM periods"), 3);
	emit((struct event){ .type = EVENT_DROPPED, .instance.instance = &i });
	flush_and_commit();
	assert_int_equal(ask("SELECT forgotten FROM roll"), 1);
	assert_true(daemon_stop(1000));
	assert_int_equal(ask("SELECT count(*) FROM roll"), 1);
	instance_gone(&i);
}

static size_t ops_of(const struct unit *u, enum statement_id id)
{
	const struct op *op;
	size_t n = 0;

	TAILQ_FOREACH(op, &u->ops, link)
		n += op->id == id;
	return n;
}

/* However many of its instances changed in a unit: a service is one row. */
static void test_service_is_written_once(void **state)
{
	struct instance i = instance_named(1, "a");

	(void)state;
	daemon_start();
	for (int k = 0; k < 100; k++) {
		service.registrations++;
		record_at(change(&i, STATE_UP, CAUSE_REGISTERED, T0 + k, 0),
		    T0 + k);
	}
	recorder_unit(db->recorder, db->filling);
	assert_int_equal(ops_of(db->filling, SQL_SERVICE), 1);
	assert_int_equal(ops_of(db->filling, SQL_PERIOD_BEGIN), 100);
	emit((struct event){ .type = EVENT_DETAIL, .instance.instance = &i });
	flush_and_commit();
	assert_int_equal(ask("SELECT registrations FROM service_totals"), 100);
	/* A service that is dropped in the unit that changed it stays away. */
	record_at(change(&i, STATE_UP, CAUSE_REGISTERED, T0 + 200, 0),
	    T0 + 200);
	record_at((struct event){ .type = EVENT_SERVICE_DROPPED,
	    .service = &service }, T0 + 200);
	emit((struct event){ .type = EVENT_DROPPED, .instance.instance = &i });
	flush_and_commit();
	assert_int_equal(ask("SELECT count(*) FROM service_totals"), 0);
	assert_true(daemon_stop(1000));
	instance_gone(&i);
}

static void test_held(void **state)
{
	struct instance i = instance_named(1, "a");
	struct instance_rare rare = {
		.held_until = mono_add(clock_mono(), 60000) };

	(void)state;
	daemon_start();
	i.held = true;
	i.rare = &rare;
	emit(change(&i, STATE_EXPIRED, CAUSE_EXPIRE, T0, 0));
	flush_and_commit();
	assert_int_equal(ask("SELECT held_until_ms FROM roll"),
	    clock_history(rare.held_until).ms);
	i.held = false;
	emit((struct event){ .type = EVENT_HELD, .instance.instance = &i });
	flush_and_commit();
	assert_int_equal(ask("SELECT held_until_ms IS NULL FROM roll"), 1);
	assert_true(daemon_stop(1000));
	instance_gone(&i);
}

static void test_restored_writes_nothing(void **state)
{
	struct instance i = instance_named(1, "a");
	struct event e = change(&i, STATE_UP, CAUSE_REGISTERED, T0, 0);

	(void)state;
	daemon_start();
	e.instance.restored = true;
	emit(e);
	flush_and_commit();
	assert_int_equal(ask("SELECT count(*) FROM roll"), 0);
	assert_int_equal(ask("SELECT count(*) FROM periods"), 0);
	assert_true(daemon_stop(1000));
	instance_gone(&i);
}

static void test_watching(void **state)
{
	(void)state;
	daemon_start();
	emit((struct event){ .type = EVENT_LOOKING, .directory = &directory });
	flush_and_commit();
	assert_int_equal(ask("SELECT count(*) FROM watching"), 0);
	directory.watching_id = 1;
	directory.watching_from.ms = directory.watching_to.ms = T0;
	directory.applied_index = 5;
	emit((struct event){ .type = EVENT_LOOKING, .directory = &directory });
	flush_and_commit();
	directory.watching_to.ms = T0 + 2000;
	directory.applied_index = 9;
	emit((struct event){ .type = EVENT_PROGRESS,
	    .directory = &directory });
	emit((struct event){ .type = EVENT_PROGRESS,
	    .directory = &directory });
	flush_and_commit();
	ask_equal("SELECT id||' '||cluster||' '||directory||' '||(to_ms -"
	    " from_ms)||' '||last_index FROM watching",
	    "1 im /login_servers 2000 9");
	assert_true(daemon_stop(1000));
}

/* How far a directory is applied goes with the change itself. */
static void test_index_goes_with_the_change(void **state)
{
	struct instance i = instance_named(1, "a");

	(void)state;
	daemon_start();
	directory.watching_id = 1;
	directory.applied_index = 77;
	emit(change(&i, STATE_UP, CAUSE_REGISTERED, T0, 0));
	flush_and_commit();
	assert_int_equal(ask("SELECT last_index FROM watching"), 77);
	assert_true(daemon_stop(1000));
	instance_gone(&i);
}

static void test_services(void **state)
{
	struct event e = { .type = EVENT_SERVICE, .service = &service };

	(void)state;
	daemon_start();
	record_at(e, T0);
	record_at(e, T0 + 1);
	service.min_instances = 3;
	record_at(e, T0 + 2);
	emit(e);
	flush_and_commit();
	ask_equal("SELECT group_concat(min_instances||'@'||(from_ms-"
	    "1763000000000)) FROM expectations", "2@0,3@2");
	assert_int_equal(ask("SELECT count(*) FROM service_totals"), 1);
	assert_true(daemon_stop(1000));

	/* Another start with the same minimum adds no row. */
	daemon_start();
	emit(e);
	flush_and_commit();
	assert_int_equal(ask("SELECT count(*) FROM expectations"), 2);
	e.type = EVENT_SERVICE_DROPPED;
	emit(e);
	flush_and_commit();
	assert_int_equal(ask("SELECT count(*) FROM service_totals"), 0);
	assert_int_equal(ask("SELECT min_instances FROM expectations"
	    " ORDER BY from_ms DESC"), -1);
	assert_true(daemon_stop(1000));
}

static char fingerprint[] = "00000000000000af";

static struct event alert_event(const char *state_text, bool gone)
{
	return (struct event){ .type = EVENT_ALERT, .alert = {
		.fingerprint = fingerprint, .alertname = "Gone",
		.labels = "{\"a\":\"b\"}", .annotations = "{}",
		.state = state_text, .active_at = { T0 },
		.fired_at = { T0 + 1 }, .last_sent = { T0 + 2 },
		.gone = gone } };
}

static struct event message_event(int64_t id, bool done)
{
	return (struct event){ .type = EVENT_OUTBOX, .outbox = {
		.id = id, .receiver = "ops", .integration = "webhook",
		.group_key = "{}", .payload = "{\"x\":1}", .created = { T0 },
		.next_try = { T0 + 5 }, .attempts = 2, .done = done } };
}

static void test_alerts_and_outbox(void **state)
{
	(void)state;
	daemon_start();
	emit(alert_event("pending", false));
	emit(alert_event("firing", false));
	emit(message_event(1, false));
	emit(message_event(2, false));
	flush_and_commit();
	ask_equal("SELECT state FROM alerts", "firing");
	assert_int_equal(ask("SELECT count(*) FROM outbox"), 2);
	emit(alert_event("resolved", true));
	emit(message_event(1, true));
	emit((struct event){ .type = EVENT_CLOCK_JUMP, .jump_ms = -1500 });
	emit((struct event){ .type = EVENT_MEMBER });
	flush_and_commit();
	assert_int_equal(ask("SELECT count(*) FROM alerts"), 0);
	assert_int_equal(ask("SELECT id FROM outbox"), 2);
	assert_int_equal(ask("SELECT jump_ms FROM clock_jumps"), -1500);
	assert_true(daemon_stop(1000));
}

/* --- the restore --- */

static struct restored {
	int alerts, messages;
	int64_t last_message;
} restored;

static void see_alert(const struct alert_record *a, void *arg)
{
	(void)arg;
	restored.alerts++;
	assert_string_equal(a->fingerprint, fingerprint);
	assert_string_equal(a->alertname, "Gone");
	assert_string_equal(a->labels, "{\"a\":\"b\"}");
	assert_string_equal(a->state, "firing");
	assert_int_equal(a->active_at.ms, T0);
	assert_int_equal(a->fired_at.ms, T0 + 1);
	assert_int_equal(a->resolved_at.ms, 0);
	assert_int_equal(a->last_sent.ms, T0 + 2);
}

static void see_message(const struct outbox_record *o, void *arg)
{
	(void)arg;
	restored.messages++;
	assert_true(o->id > restored.last_message);
	restored.last_message = o->id;
	assert_string_equal(o->receiver, "ops");
	assert_string_equal(o->payload, "{\"x\":1}");
	assert_int_equal(o->next_try.ms, T0 + 5);
	assert_int_equal(o->attempts, 2);
	assert_null(o->last_error);
}

static struct registry *restore_registry(void)
{
	char *endpoint[] = { xstrdup("http://127.0.0.1:2379") };
	char *watched[] = { xstrdup(logins) };
	struct problems p = { 0 };
	struct config *c = config_from_flags(
	    &(struct string_list){ endpoint, 1 },
	    &(struct string_list){ watched, 1 }, &p);
	struct registry *r = registry_new(bus);

	assert_non_null(c);
	config_directory(config_cluster(c, 0), 0)->service_name =
	    xstrdup(login);
	registry_configure(r, c);
	config_unref(c);
	free(endpoint[0]);
	free(watched[0]);
	return r;
}

static void test_restore(void **state)
{
	static char cluster_name[] = "default", cluster_id[] = "cdf8";
	struct instance a = instance_named(4, "0001-0001");
	struct instance b = instance_named(5, "0001-0002");
	struct instance c = instance_named(6, "0001-0003");
	struct registry *r;
	const struct instance *i;
	struct err e;

	(void)state;
	cluster.name = cluster_name;
	cluster.cluster_id = cluster_id;
	cluster.raft_term = 9;
	cluster.leader_changes = 2;
	directory.watching_id = 3;
	directory.watching_from.ms = T0 - 5;
	directory.watching_to.ms = T0 + 100;
	directory.applied_index = 1234;
	service.registrations = 11;
	service.expirations = 12;
	service.deregistrations = 13;
	service.losses = 14;
	a.created_index = 21;
	a.modified_index = 22;
	a.expires.ms = T0 + 9000;
	a.last_beat.ms = T0 - 1000;
	a.expirations = 6;
	daemon_start();
	emit((struct event){ .type = EVENT_CLUSTER, .cluster = &cluster });
	emit(change(&a, STATE_UP, CAUSE_REGISTERED, T0, 0));
	emit(change(&b, STATE_UP, CAUSE_REGISTERED, T0, 0));
	emit(change(&b, STATE_LOST, CAUSE_DIFF, T0 + 10, 5));
	emit(change(&c, STATE_DEREGISTERED, CAUSE_DELETE, T0, 0));
	emit(alert_event("firing", false));
	emit(message_event(9, false));
	emit(message_event(3, false));
	flush_and_commit();
	assert_true(daemon_stop(1000));

	bus = event_bus_new();
	r = restore_registry();
	db = db_open(path, &e);
	assert_non_null(db);
	restored = (struct restored){ 0 };
	assert_int_equal(db_restore(db, r, see_alert, see_message, NULL, &e),
	    0);
	registry_restored(r);
	assert_int_equal(restored.alerts, 1);
	assert_int_equal(restored.messages, 2);
	assert_true(r->next_instance_id >= 7);
	assert_int_equal(r->next_period_id, 5);
	assert_int_equal(r->next_watching_id, 4);
	assert_int_equal(r->clusters[0]->raft_term, 9);
	assert_string_equal(r->clusters[0]->cluster_id, "cdf8");
	assert_int_equal(r->clusters[0]->directories[0]->applied_index, 1234);
	i = registry_find(r->clusters[0]->directories[0],
	    "/login_servers/0001-0001");
	assert_non_null(i);
	assert_int_equal(i->id, 4);
	assert_int_equal(i->period.id, 1);
	assert_int_equal(i->period.state, STATE_UP);
	assert_int_equal(i->period.from.ms, T0);
	assert_int_equal(i->expires.ms, T0 + 9000);
	assert_int_equal(i->expirations, 6);
	assert_int_equal(i->service->losses, 14);
	assert_int_equal(i->service->registrations, 11);
	assert_non_null(r->oldest);
	assert_string_equal(names_instance_id(r->oldest->names), "0001-0002");
	assert_int_equal(instance_rare(r->oldest)->noticed.seen.ms, T0 + 15);
	/* The deregistered one stays away. */
	assert_null(instance_rare(r->oldest)->newer);
	assert_true(db_close(db, 1000));
	registry_free(r);
	event_bus_free(bus);
	instance_gone(&a);
	instance_gone(&b);
	instance_gone(&c);
}

/* Numbers that only somebody else can have written to the file: the row is
 * left out, or as near as the roll has room for. */
static void test_restore_of_foreign_numbers(void **state)
{
	static char cluster_name[] = "default";
	struct instance a = instance_named(4, "0001-0001");
	struct instance b = instance_named(5, "0001-0002");
	struct registry *r;
	const struct instance *i;
	struct err e;

	(void)state;
	cluster.name = cluster_name;
	daemon_start();
	emit(change(&a, STATE_UP, CAUSE_REGISTERED, T0, 0));
	emit(change(&b, STATE_UP, CAUSE_REGISTERED, T0, 0));
	flush_and_commit();
	assert_true(daemon_stop(1000));
	run_sql("UPDATE roll SET ttl_s = -5, expirations = 1 << 40"
	    " WHERE id = 4");
	run_sql("UPDATE stays SET id = 1 << 56 WHERE instance = 5");

	bus = event_bus_new();
	r = restore_registry();
	db = db_open(path, &e);
	assert_non_null(db);
	assert_int_equal(db_restore(db, r, see_alert, see_message, NULL, &e),
	    0);
	registry_restored(r);
	assert_int_equal(r->next_period_id, 2);
	i = registry_find(r->clusters[0]->directories[0],
	    "/login_servers/0001-0001");
	assert_non_null(i);
	assert_int_equal(i->ttl_s, 0);
	assert_int_equal(i->expirations, UINT32_MAX);
	assert_null(registry_find(r->clusters[0]->directories[0],
	    "/login_servers/0001-0002"));
	assert_true(db_close(db, 1000));
	registry_free(r);
	event_bus_free(bus);
	instance_gone(&a);
	instance_gone(&b);
}

/* --- kill -9 --- */

static char member_name[] = "127.0.0.1:2379";
static struct member member = { .cluster = &cluster, .name = member_name };

/* With rows in every table, since each is checked afterwards. */
static void live_until_killed(int acknowledged)
{
	struct instance i = instance_named(1, "a");
	enum state s = STATE_UP;

	daemon_start();
	directory.watching_id = 1;
	emit((struct event){ .type = EVENT_CLUSTER, .cluster = &cluster });
	emit((struct event){ .type = EVENT_SERVICE, .service = &service });
	emit((struct event){ .type = EVENT_MEMBER_STATS, .member = &member });
	emit((struct event){ .type = EVENT_CLOCK_JUMP, .jump_ms = 5 });
	emit(alert_event("firing", false));
	emit(message_event(1, false));
	for (int64_t ms = T0; ; ms += 10) {
		emit(change(&i, s, CAUSE_REGISTERED, ms, 0));
		directory.applied_index = (uint64_t)(ms - T0);
		flush_and_commit();
		if (write(acknowledged, &ms, sizeof(ms)) != sizeof(ms))
			_exit(1);
		s = s == STATE_UP ? STATE_EXPIRED : STATE_UP;
	}
}

static void test_killed(void **state)
{
	int64_t ms, last = 0, n;
	int fds[2], status;
	char sql[128];
	pid_t child;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	child = fork();
	if (child == 0) {
		close(fds[0]);
		live_until_killed(fds[1]);
	}
	close(fds[1]);
	for (n = 0; n < 200; n++) {
		assert_int_equal(read(fds[0], &ms, sizeof(ms)), sizeof(ms));
		last = ms;
	}
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	while (read(fds[0], &ms, sizeof(ms)) == sizeof(ms))
		last = ms;
	close(fds[0]);
	daemon_start();
	assert_null(db_set_aside(db));
	assert_int_equal(ask("SELECT count(*) FROM pragma_integrity_check"
	    " WHERE integrity_check <> 'ok'"), 0);
	assert_int_equal(ask("SELECT count(*) FROM periods"
	    " WHERE to_ms IS NULL"), 1);
	snprintf(sql, sizeof(sql), "SELECT count(*) FROM periods WHERE"
	    " from_ms <= %lld", (long long)last);
	assert_int_equal(ask(sql), (last - T0) / 10 + 1);
	assert_int_equal(ask("SELECT last_index FROM watching"),
	    ask("SELECT max(from_ms) FROM periods") - T0);
	assert_true(daemon_stop(1000));
}

/* --- disks that do not --- */

static void test_disk_full(void **state)
{
	struct instance i = instance_named(1, "a");
	uint64_t unit;

	(void)state;
	daemon_start();
	emit(change(&i, STATE_UP, CAUSE_REGISTERED, T0, 0));
	flush_and_commit();
	assert_true(writer_counts(db->writer).up);
	faulty_fail(SQLITE_FULL, 0);
	emit(change(&i, STATE_EXPIRED, CAUSE_EXPIRE, T0 + 10, 0));
	flush();
	emit(change(&i, STATE_UP, CAUSE_REGISTERED, T0 + 20, 0));
	unit = flush();
	assert_false(committed_within(unit, 300));
	assert_false(writer_counts(db->writer).up);
	assert_true(writer_counts(db->writer).failures >= 2);
	assert_int_equal(queue_counts(db->queue).units, 2);
	assert_int_equal(ask("SELECT count(*) FROM periods"), 1);
	faulty_fail(0, 0);
	assert_true(committed_within(unit, 10000));
	assert_true(writer_counts(db->writer).up);
	assert_int_equal(ask("SELECT count(*) FROM periods"), 3);
	assert_true(daemon_stop(1000));
	instance_gone(&i);
}

/* The disk fills in the middle of a transaction: all of it or nothing. */
static void test_full_in_the_middle(void **state)
{
	struct instance i = instance_named(1, "a");
	uint64_t unit = 0;

	(void)state;
	daemon_start();
	emit(change(&i, STATE_UP, CAUSE_REGISTERED, T0, 0));
	flush_and_commit();
	for (int after = 0; after < 6; after++) {
		int64_t before = ask("SELECT count(*) FROM periods");

		faulty_fail(SQLITE_IOERR_WRITE, after);
		for (int n = 0; n < 100; n++)
			emit(change(&i, n % 2 ? STATE_UP : STATE_EXPIRED,
			    CAUSE_EXPIRE, T0 + after * 100 + n, 0));
		unit = flush();
		if (!committed_within(unit, 50))
			assert_int_equal(ask("SELECT count(*) FROM periods"),
			    before);
		faulty_fail(0, 0);
		assert_true(committed_within(unit, 10000));
		assert_int_equal(ask("SELECT count(*) FROM periods"),
		    before + 100);
		assert_int_equal(ask("SELECT count(*) FROM periods"
		    " WHERE to_ms IS NULL"), 1);
	}
	assert_true(daemon_stop(1000));
	instance_gone(&i);
}

static void test_stop_while_full(void **state)
{
	struct instance i = instance_named(1, "a");

	(void)state;
	daemon_start();
	faulty_fail(SQLITE_FULL, 0);
	emit(change(&i, STATE_UP, CAUSE_REGISTERED, T0, 0));
	assert_false(committed_within(flush(), 50));
	mono_t before = clock_mono();

	assert_false(daemon_stop(200));
	assert_true(mono_since(before, clock_mono()) < 2000);
	instance_gone(&i);
}

static void test_disk_hangs(void **state)
{
	struct instance i = instance_named(1, "a");
	int64_t longest = 0, took;
	uint64_t unit = 0;

	(void)state;
	daemon_start();
	faulty_block(true);
	emit(change(&i, STATE_UP, CAUSE_REGISTERED, T0, 0));
	flush();
	faulty_wait_blocked();
	for (int n = 1; n <= 500; n++) {
		emit(change(&i, n % 2 ? STATE_EXPIRED : STATE_UP,
		    CAUSE_EXPIRE, T0 + n, 0));
		took = clock_mono_us();
		unit = flush();
		took = clock_mono_us() - took;
		if (took > longest)
			longest = took;
	}
	print_message("longest flush %lld us\n", (long long)longest);
	assert_true(longest < 1000000);		/* it would be for ever */
	assert_int_equal(event_committed_unit(bus), 0);
	faulty_block(false);
	assert_true(committed_within(unit, 10000));
	assert_int_equal(ask("SELECT count(*) FROM periods"), 501);
	assert_true(daemon_stop(1000));
	instance_gone(&i);
}

/* In a process of its own: the thread is left behind there. */
static void test_stop_while_hanging(void **state)
{
	int status;
	pid_t child;

	(void)state;
	child = fork();
	if (child == 0) {
		struct instance i = instance_named(1, "a");
		mono_t before;

		daemon_start();
		faulty_block(true);
		emit(change(&i, STATE_UP, CAUSE_REGISTERED, T0, 0));
		flush();
		faulty_wait_blocked();
		before = clock_mono();
		if (db_close(db, 100))
			_exit(2);
		_exit(mono_since(before, clock_mono()) < 2000 ? 0 : 3);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_refused_row(void **state)
{
	struct instance i = instance_named(1, "a"), j = instance_named(2, "b");
	struct event twice;

	(void)state;
	daemon_start();
	twice = change(&i, STATE_UP, CAUSE_REGISTERED, T0, 0);
	emit(twice);
	emit(twice);		/* the same id again: a bug, but not ours */
	emit(change(&j, STATE_UP, CAUSE_REGISTERED, T0, 0));
	flush_and_commit();
	assert_int_equal(ask("SELECT count(*) FROM periods"), 2);
	assert_int_equal(writer_counts(db->writer).failures, 0);
	assert_true(daemon_stop(1000));
	instance_gone(&i);
	instance_gone(&j);
}

/* A reader in the middle of its work does not stop the writer. */
static void test_beside_a_reader(void **state)
{
	struct instance i = instance_named(1, "a");
	sqlite3 *reader;
	sqlite3_stmt *s;

	(void)state;
	daemon_start();
	emit(change(&i, STATE_UP, CAUSE_REGISTERED, T0, 0));
	flush_and_commit();
	sqlite3_open_v2(path, &reader, SQLITE_OPEN_READONLY, NULL);
	sqlite3_prepare_v2(reader, "SELECT id FROM periods", -1, &s, NULL);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	emit(change(&i, STATE_EXPIRED, CAUSE_EXPIRE, T0 + 1, 0));
	flush_and_commit();
	assert_int_equal(sqlite3_step(s), SQLITE_DONE);
	sqlite3_finalize(s);
	sqlite3_close(reader);
	assert_true(daemon_stop(1000));
	instance_gone(&i);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_instance), T(test_held), T(test_service_is_written_once),
		T(test_restored_writes_nothing), T(test_watching),
		T(test_index_goes_with_the_change), T(test_services),
		T(test_alerts_and_outbox), T(test_restore),
		T(test_restore_of_foreign_numbers), T(test_killed),
		T(test_disk_full), T(test_full_in_the_middle),
		T(test_stop_while_full), T(test_disk_hangs),
		T(test_stop_while_hanging), T(test_refused_row),
		T(test_beside_a_reader),
	};

	faulty_install();
	return cmocka_run_group_tests_name("db/db", tests, NULL, NULL);
}
