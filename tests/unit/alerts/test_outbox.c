/* The outbox, against receivers that take, refuse, fail and hang. */
#include "alerts/outbox.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "core/clock.h"
#include "tests/unit/alerts/delivery.h"

enum { MAX_SAVED = 100 };

static struct gate *gate;
static struct outbox *outbox;
static struct inbox inbox;
static struct webhook_config hooks[2];
static struct receiver_config receivers[1];
static struct notify_config config;

/* The table outbox, as the database would have it. */
static struct row {
	int64_t id, attempts;
	wall_t next_try;
	char error[100];
	bool done;
} rows[MAX_SAVED];
static size_t changes;

static void on_event(void *arg, const struct event *e)
{
	const struct outbox_record *o = &e->outbox;

	(void)arg;
	if (e->type != EVENT_OUTBOX)
		return;
	assert_in_range(o->id, 1, MAX_SAVED - 1);
	struct row *r = &rows[o->id];

	changes++;
	r->id = o->id;
	r->attempts = o->attempts;
	r->next_try = o->next_try;
	r->done = o->done;
	snprintf(r->error, sizeof(r->error), "%s",
	    o->last_error ? o->last_error : "");
}

static void on_unit(void *arg, uint64_t unit, mono_t now)
{
	(void)arg;
	gate_flushed(gate, unit, now);
}

static void opened(void *arg, mono_t now)
{
	(void)arg;
	outbox_pump(outbox, now);
}

static int begin_test(void **state)
{
	struct event_sink sink = { "test", on_event, on_unit, NULL };

	(void)state;
	loop_begin();
	inbox_open(&inbox);
	memset(rows, 0, sizeof(rows));
	changes = 0;
	event_bus_add(bus, &sink);
	gate = gate_new(loop, bus, opened, NULL);
	outbox = outbox_new(loop, bus, gate);
	for (int i = 0; i < 2; i++)
		hooks[i] = (struct webhook_config){
			.url = inbox.script.url, .timeout_ms = 5000 };
	receivers[0] = (struct receiver_config){
		.name = strdup("ops"), .webhooks = { hooks, 2 } };
	config.route.receiver = receivers[0].name;
	config.receivers = (struct object_list){ receivers, 1 };
	outbox_configure(outbox, &config);
	return 0;
}

static int end_test(void **state)
{
	(void)state;
	outbox_free(outbox);
	gate_free(gate);
	loop_end();
	inbox_close(&inbox);
	free(receivers[0].name);
	return 0;
}

static void put(const char *group, const char *payload)
{
	outbox_queue(outbox, "ops", "webhook", group, payload);
}

/* The database answers at once. */
static void commit(void)
{
	uint64_t unit = event_flush(bus, clock_mono());

	event_committed(bus, unit, clock_mono());
}

static bool idle(void *arg)
{
	size_t cursor = 0;
	void *q;

	(void)arg;
	while (table_next(outbox->queues, &cursor, NULL, &q))
		if (((struct queue *)q)->fetch != NULL)
			return false;
	return true;
}

static uint64_t failed(enum failure f)
{
	return outbox_target(outbox, "ops", "webhook")->tally.failures[f];
}

static void delivers_in_order(void **state)
{
	(void)state;
	outbox_start(outbox, clock_mono());
	put("a", "1");
	put("a", "2");
	put("a", "3");
	turn();
	assert_int_equal(inbox_count(&inbox), 0);
	assert_int_equal(changes, 3);
	assert_false(outbox_drained(outbox));
	event_committed(bus, 1, clock_mono());
	run_until(idle, NULL);
	assert_int_equal(inbox_count(&inbox), 3);
	for (int i = 0; i < 3; i++)
		assert_int_equal(inbox.bodies[i][0], '1' + i);
	assert_true(outbox_drained(outbox));
	turn();
	for (int i = 1; i <= 3; i++)
		assert_true(rows[i].done);
	assert_int_equal(gate_uncommitted(gate), 0);
}

static void leaves_without_the_database_after_5_ms(void **state)
{
	(void)state;
	outbox_start(outbox, clock_mono());
	put("a", "1");
	turn();
	advance(GATE_MS - 1);
	assert_int_equal(inbox_count(&inbox), 0);
	advance(1);
	await(&inbox, 1);
	assert_int_equal(gate_uncommitted(gate), 1);
}

static void retries_hold_the_order(void **state)
{
	(void)state;
	inbox.status[0] = 500;
	outbox_start(outbox, clock_mono());
	put("a", "1");
	put("a", "2");
	commit();
	run_until(idle, NULL);
	turn();
	assert_int_equal(rows[1].attempts, 1);
	assert_string_equal(rows[1].error, "status 500: word");
	assert_int_equal(rows[1].next_try.ms, clock_now().ms + 1000);
	assert_false(outbox_drained(outbox));	/* the second */
	put("b", "3");				/* another group goes on */
	commit();
	await(&inbox, 2);
	run_until(idle, NULL);
	advance(999);
	assert_int_equal(inbox_count(&inbox), 2);
	advance(1);
	await(&inbox, 4);
	assert_string_equal(inbox.bodies[2], "1");
	assert_string_equal(inbox.bodies[3], "2");
	assert_int_equal(failed(FAILED_SERVER_ERROR), 1);
}

