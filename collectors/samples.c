/* What is known of clusters, members and directories, as samples of the
 * metrics table.  Decides which series exist: nothing is claimed of an
 * endpoint that was never polled, and counters start at 0.  Values of
 * instances and services do not pass here, the snapshot has them itself. */
#include "collectors/samples.h"

#include "core/registry.h"
#include "core/snapshot.h"

static double seconds(int64_t ms)
{
	return (double)ms / 1000.0;
}

/* --- members --- */

static void endpoint_samples(struct sample_sink *s, const struct member *m,
    enum endpoint e)
{
	const struct endpoint_state *st = &m->endpoints[e];
	const char *cluster = m->cluster->name, *name = endpoint_names[e];

	if (st->polled)
		sample_add(s, M_etcd_endpoint_up, st->up, cluster, m->name,
		    name);
	if (member_fresh(m, e))
		sample_add(s, M_etcd_endpoint_duration, st->duration_s,
		    cluster, m->name, name);
	if (st->last_success.ms)
		sample_add(s, M_etcd_endpoint_last_success,
		    seconds(st->last_success.ms), cluster, m->name, name);
	sample_add(s, M_poll_requests, (double)st->requests, cluster, m->name,
	    name);
	sample_add(s, M_poll_request_failures, (double)st->request_failures,
	    cluster, m->name, name);
}

static void polled_samples(struct sample_sink *s, const struct member *m,
    enum endpoint e)
{
	const struct endpoint_state *st = &m->endpoints[e];

	for (size_t i = 0; i < st->nsamples; i++) {
		const struct sample *v = &st->samples[i];

		if (v->extra)
			sample_add(s, v->metric, v->value, m->cluster->name,
			    m->name, v->extra);
		else
			sample_add(s, v->metric, v->value, m->cluster->name,
			    m->name);
	}
}

static void info_sample(struct sample_sink *s, const struct member *m)
{
	const char *const v[] = {
		m->member_name, m->member_id, m->server_version,
		m->cluster_version, m->cluster_id,
	};
	const char *text[sizeof(v) / sizeof(v[0])];

	if (!member_fresh(m, ENDPOINT_VERSION))
		return;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		text[i] = v[i] ? v[i] : "";
	sample_add(s, M_etcd_member_info, 1, m->cluster->name, m->name,
	    text[0], text[1], text[2], text[3], text[4]);
}

static void state_samples(struct sample_sink *s, const struct member *m)
{
	const struct endpoint_state *e = m->endpoints;
	const struct {
		enum metric_id id;
		bool known, value;
	} v[] = {
		{ M_etcd_member_up, e[ENDPOINT_VERSION].polled, m->up },
		{ M_etcd_member_healthy, e[ENDPOINT_HEALTH].polled,
		  m->healthy },
		{ M_etcd_member_is_leader,
		  e[ENDPOINT_LEADER].polled && m->member_id, m->is_leader },
		{ M_etcd_member_has_leader, e[ENDPOINT_LEADER].polled,
		  m->has_leader },
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		if (v[i].known)
			sample_add(s, v[i].id, v[i].value, m->cluster->name,
			    m->name);
}

static void member_samples(struct sample_sink *s, const struct member *m)
{
	state_samples(s, m);
	info_sample(s, m);
	for (int e = 0; e < ENDPOINT_COUNT; e++) {
		endpoint_samples(s, m, (enum endpoint)e);
		polled_samples(s, m, (enum endpoint)e);
	}
}

/* --- directories --- */

static void directory_samples(struct sample_sink *s,
    const struct directory *d)
{
	const char *cluster = d->cluster->name;

	sample_add(s, M_directory_looking, d->looking, cluster, d->path);
	if (d->last_sync.ms)
		sample_add(s, M_directory_last_sync, seconds(d->last_sync.ms),
		    cluster, d->path);
	if (d->list_interval_ms)
		sample_add(s, M_directory_list_interval,
		    seconds(d->list_interval_ms), cluster, d->path);
	sample_add(s, M_directory_listings, (double)d->listings, cluster,
	    d->path);
	sample_add(s, M_watch_events, (double)d->watch_events, cluster,
	    d->path);
	sample_add(s, M_bad_keys, (double)d->bad_keys, cluster, d->path);
	for (int i = 0; i < RESYNC_COUNT; i++)
		sample_add(s, M_resyncs, (double)d->resyncs[i], cluster,
		    d->path, resync_names[i]);
}

/* --- clusters --- */

/* A cluster without directories is looked at as long as it has a leader. */
static bool looking(const struct cluster *c)
{
	size_t watched = 0;

	for (size_t i = 0; i < c->ndirectories; i++) {
		const struct directory *d = c->directories[i];

		if (d->removed)
			continue;
		if (!d->looking)
			return false;
		watched++;
	}
	return watched > 0 || c->has_leader;
}

static void cluster_samples(struct sample_sink *s, const struct cluster *c)
{
	sample_add(s, M_mass_vanish, c->mass_vanish, c->name);
	sample_add(s, M_looking, looking(c), c->name);
	sample_add(s, M_etcd_leader_changes, (double)c->leader_changes,
	    c->name);
	if (c->raft_term == 0)
		return;
	sample_add(s, M_etcd_raft_index, (double)c->raft_index, c->name);
	sample_add(s, M_etcd_raft_term, (double)c->raft_term, c->name);
}

void collectors_samples(void *registry, struct sample_sink *s)
{
	const struct registry *r = registry;

	for (size_t i = 0; i < r->nclusters; i++) {
		const struct cluster *c = r->clusters[i];

		cluster_samples(s, c);
		for (size_t k = 0; k < c->ndirectories; k++)
			if (!c->directories[k]->removed)
				directory_samples(s, c->directories[k]);
		for (size_t k = 0; k < c->nmembers; k++)
			member_samples(s, &c->members[k]);
	}
}
