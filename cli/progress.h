#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

/* A line on a terminal that tells how far something is that takes longer than
 * a second; nothing where standard error is no terminal. */
struct progress {
	const char *what;		/* "reading history" */
	int64_t began_ms;
	bool wanted, shown;
};

void progress_begin(struct progress *p, const char *what);

/* share: 0 to 1.  arg is the struct. */
void progress_show(double share, void *arg);

/* Takes the line away, before anything else is printed. */
void progress_clear(struct progress *p);

#endif
