#ifndef BENCH_FAKE_STORE_H
#define BENCH_FAKE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"

enum { HISTORY = 1000 };	/* events that etcd remembers */

/* One key; its name, value and address follow from its number. */
struct key {
	uint64_t modified, created;
	int64_t renewed_ms;	/* wall clock; expires one TTL later */
};

/* The living keys are those numbered from first to before end: new names are
 * added behind, and the oldest is the next to go. */
struct store {
	const char *directory;
	int64_t ttl_s;		/* 0: permanent keys */
	uint64_t index;
	uint64_t first, end;
	struct key *keys;
	size_t room;
	uint64_t beaten;	/* the next key that beats */
	struct event *history;	/* of index i at i % HISTORY */
	uint64_t counts[6];	/* by action */

	/* Told of every event that watchers see, at once.  May be NULL. */
	void (*on_event)(const struct event *e, void *arg);
	void *arg;
};

/* What can happen to a store.  Those from ACTION_TURNOVER on are several. */
enum action {
	ACTION_BEAT,		/* a plain PUT of the next key in turn */
	ACTION_REFRESH,		/* the same with refresh=true: no event */
	ACTION_REGISTER,	/* a name that never was before */
	ACTION_DEREGISTER,	/* the oldest key is deleted */
	ACTION_EXPIRE,		/* the oldest key's TTL has run out */
	ACTION_TURNOVER,	/* register and deregister */
	ACTION_LAPSE,		/* register and expire */
	ACTION_COUNT
};

struct event {
	uint64_t index;
	enum action action;
	uint64_t number;
	struct key node, prev;	/* prev.created 0: there was none */
};

extern const char *const action_names[ACTION_COUNT];

/* A store of so many keys, registered in the last third of a TTL.  The name
 * of the directory stays the caller's. */
void store_init(struct store *s, const char *directory, uint64_t keys,
    int64_t ttl_s);

/* Does it once.  False if there is no key for it. */
bool store_do(struct store *s, enum action a);

/* The first event that a watcher sees at this index or behind; NULL if there
 * is none yet.  *cleared_r: history does not reach back that far. */
const struct event *store_since(const struct store *s, uint64_t index,
    bool *cleared_r);

/* --- as etcd writes them --- */

void store_write_event(const struct store *s, const struct event *e,
    struct buf *out);
void store_write_node(const struct store *s, uint64_t number,
    const struct key *k, struct buf *out);

/* Milliseconds since 1970. */
int64_t store_now(void);

#endif
