#ifndef DB_WRITER_H
#define DB_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "db/file.h"
#include "db/keep.h"
#include "db/queue.h"

/* The thread that writes.  It owns the connection from writer_start() on. */
struct writer;

struct writer_counts {
	bool up;			/* the last transaction was committed */
	uint64_t commits, failures;
	int64_t size, wal_size;		/* bytes of the file, of the log */
	struct keep_counts keep;
};

/* Takes the file and the queue; on_commit(arg, number) is called on the
 * writer's thread after each commit. */
struct writer *writer_start(struct db_file *f, struct queue *q,
    void (*on_commit)(void *arg, uint64_t number), void *arg);

/* From now on this is how long history is kept.  Any thread. */
void writer_keep(struct writer *w, const struct keep_policy *p);

/* There is something in the queue.  Any thread; never waits. */
void writer_wake(struct writer *w);

struct writer_counts writer_counts(struct writer *w);

enum writer_end {
	WRITER_DONE,			/* everything was written */
	WRITER_GAVE_UP,			/* something was not */
	WRITER_HANGS,			/* its thread is stuck in the disk */
};

/* Writes what is queued, waiting at most wait_ms, closes the file and frees
 * everything.  A thread that hangs is left to the end of the process, with
 * all it uses, arg included. */
enum writer_end writer_stop(struct writer *w, int wait_ms);

#endif
