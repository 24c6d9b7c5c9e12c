#include "core/utf8.c"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Decoding first and judging the number afterwards, unlike the table. */
static size_t naive_len(const unsigned char *s, size_t n)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len = s[0] < 0x80 ? 1 : s[0] >> 5 == 6 ? 2 :
	    s[0] >> 4 == 14 ? 3 : s[0] >> 3 == 30 ? 4 : 0;
	uint32_t c = len < 2 ? s[0] : s[0] & (0x7fu >> len);
	size_t i;

	if (len == 0 || len > n)
		return 0;
	for (i = 1; i < len; i++) {
		if (s[i] >> 6 != 2)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	return len;
}

static void check(const unsigned char *s, size_t n)
{
	if (utf8_len((const char *)s, n) != naive_len(s, n))
		fail_msg("%02x %02x %02x %02x, %zu bytes", s[0], s[1], s[2],
		    s[3], n);
}

static void test_all_of_three_bytes(void **state)
{
	uint32_t v;

	(void)state;
	for (v = 0; v < 1u << 24; v++) {
		unsigned char s[4] = { (unsigned char)(v >> 16),
			(unsigned char)(v >> 8), (unsigned char)v, 0 };

		check(s, 3);
	}
}

static void test_four_bytes(void **state)
{
	static const unsigned char last[] = { 0, 0x7f, 0x80, 0xbf, 0xc0, 0xff };
	unsigned a, b, c, d;

	(void)state;
	for (a = 0xf0; a < 0x100; a++)
		for (b = 0; b < 0x100; b++)
			for (c = 0; c < 6; c++)
				for (d = 0; d < 6; d++) {
					unsigned char s[4] = {
						(unsigned char)a,
						(unsigned char)b,
						last[c], last[d]
					};

					check(s, 4);
					check(s, 3);
				}
}

static void test_ends(void **state)
{
	(void)state;
	assert_int_equal(utf8_len("", 0), 0);
	assert_int_equal(utf8_len("", 1), 1);
	assert_int_equal(utf8_len("\xc3\xa9", 1), 0);
	assert_int_equal(utf8_len("\xf0\x9f\x98\x80", 3), 0);
	assert_int_equal(utf8_len("\xf0\x9f\x98\x80", 4), 4);
}

static void test_whole_strings(void **state)
{
	(void)state;
	assert_true(utf8_is("", 0));
	assert_true(utf8_is("a\xe7\x99\xbb", 4));
	assert_false(utf8_is("a\xe7\x99\xbb", 3));
	assert_false(utf8_is("\xc0\x80", 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_strings),
		cmocka_unit_test(test_all_of_three_bytes),
		cmocka_unit_test(test_four_bytes),
		cmocka_unit_test(test_ends),
	};

	return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
