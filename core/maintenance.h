#ifndef CORE_MAINTENANCE_H
#define CORE_MAINTENANCE_H

#include "core/event.h"
#include "core/window.h"

struct err;
struct registry;
struct sample_sink;

/* The maintenance windows there are.  Part of the registry, owned by the loop.
 * While one is in force, those it is about are neither up nor down in history,
 * and nobody is notified of what begins to fire about them.  Every change
 * queues an EVENT_MAINTENANCE. */
struct maintenance;

enum {
	MAINTENANCE_MAX = 1000,		/* at one time */
	MAINTENANCE_KEPT = 100,		/* of those over, for showing */
};

struct maintenance *maintenance_new(struct registry *r);
void maintenance_free(struct maintenance *m);

/* Begins a window as `spec` has it, now; id, from and created are filled in.
 * Borrowed until it is over and a hundred others are, too.  NULL with e:
 * there are too many. */
const struct window *maintenance_start(struct maintenance *m,
    const struct window *spec, struct err *e);

/* Ends one now; nothing happens to one that is over.  The window, or NULL:
 * there is none of this id. */
const struct window *maintenance_end(struct maintenance *m, int64_t id);

/* One is in force about this instance; NULL: about the whole service. */
bool maintenance_covers(const struct maintenance *m, const char *cluster,
    const char *service, const char *instance);

/* The same, by a window that was in force at that moment as well. */
bool maintenance_covers_since(const struct maintenance *m,
    const char *cluster, const char *service, const char *instance,
    wall_t since);

/* Ends those whose time is over.  Returns when the next one's is; ms 0: there
 * is none. */
wall_t maintenance_tick(struct maintenance *m, wall_t now);

/* Sees who goes away and comes back, for end_when_back. */
struct event_sink maintenance_sink(struct maintenance *m);

/* A source of samples (core/snapshot.h). */
void maintenance_samples(void *maintenance, struct sample_sink *s);

/* All of them as they are now; the caller's reference. */
struct window_list *maintenance_list(struct maintenance *m);

/* --- what db/ restores, in the order of ids --- */

void maintenance_restore(struct maintenance *m, const struct window *w);
/* Who went away in a window that is not over, and is not back yet. */
void maintenance_restore_away(struct maintenance *m, int64_t id,
    const char *cluster, const char *service, const char *instance);

#endif
