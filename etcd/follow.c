/* Following a directory: a chain of long polls under the resume rule that loses
 * nothing and doubles nothing (docs/ETCD.md, Watches), with a listing wherever
 * the chain cannot be held together.
 *
 * etcd keeps the last 1000 events of the whole store, so a quiet poll has to
 * end before so much was written elsewhere: its successor asks from the index
 * in its headers on, which history still has.  The headers of each poll tell
 * how fast the store moves, and the next one lasts for a third of history, or
 * five seconds.  One request is under way at a time, a poll or a listing.
 *
 * Made for register, discover and other programs; the collectors, which also
 * judge, freeze and hold, have a watcher of their own. */
#include "etcd/follow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/loop.h"
#include "core/xalloc.h"
#include "etcd/decode.h"
#include "etcd/follow_judge.h"
#include "etcd/wire.h"

enum {
	RESYNC_MS = 60 * 1000,
	LIST_HEAD_MS = 4000,		/* its headers; an election takes 2 s */
	POLL_HEAD_MS = 2000,		/* those of a poll come at once */
	END_MS = 30 * 1000,		/* all of an answer that has begun */
	POLL_SURE_MS = 1000,		/* silence that is believed at once */
	NO_LIMIT_MS = 24 * 3600 * 1000,	/* the timer knows better than curl */
	STOOD_MS = 200,			/* so late is a timer only where the
					   loop did not turn */
	LASTED_MS = 1000,		/* a poll that was no failure */
	SUSPICION_MS = 5000		/* between listings for an index that
					   went back */
};

struct etcd_follow {
	struct etcd_client *client;
	char *path;			/* "/a/b", "" for the root */
	struct etcd_follow_options o;
	etcd_follow_fn *fn;
	void *arg;

	struct etcd_call *call;		/* poll or listing; NULL: pausing */
	char url[128];			/* who is asked */
	struct timer *timer;		/* headers are late, the poll was quiet
					   for long enough, a pause is over */
	mono_t asked_at;		/* the request's beginning */
	mono_t due;			/* when it rings */
	int64_t period_ms;		/* and how long that is */
	bool rang;			/* once, and is to be seen */
	const char *complaint;		/* if it rings before an answer */
	bool listing, headed, arriving;
	uint64_t head_index;

	uint64_t reached;		/* every event up to here was told */
	uint64_t doubted;		/* one short poll was silent so far */
	bool must_list;			/* the chain is broken */
	mono_t listed_at;
	struct etcd_result held;	/* a listing to be sure, told behind
					   all that came before it */
	struct etcd_call *kept;		/* whose it is; NULL: there is none */
	char cluster_id[32];

	int64_t poll_ms;		/* the next one's length */
	uint64_t pace_index;		/* the store's at pace_at; 0: none */
	mono_t pace_at;

	unsigned failures, senseless, lagging;	/* in a row */
	bool in_trouble;
	bool telling, stopped;
};

static void go_on(struct etcd_follow *f);

static mono_t now_of(const struct etcd_follow *f)
{
	return loop_now(etcd_client_loop(f->client));
}

/* --- telling --- */

static void free_follow(struct etcd_follow *f)
{
	etcd_cancel(f->call);
	etcd_release(f->kept);
	timer_free(f->timer);
	free(f->path);
	free(f);
}

/* False if it was stopped meanwhile, and is gone. */
static bool tell(struct etcd_follow *f, enum etcd_news news,
    const struct etcd_result *r)
{
	f->telling = true;
	f->fn(news, r, f->arg);
	f->telling = false;
	if (!f->stopped)
		return true;
	free_follow(f);
	return false;
}

/* The chain holds.  Headers alone do not prove it: a proxy may send them and
 * close. */
static bool tell_well(struct etcd_follow *f)
{
	struct etcd_result r = { .outcome = ETCD_OK };

	f->failures = 0;
	if (!f->in_trouble)
		return true;
	f->in_trouble = false;
	snprintf(r.endpoint, sizeof(r.endpoint), "%s", f->url);
	return tell(f, ETCD_NEWS_WELL, &r);
}

