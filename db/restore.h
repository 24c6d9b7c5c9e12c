#ifndef DB_RESTORE_H
#define DB_RESTORE_H

#include <sqlite3.h>

#include "core/event.h"

struct err;
struct registry;

/* Reading back the last known set at the start. */
struct restore {
	struct registry *registry;
	void (*on_alert)(const struct alert_record *a, void *arg);
	void (*on_outbox)(const struct outbox_record *o, void *arg);
	void *arg;
};

int restore_run(sqlite3 *db, struct restore *r, struct err *e);

/* Reads everything restore_run() will read and forgets it: finds damage while
 * there is still time to set the file aside. */
int restore_probe(sqlite3 *db, struct err *e);

#endif
