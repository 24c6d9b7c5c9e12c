#ifndef EXPORTER_LINES_H
#define EXPORTER_LINES_H

#include "core/snapshot.h"

struct buf;

/* What a sample's name ends in, besides the name of its family. */
const char *lines_suffix(enum metric_id id);

/* Appends one sample.  labels, info (more labels): rendered, or NULL. */
void lines_add(struct buf *out, enum metric_id id, const struct rstr *labels,
    const struct rstr *info, double value);

/* Appends the samples of a metric taken from instances or services that a
 * block of them has. */
void lines_add_block(struct buf *out, enum metric_id id,
    const struct snap_block *b);

#endif
