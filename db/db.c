/* The database as the rest of rollcall sees it: a sink of events and a source
 * of samples on the loop.  Ties the parts together: file.c opens, restore.c
 * reads back, record.c makes rows of events, queue.c carries them over,
 * writer.c commits them and comes back through loop_post(). */
#include "db/db.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "core/loop.h"
#include "core/snapshot.h"
#include "core/xalloc.h"
#include "db/file.h"
#include "db/queue.h"
#include "db/record.h"
#include "db/restore.h"
#include "db/unit.h"
#include "db/writer.h"

struct db {
	struct db_file file;		/* the writer's once it is started */
	char *set_aside;
	struct recorder *recorder;
	struct unit *filling;
	struct keep_policy policy;
	struct queue *queue;
	struct writer *writer;		/* NULL before db_start() */
	struct loop *loop;
	struct event_bus *bus;
	pthread_mutex_t mutex;		/* for the two below */
	uint64_t committed;
	bool posted;
};

static void db_free(struct db *d)
{
	recorder_free(d->recorder);
	unit_free(d->filling);
	free(d->set_aside);
	pthread_mutex_destroy(&d->mutex);
	free(d);
}

struct db *db_open(const char *path, struct err *e)
{
	struct db *d = xcalloc(1, sizeof(*d));

	pthread_mutex_init(&d->mutex, NULL);
	if (file_open(&d->file, path, e) == 0) {
		d->set_aside = xstrdup(d->file.set_aside);
		d->recorder = recorder_new(d->file.db, e);
		if (d->recorder != NULL) {
			d->filling = unit_new();
			d->queue = queue_new(NULL);
			return d;
		}
		file_close(&d->file);
	}
	db_free(d);
	return NULL;
}

const char *db_set_aside(const struct db *d)
{
	return d->set_aside;
}

int db_restore(struct db *d, struct registry *r,
    void (*on_alert)(const struct alert_record *a, void *arg),
    void (*on_outbox)(const struct outbox_record *o, void *arg),
    void *arg, struct err *e)
{
	struct restore restore = { r, on_alert, on_outbox, arg };

	assert(d->writer == NULL);
	return restore_run(d->file.db, &restore, e);
}

/* On the loop: tells how far everything is committed. */
static void acknowledge(void *arg)
{
	struct db *d = arg;
	uint64_t committed;

	pthread_mutex_lock(&d->mutex);
	committed = d->committed;
	d->posted = false;
	pthread_mutex_unlock(&d->mutex);
	event_committed(d->bus, committed, loop_now(d->loop));
}

/* On the writer's thread.  One post is under way at a time. */
static void committed(void *arg, uint64_t number)
{
	struct db *d = arg;
	bool post;

	pthread_mutex_lock(&d->mutex);
	d->committed = number;
	post = !d->posted;
	d->posted = true;
	pthread_mutex_unlock(&d->mutex);
	if (post)
		loop_post(d->loop, acknowledge, d);
}

void db_start(struct db *d, struct loop *l, struct event_bus *b,
    struct registry *r)
{
	assert(d->writer == NULL);
	d->loop = l;
	d->bus = b;
	(void)r;
	d->writer = writer_start(&d->file, d->queue, committed, d);
	writer_keep(d->writer, &d->policy);
}

void db_keep(struct db *d, int64_t history_ms, int64_t statistics_ms)
{
	d->policy = (struct keep_policy){ history_ms, statistics_ms };
	if (d->writer != NULL)
		writer_keep(d->writer, &d->policy);
}

static void on_event(void *arg, const struct event *e)
{
	struct db *d = arg;

	recorder_event(d->recorder, d->filling, e);
}

static void on_unit(void *arg, uint64_t unit, mono_t now)
{
	struct db *d = arg;

	(void)now;
	recorder_unit(d->recorder, d->filling);
	d->filling->number = unit;
	queue_push(d->queue, d->filling);
	d->filling = unit_new();
	if (d->writer != NULL)
		writer_wake(d->writer);
}

struct event_sink db_sink(struct db *d)
{
	return (struct event_sink){
		.name = "db", .on_event = on_event, .on_unit = on_unit,
		.arg = d,
	};
}

static void keep_samples(const struct keep_counts *k, struct sample_sink *s)
{
	sample_add(s, M_db_free, (double)k->free_bytes);
	sample_add(s, M_db_rows_deleted, (double)k->deleted[KEEP_THINNED],
	    "thinned");
	sample_add(s, M_db_rows_deleted, (double)k->deleted[KEEP_RETENTION],
	    "retention");
	sample_add(s, M_db_housekeeping, (double)k->spent_us / 1e6);
	sample_add(s, M_db_housekeeping_longest, (double)k->longest_us / 1e6);
}

void db_samples(void *arg, struct sample_sink *s)
{
	struct db *d = arg;
	struct queue_counts q = queue_counts(d->queue);
	struct writer_counts w = { .up = true };

	if (d->writer != NULL)
		w = writer_counts(d->writer);
	sample_add(s, M_db_up, w.up);
	sample_add(s, M_db_commits, (double)w.commits);
	sample_add(s, M_db_failures, (double)w.failures);
	sample_add(s, M_db_queue_units, (double)q.units);
	sample_add(s, M_db_queue_bytes, (double)q.bytes);
	sample_add(s, M_db_statistics_dropped, (double)q.statistics_dropped);
	sample_add(s, M_db_transitions_collapsed,
	    (double)q.transitions_collapsed);
	sample_add(s, M_db_size, (double)w.size);
	sample_add(s, M_db_wal_size, (double)w.wal_size);
	keep_samples(&w.keep, s);
}

bool db_close(struct db *d, int wait_ms)
{
	enum writer_end end = WRITER_DONE;

	if (d->writer != NULL) {
		end = writer_stop(d->writer, wait_ms);
	} else {
		file_close(&d->file);
		queue_free(d->queue);
	}
	if (end != WRITER_HANGS)	/* else its thread still looks at d */
		db_free(d);
	return end == WRITER_DONE;
}
