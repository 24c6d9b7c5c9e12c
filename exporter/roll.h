#ifndef EXPORTER_ROLL_H
#define EXPORTER_ROLL_H

#include <stdbool.h>

struct buf;
struct snapshot;

enum { ROLL_MAX_ROWS = 1000 };		/* in each table */

/* Append the tables of services and of instances, what is wrong first.
 * several: there is more than one cluster. */
void roll_services(const struct snapshot *s, bool several, struct buf *out);
void roll_instances(const struct snapshot *s, bool several, struct buf *out);

#endif
