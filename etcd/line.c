/* When to ask ahead, and how far.  `credit` is the number of polls that may be
 * under way beyond the one that waits.  An event that followed close on another
 * or was found in history earns one, so that the line keeps up whatever the
 * round trip; an answer that tells nothing new, since other directories' writes
 * lie between ours, costs one, so that there are hardly more of those than
 * there were events.  Who falls far behind earns faster: losing history costs
 * etcd more than polls for nothing.
 *
 * Which member, and what an end means, is the business of collectors/poll.c. */
#include "etcd/line.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/log.h"
#include "core/loop.h"
#include "core/xalloc.h"
#include "etcd/ahead.h"

enum {
	QUICK_MS = 1,			/* between events that follow close */
	DENSE = 8,			/* credit at which to ask ahead */
	FAR_BEHIND = 300,		/* indexes, of etcd's 1000 */
	EARNED_BEHIND = 4,
	CALM_MS = 5 * 1000,		/* a poll asked so long ago: no more */
	HEAD_MS = 3 * 1000,		/* by then a poll has its headers */
	READ_MS = 10,			/* by then what had come is told */
	REST_MS = 10 * 1000		/* after asking ahead has failed */
};

struct etcd_line {
	struct loop *loop;
	char *url, *directory;
	const struct http_config *http;
	int64_t poll_ms;
	struct etcd_line_peer *peer;
	const struct etcd_line_user *user;
	void *arg;

	uint64_t next;			/* the first index not told; 0: now */
	unsigned credit;
	mono_t told_at;			/* the last event */

	struct etcd_call *call;		/* one poll at a time; or NULL: */
	struct etcd_ahead *ahead;	/* NULL: none */
	bool ready;			/* it may be asked */
	bool moved;			/* an answer came since it was idle */
	uint64_t asked;			/* the last wait index there */
	mono_t waits_since;		/* the first poll there */
	bool headed;			/* it has its headers */
	bool late;			/* it should have had them, a moment
					   ago */
	bool suspect;			/* polls there had no headers at all */
	mono_t not_before;		/* asking ahead failed */
	struct timer *quiet;

	bool busy, stopped;
};

/* --- the end --- */

static void release(struct etcd_line *l)
{
	etcd_cancel(l->call);
	etcd_ahead_close(l->ahead);
	timer_free(l->quiet);
	free(l->directory);
	free(l->url);
	free(l);
}

void etcd_line_stop(struct etcd_line *l)
{
	if (!l)
		return;
	l->stopped = true;
	if (!l->busy)
		release(l);
}

static void leave_ahead(struct etcd_line *l)
{
	etcd_ahead_close(l->ahead);
	l->ahead = NULL;
	l->ready = false;
	timer_clear(l->quiet);
}

static void finish(struct etcd_line *l, const struct etcd_result *r)
{
	leave_ahead(l);
	l->user->done(r, l->arg);
}

static void fail(struct etcd_line *l, enum fetch_error error,
    const char *reason)
{
	struct etcd_result r = { .kind = ETCD_KIND_EVENT,
		.outcome = ETCD_FAILED, .fetch_error = error,
		.ended = loop_now(l->loop) };

	snprintf(r.endpoint, sizeof(r.endpoint), "%s", l->url);
	snprintf(r.text, sizeof(r.text), "/v2/keys%.50s: %s", l->directory,
	    reason);
	finish(l, &r);
}

/* --- what is told --- */

static void count(struct etcd_line *l, const struct etcd_result *r,
    uint64_t asked)
{
	mono_t now = loop_now(l->loop);
	bool quick = mono_since(l->told_at, now) <= QUICK_MS;
	uint64_t store = r->meta.etcd_index;

	if (store > r->event.node.modified_index + FAR_BEHIND)
		l->credit += EARNED_BEHIND;
	else if (quick || (asked > 0 && store >= asked))
		l->credit++;
	else if (l->credit > 0)
		l->credit--;
	if (l->credit > ETCD_AHEAD_MOST)
		l->credit = ETCD_AHEAD_MOST;
	l->told_at = now;
}

static void tell(struct etcd_line *l, const struct etcd_result *r,
    uint64_t asked)
{
	count(l, r, asked);
	l->next = r->event.node.modified_index + 1;
	l->user->done(r, l->arg);
}

/* --- one at a time --- */

static void ask_one(struct etcd_line *l);
static void begin_ahead(struct etcd_line *l);
static void top_up(struct etcd_line *l);

