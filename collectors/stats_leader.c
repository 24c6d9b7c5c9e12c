/* /v2/stats/leader: what the leader counts of its followers.  Others refuse
 * with 403, and then there are no samples; nor are there from a member that
 * was cut off and still takes itself for the leader.  The latency is the time
 * to write to a stream, not a round trip (HELP says so). */
#include "collectors/collector.h"

#include <string.h>

/* The label: host:port where the follower is configured, else its id. */
static const char *follower_label(const struct cluster *c, const char *id)
{
	for (size_t i = 0; i < c->nmembers; i++) {
		const struct member *m = &c->members[i];

		if (m->member_id && strcmp(m->member_id, id) == 0)
			return m->name;
	}
	return id;
}

static void add_follower(struct member *m, const struct etcd_follower *f)
{
	const char *label = follower_label(m->cluster, f->id);
	const struct {
		enum metric_id id;
		double value;
		bool there;
	} v[] = {
		{ M_etcd_follower_latency, f->current, true },
		{ M_etcd_follower_latency_average, f->average, true },
		{ M_etcd_follower_latency_stddev, f->stddev, true },
		/* etcd writes 2^63 before the first success. */
		{ M_etcd_follower_latency_min, f->minimum, f->sampled },
		{ M_etcd_follower_latency_max, f->maximum, true },
		{ M_etcd_follower_successes, (double)f->success, true },
		{ M_etcd_follower_failures, (double)f->fail, true },
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		if (v[i].there)
			member_sample(m, ENDPOINT_STATS_LEADER, v[i].id,
			    label, v[i].value);
}

/* Probes of the leader come every second, so they know better. */
static bool deposed(const struct member *m)
{
	return m->foreign ||
	    (m->cluster->has_leader && m->member_id && !m->is_leader);
}

static void stats_leader_result(struct member *m, const struct etcd_result *r)
{
	if (r->outcome != ETCD_OK || deposed(m))
		return;
	for (size_t i = 0; i < r->stats_leader.n; i++)
		add_follower(m, &r->stats_leader.v[i]);
}

const struct collector collector_stats_leader = {
	.name = "stats_leader",
	.endpoint = ENDPOINT_STATS_LEADER,
	.backoff = true,
	.may_be_empty = true,
	.in_round = true,
	.request = etcd_stats_leader,
	.result = stats_leader_result,
};
