/* Every operation, as it goes over the wire. */
#include "etcd/wire.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/seeded.h"

#define FORM "application/x-www-form-urlencoded"

/* "METHOD target" or "METHOD target body". */
static void check(struct etcd_request r, const char *want)
{
	struct etcd_wire w;
	struct err e;
	char *got;

	if (etcd_wire_make(&r, &w, &e) < 0)
		fail_msg("%s: %s", want, e.text);
	got = xasprintf("%s %s%s%s", w.method, w.target, w.body ? " " : "",
	    w.body ? w.body : "");
	assert_string_equal(got, want);
	if (w.body) {
		assert_int_equal(w.body_len, strlen(w.body));
		assert_string_equal(w.type, strcmp(w.path, "/v2/keys") == 0 ?
		    FORM : "application/json");
	} else {
		assert_null(w.type);
	}
	free(got);
	etcd_wire_free(&w);
	assert_null(w.target);
}

/* That it is refused, and why. */
static void check_refused(struct etcd_request r, const char *why)
{
	struct etcd_wire w;
	struct err e;

	assert_int_equal(etcd_wire_make(&r, &w, &e), -1);
	assert_string_equal(e.text, why);
	assert_null(w.name);
	assert_null(w.target);
	assert_null(w.body);
}

static void test_keys(void **state)
{
	(void)state;
	check(etcd_get("/a/b"), "GET /v2/keys/a/b");
	check(etcd_set("/a", "v"), "PUT /v2/keys/a value=v");
	check(etcd_set("/a", ""), "PUT /v2/keys/a value=");
	check(etcd_create("/a", "v"),
	    "PUT /v2/keys/a value=v&prevExist=false");
	check(etcd_update("/a", "v"), "PUT /v2/keys/a value=v&prevExist=true");
	check(etcd_refresh("/a", 5),
	    "PUT /v2/keys/a ttl=5&prevExist=true&refresh=true");
	check(etcd_create_in_order("/q", "v"), "POST /v2/keys/q value=v");
	check(etcd_compare_and_swap("/a", "v", "old", 0),
	    "PUT /v2/keys/a value=v&prevValue=old");
	check(etcd_compare_and_swap("/a", "v", NULL, 7),
	    "PUT /v2/keys/a value=v&prevIndex=7");
	check(etcd_compare_and_swap("/a", "v", "old", UINT64_MAX),
	    "PUT /v2/keys/a value=v&prevValue=old&"
	    "prevIndex=18446744073709551615");
	check(etcd_compare_and_delete("/a", "old", 0),
	    "DELETE /v2/keys/a?prevValue=old");
	check(etcd_compare_and_delete("/a", NULL, 9),
	    "DELETE /v2/keys/a?prevIndex=9");
	check(etcd_compare_and_delete("/a", "", 9),
	    "DELETE /v2/keys/a?prevValue=&prevIndex=9");
	check(etcd_delete("/a"), "DELETE /v2/keys/a");
}

/* The slash at the end is for permissions of etcd's auth. */
static void test_directories(void **state)
{
	(void)state;
	check(etcd_list("/a"), "GET /v2/keys/a/");
	check(etcd_list("/"), "GET /v2/keys/");
	check(etcd_list(""), "GET /v2/keys/");
	check(etcd_get("/"), "GET /v2/keys/");
	check(etcd_mkdir("/a"), "PUT /v2/keys/a dir=true");
	check(etcd_rmdir("/a"), "DELETE /v2/keys/a?dir=true");
	check(etcd_update_dir("/a", 5),
	    "PUT /v2/keys/a ttl=5&prevExist=true&dir=true");
	check(etcd_update_dir("/a", 0),
	    "PUT /v2/keys/a prevExist=true&dir=true");
}

