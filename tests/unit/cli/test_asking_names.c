/* cli/asking_names.c, asked by the commands on a database made by hand:
 *	a name that history does not know is an error in every format
 *	which part of it is not known, and which there are; hostile names
 *	a name that is known, but did nothing, is none; an empty history */
#include "cli/command.h"
#include "cli/flags.h"
#include "tests/unit/cli/asked.h"

static int (*const commands_asked[])(int argc, char **argv) = {
	cli_uptime, cli_outages, cli_events,
};

enum { COMMANDS = sizeof(commands_asked) / sizeof(commands_asked[0]) };

#define RUN(command, ...) \
	run(command, "--storage.path", database, __VA_ARGS__, NULL)

static int setup_expected(void **state)
{
	int rc = setup(state);

	sql("INSERT INTO expectations VALUES('im', 'login_server',"
	    " 1763000000000, 1)");
	return rc;
}

static void says(const char *text)
{
	const char *colon = strchr(printed, ':');

	assert_memory_equal(printed, "rollcall ", 9);
	assert_non_null(colon);
	assert_string_equal(colon + 2, text);
}

/* In a range in which nothing was, too; and nothing but that is printed. */
static void test_everywhere(void **state)
{
	static const char *const formats[] = { "--format=table",
		"--format=json", "--format=csv" };

	(void)state;
	for (size_t c = 0; c < COMMANDS; c++)
		for (size_t f = 0; f < 3; f++) {
			assert_int_equal(RUN(commands_asked[c], "nosuch",
			    formats[f], "--since=0"), EXIT_FAILED);
			says("history knows no service \"nosuch\" (there are:"
			    " login_server)\n");
			assert_int_equal(RUN(commands_asked[c],
			    "--service=nosuch", formats[f], "--to=2020-01-02",
			    "--since=1d"), EXIT_FAILED);
			says("history knows no service \"nosuch\" (there are:"
			    " login_server)\n");
		}
}

static void test_which_part(void **state)
{
	(void)state;
	assert_int_equal(RUN(cli_events, "login_server/0009"), EXIT_FAILED);
	says("history knows no instance \"0009\" of login_server (there are:"
	    " 0001-0001)\n");
	assert_int_equal(RUN(cli_events, "/x*"), EXIT_FAILED);
	says("history knows no instance \"x*\" (there are: 0001-0001)\n");
	assert_int_equal(RUN(cli_outages, "--cluster=mi", "login_server"),
	    EXIT_FAILED);
	says("history knows no etcd cluster \"mi\" (there are: im)\n");
	assert_int_equal(RUN(cli_events, "a\033[31m", "--cluster=i?"),
	    EXIT_FAILED);
	says("history knows no service \"a\\x1b[31m\" (there are:"
	    " login_server)\n");
}

/* The same ones in a second cluster are told once. */
static void test_many(void **state)
{
	(void)state;
	sql("INSERT INTO roll SELECT n, iif(n > 10, 'b', 'im'), directory,"
	    " 'service' || (n % 10), instance_id, key, value, address, labels,"
	    " ttl_s, expires_ms, last_beat_ms, created_index, modified_index,"
	    " expirations, held_until_ms, forgotten, NULL FROM roll,"
	    " (WITH RECURSIVE c(n) AS (SELECT 2 UNION SELECT n + 1 FROM c"
	    " WHERE n < 20) SELECT n FROM c);"
	    "INSERT INTO stays SELECT id + 10, id, 0, 1763000000000, NULL, 0,"
	    " 0, NULL, NULL FROM roll WHERE id > 1;"
	    "INSERT INTO expectations SELECT cluster, service_name,"
	    " 1763000000000, 1 FROM roll WHERE id > 1");
	assert_int_equal(RUN(cli_uptime, "servce3"), EXIT_FAILED);
	says("history knows no service \"servce3\" (did you mean"
	    " \"service3\"?)\n");
	assert_int_equal(RUN(cli_uptime, "x"), EXIT_FAILED);
	says("history knows no service \"x\" (there are 11: 'rollcall uptime'"
	    " lists them)\n");
}

static void test_known(void **state)
{
	static const char *const says_none[COMMANDS] = {
		"no service is known in that time\n", "no outages\n",
		"no events since 2020-01-01 00:00:00 UTC\n",
	};

	(void)state;
	for (size_t c = 0; c < COMMANDS; c++) {
		assert_int_equal(RUN(commands_asked[c], "login_server",
		    "--from=2020-01-01", "--to=2020-01-02"), EXIT_OK);
		assert_memory_equal(printed, says_none[c],
		    strlen(says_none[c]));
		assert_int_equal(RUN(commands_asked[c], "login_server",
		    "--from=2020-01-01", "--to=2020-01-02", "--format=json"),
		    EXIT_OK);
		assert_string_equal(printed, "[]\n");
	}
}

static void test_empty_history(void **state)
{
	static const char *const says_none[COMMANDS] = {
		"no service is known in that time\n", "no outages\n",
		"no events\n",
	};

	(void)state;
	sql("DELETE FROM stays; DELETE FROM roll; DELETE FROM expectations");
	for (size_t c = 0; c < COMMANDS; c++) {
		char *text = xasprintf("%s\nNothing was watched yet.\n",
		    says_none[c]);

		assert_int_equal(RUN(commands_asked[c], "--since=0"),
		    EXIT_OK);
		assert_string_equal(printed, text);
		free(text);
		assert_int_equal(RUN(commands_asked[c], "x"), EXIT_FAILED);
		says("history knows no service \"x\", nor any other yet\n");
	}
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup_expected, teardown)
	const struct CMUnitTest tests[] = {
		T(test_everywhere), T(test_which_part), T(test_many),
		T(test_known), T(test_empty_history),
	};

	return cmocka_run_group_tests_name("cli/asking_names", tests, NULL,
	    NULL);
}
