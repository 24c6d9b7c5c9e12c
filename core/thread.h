#ifndef CORE_THREAD_H
#define CORE_THREAD_H

#include <pthread.h>
#include <signal.h>

/* Signals belong to the loop: every other thread blocks them all, and inherits
 * that from whoever starts it. */

/* Starts fn(arg) on a thread of that name (at most 15 bytes; seen by ps and
 * gdb), which takes no signals.  0, or an errno: there is no such thread. */
int thread_start(pthread_t *t, const char *name, void *(*fn)(void *arg),
    void *arg);

/* Around a call of a library that starts threads by itself. */
void thread_block_signals(sigset_t *before_r);
void thread_restore_signals(const sigset_t *before);

#endif
