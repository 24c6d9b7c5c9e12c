/* What `rollcall register` makes of what it is told, before anything runs:
 *	flags and what excludes what; the command behind --
 *	flags before --config; what is missing; the TTL
 *	--keys-from: forms, and everything wrong in one go */
#include "cli/register_plan.c"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/unit/cli/printed.h"

static char said[8192], file[64];
static struct register_flags flags;
static struct register_plan plan;

static void set_file(const char *text)
{
	FILE *out = fopen(file, "w");

	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

static int setup(void **state)
{
	int fd;

	(void)state;
	snprintf(file, sizeof(file), "/tmp/rollcall-register-XXXXXX");
	fd = mkstemp(file);
	assert_true(fd >= 0);
	close(fd);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(file);
	return 0;
}

/* -1 with flags and plan, which forget() frees, or the exit code. */
static int plan_for(const char *first, va_list ap)
{
	static char name[] = "register", *argv[24];
	int argc = 0, rc;

	for (int i = 1; i < 24; i++)
		free(argv[i]);
	memset(argv, 0, sizeof(argv));
	argv[argc++] = name;
	for (; first; first = va_arg(ap, const char *))
		argv[argc++] = xstrdup(strcmp(first, "FILE") ? first : file);
	rc = register_flags_parse(argc, argv, &flags);
	if (rc >= 0)
		return rc;
	rc = register_plan_make(&flags, &plan);
	if (rc >= 0)
		register_flags_free(&flags);
	return rc;
}

static int run(const char *first, ...)
{
	struct printing_to to = printed_begin(false);
	va_list ap;
	int rc;

	va_start(ap, first);
	rc = plan_for(first, ap);
	va_end(ap);
	printed_end(&to, said, sizeof(said));
	return rc;
}

static void forget(void)
{
	register_plan_free(&plan);
	register_flags_free(&flags);
}

static void assert_said(const char *words)
{
	if (!strstr(said, words))
		fail_msg("\"%s\" instead of \"%s\"", said, words);
}

/* Text with FILE for the name of the file. */
static void assert_said_of_file(const char *words)
{
	char *whole = xasprintf("%s%s", file, words);

	assert_said(whole);
	free(whole);
}

static void test_one_key(void **state)
{
	(void)state;
	assert_int_equal(run("--key=/a/b", "--value=", "--takeover", NULL),
	    -1);
	assert_string_equal(said, "");
	assert_int_equal(plan.keys.n, 1);
	assert_string_equal(plan.keys.v[0].key, "/a/b");
	assert_string_equal(plan.keys.v[0].value, "");
	assert_int_equal(plan.ttl_s, 10);
	assert_true(plan.takeover);
	assert_null(plan.command);
	assert_null(plan.ready_tcp);
	assert_int_equal(plan.warnings.n, 0);
	forget();
}

static void test_ttl(void **state)
{
	(void)state;
	assert_int_equal(run("--key=/a", "--value=v", "--ttl=1m", NULL), -1);
	assert_int_equal(plan.ttl_s, 60);
	forget();
	assert_int_equal(run("--key=/a", "--value=v", "--ttl=1s1ms", NULL),
	    -1);
	assert_int_equal(plan.ttl_s, 2);
	assert_int_equal(plan.warnings.n, 1);
	assert_string_equal(plan.warnings.v[0], "--ttl: 1001 ms are rounded up"
	    " to 2 s, etcd counts in seconds");
	forget();
	assert_int_equal(run("--key=/a", "--value=v", "--ttl=0", NULL),
	    EXIT_USAGE);
	assert_said("--ttl: 0s is too short");
	assert_int_equal(run("--key=/a", "--value=v", "--ttl=999ms", NULL),
	    EXIT_USAGE);
	assert_said("at least 1s");
	assert_int_equal(run("--key=/a", "--value=v", "--ttl=11y", NULL),
	    EXIT_USAGE);
	assert_said("--ttl: 11y is too long: at most 10y");
	assert_int_equal(run("--key=/a", "--value=v", "--ttl=-1s", NULL),
	    EXIT_USAGE);
}

static void test_command(void **state)
{
	(void)state;
	assert_int_equal(run("--key=/a", "--value=v", "--", "sleep", "--key",
	    "--", "-h", NULL), -1);
	assert_string_equal(plan.command[0], "sleep");
	assert_string_equal(plan.command[1], "--key");
	assert_string_equal(plan.command[2], "--");
	assert_string_equal(plan.command[3], "-h");
	assert_null(plan.command[4]);
	forget();
	assert_int_equal(run("--key=/a", "--value=v", "--", NULL),
	    EXIT_USAGE);
	assert_said("a command is missing behind --");
	assert_int_equal(run("--key=/a", "--value=v", "sleep", "5", NULL),
	    EXIT_USAGE);
	assert_said("unexpected argument \"sleep\": a command stands behind"
	    " --, as in: rollcall register ... -- sleep\n");
	assert_int_equal(run("--key", "--", "x", NULL), EXIT_USAGE);
	assert_said("--key needs a value");
}

static void test_what_is_missing(void **state)
{
	(void)state;
	assert_int_equal(run(NULL, NULL), EXIT_USAGE);
	assert_said("Give --key=KEY, or ServiceDir and ServiceId in"
	    " --config=FILE");
	assert_int_equal(run("--key=/a", NULL), EXIT_USAGE);
	assert_said("Give --value=VALUE, or HostIp in --config=FILE");
	set_file("ServiceDir=/login_servers\n");
	assert_int_equal(run("--config", "FILE", NULL), EXIT_USAGE);
	assert_said("give --key=KEY, or complete the file: ");
	assert_said_of_file(": ServiceId is missing\n");
	assert_int_equal(run("--config", "FILE", "--key=/a", NULL),
	    EXIT_USAGE);
	assert_said("give --value=VALUE, or complete the file: ");
	assert_said_of_file(": HostIp is missing\n");
}

static void test_names(void **state)
{
	static const char *const wrong[] = { "a/b", "/", "/a/", "//a",
	    "/a/./b", "/a/..", "/a\xff" };

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(run("--key", wrong[i], "--value=v", NULL),
		    EXIT_USAGE);
		assert_said("--key: \"");
		assert_said("; a key is such as ");
	}
	assert_int_equal(run("--key=/a", "--value=\xff", NULL), EXIT_USAGE);
	assert_said("--value: the value must be UTF-8");
	assert_int_equal(run("--key=/...\xc3\xa9/_x/.a", "--value=v", NULL),
	    -1);
	forget();
}