static void test_watches(void **state)
{
	struct etcd_request r = etcd_watch("/a", 12);

	(void)state;
	check(r, "GET /v2/keys/a?wait=true&waitIndex=12");
	r.recursive = true;
	check(r, "GET /v2/keys/a/?wait=true&waitIndex=12&recursive=true");
	check(etcd_watch("/", 0), "GET /v2/keys/?wait=true&waitIndex=0");
	check(etcd_watch("/a", UINT64_MAX),
	    "GET /v2/keys/a?wait=true&waitIndex=18446744073709551615");
}

static void test_members(void **state)
{
	struct etcd_request r = etcd_index();

	(void)state;
	check(etcd_health(), "GET /health");
	check(etcd_version(), "GET /version");
	check(etcd_members(), "GET /v2/members");
	check(etcd_leader(), "GET /v2/members/leader");
	check(etcd_stats_self(), "GET /v2/stats/self");
	check(etcd_stats_leader(), "GET /v2/stats/leader");
	check(etcd_stats_store(), "GET /v2/stats/store");
	check(r, "HEAD /v2/keys/");
	r.path = "/a/";
	check(r, "GET /v2/keys/a/_rollcall");
	check(etcd_member_add("http://h:2380"), "POST /v2/members "
	    "{\"peerURLs\":[\"http://h:2380\"]}");
	check(etcd_member_add("http://\"\n"), "POST /v2/members "
	    "{\"peerURLs\":[\"http://\\\"\\n\"]}");
	check(etcd_member_update("8e9e", "http://h:1"),
	    "PUT /v2/members/8e9e {\"peerURLs\":[\"http://h:1\"]}");
	check(etcd_member_remove("8e9e"), "DELETE /v2/members/8e9e");
	check(etcd_member_remove("../keys?"),
	    "DELETE /v2/members/..%2Fkeys%3F");
}

/* All wishes at once: where they go, and in which order. */
static void test_wishes(void **state)
{
	struct etcd_request r = etcd_set("/a", "v");

	(void)state;
	r.ttl_s = -3;
	r.prev_value = "p";
	r.prev_index = 2;
	r.prev_exist = ETCD_MUST_EXIST;
	r.dir = r.recursive = r.sorted = r.quorum = true;
	r.refresh = r.no_value = true;
	check(r, "PUT /v2/keys/a value=v&ttl=-3&prevValue=p&prevIndex=2&"
	    "prevExist=true&dir=true&recursive=true&sorted=true&quorum=true&"
	    "refresh=true&noValueOnSuccess=true");
	r.method = "DELETE";
	r.value = NULL;
	check(r, "DELETE /v2/keys/a?ttl=-3&prevValue=p&prevIndex=2&"
	    "prevExist=true&dir=true&recursive=true&sorted=true&quorum=true&"
	    "refresh=true&noValueOnSuccess=true");
}

/* Whatever the text, it arrives as it is. */
static void test_escapes(void **state)
{
	(void)state;
	check(etcd_set("/\xe6\x9c\x8d\xe5\x8a\xa1", "\xe5\x80\xbc"),
	    "PUT /v2/keys/%E6%9C%8D%E5%8A%A1 value=%E5%80%BC");
	check(etcd_set("/a b%c?d;e&f+g#h=i", " %?;&+#="),
	    "PUT /v2/keys/a%20b%25c%3Fd%3Be%26f%2Bg%23h%3Di "
	    "value=%20%25%3F%3B%26%2B%23%3D");
	check(etcd_set("/\"'\\<>\n\r\t\x7f", "\xe2\x80\xa8\x01"),
	    "PUT /v2/keys/%22%27%5C%3C%3E%0A%0D%09%7F value=%E2%80%A8%01");
	check(etcd_set("/Az09-._~", "Az09-._~"),
	    "PUT /v2/keys/Az09-._~ value=Az09-._~");
	check(etcd_compare_and_swap("/a", "b/c", "d/e", 0),
	    "PUT /v2/keys/a value=b%2Fc&prevValue=d%2Fe");
}

