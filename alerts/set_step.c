/* One alert of the set, one step.  A copy of its machine is stepped, and what
 * the edge means - save, tell, log, drop - is one function per edge.
 * Deadlines of all alerts are in one heap behind one timer.
 *
 * Does not know what alerts are about: set.c judges and calls this. */
#include <stddef.h>
#include <stdlib.h>

#include "alerts/alertmanager.h"
#include "alerts/gate.h"
#include "alerts/set_impl.h"
#include "core/buf.h"
#include "core/event.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/table.h"
#include "core/timefmt.h"

enum { LABELS_MAX = 64 * 1024 };

struct machine_now set_now(void)
{
	mono_t mono = clock_mono();

	return (struct machine_now){ mono, clock_history(mono) };
}

/* --- saving --- */

void set_save(struct alert_set *s, struct alert *a)
{
	struct event e = { .type = EVENT_ALERT };
	struct buf labels, annotations;

	if (a->former)
		return;
	buf_init(&labels, LABELS_MAX);
	buf_init(&annotations, LABELS_MAX);
	alert_to_record(a, &labels, &annotations, &e.alert);
	event_emit(s->parts.bus, &e);
	a->saved = true;
	a->save_at = mono_add(clock_mono(), SAVE_PENDING_MS);
	buf_free(&labels);
	buf_free(&annotations);
}

void set_save_gone(struct alert_set *s, const char *fingerprint)
{
	struct event e = { .type = EVENT_ALERT };

	e.alert.fingerprint = fingerprint;
	e.alert.gone = true;
	event_emit(s->parts.bus, &e);
}

/* --- deadlines --- */

void set_timer(struct alert_set *s)
{
	struct due *first = due_first(&s->due);

	if (first != NULL)
		timer_set(s->timer, first->at);
	else
		timer_clear(s->timer);
}

static bool repeats(const struct alert *a)
{
	return a->machine.state == ALERT_FIRING && a->told;
}

static bool pending_runs(const struct alert *a)
{
	return a->machine.state == ALERT_PENDING && !a->machine.frozen;
}

void set_schedule(struct alert_set *s, struct alert *a, mono_t now)
{
	mono_t at = { INT64_MAX }, next;

	if (machine_next(&a->machine, &a->rule->timing, &next))
		at = next;
	if (repeats(a) && a->repeat_at.ms < at.ms)
		at = a->repeat_at;
	if (pending_runs(a) && a->save_at.ms < at.ms)
		at = a->save_at;
	if (at.ms <= now.ms)		/* never twice in one turn */
		at = mono_add(now, 1);
	if (at.ms == INT64_MAX)
		due_clear(&s->due, &a->due);
	else
		due_set(&s->due, &a->due, at);
}

/* --- edges --- */

/* What was known when it fired is not true any more when it resolves.  Where
 * many fire at once, the first are told one by one. */
static void log_edge(struct burst *burst, const struct alert *a,
    const char *what, enum log_level level)
{
	struct log_field f[8] = { { 0 } };
	char text[TIMEFMT_MAX];
	unsigned n = 1;

	if (a->former)
		return;
	if (!burst_line(burst, clock_mono()))
		level = LEVEL_DEBUG;
	if (!log_writes(level))
		return;
	for (const char *const *l = rule_label_names; *l != NULL; l++) {
		const char *v = labels_get(&a->labels, *l);

		if (v != NULL)
			f[n++] = LOG_S(*l, v);
	}
	if (a->machine.state == ALERT_RESOLVED)
		f[n] = LOG_S("fired_for", timefmt_duration(
		    a->machine.resolved_at.ms - a->machine.fired_at.ms, text));
	else
		f[n] = LOG_S("description", labels_get(&a->annotations,
		    "description"));
	log_write(level, what, f, n + 1);
}

void set_enter(struct alert_set *s, struct alert *a)
{
	table_put(s->table, a->key, a);
	s->of_rule[a->rule - rules]++;
	set_show(s, a);
}

void set_drop(struct alert_set *s, struct alert *a)
{
	if (a->saved)
		set_save_gone(s, a->fingerprint);
	if (a->batched)
		groups_send(s->parts.groups);
	groups_forget(s->parts.groups, a);
	alertmanagers_forget(s->parts.alertmanagers, a);
	due_clear(&s->due, &a->due);
	table_del(s->table, a->key);
	s->of_rule[a->rule - rules]--;
	set_hide(s, a);
	set_end_mute(s, a);
	alert_free(a);
}

void set_tell_receivers(struct alert_set *s, struct alert *a,
    enum group_change change, struct machine_now now)
{
	if (a->rule->heartbeat)
		return;
	if (change == GROUP_RESOLVED ? !a->told :
	    !groups_have_receiver(s->parts.groups))
		return;
	groups_add(s->parts.groups, a, change);
	a->last_notified = now.wall;
	a->repeat_at = mono_add(now.mono, REPEAT_INTERVAL_MS);
}

