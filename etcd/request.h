#ifndef ETCD_REQUEST_H
#define ETCD_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "etcd/result.h"

/* What is asked of etcd: one function for each operation of its v2 API, which
 * describes the request and sends nothing.  Further wishes are set in the
 * struct.  Sent by etcd_start() (one member, on a loop), etcd_send() (whichever
 * member answers, on a loop) or etcd_do() (the same, blocking); the strings
 * need to live until then.  All in one table: etcd/README.md.
 *
 *	struct etcd_request r = etcd_set("/login_servers/0001-0001", value);
 *	r.ttl_s = 5;
 *
 * A key may be any text; C0 80 in it stands for NUL (etcd/result.h).  A slash
 * separates directories, so that no name may be empty, "." or "..".  etcd
 * resets connections whose first line is longer than 4096 bytes, which limits a
 * key to about 4,000 bytes, a third of that where each must be escaped. */

enum etcd_exist { ETCD_ANY, ETCD_MUST_EXIST, ETCD_MUST_NOT_EXIST };

struct etcd_request {
	enum etcd_kind kind;
	const char *method;		/* of HTTP */
	const char *path;		/* key, directory, or member's id */
	const char *value;		/* NULL: none is sent */
	int64_t ttl_s;			/* 0: none, the key is permanent */

	/* Conditions; all that are given must hold. */
	const char *prev_value;		/* not "": etcd answers 201 */
	uint64_t prev_index;		/* modifiedIndex; 0: not asked */
	enum etcd_exist prev_exist;

	uint64_t wait_index;		/* of a watch; 0: from now on */
	bool dir;			/* it is a directory */
	bool recursive, sorted;
	bool quorum;			/* read through raft: no older than
					   the request; needs a quorum */
	bool refresh;			/* a new TTL that wakes no watcher */
	bool no_value;			/* answer without nodes
					   (noValueOnSuccess) */
	bool harmless;			/* twice, too: it may go over a kept
					   connection, whatever its conditions
					   say; libcurl may send it again */
};

/* --- keys --- */

/* One key, or a directory without what is in it. */
struct etcd_request etcd_get(const char *key);

/* Writes a key, whether it is there or not.  Without ttl_s it is permanent
 * afterwards, also if it had a TTL before. */
struct etcd_request etcd_set(const char *key, const char *value);
struct etcd_request etcd_create(const char *key, const char *value);
struct etcd_request etcd_update(const char *key, const char *value);

/* A heartbeat: a new TTL, the value stays.  Of a directory with dir. */
struct etcd_request etcd_refresh(const char *key, int64_t ttl_s);

/* Makes a key below the directory whose name is etcd's index, so that keys
 * made later sort behind it. */
struct etcd_request etcd_create_in_order(const char *dir, const char *value);

/* prev_value may be NULL, prev_index 0; prev_exist as well may be set. */
struct etcd_request etcd_compare_and_swap(const char *key, const char *value,
    const char *prev_value, uint64_t prev_index);
struct etcd_request etcd_compare_and_delete(const char *key,
    const char *prev_value, uint64_t prev_index);
struct etcd_request etcd_delete(const char *key);

/* --- directories --- */

/* What is in it, flattened; one level unless recursive. */
struct etcd_request etcd_list(const char *dir);
struct etcd_request etcd_mkdir(const char *dir);

/* If it is empty; with recursive, all that is in it goes too. */
struct etcd_request etcd_rmdir(const char *dir);

/* The TTL of a directory that is there; 0: permanent from now on. */
struct etcd_request etcd_update_dir(const char *dir, int64_t ttl_s);

/* --- watching --- */

/* One long poll: the first event at the key, or with recursive also below it,
 * whose index is >= wait_index.  etcd keeps the last 1000 events of the whole
 * store and answers ETCD_INDEX_CLEARED for older ones.  ETCD_FAILED with
 * FETCH_TIMEOUT is the ordinary end of a quiet poll.  To follow for ever
 * without losing anything: etcd/follow.h. */
struct etcd_request etcd_watch(const char *key, uint64_t wait_index);

/* --- the members --- */

/* /health costs etcd a raft proposal with an fsync; the others are local to
 * the member that is asked. */
struct etcd_request etcd_health(void);
struct etcd_request etcd_version(void);
struct etcd_request etcd_members(void);
struct etcd_request etcd_leader(void);
struct etcd_request etcd_stats_self(void);
struct etcd_request etcd_stats_leader(void);
struct etcd_request etcd_stats_store(void);

/* The member's indexes, term and cluster id, from the headers of the cheapest
 * successful keys request there is.  Where the root may not be read, set path
 * to a directory that may: ETCD_OK as well, but without raft index and term. */
struct etcd_request etcd_index(void);

struct etcd_request etcd_member_add(const char *peer_url);
struct etcd_request etcd_member_update(const char *id, const char *peer_url);
struct etcd_request etcd_member_remove(const char *id);

/* Carried out twice it is as if carried out once: a read, a refresh or a
 * write without a condition or with the one that the key exists.  Others are
 * never sent twice, by nobody, unless they are `harmless`. */
bool etcd_is_repeatable(const struct etcd_request *r);

#endif
