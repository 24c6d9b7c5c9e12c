/* Housekeeping.  Every five minutes a pass goes through the table of tasks
 * (keep_tasks.c), slice by slice, and gives free pages back at its end.  The
 * size of slices follows how long they take, and one that takes far too long
 * is rolled back and tried smaller, so that what there is to write never waits
 * long for it.  After each slice it rests for a multiple of that time.
 *
 * A slice is one transaction, and finds by itself what is left to do: after a
 * kill it is done again, or was done.  Called by writer.c alone. */
#include "db/keep.h"

#include <stdbool.h>
#include <stdlib.h>

#include "core/err.h"
#include "core/log.h"
#include "core/xalloc.h"
#include "db/file.h"
#include "db/keep_clock.h"
#include "db/sql.h"

enum {
	TARGET_US = 20000, LIMIT_US = 30000,
	CHECK_OPS = 50,		/* between looks at the clock */
	REST = 4,			/* times what a slice took */
	FIRST_PASS_MS = 10000, PASS_MS = 300000, RETRY_MS = 60000,
	DAY_MS = 24 * 3600000,
	MAX_WIDTH = 1 << 20,		/* grains */
	MANY_ROWS = 8192,		/* each page has to go to the disk */
	SPARE_PAGES = 256,		/* left for what is written next */
};

#define HOUR_MS INT64_C(3600000)

struct keeper {
	sqlite3 *db;
	struct keep_policy policy;
	struct keep_clock clock;
	wall_t now;			/* of the pass */
	mono_t due;
	size_t task;			/* of the pass; beyond them: vacuum */
	bool begun;			/* that task */
	int64_t at;			/* how far it is */
	int64_t *width;			/* of slices, one per task, in grains */
	mono_t *next;			/* when a daily one is due, the same */
	int64_t vacuum_pages;
	bool shrunk;			/* but not the file yet */
	int64_t deadline_us;
	int deleted;			/* by this slice */
	bool failing;
	struct keep_counts counts;
};

struct slice {
	const struct keep_task *task;
	int64_t from, to, cutoff;
	int64_t *width;
};

/* What came of a step. */
enum outcome { WORKED, PASS_OVER, FAILED };

/* --- statements --- */

