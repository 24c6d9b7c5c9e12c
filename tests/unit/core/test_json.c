#include "core/json.c"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/xalloc.h"
#include "tests/unit/seeded.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Parses a copy that ends exactly where the text ends, so that a sanitizer
 * sees every byte read past it. */
static cJSON *parse_bytes(const char *bytes, size_t len, struct err *e)
{
	char *copy = xmalloc(len);
	cJSON *tree;

	memcpy(copy, bytes, len);
	if (e)
		e->text[0] = '\0';
	tree = json_parse(copy, len, e);
	free(copy);
	return tree;
}

static cJSON *parse(const char *text)
{
	struct err e;
	cJSON *tree = parse_bytes(text, strlen(text), &e);

	if (!tree)
		fail_msg("%s: %s", text, e.text);
	return tree;
}

static void test_taken(void **state)
{
	static const char *const cases[] = {
		"{}", "[]", "null", "true", "false", "0", "-0", "1.5e-3",
		"\"\"", " \t\r\n{ } \n", "[1,[2,{\"a\":[]}]]",
		"{\"health\":\"true\"}\n", "1E+9", "[-1,0.0,1e5]",
		"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83D\\uDE00\"",
		"\"\xf0\x9f\x98\x80\"", "\"\x7f\"", "{\"\":1,\"\":2}",
		"9223372036854775808", "18446744073709551615",
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++)
		cJSON_Delete(parse(cases[i]));
}

static const struct {
	const char *text, *error;
} refused[] = {
	{ "", "empty text" },
	{ " \n", "empty text" },
	{ "{", "bracket without end at byte 1" },
	{ "{\"1\":1,", "bracket without end at byte 7" },
	{ "[1,2", "bracket without end at byte 4" },
	{ "[}", "bracket that closes nothing at byte 1" },
	{ "{}}", "bracket that closes nothing at byte 2" },
	{ "]", "bracket that closes nothing at byte 0" },
	{ "\"abc", "string without end at byte 4" },
	{ "\"abc\\", "unknown escape at byte 4" },
	{ "\"\\x\"", "unknown escape at byte 1" },
	{ "\"\\u12g4\"", "\\u without four hex digits at byte 1" },
	{ "\"\\u12", "\\u without four hex digits at byte 1" },
	{ "\"a\\ud800\"", "lone surrogate at byte 2" },
	{ "\"\\ud800\\n\"", "lone surrogate at byte 1" },
	{ "\"\\ud800\\ud800\"", "lone surrogate at byte 1" },
	{ "\"\\udc00\"", "lone surrogate at byte 1" },
	{ "\"a\nb\"", "control character in a string at byte 2" },
	{ "\"a\x01\"", "control character in a string at byte 2" },
	{ "\"a\xff\"", "not UTF-8 at byte 2" },
	{ "\"a\xc0\x80\"", "not UTF-8 at byte 2" },
	{ "\"\xed\xa0\x80\"", "not UTF-8 at byte 1" },
	{ "\"a\xc3", "not UTF-8 at byte 2" },
	{ "01", "malformed number at byte 0" },
	{ "[-]", "malformed number at byte 1" },
	{ "1.", "malformed number at byte 0" },
	{ "1.e5", "malformed number at byte 0" },
	{ "1e", "malformed number at byte 0" },
	{ "1e+", "malformed number at byte 0" },
	{ "-01", "malformed number at byte 0" },
	{ "+1", "unexpected character at byte 0" },
	{ ".5", "unexpected character at byte 0" },
	{ "{a:1}", "syntax error" },
	{ "NaN", "unexpected character at byte 0" },
	{ "nan", "syntax error at byte 0" },
	{ "'a'", "unexpected character at byte 0" },
	{ "\xef\xbb\xbf{}", "unexpected character at byte 0" },
	{ "[1]\v", "unexpected character at byte 3" },
	{ "1 2", "more text behind the value at byte 1" },
	{ "{} {}", "more text behind the value at byte 2" },
	{ "nullnull", "more text behind the value at byte 4" },
	{ "[1 2]", "syntax error" },
	{ "[1,]", "syntax error" },
	{ "[,1]", "syntax error" },
	{ "{\"a\"}", "syntax error" },
	{ "{\"a\":}", "syntax error" },
	{ "{\"a\":1,}", "syntax error" },
	{ "{1:1}", "syntax error" },
	{ "tru", "syntax error at byte 0" },
	{ "404 page not found", "unexpected character at byte 4" },
	{ "<html>", "unexpected character at byte 0" },
};