static void tell(struct alert_set *s, struct alert *a,
    enum group_change change, struct machine_now now)
{
	a->unit = gate_wait(s->parts.gate);
	alertmanagers_tell(s->parts.alertmanagers, a, true);
	set_tell_receivers(s, a, change, now);
	set_save(s, a);
}

/* A new life: what was said about the last one is said. */
static void on_pending(struct alert_set *s, struct alert *a,
    struct machine_now now)
{
	(void)now;
	alertmanagers_forget(s->parts.alertmanagers, a);
	a->last_notified = (wall_t){ 0 };
	set_save(s, a);
}

static void on_fired(struct alert_set *s, struct alert *a,
    struct machine_now now)
{
	a->last_notified = (wall_t){ 0 };
	a->untold = false;
	if (set_in_maintenance(s, a)) {
		set_mute(s, a);
		set_save(s, a);
	} else {
		tell(s, a, GROUP_FIRED, now);
	}
	log_edge(&s->fired, a, a->muted ? "alert fires, muted" :
	    "alert fires", a->rule->heartbeat ? LEVEL_DEBUG :
	    LEVEL_WARN);
}

static void on_resolved(struct alert_set *s, struct alert *a,
    struct machine_now now)
{
	if (a->muted)
		set_save(s, a);
	else
		tell(s, a, GROUP_RESOLVED, now);
	a->untold = a->muted;
	set_end_mute(s, a);
	log_edge(&s->resolved, a, "alert resolved", LEVEL_INFO);
}

static void on_kept(struct alert_set *s, struct alert *a,
    struct machine_now now)
{
	(void)now;
	set_save(s, a);
}

/* Nobody is told: it never fired, or resolved long ago. */
static void on_silent_end(struct alert_set *s, struct alert *a,
    struct machine_now now)
{
	(void)now;
	alertmanagers_forget(s->parts.alertmanagers, a);
	if (a->saved)
		set_save_gone(s, a->fingerprint);
	a->saved = false;
}

/* What is due without an edge. */
static void housekeep(struct alert_set *s, struct alert *a,
    struct machine_now now)
{
	if (repeats(a) && mono_due(a->repeat_at, now.mono)) {
		a->repeat_at = mono_add(now.mono, REPEAT_INTERVAL_MS);
		if (!set_in_maintenance(s, a))
			set_tell_receivers(s, a, GROUP_REPEATED, now);
		set_save(s, a);
	}
	if (pending_runs(a) && mono_due(a->save_at, now.mono))
		set_save(s, a);
}

static void take(struct alert_set *s, struct alert *a,
    const struct machine *next)
{
	bool changes = next->state != a->machine.state;

	a->machine = *next;
	if (changes)
		set_show(s, a);
}

static void apply(struct alert_set *s, struct alert *a,
    const struct machine *next, enum alert_edge edge, struct machine_now now)
{
	static void (*const on_edge[])(struct alert_set *, struct alert *,
	    struct machine_now) = {
		[EDGE_NONE] = housekeep,
		[EDGE_PENDING] = on_pending,
		[EDGE_FIRED] = on_fired,
		[EDGE_RESOLVED] = on_resolved,
		[EDGE_KEPT] = on_kept,
		[EDGE_CLEARED] = on_silent_end,
		[EDGE_OVER] = on_silent_end,
	};
	if (edge != EDGE_NONE && a->batched)
		groups_send(s->parts.groups);	/* tells of the last edge */
	take(s, a, next);
	on_edge[edge](s, a, now);
	if (set_mute_is_over(s, a)) {
		set_end_mute(s, a);
		tell(s, a, GROUP_FIRED, now);
		log_edge(&s->fired, a, "alert fires behind maintenance",
		    LEVEL_WARN);
	}
	if (a->machine.state == ALERT_INACTIVE && !a->machine.active)
		set_drop(s, a);
	else
		set_schedule(s, a, now.mono);
}

void set_step(struct alert_set *s, struct alert *a, bool active, bool frozen)
{
	struct machine_now now = set_now();
	struct machine next = a->machine;
	enum alert_edge edge = machine_step(&next, &a->rule->timing, active,
	    frozen, now);

	apply(s, a, &next, edge, now);
}

void set_step_end(struct alert_set *s, struct alert *a)
{
	struct machine_now now = set_now();
	struct machine next = a->machine;
	enum alert_edge edge = machine_end(&next, now);

	a->instance = NULL;
	apply(s, a, &next, edge, now);
}

void set_tick(void *set, mono_t at)
{
	struct alert_set *s = set;
	mono_t now = clock_mono();
	struct due *d;
	size_t n = 0;

	(void)at;
	while ((d = due_first(&s->due)) != NULL && mono_due(d->at, now) &&
	    event_room(s->parts.bus, n++))
		set_again(s, (struct alert *)(void *)((char *)d -
		    offsetof(struct alert, due)));
	set_timer(s);			/* the next turn goes on */
}
