#ifndef TESTS_UNIT_COLLECTORS_WATCHED_H
#define TESTS_UNIT_COLLECTORS_WATCHED_H

/* A watched directory without a network: the calls of etcd/etcd.h stand here
 * in their place and wait until the test answers them, the clock is set by
 * hand, the timers of a loop that never runs are called by watched_pass(), and
 * leader and index of each member are told through the real collectors.  For
 * test programs that include one file of the watcher. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "collectors/collector.h"
#include "collectors/watch_impl.h"
#include "core/err.h"
#include "core/lane.h"
#include "core/log.h"
#include "core/table.h"
#include "core/timer.h"
#include "tests/unit/collectors/fixture.h"

/* What is watched, and keys in it. */
#define KEYS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define D "/login_servers"

enum {
	WATCHED_SEEN = 8192,
	WATCHED_MONO = 1000000,		/* a full second */
	WATCHED_WALL = 1700000000,	/* in seconds */
	WATCHED_START = 100		/* index of the first listing */
};

/* --- etcd's calls --- */

enum called { CALLED_LIST = 1, CALLED_WATCH, CALLED_INDEX };

struct etcd_call {
	struct etcd_call *next;
	enum called what;
	char url[64], path[64];
	uint64_t wait_index;
	int64_t deadline_ms;
	mono_t began;
	bool quorum, telling, kept;
	etcd_on_node *node;
	struct {			/* the test's own */
		bool headed, found;
		uint64_t index;
		mono_t due;
		struct nodes *nodes;	/* freed with the call */
		size_t came;		/* of them */
	} own;
	void (*head)(const struct etcd_meta *m, long status, void *arg);
	etcd_done *done;
	void *arg;
};

struct etcd_call *calls;		/* under way, the oldest first */
unsigned calls_kept;			/* answers not released */
unsigned calls_made[4];			/* by enum called */
struct etcd_meta calls_meta;		/* what all answers carry */

static struct etcd_call *called(const struct etcd_target *t,
    const char *path, enum called what, etcd_done *done, void *arg)
{
	struct etcd_call *c = xcalloc(1, sizeof(*c)), **end = &calls;

	c->what = what;
	c->done = done;
	c->arg = arg;
	c->began = clock_mono();
	snprintf(c->url, sizeof(c->url), "%s", t->url);
	snprintf(c->path, sizeof(c->path), "%s", path);
	while (*end != NULL)
		end = &(*end)->next;
	*end = c;
	calls_made[what]++;
	return c;
}

static void call_unlink(struct etcd_call *c)
{
	struct etcd_call **at = &calls;

	while (*at != c) {
		assert_non_null(*at);	/* cancelled twice, or too late */
		at = &(*at)->next;
	}
	*at = c->next;
}

struct etcd_call *etcd_start(const struct etcd_target *t,
    const struct etcd_request *r, int64_t deadline_ms, etcd_done *done,
    void *arg)
{
	static const enum called whats[ETCD_KINDS] = {
		[ETCD_KIND_EVENT] = CALLED_WATCH,
		[ETCD_KIND_LISTING] = CALLED_LIST,
		[ETCD_KIND_INDEX] = CALLED_INDEX,
	};
	struct etcd_call *c = called(t, r->path, whats[r->kind], done, arg);

	/* The polls are told by watched_leader() and watched_index(). */
	assert_true(whats[r->kind] != 0);
	assert_int_equal(r->recursive, r->kind != ETCD_KIND_INDEX);
	c->wait_index = r->wait_index;
	c->quorum = r->quorum;
	c->deadline_ms = deadline_ms;
	return c;
}

void etcd_on_head(struct etcd_call *c, etcd_head *head)
{
	c->head = head;
}

void etcd_on_nodes(struct etcd_call *c, etcd_on_node *node)
{
	assert_int_equal(c->what, CALLED_LIST);
	c->node = node;
}

static void call_free(struct etcd_call *c)
{
	free(c->own.nodes);
	free(c);
}

void etcd_cancel(struct etcd_call *c)
{
	if (c == NULL || c->telling)
		return;
	call_unlink(c);
	call_free(c);
}

struct etcd_call *etcd_keep(const struct etcd_result *r)
{
	r->call->kept = true;
	calls_kept++;
	return r->call;
}

void etcd_release(struct etcd_call *c)
{
	if (c == NULL)
		return;
	assert_true(c->kept);
	calls_kept--;
	c->kept = false;
	if (!c->telling)
		call_free(c);
}

/* --- no polls are asked ahead: tests/unit/etcd/test_line.c does --- */

