/* One request to one member: over the wire, and the decoder's result handed
 * on.  A listing is decoded while it arrives, so much of it in each turn of the
 * loop as fetch hands over; any other body at its end, at once, or in a thread
 * of its own if it is large.  The caller sees no difference.  Keeps no state
 * between calls: what to ask whom, and what to make of it, is the business of
 * etcd/client.c, etcd/follow.c and the collectors. */
#include "etcd/etcd.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/fetch.h"
#include "core/loop.h"
#include "core/xalloc.h"
#include "etcd/decode.h"
#include "etcd/meta.h"
#include "etcd/wire.h"

enum {
	KIB = 1024, MIB = 1024 * KIB,
	DECODE_AT_ONCE = 64 * KIB,	/* well below a millisecond */
	MAX_LINE = 4096			/* the first one of a connection */
};

/* The largest body of each kind.  An event carries value and previous value,
 * and etcd takes values of 10 MiB, which escapes can make longer still. */
static const size_t max_body[ETCD_KINDS] = {
	[ETCD_KIND_HEALTH] = 4 * KIB,
	[ETCD_KIND_VERSION] = 4 * KIB,
	[ETCD_KIND_MEMBERS] = 1 * MIB,
	[ETCD_KIND_LEADER] = 64 * KIB,
	[ETCD_KIND_STATS_SELF] = 1 * MIB,
	[ETCD_KIND_STATS_LEADER] = 1 * MIB,
	[ETCD_KIND_STATS_STORE] = 1 * MIB,
	[ETCD_KIND_INDEX] = 4 * KIB,
	[ETCD_KIND_LISTING] = 512 * MIB,
	[ETCD_KIND_EVENT] = 32 * MIB,
	[ETCD_KIND_KEY] = 32 * MIB,
	[ETCD_KIND_MEMBER] = 64 * KIB,
	[ETCD_KIND_DONE] = 64 * KIB,
};

struct etcd_call {
	struct loop *loop;
	char *name;			/* key or directory, "" for the root */
	const char *path;		/* what that is below: "/v2/keys" */
	struct fetch *fetch;		/* NULL once it has ended */
	struct timer *refused;		/* nothing was sent; or NULL */
	etcd_head *head;
	etcd_done *done;
	void *arg;

	/* Of a listing. */
	etcd_on_node *node;		/* or NULL: they come with done() */
	struct etcd_arriving *arriving;	/* NULL as long as nothing has come */

	/* While a thread decodes, these are the thread's. */
	char *content_type, *body;
	size_t len;
	struct etcd_result result;
	struct etcd_decoded *decoded;

	unsigned keepers;		/* by etcd_keep() */
	bool decoding, feeding, telling, cancelled;
};

/* --- what comes back --- */

static void free_call(struct etcd_call *c)
{
	etcd_arriving_free(c->arriving);
	etcd_decoded_free(c->decoded);
	timer_free(c->refused);
	free(c->content_type);
	free(c->body);
	free(c->name);
	free(c);
}

/* Freeing what is large takes its time as well. */
static void free_in_thread(void *arg)
{
	free_call(arg);
}

static void nothing(void *arg)
{
	(void)arg;
}

static void dispose(struct etcd_call *c)
{
	if (c->len > DECODE_AT_ONCE)
		loop_offload(c->loop, free_in_thread, nothing, c);
	else
		free_call(c);
}

/* The end: tells, and frees unless it is kept. */
static void tell(struct etcd_call *c)
{
	c->telling = true;
	c->result.call = c;
	c->done(&c->result, c->arg);
	c->telling = false;
	if (c->keepers == 0)
		dispose(c);
}

struct etcd_call *etcd_keep(const struct etcd_result *r)
{
	if (r->call)
		r->call->keepers++;
	return r->call;
}

void etcd_release(struct etcd_call *c)
{
	if (!c)
		return;
	assert(c->keepers > 0);
	if (--c->keepers == 0 && !c->telling)
		dispose(c);
}

static const char *header(void *of, const char *name)
{
	return fetch_header(of, name);
}

static void decode(void *arg)
{
	struct etcd_call *c = arg;

	c->decoded = etcd_decode(c->result.kind, c->name, c->content_type,
	    c->body, c->len, &c->result);
}

static void decoded_in_thread(void *arg)
{
	struct etcd_call *c = arg;

	c->decoding = false;
	if (!c->cancelled)
		tell(c);
	else
		dispose(c);
}

/* The loop ended first: no thread uses c any more. */
static void drop(void *arg)
{
	free_call(arg);
}

static void answered(struct etcd_call *c, struct fetch *f,
    struct fetch_answer *a)
{
	const char *type = fetch_header(f, "Content-Type");

	c->content_type = xstrdup(type);
	c->len = a->len;
	c->body = fetch_take_body(f, a);
	if (c->len > DECODE_AT_ONCE) {
		c->decoding = true;
		loop_offload_or_drop(c->loop, decode, decoded_in_thread, drop,
		    c);
		return;
	}
	decode(c);
	tell(c);
}

/* The end of a listing's body, if there was any. */
static void arrived(struct etcd_call *c, struct fetch *f)
{
	struct etcd_arriving *a = c->arriving;

	if (!a)
		a = etcd_arriving_new(c->name, c->node, c->arg);
	c->arriving = NULL;
	c->decoded = etcd_arriving_end(a, c->name, &c->result);
	c->len = c->node ? 0 : fetch_received(f);
	tell(c);
}