static void go_on(struct etcd_line *l)
{
	if (l->credit == 0)
		leave_ahead(l);
	if (l->ready) {			/* from now on through the lanes */
		l->asked = l->next - 1;
		l->headed = false;
		l->waits_since = loop_now(l->loop);
		timer_set(l->quiet, mono_add(l->waits_since, HEAD_MS));
		top_up(l);
		return;
	}
	if (l->credit >= DENSE)
		begin_ahead(l);
	ask_one(l);
}

static void say_unable(struct etcd_line *l, const char *reason)
{
	if (l->peer->one_each)
		return;
	l->peer->one_each = true;
	log_info("polls of this member are asked on connections of their own",
	    LOG_S("member", l->url), LOG_S("reason", reason));
}

static void on_head(const struct etcd_meta *m, long status, void *arg)
{
	struct etcd_line *l = arg;

	/* It is well, but for those; or it was held up and is well again. */
	if (l->suspect && ++l->peer->doubts >= 2)
		say_unable(l, "it does not answer polls behind others");
	l->suspect = false;
	l->busy = true;
	l->user->head(m, status, l->arg);
	l->busy = false;
	if (l->stopped)
		release(l);
}

static void on_done(const struct etcd_result *r, void *arg)
{
	struct etcd_line *l = arg;

	l->call = NULL;
	l->busy = true;
	if (r->outcome != ETCD_OK) {
		finish(l, r);
	} else {
		tell(l, r, l->next);
		if (!l->stopped)
			go_on(l);
	}
	l->busy = false;
	if (l->stopped)
		release(l);
}

static struct etcd_target target(const struct etcd_line *l)
{
	return (struct etcd_target){ .loop = l->loop, .url = l->url,
		.http = l->http };
}

static void ask_one(struct etcd_line *l)
{
	struct etcd_request r = etcd_watch(l->directory, l->next);
	struct etcd_target t = target(l);

	r.recursive = true;
	l->call = etcd_start(&t, &r, l->poll_ms, on_done, l);
	etcd_on_head(l->call, on_head);
}

/* --- many --- */

/* Polls under way that may tell something new. */
static uint64_t useful(const struct etcd_line *l)
{
	uint64_t n = l->asked - (l->next - 1);

	return l->asked < l->next ? 0 : n;
}

/* What is behind the last one that was asked for, or behind what was told: so
 * successive polls leave no index out. */
static void top_up(struct etcd_line *l)
{
	if (l->asked < l->next - 1)
		l->asked = l->next - 1;
	while (useful(l) == 0 || etcd_ahead_waiting(l->ahead) <= l->credit) {
		if (!etcd_ahead_ask(l->ahead, l->asked + 1))
			break;
		l->asked++;
	}
	etcd_ahead_send(l->ahead);
}

static void on_ahead_head(const struct etcd_meta *m, long status, bool fresh,
    void *arg)
{
	struct etcd_line *l = arg;

	l->headed = true;
	l->late = false;
	l->busy = true;
	if (fresh)
		l->user->head(m, status, l->arg);
	else if (status == 200)
		l->user->old_head(m, l->arg);
	l->busy = false;
	if (l->stopped)
		release(l);
}

static void on_ready(void *arg)
{
	struct etcd_line *l = arg;

	l->ready = true;
}

/* Two polls found the same event: that is the price of asking ahead.  Or etcd
 * has cleared what one asked for, which was told in the meantime. */
static bool is_stale(const struct etcd_line *l, const struct etcd_result *r,
    uint64_t asked)
{
	if (r->outcome == ETCD_OK)
		return r->event.node.modified_index < l->next &&
		    r->event.node.modified_index >= asked;
	return r->outcome == ETCD_ERROR && asked < l->next;
}

/* Whatever is no event is asked for once more, alone, and what comes then
 * counts. */
static void ask_alone(struct etcd_line *l)
{
	l->not_before = mono_add(loop_now(l->loop), REST_MS);
	leave_ahead(l);
	ask_one(l);
}

static void on_answer(const struct etcd_result *r, uint64_t asked, void *arg)
{
	struct etcd_line *l = arg;

	l->moved = true;
	l->headed = l->late = false;
	l->peer->doubts = 0;
	if (is_stale(l, r, asked)) {
		l->credit -= l->credit > 0;
		return;
	}
	if (r->outcome != ETCD_OK) {
		ask_alone(l);
		return;
	}
	l->busy = true;
	tell(l, r, asked);
	l->busy = false;
	if (l->stopped)
		release(l);
}

