#ifndef DISCOVER_ROSTER_H
#define DISCOVER_ROSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/clock.h"

struct etcd_result;

/* Who is registered below some directories, as etcd's listings and events
 * tell it.  An instance is a key, or a directory with a TTL: what lies in such
 * a directory is its own.  Hidden names (_x) are none, keys with a NUL are
 * left out. */
struct roster;

struct roster_entry {
	const char *directory;		/* "/login_servers" */
	const char *service_name;	/* "login_servers": its last part */
	const char *instance_id;	/* the key below the directory */
	const char *key, *value;
	const char *address;		/* core/address.h; NULL: none */
	bool permanent;			/* no TTL, no expiration */
	wall_t expiration;		/* by etcd's clock */
	int64_t ttl_s;			/* that were left ... */
	mono_t told;			/* ... then */
	uint64_t created_index, modified_index;
};

enum roster_change {
	ROSTER_REGISTERED,		/* it is there now */
	ROSTER_CHANGED,			/* its value is another one */
	ROSTER_EXPIRED,			/* the last three: it is gone */
	ROSTER_DEREGISTERED,
	ROSTER_LOST			/* nobody knows when or why */
};

const char *roster_change_name(enum roster_change c);	/* "registered" */

/* Hears of every change, once.  e lives until it returns; it may not ask the
 * roster. */
typedef void roster_fn(enum roster_change c, const struct roster_entry *e,
    void *arg);

/* Paths without a slash at their end, none inside another. */
struct roster *roster_new(const char *const *directories, size_t n,
    roster_fn *fn, void *arg);
void roster_free(struct roster *r);		/* NULL is a no-op */

/* What etcd said of the directory with this number: all there is, or one
 * event.  Events that concern others are none of ours.  A heartbeat is no
 * change, but its TTL counts. */
void roster_listing(struct roster *r, size_t directory,
    const struct etcd_result *listing);
void roster_event(struct roster *r, size_t directory,
    const struct etcd_result *event);

/* True once every directory was listed. */
bool roster_complete(const struct roster *r);

size_t roster_directories(const struct roster *r);
const char *roster_directory(const struct roster *r, size_t directory);
size_t roster_count(const struct roster *r, size_t directory);

/* One after the other, in the order of the directories, then of the instance
 * ids' bytes; from { 0 } on; NULL at the end. */
struct roster_cursor {
	size_t directory, at;
};

const struct roster_entry *roster_next(const struct roster *r,
    struct roster_cursor *c);

/* Seconds left at a time, 0 at least; as far as etcd told: no watcher sees a
 * heartbeat with refresh=true. */
int64_t roster_ttl_left(const struct roster_entry *e, mono_t now);

#endif
