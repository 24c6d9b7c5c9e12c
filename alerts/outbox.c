/* Delivers rendered messages to webhooks: what is queued, in memory and in
 * the database, and where webhooks are.  How a message is sent is in
 * outbox_send.c, what becomes of messages when the receivers change in
 * outbox_move.c.  The group_key and the body are nothing but text here.
 *
 * Every change of a message is an event, so the database follows without
 * anything here waiting for it.  Called by alerts.c and group.c. */
#include "alerts/outbox_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/gate.h"
#include "alerts/notify_config.h"
#include "core/event.h"
#include "core/fetch.h"
#include "core/loop.h"
#include "core/table.h"
#include "core/xalloc.h"

/* --- targets and queues --- */

struct target *outbox_target(struct outbox *o, const char *receiver,
    const char *integration)
{
	char *key = xasprintf("%s\xff%s", receiver, integration);
	struct target *t = table_get(o->targets, key);

	if (t != NULL) {
		free(key);
		return t;
	}
	t = xcalloc(1, sizeof(*t));
	t->key = key;
	t->receiver = xstrdup(receiver);
	t->integration = xstrdup(integration);
	table_put(o->targets, t->key, t);
	return t;
}

static void target_free(void *target)
{
	struct target *t = target;

	free(t->key);
	free(t->receiver);
	free(t->integration);
	free(t);
}

struct queue *outbox_queue_of(struct outbox *o, struct target *t,
    const char *group_key)
{
	char *key = xasprintf("%s\xff%s", t->key, group_key);
	struct queue *q = table_get(o->queues, key);

	if (q != NULL) {
		free(key);
		return q;
	}
	q = xcalloc(1, sizeof(*q));
	q->key = key;
	q->group_key = xstrdup(group_key);
	q->outbox = o;
	q->target = t;
	q->tail = &q->head;
	table_put(o->queues, q->key, q);
	return q;
}

void outbox_message_free(struct message *m)
{
	free(m->payload);
	free(m);
}

void outbox_queue_free(void *queue)
{
	struct queue *q = queue;

	fetch_cancel(q->fetch);
	while (q->head != NULL) {
		struct message *m = q->head;

		q->head = m->next;
		outbox_message_free(m);
	}
	free(q->key);
	free(q->group_key);
	free(q);
}

/* --- the saved form --- */

void outbox_save(const struct queue *q, const struct message *m,
    wall_t next_try, const char *error, bool done)
{
	struct event e = { .type = EVENT_OUTBOX };

	e.outbox = (struct outbox_record){
		.id = m->id, .receiver = q->target->receiver,
		.integration = q->target->integration,
		.group_key = q->group_key,
		.payload = done ? "" : m->payload,
		.created = m->created, .next_try = next_try,
		.attempts = m->attempts, .last_error = error, .done = done,
	};
	event_emit(q->outbox->bus, &e);
}

void outbox_pump(struct outbox *o, mono_t now)
{
	size_t cursor = 0;
	void *q;

	if (!o->started)
		return;
	while (table_next(o->queues, &cursor, NULL, &q))
		outbox_pump_queue(q, now);
}

/* --- queueing --- */

static void append(struct queue *q, struct message *m)
{
	*q->tail = m;
	q->tail = &m->next;
	q->target->queued++;
	if (m->attempts == 0)
		q->outbox->untried++;
}

const char *outbox_integration(size_t i, char out[INTEGRATION_MAX])
{
	if (i == 0)
		snprintf(out, INTEGRATION_MAX, "webhook");
	else
		snprintf(out, INTEGRATION_MAX, "webhook[%zu]", i);
	return out;
}

void outbox_queue(struct outbox *o, const char *receiver,
    const char *integration, const char *group_key, const char *payload)
{
	struct queue *q = outbox_queue_of(o, outbox_target(o, receiver,
	    integration), group_key);
	struct message *m = xcalloc(1, sizeof(*m));

	m->id = o->next_id++;
	m->unit = gate_wait(o->gate);
	m->created = clock_now();
	m->made = clock_mono();
	m->payload = xstrdup(payload);
	append(q, m);
	outbox_save(q, m, m->created, NULL, false);
	outbox_hurry(q);
}