static void test_config(void **state)
{
	(void)state;
	set_file("RegisterCenterIp=10.0.0.1\nRegisterCenterPort=2379\n"
	    "ServiceId=0001-0001\nServiceDir=/login_servers\n"
	    "HostIp=10.0.0.7\nRegisterTTL=1500\nClientPort=8008\n");
	assert_int_equal(run("--config", "FILE", NULL), -1);
	assert_int_equal(plan.endpoints.n, 1);
	assert_string_equal(plan.endpoints.v[0], "http://10.0.0.1:2379");
	assert_string_equal(plan.keys.v[0].key, "/login_servers/0001-0001");
	assert_non_null(strstr(plan.keys.v[0].value, "10.0.0.7"));
	assert_int_equal(plan.ttl_s, 2);
	assert_non_null(strstr(plan.warnings.v[0], ": RegisterTTL: 1500 ms are"
	    " rounded up to 2 s"));
	forget();
	assert_int_equal(run("--config", "FILE", "--key=/x", "--value=y",
	    "--ttl=7s", NULL), -1);
	assert_string_equal(plan.keys.v[0].key, "/x");
	assert_string_equal(plan.keys.v[0].value, "y");
	assert_int_equal(plan.ttl_s, 7);
	assert_int_equal(plan.warnings.n, 0);
	forget();
	set_file("RegisterCenterPort=none\n");
	assert_int_equal(run("--config", "FILE", NULL), EXIT_FAILED);
	assert_said_of_file(":1:");
	assert_said("rollcall register: not started: ");
	assert_int_equal(run("--config=/no/such/file", NULL), EXIT_FAILED);
	assert_said("/no/such/file");
}

