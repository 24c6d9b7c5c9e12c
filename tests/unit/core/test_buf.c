#include "core/buf.c"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/seeded.h"

static void test_empty(void **state)
{
	struct buf b;
	size_t len = 9;
	char *s;

	(void)state;
	buf_init(&b, 10);
	assert_string_equal(buf_str(&b), "");
	s = buf_take(&b, &len);
	assert_string_equal(s, "");
	assert_int_equal(len, 0);
	free(s);
	buf_add(&b, NULL, 0);
	assert_string_equal(buf_str(&b), "");
	buf_free(&b);
}

static void test_add_and_take(void **state)
{
	struct buf b;
	size_t len;
	char *s;

	(void)state;
	buf_init(&b, 1000);
	buf_adds(&b, "one ");
	buf_addu(&b, 0);
	buf_addc(&b, ' ');
	buf_addu(&b, UINT64_MAX);
	buf_addf(&b, " %s %d", "two", -3);
	buf_add(&b, "\0x", 2);
	assert_int_equal(b.len, 35);
	assert_memory_equal(b.data, "one 0 18446744073709551615 two -3\0x", 36);
	s = buf_take(&b, &len);
	assert_int_equal(len, 35);
	assert_int_equal(b.len, 0);
	free(s);
	buf_adds(&b, "again");
	assert_string_equal(buf_str(&b), "again");
	buf_free(&b);
	assert_int_equal(b.max, 1000);
}

static void test_limit_is_exact(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 5);
	buf_adds(&b, "12345");
	assert_false(b.failed);
	assert_string_equal(buf_str(&b), "12345");
	buf_addc(&b, '6');
	assert_true(b.failed);
	assert_string_equal(buf_str(&b), "");
	assert_int_equal(b.len, 0);
	buf_adds(&b, "x");
	buf_addf(&b, "%d", 1);
	buf_addu(&b, 1);
	buf_add_json(&b, "x");
	assert_true(b.failed);
	assert_int_equal(b.len, 0);
	buf_reset(&b);
	assert_false(b.failed);
	buf_addf(&b, "%s", "54321");
	assert_string_equal(buf_str(&b), "54321");
	buf_addf(&b, "%s", "");
	assert_false(b.failed);
	buf_addf(&b, "%s", "long enough to fail");
	assert_true(b.failed);
	buf_free(&b);
	assert_false(b.failed);
}

static void test_json_escapes(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "", "\"\"" },
		{ "plain", "\"plain\"" },
		{ "a\"b\\c/d", "\"a\\\"b\\\\c/d\"" },
		{ "\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\"" },
		{ "\x01\x1f\x7f", "\"\\u0001\\u001f\\u007f\"" },
		{ "\xe4\xbd\xa0\xf0\x9f\x98\x80",
		    "\"\xe4\xbd\xa0\xf0\x9f\x98\x80\"" },
		{ "a\xff" "b\xc3", "\"a\xef\xbf\xbd" "b\xef\xbf\xbd\"" },
		{ "n\xc0\x80l", "\"n\\u0000l\"" },
		{ "\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
	};
	struct buf b;
	size_t i;

	(void)state;
	buf_init(&b, 100);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_reset(&b);
		buf_add_json(&b, cases[i].in);
		assert_string_equal(buf_str(&b), cases[i].out);
	}
	buf_free(&b);
}

/* Random additions against an array that is large enough for all. */
static void test_random(void **state)
{
	static char model[1 << 16], piece[700];
	size_t len = 0, max = 50000, round, n;
	struct buf b;

	(void)state;
	seeded_start();
	buf_init(&b, max);
	for (round = 0; round < 3000; round++) {
		n = seeded_below(seeded_below(20) ? 30 : sizeof(piece));
		memset(piece, (int)('a' + seeded_below(26)), n);
		piece[n] = '\0';
		if (seeded_below(2))
			buf_add(&b, piece, n);
		else
			buf_addf(&b, "%s", piece);
		if (len + n > max) {
			assert_true(b.failed);
			buf_reset(&b);
			len = 0;
			continue;
		}
		memcpy(model + len, piece, n + 1);
		len += n;
		assert_int_equal(b.len, len);
		assert_memory_equal(buf_str(&b), model, len + (len > 0));
	}
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_add_and_take),
		cmocka_unit_test(test_limit_is_exact),
		cmocka_unit_test(test_json_escapes),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
