/* The writer: one thread that commits units in their order, several in one
 * transaction when they come faster than the disk takes them, and tries again
 * for as long as it takes when the disk refuses them.  The loop only ever
 * writes to an eventfd and takes two mutexes that are held for moments, so
 * nothing here can hold it up.  Whenever nothing waits to be written it keeps
 * house (keep.c), a slice at a time. */
#include "db/writer.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/err.h"
#include "core/log.h"
#include "core/thread.h"
#include "core/xalloc.h"
#include "db/commit.h"
#include "db/sql.h"
#include "db/wal.h"

enum {
	BATCH_UNITS = 64, BATCH_BYTES = 1 << 20,
	BACKOFF_MIN_MS = 100, BACKOFF_MAX_MS = 5000,
	LAST_WAIT_MS = 100,		/* after giving up, for the thread */
	BUSY_PAGES = 4000,		/* then the log cannot wait any more */
	QUIET_MS = 250,			/* then sqlite's pages are given up */
};

struct writer {
	struct db_file file;
	struct queue *queue;
	struct committer *committer;
	struct keeper *keeper;
	struct wal wal;
	void (*on_commit)(void *arg, uint64_t number);
	void *arg;
	pthread_t thread;
	int work_fd, stop_fd, finished_fd;
	atomic_bool stop, give_up;
	bool all_written;		/* set before finished_fd */
	bool failing;			/* the thread's own */
	uint64_t failed_tries;
	pthread_mutex_t mutex;		/* for the two below */
	struct writer_counts counts;
	struct keep_policy policy;
};

static void signal_fd(int fd)
{
	uint64_t one = 1;

	/* Fails only if the counter is full: then it is readable anyway. */
	if (write(fd, &one, sizeof(one)) < 0)
		return;
}

static void clear_fd(int fd)
{
	uint64_t n;

	if (read(fd, &n, sizeof(n)) < 0)
		return;
}

/* Until one of the two is readable, at most wait_ms (-1: no limit). */
static bool wait_fds(int a, int b, int wait_ms)
{
	struct pollfd fds[2] = {
		{ .fd = a, .events = POLLIN }, { .fd = b, .events = POLLIN }
	};
	int n;

	while ((n = poll(fds, 2, wait_ms)) < 0 && errno == EINTR)
		;
	return n > 0;
}

static int64_t file_size(const struct writer *w)
{
	struct stat st;

	return stat(w->file.path, &st) == 0 ? st.st_size : 0;
}

static void count_sizes(struct writer *w)
{
	int64_t size = file_size(w), wal = wal_size(&w->wal);

	pthread_mutex_lock(&w->mutex);
	w->counts.size = size;
	w->counts.wal_size = wal;
	pthread_mutex_unlock(&w->mutex);
}

static void count_success(struct writer *w)
{
	count_sizes(w);
	pthread_mutex_lock(&w->mutex);
	w->counts.up = true;
	w->counts.commits++;
	pthread_mutex_unlock(&w->mutex);
	if (w->failing)
		log_info("database is written again",
		    LOG_S("path", w->file.path),
		    LOG_I("failed_tries", w->failed_tries));
	w->failing = false;
	w->failed_tries = 0;
}

static void count_failure(struct writer *w, const struct err *e, int rc)
{
	pthread_mutex_lock(&w->mutex);
	w->counts.up = false;
	w->counts.failures++;
	pthread_mutex_unlock(&w->mutex);
	w->failed_tries++;
	if (sql_is_corrupt(rc))
		lock_note_damage(&w->file.lock);
	if (!w->failing)
		log_error("database cannot be written: changes wait in memory",
		    LOG_S("path", w->file.path), LOG_S("error", e->text));
	w->failing = true;
}

static bool nothing_in(const struct units *units)
{
	const struct unit *u;

	for (u = TAILQ_FIRST(units); u != NULL; u = TAILQ_NEXT(u, link))
		if (u->nops > 0)
			return false;
	return true;
}

/* One batch.  False if it has to be tried again; *written_r counts units. */
static bool write_batch(struct writer *w, size_t *written_r)
{
	struct units batch = TAILQ_HEAD_INITIALIZER(batch);
	struct err e = { "" };
	size_t n = queue_take(w->queue, &batch,
	    w->failing ? 1 : BATCH_UNITS, BATCH_BYTES);
	uint64_t number;
	int rc;

	*written_r = n;
	if (n == 0)
		return true;
	if (!nothing_in(&batch)) {
		rc = commit_units(w->committer, &batch, &e);
		if (rc != SQLITE_OK) {
			queue_give_back(w->queue, &batch);
			count_failure(w, &e, rc);
			return false;
		}
		count_success(w);
	}
	number = queue_done(w->queue, &batch);
	/* Whoever gave up no longer listens. */
	if (!atomic_load(&w->give_up))
		w->on_commit(w->arg, number);
	return true;
}

/* Waits before the next try, for less if asked to stop, and sets how long to
 * wait before the one after it. */
