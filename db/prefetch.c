/* A ring of batches between a thread that steps through `stays` and the one
 * that asked.  Only stays.c uses it, for scans that are long enough to be
 * worth a thread; what the rows mean is its matter. */
#include "db/prefetch.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "core/err.h"
#include "core/thread.h"
#include "core/xalloc.h"
#include "db/reader.h"
#include "db/sql.h"

enum { BATCH = 4096, BATCHES = 4 };

static const char prefetch_sql[] =
	"SELECT id, instance, from_ms, what FROM stays"
	" WHERE id BETWEEN ?1 AND ?2";

struct batch {
	struct prefetch_row rows[BATCH];
	size_t n;
};

struct prefetch {
	sqlite3 *db;
	sqlite3_stmt *scan;
	pthread_t thread;
	pthread_mutex_t mutex;		/* for all below */
	pthread_cond_t moved;
	struct batch *batches;
	unsigned filled, taken;		/* how many ever; they differ by at
					   most BATCHES */
	bool stop, ended;
	bool failed;			/* and why: once it has ended */
	struct err why;
};

/* Fills one batch; false at the end. */
static bool fill(struct prefetch *a, struct batch *b)
{
	int rc = SQLITE_ROW;

	b->n = 0;
	while (b->n < BATCH && (rc = sqlite3_step(a->scan)) == SQLITE_ROW) {
		struct prefetch_row *row = &b->rows[b->n++];

		row->id = sqlite3_column_int64(a->scan, 0);
		row->instance = sqlite3_column_int64(a->scan, 1);
		row->from = sqlite3_column_int64(a->scan, 2);
		row->what = sqlite3_column_int64(a->scan, 3);
	}
	if (rc == SQLITE_ROW)
		return true;
	if (rc != SQLITE_DONE) {
		a->failed = true;
		sql_fail(a->db, &a->why, "read the history");
	}
	return false;
}

static void *run(void *arg)
{
	struct prefetch *a = arg;
	bool more = true;

	pthread_mutex_lock(&a->mutex);
	while (more && !a->stop) {
		if (a->filled - a->taken == BATCHES) {
			pthread_cond_wait(&a->moved, &a->mutex);
			continue;
		}
		pthread_mutex_unlock(&a->mutex);
		more = fill(a, &a->batches[a->filled % BATCHES]);
		pthread_mutex_lock(&a->mutex);
		a->filled++;
		a->ended = !more;
		pthread_cond_signal(&a->moved);
	}
	pthread_mutex_unlock(&a->mutex);
	return NULL;
}

static void prefetch_free(struct prefetch *a)
{
	sqlite3_finalize(a->scan);
	sqlite3_close(a->db);
	free(a->batches);
	pthread_mutex_destroy(&a->mutex);
	pthread_cond_destroy(&a->moved);
	free(a);
}

struct prefetch *prefetch_start(const char *path, int64_t first, int64_t last,
    struct err *e)
{
	struct prefetch *a = xcalloc(1, sizeof(*a));

	pthread_mutex_init(&a->mutex, NULL);
	pthread_cond_init(&a->moved, NULL);
	a->batches = xcalloc(BATCHES, sizeof(*a->batches));
	a->db = reader_open(path, e);
	if (a->db == NULL)
		goto fail;
	if (sqlite3_prepare_v2(a->db, prefetch_sql, -1, &a->scan, NULL) !=
	    SQLITE_OK) {
		sql_fail(a->db, e, "read the history");
		goto fail;
	}
	sqlite3_bind_int64(a->scan, 1, first);
	sqlite3_bind_int64(a->scan, 2, last);
	if (thread_start(&a->thread, "read-ahead", run, a) == 0)
		return a;
	err_set(e, "no thread to read the history");
fail:
	prefetch_free(a);
	return NULL;
}

int prefetch_next(struct prefetch *a, const struct prefetch_row **rows_r,
    size_t *n_r, struct err *e)
{
	const struct batch *b = NULL;
	bool failed;

	pthread_mutex_lock(&a->mutex);
	/* What was given last is given back. */
	if (*rows_r != NULL) {
		a->taken++;
		pthread_cond_signal(&a->moved);
	}
	while (a->filled == a->taken && !a->ended)
		pthread_cond_wait(&a->moved, &a->mutex);
	if (a->filled != a->taken)
		b = &a->batches[a->taken % BATCHES];
	failed = b == NULL && a->failed;
	pthread_mutex_unlock(&a->mutex);
	*rows_r = b != NULL ? b->rows : NULL;
	*n_r = b != NULL ? b->n : 0;
	if (b != NULL)
		return 1;
	if (failed)
		*e = a->why;
	return failed ? -1 : 0;
}

void prefetch_end(struct prefetch *a)
{
	pthread_mutex_lock(&a->mutex);
	a->stop = true;
	pthread_cond_signal(&a->moved);
	pthread_mutex_unlock(&a->mutex);
	pthread_join(a->thread, NULL);
	prefetch_free(a);
}
