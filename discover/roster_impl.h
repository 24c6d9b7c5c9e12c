#ifndef DISCOVER_ROSTER_IMPL_H
#define DISCOVER_ROSTER_IMPL_H

#include "discover/roster.h"
#include "etcd/result.h"

/* Shared by discover/roster.c, roster_event.c and roster_listing.c alone. */

/* A key, or a directory with a TTL.  Those that are no instance (inside of
 * such a directory, or with a NUL) are known as well, but not shown: they may
 * become one without a word about them. */
struct roster_node {
	struct roster_entry entry;	/* its strings are the next ones */
	char *key, *value, *address;
	bool dir, nul;
	bool shown;			/* told as there */
};

struct roster_dir {
	char *path;
	const char *service;
	struct roster_node **v;		/* sorted by key */
	size_t n, cap;
	size_t shown;
	bool listed;
};

struct roster {
	struct roster_dir *dirs;
	size_t n;
	roster_fn *fn;
	void *arg;
};

/* The part of the key below the directory, or NULL. */
const char *roster_below(const struct roster_dir *d, const char *key);

/* The first whose key is not before this one, and whether it is that one. */
size_t roster_find(const struct roster_dir *d, const char *key);
bool roster_is_at(const struct roster_dir *d, size_t i, const char *key);

/* The one way in which an instance comes, changes or goes. */
void roster_tell(struct roster *r, struct roster_dir *d,
    struct roster_node *n, enum roster_change c);

/* Tells of those in v[from..to) that have become an instance or ceased to be
 * one. */
void roster_settle(struct roster *r, struct roster_dir *d, size_t from,
    size_t to);

/* True if it is a key or a directory with a TTL, below the directory and not
 * hidden. */
bool roster_wants(const struct roster_dir *d, const struct etcd_node *node);

struct roster_node *roster_node_new(const struct roster_dir *d,
    const struct etcd_node *node, mono_t told);

/* Takes over what etcd says of it now, and tells if its value changed. */
void roster_node_update(struct roster *r, struct roster_dir *d,
    struct roster_node *n, const struct etcd_node *node, mono_t told);

/* Tells that it is gone, if it was shown, and frees it. */
void roster_node_leave(struct roster *r, struct roster_dir *d,
    struct roster_node *n, enum roster_change c);

#endif