bool lane_is_possible(const char *url, const struct http_config *http)
{
	(void)url;
	(void)http;
	return false;
}

struct lane *lane_open(struct loop *loop, const struct lane_request *r)
{
	(void)loop;
	(void)r;
	abort();
}

void lane_close(struct lane *l)
{
	assert_null(l);
}

void lane_get(struct lane *l, const char *target)
{
	(void)l;
	(void)target;
}

void lane_flush(struct lane *l)
{
	(void)l;
}

void lane_pause(struct lane *l, bool pause)
{
	(void)l;
	(void)pause;
}

/* --- the world --- */

struct seen {
	char id[40];
	enum state was, state;
	enum cause cause;
	int64_t from, earliest, at;	/* ms, from WATCHED_WALL on */
	uint64_t index;
	bool held;
};

struct watched {
	struct fixture f;
	struct cluster *c;
	struct directory *d;
	struct loop *loop;
	struct storm *storm;
	struct watcher *w;
	struct seen v[WATCHED_SEEN];
	size_t n;
	unsigned looked;		/* began to look, or ceased to */
};

static inline int64_t since_start(wall_t t)
{
	return t.ms - (int64_t)WATCHED_WALL * 1000;
}

static inline void watched_event(void *arg, const struct event *e)
{
	struct watched *x = arg;
	struct seen *s;

	x->looked += e->type == EVENT_LOOKING;
	if (e->type != EVENT_INSTANCE)
		return;
	assert_true(x->n < WATCHED_SEEN);
	s = &x->v[x->n++];
	*s = (struct seen){
		.was = e->instance.was, .state = e->instance.begun.state,
		.cause = e->instance.begun.cause,
		.from = since_start(e->instance.begun.from),
		.earliest = since_start(e->instance.noticed.earliest),
		.at = since_start(e->instance.noticed.seen),
		.index = e->instance.noticed.index,
		.held = e->instance.instance->held,
	};
	snprintf(s->id, sizeof(s->id), "%s",
	    names_instance_id(e->instance.instance->names));
}

static inline void watched_flush(struct watched *x)
{
	event_flush(x->f.bus, clock_mono());
}

/* Lets time pass, from timer to timer. */
static inline void watched_pass(struct watched *x, int64_t ms)
{
	struct timers *ts = loop_timers(x->loop);
	mono_t until = mono_add(clock_mono(), ms);

	timers_run(ts, clock_mono());
	watched_flush(x);
	while (!mono_due(until, clock_mono())) {
		int64_t left = mono_since(clock_mono(), until);

		clock_advance(timers_wait(ts, clock_mono(), (int)left));
		timers_run(ts, clock_mono());
		registry_tick(x->f.registry, clock_mono());
		watched_flush(x);
	}
}

static inline void watched_init(struct watched *x, size_t nmembers)
{
	static const char *const urls[] = { "http://127.0.0.1:1",
		"http://127.0.0.1:2", "http://127.0.0.1:3" };
	struct event_sink sink = { "seen", watched_event, NULL, x };
	struct err e;

	memset(x, 0, sizeof(*x));
	memset(calls_made, 0, sizeof(calls_made));
	calls = NULL;
	calls_kept = 0;
	log_set_level(LEVEL_ERROR);
	clock_set((mono_t){ WATCHED_MONO },
	    (wall_t){ (int64_t)WATCHED_WALL * 1000 });
	calls_meta = (struct etcd_meta){ .raft_index = 1000, .raft_term = 2,
		.cluster_id = "cc" };
	fixture_init(&x->f, urls, nmembers);
	event_bus_add(x->f.bus, &sink);
	x->c = x->f.cluster;
	x->d = x->c->directories[0];
	x->loop = loop_new(&e);
	x->storm = storm_new();
}

static inline void watched_fini(struct watched *x)
{
	watcher_free(x->w);
	assert_null(calls);
	assert_int_equal(calls_kept, 0);
	storm_free(x->storm);
	loop_free(x->loop);
	fixture_fini(&x->f);
	clock_use_real();
}

/* --- what etcd answers --- */

/* The call that is under way for a poll; NULL: none. */
static inline struct etcd_call *call_of(const struct poll *p)
{
	struct etcd_call *c = calls;

	if (p == NULL)
		return NULL;
	while (c != NULL && c->arg != p->line)
		c = c->next;
	return c;
}

/* The poll under way of this watcher; NULL: none. */
static inline struct etcd_call *the_poll(const struct watched *x)
{
	return call_of(x->w->poll);
}

