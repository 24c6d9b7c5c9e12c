/* The watch of a directory: which member it goes through, one long poll after
 * the other, and the resume rule that loses nothing (docs/ETCD.md): after an
 * event the next poll asks for its index + 1, after a quiet poll for the
 * index its headers showed + 1.  Whenever the chain breaks it is taken up
 * from the last index, on this or another member, and a listing is compared.
 * What the events mean is batch.c's, what listings mean is sync.c's. */
#include "collectors/watcher.h"

#include <stdlib.h>
#include <string.h>

#include "collectors/watch_impl.h"
#include "core/config.h"
#include "core/log.h"
#include "core/table.h"
#include "core/xalloc.h"

enum {
	POLL_MS = 20 * 1000,		/* proxies cut idle polls at 30 s */
	POLL_SPREAD_MS = 5 * 1000,
	RETRY_MS = 100,
	RETRY_MAX_MS = 2000,
	LIST_RETRY_MS = 500,
};

static void poll_start(struct watcher *w);

static int64_t poll_deadline(const struct watcher *w)
{
	return POLL_MS + (int64_t)(w->next * 2654435761u % POLL_SPREAD_MS);
}

static struct etcd_target target_of(const struct watcher *w)
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
}

/* --- failures --- */

static int64_t retry_delay(const struct watcher *w)
{
	unsigned rounds = w->failures / (unsigned)w->c->nmembers;
	int64_t ms = RETRY_MS;

	if (rounds == 0)
		return 0;
	while (rounds-- > 1 && ms < RETRY_MAX_MS)
		ms *= 2;
	return ms < RETRY_MAX_MS ? ms : RETRY_MAX_MS;
}

static void complain(struct watcher *w, const char *what, const char *reason)
{
	if (!w->complained && w->failures >= w->c->nmembers) {
		log_warn(what, LOG_S("etcd_cluster", w->c->name),
		    LOG_S("directory", w->d->path),
		    LOG_S("member", w->member->name),
		    LOG_S("reason", reason));
		w->complained = true;
	}
}

/* The chain broke: take it up again on the next member. */
static void broken(struct watcher *w, const char *reason)
{
	mono_t now = loop_now(w->loop);

	w->failures++;
	complain(w, "directory cannot be watched", reason);
	watcher_resync(w, RESYNC_CONNECTION, false);
	use_member(w, next_member(w));
	timer_set(w->retry, mono_add(now, retry_delay(w)));
	looking_judge(w, now);
}

/* Without a watch the listing was the way to begin: try the next member.  With
 * one, the watch goes on and the listing is tried again. */
void watcher_list_failed(struct watcher *w, const char *reason)
{
	mono_t now = loop_now(w->loop);

	if (w->list_first) {
		broken(w, reason);
		return;
	}
	complain(w, "directory cannot be listed", reason);
	timer_set(w->list_timer, mono_add(now, LIST_RETRY_MS));
}

static void on_retry(void *arg, mono_t now)
{
	struct watcher *w = arg;

	(void)now;
	if (w->poll != NULL)
		return;
	if (w->list_first)
		sync_list(w);
	else
		poll_start(w);
}

/* Starts over: the present poll and listing do not count any more.  gap: the
 * history in between is lost, so only a listing tells, and watching goes on
 * from its index. */
void watcher_resync(struct watcher *w, enum resync reason, bool gap)
{
	etcd_cancel(w->poll);
	w->poll = NULL;
	w->headed = false;
	sync_drop(w);
	w->in_sync = false;
	registry_resynced(w->d, reason);
	if (gap) {
		w->gap = true;
		w->list_first = true;
	}
}

static void start_over(struct watcher *w, enum resync reason, bool gap)
{
	mono_t now = loop_now(w->loop);

	batch_apply(w, now);
	watcher_resync(w, reason, gap);
	looking_judge(w, now);
	timer_set(w->retry, now);
}

static bool store_changed(struct watcher *w)
{
	if (w->store == w->c->store)
		return false;
	w->store = w->c->store;
	w->mark_index = 0;
	start_over(w, RESYNC_NEW_STORE, true);
	return true;
}

/* --- the long poll --- */

static void on_head(const struct etcd_meta *m, long status, void *arg)
{
	struct watcher *w = arg;
	mono_t now = loop_now(w->loop);

	if (status != 200)
		return;
	registry_set_cluster_id(w->c, m->cluster_id);
	registry_set_raft(w->c, m->raft_term, m->raft_index, now);
	if (store_changed(w))
		return;
	w->headed = true;
	w->head_index = m->etcd_index;
	w->head_at = now;
	w->failures = 0;
	w->complained = false;
	batch_headed(w);
	if (w->poll == NULL)		/* a difference made it start over */
		return;
	if (!w->in_sync && w->list == NULL && !w->listing.ready)
		sync_list(w);
	looking_judge(w, now);
}

