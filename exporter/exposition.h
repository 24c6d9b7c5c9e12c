#ifndef EXPORTER_EXPOSITION_H
#define EXPORTER_EXPOSITION_H

#include <stdbool.h>
#include <stddef.h>

#include "core/snapshot.h"

struct pieces;

enum exposition_format {
	EXPOSITION_TEXT,		/* Prometheus text 0.0.4 */
	EXPOSITION_OPENMETRICS,		/* OpenMetrics 1.0.0 */
};

/* What is to be written.  Everything is borrowed. */
struct exposition {
	const struct snapshot *snapshot;
	const struct snap_sample *extra;	/* measured at the scrape, in
						   the order of the table */
	size_t nextra;
	const bool *wanted;	/* M_COUNT of them; NULL: every metric */
};

/* Content-Type of a format, exactly as it has to be sent. */
const char *exposition_content_type(enum exposition_format f);

/* Sets the metric whose family or sample name this is (rollcall_bad_keys or
 * rollcall_bad_keys_total); false if there is none. */
bool exposition_find(const char *name, enum metric_id *id_r);

/* Adds the whole exposition to out, which the caller ends.  A family without
 * samples is not written.  Any thread. */
void exposition_write(const struct exposition *x, enum exposition_format f,
    struct pieces *out);

#endif
