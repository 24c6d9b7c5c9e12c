/* The statistics of a round of polls as rows: the columns of the table
 * members and where each comes from, in one table, in the order of the schema
 * (migrations.c).  Whole numbers in small units, since sqlite stores those in
 * as few bytes as they need; what is not known is NULL. */
#include <math.h>
#include <string.h>

#include "core/cluster.h"
#include "db/record.h"
#include "db/unit.h"

struct column {
	const char *name;	/* as in the schema; the unit test compares */
	enum metric_id metric;
	const char *extra;
	double scale;
};

#define OPERATIONS(suffix, id) \
	{ "get" suffix, id, "get", 1 }, { "set" suffix, id, "set", 1 }, \
	{ "create" suffix, id, "create", 1 }, \
	{ "update" suffix, id, "update", 1 }, \
	{ "delete" suffix, id, "delete", 1 }, \
	{ "cas" suffix, id, "compare_and_swap", 1 }, \
	{ "cad" suffix, id, "compare_and_delete", 1 }

static const struct column columns[] = {
	{ "start_s", M_etcd_start, NULL, 1 },
	{ "leader_start_s", M_etcd_leader_start, NULL, 1 },
	{ "append_received", M_etcd_append_requests_received, NULL, 1 },
	{ "append_sent", M_etcd_append_requests_sent, NULL, 1 },
	{ "receive_milli_per_s", M_etcd_receive_requests_per_second, NULL,
	  1000 },
	{ "receive_bytes_per_s", M_etcd_receive_bytes_per_second, NULL, 1 },
	{ "send_milli_per_s", M_etcd_send_requests_per_second, NULL, 1000 },
	{ "send_bytes_per_s", M_etcd_send_bytes_per_second, NULL, 1 },
	OPERATIONS("_ok", M_etcd_store_operation_successes),
	OPERATIONS("_failed", M_etcd_store_operation_failures),
	{ "expirations", M_etcd_store_expirations, NULL, 1 },
	{ "watchers", M_etcd_store_watchers, NULL, 1 },
};

/* The same for the table followers; extra is the follower. */
static const struct column follower_columns[] = {
	{ "latency_us", M_etcd_follower_latency, NULL, 1e6 },
	{ "average_us", M_etcd_follower_latency_average, NULL, 1e6 },
	{ "stddev_us", M_etcd_follower_latency_stddev, NULL, 1e6 },
	{ "min_us", M_etcd_follower_latency_min, NULL, 1e6 },
	{ "max_us", M_etcd_follower_latency_max, NULL, 1e6 },
	{ "successes", M_etcd_follower_successes, NULL, 1 },
	{ "failures", M_etcd_follower_failures, NULL, 1 },
};

/* Behind them in members: how long each endpoint took, *_us. */
static const enum endpoint durations[] = {
	ENDPOINT_HEALTH, ENDPOINT_VERSION, ENDPOINT_MEMBERS, ENDPOINT_LEADER,
	ENDPOINT_STATS_LEADER, ENDPOINT_STATS_SELF, ENDPOINT_STATS_STORE,
	ENDPOINT_KEYS,
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum {
	NCOLUMNS = COUNT(columns),
	NDURATIONS = COUNT(durations),
	NFOLLOWER = COUNT(follower_columns),
	NFIXED = 8,		/* cluster, member, at, 4 states, etcd_index */
};

static struct value whole(double v)
{
	return isfinite(v) && fabs(v) < 9e18 ? v_int(llrint(v)) : v_text(NULL);
}

static bool is_sample(const struct sample *s, const struct column *c,
    const char *extra)
{
	return s->metric == c->metric && (extra == NULL ? s->extra == NULL :
	    s->extra != NULL && strcmp(s->extra, extra) == 0);
}

/* Only of endpoints that answered this time: samples of a first failure are
 * still there, but writing them again would make history up. */
static struct value column_value(const struct member *m,
    const struct column *c, const char *extra)
{
	for (int e = 0; e < ENDPOINT_COUNT; e++) {
		const struct endpoint_state *s = &m->endpoints[e];

		for (size_t i = 0; s->up && i < s->nsamples; i++)
			if (is_sample(&s->samples[i], c, extra))
				return whole(s->samples[i].value * c->scale);
	}
	return v_text(NULL);
}

static void write_name(struct unit *u, const char *cluster, const char *name)
{
	UNIT_ADD(u, SQL_MEMBER_NAME, v_text(cluster), v_text(name));
}

static void write_follower(struct unit *u, const struct member *m,
    const char *follower, wall_t at)
{
	const char *cluster = m->cluster->name;
	struct value v[5 + NFOLLOWER] = { v_text(cluster), v_text(m->name),
	    v_text(cluster), v_text(follower), v_int(at.ms) };

	write_name(u, cluster, follower);
	for (size_t i = 0; i < NFOLLOWER; i++)
		v[5 + i] = column_value(m, &follower_columns[i], follower);
	unit_add(u, SQL_FOLLOWER, v, COUNT(v));
}

static void write_followers(struct unit *u, const struct member *m,
    wall_t at)
{
	const struct endpoint_state *s = &m->endpoints[ENDPOINT_STATS_LEADER];

	for (size_t i = 0; s->up && i < s->nsamples; i++)
		if (s->samples[i].metric == M_etcd_follower_failures &&
		    s->samples[i].extra != NULL)
			write_follower(u, m, s->samples[i].extra, at);
}

void stats_record(struct unit *u, const struct member *m, wall_t at)
{
	struct value v[NFIXED + NCOLUMNS + NDURATIONS] = {
		v_text(m->cluster->name), v_text(m->name), v_int(at.ms),
		v_int(m->up), v_int(m->healthy), v_int(m->is_leader),
		v_int(m->has_leader), v_some((int64_t)m->index) };
	struct value *next = v + NFIXED;

	write_name(u, m->cluster->name, m->name);
	for (size_t i = 0; i < NCOLUMNS; i++)
		*next++ = column_value(m, &columns[i], columns[i].extra);
	for (size_t i = 0; i < NDURATIONS; i++) {
		const struct endpoint_state *s = &m->endpoints[durations[i]];

		*next++ = s->up ? whole(s->duration_s * 1e6) : v_text(NULL);
	}
	unit_add(u, SQL_MEMBER, v, COUNT(v));
	write_followers(u, m, at);
}