/* The first one has been waiting for long, so hardly anything happens; proxies
 * cut idle polls, and those behind it would grow old too. */
static bool is_calm(const struct etcd_line *l)
{
	return etcd_ahead_waiting(l->ahead) > 0 &&
	    mono_since(etcd_ahead_oldest(l->ahead), loop_now(l->loop)) >=
	    CALM_MS;
}

static void on_idle(void *arg)
{
	struct etcd_line *l = arg;

	if (l->call || !l->moved)
		return;
	l->moved = false;
	l->waits_since = loop_now(l->loop);
	if (is_calm(l)) {
		l->credit = 0;
		leave_ahead(l);
		ask_one(l);
		return;
	}
	top_up(l);
}

static void on_end(enum etcd_ahead_end why, const char *reason, void *arg)
{
	struct etcd_line *l = arg;

	if (why == ETCD_AHEAD_UNABLE)
		say_unable(l, reason);
	if (l->call) {			/* it goes on one at a time */
		leave_ahead(l);
		l->not_before = mono_add(loop_now(l->loop), REST_MS);
		return;
	}
	if (why != ETCD_AHEAD_BROKEN) {
		if (why == ETCD_AHEAD_LARGE)	/* more of that size, likely */
			l->not_before = mono_add(loop_now(l->loop), REST_MS);
		leave_ahead(l);
		ask_one(l);
		return;
	}
	l->busy = true;
	fail(l, FETCH_BROKEN, reason);
	l->busy = false;
	if (l->stopped)
		release(l);
}

static const struct etcd_ahead_user ahead_user = {
	.ready = on_ready, .head = on_ahead_head, .answer = on_answer,
	.idle = on_idle, .end = on_end,
};

static void begin_ahead(struct etcd_line *l)
{
	struct etcd_target t = target(l);

	if (l->ahead || !mono_due(l->not_before, loop_now(l->loop)) ||
	    !etcd_ahead_is_possible(&t))
		return;
	l->ahead = etcd_ahead_open(&t, l->directory, l->peer->one_each,
	    &ahead_user, l);
	l->late = false;
	if (l->ahead)
		log_debug("events come fast: asking ahead",
		    LOG_S("member", l->url), LOG_S("directory", l->directory),
		    LOG_I("index", l->next));
}

/* The member hangs, or something on the way takes one request at a time and
 * drops the others: the next poll, alone, tells which. */
static void on_mute(struct etcd_line *l)
{
	l->suspect = true;
	leave_ahead(l);
	ask_one(l);
}

/* The time of each poll begins when the one before it was answered. */
static void on_quiet(void *arg, mono_t now)
{
	struct etcd_line *l = arg;
	int64_t waited = mono_since(l->waits_since, now);

	if (waited >= HEAD_MS && !l->headed) {
		/* If it was rollcall that was held up, what came meanwhile is
		 * read behind the timers. */
		if (l->late) {
			on_mute(l);
			return;
		}
		l->late = true;
		timer_set(l->quiet, mono_add(now, READ_MS));
		return;
	}
	if (waited < l->poll_ms) {
		timer_set(l->quiet, mono_add(now, HEAD_MS));
		return;
	}
	l->busy = true;
	fail(l, FETCH_TIMEOUT, "no event");
	l->busy = false;
	if (l->stopped)
		release(l);
}

bool etcd_line_holds(const struct etcd_line *l)
{
	return l->ahead != NULL && etcd_ahead_holds(l->ahead);
}

unsigned etcd_line_pace(const struct etcd_line *l)
{
	return l->credit;
}

/* --- the beginning --- */

struct etcd_line *etcd_line_start(const struct etcd_target *t,
    const struct etcd_line_request *r, const struct etcd_line_user *user,
    void *arg)
{
	struct etcd_line *l = xcalloc(1, sizeof(*l));

	assert(r->peer && r->poll_ms > 0 && user->head && user->old_head &&
	    user->done);
	l->loop = t->loop;
	l->url = xstrdup(t->url);
	l->http = t->http;
	l->directory = xstrdup(r->directory);
	l->next = r->from;
	l->poll_ms = r->poll_ms;
	l->peer = r->peer;
	l->user = user;
	l->arg = arg;
	l->quiet = timer_new(l->loop, on_quiet, l);
	l->credit = r->pace;
	if (l->credit >= DENSE)
		begin_ahead(l);
	ask_one(l);
	return l;
}