static void test_refused(void **state)
{
	struct err e;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(refused); i++) {
		cJSON *tree = parse_bytes(refused[i].text,
		    strlen(refused[i].text), &e);

		if (tree || !strstr(e.text, refused[i].error))
			fail_msg("%s: \"%s\", not \"%s\"", refused[i].text,
			    e.text, refused[i].error);
	}
	assert_null(json_parse((char[]){ "[" }, 1, NULL));
}

static void test_raw_nul_is_refused(void **state)
{
	struct err e;

	(void)state;
	assert_null(parse_bytes("{}\0", 3, &e));
	assert_string_equal(e.text,
	    "invalid JSON: unexpected character at byte 2");
	assert_null(parse_bytes("\"a\0b\"", 5, &e));
	assert_null(parse_bytes("\0", 1, &e));
	assert_null(parse_bytes("\"\\\0", 3, &e));
}

static void test_nul_escape_is_marked(void **state)
{
	cJSON *t = parse("{\"a\":\"x\\u0000y\",\"b\":\"\\\\u0000\","
	    "\"c\":\"\\\\\\u0000\\u0000\",\"k\\u0000\":\"plain\"}");

	(void)state;
	assert_string_equal(json_str(t, "a"), "x\xc0\x80y");
	assert_true(json_has_nul(json_str(t, "a")));
	assert_string_equal(json_str(t, "b"), "\\u0000");
	assert_false(json_has_nul(json_str(t, "b")));
	assert_string_equal(json_str(t, "c"), "\\\xc0\x80\xc0\x80");
	assert_string_equal(json_str(t, "k\xc0\x80"), "plain");
	assert_false(json_has_nul(""));
	cJSON_Delete(t);
}

/* Offsets are those of the text as it came. */
static void test_offset_behind_nul(void **state)
{
	struct err e;

	(void)state;
	assert_null(parse_bytes("[\"\\u0000\\u0000\",tru]", 20, &e));
	assert_string_equal(e.text, "invalid JSON: syntax error at byte 16");
	assert_null(parse_bytes("[\"\\u0000\\u0000\",+]", 18, &e));
	assert_string_equal(e.text,
	    "invalid JSON: unexpected character at byte 16");
}

static char *nested(unsigned depth, char open, char close)
{
	char *text = xmalloc(2 * (size_t)depth + 1);

	memset(text, open, depth);
	memset(text + depth, close, depth);
	text[2 * (size_t)depth] = '\0';
	return text;
}

static void test_depth(void **state)
{
	char *deep = nested(JSON_MAX_DEPTH, '[', ']');
	char *deeper = nested(JSON_MAX_DEPTH + 1, '[', ']');
	char *abyss = nested(1000000, '[', ']');
	struct err e;

	(void)state;
	cJSON_Delete(parse(deep));
	assert_null(parse_bytes(deeper, strlen(deeper), &e));
	assert_string_equal(e.text,
	    "invalid JSON: nested too deeply at byte 990");
	assert_null(parse_bytes(abyss, strlen(abyss), &e));
	free(deep);
	free(deeper);
	free(abyss);
}

static void *parse_deepest(void *arg)
{
	char *deep = nested(JSON_MAX_DEPTH, '[', ']');

	cJSON_Delete(parse(deep));
	free(deep);
	return arg;
}

/* cJSON recurses: a thread with an eighth of the usual stack can bear it. */
static void test_depth_on_a_small_stack(void **state)
{
	pthread_attr_t attr;
	pthread_t thread;

	(void)state;
	pthread_attr_init(&attr);
	assert_int_equal(pthread_attr_setstacksize(&attr, 1 << 20), 0);
	assert_int_equal(pthread_create(&thread, &attr, parse_deepest, NULL),
	    0);
	pthread_join(thread, NULL);
	pthread_attr_destroy(&attr);
}

/* As many copies of an item as fill n bytes, as the array x of an object. */
static char *repeated(const char *item, size_t n)
{
	size_t len = strlen(item), i;
	char *text = xmalloc(n + len + 16), *to = text;

	to += sprintf(to, "{\"x\":[%s", item);
	for (i = len; i < n; i += len + 1)
		to += sprintf(to, ",%s", item);
	sprintf(to, "]}");
	return text;
}

