/* Opens the database file: lock, look, check, migrate.  What is found decides
 * what happens: nothing there is created, an older version is migrated, a
 * newer one or somebody else's file is refused, a damaged one is set aside
 * under a dated name and a fresh one started, since watching must go on.
 *
 * Damage is looked for in three ways.  All that a start reads anyway (header,
 * schema, the last known set) is read through once.  After a stop that was
 * not clean, which leaves a WAL behind, sqlite's quick_check runs for at most
 * CHECK_MS: a commit never leaves the file torn, so a long check is not worth
 * a late start.  And where the last writer met damage the check runs to its
 * end.  Called by db.c before the loop runs; may block. */
#include "db/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/err.h"
#include "core/log.h"
#include "core/xalloc.h"
#include "db/migrations.h"
#include "db/restore.h"
#include "db/sql.h"

enum { CHECK_MS = 2000 };

static const char settings[] =
	"PRAGMA auto_vacuum=INCREMENTAL;"	/* before the first table */
	"PRAGMA journal_mode=WAL;"
	"PRAGMA synchronous=NORMAL;"
	"PRAGMA journal_size_limit=16777216;";

static int connect_file(struct db_file *f, struct err *e)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
	    SQLITE_OPEN_EXRESCODE;

	if (sqlite3_open_v2(f->path, &f->db, flags, NULL) == SQLITE_OK) {
		sqlite3_busy_timeout(f->db, FILE_BUSY_MS);
		return 0;
	}
	if (f->db == NULL)
		return err_set(e, "open %s: out of memory", f->path);
	err_set(e, "open %s: %s (%s)", f->path, sqlite3_errmsg(f->db),
	    strerror(sqlite3_system_errno(f->db)));
	sqlite3_close(f->db);
	f->db = NULL;
	return -1;
}

static int64_t wal_bytes(const char *path)
{
	char *wal = xasprintf("%s-wal", path);
	struct stat st;
	int64_t n = stat(wal, &st) == 0 ? st.st_size : 0;

	free(wal);
	return n;
}

int64_t file_bytes(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_size + wal_bytes(path) : -1;
}

/* Text in place of a database, where no rollcall ever ran, is most likely the
 * wrong path: renaming it would do harm. */
static bool looks_like_text(const char *path)
{
	unsigned char head[16];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, head, sizeof(head)) : 0;

	if (fd >= 0)
		close(fd);
	for (ssize_t i = 0; i < n; i++)
		if (head[i] < ' ' && head[i] != '\t' && head[i] != '\n')
			return false;
	return n > 0 && memcmp(head, "SQLite format 3", 15) != 0;
}

static int out_of_time(void *deadline)
{
	return mono_due(*(mono_t *)deadline, clock_mono());
}

/* The check also judges what rows hold, and has been wrong there (sqlite 3.40
 * sees NULLs that are none): only torn pages make a file useless. */
static bool is_about_rows(const char *verdict)
{
	return strcmp(verdict, "ok") == 0 ||
	    strstr(verdict, " value in ") != NULL ||
	    strncmp(verdict, "CHECK constraint failed", 23) == 0;
}

/* The structure is checked before the rows, so the first verdict will do. */
static void note_verdict(sqlite3_stmt *row, void *arg)
{
	if (!is_about_rows(sql_text(row, 0)))
		err_set(arg, "%s", sql_text(row, 0));
}

/* limit_ms 0: to the end.  False with e if the file is damaged. */
static bool quick_check(sqlite3 *db, int limit_ms, struct err *e)
{
	mono_t deadline = mono_add(clock_mono(), limit_ms);
	struct err verdict = { "" }, failure = { "" };
	bool corrupt;

	if (limit_ms > 0)
		sqlite3_progress_handler(db, 10000, out_of_time, &deadline);
	corrupt = sql_each(db, "PRAGMA quick_check(1)", note_verdict, &verdict,
	    &failure) != 0 && sql_is_corrupt(sqlite3_errcode(db));
	sqlite3_progress_handler(db, 0, NULL, NULL);
	if (corrupt)
		verdict = failure;
	if (verdict.text[0] == '\0')
		return true;
	err_set(e, "its check found: %s", verdict.text);
	return false;
}

/* What the file is; everything that would make it unusable is DB_CORRUPT. */
static enum db_kind examine(struct db_file *f, bool unclean, struct err *e)
{
	int64_t version;
	enum db_kind kind = migrations_look(f->db, &version, e);

