/* How far it is: one line of standard error, written over and over, for people
 * alone.  Used by the commands that read or copy a database. */
#include "cli/progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"

enum { PATIENCE_MS = 1000 };

void progress_begin(struct progress *p, const char *what)
{
	*p = (struct progress){
		.what = what, .began_ms = clock_mono().ms,
		.wanted = isatty(STDERR_FILENO),
	};
}

void progress_show(double share, void *arg)
{
	struct progress *p = arg;

	if (!p->wanted || clock_mono().ms - p->began_ms < PATIENCE_MS)
		return;
	fprintf(stderr, "\r%s: %3.0f %%", p->what, share * 100);
	fflush(stderr);
	p->shown = true;
}

void progress_clear(struct progress *p)
{
	if (p->shown)
		fprintf(stderr, "\r%*s\r", (int)strlen(p->what) + 8, "");
	p->shown = false;
}