/* A quiet poll ended: nothing happened up to the index of its headers. */
static void quiet_end(struct watcher *w)
{
	mono_t now = loop_now(w->loop);

	if (w->head_index > w->reached)
		w->reached = w->head_index;
	batch_apply(w, now);
	sync_advanced(w, now);
	if (w->poll == NULL)
		poll_start(w);
}

static void on_event(struct watcher *w, const struct etcd_event *e)
{
	uint64_t index = e->node.modified_index;

	if (index < w->next) {
		broken(w, "etcd sent an event older than asked for");
		return;
	}
	w->reached = index;
	w->event_at = loop_now(w->loop);
	batch_event(w, e);
	poll_start(w);
}

static void on_error(struct watcher *w, const struct etcd_result *r)
{
	if (r->error_code != ETCD_INDEX_CLEARED) {
		broken(w, r->text);
		return;
	}
	log_warn("etcd's history no longer reaches back: listing instead",
	    LOG_S("etcd_cluster", w->c->name), LOG_S("directory", w->d->path),
	    LOG_I("asked_for", w->next), LOG_I("index", r->meta.etcd_index));
	start_over(w, RESYNC_HISTORY_CLEARED, true);
}

static void on_poll(const struct etcd_result *r, void *arg)
{
	struct watcher *w = arg;
	bool quiet = r->outcome == ETCD_FAILED &&
	    r->fetch_error == FETCH_TIMEOUT && w->headed;

	w->poll = NULL;
	timer_clear(w->settle);
	if (r->outcome == ETCD_OK)
		on_event(w, &r->event);
	else if (quiet)
		quiet_end(w);
	else if (r->outcome == ETCD_ERROR)
		on_error(w, r);
	else
		broken(w, r->text[0] ? r->text : etcd_outcome_name(r->outcome));
}

static void poll_start(struct watcher *w)
{
	struct etcd_target t = target_of(w);

	w->next = w->reached + 1;
	w->headed = false;
	w->poll = etcd_watch(&t, w->d->path, w->next, poll_deadline(w),
	    on_head, on_poll, w);
}

void watcher_repoll(struct watcher *w)
{
	etcd_cancel(w->poll);
	timer_clear(w->settle);
	poll_start(w);
}

/* --- probes --- */

static void restart(struct watcher *w, enum resync reason, mono_t now)
{
	batch_apply(w, now);
	watcher_resync(w, reason, false);
	timer_set(w->retry, now);
}

/* Another member is better than the one watched: it hangs, has lost its
 * leader or lags, and another has not. */
static bool moved(struct watcher *w, mono_t now)
{
	struct member *next = next_member(w);

	if ((w->probe_ok && !w->behind) || next == w->member || !usable(next))
		return false;
	restart(w, RESYNC_MEMBER, now);
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
	if (store_changed(w))
		return;
	revive(w, m, now);
	if (m != w->member)
		return;
	w->probe_ok = answered && has_leader;
	w->probe_lost = w->probe_lost || !w->probe_ok;
	if (!moved(w, now) && w->probe_ok && w->probe_lost) {
		/* A leader again: the store counts again only after a
		 * listing through the quorum. */
		w->probe_lost = false;
		if (w->in_sync)
			restart(w, RESYNC_LEADER, now);
	}
	if (w->probe_ok)
		looking_proved(w, sent, now);
	looking_judge(w, now);
}

/* --- birth and end --- */

static void on_judge(void *arg, mono_t now)
{
	struct watcher *w = arg;

	batch_apply(w, now);
	sync_advanced(w, now);
}

/* Headers came a moment ago and no event with them: there is none. */
static void on_settle(void *arg, mono_t now)
{
	struct watcher *w = arg;

	if (!w->headed || w->poll == NULL)
		return;
	if (w->head_index > w->reached)
		w->reached = w->head_index;
	batch_apply(w, now);
	sync_advanced(w, now);
	looking_judge(w, now);
}

static void on_list_due(void *arg, mono_t now)
{
	struct watcher *w = arg;

	(void)now;
	if (w->headed && w->list == NULL && !w->listing.ready)
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
	w->touched = table_new(free);
	w->retry = timer_new(l, on_retry, w);
	w->judge = timer_new(l, on_judge, w);
	w->settle = timer_new(l, on_settle, w);
	w->list_timer = timer_new(l, on_list_due, w);
	w->probe_ok = usable(w->member);
	w->in_place_at = loop_now(l);
	w->reached = d->applied_index;
	w->list_first = d->applied_index == 0;
	registry_resynced(d, RESYNC_START);
	timer_set(w->retry, loop_now(l));
	return w;
}

void watcher_free(struct watcher *w)
{
	if (w == NULL)
		return;
	batch_apply(w, loop_now(w->loop));
	etcd_cancel(w->poll);
	sync_free(w);
	batch_free(w);
	timer_free(w->retry);
	timer_free(w->judge);
	timer_free(w->settle);
	timer_free(w->list_timer);
	free(w);
}
