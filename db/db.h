#ifndef DB_DB_H
#define DB_DB_H

#include <stdbool.h>
#include <stdint.h>

#include "core/event.h"

struct err;
struct loop;
struct registry;
struct sample_sink;

/* The history database: one sqlite file, one thread that writes it.  The loop
 * hands over one unit of changes per flush and goes on at once; the thread
 * commits it as one transaction and acknowledges it. */
struct db;

/* Opens the file, creating or migrating it; takes the lock beside it (another
 * rollcall holding it is an error that names it).  A corrupt file is set
 * aside under a dated name, said in the log, and a fresh one started; one of
 * a newer version is refused.  Blocks: before the loop runs.  NULL with e. */
struct db *db_open(const char *path, struct err *e);

/* The name under which a corrupt file was set aside by db_open(), or NULL. */
const char *db_set_aside(const struct db *d);

/* Loads the last known set into a configured registry, and hands every saved
 * alert and every message not yet delivered to the functions.  Blocks. */
int db_restore(struct db *d, struct registry *r,
    void (*on_alert)(const struct alert_record *a, void *arg),
    void (*on_outbox)(const struct outbox_record *o, void *arg),
    void *arg, struct err *e);

/* Starts the writer.  Acknowledgements reach event_committed() on the loop. */
void db_start(struct db *d, struct loop *l, struct event_bus *b,
    struct registry *r);

/* How long the history and the statistics are kept, in ms; 0: for ever.  Any
 * time; on the loop. */
void db_keep(struct db *d, int64_t history_ms, int64_t statistics_ms);

/* What to put into the table of sinks. */
struct event_sink db_sink(struct db *d);

/* A source of samples (core/snapshot.h); arg is the db. */
void db_samples(void *arg, struct sample_sink *s);

/* Writes what is queued, waiting at most wait_ms, closes and frees.  true if
 * everything was written.  Before loop_free(). */
bool db_close(struct db *d, int wait_ms);

#endif
