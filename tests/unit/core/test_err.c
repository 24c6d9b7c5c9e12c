#include "core/err.c"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/utf8.h"

static void test_set_gives_text_and_minus_one(void **state)
{
	struct err e;

	(void)state;
	assert_int_equal(err_set(&e, "open %s: %d", "x", 7), -1);
	assert_string_equal(e.text, "open x: 7");
	assert_int_equal(err_set(NULL, "nobody listens"), -1);
	assert_int_equal(err_prefix(NULL, "nobody listens"), -1);
}

static void test_arguments_may_point_into_the_text(void **state)
{
	struct err e;

	(void)state;
	err_set(&e, "inner");
	err_set(&e, "outer: %s", e.text);
	assert_string_equal(e.text, "outer: inner");
}

static void test_prefix_goes_in_front(void **state)
{
	struct err e;

	(void)state;
	err_set(&e, "no such file");
	assert_int_equal(err_prefix(&e, "open %s", "a.yml"), -1);
	assert_int_equal(err_prefix(&e, "reload"), -1);
	assert_string_equal(e.text, "reload: open a.yml: no such file");
}

static void test_long_text_is_cut(void **state)
{
	char text[2000];
	struct err e;

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	err_set(&e, "%s", text);
	assert_int_equal(strlen(e.text), sizeof(e.text) - 1);
	err_prefix(&e, "%s", text);
	assert_int_equal(strlen(e.text), sizeof(e.text) - 1);
}

/* Whatever the shift, the cut never tears one of these characters. */
static void test_cut_leaves_whole_characters(void **state)
{
	static const char *const units[] = {
		"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
	};
	char text[1200];
	struct err e;
	size_t u, shift, i, n;

	(void)state;
	for (u = 0; u < 3; u++)
		for (shift = 0; shift < 5; shift++) {
			memset(text, 'x', shift);
			text[shift] = '\0';
			while (strlen(text) < 1000)
				strcat(text, units[u]);
			err_set(&e, "%s", text);
			assert_true(strlen(e.text) >= sizeof(e.text) - 5);
			for (i = 0; e.text[i]; i += n) {
				n = utf8_len(e.text + i, strlen(e.text + i));
				assert_int_not_equal(n, 0);
			}
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set_gives_text_and_minus_one),
		cmocka_unit_test(test_arguments_may_point_into_the_text),
		cmocka_unit_test(test_prefix_goes_in_front),
		cmocka_unit_test(test_long_text_is_cut),
		cmocka_unit_test(test_cut_leaves_whole_characters),
	};

	return cmocka_run_group_tests_name("err", tests, NULL, NULL);
}
