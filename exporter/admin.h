#ifndef EXPORTER_ADMIN_H
#define EXPORTER_ADMIN_H

#include <stdbool.h>
#include <stddef.h>

#include "exporter/exporter.h"

struct listing;
struct reply;

/* The requests that change something: which they are, who may make them, what
 * they say, what is answered.  Sockets are server.c's, the way to the loop
 * calls.c's, what is done there the function table's of struct
 * exporter_admin. */

enum { ADMIN_BODY_MAX = 64 << 10 };

/* True if it is one of them. */
bool admin_is(const char *method, const char *path);

/* The methods of a path at which there is nothing but such requests, as the
 * Allow header has them; NULL: it is no such path. */
const char *admin_methods(const char *path);

/* Adds those paths. */
void admin_list(struct listing *l);

/* Where a request comes from; headers, NULL: none. */
struct admin_origin {
	bool loopback;			/* the socket's other side */
	bool enabled;			/* --web.enable-admin-api */
	const char *host, *origin, *content_type;
	bool forwarded;			/* by a proxy, as it says */
};

/* False with r: it may not be made from there, or not in this form. */
bool admin_may(const struct admin_origin *o, const char *method,
    struct reply *r_r);

/* A change that was asked for.  NULL with r: what was asked is not
 * understood. */
struct change;
struct change *admin_read(const char *method, const char *path,
    const char *body, size_t len, struct reply *r_r);
void change_free(void *change);

/* On the loop. */
void change_apply(struct change *c, const struct exporter_admin *a);

/* What it came to, once it was applied. */
void change_reply(const struct change *c, struct reply *r_r);

#endif
