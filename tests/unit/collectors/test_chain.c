/* The watcher against a model of etcd: three members that die, hang and lag at
 * random, a store that everybody writes to, polls and listings that are
 * answered late and in pieces, reloads.  What the registry tells must be what
 * happened:
 *	with history, every coming and going, once, in order, with its cause and
 *	    index, and at a time that lies in the interval told
 *	without, what is there in the end */
#include "collectors/watcher.c"

#include "tests/unit/collectors/watched.h"
#include "tests/unit/seeded.h"

enum {
	KEYS = 12, MEMBERS = 3, LOG = 120000, TRUTHS = 4000, HISTORY = 1000,
	TTL_S = 10, STEP_MS = 5,
	FRESH_MS = 150,			/* live events come within */
	STALE_MS = 7000,		/* if the member hangs or lags */
};

struct logged {			/* index WATCHED_START + 1 + place */
	bool visible, hidden;		/* hidden: told by history alone */
	struct etcd_event e;
	char key[40];
};

struct truth {
	char id[8];
	enum state state;
	enum cause cause;
	uint64_t index;
	int64_t at;
};

struct key {
	char name[40];
	bool there;
	wall_t expires;
	uint64_t created, modified;
};

enum mode { WELL, DOWN, HANGS, LAGS };

struct model {
	struct watched x;
	struct logged *log;
	size_t nlog;
	struct key keys[KEYS];
	struct truth truths[TRUTHS];
	size_t ntruths;
	struct {
		enum mode mode;
		mono_t until;
		uint64_t applied;
	} members[MEMBERS];
	mono_t probe_at;
	size_t burst;			/* most writes of others at once */
	size_t modes;			/* how members fail: DOWN, or any */
};

static bool one_in(size_t n)
{
	return seeded_below(n) == 0;
}

/* --- the store --- */

static uint64_t last_index(const struct model *m)
{
	return WATCHED_START + m->nlog;
}

static struct logged *append_to(struct model *m)
{
	assert_true(m->nlog < LOG);
	return &m->log[m->nlog++];
}

static void log_event(struct model *m, struct etcd_event e)
{
	struct logged *l = append_to(m);

	l->visible = true;
	l->e = e;
	snprintf(l->key, sizeof(l->key), "%s", e.node.key);
	l->e.node.key = l->key;
	l->e.prev.key = l->key;
}

static void happened(struct model *m, const struct key *k, enum state state,
    enum cause cause, uint64_t index, wall_t at)
{
	struct truth *t = &m->truths[m->ntruths++];

	assert_true(m->ntruths < TRUTHS);
	*t = (struct truth){ .state = state, .cause = cause, .index = index,
		.at = since_start(at) };
	snprintf(t->id, sizeof(t->id), "%s", strrchr(k->name, '/') + 1);
}

static struct etcd_node node_of(const struct key *k)
{
	struct etcd_node n = node(k->name, TTL_S, k->modified);
	int64_t left = k->expires.ms - clock_now().ms;

	n.created_index = k->created;
	n.expiration = k->expires;
	n.ttl = left > 0 ? (left + 999) / 1000 : left / 1000;
	return n;
}

static void write_key(struct model *m, struct key *k)
{
	uint64_t index = last_index(m) + 1;
	struct etcd_event e = { .action = one_in(2) ? ETCD_SET : ETCD_CREATE };
	bool lapsed = k->there && k->expires.ms <= clock_now().ms;

	e.has_prev = k->there;
	if (k->there)
		e.prev = node_of(k);
	if (lapsed)
		happened(m, k, STATE_EXPIRED, CAUSE_EXPIRE, 0, k->expires);
	if (!k->there || lapsed)
		happened(m, k, STATE_UP, CAUSE_REGISTERED, index,
		    clock_now());
	k->there = true;
	k->created = k->modified = index;
	k->expires = wall_add(clock_now(), TTL_S * 1000);
	e.node = node_of(k);
	log_event(m, e);
}

static void refresh_key(struct model *m, struct key *k)
{
	append_to(m)->visible = false;
	k->modified = last_index(m);
	k->expires = wall_add(clock_now(), TTL_S * 1000);
}

static void remove_key(struct model *m, struct key *k, bool expires)
{
	uint64_t index = last_index(m) + 1;
	struct etcd_event e = gone_event(expires ? ETCD_EXPIRE : ETCD_DELETE,
	    k->name, index);
	wall_t at = clock_now();

	if (expires && k->expires.ms > clock_now().ms)
		k->expires = clock_now();
	if (expires)
		at = k->expires;
	e.prev = node_of(k);
	happened(m, k, expires ? STATE_EXPIRED : STATE_DEREGISTERED,
	    expires ? CAUSE_EXPIRE : CAUSE_DELETE, index, at);
	k->there = false;
	log_event(m, e);
}

