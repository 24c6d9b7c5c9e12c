#ifndef EXPORTER_FIRING_H
#define EXPORTER_FIRING_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct snapshot;

enum { FIRING_MAX_ROWS = 100 };

/* Appends how many alerts fire, n, and a table of them, critical ones first.
 * several: there is more than one cluster. */
void firing_write(const struct snapshot *s, size_t n, bool several,
    struct buf *out);

#endif
