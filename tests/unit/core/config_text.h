#ifndef TESTS_UNIT_CORE_CONFIG_TEXT_H
#define TESTS_UNIT_CORE_CONFIG_TEXT_H

/* Files for the tests of configuration, in a folder of their own that is gone
 * afterwards, and a look at what was complained about. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/problems.h"
#include "core/xalloc.h"

static char folder[] = "/tmp/rollcall-test-XXXXXX";
static char *written[16];
static size_t nwritten;

static inline int folder_make(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static inline int folder_remove(void **state)
{
	(void)state;
	for (; nwritten > 0; nwritten--) {
		unlink(written[nwritten - 1]);
		free(written[nwritten - 1]);
	}
	return rmdir(folder);
}

/* Writes a file into the folder and returns its path, which lives until
 * folder_remove(). */
static inline const char *file_with(const char *name, const char *text)
{
	char *path = xasprintf("%s/%s", folder, name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	for (size_t i = 0; i < nwritten; i++)
		if (strcmp(written[i], path) == 0) {
			free(path);
			return written[i];
		}
	assert_true(nwritten < 16);
	return written[nwritten++] = path;
}

/* The only problem is this one; the list is emptied. */
static inline void assert_problem(struct problems *p, const char *line)
{
	assert_int_equal(p->n, 1);
	assert_string_equal(p->lines[0], line);
	problems_free(p);
}

static inline void assert_no_problem(struct problems *p)
{
	if (p->n > 0)
		fail_msg("%s", p->lines[0]);
	problems_free(p);
}

#endif