static void backs_off_to_a_minute(void **state)
{
	static const int64_t wait_s[] = {
		1, 2, 4, 8, 16, 32, 60, 60 };

	(void)state;
	for (int i = 0; i < 9; i++)
		inbox.status[i] = 500;
	outbox_start(outbox, clock_mono());
	put("a", "1");
	commit();
	for (size_t i = 0; i < sizeof(wait_s) / sizeof(wait_s[0]); i++) {
		await(&inbox, i + 1);
		run_until(idle, NULL);
		turn();
		assert_int_equal(rows[1].next_try.ms - clock_now().ms,
		    1000 * wait_s[i]);
		advance(1000 * wait_s[i]);
	}
}

static void honours_retry_after(void **state)
{
	(void)state;
	inbox.status[0] = 429;
	inbox.extra = "Retry-After: 77\r\n";
	outbox_start(outbox, clock_mono());
	put("a", "1");
	commit();
	run_until(idle, NULL);
	assert_int_equal(failed(FAILED_RATE_LIMITED), 1);
	advance(76999);
	assert_int_equal(inbox_count(&inbox), 1);
	advance(1);
	await(&inbox, 2);
}

static void gives_up_what_is_refused(void **state)
{
	(void)state;
	inbox.status[0] = 400;
	outbox_start(outbox, clock_mono());
	put("a", "1");
	put("a", "2");
	commit();
	run_until(idle, NULL);
	turn();
	assert_int_equal(failed(FAILED_CLIENT_ERROR), 1);
	assert_true(rows[1].done);
	assert_string_equal(rows[1].error, "status 400: word");
	assert_int_equal(inbox_count(&inbox), 2);
	assert_true(outbox_drained(outbox));
}

/* Somebody will mend the receiver, or its password. */
static void tries_again_what_can_be_mended(void **state)
{
	static const int answers[] = { 401, 403, 404, 408, 302, 429 };
	enum { N = sizeof(answers) / sizeof(answers[0]) };

	(void)state;
	for (size_t i = 0; i < N; i++)
		inbox.status[i] = answers[i];
	outbox_start(outbox, clock_mono());
	put("a", "1");
	commit();
	for (size_t i = 0; i < N; i++) {
		await(&inbox, i + 1);
		run_until(idle, NULL);
		turn();
		assert_int_equal(rows[1].attempts, i + 1);
		assert_false(rows[1].done);
		advance(OUTBOX_BACKOFF_MAX_MS);
	}
	await(&inbox, N + 1);
	run_until(idle, NULL);
	turn();
	assert_true(rows[1].done);
	assert_int_equal(failed(FAILED_CLIENT_ERROR), N - 1);
	assert_int_equal(failed(FAILED_RATE_LIMITED), 1);
}

static void gives_up_after_a_day(void **state)
{
	(void)state;
	for (int i = 0; i < 64; i++)
		inbox.status[i] = 500;
	outbox_start(outbox, clock_mono());
	put("a", "1");
	commit();
	run_until(idle, NULL);
	clock_advance(OUTBOX_MAX_AGE_MS);
	put("a", "2");
	commit();
	turn();
	run_until(idle, NULL);
	turn();
	assert_true(rows[1].done);
	assert_int_equal(failed(FAILED_EXPIRED), 1);
	assert_false(rows[2].done);
	assert_int_equal(inbox_count(&inbox), 2);
}

static void nobody_listens(void **state)
{
	struct script dead;

	(void)state;
	script_start(&dead, NULL, NULL);
	script_stop(&dead);
	hooks[0].url = dead.url;
	outbox_start(outbox, clock_mono());
	put("a", "1");
	commit();
	run_until(idle, NULL);
	turn();
	assert_int_equal(failed(FAILED_CONNECT), 1);
	assert_int_equal(rows[1].attempts, 1);
	assert_false(rows[1].done);
}

/* The clock was set right by two days: nothing is older for that. */
static void a_jump_of_the_clock_makes_nothing_old(void **state)
{
	(void)state;
	inbox.status[0] = 500;
	outbox_start(outbox, clock_mono());
	put("a", "1");
	commit();
	await(&inbox, 1);
	run_until(idle, NULL);
	clock_step(INT64_C(48) * 3600 * 1000);
	clock_rebase();
	advance(1000);
	await(&inbox, 2);
	run_until(idle, NULL);
	turn();
	assert_true(rows[1].done);
	assert_int_equal(failed(FAILED_EXPIRED), 0);
}

