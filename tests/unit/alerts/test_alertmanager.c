/* The client of Alertmanager, against servers that take, refuse, fail and
 * hang. */
#include "alerts/alertmanager.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "alerts/gate.h"
#include "core/clock.h"
#include "core/err.h"
#include "tests/unit/alerts/delivery.h"

enum { MAX_ALERTS = 600 };

static struct gate *gate;
static struct alertmanagers *all;
static struct inbox inboxes[2];
static struct config config;
static struct alertmanager_config managers[2];
static struct alert *alerts[MAX_ALERTS];
static size_t nalerts;

static void opened(void *arg, mono_t now)
{
	(void)arg;
	alertmanagers_pump(all, now);
}

static void configure(size_t n)
{
	config = (struct config){ 0 };
	config.global.evaluation_interval_ms = 15000;
	config.alertmanagers.v = managers;
	config.alertmanagers.n = n;
	for (size_t i = 0; i < n; i++) {
		managers[i].url = inboxes[i].script.url;
		managers[i].timeout_ms = 10000;
	}
	alertmanagers_configure(all, &config, "http://rollcall:10379/");
}

static int begin_test(void **state)
{
	(void)state;
	loop_begin();
	inbox_open(&inboxes[0]);
	inbox_open(&inboxes[1]);
	gate = gate_new(loop, bus, opened, NULL);
	all = alertmanagers_new(loop, gate);
	nalerts = 0;
	configure(1);
	return 0;
}

static int end_test(void **state)
{
	(void)state;
	alertmanagers_free(all);
	for (size_t i = 0; i < nalerts; i++)
		alert_free(alerts[i]);
	gate_free(gate);
	loop_end();
	inbox_close(&inboxes[0]);
	inbox_close(&inboxes[1]);
	return 0;
}

static struct alert *new_alert(void)
{
	const struct rule *r = rule_find("EtcdRegistryInstanceVanished");
	struct labels l = { 0 }, none = { 0 };
	char id[20];

	snprintf(id, sizeof(id), "%zu", nalerts);
	labels_set(&l, "alertname", r->name);
	labels_set(&l, "instance_id", id);
	struct alert *a = alert_new(r, &l, &none);

	labels_set(&a->annotations, "summary", "It \"went\".");
	return alerts[nalerts++] = a;
}

static void fire(struct alert *a)
{
	a->machine.state = ALERT_FIRING;
	a->machine.fired_at = clock_now();
	alertmanagers_tell(all, a, true);
}

static void resolve(struct alert *a)
{
	a->machine.state = ALERT_RESOLVED;
	a->machine.resolved_at = clock_now();
	alertmanagers_tell(all, a, true);
}

/* Lets what is there leave and be answered. */
static bool idle(void *arg)
{
	(void)arg;
	for (size_t i = 0; i < all->n; i++)
		if (all->peers[i].fetch != NULL)
			return false;
	return true;
}

static void settle_down(void)
{
	alertmanagers_pump(all, clock_mono());
	run_until(idle, NULL);
}

static uint64_t failures(enum failure f)
{
	return all->peers[0].tally.failures[f];
}

static size_t batch_size(size_t i)
{
	cJSON *j = inbox_json(&inboxes[0], i);
	size_t n = (size_t)cJSON_GetArraySize(j);

	cJSON_Delete(j);
	return n;
}

static int64_t time_of(size_t i, const char *name)
{
	cJSON *j = inbox_json(&inboxes[0], i);
	struct err e = { "" };
	wall_t t;

	if (timefmt_parse_rfc3339(json_str(cJSON_GetArrayItem(j, 0), name),
	    &t, &e) != 0)
		fail_msg("%s", e.text);
	cJSON_Delete(j);
	return t.ms;
}