static inline struct etcd_call *the_relief(const struct watched *x)
{
	return call_of(x->w->relief);
}

static inline void tell_head(struct watched *x, struct etcd_call *c,
    uint64_t index)
{
	struct etcd_meta m = calls_meta;

	assert_non_null(c);
	m.etcd_index = index;
	c->head(&m, 200, c->arg);
	watched_flush(x);
}

static inline void tell_done(struct watched *x, struct etcd_call *c,
    struct etcd_result *r)
{
	assert_non_null(c);
	if (r->outcome != ETCD_OK && r->text[0] == '\0')
		snprintf(r->text, sizeof(r->text), "so it was scripted");
	r->started = c->began;
	r->ended = clock_mono();
	r->duration_us = mono_since(r->started, r->ended) * 1000;
	call_unlink(c);
	c->telling = true;
	r->call = c;
	c->done(r, c->arg);
	c->telling = false;
	if (!c->kept)
		call_free(c);
	watched_flush(x);
}

static inline void tell_event(struct watched *x, struct etcd_call *c,
    struct etcd_event e)
{
	struct etcd_result r = { .outcome = ETCD_OK, .status = 200,
		.meta = calls_meta };

	r.event = e;
	tell_done(x, c, &r);
}

static inline void tell_failure(struct watched *x, struct etcd_call *c,
    enum fetch_error error)
{
	struct etcd_result r = { .outcome = ETCD_FAILED,
		.fetch_error = error };

	tell_done(x, c, &r);
}

static inline void tell_error(struct watched *x, struct etcd_call *c,
    int code, uint64_t index)
{
	struct etcd_result r = { .outcome = ETCD_ERROR, .status = 400,
		.error_code = code, .meta = calls_meta };

	r.meta.etcd_index = index;
	tell_done(x, c, &r);
}

static inline void tell_outcome(struct watched *x, struct etcd_call *c,
    enum etcd_outcome outcome)
{
	struct etcd_result r = { .outcome = outcome, .status = 200 };

	tell_done(x, c, &r);
}

/* The index that was asked for; 0: nothing comes of it. */
static inline void tell_asked_index(struct watched *x, uint64_t index)
{
	struct etcd_result r = { .outcome = index ? ETCD_OK : ETCD_FAILED,
		.meta = calls_meta };

	r.meta.etcd_index = index;
	tell_done(x, x->w->asks_index, &r);
}

struct nodes {
	struct etcd_node v[2048];
	size_t n, bad;
	bool missing;
};

/* Some nodes come, with strings of their own that do not stay. */
static inline void tell_nodes(struct watched *x, const struct etcd_node *v,
    size_t n)
{
	struct etcd_call *c = x->w->list;

	assert_non_null(c);
	for (size_t k = 0; k < n; k++) {
		struct etcd_node one = v[k];
		char *key = xstrdup(one.key), *value = xstrdup(one.value);

		one.key = key;
		one.value = value;
		c->node(&one, c->arg);
		memset(key, '?', strlen(key));
		memset(value, '?', strlen(value));
		free(key);
		free(value);
	}
	watched_flush(x);
}

/* The end of a listing, whose nodes came. */
static inline void tell_end(struct watched *x, uint64_t index, size_t bad,
    bool missing)
{
	struct etcd_result r = { .outcome = ETCD_OK, .status = 200,
		.meta = calls_meta };

	r.meta.etcd_index = index;
	r.listing = (struct etcd_listing){ .bad = bad, .missing = missing };
	tell_done(x, x->w->list, &r);
}

static inline void tell_listing(struct watched *x, uint64_t index,
    const struct nodes *nodes)
{
	tell_nodes(x, nodes->v, nodes->n);
	tell_end(x, index, nodes->bad, nodes->missing);
}

/* A key with this TTL (0: permanent), last written now. */
static inline struct etcd_node node(const char *key, int64_t ttl,
    uint64_t index)
{
	return (struct etcd_node){ .key = key, .value = "10.0.0.7:80",
		.has_expiration = ttl != 0, .ttl = ttl,
		.expiration = wall_add(clock_now(), ttl * 1000),
		.created_index = index, .modified_index = index };
}

static inline struct etcd_node dir_node(const char *key, int64_t ttl,
    uint64_t index)
{
	struct etcd_node n = node(key, ttl, index);

	n.dir = true;
	n.value = "";
	return n;
}

static inline void add_node(struct nodes *nodes, struct etcd_node n)
{
	nodes->v[nodes->n++] = n;
}

