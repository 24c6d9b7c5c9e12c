#include "core/burst.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static const mono_t start = { 5000 };

static unsigned written(struct burst *b, unsigned lines, mono_t now)
{
	unsigned n = 0;

	while (lines-- > 0)
		n += burst_line(b, now);
	return n;
}

static void the_first_of_a_second(void **state)
{
	struct burst b = { 0 };

	(void)state;
	assert_int_equal(written(&b, BURST_LINES, start), BURST_LINES);
	assert_int_equal(written(&b, 3, mono_add(start, 999)), 0);
	assert_int_equal(written(&b, 3, mono_add(start, 1000)), 3);
	assert_int_equal(b.left_out, 3);
}

static void the_others_by_their_number(void **state)
{
	struct burst b = { 0 };

	(void)state;
	assert_int_equal(burst_over(&b, start), 0);
	written(&b, 5000, start);
	assert_int_equal(burst_over(&b, mono_add(start, 999)), 0);
	/* It goes on: still told, every second. */
	written(&b, 100, mono_add(start, 1000));
	assert_int_equal(burst_over(&b, mono_add(start, 1000)),
	    5100 - 2 * BURST_LINES);
	assert_int_equal(burst_over(&b, mono_add(start, 9000)), 0);
}

static void few_are_all_written(void **state)
{
	struct burst b = { 0 };

	(void)state;
	for (int64_t ms = 0; ms < 100000; ms += 55)
		assert_true(burst_line(&b, mono_add(start, ms)));
	assert_int_equal(burst_over(&b, mono_add(start, 200000)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_of_a_second),
		cmocka_unit_test(the_others_by_their_number),
		cmocka_unit_test(few_are_all_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