static bool is_too_dense(const char *item, size_t n)
{
	char *text = repeated(item, n);
	struct err e;
	cJSON *tree = parse_bytes(text, strlen(text), &e);

	if (!tree)
		assert_non_null(strstr(e.text, "invalid JSON: too many values"
		    " for its length at byte "));
	cJSON_Delete(tree);
	free(text);
	return !tree;
}

/* What would be gigabytes as a tree; and the shortest things that etcd says,
 * by the hundred thousand. */
static void test_many_values(void **state)
{
	static const char *const dense[] = { "0", "[]", "{}", "\"\"",
		"[0]", "{\"\":0}", "true", "[[],[]]" };
	static const char *const real[] = {
		"{\"key\":\"/a\",\"value\":\"\",\"modifiedIndex\":4,"
		    "\"createdIndex\":4}",
		"{\"key\":\"/a\",\"dir\":true,\"nodes\":[],"
		    "\"modifiedIndex\":4,\"createdIndex\":4}",
		"{\"key\":\"/a\",\"dir\":true,\"modifiedIndex\":4,"
		    "\"createdIndex\":4}",
		"{\"key\":\"/a\",\"value\":\"\",\"expiration\":"
		    "\"2026-11-22T07:45:32Z\",\"ttl\":1,"
		    "\"modifiedIndex\":4,\"createdIndex\":4}",
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(dense); i++) {
		assert_true(is_too_dense(dense[i], 1000000));
		assert_false(is_too_dense(dense[i], 900));
	}
	for (i = 0; i < COUNT(real); i++)
		assert_false(is_too_dense(real[i], 6000000));
}

static void test_long_numbers(void **state)
{
	char digits[101];
	struct err e;
	cJSON *t;
	double v;

	(void)state;
	memset(digits, '1', 100);
	digits[100] = '\0';
	assert_null(parse_bytes(digits, 100, &e));
	assert_string_equal(e.text,
	    "invalid JSON: number too long at byte 0");
	t = parse("{\"a\":1e999,\"b\":0.00090212}");
	assert_false(json_double(t, "a", &v));
	assert_true(json_double(t, "b", &v));
	assert_true(v == 0.00090212);
	cJSON_Delete(t);
}

static void test_access_by_type(void **state)
{
	cJSON *t = parse("{\"s\":\"x\",\"n\":1,\"t\":true,\"f\":false,"
	    "\"z\":null,\"a\":[]}");
	const cJSON *array = cJSON_GetObjectItem(t, "a");
	double v;

	(void)state;
	assert_string_equal(json_str(t, "s"), "x");
	assert_null(json_str(t, "S"));
	assert_null(json_str(t, "n"));
	assert_null(json_str(t, "z"));
	assert_null(json_str(array, "s"));
	assert_null(json_str(NULL, "s"));
	assert_false(json_double(t, "s", &v));
	assert_false(json_double(t, "none", &v));
	assert_true(json_bool(t, "t", false));
	assert_false(json_bool(t, "f", true));
	assert_true(json_bool(t, "z", true));
	assert_false(json_bool(t, "none", false));
	cJSON_Delete(t);
}

static void test_whole_numbers(void **state)
{
	static const struct {
		const char *text;
		int u, i;		/* what json_u64/json_i64 answer */
		int64_t value;
		const char *error;
	} cases[] = {
		{ "{}", 0, 0, 0, NULL },
		{ "{\"n\":0}", 1, 1, 0, NULL },
		{ "{\"n\":-0}", 1, 1, 0, NULL },
		{ "{\"n\":12e2}", 1, 1, 1200, NULL },
		{ "{\"n\":9007199254740991}", 1, 1, 9007199254740991, NULL },
		{ "{\"n\":9007199254740992}", 1, 1, 9007199254740992, NULL },
		{ "{\"n\":9007199254740993}", -1, -1, 0, "beyond 2^53" },
		{ "{\"n\":9223372036854775808}", -1, -1, 0, "beyond 2^53" },
		{ "{\"n\":1e999}", -1, -1, 0, "beyond 2^53" },
		{ "{\"n\":-1e999}", -1, -1, 0, "beyond 2^53" },
		{ "{\"n\":-7}", -1, 1, -7, "\"n\" is -7, negative" },
		{ "{\"n\":-9007199254740992}", -1, 1, -9007199254740992,
		    "negative" },
		{ "{\"n\":-9007199254740993}", -1, -1, 0, "beyond 2^53" },
		{ "{\"n\":1.5}", -1, -1, 0, "\"n\" is 1.5, not a whole" },
		{ "{\"n\":\"1\"}", -1, -1, 0, "\"n\" is not a number" },
		{ "{\"n\":null}", -1, -1, 0, "\"n\" is not a number" },
	};
	struct err e;
	size_t k;

	(void)state;
	for (k = 0; k < COUNT(cases); k++) {
		cJSON *t = parse(cases[k].text);
		uint64_t u = 0;
		int64_t i = 0;

		assert_int_equal(json_i64(t, "n", &i, &e), cases[k].i);
		assert_int_equal(i, cases[k].value);
		assert_int_equal(json_u64(t, "n", &u, &e), cases[k].u);
		assert_int_equal(u, cases[k].u == 1 ? cases[k].value : 0);
		if (cases[k].error)
			assert_non_null(strstr(e.text, cases[k].error));
		cJSON_Delete(t);
	}
}

