/* Sends what is queued: one message of a queue at a time, tries again what
 * failed, gives up what nobody will have.  What is queued where is decided in
 * outbox.c; what an answer means, in tally.c. */
#include "alerts/outbox_impl.h"

#include <stddef.h>
#include <string.h>

#include "alerts/gate.h"
#include "alerts/notify_config.h"
#include "core/fetch.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/table.h"

enum { ANSWER_MAX = 64 * 1024 };

void outbox_set_timer(struct outbox *o)
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

	outbox_save(q, m, m->created, error, true);
	q->head = m->next;
	if (q->head == NULL)
		q->tail = &q->head;
	q->target->queued--;
	outbox_message_free(m);
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
	q->tried = now;
	q->not_before = mono_add(now, retry_after);
	due_set(&q->outbox->due, &q->due, mono_add(now, wait));
	outbox_set_timer(q->outbox);
	outbox_save(q, m, wall_add(clock_history(now), wait), why, false);
}

void outbox_hurry(struct queue *q)
{
	mono_t at = mono_add(q->tried, OUTBOX_BACKOFF_MIN_MS);

	if (at.ms < q->not_before.ms)
		at = q->not_before;
	if (q->due.place == 0 || q->due.at.ms <= at.ms)
		return;
	due_set(&q->outbox->due, &q->due, at);
	if (q->outbox->started)
		outbox_set_timer(q->outbox);
}

void outbox_hurry_all(struct outbox *o)
{
	size_t cursor = 0;
	void *q;

	while (table_next(o->queues, &cursor, NULL, &q))
		outbox_hurry(q);
}

/* The webhook takes messages again: no group waits out its time. */
static void hurry_others(const struct queue *q)
{
	size_t cursor = 0;
	void *value;

	while (table_next(q->outbox->queues, &cursor, NULL, &value))
		if (((struct queue *)value)->target == q->target)
			outbox_hurry(value);
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
	if (outcome == DELIVERED && q->target->failing)
		hurry_others(q);
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
	outbox_pump_queue(q, now);
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
	return mono_since(m->made, now) >= OUTBOX_MAX_AGE_MS;
}

void outbox_pump_queue(struct queue *q, mono_t now)
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

void outbox_on_timer(void *outbox, mono_t now)
{
	struct outbox *o = outbox;
	struct due *d;

	while ((d = due_first(&o->due)) != NULL && mono_due(d->at, now)) {
		struct queue *q = (struct queue *)(void *)((char *)d -
		    offsetof(struct queue, due));

		due_clear(&o->due, d);
		outbox_pump_queue(q, now);
	}
	outbox_set_timer(o);
}
