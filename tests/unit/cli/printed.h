#ifndef TESTS_UNIT_CLI_PRINTED_H
#define TESTS_UNIT_CLI_PRINTED_H

/* What is printed meanwhile: on standard error, and standard output, too, if
 * that is asked for.  An assertion that fails in between is printed there. */

#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

struct printing_to {
	FILE *file;
	int out, err;			/* as they were; out -1: as it is */
};

static inline struct printing_to printed_begin(bool out)
{
	struct printing_to p = { tmpfile(), out ? dup(1) : -1, dup(2) };

	fflush(stdout);
	fflush(stderr);
	if (out)
		dup2(fileno(p.file), 1);
	dup2(fileno(p.file), 2);
	return p;
}

static inline void printed_end(struct printing_to *p, char *text, size_t size)
{
	size_t n;

	fflush(stdout);
	fflush(stderr);
	if (p->out >= 0) {
		dup2(p->out, 1);
		close(p->out);
	}
	dup2(p->err, 2);
	close(p->err);
	rewind(p->file);
	n = fread(text, 1, size - 1, p->file);
	text[n] = '\0';
	fclose(p->file);
}

#endif
