#include "core/clock.c"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int use_real(void **state)
{
	(void)state;
	clock_use_real();
	return 0;
}

static void test_real_clocks_go_on(void **state)
{
	int64_t us = clock_mono_us(), ms = clock_mono().ms;

	(void)state;
	assert_true(us / 1000 <= ms);
	while (clock_mono_us() == us)
		;
	assert_true(clock_mono_us() > us);
	/* Somewhere between 2020 and 2200. */
	assert_true(clock_wall().ms > INT64_C(1577836800000));
	assert_true(clock_wall().ms < INT64_C(7258118400000));
	assert_true(clock_drift() > -1000 && clock_drift() < 1000);
}

static void test_set_clocks_stand_still(void **state)
{
	(void)state;
	clock_set((mono_t){ 5000 }, (wall_t){ 1700000000123 });
	assert_int_equal(clock_mono().ms, 5000);
	assert_int_equal(clock_mono_us(), 5000000);
	assert_int_equal(clock_wall().ms, 1700000000123);
	assert_int_equal(clock_now().ms, 1700000000123);
	assert_int_equal(clock_drift(), 0);
	clock_advance(1500);
	assert_int_equal(clock_mono().ms, 6500);
	assert_int_equal(clock_wall().ms, 1700000001623);
	assert_int_equal(clock_now().ms, 1700000001623);
	assert_int_equal(clock_history((mono_t){ 5001 }).ms, 1700000000124);
}

static void test_history_ignores_a_set_system_clock(void **state)
{
	(void)state;
	clock_set((mono_t){ 0 }, (wall_t){ 1000000 });
	clock_advance(10);
	clock_step(-3600000);
	assert_int_equal(clock_wall().ms, 1000010 - 3600000);
	assert_int_equal(clock_now().ms, 1000010);
	assert_int_equal(clock_drift(), -3600000);
	clock_advance(10);
	assert_int_equal(clock_now().ms, 1000020);
	assert_int_equal(clock_rebase(), -3600000);
	assert_int_equal(clock_drift(), 0);
	assert_int_equal(clock_now().ms, clock_wall().ms);
	assert_int_equal(clock_rebase(), 0);
}

static void test_real_history_outlives_a_set_clock(void **state)
{
	int64_t base_before = real_base;

	(void)state;
	clock_set((mono_t){ 0 }, (wall_t){ 0 });
	clock_step(99);
	clock_rebase();
	clock_use_real();
	assert_int_equal(real_base, base_before);
	assert_true(clock_drift() > -1000 && clock_drift() < 1000);
}

static void test_floor(void **state)
{
	(void)state;
	assert_int_equal(floor_ms(1999), 1);
	assert_int_equal(floor_ms(0), 0);
	assert_int_equal(floor_ms(-1), -1);
	assert_int_equal(floor_ms(-1000), -1);
	assert_int_equal(floor_ms(-1001), -2);
}

static void test_inlines(void **state)
{
	mono_t t = { 100 };

	(void)state;
	assert_int_equal(mono_add(t, 5).ms, 105);
	assert_true(mono_due(t, t));
	assert_false(mono_due(mono_add(t, 1), t));
	assert_int_equal(mono_since(t, mono_add(t, 7)), 7);
	assert_int_equal(wall_add((wall_t){ 1 }, 2).ms, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_real_clocks_go_on, use_real),
		cmocka_unit_test_teardown(test_set_clocks_stand_still,
		    use_real),
		cmocka_unit_test_teardown(
		    test_history_ignores_a_set_system_clock, use_real),
		cmocka_unit_test_teardown(
		    test_real_history_outlives_a_set_clock, use_real),
		cmocka_unit_test(test_floor),
		cmocka_unit_test(test_inlines),
	};

	return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