	if (kind != DB_OURS)
		return kind;
	if (f->lock.damage || unclean)
		if (!quick_check(f->db, f->lock.damage ? 0 : CHECK_MS, e))
			return DB_CORRUPT;
	if (version == migrations_latest() && restore_probe(f->db, e) != 0 &&
	    sql_is_corrupt(sqlite3_errcode(f->db)))
		return DB_CORRUPT;
	return DB_OURS;
}

/* A name for the damaged file that is not taken. */
static char *dated_name(const char *path)
{
	time_t now = (time_t)(clock_wall().ms / 1000);
	struct stat st;
	struct tm tm;
	char stamp[40];
	char *name;

	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", gmtime_r(&now, &tm));
	name = xasprintf("%s.corrupt-%s", path, stamp);
	for (int i = 2; stat(name, &st) == 0 && i < 1000; i++) {
		free(name);
		name = xasprintf("%s.corrupt-%s-%d", path, stamp, i);
	}
	return name;
}

/* The WAL goes with its file; the -shm is only an index of it. */
static void move_companions(const char *path, const char *name)
{
	char *wal = xasprintf("%s-wal", path);
	char *new_wal = xasprintf("%s-wal", name);
	char *shm = xasprintf("%s-shm", path);

	rename(wal, new_wal);
	unlink(shm);
	free(wal);
	free(new_wal);
	free(shm);
}

static void disconnect(struct db_file *f)
{
	if (f->db != NULL)
		sqlite3_close_v2(f->db);
	f->db = NULL;
}

/* With its WAL, untouched, so that `sqlite3 .recover` finds all there is. */
static int set_aside(struct db_file *f, const char *why, struct err *e)
{
	char *name = dated_name(f->path);

	sqlite3_db_config(f->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	disconnect(f);
	if (rename(f->path, name) != 0) {
		err_set(e, "set the damaged %s aside as %s: %s", f->path,
		    name, strerror(errno));
		free(name);
		return -1;
	}
	move_companions(f->path, name);
	f->set_aside = name;
	log_error("database is damaged: set aside, starting a fresh one",
	    LOG_S("path", f->path), LOG_S("set_aside", name),
	    LOG_S("reason", why));
	return connect_file(f, e);
}

/* What is not ours is left as it is, down to the WAL. */
static int refuse(struct db_file *f, enum db_kind kind, struct err *e)
{
	struct err why = *e;

	sqlite3_db_config(f->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	disconnect(f);
	switch (kind) {
	case DB_FOREIGN:
		return err_set(e, "%s belongs to another program: choose "
		    "another path", f->path);
	case DB_NEWER:
		return err_set(e, "%s was written by a newer rollcall: use "
		    "that one, or another path", f->path);
	case DB_CORRUPT:
		return err_set(e, "%s is no database but a text file: choose "
		    "another path", f->path);
	default:
		return err_set(e, "read %s: %s", f->path, why.text);
	}
}

static int open_locked(struct db_file *f, struct err *e)
{
	bool unclean = wal_bytes(f->path) > 0;
	enum db_kind kind;

	if (connect_file(f, e) != 0)
		return -1;
	kind = examine(f, unclean, e);
	if (kind == DB_CORRUPT && (f->lock.was_there ||
	    !looks_like_text(f->path))) {
		struct err why = *e;

		if (set_aside(f, why.text, e) != 0)
			return -1;
		kind = DB_EMPTY;
	}
	if (kind != DB_OURS && kind != DB_EMPTY)
		return refuse(f, kind, e);
	if (sql_exec(f->db, settings, e) != 0 || migrations_run(f->db, e) != 0)
		return err_prefix(e, "prepare %s", f->path);
	return 0;
}

int file_open(struct db_file *f, const char *path, struct err *e)
{
	*f = (struct db_file){ .lock.fd = -1 };
	if (lock_take(&f->lock, path, e) != 0)
		return -1;
	f->path = xstrdup(path);
	if (open_locked(f, e) == 0)
		return 0;
	file_close(f);
	return -1;
}

void file_close(struct db_file *f)
{
	if (f->db != NULL)
		sqlite3_wal_checkpoint_v2(f->db, NULL,
		    SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	disconnect(f);
	lock_release(&f->lock);
	free(f->path);
	free(f->set_aside);
	f->path = f->set_aside = NULL;
}
