#ifndef EXPORTER_SUMMARY_H
#define EXPORTER_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>

#include "core/snapshot.h"

/* What the samples of a snapshot say in short. */
struct summary {
	size_t looking, not_looking;	/* clusters */
	size_t firing;			/* alerts */
	size_t windows;			/* of maintenance, in force */
	bool db_up;
	double db_size;			/* bytes; 0: not known */
	const char *build;		/* labels of build_info, or NULL */
};

/* s may be NULL: nothing is known.  Any thread. */
struct summary summary_of(const struct snapshot *s);

/* Rendered, "" without any. */
const char *summary_labels(const struct snap_sample *v);

/* The sample is an alert that fires; not the one that always does. */
bool summary_is_firing(const struct snap_sample *v);

#endif
