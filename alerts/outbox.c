/* Delivers rendered messages to webhooks.  A `target` is one webhook of one
 * receiver, with its counters; a `queue` holds the messages of one group for
 * one target, of which only the head is ever under way.  The group_key and
 * the body are nothing but text here.
 *
 * Every change of a message is an event, so the database follows without
 * anything here waiting for it.  Called by alerts.c and group.c. */
#include "alerts/outbox.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/due.h"
#include "alerts/gate.h"
#include "alerts/notify_config.h"
#include "alerts/tally.h"
#include "core/event.h"
#include "core/fetch.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/table.h"
#include "core/xalloc.h"

enum { ANSWER_MAX = 64 * 1024 };

struct message {
	struct message *next;
	int64_t id, attempts;
	uint64_t unit;
	wall_t created;
	char *payload;
};

struct target {
	char *key, *receiver, *integration;
	const struct webhook_config *config;	/* NULL: not configured */
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
	struct due due;			/* set: the head waits for then */
};

struct outbox {
	struct loop *loop;
	struct event_bus *bus;
	struct gate *gate;
	struct table *targets, *queues;
	struct due_list due;
	struct timer *timer;
	int64_t next_id;
	size_t untried;
	bool started;
};

static void pump_queue(struct queue *q, mono_t now);

/* --- targets and queues --- */