/* --- what fails --- */

static void pause_for(struct etcd_follow *f, int64_t ms)
{
	f->rang = false;
	f->period_ms = ms;
	f->due = mono_add(now_of(f), ms);
	timer_set(f->timer, f->due);
}

static void failed(struct etcd_follow *f, const struct etcd_result *r)
{
	f->failures++;
	f->pace_index = 0;
	f->poll_ms = POLL_MS;
	etcd_client_failed(f->client, f->url);
	if (!f->in_trouble && f->failures >= etcd_client_count(f->client)) {
		f->in_trouble = true;
		if (!tell(f, ETCD_NEWS_TROUBLE, r))
			return;
	}
	/* All members at once at first, then more and more slowly. */
	pause_for(f, follow_pause(f->failures /
	    (unsigned)etcd_client_count(f->client)));
}

static void failed_for(struct etcd_follow *f, const char *reason)
{
	struct etcd_result r = { .outcome = ETCD_FAILED,
	    .fetch_error = FETCH_TIMEOUT };
	struct err line;

	snprintf(r.endpoint, sizeof(r.endpoint), "%s", f->url);
	err_set(&line, "/v2/keys%.50s: %s: %s", f->path, f->url, reason);
	decode_text(r.text, sizeof(r.text), line.text);
	failed(f, &r);
}

/* --- listings --- */

/* A member that lags behind what was told already.  If none knows better, the
 * store is a new one. */
static bool lags(struct etcd_follow *f, const struct etcd_result *r)
{
	return f->o.stale && r->meta.etcd_index < f->reached &&
	    strcmp(r->meta.cluster_id, f->cluster_id) == 0 &&
	    ++f->lagging < etcd_client_count(f->client);
}

/* The chain starts anew at this listing. */
static void start_at(struct etcd_follow *f, const struct etcd_result *r)
{
	f->senseless = 0;
	f->must_list = false;
	f->reached = r->meta.etcd_index;
	f->doubted = 0;
	snprintf(f->cluster_id, sizeof(f->cluster_id), "%s",
	    r->meta.cluster_id);
	if (tell_well(f) && tell(f, ETCD_NEWS_LISTING, r))
		go_on(f);
}

/* Events up to the listing's index are told before it, all of them, so that
 * it only shows what they do not explain.  False if f is gone. */
static bool tell_held(struct etcd_follow *f)
{
	struct etcd_call *kept = f->kept;
	bool lives;

	f->kept = NULL;
	lives = tell(f, ETCD_NEWS_LISTING, &f->held);
	etcd_release(kept);
	return lives;
}

static void hold(struct etcd_follow *f, const struct etcd_result *r)
{
	f->held = *r;
	f->kept = etcd_keep(r);
	if (f->reached < r->meta.etcd_index || tell_held(f))
		go_on(f);
}

static void on_listed(const struct etcd_result *r, void *arg)
{
	struct etcd_follow *f = arg;

	f->call = NULL;
	timer_clear(f->timer);
	if (r->outcome != ETCD_OK) {
		failed(f, r);
		return;
	}
	if (lags(f, r)) {
		failed_for(f, "the member lags behind the others");
		return;
	}
	f->lagging = 0;
	f->listed_at = now_of(f);
	if (f->must_list || r->meta.etcd_index < f->reached ||
	    strcmp(r->meta.cluster_id, f->cluster_id) != 0)
		start_at(f, r);
	else
		hold(f, r);
}

/* --- polls --- */

static void measure_pace(struct etcd_follow *f, uint64_t index)
{
	mono_t now = now_of(f);
	uint64_t events = f->pace_index && index > f->pace_index ?
	    index - f->pace_index : 0;

	f->poll_ms = follow_pace(f->poll_ms, events,
	    mono_since(f->pace_at, now));
	f->pace_index = index;
	f->pace_at = now;
}

/* Another cluster, or its store was made anew: a poll for an index that it has
 * yet to reach would be blind for long. */
