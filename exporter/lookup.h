#ifndef EXPORTER_LOOKUP_H
#define EXPORTER_LOOKUP_H

#include <stdbool.h>

struct MHD_Connection;
struct queries;
struct reply;

/* A connection whose request asks history, from its headers until it is
 * answered: sleeps while a thread of queries.c answers. */
struct lookup;

/* NULL with r: refused. */
struct lookup *lookup_new(struct queries *qs, struct MHD_Connection *c,
    const char *path, const char *link_prefix, struct reply *r_r);
void lookup_free(void *lookup);

/* True with r: that is the answer; false: the connection sleeps, and this is
 * called once more. */
bool lookup_answer(struct lookup *l, struct reply *r_r);

#endif
