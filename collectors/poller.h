#ifndef COLLECTORS_POLLER_H
#define COLLECTORS_POLLER_H

#include <stdbool.h>

#include "core/clock.h"

struct cluster;
struct loop;
struct member;
struct registry;

/* Drives every collector on every member of one cluster. */
struct poller;

/* Starts polling: every endpoint once within the first half second, then at its
 * own moment of its period.  The cluster's members must stay as they are
 * until poller_free(): at a reload that changes the endpoints free it before
 * registry_configure() and make a new one behind it. */
struct poller *poller_new(struct loop *l, struct registry *r,
    struct cluster *c);

/* Ends all polls without their outcome.  Not from inside on_probe's fn.  NULL
 * is a no-op. */
void poller_free(struct poller *p);

/* fn is called after each finished leader probe, when the registry knows of
 * it: answered, whether the member knows a leader, and when it was sent. */
void poller_on_probe(struct poller *p, void (*fn)(void *arg,
    struct member *m, bool answered, bool has_leader, mono_t sent, mono_t now),
    void *arg);

#endif
