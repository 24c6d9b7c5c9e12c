#ifndef CORE_CLUSTER_H
#define CORE_CLUSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/clock.h"
#include "core/metric.h"

struct cluster_config;
struct directory;
struct registry;
struct table;

/* What is known of an etcd cluster and its members.  Owned by the loop;
 * written by collectors/ through the functions below, read by everybody else
 * as const. */

enum endpoint {
	ENDPOINT_HEALTH, ENDPOINT_VERSION, ENDPOINT_MEMBERS, ENDPOINT_LEADER,
	ENDPOINT_KEYS, ENDPOINT_STATS_LEADER, ENDPOINT_STATS_SELF,
	ENDPOINT_STATS_STORE, ENDPOINT_COUNT
};

extern const char *const endpoint_names[ENDPOINT_COUNT];

/* One value of one polled endpoint.  extra is the value of the metric's third
 * label (operation, follower), NULL if it has none. */
struct sample {
	enum metric_id metric;
	char *extra;
	double value;
};

enum { MEMBER_MAX_SAMPLES = 256 };

struct endpoint_state {
	bool polled, up;
	unsigned failures;		/* in a row */
	int reported;			/* how it fails, as the log has it;
					   0: not in the log */
	char reason[128];		/* of the last failure, for people */
	uint64_t requests, request_failures;
	double duration_s;
	wall_t last_success;		/* ms 0: never */
	struct sample *samples;
	size_t nsamples;
};

struct member {
	struct cluster *cluster;
	size_t number;
	char *url;			/* http://host:port */
	char *name;			/* host:port, the label `member` */
	struct endpoint_state endpoints[ENDPOINT_COUNT];
	bool up, healthy, has_leader, is_leader;
	char *member_name, *member_id, *server_version, *cluster_version;
	char *cluster_id;		/* X-Etcd-Cluster-Id */
	uint64_t index;			/* X-Etcd-Index, 0: unknown */
	int64_t skew_low, skew_high;	/* its clock minus ours lies between */
	bool skew_known;
	mono_t skew_widened;		/* when the bounds were last widened */
	bool foreign;			/* belongs to another etcd cluster: its
					   indexes and leader do not count */
	char leader_id[32];		/* the leader it names; "": none */
	mono_t leader_since;		/* naming it since */
	unsigned told;			/* what registry_member_changed() was
					   last told, collectors/ alone */
};

struct cluster {
	struct registry *registry;
	char *name;
	struct cluster_config *config;	/* inside the registry's config */
	struct member *members;
	size_t nmembers;
	struct directory **directories;
	size_t ndirectories;
	bool has_leader;		/* some member knows one */
	bool answers;			/* some member answers */
	char *leader_id;		/* last one known */
	uint64_t raft_term, raft_index, leader_changes;
	bool disturbed;			/* an election was ever seen */
	mono_t disturbed_until;		/* last moment of the last election */
	char *cluster_id;
	unsigned store;			/* goes up when the id changes */
	uint64_t best_index;
	mono_t best_index_at;		/* when it was first seen */
	bool mass_vanish;
	size_t up, held;		/* instances */
	size_t leaving;			/* of those up: gone, as was judged,
					   and on their way out of the roll */
	struct table *by_identity;	/* "service_name/instance_id" */
};

/* Begins the outcome of one poll of an endpoint: the samples of the last one
 * are replaced by what member_sample() adds until member_answered().  */
void member_begin(struct member *m, enum endpoint e);
void member_sample(struct member *m, enum endpoint e, enum metric_id id,
    const char *extra, double value);
void member_answered(struct member *m, enum endpoint e, int64_t duration_us);

/* The poll failed; after two in a row the endpoint's samples end. */
void member_failed(struct member *m, enum endpoint e);

/* The poll was neither answered nor failed (stats/self answers with an empty
 * body now and then): it is counted and everything else stays. */
void member_no_sample(struct member *m, enum endpoint e);

/* The endpoint has samples now or would have them: it was answered, and has
 * not failed twice in a row since. */
bool member_fresh(const struct member *m, enum endpoint e);

/* An answer sent between `sent` and `answered`, in history time, carried this
 * Date (whole seconds): narrows the bounds of the member's clock skew. */
void member_saw_date(struct member *m, wall_t date, wall_t sent,
    wall_t answered, mono_t now);

/* Frees all that the member owns, url and name included, and clears it. */
void member_fini(struct member *m);

/* Value of a sample of any endpoint; false if there is none now. */
bool member_value(const struct member *m, enum metric_id id,
    const char *extra, double *v_r);

/* Milliseconds to take from the member's clock to get ours: 0 as long as the
 * two may agree, since Date has whole seconds only. */
int64_t member_skew_ms(const struct member *m);

#endif
