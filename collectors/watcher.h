#ifndef COLLECTORS_WATCHER_H
#define COLLECTORS_WATCHER_H

#include <stdbool.h>

#include "core/clock.h"

struct directory;
struct loop;
struct member;
struct storm;

/* Watches one directory, through one member at a time, and tells the registry
 * what happens in it (docs/DESIGN.md, Following etcd). */
struct watcher;

struct watcher *watcher_new(struct loop *l, struct directory *d,
    struct storm *s);
void watcher_free(struct watcher *w);		/* NULL is a no-op */

/* The outcome of a leader probe of a member, sent at `sent`. */
void watcher_on_probe(struct watcher *w, struct member *m, bool answered,
    bool has_leader, mono_t sent, mono_t now);

#endif
