#ifndef ALERTS_ALERTS_H
#define ALERTS_ALERTS_H

#include <stdbool.h>

#include "core/event.h"

struct config;
struct err;
struct loop;
struct notify_config;
struct problems;
struct registry;
struct sample_sink;

/* Alerting: rules over the registry and the cluster, the state machine, and
 * delivery to Alertmanagers and receivers.  All on the loop. */
struct alerts;

/* Reads a notify file (Alertmanager's YAML).  NULL with problems; blocks, so
 * never on the loop.  Free with notify_config_free() unless it was handed to
 * alerts_configure(). */
struct notify_config *notify_config_load(const char *path,
    struct problems *p);
void notify_config_free(struct notify_config *n);

/* Sends nothing before alerts_start().  Loop, registry and bus must outlive
 * it. */
struct alerts *alerts_new(struct loop *l, struct registry *r,
    struct event_bus *b);
/* Drops what is under way; undelivered messages stay in the database.  NULL is
 * a no-op. */
void alerts_free(struct alerts *a);

/* Takes configuration into force, first and at each reload.  Takes n (may be
 * NULL: no receiver) and a reference of c.  external_url is shown in
 * messages. */
void alerts_configure(struct alerts *a, struct config *c,
    struct notify_config *n, const char *external_url);

/* What was saved, before the loop runs. */
void alerts_restore_alert(const struct alert_record *r, void *alerts);
void alerts_restore_outbox(const struct outbox_record *r, void *alerts);

/* Everything is restored: looks at all subjects once and starts sending. */
void alerts_start(struct alerts *a);

/* For event_bus_add(): judges the subjects that events touch, and sends at the
 * end of each flush.  Valid as long as a. */
struct event_sink alerts_sink(struct alerts *a);
void alerts_samples(void *arg, struct sample_sink *s);

/* True when nothing is waiting to be sent for the first time: what a stop
 * waits for. */
bool alerts_drained(const struct alerts *a);

#endif