static int run(struct keeper *k, const struct slice *s, const char *sql,
    int64_t *v_r, bool *found_r)
{
	sqlite3_stmt *statement;
	int rc = sqlite3_prepare_v2(k->db, sql, -1, &statement, NULL);

	if (rc != SQLITE_OK)
		return rc;
	sqlite3_bind_int64(statement, 1, s->from);
	sqlite3_bind_int64(statement, 2, s->to);
	sqlite3_bind_int64(statement, 3, s->cutoff);
	rc = sqlite3_step(statement);
	if (found_r != NULL)
		*found_r = rc == SQLITE_ROW &&
		    sqlite3_column_type(statement, 0) != SQLITE_NULL;
	if (rc == SQLITE_ROW && v_r != NULL)
		*v_r = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int out_of_time(void *arg)
{
	const struct keeper *k = arg;

	return clock_mono_us() > k->deadline_us;
}

/* The smallest slice there is has to be done, however long it takes. */
static void limit_time(struct keeper *k, bool limited)
{
	k->deadline_us = clock_mono_us() + LIMIT_US;
	sqlite3_progress_handler(k->db, limited ? CHECK_OPS : 0, out_of_time,
	    k);
}

/* --- the size of slices --- */

static void adapt(int64_t *width, int64_t took_us, int rows)
{
	if (took_us > TARGET_US || rows > 2 * MANY_ROWS)
		*width = *width > 1 ? *width / 2 : 1;
	else if (took_us < TARGET_US / 2 && rows < MANY_ROWS &&
	    *width < MAX_WIDTH)
		*width *= 2;
}

static bool interrupted(int rc, int64_t *width)
{
	if ((rc & 0xff) != SQLITE_INTERRUPT)
		return false;
	*width = *width > 4 ? *width / 4 : 1;
	return true;
}

/* --- one slice of a task --- */

static int64_t age_of(const struct keeper *k, enum keep_age age)
{
	const struct keep_policy *p = &k->policy;
	const int64_t ages[AGE_COUNT] = {
		[AGE_RAW] = 48 * HOUR_MS,
		[AGE_FINE] = 30 * 24 * HOUR_MS,
		[AGE_STATISTICS] = p->statistics_ms,
		[AGE_HISTORY] = p->history_ms,
	};

	return ages[age];
}

/* Begins where the last pass ended, if that is known. */
static int begin(struct keeper *k, const struct keep_task *t)
{
	k->at = 0;
	k->begun = true;
	if (t->cursor == NULL)
		return SQLITE_OK;
	return sql_meta_int(k->db, t->cursor, &k->at);
}

/* Where the next slice begins; what lies empty is skipped. */
static int seek(struct keeper *k, struct slice *s, bool *found_r)
{
	const struct keep_task *t = s->task;
	int64_t grain = t->grain, first = 0;
	int rc;

	s->from = k->at;
	*found_r = false;
	rc = run(k, s, t->first, &first, found_r);
	if (rc != SQLITE_OK || !*found_r)
		return rc;
	s->from = first - first % grain;
	s->to = s->from + *s->width * grain;
	if (t->by_time && s->to > s->cutoff / grain * grain)
		s->to = s->cutoff / grain * grain;
	*found_r = s->from < s->to;
	if (*found_r && t->stop != NULL)
		return run(k, s, t->stop, NULL, found_r);
	return SQLITE_OK;
}

static int delete_with(struct keeper *k, const struct slice *s,
    const char *statement)
{
	int rc = run(k, s, statement, NULL, NULL);

	if (rc == SQLITE_OK)
		k->deleted += sqlite3_changes(k->db);
	return rc;
}

static int delete_slice(struct keeper *k, const struct slice *s)
{
	const struct keep_task *t = s->task;
	int rc = sqlite3_exec(k->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);

	if (rc == SQLITE_OK && t->also != NULL)
		rc = delete_with(k, s, t->also);
	if (rc == SQLITE_OK)
		rc = delete_with(k, s, t->remove);
	if (rc == SQLITE_OK && t->cursor != NULL)
		rc = sql_set_meta_int(k->db, t->cursor, s->to);
	/* What is done so far is worth its commit. */
	sqlite3_progress_handler(k->db, 0, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(k->db, "COMMIT", NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		k->counts.deleted[t->reason] += (uint64_t)k->deleted;
	return rc;
}

/* *idle_r: there was nothing left to do, and it took no time. */
static int task_slice(struct keeper *k, const struct keep_task *t,
    struct slice *s, bool *idle_r)
{
	int64_t age = age_of(k, t->age);
	bool again = k->begun, found = true;
	int rc = SQLITE_OK;

	*idle_r = true;
	*s = (struct slice){ .task = t, .cutoff = k->now.ms - age,
	    .width = &k->width[k->task] };
	if (age == 0 || s->cutoff <= 0 ||
	    (t->daily && !mono_due(k->next[k->task], clock_mono())))
		return rc;
	if (!again)
		rc = begin(k, t);
	if (rc == SQLITE_OK && t->first != NULL)
		rc = seek(k, s, &found);
	else
		found = !again;		/* the whole table, once */
	if (rc != SQLITE_OK || !found)
		return rc;
	*idle_r = false;
	limit_time(k, t->first != NULL && *s->width > 1);
	rc = delete_slice(k, s);
	if (rc == SQLITE_OK)
		k->at = s->to;
	return rc;
}

static void next_task(struct keeper *k)
{
	if (k->begun)
		k->next[k->task] = mono_add(clock_mono(), DAY_MS);
	k->begun = false;
	k->task++;
}

/* Finds a task with something to do. */
static int next_slice(struct keeper *k, int64_t **width_r, bool *idle_r)
{
	*idle_r = true;
	for (; k->task < keep_ntasks; next_task(k)) {
		struct slice s;
		int rc = task_slice(k, &keep_tasks[k->task], &s, idle_r);

		*width_r = s.width;
		if (rc != SQLITE_OK || !*idle_r)
			return rc;
	}
	return SQLITE_OK;
}

/* --- giving pages back --- */

/* As many as will be written again soon are left. */
static int excess_pages(struct keeper *k, int64_t *pages_r)
{
	int64_t unused = 0, all = 0, bytes = 0;
	struct err e;

	if (sql_int(k->db, "PRAGMA freelist_count", &unused, &e) != 0 ||
	    sql_int(k->db, "PRAGMA page_count", &all, &e) != 0 ||
	    sql_int(k->db, "PRAGMA page_size", &bytes, &e) != 0)
		return sqlite3_extended_errcode(k->db);
	k->counts.free_bytes = unused * bytes;
	*pages_r = unused - SPARE_PAGES - all / 32;
	return SQLITE_OK;
}

/* The file is cut off when all of the log is copied into it. */
static int shrink(struct keeper *k, bool *idle_r)
{
	*idle_r = !k->shrunk;
	k->shrunk = false;
	if (*idle_r)
		return SQLITE_OK;
	return sqlite3_wal_checkpoint_v2(k->db, NULL,
	    SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}

static int vacuum_slice(struct keeper *k, bool *idle_r)
{
	int64_t excess = 0, n;
	int rc = excess_pages(k, &excess);
	char *sql;

	*idle_r = false;
	if (rc != SQLITE_OK)
		return rc;
	if (excess <= 0)
		return shrink(k, idle_r);
	n = excess < k->vacuum_pages ? excess : k->vacuum_pages;
	sql = xasprintf("PRAGMA incremental_vacuum(%lld)", (long long)n);
	limit_time(k, n > 1);
	rc = sqlite3_exec(k->db, sql, NULL, NULL, NULL);
	free(sql);
	k->shrunk = k->shrunk || rc == SQLITE_OK;
	return rc;
}

/* --- passes --- */

static int pass_begins(struct keeper *k, bool *trusted_r)
{
	*trusted_r = true;
	if (k->task > 0 || k->begun)
		return SQLITE_OK;
	k->now = clock_now();
	return keep_clock_trusted(&k->clock, k->db, k->now, trusted_r);
}

static int work(struct keeper *k, enum outcome *o_r, int64_t **width_r)
{
	bool idle = true, trusted;
	int rc = pass_begins(k, &trusted);

	*o_r = PASS_OVER;
	if (rc != SQLITE_OK || !trusted)
		return rc;
	if (k->task < keep_ntasks)
		rc = next_slice(k, width_r, &idle);
	if (rc == SQLITE_OK && idle) {
		*width_r = &k->vacuum_pages;
		rc = vacuum_slice(k, &idle);
	}
	if (!idle)
		*o_r = WORKED;
	return rc;
}

static void clean_up(struct keeper *k)
{
	sqlite3_progress_handler(k->db, 0, NULL, NULL);
	if (!sqlite3_get_autocommit(k->db))
		sqlite3_exec(k->db, "ROLLBACK", NULL, NULL, NULL);
}

static void tell(struct keeper *k, int rc, const char *why)
{
	if (rc != SQLITE_OK && !k->failing)
		log_warn("the database cannot be thinned out: tried again",
		    LOG_S("error", why));
	k->failing = rc != SQLITE_OK;
}

static void count_time(struct keeper *k, int64_t took_us)
{
	k->counts.spent_us += took_us;
	if (took_us > k->counts.longest_us)
		k->counts.longest_us = took_us;
}

/* When to go on. */
static void rest(struct keeper *k, enum outcome o, int64_t took_us)
{
	const int64_t pause[] = {
		[WORKED] = 1 + REST * took_us / 1000,
		[PASS_OVER] = PASS_MS,
		[FAILED] = RETRY_MS,
	};

	if (o != WORKED) {
		k->task = 0;
		k->begun = false;
	}
	k->due = mono_add(clock_mono(), pause[o]);
}

/* What becomes too old by it does not wait for tomorrow. */
static void take_policy(struct keeper *k, const struct keep_policy *p)
{
	if (p->history_ms != k->policy.history_ms ||
	    p->statistics_ms != k->policy.statistics_ms)
		for (size_t i = 0; i < keep_ntasks; i++)
			k->next[i] = clock_mono();
	k->policy = *p;
}

int keeper_step(struct keeper *k, const struct keep_policy *p)
{
	int64_t began = clock_mono_us(), took, *width = NULL;
	enum outcome o;
	struct err why;
	int rc;

	take_policy(k, p);
	k->deleted = 0;
	/* Somebody else's transaction is no reason to wait. */
	sqlite3_busy_timeout(k->db, 0);
	rc = work(k, &o, &width);
	if (rc != SQLITE_OK)
		err_set(&why, "%s", sqlite3_errmsg(k->db));
	clean_up(k);
	sqlite3_busy_timeout(k->db, FILE_BUSY_MS);
	took = clock_mono_us() - began;
	count_time(k, took);
	if (width != NULL && interrupted(rc, width))
		rc = SQLITE_OK;
	else if (width != NULL && o == WORKED)
		adapt(width, took, k->deleted);
	tell(k, rc, why.text);
	rest(k, rc != SQLITE_OK ? FAILED : o, took);
	return rc;
}

int keeper_due_ms(const struct keeper *k, mono_t now)
{
	int64_t ms = mono_since(now, k->due);

	return ms <= 0 ? 0 : (int)ms;
}

struct keep_counts keeper_counts(const struct keeper *k)
{
	return k->counts;
}

struct keeper *keeper_new(sqlite3 *db)
{
	struct keeper *k = xcalloc(1, sizeof(*k));

	k->db = db;
	sql_exec(db, keep_tables, NULL);	/* else tasks say what fails */
	k->width = xcalloc(keep_ntasks, sizeof(*k->width));
	k->next = xcalloc(keep_ntasks, sizeof(*k->next));
	for (size_t i = 0; i < keep_ntasks; i++)
		k->width[i] = 1;
	k->vacuum_pages = 16;
	k->due = mono_add(clock_mono(), FIRST_PASS_MS);
	return k;
}

void keeper_free(struct keeper *k)
{
	if (k == NULL)
		return;
	free(k->width);
	free(k->next);
	free(k);
}
