/* cli/columns.c at the widths of terminals:
 *	what is left out, what is cut, and what is given back
 *	names that are wide, hostile, or differ at their ends alone
 *	clusters named only where there are several; lengths of time */
#include "cli/columns.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

enum { CLUSTER, NAME, WIDE, FIGURE, N };

static const struct column specs[N] = {
	[CLUSTER] = { .name = "CLUSTER" },
	[NAME] = { .name = "NAME", .elastic = 22 },
	[WIDE] = { .name = "A-WIDE-COLUMN-OF-THIRTY-LETTERS", .drop = 2 },
	[FIGURE] = { .name = "FIGURE", .right = true },
};

static char printed[4096];

static struct columns *make(const char *const (*rows)[2], size_t n)
{
	struct columns *c = columns_new(specs, N);

	for (size_t i = 0; i < n; i++) {
		char *cells[N] = { xstrdup(rows[i][0]), xstrdup(rows[i][1]),
			xstrdup("x"), xasprintf("%zu", i) };

		columns_add(c, cells);
	}
	columns_qualify(c, CLUSTER, NAME);
	return c;
}

static void print(struct columns *c, size_t width)
{
	FILE *f = fmemopen(printed, sizeof(printed), "w");

	assert_non_null(f);
	columns_print(c, f, width);
	fclose(f);
}

static size_t widest(void)
{
	size_t most = 0;
	char *copy = xstrdup(printed), *save = NULL;

	for (char *l = strtok_r(copy, "\n", &save); l != NULL;
	    l = strtok_r(NULL, "\n", &save))
		most = text_columns(l) > most ? text_columns(l) : most;
	free(copy);
	return most;
}

static void test_widths(void **state)
{
	static const char *const rows[][2] = {
		{ "im", "login_server" },
		{ "im", "a_service_whose_name_is_long_indeed_and_longer/0001" },
		{ "im", "a_service_whose_name_is_long_indeed_and_longer/0002" },
	};
	struct columns *c = make(rows, 3);

	(void)state;
	print(c, 120);
	assert_non_null(strstr(printed, rows[1][1]));
	assert_true(columns_shows(c, WIDE, 120));
	/* Cut, so that nothing is left out. */
	print(c, 80);
	assert_string_equal(printed,
	    "NAME                                     "
	    "A-WIDE-COLUMN-OF-THIRTY-LETTERS  FIGURE\n"
	    "login_server                             "
	    "x                                     0\n"
	    "a_service_whose_nam\u2026eed_and_longer/0001  "
	    "x                                     1\n"
	    "a_service_whose_nam\u2026eed_and_longer/0002  "
	    "x                                     2\n");
	assert_int_equal(widest(), 80);
	/* Below what it keeps, something else goes. */
	print(c, 40);
	assert_string_equal(printed,
	    "NAME                              FIGURE\n"
	    "login_server                           0\n"
	    "a_service_whose\u2026_and_longer/0001       1\n"
	    "a_service_whose\u2026_and_longer/0002       2\n");
	assert_false(columns_shows(c, WIDE, 40));
	print(c, 20);
	assert_int_equal(widest(), 20);
	assert_non_null(strstr(printed, "a_ser\u2026r/0002  "));
	/* A width that nothing fits does no harm. */
	print(c, 1);
	assert_int_equal(widest(), 8 + 2 + 6);
	print(c, 0);
	assert_non_null(strstr(printed, rows[1][1]));
	columns_free(c);
}

/* The wide one, dropped last, makes room for the narrow one before it. */
static void test_given_back(void **state)
{
	static const struct column three[] = {
		{ .name = "A" }, { .name = "NARROW", .drop = 2 },
		{ .name = "THIS-ONE-IS-WIDE", .drop = 1 },
	};
	struct columns *c = columns_new(three, 3);

	(void)state;
	print(c, 30);
	assert_string_equal(printed, "A  NARROW  THIS-ONE-IS-WIDE\n");
	print(c, 20);
	assert_string_equal(printed, "A  THIS-ONE-IS-WIDE\n");
	print(c, 10);
	assert_string_equal(printed, "A  NARROW\n");
	columns_hide(c, 1);
	print(c, 10);
	assert_string_equal(printed, "A\n");
	columns_free(c);
}

