#include "cli/flags.c"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <fcntl.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/command.h"
#include "cli/serve_flags.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct object {
	const char *name, *plain;
	struct string_list list;
	bool on, off;
	int64_t number, duration;
	int word;
};

static const char *const words[] = { "red", "green", "blue", NULL };

#define FLAG(name_, type_, field_, ...) \
	{ .name = (name_), .type = (type_), .value = "VALUE", \
	  .offset = offsetof(struct object, field_), .help = "Helps.", \
	  __VA_ARGS__ }

static const struct flag table[] = {
	FLAG("duration", FLAG_DURATION, duration, .fallback = "1h"),
	FLAG("list", FLAG_STRINGS, list, .fallback = "a"),
	FLAG("name", FLAG_STRING, name, .required = true),
	FLAG("number", FLAG_INT, number),
	FLAG("off", FLAG_BOOL, off, .fallback = "true"),
	FLAG("on", FLAG_BOOL, on),
	FLAG("plain", FLAG_STRING, plain),
	FLAG("word", FLAG_WORD, word, .words = words, .fallback = "green"),
};

static const struct flag_set flags = {
	.command = "test", .summary = "Tests.", .operands = "FILE...",
	FLAG_SET_FLAGS(table),
};

static const struct flag_set without_operands = {
	.command = "test", .summary = "Tests.", FLAG_SET_FLAGS(table),
};

/* What went to a stream while it was captured. */
static char said[8192];
static int saved_fd, capture_fd;

static void capture(FILE *stream)
{
	FILE *f = tmpfile();

	fflush(stream);
	saved_fd = dup(fileno(stream));
	capture_fd = dup(fileno(f));
	dup2(capture_fd, fileno(stream));
	fclose(f);
}

static void captured(FILE *stream)
{
	ssize_t n;

	fflush(stream);
	n = pread(capture_fd, said, sizeof(said) - 1, 0);
	said[n > 0 ? n : 0] = '\0';
	dup2(saved_fd, fileno(stream));
	close(saved_fd);
	close(capture_fd);
}

enum { MAX_ARGS = 16 };

/* Splits at blanks: argv[0] and what follows it.  The copies are kept until
 * the next split, since flags borrow from them. */
static int split(const char *line, char **argv)
{
	static char text[512];
	int argc = 0;

	snprintf(text, sizeof(text), "test %s", line);
	for (char *s = strtok(text, " "); s; s = strtok(NULL, " "))
		argv[argc++] = s;
	argv[argc] = NULL;
	return argc;
}

static int parse(const char *line, struct object *o, struct string_list *l)
{
	char *argv[MAX_ARGS];
	int argc = split(line, argv), rc;

	*o = (struct object){ 0 };
	capture(stderr);
	rc = flags_parse(l ? &flags : &without_operands, argc, argv, o, l);
	captured(stderr);
	return rc;
}

static void test_all_types(void **state)
{
	struct string_list l = { 0 };
	struct object o;

	(void)state;
	assert_int_equal(parse("--name=x --number -3 --on --no-off one"
	    " --list=b --list c --word=blue --duration=1m30s -- --two", &o,
	    &l), -1);
	assert_string_equal(o.name, "x");
	assert_int_equal(o.number, -3);
	assert_true(o.on);
	assert_false(o.off);
	assert_int_equal(o.list.n, 2);
	assert_string_equal(o.list.v[1], "c");
	assert_int_equal(o.word, 2);
	assert_int_equal(o.duration, 90000);
	assert_null(o.plain);
	assert_int_equal(l.n, 2);
	assert_string_equal(l.v[0], "one");
	assert_string_equal(l.v[1], "--two");
	free(l.v);
	flags_free(&flags, &o);
}

static void test_fallbacks(void **state)
{
	struct object o;

	(void)state;
	assert_int_equal(parse("--name=", &o, NULL), -1);
	assert_string_equal(o.name, "");
	assert_int_equal(o.list.n, 1);
	assert_string_equal(o.list.v[0], "a");
	assert_true(o.off);
	assert_false(o.on);
	assert_int_equal(o.word, 1);
	assert_int_equal(o.duration, 3600000);
	flags_free(&flags, &o);
}

static void test_a_value_may_be_anything(void **state)
{
	struct object o;

	(void)state;
	assert_int_equal(parse("--name -x --plain=--on=1", &o, NULL), -1);
	assert_string_equal(o.name, "-x");
	assert_string_equal(o.plain, "--on=1");
	flags_free(&flags, &o);
}

static void test_usage_errors(void **state)
{
	static const struct {
		const char *line, *problem;
	} cases[] = {
		{ "", "--name=VALUE is missing" },
		{ "--nmae=x", "unknown flag --nmae (did you mean --name?)" },
		{ "--hlep", "unknown flag --hlep (did you mean --help?)" },
		{ "--zzzzz=1", "unknown flag --zzzzz" },
		{ "--no-name", "unknown flag --no-name" },
		{ "-x", "unknown flag -x" },
		{ "--name", "--name needs a value: --name=VALUE" },
		{ "--name --on", "--name needs a value: --name=VALUE" },
		{ "--name=a --name=b", "--name is given twice" },
		{ "--on --no-on", "--on is given twice" },
		{ "--on=true", "--on takes no value (--on or --no-on)" },
		{ "--number=1x", "--number: expected a whole number, found"
		    " \"1x\"" },
		{ "--word=gren", "--word: unknown value \"gren\" (did you"
		    " mean \"green\"?)" },
		{ "--list=a --name=x y", "unexpected argument \"y\"" },
	};
	char expected[512];
	struct object o;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(parse(cases[i].line, &o, NULL), EXIT_USAGE);
		snprintf(expected, sizeof(expected), "rollcall test: %s\nTry"
		    " 'rollcall test --help'.\n", cases[i].problem);
		assert_string_equal(said, expected);
		assert_null(o.list.v);
	}
}