/* What is new does not wait out the backoff of what is old; but no more than
 * one try a second, and never before Retry-After. */
static void a_new_message_hurries(void **state)
{
	(void)state;
	for (int i = 0; i < 6; i++)
		inbox.status[i] = 500;
	outbox_start(outbox, clock_mono());
	put("a", "1");
	commit();
	for (size_t i = 0; i < 5; i++) {
		await(&inbox, i + 1);
		run_until(idle, NULL);
		advance(1000 << i);
	}
	await(&inbox, 6);		/* the next try is 32 s off */
	run_until(idle, NULL);
	advance(400);
	put("a", "2");
	commit();
	advance(599);
	assert_int_equal(inbox_count(&inbox), 6);
	advance(1);
	await(&inbox, 8);
	assert_string_equal(inbox.bodies[6], "1");
	assert_string_equal(inbox.bodies[7], "2");
}

static void no_hurry_against_retry_after(void **state)
{
	(void)state;
	inbox.status[0] = 429;
	inbox.extra = "Retry-After: 30\r\n";
	outbox_start(outbox, clock_mono());
	put("a", "1");
	commit();
	await(&inbox, 1);
	run_until(idle, NULL);
	put("a", "2");
	commit();
	advance(29999);
	assert_int_equal(inbox_count(&inbox), 1);
	advance(1);
	await(&inbox, 3);
}

/* --- reloads --- */

static struct receiver_config renamed;
static struct notify_config other;

/* The notify file after an edit: one receiver of this name. */
static void edit(const char *name, struct webhook_config *v, size_t n)
{
	static char storage[20], route[20];

	snprintf(storage, sizeof(storage), "%s", name);
	snprintf(route, sizeof(route), "%s", name);
	renamed = (struct receiver_config){ .name = storage,
		.webhooks = { v, n } };
	other = (struct notify_config){ .route = { route },
		.receivers = { &renamed, 1 } };
	outbox_configure(outbox, &other);
	outbox_pump(outbox, clock_mono());
}

static void fail_twice_to_deliver(void)
{
	inbox.status[0] = inbox.status[1] = 500;
	outbox_start(outbox, clock_mono());
	put("a", "1");
	put("a", "2");
	commit();
	await(&inbox, 1);
	run_until(idle, NULL);
	advance(1000);
	await(&inbox, 2);
	run_until(idle, NULL);
	turn();
}

static void a_renamed_receiver_gets_what_waits(void **state)
{
	(void)state;
	fail_twice_to_deliver();
	edit("operators", hooks, 1);
	await(&inbox, 4);
	run_until(idle, NULL);
	turn();
	assert_string_equal(inbox.bodies[2], "1");
	assert_string_equal(inbox.bodies[3], "2");
	assert_true(rows[1].done && rows[2].done);
	assert_int_equal(outbox_target(outbox, "ops", "webhook")->queued, 0);
	assert_int_equal(outbox_target(outbox, "operators", "webhook")->queued,
	    0);
	assert_true(outbox_drained(outbox));
}

static void a_corrected_url_gets_what_waits(void **state)
{
	struct inbox right;

	(void)state;
	inbox_open(&right);
	fail_twice_to_deliver();
	struct webhook_config v = { .url = right.script.url,
		.timeout_ms = 5000 };

	edit("ops", &v, 1);
	advance(1000);
	await(&right, 2);
	assert_string_equal(right.bodies[0], "1");
	run_until(idle, NULL);
	assert_int_equal(inbox_count(&inbox), 2);
	outbox_configure(outbox, NULL);
	inbox_close(&right);
}

static void webhooks_that_change_places_keep_their_messages(void **state)
{
	struct inbox second;

	(void)state;
	inbox_open(&second);
	hooks[1].url = second.script.url;
	second.status[0] = 500;
	fail_twice_to_deliver();
	outbox_queue(outbox, "ops", "webhook[1]", "a", "x");
	commit();
	await(&second, 1);
	run_until(idle, NULL);
	struct webhook_config v[2] = { hooks[1], hooks[0] };

	edit("ops", v, 2);
	await(&second, 2);
	await(&inbox, 4);
	run_until(idle, NULL);
	assert_string_equal(second.bodies[1], "x");
	assert_string_equal(inbox.bodies[2], "1");
	assert_string_equal(inbox.bodies[3], "2");
	outbox_configure(outbox, NULL);
	inbox_close(&second);
}

