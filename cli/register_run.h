#ifndef CLI_REGISTER_RUN_H
#define CLI_REGISTER_RUN_H

struct child_start_state;
struct etcd_access;
struct register_plan;

/* Registers what the plan says, and keeps it until a signal comes or the
 * plan's command has ended.  Returns the exit code. */
int register_run(const struct register_plan *p, struct etcd_access *a,
    const struct child_start_state *s);

#endif
