/* What the samples of a snapshot say in short: for the landing page and for
 * the overview of the API, which so say the same. */
#include "exporter/summary.h"

#include "core/rendered.h"

const char *summary_labels(const struct snap_sample *v)
{
	return v->labels != NULL ? v->labels->s : "";
}

/* The alert that always fires says only that alerting works (severity
 * none). */
bool summary_is_firing(const struct snap_sample *v)
{
	const char *labels = summary_labels(v);

	return v->metric == M_alerts &&
	    rendered_is(labels, "alertstate", "firing") &&
	    !rendered_is(labels, "severity", "none");
}

static void count(struct summary *sum, const struct snap_sample *v)
{
	switch (v->metric) {
	case M_looking:
		sum->looking += v->value != 0;
		sum->not_looking += v->value == 0;
		break;
	case M_alerts:
		sum->firing += summary_is_firing(v);
		break;
	case M_maintenance_windows:
		sum->windows = (size_t)v->value;
		break;
	case M_db_up:
		sum->db_up = v->value != 0;
		break;
	case M_db_size:
		sum->db_size = v->value;
		break;
	case M_build_info:
		sum->build = summary_labels(v);
		break;
	default:
		break;
	}
}

struct summary summary_of(const struct snapshot *s)
{
	struct summary sum = { 0 };

	for (size_t i = 0; s != NULL && i < s->nsamples; i++)
		count(&sum, &s->samples[i]);
	return sum;
}
