/* Signals that end a program, put off until it has cleaned up.  Used by
 * `rollcall db`, whose work is in loops that can be told to stop; commands with
 * an event loop read signals from a descriptor instead. */
#include "cli/interrupt.h"

#include <signal.h>
#include <stddef.h>

#include "db/tools.h"

/* SIGPIPE: whoever read the export has seen enough. */
static const int signals[] = { SIGHUP, SIGINT, SIGPIPE, SIGTERM };

enum { SIGNALS = sizeof(signals) / sizeof(signals[0]) };

static volatile sig_atomic_t which;

static void on_signal(int signo)
{
	which = signo;
	tool_stopping = 1;
}

void interrupt_begin(void)
{
	/* Not restarted: what waits for a pipe has to fail. */
	struct sigaction now = { .sa_handler = on_signal,
	    .sa_flags = (int)SA_RESETHAND }, was;

	sigemptyset(&now.sa_mask);
	for (size_t i = 0; i < SIGNALS; i++)
		if (sigaction(signals[i], NULL, &was) == 0 &&
		    was.sa_handler != SIG_IGN)	/* nohup */
			sigaction(signals[i], &now, NULL);
}

int interrupt_signal(void)
{
	return which;
}

void interrupt_end(bool failed)
{
	if (which == 0 || !failed)
		return;
	signal(which, SIG_DFL);
	raise(which);
}