static void remove_directory(struct model *m)
{
	uint64_t index = last_index(m) + 1;

	for (size_t k = 0; k < KEYS; k++) {
		if (m->keys[k].there)
			happened(m, &m->keys[k], STATE_DEREGISTERED,
			    CAUSE_DIR_DELETE, index, clock_now());
		m->keys[k].there = false;
	}
	log_event(m, of_dir(gone_event(ETCD_DELETE, D, index)));
}

static void write_other(struct model *m)
{
	static const char *const names[] = { D "/_hidden", D "_2", "/login",
		"/other/1" };
	size_t n = 1 + seeded_below(one_in(20) ? m->burst : 4);
	uint64_t index;

	while (n-- > 0)
		append_to(m)->visible = false;
	index = last_index(m) + 1;
	n = seeded_below(6);
	if (n >= 3)
		return;
	log_event(m, of_dir(gone_event(ETCD_DELETE, names[n], index)));
	m->log[m->nlog - 1].hidden = n == 0 || n == 2;
}

static void write_something(struct model *m)
{
	struct key *k = &m->keys[seeded_below(KEYS)];

	if (one_in(4))
		write_other(m);
	else if (one_in(60))
		remove_directory(m);
	else if (!k->there || one_in(3))
		write_key(m, k);
	else if (one_in(2))
		refresh_key(m, k);
	else
		remove_key(m, k, one_in(2));
}

/* --- the members --- */

static void member_moves_on(struct model *m, size_t n)
{
	mono_t now = clock_mono();

	if (m->members[n].mode != WELL && mono_due(m->members[n].until, now))
		m->members[n].mode = WELL;
	else if (m->members[n].mode == WELL && one_in(1500)) {
		m->members[n].mode = DOWN +
		    (enum mode)seeded_below(m->modes);
		m->members[n].until = mono_add(now,
		    200 + (int64_t)seeded_below(6000));
	}
	if (m->members[n].mode == WELL)
		m->members[n].applied = last_index(m);
}

static const struct logged *next_event(const struct model *m,
    const struct etcd_call *c, uint64_t applied)
{
	uint64_t i = c->wait_index != 0 ? c->wait_index : c->own.index + 1;

	for (; i <= applied; i++) {
		const struct logged *l = &m->log[i - WATCHED_START - 1];

		if (l->visible && (!l->hidden || i <= c->own.index))
			return l;
	}
	return NULL;
}

/* True if it is time for what was found first some moments ago. */
static bool due(struct etcd_call *c, size_t at_most_ms)
{
	if (!c->own.found) {
		c->own.found = true;
		c->own.due = mono_add(clock_mono(),
		    (int64_t)seeded_below(at_most_ms));
	}
	if (!mono_due(c->own.due, clock_mono()))
		return false;
	c->own.found = false;
	return true;
}

/* Another poll of the member has something to tell first. */
static bool another_goes_first(const struct model *m,
    const struct etcd_call *me, uint64_t applied)
{
	for (const struct etcd_call *c = calls; c != NULL; c = c->next)
		if (c != me && strcmp(c->url, me->url) == 0 &&
		    c->own.headed && next_event(m, c, applied) != NULL)
			return true;
	return false;
}

static bool serve_poll(struct model *m, struct etcd_call *c,
    uint64_t applied)
{
	const struct logged *l;

	if (!c->own.headed) {
		if (another_goes_first(m, c, applied) || !due(c, 30))
			return false;
		if (c->wait_index != 0 && c->wait_index + HISTORY <= applied) {
			tell_error(&m->x, c, ETCD_INDEX_CLEARED, applied);
			return true;
		}
		c->own.headed = true;
		c->own.index = applied;
		tell_head(&m->x, c, applied);
		return true;
	}
	l = next_event(m, c, applied);
	if (l == NULL || !due(c, one_in(3) ? 80 : 2))
		return false;
	tell_event(&m->x, c, l->e);
	return true;
}

/* A piece of the answer, while time goes on and events come. */
static void arrive(struct model *m, struct etcd_call *c)
{
	size_t left = c->own.nodes->n - c->own.came, n = seeded_below(4) + 1;

	if (n > left)
		n = left;
	tell_nodes(&m->x, c->own.nodes->v + c->own.came, n);
	c->own.came += n;
}

