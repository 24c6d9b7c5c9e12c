#ifndef ETCD_ETCD_H
#define ETCD_ETCD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/clock.h"
#include "core/err.h"
#include "core/fetch.h"

struct http_config;
struct loop;

/* A client of etcd's v2 HTTP API, asynchronous on the loop.  How the real
 * server behaves, and therefore why each call is made as it is, is in
 * docs/ETCD.md.  All strings in a result live until the callback returns. */

/* One member to ask. */
struct etcd_target {
	struct loop *loop;
	const char *url;		/* http://host:port */
	const struct http_config *http;	/* NULL: plain */
	const char *below;		/* etcd_index() alone: a directory that
					   may be read; NULL: the root */
};

enum etcd_outcome {
	ETCD_OK,
	ETCD_EMPTY,		/* 200 without a body: stats/self does that */
	ETCD_REFUSED,		/* a documented refusal that is an answer:
				   403 not current leader, 503 During
				   election, 503 of /health */
	ETCD_ERROR,		/* an errorCode: see error_code */
	ETCD_UNAUTHORIZED,	/* 401 */
	ETCD_NO_V2,		/* 404 text/plain: v2 is switched off */
	ETCD_FAILED,		/* no whole answer: see fetch_error */
	ETCD_BAD		/* an answer that makes no sense */
};

const char *etcd_outcome_name(enum etcd_outcome o);

/* Error codes of the keys API that callers tell apart. */
enum {
	ETCD_KEY_NOT_FOUND = 100,
	ETCD_RAFT_INTERNAL = 300,
	ETCD_INDEX_CLEARED = 401,
};

/* From the headers; 0 or "" where the answer had none. */
struct etcd_meta {
	uint64_t etcd_index, raft_index, raft_term;
	char cluster_id[32];
	wall_t date;			/* whole seconds; ms 0: none */
};

struct etcd_health {
	bool healthy;
};

struct etcd_version {
	const char *server, *cluster;
};

enum { ETCD_MAX_MEMBERS = 64 };

struct etcd_member {
	const char *id, *name;		/* name "" before it has started */
	const char *client_url;		/* first, or "" */
	const char *peer_url;
};

struct etcd_members {
	struct etcd_member v[ETCD_MAX_MEMBERS];
	size_t n, bad;			/* bad: made no sense, left out */
};

struct etcd_stats_self {
	const char *name, *id, *state, *leader;
	wall_t start, leader_start;
	int64_t leader_uptime_ms;
	uint64_t recv_appends, send_appends;
	double recv_pkg_rate, recv_bandwidth_rate;	/* 0 when omitted */
	double send_pkg_rate, send_bandwidth_rate;
};

struct etcd_follower {
	const char *id;
	double current, average, stddev, minimum, maximum;	/* seconds */
	bool sampled;		/* false: minimum is etcd's 2^63, no sample */
	uint64_t fail, success;
};

struct etcd_stats_leader {
	const char *leader;
	struct etcd_follower v[ETCD_MAX_MEMBERS];
	size_t n, bad;			/* bad: made no sense, left out */
};

struct etcd_stats_store {
	uint64_t get_success, get_fail, set_success, set_fail;
	uint64_t delete_success, delete_fail, update_success, update_fail;
	uint64_t create_success, create_fail;
	uint64_t cas_success, cas_fail, cad_success, cad_fail;
	uint64_t expire_count, watchers;
};

struct etcd_node {
	const char *key;		/* a NUL in it or in the value is */
	const char *value;		/* C0 80; "" if none */
	bool dir, has_expiration, key_has_nul;
	wall_t expiration;		/* by etcd's clock */
	int64_t ttl;			/* 0 when omitted; may be negative */
	uint64_t created_index, modified_index;
};

enum etcd_action {
	ETCD_GET, ETCD_SET, ETCD_CREATE, ETCD_UPDATE, ETCD_DELETE,
	ETCD_COMPARE_AND_SWAP, ETCD_COMPARE_AND_DELETE, ETCD_EXPIRE
};

struct etcd_event {
	enum etcd_action action;
	struct etcd_node node, prev;
	bool has_prev;
};