static void back_off(struct writer *w, int *wait_ms)
{
	if (wait_fds(w->stop_fd, -1, *wait_ms))
		clear_fd(w->stop_fd);
	*wait_ms *= 2;
	if (*wait_ms > BACKOFF_MAX_MS)
		*wait_ms = BACKOFF_MAX_MS;
	if (atomic_load(&w->stop))
		*wait_ms = BACKOFF_MIN_MS;
}

/* One slice of housekeeping. */
static void keep_house(struct writer *w)
{
	struct keep_policy policy;
	int rc;

	pthread_mutex_lock(&w->mutex);
	policy = w->policy;
	pthread_mutex_unlock(&w->mutex);
	rc = keeper_step(w->keeper, &policy);
	if (sql_is_corrupt(rc))
		lock_note_damage(&w->file.lock);
	count_sizes(w);
	pthread_mutex_lock(&w->mutex);
	w->counts.keep = keeper_counts(w->keeper);
	pthread_mutex_unlock(&w->mutex);
}

/* Pages once written stay in sqlite's memory until its 2 MB are full, and are
 * of no more use to a history that only grows at its end. */
static void wait_for_work(struct writer *w, int at_most_ms)
{
	int quiet_ms = at_most_ms < QUIET_MS ? at_most_ms : QUIET_MS;

	if (!wait_fds(w->work_fd, w->stop_fd, quiet_ms) &&
	    quiet_ms < at_most_ms) {
		sqlite3_db_release_memory(w->file.db);
		wait_fds(w->work_fd, w->stop_fd, at_most_ms - quiet_ms);
	}
	clear_fd(w->work_fd);
}

static void *run(void *arg)
{
	struct writer *w = arg;
	int wait_ms = BACKOFF_MIN_MS;

	while (!atomic_load(&w->give_up)) {
		bool stop = atomic_load(&w->stop);
		size_t written;
		int due_ms;

		if (!write_batch(w, &written)) {
			back_off(w, &wait_ms);
			continue;
		}
		wait_ms = BACKOFF_MIN_MS;
		/* What is committed was acknowledged before it is copied. */
		if (written > 0 && w->wal.pages < BUSY_PAGES)
			continue;
		if (stop && written == 0)
			break;
		if (wal_checkpoint(&w->wal))
			continue;
		due_ms = keeper_due_ms(w->keeper, clock_mono());
		if (due_ms == 0)
			keep_house(w);
		else
			wait_for_work(w, due_ms);
	}
	w->all_written = queue_counts(w->queue).units == 0;
	committer_free(w->committer);
	keeper_free(w->keeper);
	file_close(&w->file);
	wal_release(&w->wal);
	signal_fd(w->finished_fd);
	return NULL;
}

static int new_eventfd(void)
{
	return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

struct writer *writer_start(struct db_file *f, struct queue *q,
    void (*on_commit)(void *arg, uint64_t number), void *arg)
{
	struct writer *w = xcalloc(1, sizeof(*w));

	pthread_mutex_init(&w->mutex, NULL);
	w->file = *f;
	w->queue = q;
	w->committer = committer_new(w->file.db);
	w->keeper = keeper_new(w->file.db);
	wal_watch(&w->wal, w->file.db, w->file.path);
	w->on_commit = on_commit;
	w->arg = arg;
	w->counts.up = true;
	count_sizes(w);
	w->work_fd = new_eventfd();
	w->stop_fd = new_eventfd();
	w->finished_fd = new_eventfd();
	if (w->work_fd < 0 || w->stop_fd < 0 || w->finished_fd < 0 ||
	    thread_start(&w->thread, "db-writer", run, w) != 0) {
		log_error("no thread for the database");
		abort();
	}
	return w;
}

void writer_keep(struct writer *w, const struct keep_policy *p)
{
	pthread_mutex_lock(&w->mutex);
	w->policy = *p;
	pthread_mutex_unlock(&w->mutex);
}

void writer_wake(struct writer *w)
{
	signal_fd(w->work_fd);
}

struct writer_counts writer_counts(struct writer *w)
{
	struct writer_counts counts;

	pthread_mutex_lock(&w->mutex);
	counts = w->counts;
	pthread_mutex_unlock(&w->mutex);
	return counts;
}

static void writer_free(struct writer *w)
{
	close(w->work_fd);
	close(w->stop_fd);
	close(w->finished_fd);
	pthread_mutex_destroy(&w->mutex);
	queue_free(w->queue);
	free(w);
}

enum writer_end writer_stop(struct writer *w, int wait_ms)
{
	bool written;

	atomic_store(&w->stop, true);
	signal_fd(w->stop_fd);
	if (!wait_fds(w->finished_fd, -1, wait_ms)) {
		atomic_store(&w->give_up, true);
		signal_fd(w->stop_fd);
		if (!wait_fds(w->finished_fd, -1, LAST_WAIT_MS)) {
			pthread_detach(w->thread);
			return WRITER_HANGS;
		}
	}
	pthread_join(w->thread, NULL);
	written = w->all_written;
	writer_free(w);
	return written ? WRITER_DONE : WRITER_GAVE_UP;
}
