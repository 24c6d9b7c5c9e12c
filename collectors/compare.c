/* What a listing says, once it counts, done to the roll: what differs is taken
 * over, then what is missing leaves, judged together.  A large one takes many
 * turns of the loop, so that events and alerts pass in between; what those
 * touch is left to them.  Called by collectors/sync.c. */
#include <stdlib.h>

#include "collectors/journal.h"
#include "collectors/watch_impl.h"
#include "core/config.h"
#include "core/event.h"
#include "core/log.h"
#include "core/table.h"
#include "core/xalloc.h"

/* What one turn may do for all directories, in units of some 0.1 us, and what
 * that costs.  A machine may take several times as long, and what the others do
 * with an event comes on top, so the clock has a say as well. */
enum {
	SLICE = 12000, TAKEN = 100, WALKED = 5, LEFT = 100,
	SLICE_US = 800, LOOK_EVERY = 500,
	PAUSE_MS = 2,
};

/* What is left of a turn. */
struct rest {
	long units;
	long look;		/* at the clock, when so many are left */
	int64_t until;		/* clock_mono_us() */
};

static struct rest rest_of(size_t comparing)
{
	long units = SLICE / (long)comparing + 1;

	return (struct rest){ units, units - LOOK_EVERY,
	    clock_mono_us() + SLICE_US / (long)comparing };
}

static void spend(struct rest *rest, long units)
{
	rest->units -= units;
	if (rest->units > rest->look)
		return;
	rest->look = rest->units - LOOK_EVERY;
	if (clock_mono_us() >= rest->until)
		rest->units = 0;
}

/* --- what differs --- */

static struct moment moment_now(const struct watcher *w, mono_t now)
{
	struct moment m = { .now = now, .seen = clock_history(now) };

	m.earliest = m.seen;
	if (w->d->watching_to.ms != 0 && w->d->watching_to.ms < m.seen.ms)
		m.earliest = w->d->watching_to;
	return m;
}

static struct moment moment_listed(const struct watcher *w, mono_t now,
    uint64_t index)
{
	struct moment m = moment_now(w, now);

	/* At the first listing ever nothing is known of before. */
	if (!w->d->synced && w->d->watching_to.ms == 0)
		m.earliest = m.seen;
	m.index = index;
	m.as_of = clock_history(w->asked_at);
	return m;
}

void sync_is_listed(struct watcher *w, const struct instance *i)
{
	struct listed *l = &w->listing;

	l->silent = l->silent || i->silent;
	if (i->ttl_s <= 0)
		return;
	l->ttls[i->ttl_s < TTL_CAP ? i->ttl_s : TTL_CAP - 1]++;
	l->nttls++;
}

void sync_is_bad(struct watcher *w, const char *key)
{
	char *own = xstrdup(key);

	free(table_put(w->listing.bad_keys, own, own));
}

static void taken(struct watcher *w, const char *key)
{
	struct instance *i = registry_find(w->d, key);
	struct rival *rival = table_get(w->d->rivals, key);

	if (i != NULL) {
		i->listed = w->listing.number;
		sync_is_listed(w, i);
	} else if (rival != NULL) {
		rival->listed = w->listing.number;
	} else if (table_get(w->d->bad, key) != NULL) {
		sync_is_bad(w, key);
	}
}

static void take(struct watcher *w, struct etcd_node *node, mono_t now)
{
	struct moment m = moment_listed(w, now, node->modified_index);
	struct instance *i = registry_find(w->d, node->key);
	struct key_facts f;

	if (sync_touched(w, node->key))
		return;
	if (node->value == NULL && i == NULL)
		return;			/* the next listing has it whole */
	if (node->value == NULL)
		node->value = names_value(i->names);
	f = facts_of(w, node);
	registry_listed(w->d, &f, &m);
	taken(w, node->key);
}

static bool take_all(struct watcher *w, struct journal *j, mono_t now,
    struct rest *rest)
{
	struct etcd_node node;

	if (event_backlog(w->c->registry->bus, now))
		return false;
	for (; rest->units > 0; spend(rest, TAKEN)) {
		if (!journal_next(j, &node))
			return true;
		take(w, &node, now);
	}
	return false;
}

static bool take_different(struct watcher *w, mono_t now, struct rest *rest)
{
	return take_all(w, w->listing.differ, now, rest);
}

static bool take_deeper(struct watcher *w, mono_t now, struct rest *rest)
{
	return take_all(w, w->listing.deeper, now, rest);
}

/* --- what is missing --- */

/* A rival is among the bad keys as well. */
static bool is_listed(const struct watcher *w, const char *key)
{
	const struct rival *rival = table_get(w->d->rivals, key);

	if (rival != NULL)
		return rival->listed == w->listing.number;
	return table_get(w->listing.bad_keys, key) != NULL;
}

static void drop_others(struct watcher *w, const struct table *keys,
    struct rest *rest)
{
	size_t n = 0, cursor = 0;
	char **gone = xmalloc((table_count(keys) + 1) * sizeof(*gone));
	const char *key;
	void *value;

	spend(rest, (long)table_count(keys) * WALKED);
	while (table_next(keys, &cursor, &key, &value))
		if (!is_listed(w, key) && !sync_touched(w, key))
			gone[n++] = xstrdup(key);
	for (size_t k = 0; k < n; k++) {
		registry_left_other(w->d, gone[k]);
		free(gone[k]);
	}
	free(gone);
}

/* Rivals and bad keys that are not there any more.  Before instances: one that
 * is gone as well takes nothing over. */