static void test_nul(void **state)
{
	(void)state;
	check(etcd_set("/a\xc0\x80" "b", "\xc0\x80"),
	    "PUT /v2/keys/a%00b value=%00");
	check(etcd_compare_and_delete("/a\xc0\x80", "x\xc0\x80\xc0\x80", 0),
	    "DELETE /v2/keys/a%00?prevValue=x%00%00");
	/* Not the sign for NUL: bytes that etcd will turn into U+FFFD. */
	check(etcd_set("/\xc0", "\x80\xc0"), "PUT /v2/keys/%C0 value=%80%C0");
}

/* One key has many spellings. */
static void test_slashes(void **state)
{
	(void)state;
	check(etcd_get("a"), "GET /v2/keys/a");
	check(etcd_get("//a//"), "GET /v2/keys/a");
	check(etcd_list("a/b/"), "GET /v2/keys/a/b/");
	check(etcd_get("/.a/..b/..."), "GET /v2/keys/.a/..b/...");
	check(etcd_get("/%2e%2E"), "GET /v2/keys/%252e%252E");
}

static void test_refused_names(void **state)
{
	static const char *const keys[] = {
		"/a//b", "/.", "/..", "/a/.", "/a/../b", "/./a", "a/..",
	};
	char *why;

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		why = xasprintf("\"%s%s\" is no key: a name in it is empty, "
		    "\".\" or \"..\"", keys[i][0] == '/' ? "" : "/", keys[i]);
		check_refused(etcd_get(keys[i]), why);
		check_refused(etcd_set(keys[i], "v"), why);
		check_refused(etcd_list(keys[i]), why);
		check_refused(etcd_watch(keys[i], 1), why);
		free(why);
	}
}

static void test_long(void **state)
{
	static char text[MAX_BODY + 1];
	struct etcd_request r = etcd_set("/a", text);
	struct etcd_wire w;

	(void)state;
	memset(text, 'x', MAX_BODY - strlen("value="));
	assert_int_equal(etcd_wire_make(&r, &w, NULL), 0);
	assert_int_equal(w.body_len, MAX_BODY);
	etcd_wire_free(&w);
	text[MAX_BODY - strlen("value=")] = 'x';
	check_refused(r, "the value is longer than etcd takes");
	text[MAX_TARGET - strlen("/v2/keys/")] = '\0';
	r = etcd_get(text);
	assert_int_equal(etcd_wire_make(&r, &w, NULL), 0);
	assert_int_equal(strlen(w.target), MAX_TARGET);
	etcd_wire_free(&w);
	text[MAX_TARGET - strlen("/v2/keys/")] = 'x';
	check_refused(r, "the key is longer than etcd takes");
}

/* Back again by the other rules: %XX is a byte, all else is itself. */
static char *unescaped(const char *text, size_t *len_r)
{
	char *bytes = xstrdup(text), *to = bytes;
	unsigned v;

	for (; *text; text++) {
		if (*text != '%') {
			*to++ = *text;
			continue;
		}
		assert_int_equal(sscanf(text + 1, "%2x", &v), 1);
		*to++ = (char)v;
		text += 2;
	}
	*len_r = (size_t)(to - bytes);
	return bytes;
}

static void test_any_value(void **state)
{
	char value[64], *want, *got;
	size_t n, want_len, got_len;
	struct etcd_wire w;

	(void)state;
	seeded_start();
	for (int i = 0; i < 20000; i++) {
		struct etcd_request r = etcd_set("/a", value);

		n = seeded_below(sizeof(value));
		for (size_t k = 0; k < n; k++)
			value[k] = (char)(1 + seeded_below(255));
		if (n > 2 && seeded_below(2))
			memcpy(value + n - 2, "\xc0\x80", 2);
		value[n] = '\0';
		assert_int_equal(etcd_wire_make(&r, &w, NULL), 0);
		want = etcd_unescape_nul(value, &want_len);
		got = unescaped(w.body + strlen("value="), &got_len);
		assert_int_equal(got_len, want_len);
		assert_memory_equal(got, want, want_len);
		free(want);
		free(got);
		etcd_wire_free(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_directories),
		cmocka_unit_test(test_watches),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_wishes),
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_slashes),
		cmocka_unit_test(test_refused_names),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_any_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
