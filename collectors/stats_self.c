/* /v2/stats/self: who the member is, since when it runs, and its counters of
 * raft appends.  Its `state` is never used: without a leader every survivor
 * claims to be one.  It answers with an empty body now and then, which means
 * nothing but "ask again". */
#include "collectors/collector.h"

static void add(struct member *m, enum metric_id id, double value)
{
	member_sample(m, ENDPOINT_STATS_SELF, id, NULL, value);
}

static void add_time(struct member *m, enum metric_id id, wall_t t)
{
	if (t.ms > 0)		/* 0001-01-01: never had a leader */
		add(m, id, (double)t.ms / 1000.0);
}

static void stats_self_result(struct member *m, const struct etcd_result *r)
{
	const struct etcd_stats_self *s = &r->self;

	if (r->outcome != ETCD_OK)
		return;
	member_set_text(&m->member_id, s->id);
	member_set_text(&m->member_name, s->name);
	add_time(m, M_etcd_start, s->start);
	if (m->has_leader)	/* else it is made up: see `state` */
		add_time(m, M_etcd_leader_start, s->leader_start);
	add(m, M_etcd_append_requests_received, (double)s->recv_appends);
	add(m, M_etcd_append_requests_sent, (double)s->send_appends);
	add(m, M_etcd_receive_requests_per_second, s->recv_pkg_rate);
	add(m, M_etcd_receive_bytes_per_second, s->recv_bandwidth_rate);
	add(m, M_etcd_send_requests_per_second, s->send_pkg_rate);
	add(m, M_etcd_send_bytes_per_second, s->send_bandwidth_rate);
	leader_settle(m->cluster, r->ended);
}

const struct collector collector_stats_self = {
	.name = "stats_self",
	.endpoint = ENDPOINT_STATS_SELF,
	.backoff = true,
	.may_be_empty = true,
	.in_round = true,
	.request = etcd_stats_self,
	.result = stats_self_result,
};
