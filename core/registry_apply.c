/* What a key in etcd means for the roll: written, listed, gone.  Here it is
 * decided whether a write is a heartbeat or a registration, who keeps an
 * identity that two keys claim, what the granted TTL is and who is late.
 * Called by collectors/ with facts from events and listings. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/config.h"
#include "core/log.h"
#include "core/registry_impl.h"
#include "core/snapshot.h"
#include "core/table.h"
#include "core/xalloc.h"

enum {
	LATE_MIN_TTL_S = 6,
	LATE_SLACK_MS = 1000,		/* etcd shows whole seconds */
	TTL_WINDOW = 8,			/* listings a TTL is learned from */
	MAX_BAD_KEYS = 10000,		/* remembered per directory */
	SHOWN_MAX = 200,		/* bytes of a key in the log */
};

struct instance *registry_find(const struct directory *d, const char *key)
{
	return table_get(d->by_key, key);
}

/* --- keys that are no instance --- */

/* As much of a key as a log line has room for, beside the reason. */
static const char *shown(const char *key, char text[SHOWN_MAX + 4])
{
	snprintf(text, SHOWN_MAX + 4, "%.*s%s", SHOWN_MAX, key,
	    strlen(key) > SHOWN_MAX ? "..." : "");
	return text;
}

void registry_bad_key(struct directory *d, const char *key, const char *why)
{
	if (table_get(d->bad, key) != NULL ||
	    table_count(d->bad) >= MAX_BAD_KEYS)
		return;
	char *own = xstrdup(key), text[SHOWN_MAX + 4];

	table_put(d->bad, own, own);
	d->bad_keys++;
	snapshot_touch(d->cluster->registry);
	log_warn("key is no instance", LOG_S("etcd_cluster", d->cluster->name),
	    LOG_S("directory", d->path), LOG_S("key", shown(key, text)),
	    LOG_S("reason", why));
}

static void rival_set(struct rival *rival, const struct key_facts *k)
{
	free(rival->value);
	rival->value = xstrdup(k->value);
	rival->has_ttl = k->has_ttl;
	rival->ttl_s = k->ttl_s;
	rival->expires = k->expires;
	rival->created_index = k->created_index;
	rival->modified_index = k->modified_index;
}

static void rival_add(struct directory *d, struct instance *i,
    const struct key_facts *k)
{
	struct rival *rival = xcalloc(1, sizeof(*rival));

	rival->directory = d;
	rival->instance = i;
	rival->key = xstrdup(k->key);
	rival_set(rival, k);
	rival->next = instance_rare(i)->rivals;
	instance_rarely(i)->rivals = rival;
	table_put(d->rivals, rival->key, rival);
	registry_bad_key(d, k->key, "another key has this identity");
}

static void rival_free(struct rival *rival)
{
	struct rival **p = &rival->instance->rare->rivals;

	while (*p != rival)
		p = &(*p)->next;
	*p = rival->next;
	table_del(rival->directory->rivals, rival->key);
	free(rival->key);
	free(rival->value);
	free(rival);
}

void registry_left_other(struct directory *d, const char *key)
{
	struct rival *rival = table_get(d->rivals, key);

	free(table_del(d->bad, key));
	if (rival != NULL)
		rival_free(rival);
}

/* The rival with the smallest key, or NULL. */
static struct rival *first_rival(const struct instance *i)
{
	struct rival *best = instance_rare(i)->rivals;

	for (struct rival *r = best; r != NULL; r = r->next)
		if (strcmp(r->key, best->key) < 0)
			best = r;
	return best;
}

/* --- TTL and heartbeat --- */

static void set_ttl(struct instance *i, int64_t ttl_s)
{
	struct service *s = i->service;

	if (i->period.state == STATE_UP && (i->ttl_s == 0) != (ttl_s == 0)) {
		s->permanent += ttl_s == 0 ? 1 : (size_t)-1;
		snapshot_touch_service(s->cluster->registry, s);
	}
	i->ttl_s = ttl_s;
}

