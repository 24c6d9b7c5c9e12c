/* A cluster of several members: asks one, and the next where that is of use
 * and can do no harm (etcd/client.h says when).  Keeps no watch over members;
 * the one that answered last is simply asked first.  How one member is asked is
 * etcd/call.c's; the blocking way is etcd/blocking.c. */
#include "etcd/client_impl.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/loop.h"
#include "core/url.h"
#include "core/xalloc.h"

enum {
	DEADLINE_MS = 10 * 1000, ATTEMPT_MS = 1000,
	LEAST_MS = 50,			/* less is not worth an attempt */
	MAX_UNDER_WAY = 64
};

struct etcd_ask {
	TAILQ_ENTRY(etcd_ask) link;
	struct etcd_client *client;
	struct etcd_request request;	/* strings owned */
	int64_t deadline_ms;
	mono_t until;
	size_t at, tried;		/* member asked; how many were */
	struct etcd_call *call;		/* NULL: waits for its turn */
	bool telling;
	etcd_done *done;
	void *arg;
};

/* --- what may be asked again --- */

static bool was_not_done(const struct etcd_result *r)
{
	if (r->outcome == ETCD_NO_V2)
		return true;
	return r->outcome == ETCD_FAILED &&
	    (r->fetch_error == FETCH_RESOLVE ||
	    r->fetch_error == FETCH_CONNECT || r->fetch_error == FETCH_TLS);
}

static bool nobody_knows(const struct etcd_result *r)
{
	if (r->outcome == ETCD_FAILED)
		return r->fetch_error != FETCH_TOO_LARGE;
	return r->outcome == ETCD_BAD || r->outcome == ETCD_EMPTY ||
	    (r->outcome == ETCD_ERROR && r->error_code == ETCD_RAFT_INTERNAL);
}

static bool is_worth_another(const struct etcd_ask *a,
    const struct etcd_result *r)
{
	return was_not_done(r) ||
	    (nobody_knows(r) && etcd_is_repeatable(&a->request));
}

/* The end of a poll that nothing happened to: the member is well. */
static bool was_quiet(const struct etcd_ask *a, const struct etcd_result *r)
{
	return a->request.kind == ETCD_KIND_EVENT && r->status == 200 &&
	    r->outcome == ETCD_FAILED && r->fetch_error == FETCH_TIMEOUT;
}

/* "From now on" is since the first poll began, also for the next. */
static void remember_index(struct etcd_ask *a, const struct etcd_result *r)
{
	if (a->request.kind == ETCD_KIND_EVENT && r->status == 200 &&
	    a->request.wait_index == 0 && r->meta.etcd_index)
		a->request.wait_index = r->meta.etcd_index + 1;
}

/* --- asking --- */

static void free_ask(struct etcd_ask *a)
{
	etcd_cancel(a->call);
	free((char *)(uintptr_t)a->request.path);
	free((char *)(uintptr_t)a->request.value);
	free((char *)(uintptr_t)a->request.prev_value);
	free(a);
}

static void start_waiting(struct etcd_client *c);

static void on_done(const struct etcd_result *r, void *arg);

static int64_t left_ms(const struct etcd_ask *a)
{
	return mono_since(loop_now(a->client->loop), a->until);
}

/* The last one gets all the time that is left. */
static int64_t attempt_ms(const struct etcd_ask *a)
{
	int64_t left = left_ms(a), ms = a->client->attempt_ms;

	if (ms == 0 && a->tried + 1 == a->client->n)
		return left;
	if (ms == 0) {
		ms = a->deadline_ms / (int64_t)a->client->n;
		ms = ms > ATTEMPT_MS ? ms : ATTEMPT_MS;
	}
	return ms < left ? ms : left;
}

static void attempt(struct etcd_ask *a)
{
	struct etcd_client *c = a->client;
	struct etcd_target t = {
		.loop = c->loop, .url = c->urls[a->at], .http = c->http
	};

	a->call = etcd_start(&t, &a->request, attempt_ms(a), on_done, a);
}

/* A watch waits for others, and must not make others wait. */
static size_t counts(const struct etcd_ask *a)
{
	return a->request.kind != ETCD_KIND_EVENT;
}

static void start(struct etcd_ask *a)
{
	struct etcd_client *c = a->client;

	TAILQ_INSERT_TAIL(&c->running, a, link);
	c->nrunning += counts(a);
	a->until = mono_add(loop_now(c->loop), a->deadline_ms);
	a->at = c->current;
	attempt(a);
}

static void start_waiting(struct etcd_client *c)
{
	struct etcd_ask *a;

	while (c->nrunning < MAX_UNDER_WAY && (a = TAILQ_FIRST(&c->waiting))) {
		TAILQ_REMOVE(&c->waiting, a, link);
		start(a);
	}
}

