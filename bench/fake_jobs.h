#ifndef BENCH_FAKE_JOBS_H
#define BENCH_FAKE_JOBS_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/fake_store.h"

/* When the next of a job is due. */
enum pace {
	PACE_AT_ONCE,		/* all of it, before anything else */
	PACE_RATE,		/* so many a second */
	PACE_READ,		/* when somebody waits for the next event */
};

/* At most one for each action: a new one takes the place of the old. */
struct job {
	enum pace pace;
	double rate;
	uint64_t lead;		/* with PACE_READ: as many events more */
	uint64_t left;		/* 0: there is none; UINT64_MAX: for ever */
	int64_t began_ms;
	uint64_t done;
};

struct jobs {
	struct store *store;
	struct job of[ACTION_COUNT];
};

void jobs_set(struct jobs *j, enum action a, const struct job *job);

/* Does what is due by the clock, and says how long that will do; -1: nothing
 * goes by the clock. */
int jobs_run(struct jobs *j);

/* Somebody waits for an event up to this index. */
void jobs_read(struct jobs *j, uint64_t index);

#endif
