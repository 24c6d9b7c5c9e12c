/* The formats of `rollcall discover` against golden files (UPDATE_GOLDEN=1
 * writes them anew), and what is hostile in names and values:
 *	all five, with and without instances; the table in 80 columns
 *	what --watch begins with, and the lines of changes
 *	text that would steer a terminal, wide and combining characters
 *	names of hosts and of variables */
#include "discover/roster_format_table.c"
#include "core/text.c"
#include "discover/roster_format_lines.c"
#include "discover/roster_format_json.c"
#include "discover/roster_format.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>
#include <cmocka.h>

#include "rostered.h"

#define GOLDEN "tests/golden/discover/"

static const char *const dirs[] = {
	"/login_servers", "/services/route.v2", "/1/empty"
};

static struct rostered *t;
static struct buf out;

static void list_login_servers(void)
{
	rostered_list(t);
	rostered_add(t, "/login_servers/0001-0002",
	    "{\"ip\":\"10.0.0.8\",\"port\":8008,\"http_port\":8080,"
	    "\"msg_server_port\":8100}", 4);
	rostered_add(t, "/login_servers/0001-0001",
	    "{\"ip\":\"10.0.0.7\",\"port\":8008,\"http_port\":8080,"
	    "\"msg_server_port\":8100}", 2);
	rostered_add(t, "/login_servers/sh_1/\xe4\xb8\x8a\xe6\xb5\xb7",
	    "login.example.com:8008", 0);
	rostered_add(t, "/login_servers/evil", "a\033[2J\nb\xe2\x80\xae\xc0\x80"
	    "\xc2\x9b\"\\", -3);
	rostered_listed(t, 0);
}

static int setup(void **state)
{
	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	clock_set((mono_t){ 1000 }, (wall_t){ 1763000000123 });
	t = rostered_new(dirs, 3);
	list_login_servers();
	rostered_list(t);
	rostered_add(t, "/services/route.v2/r1",
	    "{\"host\":\"2001:db8::7\",\"port\":\"8200\"}", 30);
	rostered_add(t, "/services/route.v2/r2", "[fe80::1%eth0]:8200", 30);
	rostered_add(t, "/services/route.v2/instance", NULL, 3600);
	rostered_listed(t, 1);
	rostered_list(t);
	rostered_listed(t, 2);
	clock_advance(1500);
	buf_init(&out, 1 << 20);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	buf_free(&out);
	rostered_free(t);
	clock_use_real();
	return 0;
}

/* Compares with a golden file, or writes it. */
static void check_golden(const char *name)
{
	static char want[1 << 16];
	bool update = getenv("UPDATE_GOLDEN") != NULL;
	char *path = xasprintf(GOLDEN "%s", name);
	FILE *f = fopen(path, update ? "w" : "r");
	size_t n;

	if (f == NULL)
		fail_msg("cannot open %s", path);
	assert_false(out.failed);
	if (update) {
		fwrite(buf_str(&out), 1, out.len, f);
	} else {
		n = fread(want, 1, sizeof(want) - 1, f);
		want[n] = '\0';
		assert_string_equal(buf_str(&out), want);
	}
	fclose(f);
	free(path);
}

static void list(enum roster_format f, size_t width)
{
	struct roster_writer *w = roster_writer_new(f, width);

	buf_reset(&out);
	roster_write_list(w, t->roster, &out);
	roster_writer_free(w);
}

static void test_lists(void **state)
{
	(void)state;
	for (int f = ROSTER_TABLE; f <= ROSTER_ENV; f++) {
		char *name = xasprintf("%s.list", roster_format_names[f]);

		list((enum roster_format)f, 0);
		check_golden(name);
		free(name);
	}
}

static void test_on_a_terminal(void **state)
{
	(void)state;
	list(ROSTER_TABLE, 80);
	check_golden("table-80.list");
	list(ROSTER_TABLE, 30);
	for (char *line = strtok(out.data, "\n"); line != NULL;
	    line = strtok(NULL, "\n"))
		assert_true(text_columns(line) <= 30);
}

/* The start, each kind of change, and a name that needs more room than the
 * columns have. */
