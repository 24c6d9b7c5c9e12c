/* The set of alerts: finds the alert of a rule and a subject, judges, and
 * keeps what was restored.  What a change of an alert brings with it is in
 * set_step.c.
 *
 * Reads registry and cluster only through the rules, and does not know who is
 * told or how: alertmanager.c and group.c do. */
#include "alerts/set.h"

#include <stdlib.h>
#include <string.h>

#include "alerts/alertmanager.h"
#include "alerts/gate.h"
#include "alerts/set_impl.h"
#include "core/err.h"
#include "core/event.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/registry.h"
#include "core/snapshot.h"
#include "core/table.h"
#include "core/xalloc.h"

enum { KEY_MAX = 1024 * 1024 };

/* --- judging --- */

static void annotate(struct alert *a, const struct subject *sub)
{
	struct labels l = { 0 };

	rule_annotations(a->rule, sub, &l);
	if (labels_equal(&l, &a->annotations)) {
		labels_free(&l);
		return;
	}
	labels_free(&a->annotations);
	a->annotations = l;
}

static struct alert *add(struct alert_set *s, const struct rule *r,
    const struct subject *sub)
{
	struct labels l = { 0 };
	struct alert *a;

	rule_labels(r, sub, &l);
	a = alert_new(r, &l, &s->external);
	set_enter(s, a);
	return a;
}

static struct alert *find(struct alert_set *s, const struct rule *r,
    const struct subject *sub)
{
	if (s->of_rule[r - rules] == 0)
		return NULL;
	buf_reset(&s->key);
	alert_key(r, sub, &s->key);
	return table_get(s->table, buf_str(&s->key));
}

/* Of one that a storm holds nothing is to be told, nor kept: it is looked at
 * again when it is let go. */
static bool is_held(const struct subject *sub)
{
	return sub->instance != NULL && sub->instance->held;
}

static void judge_alert(struct alert_set *s, struct alert *a,
    const struct subject *sub, bool active)
{
	const struct rule *r = a->rule;

	a->instance = sub->instance;
	a->seen = true;
	if (active)
		annotate(a, sub);
	set_step(s, a, active, r->frozen != NULL && r->frozen(sub));
}

void set_judge(struct alert_set *s, const struct subject *sub)
{
	for (size_t i = 0; i < RULES; i++) {
		const struct rule *r = &rules[i];

		if (r->kind != sub->kind)
			continue;
		bool active = r->condition(sub);
		struct alert *a = find(s, r, sub);

		if (a == NULL && active && !is_held(sub))
			a = add(s, r, sub);
		if (a != NULL)
			judge_alert(s, a, sub, active);
	}
	set_timer(s);
}

void set_end(struct alert_set *s, const struct subject *sub, bool forgotten)
{
	for (size_t i = 0; i < RULES; i++) {
		struct alert *a = rules[i].kind != sub->kind ? NULL :
		    find(s, &rules[i], sub);

		if (a == NULL)
			continue;
		if (forgotten && alert_firing(a))
			labels_set(&a->annotations, "forgotten", "true");
		set_step_end(s, a);
	}
	set_timer(s);
}

void set_again(struct alert_set *s, struct alert *a)
{
	struct subject sub;

	if (a->instance == NULL) {
		set_step(s, a, a->machine.active, a->machine.frozen);
		return;
	}
	sub = subject_of_instance(a->instance);
	judge_alert(s, a, &sub, a->rule->condition(&sub));
}

/* For whom there is no room in this turn, their time has come. */
void set_thaw(struct alert_set *s, const struct directory *d)
{
	mono_t now = clock_mono();
	size_t cursor = 0, n = 0;
	void *value;

	while (table_next(s->table, &cursor, NULL, &value)) {
		struct alert *a = value;

		if (a->instance == NULL || a->instance->directory != d)
			continue;
		if (event_room(s->parts.bus, n++))
			set_again(s, a);
		else
			due_set(&s->due, &a->due, now);
	}
	set_timer(s);
}

void set_look_begin(struct alert_set *s)
{
	size_t cursor = 0;
	void *value;

	while (table_next(s->table, &cursor, NULL, &value))
		((struct alert *)value)->seen = false;
}

void set_look_end(struct alert_set *s)
{
	size_t cursor = 0;
	void *value;

	while (table_next(s->table, &cursor, NULL, &value))
		if (!((struct alert *)value)->seen)
			set_step_end(s, value);
	set_timer(s);
}