static const char *const documents[] = {
	"{\"action\":\"get\",\"node\":{\"key\":\"/login_servers\",\"dir\":true,"
	"\"nodes\":[{\"key\":\"/login_servers/0001-0001\",\"value\":"
	"\"127.0.0.1:7001\",\"expiration\":\"2026-11-22T07:45:32.475111634Z\","
	"\"ttl\":5,\"modifiedIndex\":7,\"createdIndex\":7}],"
	"\"modifiedIndex\":5,\"createdIndex\":5}}\n",
	"{\"leader\":\"dff1200338587dc\",\"followers\":{\"eaf45437acdac831\":{"
	"\"latency\":{\"current\":0.000902,\"average\":0.0015,"
	"\"standardDeviation\":0.00127,\"minimum\":9223372036854775808,"
	"\"maximum\":0.0041},\"counts\":{\"fail\":0,\"success\":6}}}}",
	"{\"errorCode\":401,\"message\":\"The event in requested index is "
	"outdated and cleared\",\"cause\":\"the requested history has been "
	"cleared [1005/8]\",\"index\":2004}\n",
	"[null,true,false,\"\\u0000\\ud83d\\ude00\\\\\\\"\xe4\xbd\xa0\",-1e+3]",
};

static size_t mutate(char *text, size_t len)
{
	static const char bytes[] = "{}[]\",:\\u0dc8\x01\xc0\xff-.e1 \0";
	size_t at = seeded_below(len), other = seeded_below(len);

	switch (seeded_below(5)) {
	case 0:
		text[at] = (char)seeded();
		return len;
	case 1:
		text[at] = bytes[seeded_below(sizeof(bytes))];
		return len;
	case 2:
		memmove(text + at, text + at + 1, len - at - 1);
		return len > 1 ? len - 1 : len;
	case 3:
		text[at] = text[other];
		return len;
	default:
		return seeded_below(4) ? len : at + 1;
	}
}

/* Whatever is done to a document, it is taken or refused with a reason, and
 * what is taken can be printed and read again. */
static void check_mutant(const char *text, size_t len, unsigned *taken)
{
	struct err e;
	cJSON *tree = parse_bytes(text, len, &e), *again;
	uint64_t n;
	char *printed;

	if (!tree) {
		assert_true(!strncmp(e.text, "invalid JSON: ", 14));
		return;
	}
	++*taken;
	json_u64(tree, "index", &n, &e);
	printed = cJSON_PrintUnformatted(tree);
	assert_non_null(printed);
	if (!json_has_nul(printed)) {
		again = parse_bytes(printed, strlen(printed), &e);
		if (!again)
			fail_msg("%.*s: %s", (int)len, text, e.text);
		cJSON_Delete(again);
	}
	free(printed);
	cJSON_Delete(tree);
}

static void test_random_mutations(void **state)
{
	unsigned round, times, taken = 0;
	char text[1024];
	size_t len;

	(void)state;
	seeded_start();
	for (round = 0; round < 40000; round++) {
		const char *document = documents[round % COUNT(documents)];

		len = strlen(document);
		memcpy(text, document, len);
		for (times = (unsigned)seeded_below(4); times; times--)
			len = mutate(text, len);
		check_mutant(text, len, &taken);
	}
	assert_true(taken > 5000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_taken),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_raw_nul_is_refused),
		cmocka_unit_test(test_nul_escape_is_marked),
		cmocka_unit_test(test_offset_behind_nul),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_depth_on_a_small_stack),
		cmocka_unit_test(test_many_values),
		cmocka_unit_test(test_long_numbers),
		cmocka_unit_test(test_access_by_type),
		cmocka_unit_test(test_whole_numbers),
		cmocka_unit_test(test_random_mutations),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
