#ifndef EXPORTER_VALUES_H
#define EXPORTER_VALUES_H

#include <stdbool.h>

#include "core/snapshot.h"

/* The value a metric of the table has for one instance or service.  false:
 * it has no series now. */
bool values_instance(enum metric_id id, const struct snap_instance *i,
    double *v_r);
bool values_service(enum metric_id id, const struct snap_service *s,
    double *v_r);

/* At least one instance, and at least the minimum, is registered. */
bool values_service_is_up(const struct snap_service *s);

/* From the worst on. */
enum service_state {
	SERVICE_GONE, SERVICE_BELOW_MINIMUM,
	SERVICE_UNKNOWN,		/* nobody has looked yet */
	SERVICE_UP,
	SERVICE_EMPTY,			/* and may be */
	SERVICE_STATES
};

/* "gone", "below_minimum" and so on. */
extern const char *const service_state_names[SERVICE_STATES];

enum service_state values_service_state(const struct snap_service *s);

/* Of a metric taken from instances or services, the one part of an entry that
 * its value and its labels depend on, besides what adds or ends series. */
enum snap_part values_part(enum metric_id id);

#endif
