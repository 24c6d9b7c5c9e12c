/* /v2/members: names and ids of the members.  Each member tells its own in
 * stats/self; this list serves for those that do not, matched by client URL.
 * Leaves no samples. */
#include "collectors/collector.h"

#include <string.h>

/* Equal but for a slash at the end. */
static bool same_url(const char *a, const char *b)
{
	size_t n = strlen(a), k = strlen(b);

	if (n && a[n - 1] == '/')
		n--;
	if (k && b[k - 1] == '/')
		k--;
	return n == k && n > 0 && memcmp(a, b, n) == 0;
}

/* A member of its own account is believed while it gives it. */
static bool tells_itself(const struct member *m)
{
	return m->member_id && member_fresh(m, ENDPOINT_STATS_SELF);
}

void members_learn(struct cluster *c, const struct etcd_member *known)
{
	for (size_t i = 0; i < c->nmembers; i++) {
		struct member *m = &c->members[i];

		if (tells_itself(m) || !same_url(m->url, known->client_url))
			continue;
		member_set_text(&m->member_id, known->id);
		member_set_text(&m->member_name, known->name);
	}
}

static void members_result(struct member *m, const struct etcd_result *r)
{
	if (r->outcome != ETCD_OK || m->foreign)
		return;
	for (size_t i = 0; i < r->members.n; i++)
		members_learn(m->cluster, &r->members.v[i]);
	leader_settle(m->cluster, r->ended);
}

const struct collector collector_members = {
	.name = "members",
	.endpoint = ENDPOINT_MEMBERS,
	.backoff = true,
	.request = etcd_members,
	.result = members_result,
};
