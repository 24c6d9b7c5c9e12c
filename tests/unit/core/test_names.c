/* The names of an instance: what goes in comes out, however it is laid out,
 * and as labels it can be read again. */
#include "core/names.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/seeded.h"

static void same_or_null(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		assert_true(a == b);
	else
		assert_string_equal(a, b);
}

/* id, key, value, address, extra */
static const char *const sets[][5] = {
	{ "0001", "/login_servers/0001", "10.0.0.1:80", "10.0.0.1:80", "" },
	{ "0001", "/login_servers/0001", "{\"ip\":1}", "10.0.0.1:80", "" },
	{ "x", "/login/x/y", "", NULL, "" },
	{ "h:1", "/z/login/h:1", "h:1", "h:1", "zone=\"z\"" },
	{ "x", "/z/x/detail", "{}", NULL, "zone=\"z\",rack=\"\\\"\"" },
	{ "", "/", "", NULL, "" },
	{ "h:1", "/login/h:1", "{\"host\":\"h\"}", "h:1", "" },
	{ "h:1", "/login/a/h:1", "a/h:1", "h:1", "" },
	{ "h:1", "h:1", "h:1", "h:1", "h:1" },		/* no such key */
};

static void what_goes_in_comes_out(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		const char *const *s = sets[i];
		struct names *n = names_new(s[0], s[1], s[2], s[3], s[4]);

		assert_string_equal(names_instance_id(n), s[0]);
		assert_string_equal(names_key(n), s[1]);
		assert_string_equal(names_value(n), s[2]);
		same_or_null(names_address(n), s[3]);
		assert_string_equal(names_extra(n), s[4]);
		assert_true(n->plain);
		names_unref(n);
	}
}

/* There may be a million of the usual kind. */
static void what_is_there_twice_takes_no_place(void **state)
{
	const char *const *s = sets[0];
	struct names *n = names_new(s[0], s[1], s[2], s[3], s[4]);

	(void)state;
	assert_ptr_equal(names_instance_id(n),
	    n->text + strlen("/login_servers/"));
	assert_ptr_equal(names_address(n), names_value(n));
	assert_true(offsetof(struct names, text) <= 24);
	names_unref(n);
	n = names_new("h:1", "/a/h:1", "h:1", "h:1", "");
	assert_ptr_equal(names_value(n), names_instance_id(n));
	assert_ptr_equal(names_address(n), names_instance_id(n));
	names_unref(n);
	n = names_new("h:1", "/a/h:1", "{}", "h:1", "");
	assert_ptr_equal(names_address(n), names_instance_id(n));
	names_unref(n);
}

static void counted(void **state)
{
	struct names *n = names_new("1", "/a/1", "v", NULL, "");

	(void)state;
	assert_ptr_equal(names_ref(n), n);
	names_unref(n);
	assert_string_equal(names_key(n), "/a/1");
	names_unref(n);
	names_unref(NULL);
}

static bool same(const char *key, const char *value, const char *address,
    const char *extra)
{
	struct names *a = names_new("1", "/a/1", "v", "h:1", "z=\"1\"");
	struct names *b = names_new("1", key, value, address, extra);
	bool is_same = names_same_info(a, b);

	assert_int_equal(names_same_info(b, a), is_same);
	assert_true(names_same_info(a, a));
	names_unref(a);
	names_unref(b);
	return is_same;
}

static void a_value_is_no_info(void **state)
{
	(void)state;
	assert_true(same("/a/1", "w", "h:1", "z=\"1\""));
	assert_true(same("/a/1", "h:1", "h:1", "z=\"1\""));
	assert_false(same("/b/1", "v", "h:1", "z=\"1\""));
	assert_false(same("/a/1", "v", "h:2", "z=\"1\""));
	assert_false(same("/a/1", "v", NULL, "z=\"1\""));
	assert_false(same("/a/1", "v", "h:1", ""));
}

static void as_labels(void **state)
{
	struct names *n = names_new("a\"b", "/x/a\"b", "h:1", "h:1",
	    "zone=\"z\"");
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	assert_false(n->plain);
	names_render_id(n, &b);
	buf_addc(&b, ' ');
	names_render_info(n, &b);
	assert_string_equal(buf_str(&b), "instance_id=\"a\\\"b\" "
	    "key=\"/x/a\\\"b\",address=\"h:1\",zone=\"z\"");
	names_unref(n);
	buf_reset(&b);
	n = names_new("1", "/1", "", NULL, "");
	names_render_info(n, &b);
	assert_string_equal(buf_str(&b), "key=\"/1\",address=\"\"");
	names_unref(n);
	buf_free(&b);
}

static bool has_others(const char *s)
{
	while ((signed char)*s > 0)
		s++;
	return *s != '\0';
}

/* Any bytes: it is plain where rendering changes nothing. */
static void plain_needs_no_escape(void **state)
{
	(void)state;
	seeded_start();
	for (int k = 0; k < 20000; k++) {
		char text[8] = "", plain[60];
		struct names *n;
		struct buf b;

		for (size_t i = 0; i < 3; i++)
			text[i] = (char)(seeded_below(8) == 0 ?
			    1 + seeded_below(255) : 'a' + seeded_below(26));
		n = names_new(text, "/k", text, text, "");
		buf_init(&b, 1000);
		names_render_id(n, &b);
		snprintf(plain, sizeof(plain), "instance_id=\"%s\"", text);
		if (n->plain)
			assert_string_equal(plain, buf_str(&b));
		else
			assert_true(strpbrk(text, "\"\\\n") != NULL ||
			    has_others(text));
		buf_free(&b);
		names_unref(n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_goes_in_comes_out),
		cmocka_unit_test(what_is_there_twice_takes_no_place),
		cmocka_unit_test(counted),
		cmocka_unit_test(a_value_is_no_info),
		cmocka_unit_test(as_labels),
		cmocka_unit_test(plain_needs_no_escape),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
