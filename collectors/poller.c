/* When to poll what: one timer for each pair of member and collector, at most
 * one request of a pair in flight, a deadline on each, so that a member that
 * hangs delays nothing but its own polls.  What an outcome means is decided by
 * collectors.c and the collectors' files; the registry's watch is not polled
 * and not here. */
#include "collectors/poller.h"

#include <assert.h>
#include <stdlib.h>

#include "collectors/collector.h"
#include "core/config.h"
#include "core/loop.h"
#include "core/registry.h"
#include "core/xalloc.h"

enum {
	FIRST_WITHIN_MS = 500,
	RETRY_EMPTY_MS = 250,
	MAX_BACKOFF_SHIFT = 2,		/* up to 4 times the period */
};

struct poll {
	struct poller *poller;
	struct member *member;
	const struct collector *collector;
	struct timer *timer;
	struct etcd_call *call;		/* NULL: none in flight */
	mono_t due;			/* when the present poll was due */
	uint64_t seed;
	bool started;			/* was polled once */
	bool retried;			/* after an empty answer */
	bool below;			/* the root may not be read */
	bool again;			/* wanted at once meanwhile */
};

struct poller {
	struct loop *loop;
	struct cluster *cluster;
	struct poll *polls;		/* by member, then by collector */
	size_t n;
	unsigned *rounds;		/* per member: bits of endpoints in */
	const struct member *leader;
	void (*on_probe)(void *arg, struct member *m, bool answered,
	    bool has_leader, mono_t sent, mono_t now);
	void *arg;
};

static void ended(const struct etcd_result *r, void *arg);

static void start(void *arg, mono_t now)
{
	struct poll *p = arg;
	struct cluster *c = p->member->cluster;
	struct etcd_target target = {
		.loop = p->poller->loop,
		.url = p->member->url,
		.http = &c->config->http_config,
	};
	struct etcd_request r = p->collector->request();

	(void)now;
	assert(!p->call);
	if (p->below)
		r.path = c->directories[0]->path;
	p->call = etcd_start(&target, &r,
	    collector_deadline_ms(p->collector, c), ended, p);
}

static int64_t period_ms(const struct poll *p)
{
	const struct endpoint_state *s =
	    &p->member->endpoints[p->collector->endpoint];
	int64_t ms = collector_every_ms(p->collector, p->member->cluster);
	unsigned shift = s->failures;

	if (!p->collector->backoff)
		return ms;
	return ms << (shift < MAX_BACKOFF_SHIFT ? shift : MAX_BACKOFF_SHIFT);
}

/* From the first poll, which comes soon after the start, to the poll's own
 * moment of the period: all of them together would be a burst each time. */
static int64_t to_own_moment(const struct poll *p)
{
	int64_t ms = collector_every_ms(p->collector, p->member->cluster);
	int64_t own = (int64_t)(p->seed % (uint64_t)ms);
	int64_t gap = ms < FIRST_WITHIN_MS ? ms : FIRST_WITHIN_MS;

	if (gap < p->collector->min_every_ms)
		gap = p->collector->min_every_ms;
	return own < gap ? own + gap : own;
}

static void schedule(struct poll *p, mono_t now)
{
	p->due = mono_add(p->due, p->started ? period_ms(p) :
	    to_own_moment(p));
	p->started = true;
	if (p->again || mono_due(p->due, now))
		p->due = now;
	p->again = false;
	timer_set(p->timer, p->due);
}

static void poll_now(struct poll *p, mono_t now)
{
	if (p->call) {
		p->again = true;
		return;
	}
	p->due = now;
	timer_set(p->timer, now);
}

static struct poll *poll_of(struct poller *p, const struct member *m,
    const struct collector *c)
{
	struct poll *first = &p->polls[m->number * COLLECTOR_COUNT];

	for (size_t i = 0; i < COLLECTOR_COUNT; i++)
		if (first[i].collector == c)
			return &first[i];
	abort();
}

/* A new leader's counts of its followers are wanted at once, not at the end of
 * the period. */
static void follow_leader(struct poller *p, mono_t now)
{
	const struct member *leader = NULL;

	for (size_t i = 0; i < p->cluster->nmembers; i++)
		if (p->cluster->members[i].is_leader)
			leader = &p->cluster->members[i];
	if (leader == p->leader)
		return;
	p->leader = leader;
	if (leader)
		poll_now(poll_of(p, leader, &collector_stats_leader), now);
}