static void renders_api_v2(void **state)
{
	struct alert *a = new_alert();
	struct buf b;

	(void)state;
	a->machine.state = ALERT_FIRING;
	a->machine.fired_at.ms = INT64_C(1787392867000);
	buf_init(&b, 10000);
	alertmanager_render(a, (wall_t){ INT64_C(1787392870000) }, 240000,
	    "http://rollcall:10379/", &b);
	assert_string_equal(buf_str(&b), "{\"labels\":{\"alertname\":"
	    "\"EtcdRegistryInstanceVanished\",\"instance_id\":\"0\"},"
	    "\"annotations\":{\"summary\":\"It \\\"went\\\".\"},"
	    "\"startsAt\":\"2026-08-22T10:01:07.000Z\","
	    "\"endsAt\":\"2026-08-22T10:05:10.000Z\","
	    "\"generatorURL\":\"http://rollcall:10379/\"}");
	/* The system clock went back a day: still no 400. */
	buf_reset(&b);
	alertmanager_render(a, (wall_t){ INT64_C(1787306467000) }, 240000,
	    "", &b);
	assert_non_null(strstr(buf_str(&b),
	    "\"startsAt\":\"2026-08-21T10:01:07.000Z\","
	    "\"endsAt\":\"2026-08-21T10:05:07.000Z\""));
	/* And what resolved has, not tomorrow. */
	a->machine.state = ALERT_RESOLVED;
	a->machine.resolved_at.ms = INT64_C(1787392870000);
	buf_reset(&b);
	alertmanager_render(a, (wall_t){ INT64_C(1787306467000) }, 240000,
	    "", &b);
	assert_non_null(strstr(buf_str(&b),
	    "\"startsAt\":\"2026-08-21T10:01:07.000Z\","
	    "\"endsAt\":\"2026-08-21T10:01:07.000Z\""));
	buf_free(&b);
}

static void fires_repeats_and_resolves(void **state)
{
	struct alert *a = new_alert();

	(void)state;
	int64_t fired = clock_now().ms;

	fire(a);
	assert_false(alertmanagers_drained(all));
	settle_down();
	assert_true(alertmanagers_drained(all));
	assert_int_equal(inbox_count(&inboxes[0]), 1);
	assert_int_equal(time_of(0, "startsAt"), fired);
	assert_int_equal(time_of(0, "endsAt"), fired + 240000);
	advance(AM_RESEND_MS - 1);
	assert_int_equal(inbox_count(&inboxes[0]), 1);
	advance(1);
	await(&inboxes[0], 2);
	settle_down();
	assert_int_equal(time_of(1, "startsAt"), fired);
	assert_int_equal(time_of(1, "endsAt"), fired + 300000);
	advance(7);
	resolve(a);
	settle_down();
	assert_int_equal(time_of(2, "endsAt"), fired + 60007);
	advance(AM_RESEND_MS);
	await(&inboxes[0], 4);
	assert_int_equal(time_of(3, "endsAt"), fired + 60007);
	settle_down();
	alertmanagers_forget(all, a);
	advance_in_steps(3 * AM_RESEND_MS, AM_RESEND_MS);
	assert_int_equal(inbox_count(&inboxes[0]), 4);
}

static void batches(void **state)
{
	(void)state;
	for (int i = 0; i < 600; i++)
		fire(new_alert());
	settle_down();
	assert_int_equal(inbox_count(&inboxes[0]), 3);
	assert_int_equal(batch_size(0), 256);
	assert_int_equal(batch_size(1), 256);
	assert_int_equal(batch_size(2), 88);
	advance(AM_RESEND_MS);
	await(&inboxes[0], 6);
	settle_down();
	assert_int_equal(inbox_count(&inboxes[0]), 6);
}

static void retries_edges_with_backoff(void **state)
{
	struct alert *a = new_alert();

	(void)state;
	for (int i = 0; i < 4; i++)
		inboxes[0].status[i] = 503;
	fire(a);
	settle_down();
	assert_true(alertmanagers_drained(all));	/* it was tried */
	for (int i = 0; i < 3; i++) {
		advance((1000 << i) - 1);
		assert_int_equal(inbox_count(&inboxes[0]), 1 + i);
		advance(1);
		await(&inboxes[0], 2 + (size_t)i);
		settle_down();
	}
	assert_int_equal(failures(FAILED_SERVER_ERROR), 4);
	advance(8000);
	await(&inboxes[0], 5);
	settle_down();
	assert_int_equal(failures(FAILED_SERVER_ERROR), 4);
	assert_int_equal(all->peers[0].backoff_ms, 0);
	advance(AM_RESEND_MS - 1);
	assert_int_equal(inbox_count(&inboxes[0]), 5);
}

/* What is new does not wait out the backoff, but a second. */
static void a_new_edge_hurries(void **state)
{
	(void)state;
	for (int i = 0; i < 6; i++)
		inboxes[0].status[i] = 503;
	fire(new_alert());
	settle_down();
	for (size_t i = 0; i < 5; i++) {
		advance(1000 << i);
		await(&inboxes[0], 2 + i);
		settle_down();
	}
	advance(400);			/* the next try is 32 s off */
	fire(new_alert());
	alertmanagers_pump(all, clock_mono());
	advance(599);
	assert_int_equal(inbox_count(&inboxes[0]), 6);
	advance(1);
	await(&inboxes[0], 7);
	settle_down();
	assert_int_equal(batch_size(6), 2);
}

