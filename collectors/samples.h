#ifndef COLLECTORS_SAMPLES_H
#define COLLECTORS_SAMPLES_H

struct sample_sink;

/* Gives what is known of clusters, members and directories to a snapshot:
 * the function for snapshot_add_source(), with the registry as its
 * argument. */
void collectors_samples(void *registry, struct sample_sink *s);

#endif
