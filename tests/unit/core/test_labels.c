#include "core/labels.c"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/seeded.h"

static const char *rendered(const struct labels *l)
{
	static struct buf b;

	buf_free(&b);
	buf_init(&b, 10000);
	labels_render(l, &b);
	return buf_str(&b);
}

static void test_sorted_and_once(void **state)
{
	struct labels l = { 0 };

	(void)state;
	labels_set(&l, "service_name", "im");
	labels_set(&l, "alertname", "Gone");
	labels_set(&l, "member", "m1");
	labels_set(&l, "alertname", "Back");
	assert_int_equal(l.n, 3);
	assert_string_equal(rendered(&l),
	    "alertname=\"Back\",member=\"m1\",service_name=\"im\"");
	assert_string_equal(labels_get(&l, "member"), "m1");
	assert_null(labels_get(&l, "membe"));
	labels_free(&l);
	assert_int_equal(l.n, 0);
	labels_free(&l);
}

static void test_empty_value_removes(void **state)
{
	struct labels l = { 0 };

	(void)state;
	labels_set(&l, "a", "");
	assert_int_equal(l.n, 0);
	labels_set(&l, "a", "1");
	labels_set(&l, "b", "2");
	labels_set(&l, "c", "3");
	labels_set(&l, "b", "");
	assert_string_equal(rendered(&l), "a=\"1\",c=\"3\"");
	labels_set(&l, "a", labels_get(&l, "a"));	/* its own value */
	assert_string_equal(rendered(&l), "a=\"1\",c=\"3\"");
	labels_set(&l, "a", "");
	labels_set(&l, "c", "");
	assert_string_equal(rendered(&l), "");
	labels_free(&l);
}

static void test_copy_and_equal(void **state)
{
	struct labels a = { 0 }, b = { 0 };

	(void)state;
	assert_true(labels_equal(&a, &b));
	labels_set(&a, "x", "1");
	labels_set(&a, "y", "2");
	assert_false(labels_equal(&a, &b));
	labels_copy(&b, &a);
	assert_true(labels_equal(&a, &b));
	labels_set(&b, "y", "3");
	assert_false(labels_equal(&a, &b));
	labels_set(&b, "y", "");
	labels_set(&b, "z", "2");
	assert_false(labels_equal(&a, &b));
	labels_copy(&b, &a);
	assert_string_equal(rendered(&b), "x=\"1\",y=\"2\",z=\"2\"");
	labels_free(&a);
	labels_free(&b);
}

