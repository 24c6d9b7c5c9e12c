/* The watch of a directory: which member it goes through, what is done when
 * the chain of long polls breaks, and what leader probes mean for it.  A
 * broken chain is taken up from the last index, on this or another member, so
 * that history tells what happened in between; then a listing is compared.
 * The polls themselves are poll.c's, what events mean is batch.c's, what
 * listings mean sync.c's. */
#include "collectors/watcher.h"

#include <stdlib.h>
#include <string.h>

#include "collectors/watch_impl.h"
#include "core/config.h"
#include "core/log.h"
#include "core/table.h"
#include "core/xalloc.h"

enum {
	RETRY_MS = 100,
	RETRY_MAX_MS = 2000,
	LIST_RETRY_MS = 500,
	LIST_RETRY_MAX_MS = 10 * 1000,
	LIST_TRIES = 3,			/* at one member */
	WAIT_MS = 1000,
	WAIT_STEP_MS = 20,
};

struct etcd_target watcher_target(const struct watcher *w)
{
	return (struct etcd_target){
		.loop = w->loop,
		.url = w->member->url,
		.http = &w->c->config->http_config,
	};
}

/* --- the member --- */

static bool usable(const struct member *m)
{
	const struct endpoint_state *s = &m->endpoints[ENDPOINT_LEADER];

	return s->polled && s->failures == 0 && m->has_leader && !m->foreign;
}

/* The next member, in turn, that answers and has a leader; else simply the
 * next one, since nothing better is known. */
static struct member *next_member(const struct watcher *w)
{
	size_t n = w->c->nmembers, at = w->member->number;

	for (size_t k = 1; k <= n; k++) {
		struct member *m = &w->c->members[(at + k) % n];

		if (usable(m))
			return m;
	}
	return &w->c->members[(at + 1) % n];
}

static void use_member(struct watcher *w, struct member *m)
{
	if (m == w->member)
		return;
	log_debug("watching through another member",
	    LOG_S("etcd_cluster", w->c->name), LOG_S("directory", w->d->path),
	    LOG_S("member", m->name), LOG_S("before", w->member->name));
	w->member = m;
	w->probe_ok = usable(m);
	w->probe_lost = !w->probe_ok;
}

/* --- failures --- */

/* The next member is tried at once, or the only one: etcd's history may last no
 * longer than 50 ms. */
static int64_t retry_delay(const struct watcher *w)
{
	unsigned n = (unsigned)w->c->nmembers;
	unsigned rounds = (w->failures - (n == 1)) / n;
	int64_t ms = RETRY_MS;

	if (rounds == 0)
		return 0;
	while (rounds-- > 1 && ms < RETRY_MAX_MS)
		ms *= 2;
	return ms < RETRY_MAX_MS ? ms : RETRY_MAX_MS;
}

static void complain(struct watcher *w, const char *what,
    const char *reason)
{
	if (!w->complained && w->failures >= w->c->nmembers) {
		log_warn(what, LOG_S("etcd_cluster", w->c->name),
		    LOG_S("directory", w->d->path),
		    LOG_S("member", w->member->name),
		    LOG_S("reason", reason));
		w->complained = true;
	}
}

/* The present polls and listing do not count any more. */
static void drop_all(struct watcher *w)
{
	poll_stop(w);
	sync_drop(w);
	w->caught_up = false;
}

static void count_resync(struct watcher *w, enum resync reason)
{
	/* Trying again and again is one break. */
	if (w->in_sync || reason == RESYNC_NEW_STORE ||
	    reason == RESYNC_HISTORY_CLEARED)
		registry_resynced(w->d, reason);
	w->in_sync = false;
}

void watcher_answered(struct watcher *w, enum etcd_outcome o)
{
	registry_set_refusal(w->d, o == ETCD_NO_V2 ? REFUSAL_NO_V2 :
	    o == ETCD_UNAUTHORIZED ? REFUSAL_UNAUTHORIZED : REFUSAL_NONE);
}

void watcher_broken(struct watcher *w, const char *reason)
{
	mono_t now = loop_now(w->loop);

	w->failures++;
	complain(w, "directory cannot be watched", reason);
	batch_apply(w, now);
	drop_all(w);
	count_resync(w, RESYNC_CONNECTION);
	use_member(w, next_member(w));
	timer_set(w->retry, mono_add(now, retry_delay(w)));
	looking_judge(w, now);
}

