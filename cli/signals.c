/* Which signals are blocked.  The commands that run a loop read them from a
 * descriptor; before and behind it they have to have an effect, too.  Used by
 * serve.c, daemon.c, etcd_access.c. */
#include "cli/signals.h"

#include <signal.h>

void signals_mask(int how, const int *signals, size_t n)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < n; i++)
		sigaddset(&set, signals[i]);
	pthread_sigmask(how, &set, NULL);
}

void signals_can_end(bool yes)
{
	static const int signals[] = { SIGTERM, SIGINT };

	signals_mask(yes ? SIG_UNBLOCK : SIG_BLOCK, signals, 2);
}