/* What is valid in the batch was stored, so it is only repeated in time. */
static void does_not_retry_a_400(void **state)
{
	(void)state;
	inboxes[0].status[0] = 400;
	fire(new_alert());
	settle_down();
	assert_int_equal(failures(FAILED_CLIENT_ERROR), 1);
	advance(AM_RESEND_MS - 1);
	assert_int_equal(inbox_count(&inboxes[0]), 1);
	advance(1);
	await(&inboxes[0], 2);
}

/* What changes while its request is under way is sent again, as it is then,
 * and in the end. */
static void change_in_flight(void **state)
{
	struct alert *a = new_alert();

	(void)state;
	fire(a);
	alertmanagers_pump(all, clock_mono());
	assert_non_null(all->peers[0].fetch);
	advance(2);
	resolve(a);
	settle_down();
	assert_int_equal(inbox_count(&inboxes[0]), 2);
	assert_int_equal(time_of(1, "endsAt"), clock_now().ms);
	assert_true(alertmanagers_drained(all));
}

static void every_alertmanager_is_told(void **state)
{
	(void)state;
	configure(2);
	inboxes[0].silent = true;
	fire(new_alert());
	alertmanagers_pump(all, clock_mono());
	await(&inboxes[1], 1);		/* the other one hangs */
	assert_false(alertmanagers_drained(all));
}

static void waits_for_its_unit(void **state)
{
	struct event e = { .type = EVENT_ALERT };
	struct alert *a = new_alert();

	(void)state;
	a->unit = gate_wait(gate);
	fire(a);
	alertmanagers_pump(all, clock_mono());
	assert_null(all->peers[0].fetch);
	event_emit(bus, &e);
	uint64_t unit = event_flush(bus, clock_mono());

	gate_flushed(gate, unit, clock_mono());
	assert_int_equal(unit, a->unit);
	turn();
	assert_null(all->peers[0].fetch);
	event_committed(bus, unit, clock_mono());
	assert_non_null(all->peers[0].fetch);
	assert_int_equal(gate_uncommitted(gate), 0);
	await(&inboxes[0], 1);
	settle_down();
	/* No acknowledgement: 5 ms later. */
	a->unit = gate_wait(gate);
	resolve(a);
	event_emit(bus, &e);
	unit = event_flush(bus, clock_mono());
	gate_flushed(gate, unit, clock_mono());
	advance(GATE_MS - 1);
	assert_null(all->peers[0].fetch);
	advance(1);
	await(&inboxes[0], 2);
	assert_int_equal(gate_uncommitted(gate), 1);
}

static void a_new_list_is_told_everything(void **state)
{
	struct alert *a = new_alert();

	(void)state;
	fire(a);
	settle_down();
	configure(1);
	assert_non_null(a->nodes);
	configure(2);
	assert_null(a->nodes);
	alertmanagers_tell(all, a, false);
	settle_down();
	assert_int_equal(inbox_count(&inboxes[1]), 1);
	assert_int_equal(all->peers[0].tally.attempts, 2);
	configure(0);
	assert_int_equal(alertmanagers_count(all), 0);
	fire(a);
	assert_true(alertmanagers_drained(all));
}

/* By its name that is the first one twice, and the second no more. */
static void the_same_with_another_scheme(void **state)
{
	struct alertmanager_config now[2] = { managers[0], managers[1] };

	(void)state;
	configure(2);
	now[1].url = xasprintf("https%s", strstr(managers[0].url, "://"));
	config.alertmanagers.v = now;
	assert_true(alertmanagers_configure(all, &config, "http://r/"));
	assert_int_equal(alertmanagers_count(all), 1);
	assert_ptr_equal(all->peers[0].config, &now[0]);
	assert_false(alertmanagers_configure(all, &config, "http://r/"));
	free(now[1].url);
	configure(2);			/* what `now` had is gone */
}

static void names_hide_passwords(void **state)
{
	char *name = name_of("https://u:p@am.example:9093/prefix");

	(void)state;
	assert_string_equal(name, "am.example:9093/prefix");
	free(name);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin_test, end_test)
	const struct CMUnitTest tests[] = {
		T(renders_api_v2), T(fires_repeats_and_resolves), T(batches),
		T(retries_edges_with_backoff), T(a_new_edge_hurries),
		T(does_not_retry_a_400),
		T(change_in_flight), T(every_alertmanager_is_told),
		T(waits_for_its_unit), T(a_new_list_is_told_everything),
		T(the_same_with_another_scheme), T(names_hide_passwords),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