/* A member that has started since tells its history with what was left of the
 * TTLs then: nothing left says nothing of what was granted. */
static void learn_granted(struct instance *i, const struct key_facts *k)
{
	if (k->ttl_s > 0)
		set_ttl(i, k->ttl_s);
	else if (i->ttl_s == 0)
		set_ttl(i, 1);
}

static int32_t at_most_int32(int64_t v)
{
	return v < INT32_MAX ? (int32_t)v : INT32_MAX;
}

/* The granted TTL from listings alone: what is listed is what is left of it,
 * so the largest of the last few listed beats. */
static void learn_ttl(struct instance *i, const struct key_facts *k)
{
	int64_t ttl_s = k->ttl_s > 0 ? k->ttl_s : 1;

	if (ttl_s > i->ttl_window_s)
		i->ttl_window_s = at_most_int32(ttl_s);
	if (ttl_s > i->ttl_s)
		set_ttl(i, ttl_s);
	if (++i->ttl_window_n < TTL_WINDOW)
		return;
	set_ttl(i, i->ttl_window_s);
	i->ttl_window_s = 0;
	i->ttl_window_n = 0;
}

/* Learns the time between beats as the smallest seen, slowly growing again,
 * since a listing may skip beats. */
static void learn_beat(struct instance *i, wall_t beat)
{
	int64_t gap = beat.ms - i->last_beat.ms;

	if (i->last_beat.ms != 0 && gap >= 500) {
		if (i->beat_ms == 0 || gap < i->beat_ms)
			i->beat_ms = at_most_int32(gap);
		else
			i->beat_ms = at_most_int32(i->beat_ms +
			    (gap - i->beat_ms) / 8);
	}
	i->last_beat = beat;
}

static void learn(struct instance *i, const struct key_facts *k,
    wall_t now, bool event)
{
	bool beaten = event || k->modified_index != i->modified_index;

	i->expires = k->has_ttl ? k->expires : (wall_t){ 0 };
	if (!k->has_ttl) {
		set_ttl(i, 0);
		i->last_beat = now;
		return;
	}
	if (event)
		learn_granted(i, k);
	else if (beaten || i->ttl_s == 0)
		learn_ttl(i, k);
	if (beaten)
		learn_beat(i, wall_add(k->expires, -1000 * i->ttl_s));
}

static void judge_late(struct instance *i, wall_t now)
{
	bool late = i->ttl_s >= LATE_MIN_TTL_S && i->beat_ms > 0 &&
	    now.ms - i->last_beat.ms >
	    2 * (int64_t)i->beat_ms + LATE_SLACK_MS;

	instance_set_late(i, late);
}

/* --- written --- */

/* When a write happened: a TTL tells, since etcd's expiration is the time of
 * the write plus the TTL.  Otherwise the moment it was seen. */
static wall_t time_of_write(const struct key_facts *k, const struct moment *m)
{
	wall_t t = m->seen;

	if (k->has_ttl && k->ttl_s > 0)
		t = wall_add(k->expires, -1000 * k->ttl_s);
	return wall_clamp(t, m->earliest, m->seen);
}

/* An instance that is up, by our books, was registered anew: it must have
 * left in between.  With an expired predecessor it is known when. */
static void enter_missed_leave(struct instance *i, const struct key_facts *k,
    const struct moment *m)
{
	struct moment left = *m;

	left.index = 0;
	if (k->lapsed.ms == 0) {
		instance_enter(i, STATE_LOST, CAUSE_DIFF,
		    time_of_write(k, m), &left);
		return;
	}
	left.earliest = wall_clamp(m->earliest, (wall_t){ INT64_MIN },
	    wall_add(k->lapsed, -1000 * i->ttl_s));
	instance_enter(i, STATE_EXPIRED, CAUSE_EXPIRE, k->lapsed, &left);
}

