/* The state machine: Prometheus' compliance scenarios, freezing, keeping, and
 * a random walk beside a model that goes millisecond by millisecond. */
#include "alerts/machine.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/seeded.h"

#define MINUTE 60000

static struct machine m;
static int64_t now_ms;

static struct machine_now at(void)
{
	return (struct machine_now){ { now_ms }, { 1000000 + now_ms } };
}

static int begin_test(void **state)
{
	(void)state;
	m = (struct machine){ 0 };
	now_ms = 5;
	return 0;
}

static enum alert_edge step(const struct machine_spec *s, bool active)
{
	return machine_step(&m, s, active, m.frozen, at());
}

/* Goes to the next moment the machine asks for, checking that it is `ms`
 * ahead. */
static enum alert_edge wait_for(const struct machine_spec *s, int64_t ms)
{
	mono_t next;

	assert_true(machine_next(&m, s, &next));
	assert_int_equal(next.ms - now_ms, ms);
	now_ms = next.ms - 1;
	assert_int_equal(step(s, m.active), EDGE_NONE);
	now_ms++;
	return step(s, m.active);
}

/* --- prometheus/compliance: alert_generator --- */

static void pending_and_firing_and_resolved(void **state)
{
	static const struct machine_spec s = { 12 * MINUTE, 0 };

	(void)state;
	assert_int_equal(step(&s, false), EDGE_NONE);
	assert_int_equal(step(&s, true), EDGE_PENDING);
	wall_t active_at = m.active_at;

	now_ms += 5 * MINUTE;
	assert_int_equal(step(&s, true), EDGE_NONE);
	assert_int_equal(m.state, ALERT_PENDING);
	assert_int_equal(wait_for(&s, 7 * MINUTE), EDGE_FIRED);
	assert_int_equal(m.active_at.ms, active_at.ms);
	assert_int_equal(m.fired_at.ms - active_at.ms, 12 * MINUTE);
	now_ms += MINUTE;
	assert_int_equal(step(&s, false), EDGE_RESOLVED);
	assert_int_equal(m.resolved_at.ms, 1000000 + now_ms);
	assert_int_equal(wait_for(&s, 15 * MINUTE), EDGE_OVER);
	assert_int_equal(m.state, ALERT_INACTIVE);
}

static void pending_and_resolved_always_inactive(void **state)
{
	static const struct machine_spec s = { 12 * MINUTE, 0 };
	mono_t next;

	(void)state;
	assert_int_equal(step(&s, true), EDGE_PENDING);
	now_ms += 12 * MINUTE - 1;
	assert_int_equal(step(&s, false), EDGE_CLEARED);
	assert_int_equal(m.state, ALERT_INACTIVE);
	assert_false(machine_next(&m, &s, &next));
	/* A new alert begins anew. */
	now_ms += 2;
	assert_int_equal(step(&s, true), EDGE_PENDING);
	assert_int_equal(m.active_at.ms, 1000000 + now_ms);
}

static void zero_for_and_small_for(void **state)
{
	static const struct machine_spec zero = { 0, 0 }, small = { 1, 0 };

	(void)state;
	assert_int_equal(step(&zero, true), EDGE_FIRED);
	assert_int_equal(m.active_at.ms, m.fired_at.ms);
	begin_test(NULL);
	assert_int_equal(step(&small, true), EDGE_PENDING);
	assert_int_equal(wait_for(&small, 1), EDGE_FIRED);
}

/* An alert that comes back while the old one is still being told of as
 * resolved is a new one. */
static void new_alert_within_the_retention(void **state)
{
	static const struct machine_spec s = { 1000, 0 };

	(void)state;
	step(&s, true);
	now_ms += 1000;
	assert_int_equal(step(&s, true), EDGE_FIRED);
	wall_t first = m.fired_at;

	now_ms += 1000;
	assert_int_equal(step(&s, false), EDGE_RESOLVED);
	now_ms += MINUTE;
	assert_int_equal(step(&s, true), EDGE_PENDING);
	assert_int_equal(m.fired_at.ms, 0);
	assert_int_equal(m.resolved_at.ms, 0);
	assert_int_equal(wait_for(&s, 1000), EDGE_FIRED);
	assert_true(m.fired_at.ms > first.ms);
}

