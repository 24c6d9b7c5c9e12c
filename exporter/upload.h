#ifndef EXPORTER_UPLOAD_H
#define EXPORTER_UPLOAD_H

#include <stdbool.h>
#include <stddef.h>

struct MHD_Connection;
struct calls;
struct exporter_admin;
struct reply;

/* A connection whose request changes something, from its headers until it is
 * answered: collects the body, sleeps while the loop applies it. */
struct upload;

/* What all of them need; outlives them. */
struct upload_shared {
	const struct exporter_admin *admin;
	struct calls *calls;
	bool enabled;			/* from everywhere */
};

/* The headers are there.  NULL with r: refused. */
struct upload *upload_new(const struct upload_shared *s,
    struct MHD_Connection *c, const char *method, struct reply *r_r);
void upload_free(void *upload);

/* A piece of the body. */
void upload_add(struct upload *u, const char *bytes, size_t n);

/* The body is whole, or the connection was woken.  True with r: that is the
 * answer; false: the connection sleeps, and this is called once more. */
bool upload_answer(struct upload *u, const char *method, const char *path,
    struct reply *r_r);

#endif
