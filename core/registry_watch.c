/* What is known of the watching itself: whether a directory is looked at, up
 * to when and which index, and how its cluster fares (leader, term, id).
 * Called by collectors/; each change queues its event. */
#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "core/registry_impl.h"
#include "core/snapshot.h"
#include "core/table.h"
#include "core/xalloc.h"

enum { PROGRESS_EVERY_MS = 2000 };	/* the promise is 5 s */

static void emit_directory(struct directory *d, enum event_type type)
{
	struct event e = { .type = type, .directory = d };

	event_emit(d->cluster->registry->bus, &e);
}

static void emit_cluster(struct cluster *c)
{
	struct event e = { .type = EVENT_CLUSTER, .cluster = c };

	snapshot_touch(c->registry);
	event_emit(c->registry->bus, &e);
}

/* --- directories --- */

static void refresh_services(struct registry *r)
{
	for (size_t i = 0; i < r->nservice_slots; i++)
		service_refresh(r->service_slots[i]);
}

static void begin_watching(struct directory *d, wall_t at)
{
	d->watching_id = d->cluster->registry->next_watching_id++;
	d->watching_from = at;
	d->watching_to = at;
}

void registry_set_looking(struct directory *d, bool looking,
    const struct moment *m)
{
	struct registry *r = d->cluster->registry;

	if (d->looking == looking)
		return;
	d->looking = looking;
	if (looking)
		begin_watching(d, m->seen);
	refresh_services(r);
	snapshot_touch(r);
	emit_directory(d, EVENT_LOOKING);
}

/* An alert that is about it says why. */
void registry_set_refusal(struct directory *d, enum refusal refusal)
{
	if (d->refusal == refusal)
		return;
	d->refusal = refusal;
	emit_cluster(d->cluster);
}

void registry_progress(struct directory *d, wall_t to, uint64_t index,
    mono_t now)
{
	d->applied_index = index;
	/* The first listing ever is applied before it is looked at: a row
	 * without length says so, or a kill would have it forgotten. */
	if (d->watching_id == 0)
		begin_watching(d, clock_history(now));
	if (d->looking && to.ms > d->watching_to.ms)
		d->watching_to = to;
	if (!d->changed && mono_since(d->progress_at, now) < PROGRESS_EVERY_MS)
		return;
	d->changed = false;
	d->progress_at = now;
	emit_directory(d, EVENT_PROGRESS);
}

void registry_resynced(struct directory *d, enum resync reason)
{
	d->resyncs[reason]++;
	snapshot_touch(d->cluster->registry);
}

void registry_synced(struct directory *d, wall_t at)
{
	d->last_sync = at;
	snapshot_touch(d->cluster->registry);
	if (d->synced)
		return;
	d->synced = true;
	refresh_services(d->cluster->registry);
}

/* --- clusters --- */

static void disturb(struct cluster *c, mono_t now)
{
	c->disturbed = true;
	c->disturbed_until = now;
}

static void replace(char **text, const char *value)
{
	free(*text);
	*text = xstrdup(value);
}

/* Without a leader nothing expires and nobody can refresh, so both the time
 * without one and the moment a new one appears disturb the registry. */
static bool new_leader(struct cluster *c, const char *id, mono_t now)
{
	if (id == NULL || (c->leader_id != NULL &&
	    strcmp(id, c->leader_id) == 0))
		return false;
	if (c->leader_id != NULL) {
		disturb(c, now);
		log_info("leader changed", LOG_S("etcd_cluster", c->name),
		    LOG_S("leader", id), LOG_S("before", c->leader_id));
	}
	replace(&c->leader_id, id);
	return true;
}

void registry_set_leader(struct cluster *c, bool answers, bool has_leader,
    const char *leader_id, mono_t now)
{
	bool changed = answers != c->answers || has_leader != c->has_leader;

	if (has_leader != c->has_leader && c->leader_id != NULL)
		log_info(has_leader ? "leader known" : "no leader known",
		    LOG_S("etcd_cluster", c->name),
		    LOG_S("members_answer", answers ? "yes" : "no"));
	/* Members that do not answer say nothing of their leader. */
	if (answers && !has_leader && c->leader_id != NULL)
		disturb(c, now);
	c->answers = answers;
	c->has_leader = has_leader;
	if (new_leader(c, leader_id, now) || changed)
		emit_cluster(c);
}

void registry_set_raft(struct cluster *c, uint64_t term, uint64_t index,
    mono_t now)
{
	if (index > c->raft_index)
		c->raft_index = index;
	if (term <= c->raft_term)
		return;
	if (c->raft_term != 0) {
		c->leader_changes++;
		disturb(c, now);
		log_info("raft term changed", LOG_S("etcd_cluster", c->name),
		    LOG_I("term", term), LOG_I("before", c->raft_term));
	}
	c->raft_term = term;
	emit_cluster(c);
}

void registry_set_cluster_id(struct cluster *c, const char *id)
{
	if (id[0] == '\0' ||
	    (c->cluster_id != NULL && strcmp(c->cluster_id, id) == 0))
		return;
	if (c->cluster_id != NULL) {
		log_warn("the etcd cluster was rebuilt: its id changed",
		    LOG_S("etcd_cluster", c->name),
		    LOG_S("cluster_id", id), LOG_S("before", c->cluster_id));
		c->store++;
		c->raft_term = 0;
		c->raft_index = 0;
		c->best_index = 0;
		for (size_t i = 0; i < c->nmembers; i++)
			c->members[i].index = 0;
	}
	replace(&c->cluster_id, id);
	emit_cluster(c);
}

size_t registry_staying(const struct cluster *c)
{
	return c->up > c->leaving ? c->up - c->leaving : 0;
}

void registry_set_mass_vanish(struct cluster *c, bool on)
{
	if (c->mass_vanish == on)
		return;
	c->mass_vanish = on;
	log_warn(on ? "mass vanish" : "mass vanish is over",
	    LOG_S("etcd_cluster", c->name),
	    LOG_I("held", c->held + c->leaving),
	    LOG_I("up", registry_staying(c)));
	emit_cluster(c);
}

/* --- members --- */

void registry_member_changed(struct member *m)
{
	struct event e = { .type = EVENT_MEMBER, .member = m };

	snapshot_touch(m->cluster->registry);
	event_emit(m->cluster->registry->bus, &e);
}

void registry_member_round(struct member *m, mono_t now)
{
	struct event e = { .type = EVENT_MEMBER_STATS, .member = m };

	(void)now;
	event_emit(m->cluster->registry->bus, &e);
}
