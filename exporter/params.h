#ifndef EXPORTER_PARAMS_H
#define EXPORTER_PARAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/history.h"

struct buf;
struct err;

/* The parameters of a question to the API (docs/API.md), read one by one. */
struct params {
	wall_t from, to;		/* if `given` has them */
	int64_t step_ms;		/* 0: not given */
	wall_t *edges;			/* given, or made by params_range() */
	size_t nedges;
	enum history_of of;
	char *cluster, *service, *instance, *state, *label;
	int64_t min;			/* -1: not given */
	int64_t limit, offset;
	bool oldest_first;
	unsigned given;			/* which were, or filled in */
};

enum { PARAMS_LIMIT = 1000, PARAMS_MOST = 100000, PARAMS_STEPS = 11000 };

/* A set of them, as bits of enum param_name. */
enum param_name {
	PARAM_FROM, PARAM_TO, PARAM_STEP, PARAM_EDGES, PARAM_OF,
	PARAM_CLUSTER, PARAM_SERVICE, PARAM_INSTANCE, PARAM_STATE,
	PARAM_MIN, PARAM_LIMIT, PARAM_OFFSET, PARAM_ORDER, PARAM_LABEL,
	PARAM_COUNT
};
#define PARAM(name) (1u << PARAM_##name)

void params_init(struct params *p);
void params_free(struct params *p);

/* One parameter, decoded.  0, or -1 with e naming it and what it takes. */
int params_set(struct params *p, unsigned allowed, const char *name,
    const char *value, struct err *e);

/* Fills in the range and its edges: up to `now` by default, and default_ms
 * before that.  0, or -1 with e. */
int params_range(struct params *p, wall_t now, int64_t default_ms,
    struct err *e);

/* Appends name=value&... of all that were given, with another offset. */
void params_query(const struct params *p, int64_t offset, struct buf *b);

#endif
