/* `rollcall db backup`: sqlite's backup API, with a read transaction held over
 * all of it: so the copy is of one moment, and what a daemon writes meanwhile
 * neither waits nor makes the copy begin anew.  Its write-ahead log grows for
 * as long as the copy takes. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/err.h"
#include "core/xalloc.h"
#include "db/reader.h"
#include "db/sql.h"
#include "db/tools.h"

enum { PAGES = 256 };		/* a megabyte, between two reports */

volatile sig_atomic_t tool_stopping;

static int copy_pages(sqlite3_backup *b, const struct tool_progress *p)
{
	int rc;

	do {
		int all;

		rc = sqlite3_backup_step(b, PAGES);
		all = sqlite3_backup_pagecount(b);
		if (p != NULL && all > 0)
			p->fn(1 - (double)sqlite3_backup_remaining(b) / all,
			    p->arg);
	} while (rc == SQLITE_OK && !tool_stopping);
	return rc;
}

static int copy_database(sqlite3 *from, sqlite3 *to,
    const struct tool_progress *p, struct err *e)
{
	sqlite3_backup *b;
	int64_t ignored;
	int rc;

	/* The transaction begins with the first read. */
	if (sql_exec(from, "BEGIN", e) != 0 ||
	    sql_int(from, "SELECT count(*) FROM meta", &ignored, e) != 0)
		return -1;
	b = sqlite3_backup_init(to, "main", from, "main");
	if (b == NULL)
		return sql_fail(to, e, "copy");
	rc = copy_pages(b, p);
	sqlite3_backup_finish(b);
	sql_exec(from, "COMMIT", NULL);
	if (rc == SQLITE_OK)
		return err_set(e, "interrupted");
	return rc == SQLITE_DONE ? 0 : sql_fail(to, e, "copy");
}

static int copy_to(sqlite3 *from, const char *name,
    const struct tool_progress *p, struct err *e)
{
	sqlite3 *to = NULL;
	int rc = -1;

	if (sqlite3_open(name, &to) != SQLITE_OK)
		err_set(e, "create %s: %s", name, to == NULL ?
		    "out of memory" : strerror(sqlite3_system_errno(to)));
	else
		rc = copy_database(from, to, p, e);
	sqlite3_close(to);
	return rc;
}

static bool same_file(const char *a, const char *b)
{
	struct stat x, y;

	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev &&
	    x.st_ino == y.st_ino;
}

/* sqlite would take a log or a journal of that name for the copy's own, and
 * play it into it. */
static int has_leftovers(const char *to, struct err *e)
{
	static const char *const suffixes[] = { "-wal", "-journal" };
	struct stat st;
	int rc = 0;

	for (size_t i = 0; i < 2 && rc == 0; i++) {
		char *name = xasprintf("%s%s", to, suffixes[i]);

		if (stat(name, &st) == 0 && st.st_size > 0)
			rc = err_set(e, "%s is there, of a database %s that is"
			    " in use or was not closed: choose another name",
			    name, to);
		free(name);
	}
	return rc;
}

static int refuse_there(const char *to, struct err *e)
{
	return err_set(e, "%s is there already (--force replaces it)", to);
}

static int may_be_written(const char *path, const char *to, bool replace,
    struct err *e)
{
	struct stat st;

	if (same_file(path, to))
		return err_set(e, "%s is the database itself", to);
	if (!replace && stat(to, &st) == 0)
		return refuse_there(to, e);
	return has_leftovers(to, e);
}

/* Not over what appeared there in the meantime.  Where there are no links
 * (vfat, some mounts of a network), an empty file holds the place. */
static int rename_to_new(const char *part, const char *to)
{
	int fd;

	if (link(part, to) == 0)
		return unlink(part);
	if (errno == EEXIST)
		return -1;
	fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	close(fd);
	if (rename(part, to) == 0)
		return 0;
	unlink(to);
	return -1;
}

/* On the disk before it has its name. */
static int put_in_place(const char *part, const char *to, bool replace,
    struct err *e)
{
	int fd = open(part, O_RDONLY | O_CLOEXEC);
	int rc = fd >= 0 ? fsync(fd) : -1;

	if (fd >= 0)
		close(fd);
	if (tool_stopping)
		return err_set(e, "interrupted");
	if (rc == 0)
		rc = replace ? rename(part, to) : rename_to_new(part, to);
	if (rc != 0 && errno == EEXIST)
		return refuse_there(to, e);
	return rc == 0 ? 0 : err_set(e, "put %s in place: %s", to,
	    strerror(errno));
}

int tool_backup(const char *path, const char *to, bool replace,
    const struct tool_progress *progress, struct err *e)
{
	char *part = xasprintf("%s.part-%d", to, (int)getpid());
	sqlite3 *from;
	int rc = -1;

	if (may_be_written(path, to, replace, e) != 0) {
		free(part);
		return -1;
	}
	from = reader_open(path, e);
	if (from != NULL)
		rc = copy_to(from, part, progress, e);
	sqlite3_close(from);
	if (rc == 0)
		rc = put_in_place(part, to, replace, e);
	if (rc != 0)
		unlink(part);
	free(part);
	return rc;
}