static void test_bad_duration(void **state)
{
	struct object o;

	(void)state;
	assert_int_equal(parse("--duration=10", &o, NULL), EXIT_USAGE);
	assert_non_null(strstr(said, "rollcall test: --duration: "));
}

static void test_help(void **state)
{
	static const char *const lines[] = {
		"-h", "--help", "--on --help --zzz", "x -h",
	};
	struct string_list l = { 0 };
	char *argv[MAX_ARGS];
	struct object o;
	int rc;

	(void)state;
	for (size_t i = 0; i < COUNT(lines); i++) {
		o = (struct object){ 0 };
		capture(stdout);
		rc = flags_parse(&flags, split(lines[i], argv), argv, &o, &l);
		captured(stdout);
		assert_int_equal(rc, EXIT_OK);
		assert_null(l.v);
		assert_non_null(strstr(said,
		    "usage: rollcall test [<flags>] FILE...\n"));
		assert_non_null(strstr(said, "      --word=red|green|blue   "
		    "  Helps. Default: green.\n"));
		assert_non_null(strstr(said, "      --[no-]on "));
	}
}

/* Commands that exist, as they are: 80 columns, an example each. */
static void test_help_of_every_command(void **state)
{
	char name[32], flag[] = "--help", *argv[] = { name, flag, NULL };
	char *line, *save;

	(void)state;
	for (size_t i = 0; i < ncommands; i++) {
		assert_true(i == 0 ||
		    strcmp(commands[i - 1].name, commands[i].name) < 0);
		snprintf(name, sizeof(name), "%s", commands[i].name);
		capture(stdout);
		assert_int_equal(commands[i].run(2, argv), EXIT_OK);
		captured(stdout);
		assert_non_null(strstr(said, "\nExample"));
		for (line = strtok_r(said, "\n", &save); line;
		    line = strtok_r(NULL, "\n", &save))
			assert_in_range(strlen(line), 1, 79);
	}
}

static int serve(const char *line, struct serve_flags *f)
{
	char *argv[MAX_ARGS];
	int argc = split(line, argv), rc;

	capture(stderr);
	rc = serve_flags_parse(argc, argv, f);
	captured(stderr);
	return rc;
}

static void test_serve(void **state)
{
	struct serve_flags f;

	(void)state;
	assert_int_equal(serve("--config.file=a.yml", &f), -1);
	assert_string_equal(f.config_file, "a.yml");
	assert_int_equal(f.listen_addresses.n, 1);
	assert_string_equal(f.listen_addresses.v[0], ":10379");
	assert_string_equal(f.telemetry_path, "/metrics");
	assert_null(f.external_url);
	assert_null(f.storage_path);
	assert_int_equal(f.log_level, LEVEL_INFO);
	assert_int_equal(f.log_format, LOG_LOGFMT);
	serve_flags_free(&f);
	assert_int_equal(serve("--etcd.endpoint=http://a --directory=/a"
	    " --directory=/b --log.level=error --log.format=json"
	    " --web.listen-address=[::1]:0 --storage.path=x.db", &f), -1);
	assert_int_equal(f.directories.n, 2);
	assert_int_equal(f.log_level, LEVEL_ERROR);
	assert_int_equal(f.log_format, LOG_JSON);
	assert_string_equal(f.listen_addresses.v[0], "[::1]:0");
	assert_string_equal(f.storage_path, "x.db");
	serve_flags_free(&f);
}

static void test_serve_usage(void **state)
{
	static const struct {
		const char *line, *problem;
	} cases[] = {
		{ "", "what is to be watched?\nGive --config.file=FILE, or"
		    " --etcd.endpoint=URL and --directory=PATH" },
		{ "--config.file=a --directory=/b", "--config.file and"
		    " --directory exclude each other" },
		{ "--config.file=a --etcd.endpoint=http://b",
		    "--config.file and --etcd.endpoint exclude each other" },
		{ "--directory=/b", "--directory needs --etcd.endpoint" },
		{ "--etcd.endpoint=http://b", "--etcd.endpoint needs"
		    " --directory" },
		{ "--config.file=a --web.telemetry-path=x",
		    "--web.telemetry-path: \"x\" must be a path" },
		{ "--config.file=a --web.telemetry-path=/",
		    "--web.telemetry-path: \"/\" must be a path" },
		{ "--config.file=a --web.telemetry-path=/-/ready",
		    "--web.telemetry-path: \"/-/ready\" has another" },
		{ "--config.file=", "--config.file: must not be empty" },
		{ "--config.file=a --storage.path=",
		    "--storage.path: must not be empty" },
		{ "--config.file=a --web.external-url=x",
		    "--web.external-url: \"x\": must begin with http://" },
		{ "--config.file=a --log.level=inof", "did you mean"
		    " \"info\"?" },
		{ "a.yml", "unexpected argument \"a.yml\"\n" },
		{ "VERSION", "unexpected argument \"VERSION\" (did you mean"
		    " --config.file=VERSION?)" },
		{ "--config.file=a VERSION", "argument \"VERSION\"\n" },
	};
	struct serve_flags f;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(serve(cases[i].line, &f), EXIT_USAGE);
		assert_non_null(strstr(said, cases[i].problem));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_types),
		cmocka_unit_test(test_fallbacks),
		cmocka_unit_test(test_a_value_may_be_anything),
		cmocka_unit_test(test_usage_errors),
		cmocka_unit_test(test_bad_duration),
		cmocka_unit_test(test_help),
		cmocka_unit_test(test_help_of_every_command),
		cmocka_unit_test(test_serve),
		cmocka_unit_test(test_serve_usage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
