/* Numbers: what they look like, and that the quick ways write the same digits
 * as printf's fewest that read back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "exporter/number.c"
#include "tests/unit/seeded.h"

static void test_numbers(void **state)
{
	static const struct {
		double v;
		const char *text;
	} cases[] = {
		{ 0, "0" }, { -0.0, "0" }, { 1, "1" }, { -3, "-3" },
		{ 0.1, "0.1" }, { 0.3, "0.3" }, { 0.1 + 0.2,
		"0.30000000000000004" }, { 1700000000.25, "1700000000.25" },
		{ 999999999999999, "999999999999999" }, { 1e15, "1e+15" },
		{ 9007199254740993.0, "9007199254740992" },
		{ 1764139199.358, "1764139199.358" }, { -0.001, "-0.001" },
		{ 1764139199.35, "1764139199.35" }, { 0.0005, "0.0005" },
		{ 999999999999.999, "999999999999.999" },
		{ 1.0 / 3, "0.3333333333333333" }, { 1e300, "1e+300" },
		{ 5e-324, "4.94065645841247e-324" },
		{ (double)INFINITY, "+Inf" }, { (double)-INFINITY, "-Inf" },
		{ (double)NAN, "NaN" },
	};
	char got[NUMBER_MAX + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		got[number_write(got, cases[i].v)] = '\0';
		assert_string_equal(got, cases[i].text);
	}
}

static void check(double v)
{
	char got[NUMBER_MAX + 1], want[NUMBER_MAX];

	got[number_write(got, v)] = '\0';
	want[write_any(want, v)] = '\0';
	if (strtod(got, NULL) != v || strcmp(got, want) != 0)
		fail_msg("%.17g: %s instead of %s", v, got, want);
}

static void test_thousandths(void **state)
{
	(void)state;
	seeded_start();
	for (int64_t ms = 1; ms < 5000; ms++)
		check((double)ms / 1000);
	for (int k = 0; k < 200000; k++) {
		int64_t ms = (int64_t)seeded_below(999999999999000) + 1;

		if (ms % 1000 != 0)
			check((double)ms / 1000 * (k % 2 ? 1 : -1));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_thousandths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