/* A recursive listing, flattened: every node below the directory, parents
 * before children, the directory itself left out.  A node that makes no sense
 * is counted in `bad` and takes no neighbour along: with bad > 0, what is not
 * in v is not known to be gone. */
struct etcd_listing {
	struct etcd_node *v;
	size_t n, bad;
	bool missing;		/* 404 with errorCode 100: empty, ETCD_OK */
	char first_bad[128];	/* what was wrong with the first bad node */
};

struct etcd_call;		/* a call under way */

struct etcd_result {
	struct etcd_call *call;		/* for etcd_keep() */
	enum etcd_outcome outcome;
	enum fetch_error fetch_error;
	long status;
	int error_code;
	char text[320];		/* one line for people; "" if ETCD_OK */
	struct etcd_meta meta;
	mono_t started, ended;
	int64_t duration_us;
	union {
		struct etcd_health health;
		struct etcd_version version;
		struct etcd_members members;
		struct etcd_member leader;
		struct etcd_stats_self self;
		struct etcd_stats_leader stats_leader;
		struct etcd_stats_store store;
		struct etcd_listing listing;
		struct etcd_event event;
	};
};

typedef void etcd_done(const struct etcd_result *r, void *arg);

/* Ends a call without its callback.  NULL is a no-op. */
void etcd_cancel(struct etcd_call *c);

/* Inside done(): the result's strings and arrays stay until etcd_release(),
 * which frees large ones in a thread.  The structs of the result itself are
 * copied by whoever keeps them.  NULL for a result that no call made. */
struct etcd_call *etcd_keep(const struct etcd_result *r);
void etcd_release(struct etcd_call *c);		/* NULL is a no-op */

/* The calls.  Each ends with done(), exactly once, on the loop, within
 * deadline_ms.  /health costs etcd a raft proposal with an fsync; the others
 * are local to the member. */
struct etcd_call *etcd_health(const struct etcd_target *t,
    int64_t deadline_ms, etcd_done *done, void *arg);
struct etcd_call *etcd_version(const struct etcd_target *t,
    int64_t deadline_ms, etcd_done *done, void *arg);
struct etcd_call *etcd_members(const struct etcd_target *t,
    int64_t deadline_ms, etcd_done *done, void *arg);
struct etcd_call *etcd_leader(const struct etcd_target *t,
    int64_t deadline_ms, etcd_done *done, void *arg);
struct etcd_call *etcd_stats_self(const struct etcd_target *t,
    int64_t deadline_ms, etcd_done *done, void *arg);
struct etcd_call *etcd_stats_leader(const struct etcd_target *t,
    int64_t deadline_ms, etcd_done *done, void *arg);
struct etcd_call *etcd_stats_store(const struct etcd_target *t,
    int64_t deadline_ms, etcd_done *done, void *arg);

/* The member's indexes, term and cluster id, from the headers of the cheapest
 * successful keys request there is.  Below a directory it is a key that is not
 * there: ETCD_OK as well, but etcd tells no raft index and term then. */
struct etcd_call *etcd_index(const struct etcd_target *t,
    int64_t deadline_ms, etcd_done *done, void *arg);

/* Lists everything below a directory.  quorum: through raft, so that it is no
 * older than the request, and without a quorum an error after 7 s.  A large
 * answer is decoded in a thread: events newer than it may be told before it. */
struct etcd_call *etcd_list(const struct etcd_target *t, const char *path,
    bool quorum, int64_t deadline_ms, etcd_done *done, void *arg);

/* One long poll: the first event at or below path with an index >= wait_index.
 * head() is called when the headers are there: r->meta says how far the store
 * was when the watch began; outcome is ETCD_OK for status 200.  done() with
 * ETCD_FAILED and FETCH_TIMEOUT is the ordinary end of a quiet poll.  Uses a
 * connection of its own, kept alive from one poll to the next. */
struct etcd_call *etcd_watch(const struct etcd_target *t, const char *path,
    uint64_t wait_index, int64_t deadline_ms,
    void (*head)(const struct etcd_meta *m, long status, void *arg),
    etcd_done *done, void *arg);

#endif
