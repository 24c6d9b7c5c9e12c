#ifndef DB_MIGRATIONS_H
#define DB_MIGRATIONS_H

#include <stdint.h>

#include <sqlite3.h>

struct err;

enum { APPLICATION_ID = 0x726f6c6c };	/* "roll" */

/* What a file is, by its header and schema. */
enum db_kind {
	DB_EMPTY,		/* nothing in it yet */
	DB_OURS,
	DB_FOREIGN,		/* somebody else's tables */
	DB_NEWER,		/* written by a newer rollcall */
	DB_CORRUPT,
	DB_UNREADABLE,		/* with e */
};

/* The version this program writes. */
int64_t migrations_latest(void);

/* Looks at the file; *version_r is its schema's version. */
enum db_kind migrations_look(sqlite3 *db, int64_t *version_r, struct err *e);

/* Brings the schema to the latest version, each step in a transaction of its
 * own.  0, or -1 with e naming the step. */
int migrations_run(sqlite3 *db, struct err *e);

#endif
