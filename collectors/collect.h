#ifndef COLLECTORS_COLLECT_H
#define COLLECTORS_COLLECT_H

struct loop;
struct registry;

/* All collecting: for each cluster of the registry a poller, for each of its
 * directories a watcher. */
struct collect;

struct collect *collect_new(struct loop *l, struct registry *r);
void collect_free(struct collect *c);

/* Starts on what the registry has configured.  Before the registry takes
 * another configuration everything is stopped; watching is taken up again
 * from the last index, so that nothing is missed in between. */
void collect_start(struct collect *c);
void collect_stop(struct collect *c);

#endif
