/* Starting threads that leave signals to the loop.  What they share with
 * others, and how they end, is up to whoever starts one. */
#include "core/thread.h"

#include <assert.h>
#include <string.h>

enum { NAME_MAX_BYTES = 15 };		/* pthread_setname_np(3) */

void thread_block_signals(sigset_t *before_r)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, before_r);
}

void thread_restore_signals(const sigset_t *before)
{
	pthread_sigmask(SIG_SETMASK, before, NULL);
}

int thread_start(pthread_t *t, const char *name, void *(*fn)(void *arg),
    void *arg)
{
	sigset_t before;
	int rc;

	assert(strlen(name) <= NAME_MAX_BYTES);
	thread_block_signals(&before);
	rc = pthread_create(t, NULL, fn, arg);
	if (rc == 0)
		pthread_setname_np(*t, name);
	thread_restore_signals(&before);
	return rc;
}
