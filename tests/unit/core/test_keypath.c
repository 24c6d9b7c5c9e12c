/* Paths of etcd, as people write them. */
#include "core/keypath.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static const char slash[] = "must begin with a slash";
static const char two[] = "has two slashes in a row";
static const char dots[] = "has a part that is . or ..";
static const char root[] = "the root cannot be watched, only directories below"
    " it";

static const struct {
	const char *path, *fault, *of_directory;
} cases[] = {
	{ "/a", NULL, NULL },
	{ "/a/b", NULL, NULL },
	{ "/a/.b/..c/...", NULL, NULL },
	{ "/\xe7\x99\xbb\xe5\xbd\x95/a b%?;", NULL, NULL },
	{ "", slash, slash },
	{ "a/b", slash, slash },
	{ "/", NULL, root },
	{ "//", two, two },
	{ "/a//b", two, two },
	{ "/a//", two, two },
	{ "/.", dots, dots },
	{ "/a/..", dots, dots },
	{ "/a/../b", dots, dots },
	{ "/a\nb", "has a control character in it",
	  "has a control character in it" },
	{ "/a/_b", NULL, "has a hidden part (one that begins with _), which"
	  " etcd does not list" },
	{ "/a_b", NULL, NULL },
};

static void same(const char *got, const char *wanted, const char *path)
{
	if (got != wanted && (!got || !wanted || strcmp(got, wanted) != 0))
		fail_msg("\"%s\": %s", path, got ? got : "nothing is wrong");
}

static void test_faults(void **state)
{
	char copy[64];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		same(keypath_fault(cases[i].path), cases[i].fault,
		    cases[i].path);
		snprintf(copy, sizeof(copy), "%s", cases[i].path);
		same(keypath_directory_fault(copy), cases[i].of_directory,
		    cases[i].path);
	}
}

static void test_one_slash_at_the_end_is_cut(void **state)
{
	char path[] = "/a/b/";

	(void)state;
	assert_null(keypath_directory_fault(path));
	assert_string_equal(path, "/a/b");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_one_slash_at_the_end_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
