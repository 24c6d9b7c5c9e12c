/* May the directory be called watched?  It is, if it was compared since the
 * chain last broke and history has nothing more to tell, its member answers
 * and knows a leader, and the member is not 3 s behind the others.  A break
 * that another member mends within 3 s, by replay, is none: nothing was missed.
 * Everything not proved is unknown. */
#include "collectors/watch_impl.h"
#include "core/log.h"

enum { GRACE_MS = 3000, BEHIND_MS = 3000 };

static uint64_t best_index(const struct cluster *c)
{
	uint64_t best = 0;

	for (size_t k = 0; k < c->nmembers; k++)
		if (c->members[k].index > best &&
		    c->members[k].endpoints[ENDPOINT_KEYS].failures == 0)
			best = c->members[k].index;
	return best;
}

/* The best index as it was a moment ago must be reached within 3 s, if it
 * still is one: a store that was rebuilt begins anew. */
static void judge_behind(struct watcher *w, mono_t now)
{
	uint64_t mine = w->reached, best = best_index(w->c);

	if (w->member->index > mine)
		mine = w->member->index;
	if (w->mark_index > best)
		w->mark_index = best;
	if (mine >= w->mark_index) {
		w->behind = false;
		w->mark_index = best;
		w->mark_at = now;
	} else if (mono_since(w->mark_at, now) >= BEHIND_MS) {
		w->behind = true;
	}
}

static bool in_place(const struct watcher *w)
{
	return w->in_sync && w->probe_ok && !w->behind && w->poll != NULL;
}

/* While looking, a short break is bridged; without a leader nothing is. */
static bool bridged(const struct watcher *w, mono_t now)
{
	bool leaderless = w->c->answers && !w->c->has_leader;

	return w->d->looking && !w->gap && !leaderless &&
	    mono_since(w->in_place_at, now) < GRACE_MS;
}

void looking_judge(struct watcher *w, mono_t now)
{
	struct moment m = { .seen = clock_history(now), .now = now };
	bool looking;

	m.earliest = m.seen;
	judge_behind(w, now);
	if (in_place(w))
		w->in_place_at = now;
	looking = in_place(w) ? w->d->looking ||
	    (poll_headed(w) && w->caught_up) : bridged(w, now);
	if (looking == w->d->looking)
		return;
	registry_set_looking(w->d, looking, &m);
	if (looking)
		log_info("looking", LOG_S("etcd_cluster", w->c->name),
		    LOG_S("directory", w->d->path),
		    LOG_S("member", w->member->name));
	else
		log_warn("not looking", LOG_S("etcd_cluster", w->c->name),
		    LOG_S("directory", w->d->path),
		    LOG_S("in_sync", w->in_sync ? "yes" : "no"),
		    LOG_S("member_has_leader", w->probe_ok ? "yes" : "no"),
		    LOG_S("behind", w->behind ? "yes" : "no"));
}

void looking_proved(struct watcher *w, mono_t proof, mono_t now)
{
	if (w->d->looking && in_place(w) && poll_caught_up(w) &&
	    batch_idle(w))
		registry_progress(w->d, clock_history(proof), w->reached, now);
}
