#ifndef TESTS_UNIT_COLLECTORS_LOGGED_H
#define TESTS_UNIT_COLLECTORS_LOGGED_H

/* What the log is told, from a level on: fd 2 goes to a file meanwhile. */

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/log.h"

static FILE *logged_file;
static int logged_fd2;

static inline void logged_begin(enum log_level level)
{
	logged_file = tmpfile();
	assert(logged_file != NULL);
	logged_fd2 = dup(2);
	dup2(fileno(logged_file), 2);
	log_set_level(level);
}

/* Lines so far that have this text. */
static inline unsigned logged_lines(const char *text)
{
	char line[2048];
	unsigned n = 0;

	rewind(logged_file);
	while (fgets(line, sizeof(line), logged_file) != NULL)
		n += strstr(line, text) != NULL;
	fseek(logged_file, 0, SEEK_END);
	return n;
}

/* For the teardown: nothing if it was not begun. */
static inline void logged_end(void)
{
	if (logged_file == NULL)
		return;
	dup2(logged_fd2, 2);
	close(logged_fd2);
	fclose(logged_file);
	logged_file = NULL;
	log_set_level(LEVEL_ERROR);
}

#endif
