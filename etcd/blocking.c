/* The blocking way: a client with a loop of its own, which turns only while a
 * call waits for its answer.  For small programs; whoever has a loop uses
 * etcd/client.c and etcd/follow.c at once. */
#include <stdlib.h>
#include <string.h>

#include "core/loop.h"
#include "core/xalloc.h"
#include "etcd/client_impl.h"
#include "etcd/follow.h"

/* --- one question --- */

static struct etcd_client *open_list(struct loop *l, char *list,
    const struct etcd_options *o, struct err *e)
{
	enum { MAX = ETCD_MAX_MEMBERS };
	const char *urls[MAX];
	size_t n = 0;
	char *save, *url;

	for (url = strtok_r(list, ", ", &save); url;
	    url = strtok_r(NULL, ", ", &save)) {
		if (n == MAX) {
			err_set(e, "more than %d URLs are given", MAX);
			return NULL;
		}
		urls[n++] = url;
	}
	return etcd_open_on(l, urls, n, o, e);
}

struct etcd_client *etcd_open(const char *endpoints,
    const struct etcd_options *o, struct err *e)
{
	struct loop *l = loop_new(e);
	struct etcd_client *c;
	char *list;

	if (!l)
		return NULL;
	list = xstrdup(endpoints);
	c = open_list(l, list, o, e);
	free(list);
	if (c)
		c->own_loop = true;
	else
		loop_free(l);
	return c;
}

static void on_answer(const struct etcd_result *r, void *arg)
{
	struct etcd_client *c = arg;

	c->kept = etcd_keep(r);
	c->result = *r;
	c->answered = true;
	loop_stop(c->loop);
}

/* Others may stop the loop, a reader of news for one; and the request may well
 * be made of strings of the last answer. */
const struct etcd_result *etcd_do(struct etcd_client *c,
    struct etcd_request r)
{
	struct etcd_call *last = c->kept;

	c->kept = NULL;
	c->answered = false;
	etcd_send(c, &r, on_answer, c);
	etcd_release(last);
	while (!c->answered)
		loop_run(c->loop);
	return &c->result;
}

/* --- news, one after the other --- */

struct item {
	STAILQ_ENTRY(item) link;
	enum etcd_news news;
	struct etcd_result result;
	struct etcd_call *kept;
};

struct etcd_reader {
	struct loop *loop;
	struct etcd_follow *follow;
	struct timer *timeout;
	bool timed_out;
	STAILQ_HEAD(, item) items;
	struct item *last;		/* what the caller looks at */
};

static void free_item(struct item *i)
{
	if (!i)
		return;
	etcd_release(i->kept);
	free(i);
}

static void on_news(enum etcd_news news, const struct etcd_result *r,
    void *arg)
{
	struct etcd_reader *d = arg;
	struct item *i = xcalloc(1, sizeof(*i));

	i->news = news;
	i->kept = etcd_keep(r);
	i->result = *r;
	STAILQ_INSERT_TAIL(&d->items, i, link);
	loop_stop(d->loop);
}

static void on_timeout(void *arg, mono_t now)
{
	struct etcd_reader *d = arg;

	(void)now;
	d->timed_out = true;
	loop_stop(d->loop);
}

struct etcd_reader *etcd_reader_open(struct etcd_client *c, const char *path,
    const struct etcd_follow_options *o)
{
	struct etcd_reader *d = xcalloc(1, sizeof(*d));

	d->loop = c->loop;
	STAILQ_INIT(&d->items);
	d->timeout = timer_new(c->loop, on_timeout, d);
	d->follow = etcd_follow_start(c, path, o, on_news, d);
	return d;
}

const struct etcd_result *etcd_reader_next(struct etcd_reader *d,
    int64_t timeout_ms, enum etcd_news *news_r)
{
	free_item(d->last);
	d->last = NULL;
	if (timeout_ms >= 0)
		timer_set(d->timeout, mono_add(clock_mono(), timeout_ms));
	d->timed_out = false;
	while (STAILQ_EMPTY(&d->items) && !d->timed_out)
		loop_run(d->loop);
	timer_clear(d->timeout);
	d->last = STAILQ_FIRST(&d->items);
	if (!d->last)
		return NULL;
	STAILQ_REMOVE_HEAD(&d->items, link);
	*news_r = d->last->news;
	return &d->last->result;
}

void etcd_reader_close(struct etcd_reader *d)
{
	struct item *i;

	if (!d)
		return;
	etcd_follow_stop(d->follow);
	timer_free(d->timeout);
	free_item(d->last);
	while ((i = STAILQ_FIRST(&d->items))) {
		STAILQ_REMOVE_HEAD(&d->items, link);
		free_item(i);
	}
	free(d);
}
