#ifndef CLI_ADMIN_H
#define CLI_ADMIN_H

#include "exporter/exporter.h"

struct event_bus;
struct registry;

/* What requests over HTTP may change: the function table for the exporter.
 * The struct must be filled in before the loop runs, and outlive the
 * exporter. */
struct admin {
	struct registry *registry;
	struct event_bus *bus;
	struct exporter_admin table;
};

void admin_init(struct admin *a);

#endif
