/* Answers of /v2/stats/self, /v2/stats/leader and /v2/stats/store.  What the
 * figures are worth is in docs/ETCD.md; here they are only read.  Called by
 * etcd/decode.c. */
#include "etcd/decode_impl.h"

#include <stddef.h>

#include "core/timefmt.h"
#include "etcd/field.h"

/* As long as no leader is known, the time and the duration are Go's zeros. */
static int read_leader_info(const cJSON *root, struct etcd_stats_self *s,
    struct err *e)
{
	const cJSON *info;
	const char *uptime;

	if (field_object(root, "leaderInfo", &info, e) < 0 ||
	    field_opt_str(info, "leader", &s->leader, e) < 0)
		return -1;
	if (!*s->leader)
		return 0;
	if (field_time(info, "startTime", &s->leader_start, e) < 0 ||
	    field_str(info, "uptime", &uptime, e) < 0)
		return err_prefix(e, "leaderInfo");
	if (timefmt_parse_go_duration(uptime, &s->leader_uptime_ms, e) < 0)
		return err_prefix(e, "leaderInfo \"uptime\"");
	return 0;
}

/* Left out by etcd when 0. */
static int read_rates(const cJSON *root, struct etcd_stats_self *s,
    struct err *e)
{
	if (field_opt_double(root, "recvPkgRate", &s->recv_pkg_rate, e) < 0 ||
	    field_opt_double(root, "recvBandwidthRate",
	    &s->recv_bandwidth_rate, e) < 0 ||
	    field_opt_double(root, "sendPkgRate", &s->send_pkg_rate, e) < 0)
		return -1;
	return field_opt_double(root, "sendBandwidthRate",
	    &s->send_bandwidth_rate, e);
}

int decode_stats_self(const cJSON *root, struct etcd_result *r, struct err *e)
{
	struct etcd_stats_self *s = &r->self;

	if (field_str(root, "name", &s->name, e) < 0 ||
	    field_str(root, "id", &s->id, e) < 0 ||
	    field_str(root, "state", &s->state, e) < 0 ||
	    field_time(root, "startTime", &s->start, e) < 0 ||
	    field_u64(root, "recvAppendRequestCnt", &s->recv_appends, e) < 0 ||
	    field_u64(root, "sendAppendRequestCnt", &s->send_appends, e) < 0)
		return -1;
	if (read_leader_info(root, s, e) < 0)
		return -1;
	return read_rates(root, s, e);
}

/* Members of "latency", in milliseconds. */
static const struct {
	const char *name;
	size_t offset;
} latencies[] = {
	{ "current", offsetof(struct etcd_follower, current) },
	{ "average", offsetof(struct etcd_follower, average) },
	{ "standardDeviation", offsetof(struct etcd_follower, stddev) },
	{ "minimum", offsetof(struct etcd_follower, minimum) },
	{ "maximum", offsetof(struct etcd_follower, maximum) },
};

/* etcd's minimum starts at 2^63 ms and comes down with the first sample. */
static const double NO_SAMPLE_S = 4611686018427387904.0 / 1000;

static int read_latency(const cJSON *o, struct etcd_follower *f,
    struct err *e)
{
	const cJSON *latency;
	double ms = 0;
	size_t i;

	if (field_object(o, "latency", &latency, e) < 0)
		return -1;
	for (i = 0; i < sizeof(latencies) / sizeof(latencies[0]); i++) {
		if (field_double(latency, latencies[i].name, &ms, e) < 0)
			return -1;
		*(double *)(void *)((char *)f + latencies[i].offset) =
		    ms / 1000;
	}
	f->sampled = f->minimum < NO_SAMPLE_S;
	if (!f->sampled)
		f->minimum = 0;
	return 0;
}

static int read_follower(const cJSON *o, struct etcd_follower *f,
    struct err *e)
{
	const cJSON *counts;

	if (!cJSON_IsObject(o) || !o->string || !*o->string)
		return err_set(e, "a follower is not an object with an id");
	f->id = o->string;
	if (read_latency(o, f, e) < 0 ||
	    field_object(o, "counts", &counts, e) < 0 ||
	    field_u64(counts, "fail", &f->fail, e) < 0 ||
	    field_u64(counts, "success", &f->success, e) < 0)
		return err_prefix(e, "follower %.40s", f->id);
	return 0;
}

/* A follower that makes no sense is counted and left out.  Go writes an empty
 * map as {} or null. */
int decode_stats_leader(const cJSON *root, struct etcd_result *r, struct err *e)
{
	struct etcd_stats_leader *s = &r->stats_leader;
	const cJSON *list = NULL, *o;
	struct err why;

	if (field_str(root, "leader", &s->leader, e) < 0)
		return -1;
	if (field_has(root, "followers") &&
	    field_object(root, "followers", &list, e) < 0)
		return -1;
	cJSON_ArrayForEach(o, list) {
		if (s->n == ETCD_MAX_MEMBERS)
			return err_set(e, "more than %d followers",
			    ETCD_MAX_MEMBERS);
		if (read_follower(o, &s->v[s->n], &why) == 0)
			s->n++;
		else
			s->bad++;
	}
	if (s->n == 0 && s->bad > 0)
		return err_set(e, "no follower makes sense: %s", why.text);
	return 0;
}

#define COUNTER(name, member) \
	{ name, offsetof(struct etcd_stats_store, member) }

static const struct {
	const char *name;
	size_t offset;
} counters[] = {
	COUNTER("getsSuccess", get_success),
	COUNTER("getsFail", get_fail),
	COUNTER("setsSuccess", set_success),
	COUNTER("setsFail", set_fail),
	COUNTER("deleteSuccess", delete_success),
	COUNTER("deleteFail", delete_fail),
	COUNTER("updateSuccess", update_success),
	COUNTER("updateFail", update_fail),
	COUNTER("createSuccess", create_success),
	COUNTER("createFail", create_fail),
	COUNTER("compareAndSwapSuccess", cas_success),
	COUNTER("compareAndSwapFail", cas_fail),
	COUNTER("compareAndDeleteSuccess", cad_success),
	COUNTER("compareAndDeleteFail", cad_fail),
	COUNTER("expireCount", expire_count),
	COUNTER("watchers", watchers),
};

int decode_stats_store(const cJSON *root, struct etcd_result *r, struct err *e)
{
	uint64_t v = 0;
	size_t i;

	for (i = 0; i < sizeof(counters) / sizeof(counters[0]); i++) {
		if (field_u64(root, counters[i].name, &v, e) < 0)
			return -1;
		*(uint64_t *)(void *)((char *)&r->store +
		    counters[i].offset) = v;
	}
	return 0;
}
