#ifndef EXPORTER_ANSWERS_H
#define EXPORTER_ANSWERS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/history.h"

struct err;
struct listing;
struct reply;

/* Questions to /api/registry/v1/ that only read (docs/API.md): read from a
 * request on a thread of HTTP, answered on one of queries.c. */
struct answer;

#define ANSWERS_V1 "/api/registry/v1/"

/* True for the path of one. */
bool answers_has_path(const char *path);

/* Adds all of them. */
void answers_list(struct listing *l);

/* accept_encoding: the header, or NULL.  Nothing is borrowed, since the thread
 * that answers may be left behind.  NULL with r: there is no such thing. */
struct answer *answer_new(const char *path, const char *link_prefix,
    const char *accept_encoding, struct reply *r_r);
void answer_free(void *answer);

/* One parameter of the query, decoded; value may be NULL. */
void answer_parameter(struct answer *a, const char *name, const char *value);

/* After the last one.  True with r: something was wrong with them. */
bool answer_refused(struct answer *a, struct reply *r_r);

/* False: answer_run() may be called at once, without session and source, since
 * what is registered now is in the snapshot.  So it is answered while history
 * is slow or away. */
bool answer_needs_history(const struct answer *a);

/* The run() of a query (queries.h). */
void answer_run(void *session, const struct history_source *source,
    const struct err *e, void *answer);

/* After that: moves the reply out. */
void answer_take(struct answer *a, struct reply *r_r);

#endif
