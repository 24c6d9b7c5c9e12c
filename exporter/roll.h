#ifndef EXPORTER_ROLL_H
#define EXPORTER_ROLL_H

struct buf;
struct snapshot;

enum { ROLL_MAX_ROWS = 1000 };		/* in each table */

/* Appends the tables of services and of instances, what is wrong first. */
void roll_services(const struct snapshot *s, struct buf *out);
void roll_instances(const struct snapshot *s, struct buf *out);

#endif
