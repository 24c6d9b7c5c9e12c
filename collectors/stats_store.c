/* /v2/stats/store: counters of the member's store.  Writes and expirations are
 * counted by every member alike, gets and watchers are the member's own. */
#include "collectors/collector.h"

struct operation {
	const char *name;
	size_t success, fail;		/* offsets in etcd_stats_store */
};

#define OPERATION(name, field) { name, \
	offsetof(struct etcd_stats_store, field##_success), \
	offsetof(struct etcd_stats_store, field##_fail) }

static const struct operation operations[] = {
	OPERATION("compare_and_delete", cad),
	OPERATION("compare_and_swap", cas),
	OPERATION("create", create),
	OPERATION("delete", delete),
	OPERATION("get", get),
	OPERATION("set", set),
	OPERATION("update", update),
};

static double counter(const struct etcd_stats_store *s, size_t offset)
{
	return (double)*(const uint64_t *)(const void *)
	    ((const char *)s + offset);
}

static void stats_store_result(struct member *m, const struct etcd_result *r)
{
	const enum endpoint e = ENDPOINT_STATS_STORE;
	const struct etcd_stats_store *s = &r->store;

	if (r->outcome != ETCD_OK)
		return;
	for (size_t i = 0; i < sizeof(operations) / sizeof(*operations); i++) {
		const struct operation *o = &operations[i];

		member_sample(m, e, M_etcd_store_operation_successes, o->name,
		    counter(s, o->success));
		member_sample(m, e, M_etcd_store_operation_failures, o->name,
		    counter(s, o->fail));
	}
	member_sample(m, e, M_etcd_store_expirations, NULL,
	    (double)s->expire_count);
	member_sample(m, e, M_etcd_store_watchers, NULL,
	    (double)s->watchers);
}

const struct collector collector_stats_store = {
	.name = "stats_store",
	.endpoint = ENDPOINT_STATS_STORE,
	.backoff = true,
	.in_round = true,
	.request = etcd_stats_store,
	.result = stats_store_result,
};