static bool serve_listing(struct model *m, struct etcd_call *c,
    uint64_t applied)
{
	if (c->own.nodes == NULL) {
		if (applied < last_index(m) || !due(c, 50))
			return false;
		c->own.index = applied;
		c->own.nodes = xcalloc(1, sizeof(*c->own.nodes));
		for (size_t k = 0; k < KEYS; k++)
			if (m->keys[k].there)
				add_node(c->own.nodes, node_of(&m->keys[k]));
	}
	if (one_in(8))
		arrive(m, c);
	if (!due(c, one_in(5) ? 3000 : 100))
		return false;
	while (c->own.came < c->own.nodes->n)
		arrive(m, c);
	tell_end(&m->x, c->own.index, 0, false);
	return true;
}

static bool serve_index(struct model *m, struct etcd_call *c,
    uint64_t applied)
{
	if (!due(c, 30))
		return false;
	tell_asked_index(&m->x, applied);
	return true;
}

/* True if something was told, and calls may have come and gone. */
static bool serve(struct model *m, struct etcd_call *c)
{
	size_t n = (size_t)(c->url[strlen(c->url) - 1] - '1');
	enum mode mode = m->members[n].mode;
	uint64_t applied = m->members[n].applied;

	if (mode == DOWN) {
		tell_failure(&m->x, c, c->own.headed ? FETCH_BROKEN :
		    FETCH_CONNECT);
		return true;
	}
	if (mono_since(c->began, clock_mono()) >= c->deadline_ms) {
		tell_failure(&m->x, c, FETCH_TIMEOUT);
		return true;
	}
	if (mode == HANGS)
		return false;
	if (c->what == CALLED_INDEX)
		return serve_index(m, c, applied);
	return c->what == CALLED_LIST ? serve_listing(m, c, applied) :
	    serve_poll(m, c, applied);
}

static void serve_all(struct model *m)
{
	struct etcd_call *c = calls;

	for (int told = 0; c != NULL && told < 20;) {
		if (serve(m, c)) {
			watched_pass(&m->x, 0);
			c = calls;
			told++;
		} else {
			c = c->next;
		}
	}
}

static void probe_all(struct model *m)
{
	if (!mono_due(m->probe_at, clock_mono()))
		return;
	m->probe_at = mono_add(clock_mono(), 1000);
	for (size_t n = 0; n < MEMBERS; n++) {
		bool answers = m->members[n].mode == WELL ||
		    m->members[n].mode == LAGS;

		watched_index(&m->x, n, answers ? m->members[n].applied : 0);
		watched_probe(&m->x, n, answers ? PROBED_LEADER :
		    PROBED_NOTHING);
		watched_pass(&m->x, 0);
	}
}

/* --- what was told --- */

static void next_of(const struct model *m, const char *id, size_t *k)
{
	while (*k < m->ntruths && strcmp(m->truths[*k].id, id) != 0)
		++*k;
}

/* Each instance has its own place in what happened, k; `before` is what was
 * told of it before, where it may not overlap. */
static size_t told_exactly(const struct model *m, const struct seen *s,
    const struct seen *before, size_t k)
{
	int64_t late = m->modes == 1 ? FRESH_MS : STALE_MS;
	const struct truth *t;

	next_of(m, s->id, &k);
	assert_true(k < m->ntruths);
	t = &m->truths[k];
	assert_string_equal(state_name(s->state), state_name(t->state));
	assert_string_equal(cause_name(s->cause), cause_name(t->cause));
	assert_int_equal(s->index, t->index);
	/* What is told live happened a moment ago. */
	if (s->at < t->at || (s->earliest > t->at + late &&
	    (before == NULL || s->earliest > before->from)))
		fail_msg("%s %s at %" PRId64 ", told [%" PRId64 ", %" PRId64
		    "]", s->id, cause_name(s->cause), t->at, s->earliest,
		    s->at);
	if (t->cause == CAUSE_EXPIRE && (before == NULL ||
	    s->from > before->from))
		assert_in_range(s->from, t->at, t->at + late);
	return k + 1;
}

static void all_told(const struct model *m)
{
	const struct watched *x = &m->x;
	const struct seen *before[KEYS] = { NULL };
	size_t at[KEYS] = { 0 };

	for (size_t k = 0; k < x->n; k++) {
		size_t n = (size_t)atoi(x->v[k].id);

		at[n] = told_exactly(m, &x->v[k], before[n], at[n]);
		before[n] = &x->v[k];
	}
	for (size_t n = 0; n < KEYS; n++) {
		next_of(m, strrchr(m->keys[n].name, '/') + 1, &at[n]);
		assert_int_equal(at[n], m->ntruths);
	}
}

