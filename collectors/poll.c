/* Long polls in a line (etcd/line.h), under the resume rule that loses nothing
 * (docs/ETCD.md): after an event the next poll asks for its index + 1.  etcd
 * keeps only the last 1000 events of the whole store, so a poll that is quiet
 * for long, or while much is written elsewhere, is relieved in time: its
 * successor asks for the same index while it still listens.  Whatever happened
 * up to the index in the successor's headers is in history, and comes right
 * behind them; or it did not happen, and the successor takes over.
 *
 * Where others write so much that history is gone already, it starts "from
 * now", and what comes through neither of the two for a moment is taken not to
 * have happened.  The old one may have been held up, and then it takes a
 * listing to see that. */
#include <stdlib.h>

#include "collectors/watch_impl.h"
#include "core/log.h"
#include "core/xalloc.h"

enum {
	POLL_MS = 28 * 1000,		/* proxies cut idle polls at 30 s */
	RENEW_MS = 15 * 1000,
	RENEW_BEHIND = 300,		/* events; history has 1000 */
	HISTORY = 900,			/* of them, to be safe */
	SETTLE_MS = 250,		/* headers came, but no event */
	RELIEF_MS = 600,		/* the same, over two lost packets */
	LASTED_MS = 1000,		/* a poll that was no failure */
	READ_MS = 5,			/* by then what had come is told */
	INDEX_MS = 1000,		/* to tell the store's index */
};

bool poll_headed(const struct watcher *w)
{
	return w->poll != NULL && w->poll->headed;
}

bool poll_caught_up(const struct watcher *w)
{
	return poll_headed(w) && (w->poll->settled ||
	    w->reached >= w->store_index);
}

static void stop(struct poll **p)
{
	if (*p == NULL)
		return;
	etcd_line_stop((*p)->line);
	free(*p);
	*p = NULL;
}

void poll_forget_index(struct watcher *w)
{
	etcd_cancel(w->asks_index);
	w->asks_index = NULL;
}

/* How fast events came in the line in charge, for the next one.  Half of it, so
 * that where asking ahead breaks the line it ends. */
static void take_pace(struct watcher *w)
{
	if (w->poll != NULL)
		w->pace = etcd_line_pace(w->poll->line) / 2;
}

void poll_stop(struct watcher *w)
{
	take_pace(w);
	stop(&w->poll);
	stop(&w->relief);
	poll_forget_index(w);
	timer_clear(w->settle);
}

static void came_this_far(struct watcher *w, uint64_t index, mono_t now)
{
	w->caught_up = true;
	if (index > w->reached)
		w->reached = index;
	batch_apply(w, now);
	sync_advanced(w, now);
}

static void went_well(struct watcher *w)
{
	w->failures = 0;
	w->complained = false;
}

/* --- the poll in charge --- */

/* A listing tells of more.  That nothing comes does not prove that nothing of
 * it is ours: the member may hang.  Only a relief's headers do. */
static void let_listing_count(struct watcher *w)
{
	if (w->listing.ready && w->reached < w->listing.index)
		poll_renew(w);
}

/* The watch goes on from now, and what was before is for the listing. */
static void begin_here(struct watcher *w)
{
	w->reached = w->poll->index;
	w->list_first = w->watch_first = false;
}

static void head_of_poll(struct watcher *w, mono_t now)
{
	if (w->list_first)
		begin_here(w);
	if (w->poll->index <= w->reached)	/* for certain nothing more */
		came_this_far(w, w->poll->index, now);
	else
		timer_set(w->settle, mono_add(now, SETTLE_MS));
	let_listing_count(w);
	batch_headed(w, w->poll->index);
	if (!w->in_sync && w->list == NULL && !w->listing.ready)
		sync_list(w);
	looking_judge(w, now);
}

/* Polls that were asked ahead may have begun in another order, so the best
 * index counts. */
static void store_is_at(struct poll *p, uint64_t index)
{
	if (index > p->store_index)
		p->store_index = index;
}

/* Leaves wait to be judged, and the poll that waits began before them, or is
 * silent (judge.c): how far the store is now has to be asked for. */
static void on_index(const struct etcd_result *r, void *arg)
{
	struct watcher *w = arg;
	mono_t now = loop_now(w->loop);

	w->asks_index = NULL;
	if (r->outcome == ETCD_UNAUTHORIZED && !w->index_below) {
		w->index_below = true;
		poll_ask_index(w);
		return;
	}
	if (r->meta.etcd_index == 0) {
		if (r->outcome != ETCD_FAILED)
			batch_answered(w);
		return;
	}
	if (!poll_headed(w))
		return;
	registry_set_raft(w->c, r->meta.raft_term, r->meta.raft_index, now);
	store_is_at(w->poll, r->meta.etcd_index);
	if (r->meta.etcd_index <= w->reached)
		came_this_far(w, r->meta.etcd_index, now);
	else
		batch_indexed(w, r->meta.etcd_index);
}