static bool take_other_absent(struct watcher *w, mono_t now, struct rest *rest)
{
	(void)now;
	drop_others(w, w->d->rivals, rest);
	drop_others(w, w->d->bad, rest);
	return true;
}

/* When what is missing can have gone: with a gap in history, since the last
 * proof; else events were lost unnoticed, any time since the last listing. */
static struct leave missed(const struct watcher *w, struct instance *i,
    mono_t now)
{
	struct leave l = { .instance = i, .cause = CAUSE_DIFF };
	wall_t listed = w->d->last_sync;

	l.moment = moment_now(w, now);
	if (!w->gap && listed.ms != 0 && listed.ms < l.moment.earliest.ms)
		l.moment.earliest = listed;
	l.from = l.moment.seen;
	return l;
}

/* Others come and go between two turns.  What comes is touched by its event;
 * but where the table had to be ordered anew the walk begins once more. */
static void walk_on(struct watcher *w)
{
	struct listed *l = &w->listing;

	if (l->moves == table_moves(w->d->by_key))
		return;
	l->moves = table_moves(w->d->by_key);
	l->cursor = 0;
}

/* The next instance of the roll; NULL: it was the last. */
static struct instance *walk(struct watcher *w)
{
	struct listed *l = &w->listing;
	void *value;

	return table_next(w->d->by_key, &l->cursor, NULL, &value) ? value :
	    NULL;
}

/* Those who are missing are marked as that and counted. */
static bool count_absent(struct watcher *w, mono_t now, struct rest *rest)
{
	struct listed *l = &w->listing;
	struct instance *i;

	/* An entry without sense may be any key: none is known to be gone. */
	if (l->bad > 0)
		return true;
	walk_on(w);
	for (; rest->units > 0; spend(rest, WALKED)) {
		i = walk(w);
		if (i == NULL) {
			l->storm = leave_judge(w, &l->missing, now);
			return true;
		}
		if (i->listed == l->number || i->listed == l->number + 1 ||
		    i->leaving || sync_touched(w, names_key(i->names)))
			continue;
		struct leave leave = missed(w, i, now);

		i->listed = l->number + 1;
		l->absent++;
		leave_count(w, &l->missing, &leave);
	}
	return false;
}

/* Between the two steps an event may have told of one. */
static bool take_absent(struct watcher *w, mono_t now, struct rest *rest)
{
	struct listed *l = &w->listing;
	struct instance *i;

	if (l->absent == 0)
		return true;
	for (; rest->units > 0; spend(rest, WALKED)) {
		walk_on(w);
		i = walk(w);
		if (i == NULL)
			return true;
		if (i->listed != l->number + 1 ||
		    sync_touched(w, names_key(i->names)))
			continue;
		struct leave leave = missed(w, i, now);

		leave_one(w, &l->missing, &leave, l->storm);
		spend(rest, LEFT);
	}
	return false;
}

/* --- the end --- */

static void say_difference(struct watcher *w, size_t absent)
{
	if (w->in_sync || absent > 0)
		registry_resynced(w->d, RESYNC_DIFFERENCE);
	log_warn("listing shows what no event told",
	    LOG_S("etcd_cluster", w->c->name), LOG_S("directory", w->d->path),
	    LOG_I("missing", absent), LOG_I("index", w->listing.index));
}

/* While it goes on looking, a fault that comes again and again would fill the
 * log. */
static void say_in_sync(const struct watcher *w, size_t absent)
{
	enum log_level level = w->d->looking ? LEVEL_DEBUG : LEVEL_INFO;

	LOG_AT_(level, "directory in sync", LOG_S("etcd_cluster", w->c->name),
	    LOG_S("directory", w->d->path), LOG_S("member", w->member->name),
	    LOG_I("instances", table_count(w->d->by_key)),
	    LOG_I("missing", absent), LOG_I("index", w->listing.index));
}

static void compared(struct watcher *w, mono_t now)
{
	size_t absent = w->listing.absent;

	if (absent > 0 && !w->gap)
		say_difference(w, absent);
	if (!w->in_sync)
		say_in_sync(w, absent);
	w->in_sync = true;
	w->gap = false;
	w->d->list_interval_ms = often_interval_ms(&w->listing);
	timer_set(w->list_timer, mono_add(now, w->d->list_interval_ms));
	sync_done(w);
	registry_synced(w->d, clock_history(now));
	if (batch_idle(w))	/* else when the batch is applied */
		registry_progress(w->d, w->d->watching_to, w->reached, now);
	looking_judge(w, now);
}

/* True at the end of the step; false when the turn has had enough, or, with
 * something left, when there is a reason to wait. */
static bool (*const steps[])(struct watcher *w, mono_t now,
    struct rest *rest) = {
	take_different, take_deeper, take_other_absent, count_absent,
	take_absent,
};

void sync_compare(struct watcher *w, mono_t now)
{
	struct registry *r = w->c->registry;
	struct listed *l = &w->listing;
	struct rest rest;

	if (l->step == 0) {
		l->step = 1;
		r->comparing++;
	}
	rest = rest_of(r->comparing);
	while (l->step <= sizeof(steps) / sizeof(steps[0])) {
		if (rest.units <= 0 || !steps[l->step - 1](w, now, &rest)) {
			timer_set(w->slice, mono_add(now,
			    rest.units > 0 ? PAUSE_MS : 0));
			return;
		}
		l->step++;
		l->cursor = 0;
	}
	compared(w, now);
}
