#ifndef ETCD_WIRE_H
#define ETCD_WIRE_H

#include <stddef.h>

#include "etcd/request.h"

struct err;

/* A request as HTTP has it.  Strings are owned, but for method and type. */
struct etcd_wire {
	const char *method, *type;	/* type: of the body; or NULL */
	const char *path;		/* without what is asked about:
					   "/v2/keys" */
	char *name;			/* the key or directory, "/a/b", ""
					   for the root; as it was given for
					   a member */
	char *target;			/* "/v2/keys/a?quorum=true" */
	char *body;			/* NULL: none */
	size_t body_len;
};

/* 0, or -1 with e for what etcd would not even understand. */
int etcd_wire_make(const struct etcd_request *r, struct etcd_wire *w,
    struct err *e);
void etcd_wire_free(struct etcd_wire *w);

/* A path with one slash in front and none at the end, "" for the root.  Free
 * it. */
char *etcd_plain_name(const char *path);

#endif
