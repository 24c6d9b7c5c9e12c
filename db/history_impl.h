#ifndef DB_HISTORY_IMPL_H
#define DB_HISTORY_IMPL_H

#include <stdbool.h>
#include <stdint.h>

#include <sqlite3.h>

#include "core/clock.h"
#include "core/history.h"
#include "db/stays.h"

/* Shared by the files that answer questions: history.c, uptime_instances.c,
 * uptime_services.c, outages.c, events.c. */
struct session {
	sqlite3 *db;
	struct stays *stays;
	int64_t limit_ms;		/* 0: none */
	mono_t deadline;		/* of the question being answered */
	bool late;			/* it was cut off */
	bool bad;			/* it asked for too much */
	void (*progress)(double share, void *arg);
	void *arg;
};

/* Each returns 1, or -1 with e, or 0 if fn wanted no more.  They run in a read
 * transaction, which is over when fn is called the first time. */
int uptime_instances(struct session *s, const struct history_uptime_query *q,
    bool (*fn)(const struct history_uptime *row, void *arg), void *arg,
    struct err *e);
int uptime_services(struct session *s, const struct history_uptime_query *q,
    bool (*fn)(const struct history_uptime *row, void *arg), void *arg,
    struct err *e);
int outages_instances(struct session *s,
    const struct history_outages_query *q,
    bool (*fn)(const struct history_outage *row, void *arg), void *arg,
    struct err *e);
int outages_services(struct session *s,
    const struct history_outages_query *q,
    bool (*fn)(const struct history_outage *row, void *arg), void *arg,
    struct err *e);
int events_find(struct session *s, const struct history_events_query *q,
    bool (*fn)(const struct history_event *row, void *arg), void *arg,
    struct err *e);

/* A read transaction for several statements. */
int session_begin(struct session *s, struct err *e);
void session_end(struct session *s);

/* True, with e, if there would be more than a million rows. */
bool session_too_many(struct session *s, size_t subjects,
    const struct history_uptime_query *q, struct err *e);

#endif