/* Takes it off the lists, so that another may start. */
static void leave(struct etcd_ask *a)
{
	struct etcd_client *c = a->client;

	if (a->call || a->telling) {
		TAILQ_REMOVE(&c->running, a, link);
		c->nrunning -= counts(a);
		start_waiting(c);
	} else {
		TAILQ_REMOVE(&c->waiting, a, link);
	}
}

/* False if there is nobody left to ask, or no time, or no use. */
static bool ask_again(struct etcd_ask *a, const struct etcd_result *r)
{
	struct etcd_client *c = a->client;
	bool quiet = was_quiet(a, r);

	remember_index(a, r);
	if (quiet || (!was_not_done(r) && !nobody_knows(r))) {
		c->current = a->at;
		return quiet && left_ms(a) >= LEAST_MS;
	}
	etcd_client_failed(c, c->urls[a->at]);
	if (++a->tried == c->n || left_ms(a) < LEAST_MS ||
	    !is_worth_another(a, r))
		return false;
	a->at = (a->at + 1) % c->n;
	return true;
}

static void on_done(const struct etcd_result *r, void *arg)
{
	struct etcd_ask *a = arg;

	a->call = NULL;
	if (ask_again(a, r)) {
		attempt(a);
		return;
	}
	a->telling = true;
	leave(a);
	a->done(r, a->arg);
	free_ask(a);
}

struct etcd_ask *etcd_send_within(struct etcd_client *c,
    const struct etcd_request *r, int64_t deadline_ms, etcd_done *done,
    void *arg)
{
	struct etcd_ask *a = xcalloc(1, sizeof(*a));

	assert(deadline_ms > 0 && done);
	*a = (struct etcd_ask){ .client = c, .request = *r, .done = done,
	    .deadline_ms = deadline_ms, .arg = arg };
	a->request.path = xstrdup(r->path);
	a->request.value = xstrdup(r->value);
	a->request.prev_value = xstrdup(r->prev_value);
	TAILQ_INSERT_TAIL(&c->waiting, a, link);
	start_waiting(c);
	return a;
}

struct etcd_ask *etcd_send(struct etcd_client *c,
    const struct etcd_request *r, etcd_done *done, void *arg)
{
	return etcd_send_within(c, r, c->deadline_ms, done, arg);
}

void etcd_unsend(struct etcd_ask *a)
{
	if (!a)
		return;
	assert(!a->telling);
	leave(a);
	free_ask(a);
}

/* --- the client --- */

static int add_url(struct etcd_client *c, const char *text, struct err *e)
{
	char *url = url_normalize(text, "2379", false, e);

	if (!url)
		return -1;
	c->urls = xreallocarray(c->urls, c->n + 1, sizeof(*c->urls));
	c->urls[c->n++] = url;
	return 0;
}

struct etcd_client *etcd_open_on(struct loop *l, const char *const *urls,
    size_t n, const struct etcd_options *o, struct err *e)
{
	struct etcd_client *c = xcalloc(1, sizeof(*c));

	c->loop = l;
	c->http = o ? o->http : NULL;
	c->deadline_ms = o && o->deadline_ms ? o->deadline_ms : DEADLINE_MS;
	c->attempt_ms = o ? o->attempt_ms : 0;
	TAILQ_INIT(&c->waiting);
	TAILQ_INIT(&c->running);
	for (size_t i = 0; i < n; i++)
		if (add_url(c, urls[i], e) < 0) {
			etcd_close(c);
			return NULL;
		}
	if (n == 0) {
		err_set(e, "no URL of a member of etcd is given");
		etcd_close(c);
		return NULL;
	}
	return c;
}

void etcd_close(struct etcd_client *c)
{
	struct etcd_ask *a;

	if (!c)
		return;
	while ((a = TAILQ_FIRST(&c->waiting))) {
		TAILQ_REMOVE(&c->waiting, a, link);
		free_ask(a);
	}
	while ((a = TAILQ_FIRST(&c->running))) {
		TAILQ_REMOVE(&c->running, a, link);
		free_ask(a);
	}
	if (c->own_loop) {
		etcd_release(c->kept);
		loop_free(c->loop);
	}
	for (size_t i = 0; i < c->n; i++)
		free(c->urls[i]);
	free(c->urls);
	free(c);
}

struct loop *etcd_client_loop(struct etcd_client *c)
{
	return c->loop;
}

size_t etcd_client_count(const struct etcd_client *c)
{
	return c->n;
}

struct etcd_target etcd_client_target(const struct etcd_client *c)
{
	return (struct etcd_target){ .loop = c->loop,
	    .url = c->urls[c->current], .http = c->http };
}

void etcd_client_failed(struct etcd_client *c, const char *url)
{
	if (strcmp(c->urls[c->current], url) == 0)
		c->current = (c->current + 1) % c->n;
}
