#ifndef ETCD_RESULT_H
#define ETCD_RESULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/clock.h"
#include "core/fetch_error.h"

/* What came of a request to etcd.  How the real server behaves is in
 * docs/ETCD.md.
 *
 * Text: keys and values are UTF-8; etcd itself turns every other byte into
 * U+FFFD.  A NUL, which both may contain, stands in these strings as the two
 * bytes C0 80, which occur in no UTF-8: see etcd_unescape_nul(). */

enum etcd_outcome {
	ETCD_OK,
	ETCD_EMPTY,		/* 200 without a body: stats/self does that */
	ETCD_REFUSED,		/* a documented refusal that is an answer:
				   403 not current leader, 503 During
				   election, 503 of /health */
	ETCD_ERROR,		/* etcd says no: see error_code and error */
	ETCD_UNAUTHORIZED,	/* 401 */
	ETCD_NO_V2,		/* 404 text/plain: v2 is switched off */
	ETCD_FAILED,		/* no whole answer: see fetch_error */
	ETCD_BAD,		/* an answer that makes no sense */
	ETCD_INVALID		/* no such request can be made; nothing sent */
};

const char *etcd_outcome_name(enum etcd_outcome o);

/* Error codes of the keys API (etcd: Documentation/v2/errorcode.md).  The
 * members API has none: ETCD_ERROR with error_code 0, and `status` tells. */
enum etcd_error_code {
	ETCD_KEY_NOT_FOUND = 100,
	ETCD_COMPARE_FAILED = 101,
	ETCD_NOT_A_FILE = 102,
	ETCD_NOT_A_DIRECTORY = 104,
	ETCD_ALREADY_EXISTS = 105,
	ETCD_ROOT_READ_ONLY = 107,
	ETCD_DIRECTORY_NOT_EMPTY = 108,
	ETCD_NO_PERMISSION = 110,
	ETCD_PREV_VALUE_EMPTY = 201,
	ETCD_TTL_INVALID = 202,
	ETCD_INDEX_INVALID = 203,
	ETCD_FIELD_INVALID = 209,
	ETCD_FORM_INVALID = 210,
	ETCD_REFRESH_WITH_VALUE = 211,
	ETCD_REFRESH_WITHOUT_TTL = 212,
	ETCD_RAFT_INTERNAL = 300,
	ETCD_INDEX_CLEARED = 401
};

/* "key_not_found"; "unknown" for a code that is not in the list. */
const char *etcd_error_name(int code);

/* An error's own words; "" and 0 where etcd said none. */
struct etcd_error {
	const char *message;		/* "Key not found" */
	const char *cause;		/* "/login_servers" */
	uint64_t index;			/* of the store, then */
};

/* From the headers; 0 or "" where the answer had none.  Errors come without
 * the raft's, answers about members without indexes. */
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
	const char *key;		/* "/" for the root */
	const char *value;		/* "" if none */
	bool dir, has_expiration;
	bool key_has_nul, value_has_nul;
	wall_t expiration;		/* by etcd's clock */
	int64_t ttl;			/* seconds left, rounded up; 0 when
					   omitted; may be negative */
	uint64_t created_index, modified_index;
};

/* Is told one of many. */
typedef void etcd_on_node(const struct etcd_node *n, void *arg);

enum etcd_action {
	ETCD_GET, ETCD_SET, ETCD_CREATE, ETCD_UPDATE, ETCD_DELETE,
	ETCD_COMPARE_AND_SWAP, ETCD_COMPARE_AND_DELETE, ETCD_EXPIRE
};

/* "compareAndSwap" and so on, as etcd writes it. */
const char *etcd_action_name(enum etcd_action a);

/* The answer to a request about one key, and what a watch tells. */
struct etcd_event {
	enum etcd_action action;
	struct etcd_node node, prev;	/* node.key "" where no value was
					   asked for (no_value) */
	bool has_prev;
};

/* A listing, flattened: every node below the directory that was asked for,
 * parents before children, the directory itself left out; in etcd's order,
 * which is none unless sorted was asked for.  A node that makes no sense is
 * counted in `bad` and takes no neighbour along: with bad > 0, what is not in
 * v is not known to be gone. */
struct etcd_listing {
	struct etcd_node *v;
	size_t n, bad;
	bool missing;		/* 404 with errorCode 100: empty, ETCD_OK */
	char first_bad[128];	/* what was wrong with the first bad node */
};

/* What kind of answer it is, and with it which member of the union counts. */
enum etcd_kind {
	ETCD_KIND_HEALTH, ETCD_KIND_VERSION, ETCD_KIND_MEMBERS,
	ETCD_KIND_LEADER, ETCD_KIND_STATS_SELF, ETCD_KIND_STATS_LEADER,
	ETCD_KIND_STATS_STORE, ETCD_KIND_INDEX, ETCD_KIND_LISTING,
	ETCD_KIND_EVENT,	/* a watch */
	ETCD_KIND_KEY,		/* get, set, delete...: event */
	ETCD_KIND_MEMBER,	/* member added: member */
	ETCD_KIND_DONE,		/* nothing is told */
	ETCD_KINDS
};

struct etcd_call;		/* a call under way */

struct etcd_result {
	struct etcd_call *call;		/* for etcd_keep() */
	enum etcd_kind kind;
	enum etcd_outcome outcome;
	enum fetch_error fetch_error;
	long status;			/* HTTP's; 0 if none came */
	int error_code;			/* enum etcd_error_code, or 0 */
	char text[320];			/* one line for people; "" if ETCD_OK */
	char endpoint[128];		/* who was asked: "http://host:port" */
	struct etcd_meta meta;
	mono_t started, ended;
	int64_t duration_us;
	union {
		struct etcd_error error;	/* ETCD_ERROR, _UNAUTHORIZED */
		struct etcd_health health;
		struct etcd_version version;
		struct etcd_members members;
		struct etcd_member leader, member;
		struct etcd_stats_self self;
		struct etcd_stats_leader stats_leader;
		struct etcd_stats_store store;
		struct etcd_listing listing;
		struct etcd_event event;
	};
};

/* The bytes that a key or value of a result stands for, NULs and all; *len_r
 * is their number, and one more NUL is behind them.  Free it. */
char *etcd_unescape_nul(const char *text, size_t *len_r);

#endif