static inline struct etcd_event write_event(const char *key, int64_t ttl,
    uint64_t index)
{
	return (struct etcd_event){ .action = ETCD_SET,
		.node = node(key, ttl, index) };
}

/* A heartbeat: over a node of the same TTL, written `ms` ago. */
static inline struct etcd_event beat_event(const char *key, int64_t ttl,
    int64_t ms, uint64_t index)
{
	struct etcd_event e = write_event(key, ttl, index);

	e.has_prev = true;
	e.prev = node(key, ttl, index - 1);
	e.prev.expiration = wall_add(e.prev.expiration, -ms);
	e.prev.ttl = (ttl * 1000 - ms + 999) / 1000;
	return e;
}

static inline struct etcd_event gone_event(enum etcd_action action,
    const char *key, uint64_t index)
{
	struct etcd_event e = { .action = action, .has_prev = true,
		.node = { .key = key, .value = "", .created_index = 1,
		.modified_index = index } };

	e.prev = node(key, 0, 1);
	return e;
}

/* Expired `ms` ago, by etcd's date. */
static inline struct etcd_event expire_event(const char *key, int64_t ms,
    uint64_t index)
{
	struct etcd_event e = gone_event(ETCD_EXPIRE, key, index);

	e.prev.has_expiration = true;
	e.prev.expiration = wall_add(clock_now(), -ms);
	return e;
}

static inline struct etcd_event of_dir(struct etcd_event e)
{
	e.node.dir = e.prev.dir = true;
	e.prev.value = "";
	return e;
}

/* --- what the members' probes say --- */

enum probed { PROBED_LEADER, PROBED_NO_LEADER, PROBED_NOTHING };

static inline void watched_probe(struct watched *x, size_t number,
    enum probed what)
{
	static const enum etcd_outcome outcomes[] = { ETCD_OK, ETCD_REFUSED,
		ETCD_FAILED };
	struct member *m = &x->c->members[number];
	struct etcd_result r = { .outcome = outcomes[what], .text = "why",
		.started = clock_mono(), .ended = clock_mono() };

	if (what == PROBED_LEADER)
		r.leader = (struct etcd_member){ .id = "a1", .name = "m1",
			.client_url = "", .peer_url = "" };
	collector_apply(&collector_leader, m, &r);
	if (x->w != NULL)
		watcher_on_probe(x->w, m, what != PROBED_NOTHING,
		    what == PROBED_LEADER, r.started, r.ended);
	watched_flush(x);
}

static inline void watched_probe_all(struct watched *x, enum probed what)
{
	for (size_t k = 0; k < x->c->nmembers; k++) {
		watched_probe(x, k, what);
		if (x->w != NULL)
			watched_pass(x, 0);
	}
}

/* 0: it did not answer. */
static inline void watched_index(struct watched *x, size_t number,
    uint64_t index)
{
	struct etcd_result r = { .outcome = index ? ETCD_OK : ETCD_FAILED,
		.text = "why", .meta = calls_meta, .started = clock_mono(),
		.ended = clock_mono() };

	r.meta.etcd_index = index;
	collector_apply(&collector_keys, &x->c->members[number], &r);
	watched_flush(x);
}

static inline void watched_index_all(struct watched *x, uint64_t index)
{
	for (size_t k = 0; k < x->c->nmembers; k++)
		watched_index(x, k, index);
}

/* Some seconds in which every member is probed and answers. */
static inline void watched_seconds(struct watched *x, int seconds)
{
	while (seconds-- > 0) {
		watched_pass(x, 1000);
		watched_probe_all(x, PROBED_LEADER);
	}
}

/* --- a directory that is watched --- */

/* With these instances, all with a TTL of 10 s, listed at index 100. */
static inline void watched_start(struct watched *x,
    const char *const *keys)
{
	struct nodes l = { 0 };

	for (; keys != NULL && *keys != NULL; keys++)
		add_node(&l, node(*keys, 10, 50 + l.n));
	watched_index_all(x, WATCHED_START);
	watched_probe_all(x, PROBED_LEADER);
	x->w = watcher_new(x->loop, x->d, x->storm);
	watched_pass(x, 0);
	assert_non_null(x->w->list);
	tell_listing(x, WATCHED_START, &l);
	assert_int_equal(the_poll(x)->wait_index, WATCHED_START + 1);
	tell_head(x, the_poll(x), WATCHED_START);
	assert_true(x->d->looking);
	x->n = 0;
	x->looked = 0;
}

