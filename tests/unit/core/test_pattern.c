#include "core/pattern.c"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/buf.h"
#include "tests/unit/seeded.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* "service instance extra", "-" for what is not there, or "no match". */
static const char *match(const char *pattern, const char *key)
{
	static char text[256];
	struct identity id;
	struct pattern *p;
	struct buf b;
	struct err e;

	p = pattern_compile(pattern, &e);
	if (!p)
		fail_msg("%s", e.text);
	strcpy(text, "no match");
	if (pattern_match(p, key, &id)) {
		buf_init(&b, sizeof(text) - 1);
		labels_render(&id.extra, &b);
		snprintf(text, sizeof(text), "%s %s %s",
		    id.service_name ? id.service_name : "-", id.instance_id,
		    b.len ? buf_str(&b) : "-");
		buf_free(&b);
		identity_free(&id);
	}
	pattern_free(p);
	return text;
}

static void test_match(void **state)
{
	static const struct {
		const char *pattern, *key, *expected;
	} cases[] = {
		{ "{instance_id}", "0001-0001", "- 0001-0001 -" },
		{ "{instance_id}", "a/b", "no match" },
		{ "{instance_id}", "", "no match" },
		{ "{service_name}/{instance_id}", "login/1", "login 1 -" },
		{ "{service_name}/{instance_id}", "login", "no match" },
		{ "{service_name}/{instance_id}", "login/1/x", "no match" },
		{ "{service_name}/{instance_id}", "/1", "no match" },
		{ "{service_name}/{instance_id}", "login/", "no match" },
		{ "{zone}-{instance_id}", "eu-1-2", "- 1-2 zone=\"eu\"" },
		{ "{zone}-{instance_id}", "-1", "no match" },
		{ "{zone}-{instance_id}", "eu-", "no match" },
		{ "{zone}-{instance_id}", "--1", "- 1 zone=\"-\"" },
		{ "node.{instance_id}.up", "node.1.up", "- 1 -" },
		{ "node.{instance_id}.up", "node.1.up.up", "- 1.up -" },
		{ "node.{instance_id}.up", "node..up", "no match" },
		{ "node.{instance_id}.up", "node.1.down", "no match" },
		{ "v1/{service_name}/x/{instance_id}", "v1/a/x/b", "a b -" },
		{ "v1/{service_name}/x/{instance_id}", "v2/a/x/b",
		    "no match" },
		{ "{a}::{b}:{instance_id}", "1:2::3:4",
		    "- 4 a=\"1:2\",b=\"3\"" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_string_equal(match(cases[i].pattern, cases[i].key),
		    cases[i].expected);
}

static void test_refused(void **state)
{
	static const struct {
		const char *pattern, *problem;
	} cases[] = {
		{ "x", "\"x\": {instance_id} is missing" },
		{ "{instance_id", "\"{instance_id\": a { without a }" },
		{ "{}", "\"{}\": {} is no valid label name" },
		{ "{{instance_id}", "\"{{instance_id}\": {{instance_id} is no"
		    " valid label name" },
		{ "{instance_id}}", "\"{instance_id}}\": a } without a {" },
		{ "{__a}{instance_id}", "\"{__a}{instance_id}\": {__a} is a"
		    " reserved name" },
		{ "{a}{instance_id}", "\"{a}{instance_id}\": two names"
		    " without text between them" },
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_null(pattern_compile(cases[i].pattern, &e));
		assert_string_equal(e.text, cases[i].problem);
	}
}

static void test_limits(void **state)
{
	char names[17 * 8 + 1] = "", parts[17 * 2 + 16] = "";
	struct err e;

	(void)state;
	for (int i = 0; i < 17; i++) {
		sprintf(names + strlen(names), "{n%02d}-", i);
		strcat(parts, "a/");
	}
	strcat(parts, "{instance_id}");
	assert_null(pattern_compile(names, &e));
	assert_non_null(strstr(e.text, "more than 16 names"));
	assert_null(pattern_compile(parts, &e));
	assert_non_null(strstr(e.text, "more than 16 parts"));
}

static void test_what_it_has(void **state)
{
	struct pattern *p = pattern_compile("a/{service_name}/{instance_id}",
	    NULL);

	(void)state;
	assert_int_equal(pattern_depth(p), 3);
	assert_true(pattern_has_service(p));
	pattern_free(p);
	p = pattern_compile("{instance_id}", NULL);
	assert_int_equal(pattern_depth(p), 1);
	assert_false(pattern_has_service(p));
	pattern_free(p);
	pattern_free(NULL);
}

/* What was put together from a pattern is taken apart by it again, as long as
 * the values have no separator in them. */
static void test_inverse(void **state)
{
	struct pattern *p = pattern_compile(
	    "x{zone}--{service_name}/{instance_id}.y", NULL);
	struct identity id;
	char v[3][8], key[64];

	(void)state;
	seeded_start();
	for (int i = 0; i < 1000; i++) {
		for (int j = 0; j < 3; j++) {
			size_t n = 1 + seeded_below(7);

			for (size_t k = 0; k < n; k++)
				v[j][k] = "abxy.01"[seeded_below(7)];
			v[j][n] = '\0';
		}
		snprintf(key, sizeof(key), "x%s--%s/%s.y", v[0], v[1], v[2]);
		assert_true(pattern_match(p, key, &id));
		assert_string_equal(labels_get(&id.extra, "zone"), v[0]);
		assert_string_equal(id.service_name, v[1]);
		assert_string_equal(id.instance_id, v[2]);
		identity_free(&id);
	}
	pattern_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_match),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_what_it_has),
		cmocka_unit_test(test_inverse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
