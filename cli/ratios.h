#ifndef CLI_RATIOS_H
#define CLI_RATIOS_H

#include <stdint.h>

#include "core/history.h"

struct err;
struct sample_sink;

/* The uptime of all services over 1d, 7d and 30d as metrics, asked of history
 * once a minute on a thread of its own. */
struct ratios;

/* The source is copied.  every_ms 0: a minute.  NULL with e: no thread. */
struct ratios *ratios_start(const struct history_source *source,
    int64_t every_ms, struct err *e);
/* NULL is a no-op.  If the disk hangs, the thread is left behind with it. */
void ratios_stop(struct ratios *r);

/* A source of samples (core/snapshot.h); arg is the struct. */
void ratios_samples(void *arg, struct sample_sink *s);

#endif
