/* The write-ahead log.  It is copied into the file every 500 pages, and sqlite
 * then begins it anew, but for the part that some reader's transaction still
 * looks at: a sqlite3 prompt with an open BEGIN makes it grow without bound.
 * Nothing can be done about that from here: the reader may not be robbed of
 * what it reads, and no commit may fail for it.  So it is told, with the
 * process that has to end.  Checkpoints are sqlite's PASSIVE ones, which wait
 * for nobody.  Called by writer.c; the hook runs on its thread.
 *
 * /proc/locks is read because asking fcntl() would need another descriptor of
 * the -shm file, and closing that one drops all of sqlite's own locks. */
#include "db/wal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/log.h"
#include "core/xalloc.h"

enum {
	CHECKPOINT_PAGES = 500,		/* sqlite by default: 1000 */
	/* The bytes of the -shm that sqlite locks for its readers
	 * (https://www.sqlite.org/walformat.html, 2.3). */
	FIRST_READ_LOCK = 123, LAST_READ_LOCK = 127,
	OWN_MS = 60 * 1000,
};

#define WARN_BYTES (INT64_C(64) << 20)

int64_t wal_size(const struct wal *w)
{
	struct stat st;

	return stat(w->path, &st) == 0 ? st.st_size : 0;
}

/* The process of a line of /proc/locks, if it is a lock of a reader. */
static int reader_of(const char *line, uint64_t inode)
{
	uint64_t its_inode, first;
	int pid;

	if (sscanf(line, "%*d: POSIX %*s READ %d %*x:%*x:%" SCNu64 " %" SCNu64,
	    &pid, &its_inode, &first) != 3)
		return 0;
	if (its_inode != inode || first > LAST_READ_LOCK ||
	    first < FIRST_READ_LOCK || pid == getpid())
		return 0;
	return pid;
}

int wal_reader(const struct wal *w)
{
	char line[256];
	struct stat st;
	int pid = 0;
	FILE *f;

	if (stat(w->shm, &st) != 0 || (f = fopen("/proc/locks", "re")) == NULL)
		return 0;
	while (pid <= 0 && fgets(line, sizeof(line), f) != NULL)
		pid = reader_of(line, st.st_ino);
	fclose(f);
	return pid > 0 ? pid : 0;
}

static void program_of(int pid, char name[32])
{
	char path[40];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	snprintf(name, 32, "unknown");
	if (pid == 0 || (f = fopen(path, "re")) == NULL)
		return;
	if (fgets(name, 32, f) != NULL)
		name[strcspn(name, "\n")] = '\0';
	fclose(f);
}

/* Our own queries end after seconds: where nobody else is to be seen, that is
 * all it may be. */
static bool is_held(struct wal *w, int pid)
{
	mono_t now = clock_mono();

	if (w->lags_since.ms == 0)
		w->lags_since = now;
	return pid > 0 || mono_since(w->lags_since, now) >= OWN_MS;
}

static void tell_held(struct wal *w, int64_t bytes)
{
	int pid = wal_reader(w);
	char program[32];

	if (!is_held(w, pid))
		return;
	w->held = true;
	program_of(pid, program);
	log_warn("a reader keeps the database's write-ahead log from being"
	    " emptied: it grows until that program ends its transaction",
	    LOG_S("path", w->path), LOG_I("bytes", bytes),
	    LOG_I("pid", pid), LOG_S("program", program));
}

/* Begun anew since. */
static void tell_free(struct wal *w)
{
	w->held = false;
	log_info("the database's write-ahead log could be emptied again",
	    LOG_S("path", w->path));
}

static int after_commit(void *arg, sqlite3 *db, const char *name, int pages)
{
	struct wal *w = arg;

	(void)db;
	(void)name;
	w->pages = pages;
	if (pages >= CHECKPOINT_PAGES)
		return SQLITE_OK;
	w->lags_since = (mono_t){ 0 };
	if (w->held)
		tell_free(w);
	return SQLITE_OK;
}

/* One that fails is tried again after the next commit, which fails if the
 * disk does. */
bool wal_checkpoint(struct wal *w)
{
	int frames = 0, copied = 0;

	if (w->pages < CHECKPOINT_PAGES)
		return false;
	w->pages = 0;
	if (sqlite3_wal_checkpoint_v2(w->db, NULL, SQLITE_CHECKPOINT_PASSIVE,
	    &frames, &copied) == SQLITE_OK && copied < frames && !w->held) {
		int64_t bytes = wal_size(w);

		if (bytes > w->warn_bytes)
			tell_held(w, bytes);
	}
	return true;
}

void wal_watch(struct wal *w, sqlite3 *db, const char *db_path)
{
	*w = (struct wal){ .path = xasprintf("%s-wal", db_path),
		.shm = xasprintf("%s-shm", db_path),
		.warn_bytes = WARN_BYTES, .db = db };
	sqlite3_wal_hook(db, after_commit, w);
}

void wal_release(struct wal *w)
{
	free(w->path);
	free(w->shm);
	*w = (struct wal){ 0 };
}