/* --- listings that fail --- */

/* The watch goes on, so `failures` says nothing of them. */
static void complain_of_list(struct watcher *w, const char *reason)
{
	if (w->list_complained)
		return;
	log_warn("directory cannot be listed",
	    LOG_S("etcd_cluster", w->c->name), LOG_S("directory", w->d->path),
	    LOG_S("member", w->member->name), LOG_S("reason", reason));
	w->list_complained = true;
}

void watcher_listed(struct watcher *w)
{
	if (w->list_complained)
		log_info("directory is listed again",
		    LOG_S("etcd_cluster", w->c->name),
		    LOG_S("directory", w->d->path),
		    LOG_S("member", w->member->name),
		    LOG_I("failed_listings", w->list_failures));
	w->list_complained = false;
	w->list_failures = 0;
}

static int64_t list_delay(const struct watcher *w)
{
	int64_t ms = LIST_RETRY_MS;

	for (unsigned k = 1; k < w->list_failures && ms < LIST_RETRY_MAX_MS;
	    k++)
		ms *= 2;
	return ms < LIST_RETRY_MAX_MS ? ms : LIST_RETRY_MAX_MS;
}

/* Tried often enough here, and another member is well. */
static bool lists_elsewhere(const struct watcher *w)
{
	const struct member *next = next_member(w);

	return w->list_failures % LIST_TRIES == 0 && next != w->member &&
	    usable(next);
}

/* Without a watch the listing was the way to begin: try the next member.  With
 * one, the watch goes on and the listing is tried again, less and less
 * often. */
void watcher_list_failed(struct watcher *w, const char *reason)
{
	mono_t now = loop_now(w->loop);

	w->list_failures++;
	w->list_retry_at = now;
	if (w->list_first) {
		watcher_broken(w, reason);
		return;
	}
	complain_of_list(w, reason);
	if (lists_elsewhere(w)) {
		watcher_broken(w, reason);
		return;
	}
	w->list_retry_at = mono_add(now, list_delay(w));
	timer_set(w->list_timer, w->list_retry_at);
}

/* --- beginning --- */

static bool all_asked(const struct cluster *c)
{
	for (size_t k = 0; k < c->nmembers; k++)
		if (!c->members[k].endpoints[ENDPOINT_KEYS].polled)
			return false;
	return true;
}

/* Of several endpoints one may be another cluster's: as long as nobody knows
 * which cluster ours is, its answer would be believed if it came first.  Most
 * of them decide (keys.c), once all were asked. */
static bool waits(struct watcher *w, mono_t now)
{
	if (!w->waits)
		return false;
	if (!all_asked(w->c) && !mono_due(w->waits_until, now))
		return true;
	w->waits = false;
	w->store = w->c->store;
	if (w->member->foreign)
		use_member(w, next_member(w));
	return false;
}

static void on_retry(void *arg, mono_t now)
{
	struct watcher *w = arg;

	if (w->poll != NULL)
		return;
	if (waits(w, now)) {
		timer_set(w->retry, mono_add(now, WAIT_STEP_MS));
		return;
	}
	if (w->list_first && !w->watch_first && sync_may_list(w))
		sync_list(w);
	else
		poll_start(w);
}

void watcher_start_over(struct watcher *w, enum resync reason, bool gap)
{
	mono_t now = loop_now(w->loop);

	batch_apply(w, now);
	drop_all(w);
	count_resync(w, reason);
	w->gap = w->gap || gap;
	w->list_first = w->list_first || gap;
	timer_set(w->retry, now);
	looking_judge(w, now);
}

bool watcher_store_changed(struct watcher *w)
{
	if (w->store == w->c->store)
		return false;
	w->store = w->c->store;
	w->mark_index = 0;
	watcher_start_over(w, RESYNC_NEW_STORE, true);
	return true;
}

