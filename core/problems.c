/* The list of all that is wrong with some input.  Whoever reads the input
 * adds; whoever asked for the reading shows the lines and decides.  A line
 * stays one line, and of a sane length, whatever the input has in it. */
#include "core/problems.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/xalloc.h"

enum { MAX_PROBLEMS = 100, MAX_TEXT = 1024 };

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

void problems_add(struct problems *p, const char *file, size_t line,
    size_t column, const char *fmt, ...)
{
	char text[MAX_TEXT];
	va_list ap;

	p->count++;
	if (p->n == MAX_PROBLEMS)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (!p->lines)
		p->lines = xcalloc(MAX_PROBLEMS, sizeof(*p->lines));
	p->lines[p->n] = line_of(file, line, column, text);
	no_control_characters(p->lines[p->n]);
	p->n++;
}

void problems_free(struct problems *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->lines[i]);
	free(p->lines);
	memset(p, 0, sizeof(*p));
}
