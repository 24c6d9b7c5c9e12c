#ifndef DB_QUEUE_H
#define DB_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "db/unit.h"

/* Units on their way from the loop to the writer.  Every function is brief
 * under one mutex: the loop never waits for what the writer does with the
 * disk. */
struct queue;

struct queue_limits {
	size_t statistics_units;	/* more waiting: statistics dropped */
	size_t statistics_bytes;
	size_t collapse_bytes;		/* more: units are merged */
};

struct queue_counts {
	size_t units, bytes;		/* waiting or being written */
	uint64_t statistics_dropped, transitions_collapsed;
};

/* limits NULL: 1000 units, 16 MiB, 64 MiB. */
struct queue *queue_new(const struct queue_limits *limits);
void queue_free(struct queue *q);		/* NULL is a no-op */

/* Takes the unit.  Loop. */
void queue_push(struct queue *q, struct unit *u);

/* Moves the oldest units to *out (initialized, empty): at least one if there
 * is any, and more while they are within both limits.  Writer. */
size_t queue_take(struct queue *q, struct units *out, size_t max_units,
    size_t max_bytes);

/* What was taken could not be written: puts it back in front. */
void queue_give_back(struct queue *q, struct units *taken);

/* What was taken is written: frees it.  Returns the last unit's number. */
uint64_t queue_done(struct queue *q, struct units *taken);

struct queue_counts queue_counts(struct queue *q);

#endif
