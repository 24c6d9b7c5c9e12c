#ifndef DB_FILE_H
#define DB_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include <sqlite3.h>

#include "db/lock.h"

struct err;

/* How long the connection waits for somebody else's transaction. */
enum { FILE_BUSY_MS = 2000 };

/* Opening the database for writing. */
struct db_file {
	char *path;
	struct db_lock lock;
	sqlite3 *db;
	char *set_aside;	/* the name a corrupt one got; or NULL */
};

/* Takes the lock, looks at what is there, sets a corrupt one aside, creates
 * or migrates.  0, or -1 with e; then nothing needs closing. */
int file_open(struct db_file *f, const char *path, struct err *e);

/* Closes; whatever is in the WAL goes into the file first. */
void file_close(struct db_file *f);

/* Its size with that of its write-ahead log, opened or not; -1 with errno. */
int64_t file_bytes(const char *path);

#endif