/* --- keep_firing_for --- */

static void keeps_firing(void **state)
{
	static const struct machine_spec s = { 0, MINUTE };

	(void)state;
	step(&s, true);
	now_ms += 100;
	assert_int_equal(step(&s, false), EDGE_KEPT);
	assert_int_equal(m.state, ALERT_FIRING);
	now_ms += MINUTE - 1;
	assert_int_equal(step(&s, true), EDGE_KEPT);	/* back: still it */
	assert_int_equal(m.keep_firing_since.ms, 0);
	now_ms += 10 * MINUTE;
	assert_int_equal(step(&s, false), EDGE_KEPT);
	assert_int_equal(wait_for(&s, MINUTE), EDGE_RESOLVED);
}

/* --- freezing --- */

static enum alert_edge frozen_step(const struct machine_spec *s, bool active,
    bool frozen)
{
	return machine_step(&m, s, active, frozen, at());
}

static void frozen_neither_fires_nor_resolves(void **state)
{
	static const struct machine_spec s = { 0, 0 };
	mono_t next;

	(void)state;
	assert_int_equal(frozen_step(&s, true, true), EDGE_NONE);
	assert_int_equal(m.state, ALERT_INACTIVE);
	assert_false(machine_next(&m, &s, &next));
	now_ms += MINUTE;
	assert_int_equal(frozen_step(&s, true, false), EDGE_FIRED);
	assert_int_equal(m.fired_at.ms, 1000000 + now_ms);
	assert_int_equal(frozen_step(&s, true, true), EDGE_NONE);
	now_ms += MINUTE;
	assert_int_equal(frozen_step(&s, false, true), EDGE_NONE);
	assert_int_equal(m.state, ALERT_FIRING);
	now_ms += MINUTE;
	assert_int_equal(frozen_step(&s, false, false), EDGE_RESOLVED);
}

static void frozen_for_stands_still(void **state)
{
	static const struct machine_spec s = { 30000, 0 };
	mono_t next;

	(void)state;
	frozen_step(&s, true, false);
	now_ms += 10000;
	frozen_step(&s, true, true);
	assert_false(machine_next(&m, &s, &next));
	now_ms += 3600 * 1000;
	assert_int_equal(frozen_step(&s, true, true), EDGE_NONE);
	assert_int_equal(frozen_step(&s, true, false), EDGE_NONE);
	assert_int_equal(wait_for(&s, 20000), EDGE_FIRED);
}

static void frozen_keep_stands_still(void **state)
{
	static const struct machine_spec s = { 0, MINUTE };

	(void)state;
	frozen_step(&s, true, false);
	frozen_step(&s, false, false);
	now_ms += 20000;
	frozen_step(&s, false, true);
	now_ms += 3600 * 1000;
	frozen_step(&s, false, false);
	assert_int_equal(wait_for(&s, 40000), EDGE_RESOLVED);
}

/* What is resolved is forgotten in time even if nobody looks. */
static void frozen_retention_goes_on(void **state)
{
	static const struct machine_spec s = { 0, 0 };

	(void)state;
	frozen_step(&s, true, false);
	frozen_step(&s, false, false);
	frozen_step(&s, true, true);
	assert_int_equal(wait_for(&s, ALERT_RETENTION_MS), EDGE_OVER);
	assert_true(m.active);
	assert_int_equal(frozen_step(&s, true, false), EDGE_FIRED);
}

static void end_resolves_whatever_is_frozen(void **state)
{
	static const struct machine_spec s = { 0, MINUTE }, slow = { 9, 0 };

	(void)state;
	frozen_step(&s, true, false);
	frozen_step(&s, true, true);
	assert_int_equal(machine_end(&m, at()), EDGE_RESOLVED);
	assert_int_equal(machine_end(&m, at()), EDGE_NONE);
	begin_test(NULL);
	frozen_step(&slow, true, false);
	assert_int_equal(machine_end(&m, at()), EDGE_CLEARED);
}

