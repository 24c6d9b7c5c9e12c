/* Alerts that fire while what they are about is in maintenance: their state
 * goes on, and nobody is told.  When the last window about them is over, what
 * still fires is told as if it fired then; what resolved before is told to
 * nobody.
 *
 * Only what began to fire inside a window is muted.  Who was told before that
 * an alert fires goes on being told (Alertmanager would take silence for an
 * end), and is told of its end; only repetitions are left out.  Called by
 * set_step.c, and by alerts.c for each change of the windows. */
#include "alerts/alertmanager.h"
#include "alerts/set_impl.h"
#include "core/event.h"
#include "core/maintenance.h"
#include "core/table.h"

bool set_in_maintenance(const struct alert_set *s, const struct alert *a)
{
	const char *service = labels_get(&a->labels, "service_name");

	return service != NULL && maintenance_covers(s->parts.maintenance,
	    labels_get(&a->labels, "etcd_cluster"), service,
	    labels_get(&a->labels, "instance_id"));
}

void set_mute(struct alert_set *s, struct alert *a)
{
	alertmanagers_forget(s->parts.alertmanagers, a);
	s->nmuted += !a->muted;
	a->muted = true;
}

/* What has ended and is only kept firing is no news. */
bool set_mute_is_over(const struct alert_set *s, const struct alert *a)
{
	return a->muted && alert_firing(a) && a->machine.active &&
	    !a->machine.frozen && !set_in_maintenance(s, a);
}

void set_end_mute(struct alert_set *s, struct alert *a)
{
	s->nmuted -= a->muted;
	a->muted = false;
}

/* Of an Alertmanager that was told there is no record; so it goes by time. */
void set_restore_mute(struct alert_set *s, struct alert *a)
{
	const char *service = labels_get(&a->labels, "service_name");

	if (alert_firing(a) && !a->told && service != NULL &&
	    maintenance_covers_since(s->parts.maintenance,
	    labels_get(&a->labels, "etcd_cluster"), service,
	    labels_get(&a->labels, "instance_id"), a->machine.fired_at))
		set_mute(s, a);
}

void set_unmute(struct alert_set *s)
{
	mono_t now = clock_mono();
	size_t cursor = 0, n = 0;
	void *value;

	if (s->nmuted == 0)
		return;
	while (table_next(s->table, &cursor, NULL, &value)) {
		struct alert *a = value;

		if (!set_mute_is_over(s, a))
			continue;
		if (event_room(s->parts.bus, n++))
			set_again(s, a);
		else
			due_set(&s->due, &a->due, now);
	}
	set_timer(s);
}
