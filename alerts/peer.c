/* Speaks to one Alertmanager.  An alert has a node here, which is in one of
 * three lists: `edges` (to be sent as soon as may be), `sent` (ordered by
 * when, so that its head is the next to repeat) and `inflight`.  A batch is
 * rendered when it leaves, so what is sent is the latest state; a node that
 * changes while it is under way goes through `edges` again.
 *
 * Repeating every minute is the retry; only edges that were never delivered
 * are tried again sooner.  A 400 is never retried early: Alertmanager has
 * stored the valid part of the batch and would say the same again. */
#include "alerts/peer.h"

#include <stdlib.h>

#include "alerts/alert.h"
#include "alerts/alertmanager.h"
#include "alerts/gate.h"
#include "core/buf.h"
#include "core/config.h"
#include "core/fetch.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/xalloc.h"

enum {
	BODY_MAX = 64 * 1024 * 1024,
	ANSWER_MAX = 64 * 1024,
	BAD_REQUEST = 400,
};

/* --- lists --- */

static void unlink_node(struct am_node *n)
{
	struct am_list *l = n->list;

	if (l == NULL)
		return;
	if (n->prev != NULL)
		n->prev->next = n->next;
	else
		l->head = n->next;
	if (n->next != NULL)
		n->next->prev = n->prev;
	else
		l->tail = n->prev;
	l->n--;
	n->prev = n->next = NULL;
	n->list = NULL;
}

static void append(struct am_list *l, struct am_node *n)
{
	unlink_node(n);
	n->list = l;
	n->prev = l->tail;
	if (l->tail != NULL)
		l->tail->next = n;
	else
		l->head = n;
	l->tail = n;
	l->n++;
}

static void prepend(struct am_list *l, struct am_node *n)
{
	unlink_node(n);
	n->list = l;
	n->next = l->head;
	if (l->head != NULL)
		l->head->prev = n;
	else
		l->tail = n;
	l->head = n;
	l->n++;
}

/* --- sending --- */

/* Moves to inflight what may leave now. */
static void collect(struct peer *p, mono_t now)
{
	uint64_t open = gate_open_unit(p->shared->gate);
	struct am_node *n;

	while (p->inflight.n < AM_BATCH && (n = p->edges.head) != NULL &&
	    n->alert->unit <= open)
		append(&p->inflight, n);
	while (p->inflight.n < AM_BATCH && (n = p->sent.head) != NULL &&
	    mono_since(n->sent_at, now) >= AM_RESEND_MS)
		append(&p->inflight, n);
}

static void render_batch(const struct peer *p, struct buf *body)
{
	wall_t now = clock_wall();

	buf_addc(body, '[');
	for (const struct am_node *n = p->inflight.head; n; n = n->next) {
		if (n->prev != NULL)
			buf_addc(body, ',');
		alertmanager_render(n->alert, now, p->shared->lifetime_ms,
		    p->shared->generator_url, body);
	}
	buf_addc(body, ']');
}

/* The newest unit among edges that leave for the first time. */
static void count_passage(const struct peer *p)
{
	uint64_t unit = 0;

	for (const struct am_node *n = p->inflight.head; n; n = n->next)
		if (n->first && !n->tried && n->alert->unit > unit)
			unit = n->alert->unit;
	gate_passed(p->shared->gate, unit);
}

static void answered(struct fetch *f, struct fetch_answer *a, void *arg);

static void start(struct peer *p)
{
	static const char *const headers[] = {
		"Content-Type: application/json", NULL
	};
	struct buf body;

	buf_init(&body, BODY_MAX);
	render_batch(p, &body);
	if (body.failed)		/* cannot be: labels are limited */
		buf_adds(&body, "[]");
	count_passage(p);
	p->tally.attempts++;
	p->fetch = fetch_start(p->shared->loop, &(struct fetch_request){
		.url = p->url, .headers = headers,
		.body = buf_str(&body), .body_len = body.len,
		.http = &p->config->http_config,
		.connect_ms = p->config->timeout_ms,
		.deadline_ms = p->config->timeout_ms, .max_body = ANSWER_MAX,
		.on_done = answered, .arg = p,
	});
	buf_free(&body);
}

void peer_pump(struct peer *p, mono_t now)
{
	if (p->fetch != NULL)
		return;
	if (!mono_due(p->not_before, now)) {
		timer_set(p->timer, p->not_before);
		return;
	}
	collect(p, now);
	if (p->inflight.n > 0)
		start(p);
	else if (p->sent.head != NULL)
		timer_set(p->timer, mono_add(p->sent.head->sent_at,
		    AM_RESEND_MS));
	else
		timer_clear(p->timer);
}

