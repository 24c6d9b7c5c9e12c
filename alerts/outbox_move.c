/* Where queued messages go when the notify file changes.  A webhook is known
 * by its URL: the one a message was made for keeps it, whatever its receiver
 * is called now and wherever it stands in the list.  A place whose URL was
 * corrected keeps its messages, too.  Called by outbox.c at a reload, and at
 * the start, since the file may have changed in between. */
#include "alerts/outbox_impl.h"

#include <stdlib.h>
#include <string.h>

#include "alerts/notify_config.h"
#include "core/fetch.h"
#include "core/log.h"
#include "core/table.h"
#include "core/xalloc.h"

static bool same_url(const struct webhook_config *a,
    const struct webhook_config *b)
{
	return a != NULL && b != NULL && a->url != NULL && b->url != NULL &&
	    strcmp(a->url, b->url) == 0;
}

/* The webhook of r that t was until now, or NULL. */
static struct target *moved_to(struct outbox *o,
    const struct receiver_config *r, const struct target *t)
{
	char integration[INTEGRATION_MAX];

	for (size_t i = 0; i < r->webhooks.n; i++)
		if (same_url(t->was, receiver_webhook(r, i)))
			return outbox_target(o, r->name,
			    outbox_integration(i, integration));
	return NULL;
}

/* Its receiver has another name: the same place of the one that is used. */
static struct target *heir_of(struct outbox *o,
    const struct receiver_config *r, const struct target *t)
{
	char integration[INTEGRATION_MAX];

	if (notify_config_receiver(o->config, t->receiver) != NULL)
		return NULL;
	for (size_t i = 0; i < r->webhooks.n; i++)
		if (strcmp(outbox_integration(i, integration),
		    t->integration) == 0)
			return outbox_target(o, r->name, integration);
	return NULL;
}

static struct target *destination(struct outbox *o, struct target *t)
{
	const struct receiver_config *r;
	struct target *to;

	if (o->config == NULL || same_url(t->was, t->config))
		return t;
	r = notify_config_receiver(o->config, o->config->route.receiver);
	if (r == NULL)
		return t;
	to = moved_to(o, r, t);
	if (to == NULL && t->config == NULL)
		to = heir_of(o, r, t);
	return to ? to : t;
}

/* In the order they were made in; but what is under way stays first. */
static void insert(struct queue *q, struct message *m)
{
	struct message **at = &q->head;

	if (q->fetch != NULL)
		at = &q->head->next;
	while (*at != NULL && (*at)->id < m->id)
		at = &(*at)->next;
	m->next = *at;
	*at = m;
	if (m->next == NULL)
		q->tail = &m->next;
}

/* Takes the messages and frees the queue they were in. */
static void move(struct queue *from, struct target *to)
{
	struct outbox *o = from->outbox;
	struct queue *q = outbox_queue_of(o, to, from->group_key);
	struct message *m;

	while ((m = from->head) != NULL) {
		from->head = m->next;
		insert(q, m);
		from->target->queued--;
		to->queued++;
		outbox_save(q, m, m->created, NULL, false);
	}
	outbox_queue_free(from);
}

struct leaving {
	struct queue *queue;
	struct target *to;
};

/* All are taken out before any is put back: two webhooks may have changed
 * places. */
static size_t take_out(struct outbox *o, struct leaving *v)
{
	size_t cursor = 0, n = 0;
	void *value;

	while (table_next(o->queues, &cursor, NULL, &value)) {
		struct queue *q = value;
		struct target *to = q->head == NULL ? q->target :
		    destination(o, q->target);

		if (to == q->target)
			continue;
		table_del(o->queues, q->key);
		due_clear(&o->due, &q->due);
		fetch_cancel(q->fetch);
		q->fetch = NULL;
		v[n++] = (struct leaving){ q, to };
	}
	return n;
}

void outbox_move_queues(struct outbox *o)
{
	struct leaving *v = xcalloc(table_count(o->queues) + 1, sizeof(*v));
	size_t n = take_out(o, v);

	for (size_t i = 0; i < n; i++)
		log_info("messages go to another receiver",
		    LOG_S("group", v[i].queue->group_key),
		    LOG_S("from", v[i].queue->target->receiver),
		    LOG_S("to", v[i].to->receiver),
		    LOG_S("integration", v[i].to->integration));
	for (size_t i = 0; i < n; i++)
		move(v[i].queue, v[i].to);
	free(v);
}