/* Its key is in this directory now. */
static void move_to(struct instance *i, struct directory *d)
{
	if (i->directory == d)
		return;
	service_feed(i->service, i->directory, -1);
	service_feed(i->service, d, 1);
	if (instance_vanished(i)) {
		i->directory->vanished--;
		d->vanished++;
	}
	i->directory = d;
	instance_refresh_extra(i);
}

/* A key of an instance that is known and up. */
static void beat(struct instance *i, const struct key_facts *k,
    const struct moment *m, bool event)
{
	if (event && k->renewed)
		enter_missed_leave(i, k, m);
	learn(i, k, m->seen, event);
	instance_set_facts(i, k);
	if (i->period.state != STATE_UP)
		instance_enter(i, STATE_UP, CAUSE_REGISTERED,
		    time_of_write(k, m), m);
	if (i->directory->config->instance_detail)
		snapshot_touch_instance(i->service->cluster->registry, i);
}

/* An identity known as vanished, or not known at all, has a key again. */
static void comes_up(struct directory *d, struct instance *i,
    const struct key_facts *k, const struct moment *m, bool event)
{
	i->ttl_window_s = 0;
	i->ttl_window_n = 0;
	i->beat_ms = 0;
	i->last_beat = (wall_t){ 0 };
	learn(i, k, m->seen, event);
	move_to(i, d);
	instance_set_facts(i, k);
	instance_present(i);
	instance_enter(i, STATE_UP, CAUSE_REGISTERED, time_of_write(k, m), m);
}

/* In the first listing ever nothing is recorded: there the smaller key has the
 * identity, in whatever order etcd lists them. */
static void give_to_smaller(struct directory *d, struct instance *i,
    const struct key_facts *k, const struct moment *m)
{
	struct directory *other = i->directory;
	struct names *names = names_ref(i->names);
	struct key_facts old = {
		.key = names_key(names), .value = names_value(names),
		.has_ttl = i->ttl_s > 0,
		.ttl_s = i->ttl_s, .expires = i->expires,
		.created_index = i->created_index,
		.modified_index = i->modified_index,
	};
	uint16_t listed = i->listed;

	table_del(other->by_key, names_key(i->names));
	learn(i, k, m->seen, false);
	move_to(i, d);
	instance_set_facts(i, k);
	instance_present(i);
	rival_add(other, i, &old);
	i->rare->rivals->listed = listed;
	names_unref(names);
}

static void claim_taken(struct directory *d, struct instance *i,
    const struct key_facts *k, const struct moment *m)
{
	if (i->first_listed && !d->synced && !i->leaving &&
	    strcmp(k->key, names_key(i->names)) < 0)
		give_to_smaller(d, i, k, m);
	else
		rival_add(d, i, k);
}

static void begin_after(struct instance *i, wall_t ended)
{
	if (ended.ms != 0)
		instance_rarely(i)->not_before = ended;
}

static void claim_key(struct directory *d, const struct key_facts *k,
    const struct moment *m, bool event)
{
	struct registry *r = d->cluster->registry;
	struct claim c;
	enum verdict v = registry_claim(d, k, &c);

	if (v == KEY_BAD)
		registry_bad_key(d, k->key, c.why);
	if (v != KEY_INSTANCE) {
		registry_claim_free(&c);
		return;
	}
	struct service *s = registry_service(r, d->cluster, c.service);
	char *identity = xasprintf("%s/%s", s->name, c.instance_id);
	struct instance *i = table_get(d->cluster->by_identity, identity);

	free(identity);
	if (i != NULL && i->present) {
		claim_taken(d, i, k, m);
	} else {
		if (i == NULL) {
			i = instance_new(d, s, &c, k);
			i->first_listed = !event && !d->synced;
			begin_after(i, ended_at(d, instance_identity(i)));
		}
		comes_up(d, i, k, m, event);
	}
	registry_claim_free(&c);
}