static void failed(struct etcd_call *c, const struct fetch_answer *a)
{
	struct err line;

	err_set(&line, "%s%.50s: %s", c->path, c->name, a->reason);
	c->result.outcome = ETCD_FAILED;
	decode_text(c->result.text, sizeof(c->result.text), line.text);
	tell(c);
}

static void on_done(struct fetch *f, struct fetch_answer *a, void *arg)
{
	struct etcd_call *c = arg;
	struct etcd_result *r = &c->result;

	c->fetch = NULL;
	r->fetch_error = a->error;
	r->status = a->status;
	r->started = a->started;
	r->ended = a->ended;
	r->duration_us = a->duration_us;
	etcd_meta_read(&r->meta, header, f);
	if (a->error != FETCH_OK)
		failed(c, a);
	else if (r->kind == ETCD_KIND_LISTING && a->status == 200)
		arrived(c, f);
	else
		answered(c, f, a);
}

static void on_body(struct fetch *f, const char *bytes, size_t n, void *arg)
{
	struct etcd_call *c = arg;

	(void)f;
	if (!c->arriving)
		c->arriving = etcd_arriving_new(c->name, c->node, c->arg);
	c->feeding = true;
	etcd_arriving_feed(c->arriving, bytes, n);
	c->feeding = false;
}

static void on_head(struct fetch *f, long status, void *arg)
{
	struct etcd_call *c = arg;
	struct etcd_meta m;

	if (!c->head)
		return;
	etcd_meta_read(&m, header, f);
	c->head(&m, status, c->arg);	/* may end in etcd_cancel(c) */
}

void etcd_on_head(struct etcd_call *c, etcd_head *head)
{
	c->head = head;
}

void etcd_on_nodes(struct etcd_call *c, etcd_on_node *node)
{
	assert(c->result.kind == ETCD_KIND_LISTING);
	c->node = node;
}

bool etcd_is_arriving(const struct etcd_call *c)
{
	return c->decoding || (c->fetch && fetch_received(c->fetch) > 0);
}

void etcd_cancel(struct etcd_call *c)
{
	if (!c || c->telling)
		return;
	assert(!c->feeding);
	if (c->decoding) {
		c->cancelled = true;
		return;
	}
	fetch_cancel(c->fetch);
	free_call(c);
}

/* --- what is asked --- */

static void on_refused(void *arg, mono_t now)
{
	struct etcd_call *c = arg;

	c->result.ended = now;
	tell(c);
}

/* The call ends on the next turn, and nothing is sent. */
static void refuse(struct etcd_call *c, const struct err *why)
{
	c->result.outcome = ETCD_INVALID;
	decode_text(c->result.text, sizeof(c->result.text), why->text);
	c->refused = timer_new(c->loop, on_refused, c);
	timer_set(c->refused, loop_now(c->loop));
}

/* Beyond this the connection is reset without a word (docs/ETCD.md). */
static int check_line(const struct etcd_wire *w, const char *url,
    struct err *e)
{
	size_t n = strlen(w->method) + 1 + strlen(w->target) +
	    strlen(" HTTP/1.1\r\n");

	if (n <= MAX_LINE || strncmp(url, "http:", 5) != 0)
		return 0;
	return err_set(e, "the request for %.40s... makes a line of %zu bytes, "
	    "and etcd takes %d: shorten the key", w->name, n, MAX_LINE);
}

static void send_off(struct etcd_call *c, const struct etcd_target *t,
    const struct etcd_wire *w, int64_t deadline_ms, bool once)
{
	char *url = xasprintf("%s%s", t->url, w->target);
	char *type = w->type ? xasprintf("Content-Type: %s", w->type) : NULL;
	const char *headers[] = { type, NULL };
	struct fetch_request r = {
		.method = w->method, .url = url, .http = t->http,
		.headers = headers, .body = w->body, .body_len = w->body_len,
		.deadline_ms = deadline_ms,
		.max_body = max_body[c->result.kind], .once = once,
		.on_head = on_head, .on_done = on_done, .arg = c
	};

	if (c->result.kind == ETCD_KIND_LISTING)
		r.on_body = on_body;
	c->fetch = fetch_start(t->loop, &r);
	free(type);
	free(url);
}

struct etcd_call *etcd_start(const struct etcd_target *t,
    const struct etcd_request *r, int64_t deadline_ms, etcd_done *done,
    void *arg)
{
	struct etcd_call *c = xcalloc(1, sizeof(*c));
	struct etcd_wire w;
	struct err e;

	assert(t->loop && t->url && done);
	c->loop = t->loop;
	c->done = done;
	c->arg = arg;
	c->result.kind = r->kind;
	c->result.started = loop_now(t->loop);
	snprintf(c->result.endpoint, sizeof(c->result.endpoint), "%s", t->url);
	if (etcd_wire_make(r, &w, &e) < 0) {
		refuse(c, &e);
		return c;
	}
	c->name = xstrdup(w.name);
	c->path = w.path;
	if (check_line(&w, t->url, &e) < 0)
		refuse(c, &e);
	else
		send_off(c, t, &w, deadline_ms,
		    !etcd_is_repeatable(r) && !r->harmless);
	etcd_wire_free(&w);
	return c;
}
