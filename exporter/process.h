#ifndef EXPORTER_PROCESS_H
#define EXPORTER_PROCESS_H

#include <stddef.h>

#include "core/snapshot.h"

enum { PROCESS_MAX_SAMPLES = 8 };

/* Measures this process: process_* in the order of the table, into
 * out[PROCESS_MAX_SAMPLES]; what the kernel does not tell is left out.
 * Returns how many.  Any thread. */
size_t process_samples(struct snap_sample *out);

#endif