void poll_ask_index(struct watcher *w)
{
	struct etcd_target t = watcher_target(w);
	struct etcd_request r = etcd_index();

	/* An error below a directory tells no raft term. */
	if (w->index_below)
		r.path = w->d->path;
	w->asks_index = etcd_start(&t, &r, INDEX_MS, on_index, w);
}

static void old_head_of_poll(struct watcher *w, mono_t now)
{
	if (w->poll->store_index <= w->reached)
		w->caught_up = true;
	else if (w->relief == NULL || !w->relief->headed)
		timer_set(w->settle, mono_add(now, SETTLE_MS));
	sync_advanced(w, now);
	let_listing_count(w);
	if (w->judging && w->asks_index == NULL)
		poll_ask_index(w);
	looking_judge(w, now);
}

/* --- its relief --- */

static void take_over(struct watcher *w, mono_t now)
{
	stop(&w->poll);
	went_well(w);
	w->poll = w->relief;
	w->relief = NULL;
	w->poll_at = now;
	came_this_far(w, w->poll->index, now);
}

static void head_of_relief(struct watcher *w, mono_t now)
{
	if (w->relief->index < w->reached)	/* it would tell twice */
		stop(&w->relief);
	else if (w->relief->index == w->reached)
		take_over(w, now);
	else
		timer_set(w->settle, mono_add(now, RELIEF_MS));
}

/* What came while the process was held up is read after the timers: so a few
 * times more round the loop before silence is taken for an answer. */
static void relieve(struct watcher *w, mono_t now)
{
	if (etcd_line_holds(w->poll->line)) {
		poll_start(w);		/* it is not silent, but stuck */
		return;
	}
	if (w->relief->settled) {
		take_over(w, now);
		return;
	}
	w->relief->settled = true;
	timer_set(w->settle, mono_add(now, READ_MS));
}

void poll_settled(struct watcher *w, mono_t now)
{
	if (w->relief != NULL && w->relief->headed) {
		relieve(w, now);
	} else if (poll_headed(w)) {
		w->poll->settled = true;
		w->caught_up = true;
		let_listing_count(w);
	}
	looking_judge(w, now);
}

/* --- callbacks --- */

/* False if the polls do not go on: they are another store's. */
static bool take_head(struct poll *p, const struct etcd_meta *m)
{
	struct watcher *w = p->watcher;

	if (watcher_store_changed(w) || watcher_of_another(w, m))
		return false;
	registry_set_raft(w->c, m->raft_term, m->raft_index,
	    loop_now(w->loop));
	p->headed = true;
	p->index = m->etcd_index;
	store_is_at(p, m->etcd_index);
	w->store_index = p->store_index;
	return true;
}

static void on_head(const struct etcd_meta *m, long status, void *arg)
{
	struct poll *p = arg;
	struct watcher *w = p->watcher;
	mono_t now = loop_now(w->loop);

	if (status != 200 || !take_head(p, m))
		return;
	if (p == w->poll)
		head_of_poll(w, now);
	else
		head_of_relief(w, now);
}

static void on_old_head(const struct etcd_meta *m, void *arg)
{
	struct poll *p = arg;
	struct watcher *w = p->watcher;

	if (p == w->poll && take_head(p, m))
		old_head_of_poll(w, loop_now(w->loop));
}

/* The poll behind that event waits. */
static void goes_on(struct watcher *w, struct poll *p, uint64_t index)
{
	stop(&w->relief);
	timer_clear(w->settle);
	p->wait_index = index + 1;
	p->headed = p->settled = false;
	w->poll_at = loop_now(w->loop);
}

static void on_event(struct watcher *w, const struct etcd_result *r,
    struct poll *p)
{
	uint64_t index = r->event.node.modified_index;
	bool live;

	if (index < p->wait_index) {
		watcher_broken(w, "etcd sent an event older than asked for");
		return;
	}
	if (!p->headed && r->meta.etcd_index != 0 && !take_head(p, &r->meta))
		return;
	live = p->headed && index > p->index;
	w->senseless = 0;
	went_well(w);
	w->caught_up = w->caught_up || live;
	w->reached = index;
	goes_on(w, p, index);
	batch_event(w, &r->event, live);
	sync_advanced(w, loop_now(w->loop));
}

static void on_error(struct watcher *w, const struct etcd_result *r,
    const struct poll *p)
{
	if (watcher_of_another(w, &r->meta))
		return;
	if (r->error_code != ETCD_INDEX_CLEARED) {
		watcher_broken(w, r->text);
		return;
	}
	log_warn("etcd's history no longer reaches back: listing instead",
	    LOG_S("etcd_cluster", w->c->name), LOG_S("directory", w->d->path),
	    LOG_I("asked_for", w->reached + 1),
	    LOG_I("index", r->meta.etcd_index));
	/* Right behind a listing that took longer than history lasts: the
	 * next one would, too. */
	w->watch_first = !p->headed && w->reached == w->listing.index;
	watcher_start_over(w, RESYNC_HISTORY_CLEARED, true);
}

