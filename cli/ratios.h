#ifndef CLI_RATIOS_H
#define CLI_RATIOS_H

#include <stdint.h>

#include "core/history.h"
#include "exporter/exporter.h"

struct err;

/* The uptime of all services over 1d, 7d and 30d as metrics, asked of history
 * once a minute on a thread of its own. */
struct ratios;

/* The source is copied.  every_ms 0: a minute. */
struct ratios *ratios_new(const struct history_source *source,
    int64_t every_ms);
/* Once there is something to be asked.  0, or -1 with e: no thread. */
int ratios_start(struct ratios *r, struct err *e);
/* NULL is a no-op.  If the disk hangs, the thread is left behind with it. */
void ratios_stop(struct ratios *r);

/* For the exporter, which has to stop first. */
struct exporter_samples ratios_samples(struct ratios *r);

#endif
