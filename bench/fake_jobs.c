/* What goes on in fake-etcd's store: heartbeats, names that come and go,
 * registrations that run out, each at its pace.  Set over HTTP (fake-etcd.c),
 * run between two turns of the server. */
#include "bench/fake_jobs.h"

#include <time.h>

enum { TICK_MS = 5 };

static int64_t monotonic_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Once; the job ends when there is no key left for it. */
static void step(struct jobs *j, enum action a)
{
	struct job *job = &j->of[a];

	job->done++;
	if (job->left != UINT64_MAX)
		job->left--;
	if (!store_do(j->store, a))
		job->left = 0;
}

void jobs_set(struct jobs *j, enum action a, const struct job *job)
{
	struct job *own = &j->of[a];

	*own = *job;
	own->done = 0;
	own->began_ms = monotonic_ms();
	while (own->pace == PACE_AT_ONCE && own->left > 0)
		step(j, a);
}

static void catch_up(struct jobs *j, enum action a, int64_t now_ms)
{
	const struct job *job = &j->of[a];
	double due = (double)(now_ms - job->began_ms) / 1000 * job->rate;

	while (job->left > 0 && (double)job->done < due)
		step(j, a);
}

int jobs_run(struct jobs *j)
{
	int64_t now_ms = monotonic_ms();
	int wait = -1;

	for (enum action a = 0; a < ACTION_COUNT; a++) {
		if (j->of[a].left == 0 || j->of[a].pace != PACE_RATE)
			continue;
		catch_up(j, a, now_ms);
		wait = TICK_MS;
	}
	return wait;
}

static bool is_due(const struct jobs *j, const struct job *job, uint64_t index)
{
	return job->left > 0 && job->pace == PACE_READ &&
	    j->store->index < index + job->lead;
}

/* The jobs that go by reading, in turn, until one has brought it about. */
void jobs_read(struct jobs *j, uint64_t index)
{
	bool any = true;

	while (any) {
		any = false;
		for (enum action a = 0; a < ACTION_COUNT; a++) {
			if (!is_due(j, &j->of[a], index))
				continue;
			step(j, a);
			any = true;
		}
	}
}