/* History time was set back: an alert never ends before it began. */
static void never_resolved_before_it_fired(void **state)
{
	static const struct machine_spec s = { 0, 0 };

	(void)state;
	step(&s, true);
	machine_step(&m, &s, false, false,
	    (struct machine_now){ { now_ms + 1 }, { 5 } });
	assert_int_equal(m.resolved_at.ms, m.fired_at.ms);
}

/* --- beside a model --- */

struct model {
	enum alert_state state;
	int64_t ran;
	bool keeping;
};

static void model_judge(struct model *o, const struct machine_spec *s,
    bool active)
{
	if (o->state == ALERT_RESOLVED || o->state == ALERT_INACTIVE) {
		if (active)
			*o = (struct model){ ALERT_PENDING, 0, false };
	} else if (o->state == ALERT_PENDING) {
		if (!active)
			*o = (struct model){ ALERT_INACTIVE, 0, false };
	} else if (active) {
		o->keeping = false;
	} else if (!o->keeping) {
		o->keeping = true;
		o->ran = 0;
	}
	if (o->state == ALERT_PENDING && o->ran >= s->for_ms)
		*o = (struct model){ ALERT_FIRING, 0, false };
	if (o->keeping && o->ran >= s->keep_firing_for_ms)
		*o = (struct model){ ALERT_RESOLVED, 0, false };
}

static void model_millisecond(struct model *o, const struct machine_spec *s,
    bool active, bool frozen)
{
	if (frozen)
		return;
	if (o->state == ALERT_PENDING || o->keeping)
		o->ran++;
	model_judge(o, s, active);
}

static void walk(const struct machine_spec *s)
{
	struct model o = { ALERT_INACTIVE, 0, false };
	bool active = false, frozen = false;
	mono_t next;

	begin_test(NULL);
	for (int i = 0; i < 2000; i++) {
		for (size_t ms = seeded_below(12); ms > 0; ms--) {
			now_ms++;
			model_millisecond(&o, s, active, frozen);
			if (machine_next(&m, s, &next) &&
			    next.ms <= now_ms)
				machine_step(&m, s, active, frozen, at());
			assert_int_equal(m.state, o.state);
		}
		if (seeded_below(3) == 0)
			active = !active;
		if (seeded_below(5) == 0)
			frozen = !frozen;
		machine_step(&m, s, active, frozen, at());
		if (!frozen)
			model_judge(&o, s, active);
		assert_int_equal(m.state, o.state);
	}
}

static void agrees_with_a_model(void **state)
{
	(void)state;
	seeded_start();
	for (int i = 0; i < 100; i++)
		walk(&(struct machine_spec){ (int64_t)seeded_below(20),
		    (int64_t)seeded_below(20) });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(pending_and_firing_and_resolved,
		    begin_test),
		cmocka_unit_test_setup(pending_and_resolved_always_inactive,
		    begin_test),
		cmocka_unit_test_setup(zero_for_and_small_for, begin_test),
		cmocka_unit_test_setup(new_alert_within_the_retention,
		    begin_test),
		cmocka_unit_test_setup(keeps_firing, begin_test),
		cmocka_unit_test_setup(frozen_neither_fires_nor_resolves,
		    begin_test),
		cmocka_unit_test_setup(frozen_for_stands_still, begin_test),
		cmocka_unit_test_setup(frozen_keep_stands_still, begin_test),
		cmocka_unit_test_setup(frozen_retention_goes_on, begin_test),
		cmocka_unit_test_setup(end_resolves_whatever_is_frozen,
		    begin_test),
		cmocka_unit_test_setup(never_resolved_before_it_fired,
		    begin_test),
		cmocka_unit_test_setup(agrees_with_a_model, begin_test),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