/* An event that no member can tell in a way that makes sense would hold up
 * all behind it for ever: go round it by a listing. */
static void on_senseless(struct watcher *w, const struct etcd_result *r)
{
	if (++w->senseless <= w->c->nmembers) {
		watcher_broken(w, r->text);
		return;
	}
	w->senseless = 0;
	log_warn("an event makes no sense: listing instead",
	    LOG_S("etcd_cluster", w->c->name), LOG_S("directory", w->d->path),
	    LOG_I("asked_for", w->reached + 1), LOG_S("reason", r->text));
	watcher_start_over(w, RESYNC_DIFFERENCE, true);
}

/* A proxy may send headers and close, at once: that is no success. */
static void on_break(struct watcher *w, const struct etcd_result *r,
    const struct poll *p)
{
	if (p->headed && mono_since(w->poll_at, loop_now(w->loop)) >=
	    LASTED_MS)
		went_well(w);
	watcher_answered(w, r->outcome);
	watcher_broken(w, r->text[0] != '\0' ? r->text :
	    etcd_outcome_name(r->outcome));
}

static void end_of_poll(struct watcher *w, const struct etcd_result *r,
    const struct poll *p)
{
	bool quiet = r->outcome == ETCD_FAILED &&
	    r->fetch_error == FETCH_TIMEOUT && p->headed;
	bool too_large = r->outcome == ETCD_FAILED &&
	    r->fetch_error == FETCH_TOO_LARGE;

	if (quiet) {
		went_well(w);
		came_this_far(w, p->index, loop_now(w->loop));
		poll_start(w);
	} else if (r->outcome == ETCD_ERROR) {
		on_error(w, r, p);
	} else if (r->outcome == ETCD_BAD || too_large) {
		on_senseless(w, r);
	} else {
		on_break(w, r, p);
	}
}

static struct poll *start(struct watcher *w, uint64_t wait_index);

/* What the poll in charge waits for as well, and gets later, if at all: that
 * one is held up. */
static void event_of_relief(struct watcher *w, const struct etcd_result *r)
{
	stop(&w->poll);
	w->poll = w->relief;
	w->relief = NULL;
	on_event(w, r, w->poll);
}

/* What is told from now on, the poll in charge gets as well. */
static void end_of_relief(struct watcher *w, const struct etcd_result *r)
{
	bool asks_history = w->relief->wait_index > 0;

	if (r->outcome == ETCD_OK && asks_history) {
		event_of_relief(w, r);
		return;
	}
	stop(&w->relief);
	if (asks_history && r->outcome == ETCD_ERROR &&
	    r->error_code == ETCD_INDEX_CLEARED)
		w->relief = start(w, 0);
}

static void on_done(const struct etcd_result *r, void *arg)
{
	struct poll *p = arg;
	struct watcher *w = p->watcher;

	if (p == w->relief) {
		end_of_relief(w, r);
	} else if (r->outcome == ETCD_OK) {
		on_event(w, r, p);
	} else {
		take_pace(w);
		w->poll = NULL;
		timer_clear(w->settle);
		end_of_poll(w, r, p);
		stop(&p);
	}
}

/* --- starting --- */

static const struct etcd_line_user line_user = {
	.head = on_head, .old_head = on_old_head, .done = on_done,
};

static struct poll *start(struct watcher *w, uint64_t wait_index)
{
	struct etcd_target t = watcher_target(w);
	struct etcd_line_request r = { .directory = w->d->path,
		.from = wait_index, .poll_ms = POLL_MS,
		.pace = wait_index > 0 && w->poll == NULL ? w->pace : 0,
		.peer = &w->peers[w->member->number] };
	struct poll *p = xcalloc(1, sizeof(*p));

	p->watcher = w;
	p->wait_index = wait_index;
	p->line = etcd_line_start(&t, &r, &line_user, p);
	return p;
}

void poll_start(struct watcher *w)
{
	poll_stop(w);
	w->poll = start(w, w->list_first ? 0 : w->reached + 1);
	w->poll_at = loop_now(w->loop);
}

static bool history_reaches_back(const struct watcher *w)
{
	uint64_t index = w->store_index;

	if (w->member->index > index)
		index = w->member->index;
	if (w->listing.ready && w->listing.index > index)
		index = w->listing.index;
	return index <= w->reached + HISTORY;
}

/* A relief that begins before the poll in charge listens proves nothing. */
void poll_renew(struct watcher *w)
{
	if (w->relief == NULL && poll_headed(w))
		w->relief = start(w, history_reaches_back(w) ?
		    w->reached + 1 : 0);
}

void poll_keep_fresh(struct watcher *w, mono_t now)
{
	bool behind = w->member->index > w->reached + RENEW_BEHIND;

	if (poll_headed(w) &&
	    (behind || mono_since(w->poll_at, now) >= RENEW_MS))
		poll_renew(w);
}
