/* What the polls leave in a member: samples, counts of failures, and how far
 * its clock is from ours.  Polls nothing itself and judges nothing but when
 * samples have ended; collectors/ writes here, everybody else reads.  Called
 * on the loop's thread only. */
#include "core/cluster.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/xalloc.h"

enum {
	FAILURES_TO_END = 2,
	DATE_RESOLUTION_MS = 1000,
	WIDEN_EVERY_MS = 10000,		/* by 1 ms: 100 ppm of drift */
};

const char *const endpoint_names[ENDPOINT_COUNT] = {
	[ENDPOINT_HEALTH] = "health",
	[ENDPOINT_VERSION] = "version",
	[ENDPOINT_MEMBERS] = "members",
	[ENDPOINT_LEADER] = "leader",
	[ENDPOINT_KEYS] = "keys",
	[ENDPOINT_STATS_LEADER] = "stats_leader",
	[ENDPOINT_STATS_SELF] = "stats_self",
	[ENDPOINT_STATS_STORE] = "stats_store",
};

static struct endpoint_state *endpoint_of(struct member *m, enum endpoint e)
{
	assert(e >= 0 && e < ENDPOINT_COUNT);
	return &m->endpoints[e];
}

static void drop_samples(struct endpoint_state *s)
{
	for (size_t i = 0; i < s->nsamples; i++)
		free(s->samples[i].extra);
	s->nsamples = 0;
}

void member_begin(struct member *m, enum endpoint e)
{
	drop_samples(endpoint_of(m, e));
}

/* The array grows at 0, 8, 16, 32...: its room follows from its count. */
static void make_room(struct endpoint_state *s)
{
	size_t n = s->nsamples;

	if (n == 0)
		s->samples = xreallocarray(s->samples, 8,
		    sizeof(*s->samples));
	else if (n >= 8 && (n & (n - 1)) == 0)
		s->samples = xreallocarray(s->samples, 2 * n,
		    sizeof(*s->samples));
}

void member_sample(struct member *m, enum endpoint e, enum metric_id id,
    const char *extra, double value)
{
	struct endpoint_state *s = endpoint_of(m, e);

	assert(id >= 0 && id < M_COUNT);
	if (s->nsamples == MEMBER_MAX_SAMPLES)
		return;
	make_room(s);
	s->samples[s->nsamples++] = (struct sample){
		.metric = id, .extra = xstrdup(extra), .value = value,
	};
}

void member_answered(struct member *m, enum endpoint e, int64_t duration_us)
{
	struct endpoint_state *s = endpoint_of(m, e);

	s->polled = s->up = true;
	s->failures = 0;
	s->requests++;
	s->duration_s = (double)duration_us / 1e6;
	s->last_success = clock_now();
}

void member_failed(struct member *m, enum endpoint e)
{
	struct endpoint_state *s = endpoint_of(m, e);

	s->polled = true;
	s->up = false;
	s->failures++;
	s->requests++;
	s->request_failures++;
	if (s->failures >= FAILURES_TO_END)
		drop_samples(s);
}

void member_no_sample(struct member *m, enum endpoint e)
{
	endpoint_of(m, e)->requests++;
}

bool member_fresh(const struct member *m, enum endpoint e)
{
	const struct endpoint_state *s = &m->endpoints[e];

	return s->last_success.ms != 0 && s->failures < FAILURES_TO_END;
}

static bool same_extra(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static const struct sample *find_sample(const struct endpoint_state *s,
    enum metric_id id, const char *extra)
{
	for (size_t i = 0; i < s->nsamples; i++)
		if (s->samples[i].metric == id &&
		    same_extra(s->samples[i].extra, extra))
			return &s->samples[i];
	return NULL;
}

bool member_value(const struct member *m, enum metric_id id,
    const char *extra, double *v_r)
{
	for (int e = 0; e < ENDPOINT_COUNT; e++) {
		const struct sample *s =
		    find_sample(&m->endpoints[e], id, extra);

		if (s) {
			*v_r = s->value;
			return true;
		}
	}
	return false;
}

/* Clocks drift apart, so bounds learned long ago hold a little less: without
 * this they would one day exclude the truth and be thrown away whole. */
static void widen(struct member *m, mono_t now)
{
	int64_t ms = mono_since(m->skew_widened, now) / WIDEN_EVERY_MS;

	if (ms <= 0)
		return;
	m->skew_low -= ms;
	m->skew_high += ms;
	m->skew_widened = mono_add(m->skew_widened, ms * WIDEN_EVERY_MS);
}

void member_saw_date(struct member *m, wall_t date, wall_t sent,
    wall_t answered, mono_t now)
{
	int64_t low = date.ms - answered.ms;
	int64_t high = date.ms + DATE_RESOLUTION_MS - sent.ms;

	if (high < low)
		return;		/* history time was rebased in between */
	if (m->skew_known) {
		widen(m, now);
		if (low < m->skew_low)
			low = m->skew_low;
		if (high > m->skew_high)
			high = m->skew_high;
	}
	if (!m->skew_known || low > high) {
		low = date.ms - answered.ms;
		high = date.ms + DATE_RESOLUTION_MS - sent.ms;
		m->skew_widened = now;
	}
	m->skew_low = low;
	m->skew_high = high;
	m->skew_known = true;
}

int64_t member_skew_ms(const struct member *m)
{
	if (!m->skew_known || (m->skew_low <= 0 && m->skew_high >= 0))
		return 0;
	return m->skew_low > 0 ? m->skew_low : m->skew_high;
}

void member_fini(struct member *m)
{
	for (int e = 0; e < ENDPOINT_COUNT; e++) {
		drop_samples(&m->endpoints[e]);
		free(m->endpoints[e].samples);
	}
	free(m->url);
	free(m->name);
	free(m->member_name);
	free(m->member_id);
	free(m->server_version);
	free(m->cluster_version);
	free(m->cluster_id);
	*m = (struct member){ 0 };
}
