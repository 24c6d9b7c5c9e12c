#include "core/logline.c"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/json.h"
#include "tests/unit/seeded.h"

#define TS "2026-11-22T07:39:53.365Z"

static int set_clock(void **state)
{
	(void)state;
	clock_set((mono_t){ 1000 }, (wall_t){ 1795333193365 });
	return 0;
}

static void check_line(enum log_format format, const struct log_field *f,
    unsigned n, const char *expected)
{
	char line[LOGLINE_MAX + 1];
	size_t len = logline_format(line, format, LEVEL_INFO, "m", f, n);

	line[len] = '\0';
	assert_string_equal(line, expected);
}

static void test_logfmt_values(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "plain", "plain" },
		{ "/login_servers/0001-0001", "/login_servers/0001-0001" },
		{ "", "\"\"" },
		{ "two words", "\"two words\"" },
		{ "a=b", "\"a=b\"" },
		{ "say \"x\"", "\"say \\\"x\\\"\"" },
		{ "back\\slash", "back\\slash" },
		{ "back\\slash and space", "\"back\\\\slash and space\"" },
		{ "a\nb\r\tc", "\"a\\nb\\r\\tc\"" },
		{ "\x01\x1b[31m\x7f", "\"\\u0001\\u001b[31m\\u007f\"" },
		{ "\xe4\xbd\xa0", "\xe4\xbd\xa0" },
		{ "\xff", "\"\xef\xbf\xbd\"" },
		{ NULL, "\"\"" },
	};
	char expected[200];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(expected, sizeof(expected),
		    "ts=" TS " level=info msg=\"m\" k=%s\n", cases[i].out);
		check_line(LOG_LOGFMT, (const struct log_field[]){ { 0 },
		    LOG_S("k", cases[i].in) }, 2, expected);
	}
}

static void test_numbers(void **state)
{
	static const struct {
		double in;
		const char *out;
	} cases[] = {
		{ 0, "0" }, { -0.0, "0" }, { 7, "7" }, { -12, "-12" },
		{ 1.5, "1.5" }, { 0.1, "0.1" }, { 1e15, "1000000000000000" },
		{ 9007199254740993.0, "9007199254740992" },
		{ 1795333193365.0, "1795333193365" },
		{ 18446744073709551615.0, "18446744073709551616" },
		{ -62135596800000.0, "-62135596800000" }, { 1e300, "1e+300" },
		{ 1.0 / 3, "0.3333333333333333" },
		{ 1.7976931348623157e308, "1.7976931348623157e+308" },
	};
	char expected[200];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(expected, sizeof(expected),
		    "ts=" TS " level=info msg=\"m\" k=%s\n", cases[i].out);
		check_line(LOG_LOGFMT, (const struct log_field[]){ { 0 },
		    LOG_I("k", cases[i].in) }, 2, expected);
	}
	check_line(LOG_JSON, (const struct log_field[]){ { 0 },
	    LOG_I("k", -1.0 / 0.0), LOG_I("n", 0.5) }, 3, "{\"ts\":\"" TS
	    "\",\"level\":\"info\",\"msg\":\"m\",\"k\":\"-Inf\",\"n\":0.5}\n");
}

static void test_json_line(void **state)
{
	(void)state;
	check_line(LOG_JSON, (const struct log_field[]){ { 0 },
	    LOG_S("k", "a\"\n\xff"), LOG_I("n", 3) }, 3, "{\"ts\":\"" TS
	    "\",\"level\":\"info\",\"msg\":\"m\","
	    "\"k\":\"a\\\"\\n\xef\xbf\xbd\",\"n\":3}\n");
}

/* Whatever goes in, one line comes out, within the limit, and JSON is JSON. */
static void check_random_line(enum log_format format)
{
	static char texts[3][6000];
	char line[LOGLINE_MAX];
	struct log_field fields[4] = { { 0 } };
	size_t i, k, n, len;
	cJSON *tree;

	for (i = 0; i < 3; i++) {
		n = seeded_below(seeded_below(4) ? 60 : sizeof(texts[i]));
		for (k = 0; k < n; k++)
			texts[i][k] = (char)(seeded_below(2) ? 'a' + k % 26 :
			    1 + seeded_below(255));
		texts[i][n] = '\0';
		fields[i + 1] = seeded_below(4) ?
		    LOG_S("key", texts[i]) : LOG_I("key", n / 7.0);
	}
	len = logline_format(line, format, LEVEL_ERROR, texts[0], fields, 4);
	assert_true(len > 0 && len <= LOGLINE_MAX);
	assert_int_equal(line[len - 1], '\n');
	for (i = 0; i < len - 1; i += n) {
		assert_true((unsigned char)line[i] >= 0x20);
		assert_int_not_equal(line[i], 0x7f);
		n = utf8_len(line + i, len - i);
		assert_int_not_equal(n, 0);
	}
	if (format == LOG_JSON) {
		tree = json_parse(line, len, NULL);
		assert_non_null(tree);
		cJSON_Delete(tree);
	}
}

static void test_random_lines(void **state)
{
	int i;

	(void)state;
	seeded_start();
	for (i = 0; i < 10000; i++)
		check_random_line(i % 2 ? LOG_JSON : LOG_LOGFMT);
}

static void test_long_value_is_cut_visibly(void **state)
{
	char line[LOGLINE_MAX + 1], text[9000];
	const struct log_field fields[] = { { 0 }, LOG_S("k", text),
		LOG_S("later", "x") };
	size_t len;

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	len = logline_format(line, LOG_LOGFMT, LEVEL_INFO, "m", fields, 3);
	line[len] = '\0';
	assert_true(len > LOGLINE_MAX - 64 && len <= LOGLINE_MAX);
	assert_non_null(strstr(line, "aaa...\" truncated=true\n"));
	assert_null(strstr(line, "later"));
}

static void test_parse(void **state)
{
	enum log_level level = LEVEL_WARN;
	enum log_format format = LOG_LOGFMT;

	(void)state;
	assert_true(log_parse_level("debug", &level));
	assert_int_equal(level, LEVEL_DEBUG);
	assert_true(log_parse_level("error", &level));
	assert_int_equal(level, LEVEL_ERROR);
	assert_false(log_parse_level("warning", &level));
	assert_false(log_parse_level("", &level));
	assert_int_equal(level, LEVEL_ERROR);
	assert_true(log_parse_format("json", &format));
	assert_int_equal(format, LOG_JSON);
	assert_false(log_parse_format("JSON", &format));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_logfmt_values),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_json_line),
		cmocka_unit_test(test_random_lines),
		cmocka_unit_test(test_long_value_is_cut_visibly),
		cmocka_unit_test(test_parse),
	};

	return cmocka_run_group_tests_name("logline", tests, set_clock, NULL);
}