/* A luxury goes before a name is cut; what matters stays, and it is cut. */
static void test_luxury(void **state)
{
	struct column two[] = {
		{ .name = "A-LONG-NAME", .elastic = 8 },
		{ .name = "LUXURY", .drop = COLUMNS_LUXURY },
	};
	struct columns *c = columns_new(two, 2);

	(void)state;
	print(c, 19);
	assert_string_equal(printed, "A-LONG-NAME  LUXURY\n");
	print(c, 18);
	assert_string_equal(printed, "A-LONG-NAME\n");
	two[1].drop = COLUMNS_LUXURY - 1;
	print(c, 18);
	assert_string_equal(printed, "A-LO\u2026-NAME  LUXURY\n");
	columns_free(c);
}

/* Wide characters are cut whole, and what follows stays in its column. */
static void test_wide_characters(void **state)
{
	static const char *const rows[][2] = {
		{ "im", "\u767b\u5f55\u670d\u52a1\u5668\u96c6\u7fa4" },
		{ "im", "e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301"
		    "e\u0301e\u0301e\u0301e\u0301e\u0301" },
	};
	struct columns *c = make(rows, 2);

	(void)state;
	for (size_t width = 16; width <= 24; width++) {
		print(c, width);
		assert_in_range(widest(), 1, width);
		for (const char *l = printed; l != NULL && *l != '\0';
		    l = strchr(l, '\n') + 1) {
			char *line = xstrndup(l, strcspn(l, "\n"));

			assert_int_equal(text_columns(line), widest());
			free(line);
		}
	}
	print(c, 17);
	assert_non_null(strstr(printed, "\u767b\u5f55\u2026\u96c6\u7fa4"));
	columns_free(c);
}

static void test_clusters(void **state)
{
	static const char *const rows[][2] = {
		{ "a", "x" }, { "b", "x" }, { "b", "y\033[2J" },
	};
	struct columns *c = make(rows, 3);

	(void)state;
	print(c, 80);
	assert_non_null(strstr(printed, "\na: x "));
	assert_non_null(strstr(printed, "\nb: x "));
	assert_non_null(strstr(printed, "\nb: y\\x1b[2J "));
	columns_free(c);
	c = make(rows + 1, 2);
	print(c, 80);
	assert_null(strstr(printed, "b: "));
	assert_null(strstr(printed, "CLUSTER"));
	columns_free(c);
	c = make(rows, 0);
	print(c, 80);
	assert_memory_equal(printed, "NAME  A-WIDE", 12);
	columns_free(c);
}

static void test_lengths(void **state)
{
	static const struct {
		int64_t ms;
		const char *text;
	} cases[] = {
		{ -1, "-" }, { 0, "0s" }, { 7, "7ms" }, { 999, "999ms" },
		{ 1000, "1s" }, { 1099, "1s" },
		{ 1234, "1.2s" }, { 4999, "4.9s" }, { 9999, "9.9s" },
		{ 10000, "10s" }, { 12345, "12s" }, { 75999, "1m15s" },
		{ 3600000 + 65000, "1h1m" }, { 90061000, "1d1h" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = columns_length(cases[i].ms);

		assert_string_equal(text, cases[i].text);
		free(text);
	}
}

static void test_terminal(void **state)
{
	(void)state;
	setenv("COLUMNS", "120", 1);
	assert_int_equal(columns_width(), 120);
	setenv("COLUMNS", "many", 1);
	assert_int_equal(columns_width() == 0, !isatty(STDOUT_FILENO));
	unsetenv("COLUMNS");
	setenv("LC_ALL", "C", 1);
	assert_false(columns_unicode());
	setenv("LC_ALL", "C.UTF-8", 1);
	assert_true(columns_unicode());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_widths),
		cmocka_unit_test(test_given_back),
		cmocka_unit_test(test_luxury),
		cmocka_unit_test(test_wide_characters),
		cmocka_unit_test(test_clusters),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_terminal),
	};

	return cmocka_run_group_tests_name("cli/columns", tests, NULL, NULL);
}
