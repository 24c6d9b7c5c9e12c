#ifndef CORE_METRIC_H
#define CORE_METRIC_H

/* The one table of metrics: core/metrics.def has a line for each, from which
 * this enum, HELP and TYPE of /metrics and docs/METRICS.md come. */
enum metric_type { METRIC_GAUGE, METRIC_COUNTER, METRIC_INFO };

/* Where the values come from when a snapshot is written out. */
enum metric_source {
	FROM_SAMPLES,		/* struct snap_sample */
	FROM_INSTANCES,		/* one per instance block entry */
	FROM_SERVICES,		/* one per service block entry */
};

struct metric {
	const char *name;	/* family name: counters without _total */
	enum metric_type type;
	enum metric_source source;
	const char *labels;	/* "etcd_cluster,member"; "" for none */
	const char *help;
};

enum metric_id {
#define M(id, name, type, source, labels, help) M_##id,
#include "core/metrics.def"
#undef M
	M_COUNT
};

extern const struct metric metrics[M_COUNT];

#endif
