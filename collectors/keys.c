/* The headers of a cheap keys request: the member's index, raft index and
 * term, which cluster it belongs to, and its clock.  A member that answers
 * with another cluster's id is foreign: that is logged once and its numbers
 * are mixed with nobody's.  Which id is the cluster's own is decided by most
 * members, once all were asked, so that one wrong endpoint cannot make the
 * store look new. */
#include "collectors/collector.h"

#include <string.h>

#include "core/log.h"
#include "core/registry.h"

enum { BEST_INDEX_DUE_MS = 5000 };

static bool has_id(const struct member *m, const char *id)
{
	return m->cluster_id && id && strcmp(m->cluster_id, id) == 0;
}

static size_t votes(const struct cluster *c, const char *id)
{
	size_t n = 0;

	for (size_t i = 0; i < c->nmembers; i++)
		n += c->members[i].endpoints[ENDPOINT_KEYS].up &&
		    has_id(&c->members[i], id);
	return n;
}

/* The id that most members answer with; the present one wins a tie. */
static const char *choose(const struct cluster *c)
{
	const char *best = c->cluster_id;
	size_t best_votes = best ? votes(c, best) : 0;

	for (size_t i = 0; i < c->nmembers; i++) {
		const char *id = c->members[i].cluster_id;
		size_t n = id ? votes(c, id) : 0;

		if (n > best_votes) {
			best = id;
			best_votes = n;
		}
	}
	return best;
}

static bool all_polled(const struct cluster *c)
{
	for (size_t i = 0; i < c->nmembers; i++)
		if (!c->members[i].endpoints[ENDPOINT_KEYS].polled)
			return false;
	return true;
}

static void set_foreign(struct member *m, bool foreign)
{
	if (m->foreign == foreign)
		return;
	m->foreign = foreign;
	if (!foreign)
		return;
	m->index = 0;
	log_warn("member belongs to another etcd cluster; its values are left "
	    "out",
	    LOG_S("etcd_cluster", m->cluster->name), LOG_S("member", m->name),
	    LOG_S("cluster_id", m->cluster_id),
	    LOG_S("expected", m->cluster->cluster_id));
}

static void settle_cluster_id(struct cluster *c)
{
	const char *id;

	if (!all_polled(c))
		return;
	id = choose(c);
	if (id && (!c->cluster_id || strcmp(id, c->cluster_id) != 0))
		registry_set_cluster_id(c, id);
	for (size_t i = 0; c->cluster_id && i < c->nmembers; i++) {
		struct member *m = &c->members[i];

		set_foreign(m, m->cluster_id && !has_id(m, c->cluster_id));
	}
}

/* The best index goes down only with the store: when every member answers,
 * and none has reached it long after it was first seen. */
static bool store_went_back(const struct cluster *c, mono_t now)
{
	if (mono_since(c->best_index_at, now) < BEST_INDEX_DUE_MS)
		return false;
	for (size_t i = 0; i < c->nmembers; i++) {
		const struct member *m = &c->members[i];

		if (!m->endpoints[ENDPOINT_KEYS].up || m->foreign ||
		    m->index >= c->best_index)
			return false;
	}
	return true;
}

/* A foreign member's index is unknown to everybody who compares. */
static void mix(struct member *m, const struct etcd_meta *meta, mono_t now)
{
	struct cluster *c = m->cluster;

	m->index = meta->etcd_index;
	if (meta->raft_term)
		registry_set_raft(c, meta->raft_term, meta->raft_index, now);
	if (store_went_back(c, now))
		c->best_index = 0;
	if (meta->etcd_index > c->best_index) {
		c->best_index = meta->etcd_index;
		c->best_index_at = now;
	}
}

static void keys_result(struct member *m, const struct etcd_result *r)
{
	const struct etcd_meta *meta = &r->meta;

	if (meta->etcd_index)
		member_sample(m, ENDPOINT_KEYS, M_etcd_index, NULL,
		    (double)meta->etcd_index);
	if (meta->date.ms)
		member_saw_date(m, meta->date, clock_history(r->started),
		    clock_history(r->ended), r->ended);
	member_set_text(&m->cluster_id, meta->cluster_id);
	m->index = meta->etcd_index;
	settle_cluster_id(m->cluster);
	if (!m->cluster_id || has_id(m, m->cluster->cluster_id))
		mix(m, meta, r->ended);
	else if (m->cluster->cluster_id)
		m->index = 0;
}

static void keys_failed(struct member *m, mono_t now)
{
	(void)now;
	if (!member_fresh(m, ENDPOINT_KEYS))
		m->index = 0;
	settle_cluster_id(m->cluster);
}

/* Not quite a second, so that the polls sweep through the server's second:
 * that narrows its clock skew to some 30 ms, though Date has whole seconds. */
const struct collector collector_keys = {
	.name = "keys",
	.endpoint = ENDPOINT_KEYS,
	.every_ms = 970,
	.deadline_ms = 1000,
	.below = true,
	.request = etcd_index,
	.result = keys_result,
	.failed = keys_failed,
};
