#ifndef DB_UPTIME_SERVICES_H
#define DB_UPTIME_SERVICES_H

#include <stddef.h>
#include <stdint.h>

#include "db/subjects.h"
#include "db/tally.h"

struct session;

/* What services did, from what their instances did. */
struct service_times;

struct service_piece {
	struct piece piece;
	int64_t min;		/* in force; -1: not expected */
	int64_t up;		/* instances, by the books */
	int64_t stay;		/* of an instance, the last that began */
};

/* 1, or -1 with e.  Free *times_r in both cases.  The subjects must live as
 * long, with their services loaded. */
int service_times_load(struct session *s, const struct subjects *subjects,
    int64_t from, int64_t to, struct service_times **times_r, struct err *e);
void service_times_free(struct service_times *times);	/* NULL: a no-op */

/* Calls fn for each piece of [from, to), in order, of the service with that
 * index.  min: instead of the minimum in force where it was expected, or
 * -1. */
void service_times_sweep(const struct service_times *times, size_t service,
    int64_t min, void (*fn)(const struct service_piece *p, void *arg),
    void *arg);

#endif
