/* /version: answered by every etcd that serves at all, with or without a
 * quorum, so it tells whether the member is up.  Polled without backoff, since
 * the alert EtcdMemberDown counts its failures. */
#include "collectors/collector.h"

static void version_result(struct member *m, const struct etcd_result *r)
{
	m->up = true;
	if (r->outcome != ETCD_OK)
		return;
	member_set_text(&m->server_version, r->version.server);
	member_set_text(&m->cluster_version, r->version.cluster);
}

static void version_failed(struct member *m, mono_t now)
{
	(void)now;
	m->up = false;
}

const struct collector collector_version = {
	.name = "version",
	.endpoint = ENDPOINT_VERSION,
	.in_round = true,
	.request = etcd_version,
	.result = version_result,
	.failed = version_failed,
};