static void changes(enum roster_format f, size_t width)
{
	struct roster_cursor c = { 0 };
	const struct roster_entry *e = roster_next(t->roster, &c);
	struct roster_entry strange = *e;
	struct roster_writer *w = roster_writer_new(f, width);

	buf_reset(&out);
	roster_write_start(w, t->roster, &out);
	for (int i = ROSTER_REGISTERED; i <= ROSTER_LOST; i++)
		if (!roster_write_change(w, (enum roster_change)i, e, &out))
			buf_adds(&out, "(list anew)\n");
	strange.instance_id = "gateway-7f9c4d5b6-x2x9z.eu-west-1\t";
	strange.address = NULL;
	roster_write_change(w, ROSTER_REGISTERED, &strange, &out);
	roster_write_change(w, ROSTER_LOST, e, &out);
	roster_writer_free(w);
}

static void test_changes(void **state)
{
	(void)state;
	for (int f = ROSTER_TABLE; f <= ROSTER_ENV; f++) {
		char *name = xasprintf("%s.watch", roster_format_names[f]);

		changes((enum roster_format)f, 0);
		check_golden(name);
		free(name);
	}
	changes(ROSTER_TABLE, 80);
	check_golden("table-80.watch");
}

static void test_nobody(void **state)
{
	static const char *const wanted[] = {
		[ROSTER_TABLE] = "SERVICE  INSTANCE  ADDRESS  TTL  VALUE\n",
		[ROSTER_JSON] = "[]\n", [ROSTER_HOSTS] = "",
		[ROSTER_PROMETHEUS] = "[]\n",
		[ROSTER_ENV] = "LOGIN_SERVERS=\nLOGIN_SERVERS_COUNT=0\n"
		    "SERVICES_ROUTE_V2=\nSERVICES_ROUTE_V2_COUNT=0\n"
		    "_1_EMPTY=\n_1_EMPTY_COUNT=0\n",
	};
	static const char *const starts[] = {
		[ROSTER_TABLE] = "", [ROSTER_JSON] = "",
		[ROSTER_HOSTS] = "\n", [ROSTER_PROMETHEUS] = "[]\n\n",
		[ROSTER_ENV] = NULL,
	};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		rostered_list(t);
		rostered_listed(t, i);
	}
	for (int f = ROSTER_TABLE; f <= ROSTER_ENV; f++) {
		struct roster_writer *w = roster_writer_new(
		    (enum roster_format)f, 0);

		list((enum roster_format)f, 0);
		assert_string_equal(buf_str(&out), wanted[f]);
		buf_reset(&out);
		roster_write_start(w, t->roster, &out);
		if (starts[f] != NULL)
			assert_string_equal(buf_str(&out), starts[f]);
		roster_writer_free(w);
	}
}

static void test_unfit(void **state)
{
	struct roster_entry e = { .value = "" };

	(void)state;
	assert_null(roster_unfit(ROSTER_TABLE, &e));
	assert_null(roster_unfit(ROSTER_JSON, &e));
	assert_non_null(roster_unfit(ROSTER_HOSTS, &e));
	assert_non_null(roster_unfit(ROSTER_PROMETHEUS, &e));
	assert_non_null(roster_unfit(ROSTER_ENV, &e));
	e.address = "host_1:80";
	assert_non_null(roster_unfit(ROSTER_HOSTS, &e));
	assert_null(roster_unfit(ROSTER_PROMETHEUS, &e));
	assert_null(roster_unfit(ROSTER_ENV, &e));
	e.address = "[::1]:80";
	assert_null(roster_unfit(ROSTER_HOSTS, &e));
	assert_null(roster_unfit(ROSTER_ENV, &e));
	for (const char *s = "$`;&|<> '\"\\*?~!#(){}\n"; *s != '\0'; s++) {
		char address[] = "a :80";

		address[1] = *s;
		e.address = address;
		assert_non_null(roster_unfit(ROSTER_ENV, &e));
		assert_non_null(roster_unfit(ROSTER_HOSTS, &e));
	}
}

static void test_ip(void **state)
{
	static const struct {
		const char *address, *ip;
	} cases[] = {
		{ "10.0.0.7:8008", "10.0.0.7" }, { "[::1]:80", "::1" },
		{ "[10.0.0.7]:80", NULL }, { "::1:80", NULL },
		{ "10.0.0:80", NULL }, { "[]:80", NULL }, { ":80", NULL },
		{ "[::1:80", NULL }, { "a.example:80", NULL }, { "x", NULL },
		{ "[1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111"
		    ":1111:1111]:80", NULL },
	};
	char ip[MAX_IP];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(ip_of(cases[i].address, ip),
		    cases[i].ip != NULL);
		if (cases[i].ip != NULL)
			assert_string_equal(ip, cases[i].ip);
	}
}

