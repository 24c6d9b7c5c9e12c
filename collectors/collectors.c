/* The one table of what is polled, and what all polls have in common: taking
 * an outcome into the member, one log line when an endpoint begins to fail
 * (one for all of them if the whole member is at fault) and one when it
 * answers again, and telling the registry of a member's new state.  When and
 * whom to ask is poller.c's business. */
#include "collectors/collector.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/config.h"
#include "core/log.h"
#include "core/registry.h"
#include "core/xalloc.h"

const struct collector *const collectors[COLLECTOR_COUNT] = {
	&collector_health,
	&collector_keys,
	&collector_leader,
	&collector_members,
	&collector_stats_leader,
	&collector_stats_self,
	&collector_stats_store,
	&collector_version,
};

enum { FAILURES_TO_BE_DOWN = 3, SHORTEST_PERIOD_MS = 100 };

static int64_t at_least(int64_t v, int64_t min)
{
	return v < min ? min : v;
}

int64_t collector_every_ms(const struct collector *c, const struct cluster *cl)
{
	int64_t ms = c->every_ms ? c->every_ms : cl->config->poll_interval_ms;

	return at_least(at_least(ms, c->min_every_ms), SHORTEST_PERIOD_MS);
}

int64_t collector_deadline_ms(const struct collector *c,
    const struct cluster *cl)
{
	return at_least(c->deadline_ms ? c->deadline_ms :
	    cl->config->poll_timeout_ms, c->min_deadline_ms);
}

void member_set_text(char **field, const char *text)
{
	if (!text || !*text || (*field && strcmp(*field, text) == 0))
		return;
	free(*field);
	*field = xstrdup(text);
}

/* What to do about it, where the reason does not say so already. */
static const char *remedy(enum etcd_outcome o)
{
	return o == ETCD_UNAUTHORIZED ?
	    "; set http_config of the cluster to a user who may read" : "";
}

static void log_failing(const struct collector *c, const struct member *m,
    const struct etcd_result *r)
{
	char reason[sizeof(r->text) + 80];

	snprintf(reason, sizeof(reason), "%s%s", r->text,
	    remedy(r->outcome));
	log_warn("etcd endpoint fails",
	    LOG_S("etcd_cluster", m->cluster->name), LOG_S("member", m->name),
	    LOG_S("endpoint", c->name), LOG_S("reason", reason));
}

/* Faults of the whole member: all its endpoints fail, one line says it. */
static bool whole_member(enum etcd_outcome o)
{
	return o == ETCD_FAILED || o == ETCD_NO_V2 || o == ETCD_UNAUTHORIZED;
}

static bool reported_elsewhere(const struct member *m, enum etcd_outcome o)
{
	for (int e = 0; e < ENDPOINT_COUNT; e++)
		if (m->endpoints[e].reported == (int)o)
			return true;
	return false;
}

/* Once; but that a member which did not answer came back without v2, or the
 * other way round, is another fault. */
static void report_failing(const struct collector *c, struct member *m,
    const struct etcd_result *r)
{
	struct endpoint_state *s = &m->endpoints[c->endpoint];
	bool whole = whole_member(r->outcome);
	bool known = whole ? reported_elsewhere(m, r->outcome) :
	    s->reported != 0;

	if (!known)
		log_failing(c, m, r);
	if (!known || (whole && s->reported))
		s->reported = (int)r->outcome;
}

static void report_again(const struct collector *c, struct member *m,
    unsigned failures)
{
	if (!m->endpoints[c->endpoint].reported)
		return;
	m->endpoints[c->endpoint].reported = 0;
	log_info("etcd endpoint answers again",
	    LOG_S("etcd_cluster", m->cluster->name), LOG_S("member", m->name),
	    LOG_S("endpoint", c->name), LOG_I("failed_polls", failures));
}

static unsigned state_of(const struct member *m)
{
	const struct endpoint_state *v = &m->endpoints[ENDPOINT_VERSION];

	return (v->polled ? 1U : 0) | (m->up ? 2U : 0) |
	    (m->healthy ? 4U : 0) | (m->has_leader ? 8U : 0) |
	    (m->is_leader ? 16U : 0) |
	    (v->failures >= FAILURES_TO_BE_DOWN ? 32U : 0);
}

/* All members, since the answer of one may say that another leads. */
static void tell_registry(struct cluster *c)
{
	for (size_t i = 0; i < c->nmembers; i++) {
		struct member *m = &c->members[i];
		unsigned state = state_of(m);

		if (state == m->told)
			continue;
		m->told = state;
		registry_member_changed(m);
	}
}

static void answered(const struct collector *c, struct member *m,
    const struct etcd_result *r)
{
	unsigned failures = m->endpoints[c->endpoint].failures;

	member_begin(m, c->endpoint);
	/* Counted first: result() judges all members, this one among them. */
	member_answered(m, c->endpoint, r->duration_us);
	c->result(m, r);
	report_again(c, m, failures);
}

static void failed(const struct collector *c, struct member *m,
    const struct etcd_result *r)
{
	struct endpoint_state *s = &m->endpoints[c->endpoint];

	member_failed(m, c->endpoint);
	snprintf(s->reason, sizeof(s->reason), "%.*s",
	    (int)sizeof(s->reason) - 1, r->text);
	report_failing(c, m, r);
	if (c->failed)
		c->failed(m, r->ended);
}

bool collector_apply(const struct collector *c, struct member *m,
    const struct etcd_result *r)
{
	if (r->outcome == ETCD_EMPTY && c->may_be_empty) {
		member_no_sample(m, c->endpoint);
		return false;
	}
	if (r->outcome == ETCD_OK || r->outcome == ETCD_REFUSED)
		answered(c, m, r);
	else
		failed(c, m, r);
	tell_registry(m->cluster);
	return true;
}
