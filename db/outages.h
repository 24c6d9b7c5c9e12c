#ifndef DB_OUTAGES_H
#define DB_OUTAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/history.h"
#include "db/tally.h"

struct session;
struct subjects;

/* A list of outages while it is put together. */
struct outage {
	size_t who;			/* index of a subject or a service */
	int64_t from, to;		/* INT64_MAX: it goes on */
	int64_t stay;			/* the one it begins with, or 0 */
	int64_t row;			/* of the roll; 0: a service */
	int64_t ms[PIECE_CLASSES];	/* inside the range */
	int64_t min, up_least;
};

struct outages {
	struct outage *v;
	size_t n, cap;
};

struct outage *outages_add(struct outages *o, const struct outage *one);

/* Tells those with any time down inside the range, newest first, as the limit
 * and offset have it.  Names come from the subjects.  1, 0 or -1 as in
 * history_impl.h. */
int outages_tell(struct session *s, const struct subjects *subjects,
    struct outages *o, const struct history_outages_query *q,
    bool (*fn)(const struct history_outage *row, void *arg), void *arg,
    struct err *e);

#endif
