#ifndef CORE_PROBLEMS_H
#define CORE_PROBLEMS_H

#include <stddef.h>

/* All that is wrong with some input, collected so that a person can mend it
 * in one go, those of a file in the order of their positions.  At most 100 are
 * kept; `count` counts on. */
struct problems {
	char **lines;		/* "rollcall.yml:12:5: unknown field ..." */
	size_t n, count;
	struct problem_place *places;	/* of the lines; core/problems.c */
};

void problems_add(struct problems *p, const char *file, size_t line,
    size_t column, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));	/* line 0: no position */
void problems_free(struct problems *p);

#endif
