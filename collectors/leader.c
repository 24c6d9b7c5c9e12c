/* /v2/members/leader: the best probe of a leader there is, local to the member
 * and free.  From the last probe of every member follows which one leads: the
 * leader most of them name; of equally many the one named last, since a leader
 * that was cut off goes on naming itself for a second or two.  The watcher
 * relies on this probe to notice a member without a leader, so its deadline is
 * short and failing does not slow it down. */
#include "collectors/collector.h"

#include <stdio.h>
#include <string.h>

#include "core/registry.h"

static bool names(const struct member *m, const char *id)
{
	return m->has_leader && !m->foreign && strcmp(m->leader_id, id) == 0;
}

static size_t votes(const struct cluster *c, const char *id, mono_t *last_r)
{
	size_t n = 0;

	for (size_t i = 0; i < c->nmembers; i++) {
		const struct member *m = &c->members[i];

		if (!names(m, id))
			continue;
		if (n++ == 0 || m->leader_since.ms > last_r->ms)
			*last_r = m->leader_since;
	}
	return n;
}

/* The leader that most members name, or NULL. */
static const char *choose(const struct cluster *c)
{
	const char *best = NULL;
	size_t best_votes = 0;
	mono_t best_last = { 0 };

	for (size_t i = 0; i < c->nmembers; i++) {
		const char *id = c->members[i].leader_id;
		mono_t last = { 0 };
		size_t n = votes(c, id, &last);

		if (n > best_votes || (n > 0 && n == best_votes &&
		    last.ms > best_last.ms)) {
			best = id;
			best_votes = n;
			best_last = last;
		}
	}
	return best;
}

/* Follower statistics exist at the present leader only. */
static void set_is_leader(struct member *m, const char *leader)
{
	m->is_leader = leader && m->member_id && !m->foreign &&
	    strcmp(m->member_id, leader) == 0;
	if (leader && m->member_id && !m->is_leader)
		member_begin(m, ENDPOINT_STATS_LEADER);
}

static void tell_cluster(struct cluster *c, const char *leader, mono_t now)
{
	bool answers = false, all_polled = true;

	for (size_t i = 0; i < c->nmembers; i++) {
		const struct member *m = &c->members[i];
		const struct endpoint_state *s =
		    &m->endpoints[ENDPOINT_LEADER];

		all_polled = all_polled && s->polled;
		answers = answers || (s->up && !m->foreign);
	}
	/* Before everyone was asked, nobody having a leader means nothing. */
	if (leader || all_polled)
		registry_set_leader(c, answers, leader != NULL, leader, now);
}

void leader_settle(struct cluster *c, mono_t now)
{
	const char *leader = choose(c);

	for (size_t i = 0; i < c->nmembers; i++)
		set_is_leader(&c->members[i], leader);
	tell_cluster(c, leader, now);
}

static void set_leader_id(struct member *m, const char *id, mono_t now)
{
	if (strcmp(m->leader_id, id) == 0)
		return;
	snprintf(m->leader_id, sizeof(m->leader_id), "%s", id);
	m->leader_since = now;
}

static void leader_result(struct member *m, const struct etcd_result *r)
{
	m->has_leader = r->outcome == ETCD_OK;
	set_leader_id(m, m->has_leader ? r->leader.id : "", r->ended);
	if (m->has_leader && !m->foreign)
		members_learn(m->cluster, &r->leader);
	leader_settle(m->cluster, r->ended);
}

static void leader_failed(struct member *m, mono_t now)
{
	m->has_leader = false;
	set_leader_id(m, "", now);
	leader_settle(m->cluster, now);
}

const struct collector collector_leader = {
	.name = "leader",
	.endpoint = ENDPOINT_LEADER,
	.every_ms = 1000,
	.deadline_ms = 1000,
	.request = etcd_leader,
	.result = leader_result,
	.failed = leader_failed,
};