/* rollcall was stopped meanwhile, so nobody knows the URL it had. */
static void renamed_over_a_restart(void **state)
{
	struct outbox_record r = {
		.id = 7, .receiver = "old", .integration = "webhook[1]",
		.group_key = "a", .payload = "1", .attempts = 3,
		.created = clock_now(),
	};
	(void)state;
	edit("ops", hooks, 2);
	outbox_restore(outbox, &r);
	outbox_start(outbox, clock_mono());
	await(&inbox, 1);
	run_until(idle, NULL);
	turn();
	assert_true(rows[7].done);
	assert_string_equal(rows[7].error, "");
}

static int64_t real_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* A full queue of connections not accepted drops the next: no reply.  The
 * receiver's own timeout is for connecting, too, not the 1 s of etcd. */
static void takes_its_time_to_connect(void **state)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);
	int64_t began = real_ms();
	char url[64];
	int fd[5];

	(void)state;
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (int i = 0; i < 5; i++)
		fd[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(fd[0], (struct sockaddr *)&a, len), 0);
	assert_int_equal(listen(fd[0], 0), 0);
	getsockname(fd[0], (struct sockaddr *)&a, &len);
	for (int i = 1; i < 5; i++)
		connect(fd[i], (struct sockaddr *)&a, len);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d", ntohs(a.sin_port));
	hooks[0].url = url;
	hooks[0].timeout_ms = 1300;
	outbox_start(outbox, clock_mono());
	put("a", "1");
	commit();
	run_until(idle, NULL);
	assert_true(real_ms() - began >= 1290);
	turn();
	assert_int_equal(rows[1].attempts, 1);
	for (int i = 0; i < 5; i++)
		close(fd[i]);
}

static void a_receiver_that_is_gone(void **state)
{
	(void)state;
	inbox.status[0] = 500;
	outbox_start(outbox, clock_mono());
	put("a", "1");
	commit();
	run_until(idle, NULL);
	outbox_configure(outbox, NULL);
	advance(1000);
	turn();
	assert_true(rows[1].done);
	assert_int_equal(failed(FAILED_UNCONFIGURED), 1);
	assert_true(outbox_drained(outbox));
}

static void restored_messages_go_first(void **state)
{
	struct outbox_record r = {
		.id = 7, .receiver = "ops", .integration = "webhook[1]",
		.group_key = "a", .payload = "old", .attempts = 3,
		.created = clock_now(),
	};
	(void)state;
	r.next_try = wall_add(clock_now(), 4000);
	outbox_restore(outbox, &r);
	r.id = 8;
	r.payload = "older";
	r.next_try.ms = 0;
	r.group_key = "b";
	outbox_restore(outbox, &r);
	turn();
	assert_int_equal(inbox_count(&inbox), 0);
	outbox_start(outbox, clock_mono());
	await(&inbox, 1);
	assert_string_equal(inbox.bodies[0], "older");
	outbox_queue(outbox, "ops", "webhook[1]", "a", "new");
	commit();
	assert_int_equal(rows[9].id, 9);
	advance(999);			/* the new one hurries the old one */
	assert_int_equal(inbox_count(&inbox), 1);
	advance(1);
	await(&inbox, 3);
	assert_string_equal(inbox.bodies[1], "old");
	assert_string_equal(inbox.bodies[2], "new");
}

static void integrations_have_names(void **state)
{
	char out[INTEGRATION_MAX];

	(void)state;
	assert_string_equal(outbox_integration(0, out), "webhook");
	assert_string_equal(outbox_integration(12, out), "webhook[12]");
}

static void reads_retry_after(void **state)
{
	wall_t now = { INT64_C(784111777000) };

	(void)state;
	assert_int_equal(retry_after_ms(NULL, now), 0);
	assert_int_equal(retry_after_ms("", now), 0);
	assert_int_equal(retry_after_ms("-5", now), 0);
	assert_int_equal(retry_after_ms("120", now), 120000);
	assert_int_equal(retry_after_ms("999999999999999999999", now), 0);
	assert_int_equal(retry_after_ms("99999999", now), 3600000);
	assert_int_equal(retry_after_ms("Sun, 06 Nov 1994 08:49:47 GMT",
	    now), 10000);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin_test, end_test)
	const struct CMUnitTest tests[] = {
		T(delivers_in_order),
		T(leaves_without_the_database_after_5_ms),
		T(retries_hold_the_order), T(backs_off_to_a_minute),
		T(honours_retry_after), T(gives_up_what_is_refused),
		T(tries_again_what_can_be_mended),
		T(gives_up_after_a_day), T(nobody_listens),
		T(a_jump_of_the_clock_makes_nothing_old),
		T(a_new_message_hurries), T(no_hurry_against_retry_after),
		T(a_renamed_receiver_gets_what_waits),
		T(a_corrected_url_gets_what_waits),
		T(webhooks_that_change_places_keep_their_messages),
		T(renamed_over_a_restart),
		T(takes_its_time_to_connect),
		T(a_receiver_that_is_gone), T(restored_messages_go_first),
		T(integrations_have_names), T(reads_retry_after),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