static void pump_on_time(void *peer, mono_t now)
{
	peer_pump(peer, now);
}

/* --- answers --- */

static void set_tried(struct peer *p, struct am_node *n)
{
	if (n->first && !n->tried)
		p->untried--;
	n->tried = true;
}

/* Where the nodes of a finished request go.  From the back, so that what is
 * tried again keeps its order. */
static void settle(struct peer *p, bool again, mono_t now)
{
	struct am_node *n;

	while ((n = p->inflight.tail) != NULL) {
		n->sent_at = now;
		if (n->changed) {
			n->changed = false;
			append(&p->edges, n);
			continue;
		}
		set_tried(p, n);
		if (n->first && again) {
			prepend(&p->edges, n);
			continue;
		}
		n->first = false;
		append(&p->sent, n);
	}
}

static void log_outcome(struct peer *p, enum failure f,
    const struct fetch_answer *a)
{
	char why[300];

	failure_text(a, why, sizeof(why));
	if (f == FAILED_NOT && p->failing)
		log_info("alertmanager takes alerts again",
		    LOG_S("alertmanager", p->name));
	else if (a->status == BAD_REQUEST)
		log_error("alertmanager refused part of a batch",
		    LOG_S("alertmanager", p->name), LOG_S("reason", why));
	else if (f != FAILED_NOT && !p->failing)
		log_warn("alertmanager cannot be told", LOG_S("alertmanager",
		    p->name), LOG_S("reason", why));
	p->failing = f != FAILED_NOT && a->status != BAD_REQUEST;
}

static void back_off(struct peer *p, int64_t retry_after, mono_t now)
{
	p->backoff_ms = p->backoff_ms ? p->backoff_ms * 2 : AM_BACKOFF_MIN_MS;
	if (retry_after > p->backoff_ms)
		p->backoff_ms = retry_after;
	if (p->backoff_ms > AM_BACKOFF_MAX_MS)
		p->backoff_ms = AM_BACKOFF_MAX_MS;
	p->not_before = mono_add(now, p->backoff_ms);
	p->floor = mono_add(now, retry_after > AM_BACKOFF_MIN_MS ?
	    p->backoff_ms : AM_BACKOFF_MIN_MS);
}

static void answered(struct fetch *fetch, struct fetch_answer *a, void *arg)
{
	struct peer *p = arg;
	enum failure f = failure_of(a);
	mono_t now = clock_mono();

	p->fetch = NULL;
	log_outcome(p, f, a);
	if (f != FAILED_NOT)
		p->tally.failures[f]++;
	if (p->failing)
		back_off(p, retry_after_ms(fetch_header(fetch, "Retry-After"),
		    clock_wall()), now);
	else
		p->backoff_ms = 0;
	settle(p, p->failing, now);
	peer_pump(p, now);
}

/* --- what to send --- */

/* What is new does not wait out the backoff of what is old. */
static void hurry(struct peer *p)
{
	if (p->floor.ms < p->not_before.ms)
		p->not_before = p->floor;
}

static void tell_edge(struct peer *p, struct am_node *n)
{
	if (!n->first || n->tried)
		p->untried++;
	n->first = true;
	n->tried = false;
	hurry(p);
	if (n->list == &p->inflight)
		n->changed = true;
	else
		append(&p->edges, n);
}

void peer_tell(struct peer *p, struct am_node *n, bool first)
{
	if (first) {
		tell_edge(p, n);
	} else if (n->list == NULL) {
		n->sent_at = mono_add(clock_mono(), -AM_RESEND_MS);
		prepend(&p->sent, n);
	}
}

void peer_forget(struct peer *p, struct am_node *n)
{
	set_tried(p, n);
	unlink_node(n);
}

void peer_init(struct peer *p, const struct peer_shared *s)
{
	p->shared = s;
	p->timer = timer_new(s->loop, pump_on_time, p);
}

void peer_configure(struct peer *p, const struct alertmanager_config *c)
{
	p->config = c;
	free(p->url);
	p->url = xasprintf("%s/api/v2/alerts", c->url);
}

void peer_fini(struct peer *p)
{
	fetch_cancel(p->fetch);
	timer_free(p->timer);
	free(p->url);
	free(p->name);
}