static void test_valid_name(void **state)
{
	static const char *const good[] = { "a", "_", "Z9", "__name__", "a_b" };
	static const char *const bad[] = { "", "9a", "a-b", "a:b", " a", "a ",
		"\xc3\xa9", "a\xc3\xa9" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(labels_valid_name(good[i]));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(labels_valid_name(bad[i]));
}

/* Prometheus' own vectors (common/model/fingerprinting). */
static void test_fingerprint(void **state)
{
	struct labels l = { 0 };

	(void)state;
	assert_true(labels_fingerprint(&l) == 0xcbf29ce484222325u);
	labels_set(&l, "name", "garland, briggs");
	labels_set(&l, "fear", "love is not enough");
	assert_true(labels_fingerprint(&l) == 0x507a62d79ee76c9au);
	assert_true(labels_fingerprint(&l) == 5799056148416392346u);
	labels_free(&l);
}

static void test_render_escapes(void **state)
{
	struct labels l = { 0 };

	(void)state;
	labels_set(&l, "a", "q\"b\\n\nl");
	labels_set(&l, "b", "\xe4\xbd\xa0" "ok\xff\xc3!");
	assert_string_equal(rendered(&l),
	    "a=\"q\\\"b\\\\n\\nl\","
	    "b=\"\xe4\xbd\xa0ok\xef\xbf\xbd\xef\xbf\xbd!\"");
	labels_free(&l);
}

static void test_json(void **state)
{
	struct labels l = { 0 };
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	labels_json(&l, &b);
	assert_string_equal(buf_str(&b), "{}");
	buf_reset(&b);
	labels_set(&l, "b", "x\n");
	labels_set(&l, "a", "\"");
	labels_json(&l, &b);
	assert_string_equal(buf_str(&b), "{\"a\":\"\\\"\",\"b\":\"x\\n\"}");
	buf_free(&b);
	labels_free(&l);
}

static void test_read(void **state)
{
	struct labels l = { 0 }, back = { 0 };

	(void)state;
	labels_read(&back, "");
	assert_int_equal(back.n, 0);
	labels_set(&l, "a", "q\"b\\n\nl\\");
	labels_set(&l, "b", "n=\",");
	labels_set(&l, "c", "\xe4\xbd\xa0");
	labels_read(&back, rendered(&l));
	assert_true(labels_equal(&l, &back));
	labels_free(&l);
	labels_free(&back);
}

/* What comes before it is read, and nothing behind its end. */
static void test_read_what_is_not_rendered(void **state)
{
	static const char *const ends[] = { "b", "b=", "b=x", "b=\"", "b=\"x",
		"b=\"x\\", "b=\"\\\"", ",", "\"" };

	(void)state;
	for (size_t k = 0; k < sizeof(ends) / sizeof(ends[0]); k++) {
		struct labels back = { 0 };
		char text[40], *exact;

		snprintf(text, sizeof(text), "a=\"1\",%s", ends[k]);
		exact = xstrdup(text);
		labels_read(&back, exact);
		assert_int_equal(back.n, 1);
		assert_string_equal(back.v[0].value, "1");
		labels_free(&back);
		free(exact);
	}
}

/* Whatever the values are, but for what is not UTF-8. */
static void test_read_random(void **state)
{
	static const char chars[] = "\"\\\n,=n a";

	(void)state;
	seeded_start();
	for (int round = 0; round < 5000; round++) {
		struct labels l = { 0 }, back = { 0 };

		for (char name[] = "a"; name[0] < 'e'; name[0]++) {
			char value[6] = "";

			for (size_t i = seeded_below(sizeof(value)); i-- > 0;)
				value[i] = chars[seeded_below(
				    sizeof(chars) - 1)];
			labels_set(&l, name, value);
		}
		labels_read(&back, rendered(&l));
		assert_true(labels_equal(&l, &back));
		labels_free(&l);
		labels_free(&back);
	}
}

static void check_sorted(const struct labels *l)
{
	size_t i;

	for (i = 1; i < l->n; i++)
		assert_true(strcmp(l->v[i - 1].name, l->v[i].name) < 0);
}

/* Random sets and removals against one value per possible name. */
static void test_random(void **state)
{
	struct labels l = { 0 };
	char model[26][2] = { { 0 } }, name[2] = "", value[2] = "";
	size_t round, i, n;

	(void)state;
	seeded_start();
	for (round = 0; round < 20000; round++) {
		i = seeded_below(26);
		name[0] = (char)('a' + i);
		value[0] = seeded_below(3) ?
		    (char)('0' + seeded_below(10)) : '\0';
		labels_set(&l, name, value);
		strcpy(model[i], value);
		for (n = 0, i = 0; i < 26; i++)
			n += model[i][0] != '\0';
		assert_int_equal(l.n, n);
		i = seeded_below(26);
		name[0] = (char)('a' + i);
		if (model[i][0])
			assert_string_equal(labels_get(&l, name), model[i]);
		else
			assert_null(labels_get(&l, name));
		check_sorted(&l);
	}
	labels_free(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sorted_and_once),
		cmocka_unit_test(test_empty_value_removes),
		cmocka_unit_test(test_copy_and_equal),
		cmocka_unit_test(test_valid_name),
		cmocka_unit_test(test_fingerprint),
		cmocka_unit_test(test_render_escapes),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_read_what_is_not_rendered),
		cmocka_unit_test(test_read_random),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests_name("labels", tests, NULL, NULL);
}