static bool is_another_store(const struct etcd_follow *f,
    const struct etcd_meta *m)
{
	if (m->cluster_id[0] && f->cluster_id[0] &&
	    strcmp(m->cluster_id, f->cluster_id) != 0)
		return true;
	return m->etcd_index < f->reached &&
	    mono_since(f->listed_at, now_of(f)) >= SUSPICION_MS;
}

static void await_end(struct etcd_follow *f)
{
	f->complaint = "no end of the answer within 30 s";
	pause_for(f, END_MS);
}

static void on_head(const struct etcd_meta *m, long status, void *arg)
{
	struct etcd_follow *f = arg;

	await_end(f);
	if (status != 200 || f->listing)
		return;
	if (is_another_store(f, m)) {
		etcd_cancel(f->call);
		f->call = NULL;
		f->must_list = true;
		go_on(f);
		return;
	}
	if (!f->cluster_id[0])		/* nothing was listed yet */
		snprintf(f->cluster_id, sizeof(f->cluster_id), "%s",
		    m->cluster_id);
	f->headed = true;
	f->head_index = m->etcd_index;
	measure_pace(f, m->etcd_index);
	pause_for(f, f->poll_ms);
}

static bool must_tell_held(const struct etcd_follow *f, uint64_t index)
{
	return f->kept && index >= f->held.meta.etcd_index;
}

static void on_event(struct etcd_follow *f, const struct etcd_result *r)
{
	uint64_t index = r->event.node.modified_index;

	if (index <= f->reached) {
		failed_for(f, "an event older than asked for");
		return;
	}
	if (must_tell_held(f, index - 1) && !tell_held(f))
		return;
	f->reached = index;
	f->senseless = 0;
	if (!tell_well(f))
		return;
	if (follow_concerns(f->path, r->event.node.key) &&
	    !tell(f, ETCD_NEWS_EVENT, r))
		return;
	if (!must_tell_held(f, index) || tell_held(f))
		go_on(f);
}

/* History is gone, or holds what no member can tell in a way that makes sense:
 * a listing goes round it. */
static void go_round(struct etcd_follow *f)
{
	bool often = mono_since(f->listed_at, now_of(f)) < RETRY_MS;

	f->must_list = true;
	f->pace_index = 0;
	f->poll_ms = POLL_MIN_MS;
	if (often)
		pause_for(f, RETRY_MS);
	else
		go_on(f);
}

/* What happened up to the index in the headers came, or did not happen: etcd
 * sends what history holds at once.  It may be late on the way, though, so that
 * a short poll is believed only when the next one was silent as well. */
static void on_quiet(struct etcd_follow *f)
{
	uint64_t index = f->head_index;

	if (f->period_ms < POLL_SURE_MS && f->doubted < index)
		index = f->doubted;
	f->doubted = f->head_index;
	if (index > f->reached)
		f->reached = index;
	if (!tell_well(f))
		return;
	if (!must_tell_held(f, f->reached) || tell_held(f))
		go_on(f);
}

/* Proxies cut connections that are quiet.  What broke after a while proves
 * nothing; the next attempt will show. */
static bool was_only_cut(const struct etcd_follow *f,
    const struct etcd_result *r)
{
	bool cut = r->outcome == ETCD_EMPTY || (r->outcome == ETCD_FAILED &&
	    r->fetch_error == FETCH_BROKEN);

	return cut && f->headed &&
	    mono_since(f->asked_at, now_of(f)) >= LASTED_MS;
}

static bool makes_no_sense(const struct etcd_result *r)
{
	return r->outcome == ETCD_BAD || (r->outcome == ETCD_FAILED &&
	    r->fetch_error == FETCH_TOO_LARGE);
}

static void on_polled(const struct etcd_result *r, void *arg)
{
	struct etcd_follow *f = arg;

	f->call = NULL;
	timer_clear(f->timer);
	if (r->outcome == ETCD_OK) {
		on_event(f, r);
	} else if (r->outcome == ETCD_ERROR &&
	    r->error_code == ETCD_INDEX_CLEARED) {
		go_round(f);
	} else if (makes_no_sense(r) &&
	    ++f->senseless >= etcd_client_count(f->client)) {
		go_round(f);
	} else if (was_only_cut(f, r)) {
		etcd_client_failed(f->client, f->url);
		pause_for(f, 0);
	} else {
		failed(f, r);
	}
}

