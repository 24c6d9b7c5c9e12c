/* The folder's front: configuration in, events in, samples out.  An event
 * becomes the subjects it touched, and those are judged at once, in the same
 * flush; the changes come back as EVENT_ALERT, which is the moment to make
 * messages, since by then all that changed in this turn has been judged.
 * Holds no alert itself (set.c) and sends nothing (alertmanager.c,
 * outbox.c). */
#include "alerts/alerts.h"

#include <stdlib.h>

#include "alerts/alertmanager.h"
#include "alerts/gate.h"
#include "alerts/group.h"
#include "alerts/notify_config.h"
#include "alerts/outbox.h"
#include "alerts/set.h"
#include "core/config.h"
#include "core/log.h"
#include "core/registry.h"
#include "core/snapshot.h"
#include "core/xalloc.h"

struct alerts {
	struct registry *registry;
	struct config *config;
	struct notify_config *notify;
	struct gate *gate;
	struct alertmanagers *alertmanagers;
	struct outbox *outbox;
	struct groups *groups;
	struct alert_set *set;
	bool started;
};

static void let_through(void *alerts, mono_t now)
{
	struct alerts *a = alerts;

	alertmanagers_pump(a->alertmanagers, now);
	outbox_pump(a->outbox, now);
}

struct alerts *alerts_new(struct loop *l, struct registry *r,
    struct event_bus *b)
{
	struct alerts *a = xcalloc(1, sizeof(*a));

	a->registry = r;
	a->gate = gate_new(l, b, let_through, a);
	a->alertmanagers = alertmanagers_new(l, a->gate);
	a->outbox = outbox_new(l, b, a->gate);
	a->groups = groups_new(a->outbox);
	a->set = set_new(&(struct alert_set_parts){
		.loop = l, .bus = b, .gate = a->gate,
		.alertmanagers = a->alertmanagers, .groups = a->groups,
		.maintenance = r->maintenance,
	});
	return a;
}

void alerts_free(struct alerts *a)
{
	if (a == NULL)
		return;
	alertmanagers_free(a->alertmanagers);
	set_free(a->set);
	groups_free(a->groups);
	outbox_free(a->outbox);
	gate_free(a->gate);
	notify_config_free(a->notify);
	config_unref(a->config);
	free(a);
}

/* --- looking at everything --- */

static void judge(struct alerts *a, struct subject s)
{
	set_judge(a->set, &s);
}

static void judge_cluster(struct alerts *a, const struct cluster *c)
{
	judge(a, subject_of_cluster(c));
	for (size_t i = 0; i < c->nmembers; i++)
		judge(a, subject_of_member(&c->members[i]));
}

static void look_at_all(struct alerts *a)
{
	const struct registry *r = a->registry;

	set_look_begin(a->set);
	for (size_t i = 0; i < r->nslots; i++)
		judge(a, subject_of_instance(r->slots[i]));
	for (size_t i = 0; i < r->nservice_slots; i++)
		judge(a, subject_of_service(r->service_slots[i]));
	for (size_t i = 0; i < r->nclusters; i++)
		judge_cluster(a, r->clusters[i]);
	judge(a, subject_global());
	set_look_end(a->set);
}

/* --- events --- */

/* Events may be about a cluster that a reload has just taken out; an alert
 * begun on it would never end. */
static bool configured(const struct alerts *a, const struct cluster *c)
{
	for (size_t i = 0; i < a->registry->nclusters; i++)
		if (a->registry->clusters[i] == c)
			return true;
	return false;
}

static const struct cluster *cluster_of_member(const struct alerts *a,
    const struct member *m)
{
	for (size_t i = 0; i < a->registry->nclusters; i++) {
		const struct cluster *c = a->registry->clusters[i];

		for (size_t k = 0; k < c->nmembers; k++)
			if (&c->members[k] == m)
				return c;
	}
	return NULL;
}

static void on_instance(struct alerts *a, const struct event *e)
{
	const struct instance *i = e->instance.instance;

	judge(a, subject_of_instance(i));
	judge(a, subject_of_service(i->service));
}

static void on_dropped(struct alerts *a, const struct event *e)
{
	const struct instance *i = e->instance.instance;
	struct subject s = subject_of_instance(i);

	set_end(a->set, &s, i->period.cause == CAUSE_FORGOTTEN);
	judge(a, subject_of_service(i->service));
}

static void on_service(struct alerts *a, const struct event *e)
{
	judge(a, subject_of_service(e->service));
}

