#ifndef EXPORTER_RESPOND_H
#define EXPORTER_RESPOND_H

#include <microhttpd.h>
#include <stdbool.h>

struct reply;
struct sendings;

/* Queues the reply; takes its body or pieces, and its link. */
enum MHD_Result respond(struct sendings *s, struct MHD_Connection *c,
    struct reply *r);

/* A request that leaves little of its connection's memory, or could leave
 * much in it for the next one: no answer to it may have pieces. */
bool respond_is_unusual(struct MHD_Connection *c);

/* What Content-Length says, or 0. */
unsigned long long respond_body_length(struct MHD_Connection *c);

#endif
