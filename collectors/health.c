/* /health: does the member think that it can serve?  The one poll that costs
 * etcd something, a raft proposal with an fsync, and that may take a second
 * when a leader has just died: hence its period and deadline. */
#include "collectors/collector.h"

static void health_result(struct member *m, const struct etcd_result *r)
{
	m->healthy = r->outcome == ETCD_OK && r->health.healthy;
}

static void health_failed(struct member *m, mono_t now)
{
	(void)now;
	m->healthy = false;
}

const struct collector collector_health = {
	.name = "health",
	.endpoint = ENDPOINT_HEALTH,
	.min_every_ms = 5000,
	.min_deadline_ms = 1500,
	.backoff = true,
	.request = etcd_health,
	.result = health_result,
	.failed = health_failed,
};
