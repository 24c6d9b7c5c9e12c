/* The table of metrics, expanded from metrics.def.  No code: what writes it
 * out is exporter/exposition.c, what fills it are the modules that own the
 * values. */
#include "core/metric.h"

const struct metric metrics[M_COUNT] = {
#define M(id, name, type, source, labels, help) \
	{ name, METRIC_##type, FROM_##source, labels, help },
#include "core/metrics.def"
#undef M
};
