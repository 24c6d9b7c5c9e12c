#ifndef ALERTS_ALERTMANAGER_H
#define ALERTS_ALERTMANAGER_H

#include <stdbool.h>
#include <stddef.h>

#include "core/clock.h"

struct alert;
struct buf;
struct config;
struct gate;
struct loop;
struct sample_sink;

/* The client of Alertmanager's API v2: every alert to every Alertmanager,
 * each with a queue of its own and one request under way. */
struct alertmanagers;

enum {
	AM_BATCH = 256,
	AM_RESEND_MS = 60 * 1000,
	AM_BACKOFF_MIN_MS = 1000,
	AM_BACKOFF_MAX_MS = 60 * 1000,
};

struct alertmanagers *alertmanagers_new(struct loop *l, struct gate *g);
void alertmanagers_free(struct alertmanagers *all);	/* before its alerts */

/* Takes the list of c into force; c lives until the next call.  True if it is
 * another list than before: then all alerts are to be told again. */
bool alertmanagers_configure(struct alertmanagers *all,
    const struct config *c, const char *external_url);

size_t alertmanagers_count(const struct alertmanagers *all);

/* The alert fired or resolved in the unit a->unit: told as soon as that is
 * let through, and again from time to time until alertmanagers_forget().
 * first: an edge; else something to repeat (after a start), at once. */
void alertmanagers_tell(struct alertmanagers *all, struct alert *a,
    bool first);

/* Not to be sent any more (resolved long ago, or pending again). */
void alertmanagers_forget(struct alertmanagers *all, struct alert *a);

/* Units were let through: sends what may leave. */
void alertmanagers_pump(struct alertmanagers *all, mono_t now);

/* No edge waits for its first attempt. */
bool alertmanagers_drained(const struct alertmanagers *all);

void alertmanagers_samples(const struct alertmanagers *all,
    struct sample_sink *s);

/* Appends one alert as API v2 takes it.  lifetime_ms: how long a firing one
 * counts as firing without word from us. */
void alertmanager_render(const struct alert *a, wall_t now,
    int64_t lifetime_ms, const char *generator_url, struct buf *out);

#endif
