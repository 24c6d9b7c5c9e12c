/* The flags of `rollcall discover`, what must hold between them, and the file
 * of a server in their place. */
#include "cli/discover_flags.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/unit/cli/printed.h"

static char said[4096];

/* Parses; what was said on standard error is in said. */
static int parse(struct discover_flags *f, const char *flag, ...)
{
	char name[] = "discover", *argv[16] = { name };
	struct printing_to to;
	int argc = 1, rc;
	va_list ap;

	va_start(ap, flag);
	for (; flag != NULL; flag = va_arg(ap, const char *))
		argv[argc++] = xstrdup(flag);
	va_end(ap);
	to = printed_begin(false);
	rc = discover_flags_parse(argc, argv, f);
	printed_end(&to, said, sizeof(said));
	while (argc > 1)
		free(argv[--argc]);
	return rc;
}

#define E "--etcd.endpoint=http://127.0.0.1:2379"

static void test_flags(void **state)
{
	struct discover_flags f;

	(void)state;
	assert_int_equal(parse(&f, E, "--directory=/a/", "--directory=/b",
	    NULL), -1);
	assert_string_equal(f.directories.v[0], "/a");
	assert_false(f.watch);
	assert_int_equal(f.format, ROSTER_TABLE);
	assert_int_equal(f.debounce_ms, 200);
	assert_int_equal(f.resync_ms, 60000);
	discover_flags_free(&f);
	assert_int_equal(parse(&f, E, "--directory=/a", "--no-watch",
	    "--format=env", "--resync=2s", NULL), -1);
	assert_int_equal(f.format, ROSTER_ENV);
	assert_int_equal(f.resync_ms, 2000);
	discover_flags_free(&f);
}

static void test_wrong_flags(void **state)
{
	static const struct {
		const char *flags[3], *says;
	} cases[] = {
		{ { NULL }, "which etcd, and which directory?" },
		{ { E }, "which directory?\nGive --directory=PATH, or"
		    " LoginServiceDir in --config=FILE" },
		{ { E, "--directory=a" }, "--directory=a: must begin with a"
		    " slash" },
		{ { E, "--directory=/" }, "the root cannot" },
		{ { E, "--directory=/a//b" }, "two slashes" },
		{ { E, "--directory=/a/../b" }, ". or .." },
		{ { E, "--directory=/a/_b" }, "hidden" },
		{ { E, "--directory=/a\nb" }, "control character" },
		{ { E, "--directory=/a", "--directory=/a/" }, "given twice" },
		{ { E, "--directory=/a/b", "--directory=/a" },
		    "--directory=/a/b lies inside --directory=/a\n" },
		{ { E, "--directory=/a", "--resync=0" }, "--resync" },
		{ { E, "--directory=/\xc3\xa4", "--format=env" },
		    "no letter or digit" },
		{ { E, "--directory=/a", "--format=yaml" }, "--format" },
		{ { E, "--directory=/a", "--on-change=" }, "--on-change" },
	};
	struct discover_flags f;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(parse(&f, cases[i].flags[0],
		    cases[i].flags[1], cases[i].flags[2], NULL), EXIT_USAGE);
		if (strstr(said, cases[i].says) == NULL)
			fail_msg("%zu: %s", i, said);
	}
}

static void test_variables_that_collide(void **state)
{
	struct discover_flags f;

	(void)state;
	assert_int_equal(parse(&f, E, "--format=env", "--directory=/a-b",
	    "--directory=/a_b", NULL), EXIT_USAGE);
	assert_non_null(strstr(said, "--directory=/a-b and --directory=/a_b"
	    " would be one variable of --format=env: A_B\n"));
	assert_int_equal(parse(&f, E, "--format=env", "--directory=/a_count",
	    "--directory=/a", NULL), EXIT_USAGE);
	assert_non_null(strstr(said, "A_COUNT"));
	assert_int_equal(parse(&f, E, "--directory=/a_count",
	    "--directory=/a", NULL), -1);
	discover_flags_free(&f);
}

static char file[] = "/tmp/rollcall-discover-XXXXXX";

static void write_file(const char *text)
{
	FILE *f = fopen(file, "w");

	fputs(text, f);
	fclose(f);
}

static void test_config(void **state)
{
	struct discover_flags f;

	(void)state;
	close(mkstemp(file));
	write_file("RegisterCenterIp=10.0.0.1\nRegisterCenterPort=2379\n"
	    "DiscoveryTTL=5000\nLoginServiceDir=/login_servers\n");
	assert_int_equal(parse(&f, "--config", file, NULL), -1);
	assert_string_equal(f.directories.v[0], "/login_servers");
	assert_int_equal(f.resync_ms, 5000);
	assert_string_equal(f.im->endpoints.v[0], "http://10.0.0.1:2379");
	discover_flags_free(&f);
	assert_int_equal(parse(&f, "--config", file, "--directory=/other",
	    "--resync=7s", NULL), -1);
	assert_int_equal(f.directories.n, 1);
	assert_string_equal(f.directories.v[0], "/other");
	assert_int_equal(f.resync_ms, 7000);
	discover_flags_free(&f);
	write_file("RegisterCenterIp=10.0.0.1\nDiscoveryTTL=1\n");
	assert_int_equal(parse(&f, "--config", file, NULL), EXIT_USAGE);
	assert_non_null(strstr(said, "which directory?"));
	assert_int_equal(parse(&f, "--config", file, "--directory=/x", NULL),
	    -1);
	assert_int_equal(f.resync_ms, 1000);
	discover_flags_free(&f);
	assert_int_equal(parse(&f, "--config", "/none.conf", NULL),
	    EXIT_FAILED);
	assert_non_null(strstr(said, "/none.conf"));
	unlink(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_wrong_flags),
		cmocka_unit_test(test_variables_that_collide),
		cmocka_unit_test(test_config),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