static void on_service_dropped(struct alerts *a, const struct event *e)
{
	struct subject s = subject_of_service(e->service);

	set_end(a->set, &s, false);
}

static void on_cluster(struct alerts *a, const struct event *e)
{
	if (configured(a, e->cluster))
		judge(a, subject_of_cluster(e->cluster));
}

static void on_looking(struct alerts *a, const struct event *e)
{
	set_thaw(a->set, e->directory);
	if (configured(a, e->directory->cluster))
		judge(a, subject_of_cluster(e->directory->cluster));
}

static void on_member(struct alerts *a, const struct event *e)
{
	const struct cluster *c = cluster_of_member(a, e->member);

	if (c == NULL)
		return;
	judge(a, subject_of_member(e->member));
	judge(a, subject_of_cluster(c));
}

static void on_alert(struct alerts *a, const struct event *e)
{
	(void)e;
	set_send(a->set);
	snapshot_touch(a->registry);
}

static void on_maintenance(struct alerts *a, const struct event *e)
{
	(void)e;
	set_unmute(a->set);
}

static void (*const handlers[EVENT_TYPES])(struct alerts *a,
    const struct event *e) = {
	[EVENT_INSTANCE] = on_instance,
	[EVENT_HELD] = on_instance,
	[EVENT_DROPPED] = on_dropped,
	[EVENT_SERVICE] = on_service,
	[EVENT_SERVICE_DROPPED] = on_service_dropped,
	[EVENT_LOOKING] = on_looking,
	[EVENT_CLUSTER] = on_cluster,
	[EVENT_MEMBER] = on_member,
	[EVENT_MEMBER_STATS] = on_member,
	[EVENT_ALERT] = on_alert,
	[EVENT_MAINTENANCE] = on_maintenance,
};

static void on_event(void *alerts, const struct event *e)
{
	struct alerts *a = alerts;

	if (a->started && handlers[e->type] != NULL)
		handlers[e->type](a, e);
}

static void on_unit(void *alerts, uint64_t unit, mono_t now)
{
	struct alerts *a = alerts;

	gate_flushed(a->gate, unit, now);
	set_flushed(a->set, now);
}

struct event_sink alerts_sink(struct alerts *a)
{
	return (struct event_sink){
		.name = "alerts", .on_event = on_event, .on_unit = on_unit,
		.arg = a,
	};
}

/* --- configuration --- */

static void warn_if_nobody(const struct alerts *a)
{
	if (alertmanagers_count(a->alertmanagers) == 0 &&
	    !groups_have_receiver(a->groups))
		log_warn("no alertmanager and no receiver is configured: "
		    "alerts appear in the log, on the page and in /metrics "
		    "only");
}

void alerts_configure(struct alerts *a, struct config *c,
    struct notify_config *n, const char *external_url)
{
	struct config *old_config = a->config;
	struct notify_config *old_notify = a->notify;
	bool others;

	set_send(a->set);		/* to the receivers there were */
	set_external_labels(a->set, &c->global.external_labels);
	a->config = config_ref(c);
	a->notify = n;
	outbox_configure(a->outbox, n);
	groups_configure(a->groups, n, external_url);
	others = alertmanagers_configure(a->alertmanagers, c, external_url);
	config_unref(old_config);
	if (old_notify != n)
		notify_config_free(old_notify);
	warn_if_nobody(a);
	if (!a->started)
		return;
	set_introduce(a->set);
	look_at_all(a);
	if (others)
		set_tell_all(a->set);
	set_tell_new_receivers(a->set);
	outbox_pump(a->outbox, clock_mono());
}

void alerts_restore_alert(const struct alert_record *r, void *alerts)
{
	set_restore(((struct alerts *)alerts)->set, r);
}

void alerts_restore_outbox(const struct outbox_record *r, void *alerts)
{
	outbox_restore(((struct alerts *)alerts)->outbox, r);
}

void alerts_start(struct alerts *a)
{
	a->started = true;
	look_at_all(a);
	set_start(a->set);
	outbox_start(a->outbox, clock_mono());
}

/* --- the rest --- */

void alerts_samples(void *alerts, struct sample_sink *s)
{
	const struct alerts *a = alerts;

	set_samples(a->set, s);
	alertmanagers_samples(a->alertmanagers, s);
	outbox_samples(a->outbox, s);
	sample_add(s, M_notifications_uncommitted,
	    (double)gate_uncommitted(a->gate));
}

bool alerts_drained(const struct alerts *a)
{
	return alertmanagers_drained(a->alertmanagers) &&
	    outbox_drained(a->outbox);
}