/* The keys in etcd now are those of the roll: answers the listing with them. */
static inline void watched_list(struct watched *x, uint64_t index)
{
	static struct nodes l;
	size_t cursor = 0;
	const char *key;
	void *value;

	l.n = 0;
	while (table_next(x->d->by_key, &cursor, &key, &value))
		add_node(&l, node(key, 10,
		    ((struct instance *)value)->modified_index));
	tell_listing(x, index, &l);
}

/* The number of the member that is asked. */
static inline size_t asked_member(const struct watched *x)
{
	const struct etcd_call *c = x->w->poll != NULL ? the_poll(x) :
	    x->w->list;

	assert_non_null(c);
	assert_string_equal(c->url, x->w->member->url);
	return x->w->member->number;
}

/* The poll in charge gets this event, and the next one's headers come. */
static inline void watched_tell(struct watched *x, struct etcd_event e)
{
	tell_event(x, the_poll(x), e);
	tell_head(x, the_poll(x), e.node.modified_index);
}

/* The same, for events that are all there already. */
static inline void watched_burst(struct watched *x,
    const struct etcd_event *v, size_t n)
{
	for (size_t k = 0; k < n; k++) {
		tell_event(x, the_poll(x), v[k]);
		tell_head(x, the_poll(x), v[n - 1].node.modified_index);
	}
}

/* So many of `up` expire in one tick: as they come, all events are there. */
static inline void watched_expire(struct watched *x, uint64_t n,
    uint64_t up, uint64_t known)
{
	static char keys[200][32];
	struct nodes *l = xcalloc(1, sizeof(*l));

	for (uint64_t k = 0; k < up; k++)
		snprintf(keys[k], sizeof(keys[k]), "/login_servers/%03u",
		    (unsigned)k);
	watched_start(x, NULL);
	sync_list(x->w);
	for (uint64_t k = 0; k < up; k++)
		add_node(l, node(keys[k], 10, 50 + k));
	tell_listing(x, WATCHED_START, l);
	assert_int_equal(x->c->up, up);
	x->n = 0;
	for (uint64_t k = 0; k < n; k++) {
		uint64_t index = WATCHED_START + 1 + k;

		tell_event(x, the_poll(x), expire_event(keys[k], 100, index));
		if (k + 1 < known)
			tell_head(x, the_poll(x), WATCHED_START + n);
	}
	free(l);
}

static inline struct instance *instance_of(const struct watched *x,
    const char *id)
{
	struct table *t = x->c->by_identity;
	char identity[64];

	snprintf(identity, sizeof(identity), "login_servers/%s", id);
	return table_get(t, identity);
}

static inline enum state state_of_instance(const struct watched *x,
    const char *id)
{
	const struct instance *i = instance_of(x, id);

	return i != NULL ? i->period.state : STATE_DEREGISTERED;
}

/* The k-th of the changes seen so far. */
static inline void seen_is(const struct watched *x, size_t k, const char *id,
    enum state state, enum cause cause)
{
	assert_true(k < x->n);
	assert_string_equal(x->v[k].id, id);
	assert_string_equal(state_name(x->v[k].state), state_name(state));
	assert_string_equal(cause_name(x->v[k].cause), cause_name(cause));
}

/* Every count the registry keeps agrees with a walk over all instances. */
static inline void counts_agree(const struct watched *x)
{
	const struct registry *r = x->f.registry;
	size_t up = 0, vanished = 0, held = 0, left = 0;

	for (size_t k = 0; k < r->nslots; k++) {
		const struct instance *i = r->slots[k];
		bool is_up = i->period.state == STATE_UP;

		assert_int_equal(i->slot, k);
		assert_true(i->present == is_up);
		up += is_up;
		vanished += !is_up;
		held += i->held;
	}
	for (size_t k = 0; k < x->c->ndirectories; k++)
		left += x->c->directories[k]->vanished;
	assert_int_equal(x->c->up, up);
	assert_int_equal(left, vanished);
	assert_int_equal(x->c->held, held);
}

/* --- before and after each test --- */

static inline int watched_setup_of(void **state, size_t nmembers)
{
	struct watched *x = xmalloc(sizeof(*x));

	watched_init(x, nmembers);
	*state = x;
	return 0;
}

static inline int watched_setup(void **state)
{
	return watched_setup_of(state, 1);
}

static inline int watched_setup2(void **state)
{
	return watched_setup_of(state, 2);
}

static inline int watched_setup3(void **state)
{
	return watched_setup_of(state, 3);
}

static inline int watched_teardown(void **state)
{
	watched_fini(*state);
	free(*state);
	return 0;
}

#endif
