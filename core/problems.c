/* The list of all that is wrong with some input.  Whoever reads the input
 * adds; whoever asked for the reading shows the lines and decides.  A line
 * stays one line, and of a sane length, whatever the input has in it. */
#include "core/problems.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/xalloc.h"

enum { MAX_PROBLEMS = 100, MAX_TEXT = 1024 };

struct problem_place {
	size_t line, column;
};

static void no_control_characters(char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = '?';
}

static char *line_of(const char *file, size_t line, size_t column,
    const char *text)
{
	if (line > 0)
		return xasprintf("%s:%zu:%zu: %s", file ? file : "", line,
		    column, text);
	if (file)
		return xasprintf("%s: %s", file, text);
	return xstrdup(text);
}

static bool is_of_file(const char *line, const char *file)
{
	size_t n = strlen(file);

	return strncmp(line, file, n) == 0 && line[n] == ':';
}

/* Where a problem belongs among those there are: checks that come late often
 * find something further up. */
static size_t index_of(const struct problems *p, const char *file,
    struct problem_place at)
{
	const struct problem_place *before;
	size_t i = p->n;

	if (!file || at.line == 0)
		return i;
	for (; i > 0 && is_of_file(p->lines[i - 1], file); i--) {
		before = &p->places[i - 1];
		if (before->line < at.line || (before->line == at.line &&
		    before->column <= at.column))
			break;
	}
	return i;
}

static void insert(struct problems *p, size_t i, char *line,
    struct problem_place at)
{
	if (!p->lines) {
		p->lines = xcalloc(MAX_PROBLEMS, sizeof(*p->lines));
		p->places = xcalloc(MAX_PROBLEMS, sizeof(*p->places));
	}
	memmove(&p->lines[i + 1], &p->lines[i],
	    (p->n - i) * sizeof(*p->lines));
	memmove(&p->places[i + 1], &p->places[i],
	    (p->n - i) * sizeof(*p->places));
	p->lines[i] = line;
	p->places[i] = at;
	p->n++;
}

void problems_add(struct problems *p, const char *file, size_t line,
    size_t column, const char *fmt, ...)
{
	struct problem_place at = { line, column };
	char text[MAX_TEXT], *whole;
	va_list ap;

	p->count++;
	if (p->n == MAX_PROBLEMS)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	whole = line_of(file, line, column, text);
	no_control_characters(whole);
	insert(p, index_of(p, file, at), whole, at);
}

void problems_free(struct problems *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->lines[i]);
	free(p->lines);
	free(p->places);
	memset(p, 0, sizeof(*p));
}
