#ifndef DB_KEEP_H
#define DB_KEEP_H

#include <stdint.h>

#include <sqlite3.h>

#include "core/clock.h"
#include "db/keep_tasks.h"

/* Housekeeping: thins statistics, deletes what is older than it has to be
 * kept, and gives room back to the file system, in slices of 20 ms or so.
 * On the connection and the thread of the writer. */
struct keeper;

/* How long it is kept; 0: for ever. */
struct keep_policy {
	int64_t history_ms, statistics_ms;
};

struct keep_counts {
	uint64_t deleted[KEEP_REASONS];		/* rows */
	int64_t spent_us, longest_us;		/* at it; its longest slice */
	int64_t free_bytes;			/* in the file, unused */
};

struct keeper *keeper_new(sqlite3 *db);
void keeper_free(struct keeper *k);		/* NULL is a no-op */

/* How long until keeper_step() is wanted next, in ms; 0: now. */
int keeper_due_ms(const struct keeper *k, mono_t now);

/* Does one slice, as a transaction of its own or not at all.  SQLITE_OK, or
 * sqlite's extended code: said in the log, and tried again later. */
int keeper_step(struct keeper *k, const struct keep_policy *p);

struct keep_counts keeper_counts(const struct keeper *k);

#endif
