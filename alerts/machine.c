/* The pure state machine of one alert.  It is handed the condition, whether
 * that may be trusted, and the time; it answers with the edge that this
 * brought.  Who evaluates conditions, saves and sends is alerts.c. */
#include "alerts/machine.h"

const char *const alert_state_names[] = {
	[ALERT_INACTIVE] = "inactive",
	[ALERT_PENDING] = "pending",
	[ALERT_FIRING] = "firing",
	[ALERT_RESOLVED] = "resolved",
};

/* Firing although the condition is gone. */
static bool keeping(const struct machine *m)
{
	return m->state == ALERT_FIRING && m->keep_firing_since.ms != 0;
}

static bool clock_runs(const struct machine *m)
{
	return !m->frozen && (m->state == ALERT_PENDING || keeping(m));
}

static void run_clock(struct machine *m, mono_t now)
{
	if (clock_runs(m) && now.ms > m->at.ms)
		m->ran_ms += now.ms - m->at.ms;
	m->at = now;
}

static enum alert_edge fire(struct machine *m, struct machine_now now)
{
	m->state = ALERT_FIRING;
	m->fired_at = now.wall;
	m->ran_ms = 0;
	return EDGE_FIRED;
}

static enum alert_edge begin(struct machine *m,
    const struct machine_spec *spec, struct machine_now now)
{
	*m = (struct machine){
		.state = ALERT_PENDING, .active = true, .at = now.mono,
		.active_at = now.wall,
	};
	return spec->for_ms <= 0 ? fire(m, now) : EDGE_PENDING;
}

static enum alert_edge resolve(struct machine *m, struct machine_now now)
{
	m->state = ALERT_RESOLVED;
	m->resolved = now.mono;
	m->resolved_at = now.wall;
	if (m->resolved_at.ms < m->fired_at.ms)
		m->resolved_at = m->fired_at;
	m->ran_ms = 0;
	return EDGE_RESOLVED;
}

static enum alert_edge step_inactive(struct machine *m,
    const struct machine_spec *spec, struct machine_now now)
{
	return m->active ? begin(m, spec, now) : EDGE_NONE;
}

static enum alert_edge step_pending(struct machine *m,
    const struct machine_spec *spec, struct machine_now now)
{
	if (!m->active) {
		*m = (struct machine){ .at = now.mono };
		return EDGE_CLEARED;
	}
	return m->ran_ms >= spec->for_ms ? fire(m, now) : EDGE_NONE;
}

static enum alert_edge step_firing(struct machine *m,
    const struct machine_spec *spec, struct machine_now now)
{
	if (m->active) {
		if (!keeping(m))
			return EDGE_NONE;
		m->keep_firing_since = (wall_t){ 0 };
		m->ran_ms = 0;
		return EDGE_KEPT;
	}
	if (spec->keep_firing_for_ms <= 0)
		return resolve(m, now);
	if (!keeping(m)) {
		m->keep_firing_since = now.wall;
		m->ran_ms = 0;
		return EDGE_KEPT;
	}
	return m->ran_ms >= spec->keep_firing_for_ms ? resolve(m, now) :
	    EDGE_NONE;
}

static bool retention_over(const struct machine *m, mono_t now)
{
	return m->state == ALERT_RESOLVED &&
	    mono_since(m->resolved, now) >= ALERT_RETENTION_MS;
}

static enum alert_edge step_resolved(struct machine *m,
    const struct machine_spec *spec, struct machine_now now)
{
	return m->active ? begin(m, spec, now) : EDGE_NONE;
}

enum alert_edge machine_step(struct machine *m,
    const struct machine_spec *spec, bool active, bool frozen,
    struct machine_now now)
{
	static enum alert_edge (*const steps[])(struct machine *,
	    const struct machine_spec *, struct machine_now) = {
		[ALERT_INACTIVE] = step_inactive,
		[ALERT_PENDING] = step_pending,
		[ALERT_FIRING] = step_firing,
		[ALERT_RESOLVED] = step_resolved,
	};
	run_clock(m, now.mono);
	m->active = active;
	m->frozen = frozen;
	if (retention_over(m, now.mono) && (frozen || !active)) {
		*m = (struct machine){
			.at = now.mono, .active = active, .frozen = frozen,
		};
		return EDGE_OVER;
	}
	if (frozen)
		return EDGE_NONE;
	return steps[m->state](m, spec, now);
}

enum alert_edge machine_end(struct machine *m, struct machine_now now)
{
	run_clock(m, now.mono);
	m->active = false;
	m->frozen = false;
	switch (m->state) {
	case ALERT_PENDING:
		*m = (struct machine){ .at = now.mono };
		return EDGE_CLEARED;
	case ALERT_FIRING:
		return resolve(m, now);
	default:
		return EDGE_NONE;
	}
}

bool machine_next(const struct machine *m, const struct machine_spec *spec,
    mono_t *at_r)
{
	if (m->state == ALERT_RESOLVED) {
		*at_r = mono_add(m->resolved, ALERT_RETENTION_MS);
		return true;
	}
	if (!clock_runs(m))
		return false;
	int64_t whole = m->state == ALERT_PENDING ? spec->for_ms :
	    spec->keep_firing_for_ms;

	*at_r = mono_add(m->at, whole > m->ran_ms ? whole - m->ran_ms : 0);
	return true;
}
