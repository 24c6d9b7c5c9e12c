/* When the leaves of a batch are judged.  Their number tells a storm from a
 * few that died, so it pays to wait for the rest of a burst; and nothing that
 * is waited for must hold up the news of one that died.  So they are judged
 *
 *  - as soon as the next poll's headers come and show that the store has no
 *    more events than those that came, or too few to make a storm of it.
 *    (The headers also carry the raft term, which tells an outage's expiries
 *    from a service's.)
 *  - when they show more, but none of it comes: others wrote it.  An etcd that
 *    is held up is silent, too, so it has to answer something in between.
 *  - when what comes does not end: after 50 ms, by how many came and how many
 *    the headers say are still to come.
 *  - when no headers come, or not that answer: after 200 ms.
 *
 * All of this is counted in ticks of 5 ms, of which a turn of the loop holds
 * one at most: time during which nothing could be read does not count.  What
 * the judgement is, is found in leave.c. */
#include "collectors/watch_impl.h"
#include "core/event.h"

enum {
	TICK_MS = 5,
	QUIET_TICKS = 2,	/* the first of them may have been half over */
	HEARD_TICKS = 10,	/* in which something came */
	WAITED_TICKS = 40,
};

/* Silence begins anew. */
static void hears(struct watcher *w)
{
	w->hears = true;
	w->quiet = 0;
	w->probes = w->awake = false;
}

void judge_event(struct watcher *w, const struct etcd_event *e)
{
	if (!w->judging) {
		w->judging = true;
		w->judging_from = e->node.modified_index;
		w->ticks = w->heard = 0;
		timer_set(w->judge, mono_add(loop_now(w->loop), TICK_MS));
	}
	w->headed = false;
	hears(w);
}

void judge_end(struct watcher *w)
{
	w->judging = false;
	timer_clear(w->judge);
	poll_forget_index(w);		/* it was asked for these */
}

/* As many as the store still has events, were all of them leaves of ours; those
 * of a directory are not known before it is opened. */
static size_t at_most(const struct watcher *w)
{
	size_t n = w->store_index - w->reached;

	for (size_t k = w->ripe; k < w->nbatch; k++)
		if (batch_is_leave(w->batch[k].action))
			n += w->batch[k].node.dir ? w->c->up : 1;
	return n;
}

void batch_headed(struct watcher *w, uint64_t index)
{
	mono_t now = loop_now(w->loop);

	if (index > w->store_index)
		w->store_index = index;
	if (!w->judging)
		return;
	w->headed = true;
	hears(w);
	if (w->store_index > w->reached &&
	    storm_possible(w->storm, at_most(w), leave_up(w->c), now))
		return;
	batch_apply(w, now);
	sync_advanced(w, now);
}

void batch_indexed(struct watcher *w, uint64_t index)
{
	bool probed = w->probes;

	batch_headed(w, index);
	w->probes = w->awake = probed;
}

void batch_answered(struct watcher *w)
{
	w->awake = w->probes;
	w->quiet = 0;
}

/* Behind an answer that was asked for in the silence. */
static bool is_silent(struct watcher *w)
{
	if (!w->headed)
		return false;
	if (!w->probes && w->asks_index == NULL) {
		w->probes = true;
		poll_ask_index(w);
	}
	return ++w->quiet >= QUIET_TICKS && w->awake;
}

/* Time is up before the burst is at its end: as many of the events to come
 * will be leaves as were so far.  One alone tells nothing of what follows. */
static void look_ahead(struct watcher *w)
{
	if (w->nbatch - w->ripe < 2 || w->store_index <= w->reached)
		return;
	w->outlook.more = w->store_index - w->reached;
	w->outlook.range = w->reached - w->judging_from + 1;
}

bool judge_tick(struct watcher *w, mono_t now)
{
	timer_set(w->judge, mono_add(now, TICK_MS));
	w->ticks++;
	w->heard += w->hears;
	w->hears = false;
	if (is_silent(w))
		return true;
	if (w->heard < HEARD_TICKS && w->ticks < WAITED_TICKS)
		return false;
	look_ahead(w);
	return true;
}