/* Up and not up by turns, no stay before the one before it. */
static void told_soundly(const struct watched *x)
{
	const struct seen *before[KEYS] = { NULL };

	for (size_t k = 0; k < x->n; k++) {
		const struct seen *s = &x->v[k], **b = &before[atoi(s->id)];
		bool up = *b != NULL && (*b)->state == STATE_UP;

		assert_true((s->state == STATE_UP) != up);
		assert_true(s->earliest <= s->from && s->from <= s->at);
		if (*b != NULL)
			assert_true(s->from >= (*b)->from);
		*b = s;
	}
}

static void same_in_the_end(const struct model *m)
{
	for (size_t n = 0; n < KEYS; n++) {
		const char *id = strrchr(m->keys[n].name, '/') + 1;
		bool up = state_of_instance(&m->x, id) == STATE_UP;

		if (up != m->keys[n].there)
			fail_msg("%s is %s", id, m->keys[n].there ?
			    "missing" : "still there");
	}
	assert_int_equal(m->x.w->reached, last_index(m));
	counts_agree(&m->x);
}

/* --- a run --- */

static void reload(struct model *m)
{
	watcher_free(m->x.w);
	watched_flush(&m->x);
	m->x.w = watcher_new(m->x.loop, m->x.d, m->x.storm);
}

static void step(struct model *m, bool busy)
{
	watched_pass(&m->x, STEP_MS);
	for (size_t n = 0; busy && n < MEMBERS; n++)
		member_moves_on(m, n);
	for (size_t n = 0; !busy && n < MEMBERS; n++) {
		m->members[n].mode = WELL;
		m->members[n].applied = last_index(m);
	}
	if (busy && one_in(3000))
		reload(m);
	while (busy && one_in(15))
		write_something(m);
	serve_all(m);
	probe_all(m);
}

static void begin(struct model *m, size_t burst, size_t modes)
{
	memset(m, 0, sizeof(*m));
	watched_init(&m->x, MEMBERS);
	m->log = xcalloc(LOG, sizeof(*m->log));
	m->burst = burst;
	m->modes = modes;
	m->probe_at = clock_mono();
	for (size_t k = 0; k < KEYS; k++)
		snprintf(m->keys[k].name, sizeof(m->keys[k].name), D "/%zu",
		    k);
	for (size_t n = 0; n < MEMBERS; n++)
		m->members[n].applied = WATCHED_START;
	m->x.w = watcher_new(m->x.loop, m->x.d, m->x.storm);
	for (int k = 0; k < 1000; k++)
		step(m, false);
	assert_true(m->x.d->looking);
}

static void end(struct model *m)
{
	watched_fini(&m->x);
	free(m->log);
}

/* A minute of it, and some seconds of quiet. */
static void run(struct model *m, size_t burst, size_t modes)
{
	begin(m, burst, modes);
	for (int k = 0; k < 60 * 1000 / STEP_MS; k++) {
		step(m, true);
		if (k % 100 == 0)
			counts_agree(&m->x);
	}
	for (int k = 0; k < 40 * 1000 / STEP_MS; k++)
		step(m, false);
	same_in_the_end(m);
	told_soundly(&m->x);
	assert_true(m->x.d->looking);
}

static void nothing_is_missed(void **state)
{
	struct model *m = *state;
	size_t exact = 0;

	for (int k = 0; k < 20; k++) {
		run(m, 200, k % 2 == 0 ? 1 : 3);
		if (m->x.d->resyncs[RESYNC_HISTORY_CLEARED] == 0) {
			assert_int_equal(m->x.d->resyncs[RESYNC_DIFFERENCE],
			    0);
			all_told(m);
			exact++;
		}
		end(m);
	}
	assert_true(exact >= 10);
}

static void without_history(void **state)
{
	struct model *m = *state;
	uint64_t cleared = 0;

	for (int k = 0; k < 10; k++) {
		run(m, 5000, 3);
		cleared += m->x.d->resyncs[RESYNC_HISTORY_CLEARED];
		end(m);
	}
	assert_true(cleared > 0);
}

static int setup(void **state)
{
	*state = xcalloc(1, sizeof(struct model));
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_missed),
		TEST(without_history),
	};

	seeded_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