static unsigned whole_round(void)
{
	unsigned bits = 0;

	for (size_t i = 0; i < COLLECTOR_COUNT; i++)
		if (collectors[i]->in_round)
			bits |= 1U << collectors[i]->endpoint;
	return bits;
}

/* A round is complete when each of its endpoints was polled, or when one is in
 * for the second time because another is asked less often while it fails. */
static void count_round(struct poll *p, mono_t now)
{
	unsigned *in = &p->poller->rounds[p->member->number];
	unsigned bit = 1U << p->collector->endpoint;

	if (!p->collector->in_round)
		return;
	if ((*in & bit) == 0) {
		*in |= bit;
		if (*in != whole_round())
			return;
		bit = 0;
	}
	*in = bit;
	registry_member_round(p->member, now);
}

static void tell_probe(struct poll *p, const struct etcd_result *r)
{
	struct poller *o = p->poller;
	struct member *m = p->member;

	if (p->collector == &collector_leader && o->on_probe)
		o->on_probe(o->arg, m, m->endpoints[ENDPOINT_LEADER].up,
		    m->has_leader, r->started, r->ended);
}

/* A user who may read the watched directories is enough: the root is given up
 * for good once it was refused. */
static bool refused_at_root(const struct poll *p, const struct etcd_result *r)
{
	return p->collector->below && !p->below &&
	    r->outcome == ETCD_UNAUTHORIZED &&
	    p->member->cluster->ndirectories > 0;
}

static void ended(const struct etcd_result *r, void *arg)
{
	struct poll *p = arg;
	bool taken;

	p->call = NULL;
	if (refused_at_root(p, r)) {
		p->below = true;
		timer_set(p->timer, r->ended);
		return;
	}
	taken = collector_apply(p->collector, p->member, r);
	if (!taken && !p->retried) {
		p->retried = true;
		timer_set(p->timer, mono_add(r->ended, RETRY_EMPTY_MS));
		return;
	}
	p->retried = false;
	schedule(p, r->ended);
	count_round(p, r->ended);
	follow_leader(p->poller, r->ended);
	tell_probe(p, r);
}

/* FNV-1a: spread by name, the same at every start. */
static uint64_t hash(uint64_t h, const char *s)
{
	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * UINT64_C(1099511628211);
	return (h ^ 0xff) * UINT64_C(1099511628211);
}

static void init_poll(struct poll *p, struct poller *o, struct member *m,
    const struct collector *c, mono_t now)
{
	uint64_t h = hash(UINT64_C(14695981039346656037), m->cluster->name);
	int64_t within = c->every_ms ? 0 : FIRST_WITHIN_MS;

	h = hash(hash(h, m->name), c->name);
	h ^= h >> 32;
	*p = (struct poll){
		.poller = o, .member = m, .collector = c, .seed = h,
	};
	p->timer = timer_new(o->loop, start, p);
	/* The watcher waits for what is polled at a pace of its own. */
	p->due = mono_add(now, (int64_t)(h % (uint64_t)(within + 1)));
	timer_set(p->timer, p->due);
}

struct poller *poller_new(struct loop *l, struct registry *r,
    struct cluster *c)
{
	struct poller *p = xcalloc(1, sizeof(*p));
	mono_t now = clock_mono();

	assert(c->registry == r);
	p->loop = l;
	p->cluster = c;
	p->n = c->nmembers * COLLECTOR_COUNT;
	p->polls = xcalloc(p->n ? p->n : 1, sizeof(*p->polls));
	p->rounds = xcalloc(c->nmembers ? c->nmembers : 1,
	    sizeof(*p->rounds));
	for (size_t i = 0; i < p->n; i++)
		init_poll(&p->polls[i], p, &c->members[i / COLLECTOR_COUNT],
		    collectors[i % COLLECTOR_COUNT], now);
	return p;
}

void poller_free(struct poller *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n; i++) {
		etcd_cancel(p->polls[i].call);
		timer_free(p->polls[i].timer);
	}
	free(p->polls);
	free(p->rounds);
	free(p);
}

void poller_on_probe(struct poller *p, void (*fn)(void *arg,
    struct member *m, bool answered, bool has_leader, mono_t sent, mono_t now),
    void *arg)
{
	p->on_probe = fn;
	p->arg = arg;
}
