#ifndef DB_RECORD_H
#define DB_RECORD_H

#include <sqlite3.h>

#include "core/event.h"

struct err;
struct unit;

/* From events to rows: which event writes what. */
struct recorder;

/* Reads from the database what was written last.  NULL with e. */
struct recorder *recorder_new(sqlite3 *db, struct err *e);
void recorder_free(struct recorder *r);		/* NULL is a no-op */

/* Adds to the unit what the event is to write.  Everything is copied. */
void recorder_event(struct recorder *r, struct unit *u,
    const struct event *e);

/* All events of the unit are in: adds what is written once.  What they pointed
 * to must still be there. */
void recorder_unit(struct recorder *r, struct unit *u);

/* The rows of a round of polls (stats.c). */
void stats_record(struct unit *u, const struct member *m, wall_t at);

#endif