bool watcher_of_another(struct watcher *w, const struct etcd_meta *m)
{
	const char *ours = w->c->cluster_id;

	if (m->cluster_id[0] == '\0' || ours == NULL ||
	    strcmp(m->cluster_id, ours) == 0)
		return false;
	if (w->c->nmembers > 1) {
		watcher_broken(w, "the member belongs to another cluster");
		return true;
	}
	registry_set_cluster_id(w->c, m->cluster_id);
	return watcher_store_changed(w);
}

/* --- probes --- */

/* Another member is better than the one watched: it hangs, has lost its
 * leader, lags or is not of this cluster, and another is well. */
static bool moved(struct watcher *w)
{
	struct member *next = next_member(w);

	if ((w->probe_ok && !w->behind && !w->member->foreign) ||
	    next == w->member || !usable(next))
		return false;
	watcher_start_over(w, RESYNC_MEMBER, false);
	use_member(w, next);
	return true;
}

/* Nothing is in place and a member answers again: no need to wait for the
 * retry. */
static void revive(struct watcher *w, struct member *m, mono_t now)
{
	if (w->poll != NULL || w->list != NULL || !usable(m))
		return;
	use_member(w, m);
	timer_set(w->retry, now);
}

void watcher_on_probe(struct watcher *w, struct member *m, bool answered,
    bool has_leader, mono_t sent, mono_t now)
{
	if (w->waits || watcher_store_changed(w))
		return;
	revive(w, m, now);
	if (m != w->member)
		return;
	w->probe_ok = answered && has_leader;
	w->probe_lost = w->probe_lost || !w->probe_ok;
	if (!moved(w) && w->probe_ok && w->probe_lost) {
		/* A leader again: the store counts again only after a
		 * listing through the quorum. */
		w->probe_lost = false;
		if (w->in_sync)
			watcher_start_over(w, RESYNC_LEADER, false);
	}
	if (w->probe_ok) {
		sync_new_leader(w);
		looking_proved(w, sent, now);
	}
	poll_keep_fresh(w, now);
	looking_judge(w, now);
}

/* --- birth and end --- */

static void on_judge(void *arg, mono_t now)
{
	struct watcher *w = arg;

	if (!judge_tick(w, now))
		return;
	batch_apply(w, now);
	sync_advanced(w, now);
}

static void on_drain(void *arg, mono_t now)
{
	batch_drain(arg, now);
	sync_advanced(arg, now);
}

static void on_settle(void *arg, mono_t now)
{
	poll_settled(arg, now);
}

static void on_slice(void *arg, mono_t now)
{
	sync_compare(arg, now);
}

static void on_list_due(void *arg, mono_t now)
{
	struct watcher *w = arg;

	(void)now;
	if (w->poll != NULL && w->list == NULL && !w->listing.ready)
		sync_list(w);
}

struct watcher *watcher_new(struct loop *l, struct directory *d,
    struct storm *s)
{
	struct watcher *w = xcalloc(1, sizeof(*w));

	w->loop = l;
	w->d = d;
	w->c = d->cluster;
	w->storm = s;
	w->store = w->c->store;
	w->member = &w->c->members[0];
	w->peers = xcalloc(w->c->nmembers, sizeof(*w->peers));
	w->touched = table_new(free);
	w->retry = timer_new(l, on_retry, w);
	w->judge = timer_new(l, on_judge, w);
	w->drain = timer_new(l, on_drain, w);
	w->settle = timer_new(l, on_settle, w);
	w->list_timer = timer_new(l, on_list_due, w);
	w->slice = timer_new(l, on_slice, w);
	w->probe_ok = usable(w->member);
	w->in_place_at = loop_now(l);
	w->reached = d->applied_index;
	w->list_first = d->applied_index == 0;
	w->waits = w->c->nmembers > 1 && w->c->cluster_id == NULL;
	w->waits_until = mono_add(loop_now(l), WAIT_MS);
	registry_resynced(d, RESYNC_START);
	timer_set(w->retry, loop_now(l));
	return w;
}

void watcher_free(struct watcher *w)
{
	if (w == NULL)
		return;
	batch_finish(w, loop_now(w->loop));
	poll_stop(w);
	sync_free(w);
	batch_free(w);
	timer_free(w->retry);
	timer_free(w->judge);
	timer_free(w->drain);
	timer_free(w->settle);
	timer_free(w->list_timer);
	timer_free(w->slice);
	free(w->peers);
	free(w);
}
