#ifndef ALERTS_OUTBOX_H
#define ALERTS_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "core/clock.h"

struct event_bus;
struct gate;
struct loop;
struct notify_config;
struct outbox_record;
struct sample_sink;

/* The durable queue to receivers.  Messages of one receiver and group are
 * delivered in order, one at a time, at least once: a message is a row of the
 * table outbox from when it is queued until it is delivered or given up. */
struct outbox;

enum {
	OUTBOX_BACKOFF_MIN_MS = 1000,
	OUTBOX_BACKOFF_MAX_MS = 60 * 1000,
	OUTBOX_MAX_AGE_MS = 24 * 60 * 60 * 1000,
	INTEGRATION_MAX = 32,
};

struct outbox *outbox_new(struct loop *l, struct event_bus *b,
    struct gate *g);
void outbox_free(struct outbox *o);		/* NULL is a no-op */

/* Where receivers are from now on; n (may be NULL) lives until the next
 * call, and until that has returned.  What is queued for a webhook that has
 * another place now, or whose receiver has another name, goes there; for one
 * that is gone it is given up. */
void outbox_configure(struct outbox *o, const struct notify_config *n);

/* A message saved earlier, oldest first; sent once outbox_start() was
 * called. */
void outbox_restore(struct outbox *o, const struct outbox_record *r);
void outbox_start(struct outbox *o, mono_t now);

/* The name of the i-th webhook of a receiver: "webhook", "webhook[1]"... */
const char *outbox_integration(size_t i, char out[INTEGRATION_MAX]);

/* Queues a message; leaves when its unit is let through. */
void outbox_queue(struct outbox *o, const char *receiver,
    const char *integration, const char *group_key, const char *payload);

/* Units were let through: sends what may leave. */
void outbox_pump(struct outbox *o, mono_t now);

/* No message waits for its first attempt. */
bool outbox_drained(const struct outbox *o);

void outbox_samples(const struct outbox *o, struct sample_sink *s);

#endif