/* --- one request at a time --- */

static void list(struct etcd_follow *f, const struct etcd_target *t)
{
	struct etcd_request r = etcd_list(f->path);

	r.recursive = true;
	r.quorum = !f->o.stale;
	f->call = etcd_start(t, &r, NO_LIMIT_MS, on_listed, f);
	f->complaint = "no answer within 4 s";
	pause_for(f, LIST_HEAD_MS);
}

static void poll(struct etcd_follow *f, const struct etcd_target *t)
{
	struct etcd_request r = etcd_watch(f->path, f->reached + 1);

	r.recursive = true;
	f->call = etcd_start(t, &r, NO_LIMIT_MS, on_polled, f);
	f->complaint = "no answer to a watch within 2 s";
	pause_for(f, POLL_HEAD_MS);
}

static void go_on(struct etcd_follow *f)
{
	struct etcd_target t = etcd_client_target(f->client);

	snprintf(f->url, sizeof(f->url), "%s", t.url);
	if (f->must_list) {
		etcd_release(f->kept);
		f->kept = NULL;
	}
	f->asked_at = now_of(f);
	f->headed = f->arriving = false;
	f->listing = f->must_list || (!f->kept &&
	    mono_since(f->listed_at, now_of(f)) >= f->o.resync_ms);
	if (f->listing)
		list(f, &t);
	else
		poll(f, &t);
	etcd_on_head(f->call, on_head);
}

/* Timers are run before what has come is read, so nothing is concluded but on
 * the next turn.  And the loop of etcd_reader_next() turns only inside of it:
 * where it stood still, the time begins anew. */
static bool must_look_again(struct etcd_follow *f, mono_t now)
{
	bool stood = mono_since(f->due, now) >= STOOD_MS;

	if (f->rang && !stood)
		return false;
	f->rang = !stood;
	f->due = mono_add(now, stood ? f->period_ms : 0);
	timer_set(f->timer, f->due);
	return true;
}

/* The beginning of an event is here: its end is waited for, once. */
static bool must_wait_for_end(struct etcd_follow *f)
{
	if (!f->headed || f->arriving || !etcd_is_arriving(f->call))
		return false;
	f->arriving = true;
	await_end(f);
	return true;
}

static void conclude(struct etcd_follow *f)
{
	etcd_cancel(f->call);
	f->call = NULL;
	if (f->headed && !f->arriving)
		on_quiet(f);
	else
		failed_for(f, f->complaint);
}

static void on_timer(void *arg, mono_t now)
{
	struct etcd_follow *f = arg;

	if (!f->call)
		go_on(f);
	else if (!must_look_again(f, now) && !must_wait_for_end(f))
		conclude(f);
}

/* --- birth and end --- */

struct etcd_follow *etcd_follow_start(struct etcd_client *c, const char *path,
    const struct etcd_follow_options *o, etcd_follow_fn *fn, void *arg)
{
	struct etcd_follow *f = xcalloc(1, sizeof(*f));

	f->client = c;
	f->path = etcd_plain_name(path);
	f->o = o ? *o : (struct etcd_follow_options){ 0 };
	if (f->o.resync_ms == 0)
		f->o.resync_ms = RESYNC_MS;
	f->fn = fn;
	f->arg = arg;
	f->timer = timer_new(etcd_client_loop(c), on_timer, f);
	f->poll_ms = POLL_MS;
	f->listed_at = now_of(f);
	f->must_list = !f->o.from_index;
	f->reached = f->o.index > 0 ? f->o.index - 1 : 0;
	pause_for(f, 0);
	return f;
}

void etcd_follow_stop(struct etcd_follow *f)
{
	if (!f)
		return;
	f->stopped = true;
	if (!f->telling)
		free_follow(f);
}