static void apply(struct directory *d, const struct key_facts *k,
    const struct moment *m, bool event)
{
	struct instance *i = registry_find(d, k->key);
	struct rival *rival = table_get(d->rivals, k->key);

	if (i != NULL)
		beat(i, k, m, event);
	else if (rival != NULL)
		rival_set(rival, k);
	else if (table_get(d->bad, k->key) == NULL)
		claim_key(d, k, m, event);
}

void registry_written(struct directory *d, const struct key_facts *k,
    const struct moment *m)
{
	apply(d, k, m, true);
}

void registry_listed(struct directory *d, const struct key_facts *k,
    const struct moment *m)
{
	struct instance *i = registry_find(d, k->key);

	/* A saved index is of the last change of state, not the last beat. */
	if (i != NULL && !i->index_saved &&
	    i->modified_index != k->modified_index)
		i->silent = true;
	apply(d, k, m, false);
	i = registry_find(d, k->key);
	if (i != NULL && i->period.state == STATE_UP)
		judge_late(i, m->as_of.ms != 0 ? m->as_of : m->seen);
}

static bool is_unchanged(const struct instance *i, const struct key_facts *k)
{
	return i->period.state == STATE_UP && !i->index_saved &&
	    i->modified_index == k->modified_index &&
	    i->created_index == k->created_index &&
	    k->has_ttl == (i->ttl_s > 0) &&
	    strcmp(names_value(i->names), k->value) == 0;
}

bool registry_listed_unchanged(struct instance *i, const struct key_facts *k,
    wall_t as_of)
{
	if (!is_unchanged(i, k))
		return false;
	if (!k->has_ttl)
		i->last_beat = as_of;
	if (k->has_ttl && i->expires.ms != k->expires.ms) {
		i->expires = k->expires;	/* by a clock known better */
		if (i->directory->config->instance_detail)
			snapshot_touch_instance(i->service->cluster->registry,
			    i);
	}
	judge_late(i, as_of);
	return true;
}

/* --- gone --- */

static enum state state_after(enum cause cause)
{
	switch (cause) {
	case CAUSE_EXPIRE:
	case CAUSE_DIR_EXPIRE:
	case CAUSE_ETCD_OUTAGE:
		return STATE_EXPIRED;
	case CAUSE_DIFF:
		return STATE_LOST;
	default:
		return STATE_DEREGISTERED;
	}
}

/* Another key with the same identity takes over: the instance never left. */
static void take_over(struct instance *i, struct rival *rival)
{
	struct key_facts k = {
		.key = rival->key, .value = rival->value,
		.has_ttl = rival->has_ttl, .ttl_s = rival->ttl_s,
		.expires = rival->expires,
		.created_index = rival->created_index,
		.modified_index = rival->modified_index,
	};
	struct directory *d = rival->directory;

	table_del(i->directory->by_key, names_key(i->names));
	free(table_del(d->bad, rival->key));
	learn(i, &k, clock_now(), true);
	move_to(i, d);
	instance_set_facts(i, &k);
	i->listed = rival->listed;
	instance_present(i);
	rival_free(rival);
}

void registry_left(struct directory *d, struct instance *i, enum cause cause,
    wall_t from, const struct moment *m, mono_t hold_until)
{
	struct rival *rival = first_rival(i);
	enum state state = state_after(cause);

	i->leaving = false;
	if (rival != NULL && cause != CAUSE_UNWATCHED) {
		take_over(i, rival);
		return;
	}
	if (i->present)
		table_del(d->by_key, names_key(i->names));
	i->present = false;
	if (state != STATE_DEREGISTERED)
		instance_rarely(i)->left_at = m->now;
	if (state != STATE_DEREGISTERED && hold_until.ms > m->now.ms &&
	    !i->held) {
		i->held = true;
		i->rare->held_until = hold_until;
		i->service->held++;
		i->service->cluster->held++;
	}
	instance_enter(i, state, cause, from, m);
	if (state == STATE_DEREGISTERED) {
		ended_note(d, instance_identity(i), i->period.from);
		instance_unlink(i);
	}
}
