#ifndef TESTS_UNIT_DISCOVER_ROSTERED_H
#define TESTS_UNIT_DISCOVER_ROSTERED_H

/* Results of etcd made by hand, and a roster that writes down what it tells:
 * "+a=1 ~a=2 -a(expired) " */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "discover/roster.h"
#include "core/buf.h"
#include "core/xalloc.h"
#include "etcd/result.h"

enum { ROSTERED_MAX = 4096 };

struct rostered {
	struct roster *roster;
	struct buf said;
	size_t mark;
	struct etcd_result result;
	struct etcd_node nodes[ROSTERED_MAX];
	uint64_t index;
};

static inline void rostered_fn(enum roster_change c,
    const struct roster_entry *e, void *arg)
{
	struct rostered *t = arg;

	if (c == ROSTER_REGISTERED || c == ROSTER_CHANGED)
		buf_addf(&t->said, "%c%s=%s ", c == ROSTER_CHANGED ? '~' : '+',
		    e->instance_id, e->value);
	else
		buf_addf(&t->said, "-%s(%s) ", e->instance_id,
		    roster_change_name(c));
}

static inline struct rostered *rostered_new(const char *const *directories,
    size_t n)
{
	struct rostered *t = xcalloc(1, sizeof(*t));

	buf_init(&t->said, 64 << 20);
	t->index = 100;
	t->roster = roster_new(directories, n, rostered_fn, t);
	return t;
}

static inline void rostered_free(struct rostered *t)
{
	roster_free(t->roster);
	buf_free(&t->said);
	free(t);
}

/* What was said since the last call. */
static inline const char *rostered_said(struct rostered *t)
{
	const char *text = buf_str(&t->said) + t->mark;

	t->mark = t->said.len;
	return text;
}

/* A node: ttl 0 is permanent, value NULL a directory. */
static inline struct etcd_node rostered_node(struct rostered *t,
    const char *key, const char *value, int64_t ttl)
{
	return (struct etcd_node){
		.key = key, .value = value != NULL ? value : "",
		.dir = value == NULL, .has_expiration = ttl != 0,
		.ttl = ttl,
		.expiration = { clock_wall().ms + ttl * 1000 },
		.key_has_nul = strstr(key, "\xc0\x80") != NULL,
		.created_index = t->index, .modified_index = t->index,
	};
}

static inline void rostered_event(struct rostered *t, size_t directory,
    enum etcd_action action, const char *key, const char *value, int64_t ttl)
{
	t->index++;
	t->result = (struct etcd_result){ .outcome = ETCD_OK,
	    .ended = clock_mono() };
	t->result.event.action = action;
	t->result.event.node = rostered_node(t, key, value, ttl);
	roster_event(t->roster, directory, &t->result);
}

/* --- a listing: begin, add each, end --- */

static inline void rostered_list(struct rostered *t)
{
	t->index++;
	t->result = (struct etcd_result){ .outcome = ETCD_OK,
	    .ended = clock_mono() };
	t->result.listing.v = t->nodes;
}

static inline void rostered_add(struct rostered *t, const char *key,
    const char *value, int64_t ttl)
{
	t->nodes[t->result.listing.n++] = rostered_node(t, key, value, ttl);
}

static inline void rostered_listed(struct rostered *t, size_t directory)
{
	roster_listing(t->roster, directory, &t->result);
}

#endif
