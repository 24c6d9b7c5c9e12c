/* What each metric taken from instances or services is worth: one function
 * per metric, found by a table.  It knows which series exist in which state
 * and nothing of how they are written.  Called by lines.c for every entry of
 * a block, by segments.c for what it depends on, and by roll.c. */
#include "exporter/values.h"

#include <stddef.h>

typedef bool instance_value(const struct snap_instance *i, double *v_r);
typedef double service_value(const struct snap_service *s);

static bool instance_up(const struct snap_instance *i, double *v_r)
{
	*v_r = i->state == STATE_UP;
	return true;
}

static bool instance_info(const struct snap_instance *i, double *v_r)
{
	(void)i;
	*v_r = 1;
	return true;
}

static bool instance_changed(const struct snap_instance *i, double *v_r)
{
	*v_r = (double)i->changed_ms / 1000;
	return i->changed_ms > 0;
}

static bool instance_expirations(const struct snap_instance *i, double *v_r)
{
	*v_r = (double)i->expirations;
	return true;
}

static bool instance_held(const struct snap_instance *i, double *v_r)
{
	*v_r = 1;
	return i->held;
}

static bool instance_flapping(const struct snap_instance *i, double *v_r)
{
	*v_r = 1;
	return i->flapping;
}

static bool instance_maintenance(const struct snap_instance *i, double *v_r)
{
	*v_r = 1;
	return i->maintenance;
}

static bool instance_ttl(const struct snap_instance *i, double *v_r)
{
	*v_r = (double)i->ttl_s;
	return i->ttl_s > 0;
}

static bool instance_expires(const struct snap_instance *i, double *v_r)
{
	*v_r = (double)i->expires_ms / 1000;
	return i->expires_ms > 0;
}

static const struct {
	instance_value *value;
	enum snap_part part;		/* that it is taken from */
} of_instance[M_COUNT] = {
	[M_instance_up] = { instance_up, SNAP_STATE },
	[M_instance_info] = { instance_info, SNAP_INFO },
	[M_instance_changed] = { instance_changed, SNAP_CHANGED },
	[M_instance_expirations] = { instance_expirations, SNAP_EXPIRATIONS },
	[M_instance_held] = { instance_held, SNAP_HELD },
	[M_instance_flapping] = { instance_flapping, SNAP_FLAPPING },
	[M_instance_maintenance] = { instance_maintenance, SNAP_MAINTENANCE },
	[M_instance_ttl] = { instance_ttl, SNAP_TTL },
	[M_instance_expires] = { instance_expires, SNAP_EXPIRES },
};

enum snap_part values_part(enum metric_id id)
{
	if (id == M_service_info)
		return SNAP_INFO;
	return of_instance[id].value ? of_instance[id].part : SNAP_STATE;
}

bool values_instance(enum metric_id id, const struct snap_instance *i,
    double *v_r)
{
	return of_instance[id].value != NULL && snap_instance_is_known(i) &&
	    of_instance[id].value(i, v_r);
}

bool values_service_is_up(const struct snap_service *s)
{
	return s->up > 0 && s->up >= s->min_instances;
}

const char *const service_state_names[SERVICE_STATES] = {
	[SERVICE_GONE] = "gone",
	[SERVICE_BELOW_MINIMUM] = "below_minimum",
	[SERVICE_UNKNOWN] = "unknown",
	[SERVICE_UP] = "up",
	[SERVICE_EMPTY] = "empty",
};

enum service_state values_service_state(const struct snap_service *s)
{
	if (!s->known)
		return SERVICE_UNKNOWN;
	if (values_service_is_up(s))
		return SERVICE_UP;
	if (s->up > 0)
		return SERVICE_BELOW_MINIMUM;
	return s->min_instances == 0 ? SERVICE_EMPTY : SERVICE_GONE;
}

#define FIELD(name, field) \
	static double name(const struct snap_service *s) \
	{ \
		return (double)s->field; \
	}
FIELD(service_instances, up)
FIELD(service_min_instances, min_instances)
FIELD(service_instances_late, late)
FIELD(service_instances_permanent, permanent)
FIELD(service_registrations, registrations)
FIELD(service_expirations, expirations)
FIELD(service_deregistrations, deregistrations)
FIELD(service_losses, losses)
FIELD(service_maintenance, maintenance)
#undef FIELD

static double service_up(const struct snap_service *s)
{
	return values_service_is_up(s);
}

static double service_info(const struct snap_service *s)
{
	(void)s;
	return 1;
}

static service_value *const service_values[M_COUNT] = {
	[M_service_instances] = service_instances,
	[M_service_min_instances] = service_min_instances,
	[M_service_up] = service_up,
	[M_service_instances_late] = service_instances_late,
	[M_service_instances_permanent] = service_instances_permanent,
	[M_service_maintenance] = service_maintenance,
	[M_service_info] = service_info,
	[M_service_registrations] = service_registrations,
	[M_service_expirations] = service_expirations,
	[M_service_deregistrations] = service_deregistrations,
	[M_service_losses] = service_losses,
};

/* How many there are is not known before anybody looked; 0 would say that
 * there are none. */
static const bool needs_a_look[M_COUNT] = {
	[M_service_instances] = true,
	[M_service_up] = true,
	[M_service_instances_late] = true,
	[M_service_instances_permanent] = true,
};

bool values_service(enum metric_id id, const struct snap_service *s,
    double *v_r)
{
	if (service_values[id] == NULL || s->labels == NULL)
		return false;
	/* Without configured labels an info series would say nothing. */
	if (id == M_service_info &&
	    (s->info == NULL || s->info->s[0] == '\0'))
		return false;
	if (id == M_service_maintenance && !s->maintenance)
		return false;
	if (needs_a_look[id] && !s->known)
		return false;
	*v_r = service_values[id](s);
	return true;
}