static void test_ready(void **state)
{
	static const char *const wrong[] = { "8008", ":8008", "host:",
	    "host:0", "host:65536", "host:http", "::1:80", "[::1]", "[]:80",
	    "[::1:80" };

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(run("--key=/a", "--value=v", "--ready-tcp",
		    wrong[i], NULL), EXIT_USAGE);
		assert_said("--ready-tcp: \"");
	}
	assert_int_equal(run("--key=/a", "--value=v", "--ready-tcp=[::1]:80",
	    NULL), -1);
	assert_string_equal(plan.ready_tcp, "[::1]:80");
	forget();
}

static void test_many(void **state)
{
	(void)state;
	set_file("# comment\n\n/a 1\n/b   {\"x\": 1}  \n\t/c\t\n"
	    "/d e\t f \r\n  # more\n/g h\ti\tj");
	assert_int_equal(run("--keys-from", "FILE", NULL), -1);
	assert_int_equal(plan.keys.n, 5);
	assert_string_equal(plan.keys.v[0].key, "/a");
	assert_string_equal(plan.keys.v[0].value, "1");
	assert_string_equal(plan.keys.v[1].key, "/b");
	assert_string_equal(plan.keys.v[1].value, "{\"x\": 1}  ");
	assert_string_equal(plan.keys.v[2].key, "/c");
	assert_string_equal(plan.keys.v[2].value, "");
	assert_string_equal(plan.keys.v[3].key, "/d e");
	assert_string_equal(plan.keys.v[3].value, " f ");
	assert_string_equal(plan.keys.v[4].key, "/g h");
	assert_string_equal(plan.keys.v[4].value, "i\tj");
	forget();
}

static void test_many_wrong(void **state)
{
	(void)state;
	set_file("/a 1\n/b\na b\n  /a 2\n/c \xff\n");
	assert_int_equal(run("--keys-from", "FILE", NULL), EXIT_FAILED);
	assert_said_of_file(":2:1: there is no value behind \"/b\"");
	assert_said_of_file(":3:1: \"a\" must begin with a"
	    " slash");
	assert_said_of_file(":4:3: \"/a\" stands in line 1 already");
	assert_said_of_file(":5:1: the value must be UTF-8");
	assert_said("not started: 4 errors\n");
	set_file("# nothing\n");
	assert_int_equal(run("--keys-from", "FILE", NULL), EXIT_FAILED);
	assert_said_of_file(": there is no registration in it");
	assert_int_equal(run("--keys-from=/no/such", NULL), EXIT_FAILED);
	assert_said("--keys-from: /no/such: No such file");
	assert_int_equal(run("--keys-from", "FILE", "--key=/a", NULL),
	    EXIT_USAGE);
	assert_said("--keys-from and --key exclude each other");
	assert_int_equal(run("--keys-from", "FILE", "--value=a", NULL),
	    EXIT_USAGE);
	assert_said("--keys-from and --value exclude each other");
}

static void test_many_with_nul(void **state)
{
	struct register_keys keys = { 0 };
	struct problems p = { 0 };
	char text[] = "/a 1\n/b\0 2\n/c 3\n";

	(void)state;
	register_keys_parse(&keys, "f", text, sizeof(text) - 1, &p);
	assert_int_equal(keys.n, 2);
	assert_int_equal(p.n, 1);
	assert_string_equal(p.lines[0], "f:2:1: there is a NUL in this line");
	register_keys_free(&keys);
	problems_free(&p);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_one_key),
		TEST(test_ttl),
		TEST(test_command),
		TEST(test_what_is_missing),
		TEST(test_names),
		TEST(test_config),
		TEST(test_ready),
		TEST(test_many),
		TEST(test_many_wrong),
		TEST(test_many_with_nul),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