/* How old a message of an earlier process is can only be told by history time,
 * of this one by the monotonic clock, which does not jump. */
static mono_t made_at(wall_t created, mono_t now)
{
	int64_t age = clock_history(now).ms - created.ms;

	if (age < 0)
		age = 0;
	if (age > OUTBOX_MAX_AGE_MS)
		age = OUTBOX_MAX_AGE_MS;
	return mono_add(now, -age);
}

void outbox_restore(struct outbox *o, const struct outbox_record *r)
{
	struct queue *q = outbox_queue_of(o, outbox_target(o, r->receiver,
	    r->integration), r->group_key);
	struct message *m = xcalloc(1, sizeof(*m));
	mono_t now = clock_mono();
	int64_t wait = r->next_try.ms - clock_history(now).ms;

	m->id = r->id;
	m->attempts = r->attempts;
	m->created = r->created;
	m->made = made_at(r->created, now);
	m->payload = xstrdup(r->payload);
	if (r->id >= o->next_id)
		o->next_id = r->id + 1;
	append(q, m);
	if (wait > OUTBOX_BACKOFF_MAX_MS)
		wait = OUTBOX_BACKOFF_MAX_MS;
	if (wait <= 0 || q->head != m)
		return;
	q->tried = now;			/* by the process before, lately */
	due_set(&o->due, &q->due, mono_add(now, wait));
}

void outbox_start(struct outbox *o, mono_t now)
{
	o->started = true;
	outbox_move_queues(o);
	outbox_set_timer(o);
	outbox_pump(o, now);
}

/* --- the rest --- */

struct outbox *outbox_new(struct loop *l, struct event_bus *b, struct gate *g)
{
	struct outbox *o = xcalloc(1, sizeof(*o));

	o->loop = l;
	o->bus = b;
	o->gate = g;
	o->targets = table_new(target_free);
	o->queues = table_new(outbox_queue_free);
	o->timer = timer_new(l, outbox_on_timer, o);
	o->next_id = 1;
	return o;
}

void outbox_free(struct outbox *o)
{
	if (o == NULL)
		return;
	table_free(o->queues);
	table_free(o->targets);
	due_list_fini(&o->due);
	timer_free(o->timer);
	free(o);
}

static void configure_receiver(struct outbox *o,
    const struct receiver_config *r)
{
	char integration[INTEGRATION_MAX];

	for (size_t i = 0; i < r->webhooks.n; i++)
		outbox_target(o, r->name, outbox_integration(i, integration))->
		    config = receiver_webhook(r, i);
}

static void begin_reload(struct outbox *o)
{
	size_t cursor = 0;
	void *value;

	while (table_next(o->targets, &cursor, NULL, &value)) {
		struct target *t = value;

		t->was = t->config;
		t->config = NULL;
	}
}

static void end_reload(struct outbox *o)
{
	size_t cursor = 0;
	void *t;

	while (table_next(o->targets, &cursor, NULL, &t))
		((struct target *)t)->was = NULL;
}

void outbox_configure(struct outbox *o, const struct notify_config *n)
{
	const struct receiver_config *r = n ? n->receivers.v : NULL;

	o->config = n;
	begin_reload(o);
	for (size_t i = 0; n != NULL && i < n->receivers.n; i++)
		configure_receiver(o, &r[i]);
	if (o->started) {
		outbox_move_queues(o);
		outbox_hurry_all(o);
	}
	end_reload(o);
}

bool outbox_drained(const struct outbox *o)
{
	return o->untried == 0;
}

void outbox_samples(const struct outbox *o, struct sample_sink *s)
{
	size_t cursor = 0;
	void *value;

	while (table_next(o->targets, &cursor, NULL, &value)) {
		const struct target *t = value;

		tally_samples(&t->tally, t->receiver, t->integration,
		    t->queued, s);
	}
}