static void test_host_names(void **state)
{
	static const struct {
		const char *from, *to;
	} cases[] = {
		{ "0001-0001", "0001-0001" }, { "login_servers",
		    "login-servers" }, { "a/b c", "a-b-c" },
		{ "10.0.0.7:8008", "10.0.0.7-8008" }, { "a..b", "a-.b" },
		{ ".a.", "-a-" }, { "\xe4\xb8\x8a\xe6\xb5\xb7", "--" },
		{ "0123456789012345678901234567890123456789012345678901234567"
		    "890123456789.x", "012345678901234567890123456789012345678"
		    "901234567890123456789012.x" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_reset(&out);
		add_name(&out, cases[i].from);
		assert_string_equal(buf_str(&out), cases[i].to);
	}
}

static void test_env_names(void **state)
{
	static const struct {
		const char *from, *to;
	} cases[] = {
		{ "/login_servers", "LOGIN_SERVERS" },
		{ "/a/b-c.d", "A_B_C_D" },
		{ "/__x/y", "X_Y" }, { "/1/x", "_1_X" },
		{ "/\xc3\xa4/x", "X" }, { "/\xc3\xa4", NULL }, { "/-", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *name = roster_env_name(cases[i].from);

		if (cases[i].to == NULL)
			assert_null(name);
		else
			assert_string_equal(name, cases[i].to);
		free(name);
	}
}

static void test_visible(void **state)
{
	static const struct {
		const char *from, *to;
		size_t columns;
	} cases[] = {
		{ "plain", "plain", 5 },
		{ "\t\n\r\033[m\x7f", "\\t\\n\\r\\x1b[m\\x7f", 16 },
		{ "\xc2\x9b\xe2\x80\xae", "\\u009b\\u202e", 12 },
		{ "\xf3\xa0\x81\x81", "\\U000e0041", 10 },
		{ "\xc0\x80\xff", "\\0\\xff", 6 },
		{ "\xe4\xb8\x8a\xe6\xb5\xb7", "\xe4\xb8\x8a\xe6\xb5\xb7", 4 },
		{ "e\xcc\x81", "e\xcc\x81", 1 },
		{ "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80", 2 },
		{ "\xc3\xa4\xe2\x82\xac", "\xc3\xa4\xe2\x82\xac", 2 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_reset(&out);
		text_visible(&out, cases[i].from);
		assert_string_equal(buf_str(&out), cases[i].to);
		assert_int_equal(text_columns(cases[i].to),
		    cases[i].columns);
	}
}

static void test_cut(void **state)
{
	static const char shanghai[] = "\xe4\xb8\x8a\xe6\xb5\xb7";
	static const struct {
		const char *from;
		size_t columns;
		const char *to;
	} cases[] = {
		{ "abc", 3, "abc" }, { "abcd", 3, "ab\u2026" },
		{ "abcd", 1, "\u2026" }, { "abcd", 0, "" }, { "", 0, "" },
		{ shanghai, 4, shanghai }, { shanghai, 3, "\u4e0a\u2026" },
		{ shanghai, 2, "\u2026" },
		{ "e\xcc\x81" "f", 1, "\u2026" },
		{ "abe\xcc\x81", 3, "abe\xcc\x81" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_reset(&out);
		text_cut(&out, cases[i].from, cases[i].columns);
		assert_string_equal(buf_str(&out), cases[i].to);
	}
}

static void test_cut_in_the_middle(void **state)
{
	static const char shanghai[] = "\xe4\xb8\x8a\xe6\xb5\xb7";
	static const struct {
		const char *from;
		size_t columns;
		const char *to;
	} cases[] = {
		{ "abc", 3, "abc" }, { "abcd", 3, "a\u2026d" },
		{ "abcdefgh", 6, "ab\u2026fgh" }, { "abcd", 2, "\u2026d" },
		{ "abcd", 1, "\u2026" }, { "abcd", 0, "" }, { "", 0, "" },
		{ shanghai, 4, shanghai }, { shanghai, 3, "\u2026" },
		{ "abe\xcc\x81" "f", 3, "a\u2026f" },
		{ "abcde\xcc\x81", 3, "a\u2026e\xcc\x81" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_reset(&out);
		text_cut_middle(&out, cases[i].from, cases[i].columns);
		assert_string_equal(buf_str(&out), cases[i].to);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_lists),
		TEST(test_on_a_terminal),
		TEST(test_changes),
		TEST(test_nobody),
		TEST(test_unfit),
		TEST(test_ip),
		TEST(test_host_names),
		TEST(test_env_names),
		TEST(test_visible),
		TEST(test_cut),
		TEST(test_cut_in_the_middle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
