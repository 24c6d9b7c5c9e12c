/* What a reload that changes the external labels means for alerts: under
 * other labels an alert is another one to whoever was told of it.  So what
 * fires resolves under the labels it had, and fires under those it has now.
 *
 * An alert leaves a `former` self behind, which is resolved, is told to
 * Alertmanagers as long as any other that resolved, and is saved nowhere.
 * Called by alerts.c while the receivers are still those of before. */
#include <stdlib.h>
#include <string.h>

#include "alerts/alertmanager.h"
#include "alerts/gate.h"
#include "alerts/set_impl.h"
#include "core/log.h"
#include "core/table.h"
#include "core/xalloc.h"

static char *former_key(const struct alert *a)
{
	return xasprintf("%s\xff%s", a->key, a->fingerprint);
}

static struct alert *former_self(const struct alert *a)
{
	struct alert *f = xcalloc(1, sizeof(*f));

	f->key = former_key(a);
	f->rule = a->rule;
	f->machine = a->machine;
	labels_copy(&f->labels, &a->labels);
	labels_copy(&f->full, &a->full);
	labels_copy(&f->annotations, &a->annotations);
	memcpy(f->fingerprint, a->fingerprint, sizeof(f->fingerprint));
	f->former = true;
	return f;
}

/* Its end is told under the labels it still has. */
static void leave_former(struct alert_set *s, struct alert *a)
{
	struct alert *f = former_self(a);

	set_enter(s, f);
	if (a->told) {
		groups_restore(s->parts.groups, f);
		groups_forget(s->parts.groups, a);
	}
	alertmanagers_forget(s->parts.alertmanagers, a);
	if (alert_firing(f)) {
		set_step_end(s, f);
		return;
	}
	alertmanagers_tell(s->parts.alertmanagers, f, false);
	set_schedule(s, f, clock_mono());
}

/* The labels are those of an earlier reload again: it is no former self. */
static void drop_former(struct alert_set *s, const struct alert *a)
{
	char *key = former_key(a);
	struct alert *f = table_get(s->table, key);

	free(key);
	if (f != NULL)
		set_drop(s, f);
}

static void rename_alert(struct alert_set *s, struct alert *a)
{
	struct machine_now now = set_now();

	if (s->started && !a->muted && !a->untold && (alert_firing(a) ||
	    a->machine.state == ALERT_RESOLVED))
		leave_former(s, a);
	if (a->saved)
		set_save_gone(s, a->fingerprint);
	alert_set_external(a, &s->external);
	drop_former(s, a);
	if (s->started && !a->muted && alert_firing(a)) {
		a->unit = gate_wait(s->parts.gate);
		alertmanagers_tell(s->parts.alertmanagers, a, true);
		set_tell_receivers(s, a, GROUP_FIRED, now);
	}
	if (a->saved)
		set_save(s, a);
	set_schedule(s, a, now.mono);
}

/* Those there are now: nothing may be added while the table is walked. */
static struct alert **present(const struct alert_set *s, size_t *n_r)
{
	struct alert **v = xcalloc(table_count(s->table) + 1, sizeof(*v));
	size_t cursor = 0, n = 0;
	void *value;

	while (table_next(s->table, &cursor, NULL, &value))
		if (!((struct alert *)value)->former)
			v[n++] = value;
	*n_r = n;
	return v;
}

void set_external_labels(struct alert_set *s, const struct labels *external)
{
	struct alert **v;
	size_t n;

	if (labels_equal(&s->external, external))
		return;
	labels_free(&s->external);
	labels_copy(&s->external, external);
	v = present(s, &n);
	for (size_t i = 0; i < n; i++)
		rename_alert(s, v[i]);
	free(v);
	if (s->started)
		log_info("external labels changed, alerts fire under the new "
		    "ones", LOG_I("alerts", n));
	groups_send(s->parts.groups);
	set_timer(s);
}
