#ifndef COLLECTORS_COLLECTOR_H
#define COLLECTORS_COLLECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/cluster.h"
#include "etcd/etcd.h"

/* One thing that is polled at every member.  Each is a const struct in a file
 * of its own, listed in collectors[]; the poller does the rest. */
struct collector {
	const char *name;
	enum endpoint endpoint;
	int64_t every_ms;		/* 0: the cluster's poll_interval */
	int64_t min_every_ms;		/* never more often than this */
	int64_t deadline_ms;		/* 0: the cluster's poll_timeout */
	int64_t min_deadline_ms;
	bool backoff;			/* ask less often while it fails */
	bool may_be_empty;		/* an empty 200 is no failure */
	bool in_round;			/* a round of polls waits for it */
	bool below;			/* who may not read the root asks
					   below a watched directory */

	/* What is asked. */
	struct etcd_request (*request)(void);

	/* An answer came: outcome ETCD_OK or ETCD_REFUSED.  The endpoint
	 * is marked as up already and its old samples are gone. */
	void (*result)(struct member *m, const struct etcd_result *r);

	/* The poll failed; called behind member_failed().  May be NULL. */
	void (*failed)(struct member *m, mono_t now);
};

enum { COLLECTOR_COUNT = 8 };
extern const struct collector *const collectors[COLLECTOR_COUNT];

extern const struct collector collector_health, collector_version,
    collector_members, collector_leader, collector_keys,
    collector_stats_leader, collector_stats_self, collector_stats_store;

/* Takes the outcome of a poll into the member, logs when the endpoint begins
 * to fail or answers again, and tells the registry what changed.  False: it
 * was an empty answer that is worth asking again at once. */
bool collector_apply(const struct collector *c, struct member *m,
    const struct etcd_result *r);

/* Period and deadline of a collector at this cluster. */
int64_t collector_every_ms(const struct collector *c,
    const struct cluster *cl);
int64_t collector_deadline_ms(const struct collector *c,
    const struct cluster *cl);

/* --- shared by the collectors' files --- */

/* *field becomes a copy of text; "" and NULL leave it as it is. */
void member_set_text(char **field, const char *text);

/* members.c: the configured member of this url gets this id and name, unless
 * it told its own already. */
void members_learn(struct cluster *c, const struct etcd_member *known);

/* leader.c: which leader the members agree on, who of them it is, and whether
 * anybody answers, from their last probes. */
void leader_settle(struct cluster *c, mono_t now);

#endif
