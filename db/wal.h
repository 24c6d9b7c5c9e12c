#ifndef DB_WAL_H
#define DB_WAL_H

#include <stdbool.h>
#include <stdint.h>

#include <sqlite3.h>

#include "core/clock.h"

/* The write-ahead log of one connection: copied into the file from time to
 * time, and watched for readers that keep it from being emptied. */
struct wal {
	char *path;			/* of the log itself */
	char *shm;			/* of the index beside it */
	int64_t warn_bytes;		/* 64 MiB; tests want less */
	bool held;			/* said, and not over yet */
	mono_t lags_since;		/* large, and not begun anew; or 0 */
	sqlite3 *db;
	int pages;			/* in it, as of the last commit */
};

/* Takes over from sqlite's own checkpoints on the connection. */
void wal_watch(struct wal *w, sqlite3 *db, const char *db_path);

/* Copies it into the file if it is large enough.  After a commit and what
 * waits for it, so that nothing waits for both.  true if it did. */
bool wal_checkpoint(struct wal *w);

/* After the connection's last commit. */
void wal_release(struct wal *w);

/* Bytes on the disk. */
int64_t wal_size(const struct wal *w);

/* The process, other than this one, that holds a read transaction on the
 * database, or 0: as the kernel's list of locks has it. */
int wal_reader(const struct wal *w);

#endif
