#ifndef CORE_PATTERN_H
#define CORE_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

#include "core/labels.h"

struct err;

/* A pattern such as {service_name}/{instance_id} that reads an identity from
 * the part of a key below its directory.  Path segments are matched one to
 * one; a segment may hold literal text and several {names}. */
struct pattern;

/* Compiles; {instance_id} must be there exactly once, {service_name} at most
 * once, other names must be valid label names, each once.  NULL with e. */
struct pattern *pattern_compile(const char *text, struct err *e);
void pattern_free(struct pattern *p);

size_t pattern_depth(const struct pattern *p);	/* number of segments */
bool pattern_has_service(const struct pattern *p);

struct identity {
	char *service_name;	/* NULL: not in the pattern */
	char *instance_id;
	struct labels extra;	/* the other names */
};

/* Matches the relative key ("a/b", no slash at either end).  True and *id_r
 * filled (free with identity_free()), or false: not this pattern. */
bool pattern_match(const struct pattern *p, const char *relative,
    struct identity *id_r);
void identity_free(struct identity *id);

#endif