static struct target *target_of(struct outbox *o, const char *receiver,
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

static struct queue *queue_of(struct outbox *o, struct target *t,
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

static void message_free(struct message *m)
{
	free(m->payload);
	free(m);
}

static void queue_free(void *queue)
{
	struct queue *q = queue;

	fetch_cancel(q->fetch);
	while (q->head != NULL) {
		struct message *m = q->head;

		q->head = m->next;
		message_free(m);
	}
	free(q->key);
	free(q->group_key);
	free(q);
}

/* --- the saved form --- */

static void save(const struct queue *q, const struct message *m,
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

/* --- sending --- */

static void set_timer(struct outbox *o)
{
	struct due *first = due_first(&o->due);

	if (first != NULL)
		timer_set(o->timer, first->at);
	else
		timer_clear(o->timer);
}

static void count_tried(struct outbox *o, const struct message *m)
{
	if (m->attempts == 0)
		o->untried--;
}

/* The head is delivered or given up. */
static void finish(struct queue *q, const char *error)
{
	struct message *m = q->head;

	save(q, m, m->created, error, true);
	q->head = m->next;
	if (q->head == NULL)
		q->tail = &q->head;
	q->target->queued--;
	message_free(m);
}

static void give_up(struct queue *q, enum failure f, const char *why)
{
	struct target *t = q->target;

	log_error("message given up", LOG_S("receiver", t->receiver),
	    LOG_S("integration", t->integration),
	    LOG_S("group", q->group_key), LOG_I("attempts",
	    q->head->attempts), LOG_S("reason", why));
	t->tally.failures[f]++;
	finish(q, why);
}

static void try_later(struct queue *q, int64_t retry_after, const char *why,
    mono_t now)
{
	struct message *m = q->head;
	int shift = m->attempts < 20 ? (int)m->attempts - 1 : 20;
	int64_t wait = (int64_t)OUTBOX_BACKOFF_MIN_MS << shift;

	if (wait > OUTBOX_BACKOFF_MAX_MS)
		wait = OUTBOX_BACKOFF_MAX_MS;
	if (wait < retry_after)
		wait = retry_after;
	due_set(&q->outbox->due, &q->due, mono_add(now, wait));
	set_timer(q->outbox);
	save(q, m, wall_add(clock_history(now), wait), why, false);
}

static void log_trouble(struct target *t, bool failing, const char *why)
{
	if (failing && !t->failing)
		log_warn("receiver cannot be told, will try again",
		    LOG_S("receiver", t->receiver),
		    LOG_S("integration", t->integration),
		    LOG_S("reason", why));
	else if (!failing && t->failing)
		log_info("receiver takes messages again",
		    LOG_S("receiver", t->receiver),
		    LOG_S("integration", t->integration));
	t->failing = failing;
}

static void answered(struct fetch *f, struct fetch_answer *a, void *arg)
{
	struct queue *q = arg;
	enum failure failure = failure_of(a);
	enum outcome outcome = outcome_of(failure, a->status);
	mono_t now = clock_mono();
	char why[300];

	q->fetch = NULL;
	failure_text(a, why, sizeof(why));
	count_tried(q->outbox, q->head);
	q->head->attempts++;
	log_trouble(q->target, outcome == TRY_AGAIN, why);
	if (outcome == DELIVERED) {
		finish(q, NULL);
	} else if (outcome == GIVE_UP) {
		give_up(q, failure, why);
	} else {
		q->target->tally.failures[failure]++;
		try_later(q, retry_after_ms(fetch_header(f, "Retry-After"),
		    clock_wall()), why, now);
	}
	pump_queue(q, now);
}

static void start(struct queue *q)
{
	static const char *const headers[] = {
		"Content-Type: application/json", NULL
	};
	const struct webhook_config *c = q->target->config;
	struct message *m = q->head;

	if (m->attempts == 0)
		gate_passed(q->outbox->gate, m->unit);
	q->target->tally.attempts++;
	q->fetch = fetch_start(q->outbox->loop, &(struct fetch_request){
		.url = c->url, .headers = headers, .body = m->payload,
		.body_len = strlen(m->payload), .http = &c->http_config,
		.connect_ms = c->timeout_ms, .deadline_ms = c->timeout_ms,
		.max_body = ANSWER_MAX,
		.on_done = answered, .arg = q,
	});
}

static bool too_old(const struct message *m, mono_t now)
{
	return clock_history(now).ms - m->created.ms >= OUTBOX_MAX_AGE_MS;
}

static void pump_queue(struct queue *q, mono_t now)
{
	struct outbox *o = q->outbox;

	while (q->head != NULL && q->fetch == NULL && q->due.place == 0) {
		if (q->head->unit > gate_open_unit(o->gate))
			return;
		bool configured = q->target->config != NULL;

		if (configured && !too_old(q->head, now)) {
			start(q);
			return;
		}
		count_tried(o, q->head);
		give_up(q, configured ? FAILED_EXPIRED : FAILED_UNCONFIGURED,
		    configured ? "not delivered within 24h" :
		    "the receiver is no longer configured");
	}
}

static void pump_due(void *outbox, mono_t now)
{
	struct outbox *o = outbox;
	struct due *d;

	while ((d = due_first(&o->due)) != NULL && mono_due(d->at, now)) {
		struct queue *q = (struct queue *)(void *)((char *)d -
		    offsetof(struct queue, due));

		due_clear(&o->due, d);
		pump_queue(q, now);
	}
	set_timer(o);
}

void outbox_pump(struct outbox *o, mono_t now)
{
	size_t cursor = 0;
	void *q;

	if (!o->started)
		return;
	while (table_next(o->queues, &cursor, NULL, &q))
		pump_queue(q, now);
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
	struct queue *q = queue_of(o, target_of(o, receiver, integration),
	    group_key);
	struct message *m = xcalloc(1, sizeof(*m));

	m->id = o->next_id++;
	m->unit = gate_wait(o->gate);
	m->created = clock_now();
	m->payload = xstrdup(payload);
	append(q, m);
	save(q, m, m->created, NULL, false);
}

void outbox_restore(struct outbox *o, const struct outbox_record *r)
{
	struct queue *q = queue_of(o, target_of(o, r->receiver,
	    r->integration), r->group_key);
	struct message *m = xcalloc(1, sizeof(*m));
	mono_t now = clock_mono();
	int64_t wait = r->next_try.ms - clock_history(now).ms;

	m->id = r->id;
	m->attempts = r->attempts;
	m->created = r->created;
	m->payload = xstrdup(r->payload);
	if (r->id >= o->next_id)
		o->next_id = r->id + 1;
	append(q, m);
	if (wait > OUTBOX_BACKOFF_MAX_MS)
		wait = OUTBOX_BACKOFF_MAX_MS;
	if (wait > 0 && q->head == m)
		due_set(&o->due, &q->due, mono_add(now, wait));
}

void outbox_start(struct outbox *o, mono_t now)
{
	o->started = true;
	set_timer(o);
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
	o->queues = table_new(queue_free);
	o->timer = timer_new(l, pump_due, o);
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
		target_of(o, r->name, outbox_integration(i, integration))->
		    config = receiver_webhook(r, i);
}

void outbox_configure(struct outbox *o, const struct notify_config *n)
{
	const struct receiver_config *r = n ? n->receivers.v : NULL;
	size_t cursor = 0;
	void *t;

	while (table_next(o->targets, &cursor, NULL, &t))
		((struct target *)t)->config = NULL;
	for (size_t i = 0; n != NULL && i < n->receivers.n; i++)
		configure_receiver(o, &r[i]);
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
