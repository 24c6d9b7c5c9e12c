#ifndef ALERTS_MACHINE_H
#define ALERTS_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/clock.h"

/* The life of one alert, as Prometheus has it: inactive, pending (`for`),
 * firing (`keep_firing_for`), resolved.  Pure: no clock, no memory, no I/O.
 * Told when its condition may have changed and when machine_next() says. */
enum alert_state {
	ALERT_INACTIVE, ALERT_PENDING, ALERT_FIRING, ALERT_RESOLVED
};

extern const char *const alert_state_names[];

/* What a step did. */
enum alert_edge {
	EDGE_NONE,
	EDGE_PENDING,
	EDGE_FIRED,
	EDGE_CLEARED,		/* pending no more; nobody is told */
	EDGE_RESOLVED,
	EDGE_OVER,		/* resolved long enough: may be forgotten */
	EDGE_KEPT,		/* the condition went or came while firing */
};

enum { ALERT_RETENTION_MS = 15 * 60 * 1000 };

struct machine_spec {
	int64_t for_ms, keep_firing_for_ms;
};

struct machine_now {
	mono_t mono;
	wall_t wall;
};

/* Zeroed: inactive.  Durations are counted on the monotonic clock, and only
 * while not frozen; the wall_t are for showing. */
struct machine {
	enum alert_state state;
	bool active;		/* the condition, when last told */
	bool frozen;
	int64_t ran_ms;		/* of `for`, or of `keep_firing_for` */
	mono_t at;		/* the moment ran_ms is right for */
	mono_t resolved;
	wall_t active_at, fired_at, resolved_at, keep_firing_since;
};

/* The condition is `active` now, or cannot be trusted (`frozen`): then the
 * alert neither fires nor resolves, and its clocks stand still.  Exactly one
 * edge. */
enum alert_edge machine_step(struct machine *m,
    const struct machine_spec *spec, bool active, bool frozen,
    struct machine_now now);

/* The subject is no more: resolves what fires, whatever is frozen. */
enum alert_edge machine_end(struct machine *m, struct machine_now now);

/* When time alone will bring the next edge; false if it will not. */
bool machine_next(const struct machine *m, const struct machine_spec *spec,
    mono_t *at_r);

#endif
