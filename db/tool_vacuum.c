/* `rollcall db vacuum`: the file written anew without its free pages.  With the
 * lock, so that no daemon is in the way, nor it in a daemon's.  Not by way of
 * file.c, which would set a damaged database aside. */
#include <errno.h>
#include <string.h>

#include "core/err.h"
#include "db/file.h"
#include "db/lock.h"
#include "db/reader.h"
#include "db/sql.h"
#include "db/tools.h"

enum { CHECK_OPS = 1000 };	/* between looks whether to stop */

static int stopping(void *arg)
{
	(void)arg;
	return tool_stopping;
}

static int vacuum(const char *path, struct err *e)
{
	sqlite3 *db = reader_open(path, e);	/* is it ours at all? */
	int rc = -1;

	if (db == NULL)
		return -1;
	sqlite3_close(db);
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) !=
	    SQLITE_OK) {
		err_set(e, "open %s: %s", path, db == NULL ?
		    "out of memory" : sqlite3_errmsg(db));
	} else {
		sqlite3_progress_handler(db, CHECK_OPS, stopping, NULL);
		rc = sql_exec(db, "VACUUM; PRAGMA wal_checkpoint(TRUNCATE)",
		    e);
		if (rc != 0)
			err_prefix(e, "vacuum %s", path);
	}
	sqlite3_close(db);
	return rc;
}

int tool_vacuum(const char *path, int64_t *before_r, int64_t *after_r,
    struct err *e)
{
	struct db_lock lock;
	int rc;

	*before_r = file_bytes(path);
	if (*before_r < 0)
		return err_set(e, "%s: %s", path, strerror(errno));
	if (lock_take(&lock, path, e) != 0)
		return -1;
	rc = vacuum(path, e);
	if (lock.damage)
		lock_note_damage(&lock);	/* for the next start */
	lock_release(&lock);
	*after_r = file_bytes(path);
	return rc;
}
