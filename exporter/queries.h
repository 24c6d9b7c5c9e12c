#ifndef EXPORTER_QUERIES_H
#define EXPORTER_QUERIES_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct history_source;

/* Questions to history on threads of their own, so that neither the loop nor
 * the threads of HTTP wait for sqlite: at most QUERIES_MAX wait, and each is
 * cut off after a time limit, so that no reader holds the database's log
 * for long. */
struct queries;
struct query;

enum { QUERIES_MAX = 64, QUERIES_THREADS = 2, QUERIES_LIMIT_MS = 10000,
    QUERIES_STOP_MS = 500 };

/* The source is copied.  limit_ms 0: the usual one.  NULL with e: no
 * thread. */
struct queries *queries_new(const struct history_source *source,
    int64_t limit_ms, struct err *e);

/* What a query is: run(session, source, arg) on a thread, session NULL with e
 * if history cannot be opened; then wake(asker).  drop(arg) frees when nobody
 * needs it any more. */
struct query_work {
	void (*run)(void *session, const struct history_source *source,
	    const struct err *e, void *arg);
	void (*drop)(void *arg);
	void *arg;
	void (*wake)(void *asker);
	void *asker;
};

/* Any thread.  NULL: too many wait, or queries_stop() was called; the work is
 * still the caller's. */
struct query *queries_start(struct queries *q, const struct query_work *w);

/* After wake(): true if it was run to its end; then the caller may read what
 * is in arg until it releases the query.  false: it waited for longer than a
 * query may take, or queries_stop() was called.  Once it is released wake() is
 * not called. */
bool query_was_run(struct query *q);
void query_release(struct query *q);		/* NULL is a no-op */

/* Wakes who waits, and cuts off what runs.  A thread that hangs in a call to
 * the disk is left behind after QUERIES_STOP_MS: it frees what it has when the
 * disk is back.  Until then the source must stay. */
void queries_stop(struct queries *q);
/* After that, and when every query is released.  NULL is a no-op. */
void queries_free(struct queries *q);

#endif
