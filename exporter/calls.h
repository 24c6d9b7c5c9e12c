#ifndef EXPORTER_CALLS_H
#define EXPORTER_CALLS_H

#include <stdbool.h>
#include <stdint.h>

struct loop;

/* What threads of HTTP have done on the loop, and wait for without standing
 * still: whoever asked is woken when it is done, or when it has not begun
 * within a time limit; then it is not done at all. */
struct calls;
struct call;

enum { CALLS_MAX = 64, CALLS_LIMIT_MS = 5000 };

/* limit_ms 0: the usual one. */
struct calls *calls_new(struct loop *l, int64_t limit_ms);

/* What a call is: run(arg) on the loop, then wake(asker) from whichever
 * thread.  drop(arg) frees when nobody needs it any more. */
struct call_work {
	void (*run)(void *arg);
	void (*drop)(void *arg);
	void *arg;
	void (*wake)(void *asker);
	void *asker;
};

/* Hands it over; any thread.  NULL: too many are under way, or calls_stop()
 * was called; nothing was done then, and the work is still the caller's. */
struct call *calls_start(struct calls *c, const struct call_work *w);

/* After wake(): true if it was run.  Then the caller may read what is in arg
 * until it releases the call. */
bool call_was_run(struct call *c);
void call_release(struct call *c);	/* NULL is a no-op */

/* The loop no longer runs: whoever waits is woken, nothing more is run. */
void calls_stop(struct calls *c);

/* After that, and when every call is released.  NULL is a no-op. */
void calls_free(struct calls *c);

#endif