/* --- restoring --- */

/* Counted from when receivers were last told, by history time. */
static mono_t repeat_time(const struct alert *a, struct machine_now now)
{
	int64_t ago = now.wall.ms - a->last_notified.ms;

	if (ago < 0)
		ago = 0;
	if (ago > REPEAT_INTERVAL_MS)
		ago = REPEAT_INTERVAL_MS;
	return mono_add(now.mono, REPEAT_INTERVAL_MS - ago);
}

void set_restore(struct alert_set *s, const struct alert_record *r)
{
	struct machine_now now = set_now();
	struct err e = { "" };
	struct alert *a = alert_from_record(r, &s->external, now, &e);

	if (a == NULL)
		log_warn("saved alert dropped", LOG_S("reason", e.text));
	if (a == NULL || strcmp(a->fingerprint, r->fingerprint) != 0)
		set_save_gone(s, r->fingerprint);
	if (a == NULL)
		return;
	if (table_get(s->table, a->key) != NULL) {
		alert_free(a);		/* saved under two sets of external */
		return;			/* labels; the other one is as good */
	}
	set_enter(s, a);
	if (strcmp(a->fingerprint, r->fingerprint) != 0)
		set_save(s, a);
	a->repeat_at = repeat_time(a, now);
	set_restore_mute(s, a);
	if (a->told)
		groups_restore(s->parts.groups, a);
	set_schedule(s, a, now.mono);
}

static bool telling(const struct alert *a)
{
	return !a->muted && !a->untold &&
	    (a->machine.state == ALERT_FIRING ||
	     a->machine.state == ALERT_RESOLVED);
}

void set_tell_all(struct alert_set *s)
{
	size_t cursor = 0;
	void *value;

	if (!s->started)
		return;
	while (table_next(s->table, &cursor, NULL, &value)) {
		struct alert *a = value;

		if (telling(a))
			alertmanagers_tell(s->parts.alertmanagers, a, false);
	}
	alertmanagers_pump(s->parts.alertmanagers, clock_mono());
}

/* The others know; so this is no telling that moves the next repetition. */
void set_introduce(struct alert_set *s)
{
	size_t cursor = 0;
	void *value;

	if (!s->started || !groups_have_new(s->parts.groups))
		return;
	while (table_next(s->table, &cursor, NULL, &value)) {
		struct alert *a = value;

		if (alert_firing(a) && a->told)
			groups_add(s->parts.groups, a, GROUP_INTRODUCED);
	}
	groups_send_new(s->parts.groups);
}

void set_tell_new_receivers(struct alert_set *s)
{
	struct machine_now now = set_now();
	size_t cursor = 0;
	void *value;

	while (table_next(s->table, &cursor, NULL, &value)) {
		struct alert *a = value;

		if (!alert_firing(a) || a->told || a->muted)
			continue;
		set_tell_receivers(s, a, GROUP_FIRED, now);
		if (!a->batched)
			continue;
		a->unit = gate_wait(s->parts.gate);
		set_save(s, a);
		set_schedule(s, a, now.mono);
	}
	set_timer(s);
}

void set_start(struct alert_set *s)
{
	s->started = true;
	set_tell_all(s);
	set_tell_new_receivers(s);
}

/* --- the rest --- */

void set_send(struct alert_set *s)
{
	groups_send(s->parts.groups);
}

void set_flushed(struct alert_set *s, mono_t now)
{
	unsigned fired = burst_over(&s->fired, now);
	unsigned resolved = burst_over(&s->resolved, now);

	if (fired > 0)
		log_warn("more alerts fire", LOG_I("alerts", fired));
	if (resolved > 0)
		log_info("more alerts resolved", LOG_I("alerts", resolved));
}

size_t set_count(const struct alert_set *s)
{
	return table_count(s->table);
}

struct alert_set *set_new(const struct alert_set_parts *parts)
{
	struct alert_set *s = xcalloc(1, sizeof(*s));

	s->parts = *parts;
	s->table = table_new(alert_free);
	buf_init(&s->key, KEY_MAX);
	s->timer = timer_new(parts->loop, set_tick, s);
	return s;
}

void set_free(struct alert_set *s)
{
	if (s == NULL)
		return;
	timer_free(s->timer);
	set_free_shown(s);
	table_free(s->table);
	buf_free(&s->key);
	due_list_fini(&s->due);
	labels_free(&s->external);
	free(s);
}
