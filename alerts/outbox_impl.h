#ifndef ALERTS_OUTBOX_IMPL_H
#define ALERTS_OUTBOX_IMPL_H

#include "alerts/due.h"
#include "alerts/outbox.h"
#include "alerts/tally.h"

struct webhook_config;

/* What outbox.c, outbox_send.c and outbox_move.c share and nobody else sees.
 * A `target` is one webhook of one receiver, with its counters; a `queue`
 * holds the messages of one group for one target, of which only the head is
 * ever under way. */
struct message {
	struct message *next;
	int64_t id, attempts;
	uint64_t unit;
	wall_t created;			/* to be shown */
	mono_t made;			/* to count its age */
	char *payload;
};

struct target {
	char *key, *receiver, *integration;
	const struct webhook_config *config;	/* NULL: not configured */
	const struct webhook_config *was;	/* during a reload: before */
	size_t queued;
	bool failing;
	struct tally tally;
};

struct queue {
	char *key, *group_key;
	struct outbox *outbox;
	struct target *target;
	struct message *head, **tail;
	struct fetch *fetch;
	mono_t tried;			/* the last answer */
	mono_t not_before;		/* what Retry-After said then */
	struct due due;			/* set: the head waits for then */
};

struct outbox {
	struct loop *loop;
	struct event_bus *bus;
	struct gate *gate;
	const struct notify_config *config;
	struct table *targets, *queues;
	struct due_list due;
	struct timer *timer;
	int64_t next_id;
	size_t untried;
	bool started;
};

struct target *outbox_target(struct outbox *o, const char *receiver,
    const char *integration);
struct queue *outbox_queue_of(struct outbox *o, struct target *t,
    const char *group_key);
void outbox_queue_free(void *queue);
void outbox_message_free(struct message *m);

/* Emits the row of a message. */
void outbox_save(const struct queue *q, const struct message *m,
    wall_t next_try, const char *error, bool done);

/* Sends the head if it may leave; gives up heads that may not be sent. */
void outbox_pump_queue(struct queue *q, mono_t now);

/* If the queue waits after a failure, it waits no longer than a second from
 * the last one, or what the receiver asked for. */
void outbox_hurry(struct queue *q);
void outbox_hurry_all(struct outbox *o);

void outbox_set_timer(struct outbox *o);
void outbox_on_timer(void *outbox, mono_t now);

/* The receivers are others: queues of webhooks that are gone, or have got
 * another place, go to where these messages belong now. */
void outbox_move_queues(struct outbox *o);

#endif
