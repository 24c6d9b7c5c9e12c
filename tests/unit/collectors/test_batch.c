/* collectors/batch.c: from etcd's events to the roll.
 *	whose event it is, by its key
 *	that a batch goes in in order (when it is judged: test_judge.c; how
 *	many of it in a turn: test_leave.c)
 *	that the log of level debug tells each as it goes in
 *	what each action means, for a key and for all below a directory
 *	times of a leave; rebuilt history
 *	causes and holds: storms, bursts, outages
 *	a directory that goes takes each below it once, rivals included */
#include "collectors/batch.c"

#include "core/config.h"
#include "core/pattern.h"
#include "tests/unit/collectors/logged.h"
#include "tests/unit/collectors/watched.h"

static int teardown(void **state)
{
	logged_end();
	return watched_teardown(state);
}

/* --- whose event --- */

static void whose_event(void **state)
{
	static const struct {
		const char *path, *key;
		bool is_inside, is_above;
	} v[] = {
		{ "/a/b", "/a/b", false, true },
		{ "/a/b", "/a", false, true },
		{ "/a/b", "/", false, true },
		{ "/a/b", "/a/b/c", true, false },
		{ "/a/b", "/a/b/c/d", true, false },
		{ "/a/b", "/a/b/", false, false },
		{ "/a/b", "/a/bc", false, false },
		{ "/a/b", "/a/bc/d", false, false },
		{ "/a/b", "/a/", false, false },
		{ "/a/bc", "/a/b", false, false },
		{ "/a/b", "/", false, true },
		{ "/a/b", "/c", false, false },
		{ "/a/b", "/a/b/_x", false, false },
		{ "/a/b", "/a/b/_x/y", false, false },
		{ "/a/b", "/a/b/y/_x", false, false },
		{ "/a/b", "/a/b/y_x", true, false },
		{ "/_a", "/_a/b", true, false },
		{ "/", "/a", true, false },
		{ "/", "/a/b", true, false },
		{ "/", "/_a", false, false },
		{ "/", "/", false, true },
	};

	(void)state;
	for (size_t k = 0; k < sizeof(v) / sizeof(v[0]); k++) {
		char path[16];
		struct directory d = { .path = path };

		snprintf(path, sizeof(path), "%s", v[k].path);
		if (inside(&d, v[k].key) != v[k].is_inside ||
		    encloses(&d, v[k].key) != v[k].is_above)
			fail_msg("%s in %s", v[k].key, v[k].path);
	}
}

static void others_change_nothing(void **state)
{
	static const struct etcd_event none;
	struct watched *x = *state;
	struct etcd_event v[] = {
		write_event("/login_servers2/a", 10, 101),
		write_event("/elsewhere", 10, 102),
		write_event(D "/_hidden", 10, 103),
		write_event(D "/_hidden/1", 10, 104),
		expire_event(D "/_hidden", 1, 105),
		of_dir(gone_event(ETCD_DELETE, "/login", 106)),
		of_dir(gone_event(ETCD_DELETE, "/login_servers2", 107)),
		gone_event(ETCD_DELETE, D "/unknown", 108), none,
	};

	watched_start(x, KEYS(D "/a", D "/b"));
	for (size_t k = 0; v[k].node.key != NULL; k++)
		watched_tell(x, v[k]);
	watched_pass(x, 100);
	assert_int_equal(x->n, 0);
	assert_int_equal(x->d->watch_events, 1);	/* "unknown" */
	assert_int_equal(x->d->bad_keys, 0);
	assert_int_equal(x->d->applied_index, 108);
}

/* --- when --- */

static void a_write_goes_in_at_once(void **state)
{
	struct watched *x = *state;

	watched_start(x, NULL);
	tell_event(x, the_poll(x), write_event(D "/a", 10, 101));
	assert_int_equal(x->n, 1);
	seen_is(x, 0, "a", STATE_UP, CAUSE_REGISTERED);
	assert_int_equal(x->v[0].index, 101);
	assert_int_equal(x->d->applied_index, 101);
}

static void a_leave_goes_in_with_the_headers(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a"));
	tell_event(x, the_poll(x), expire_event(D "/a", 200, 101));
	assert_int_equal(x->n, 0);
	assert_int_equal(x->d->applied_index, WATCHED_START);
	tell_head(x, the_poll(x), 101);
	assert_int_equal(x->n, 1);
	seen_is(x, 0, "a", STATE_EXPIRED, CAUSE_EXPIRE);
	assert_int_equal(x->d->applied_index, 101);
}

static void in_order(void **state)
{
	struct watched *x = *state;
	struct etcd_event v[] = {
		expire_event(D "/a", 100, 101),
		write_event(D "/a", 10, 102),
		gone_event(ETCD_DELETE, D "/b", 103),
		write_event(D "/b", 10, 104),
		gone_event(ETCD_DELETE, D "/b", 105),
		write_event(D "/c", 10, 106),
		expire_event(D "/c", 0, 107),
	};

	watched_start(x, KEYS(D "/a", D "/b"));
	watched_burst(x, v, 7);
	assert_int_equal(x->n, 7);
	seen_is(x, 0, "a", STATE_EXPIRED, CAUSE_EXPIRE);
	seen_is(x, 1, "a", STATE_UP, CAUSE_REGISTERED);
	seen_is(x, 2, "b", STATE_DEREGISTERED, CAUSE_DELETE);
	seen_is(x, 3, "b", STATE_UP, CAUSE_REGISTERED);
	seen_is(x, 4, "b", STATE_DEREGISTERED, CAUSE_DELETE);
	seen_is(x, 5, "c", STATE_UP, CAUSE_REGISTERED);
	seen_is(x, 6, "c", STATE_EXPIRED, CAUSE_EXPIRE);
	for (size_t k = 0; k < 7; k++)
		assert_int_equal(x->v[k].index, 101 + k);
	counts_agree(x);
}

static void a_pending_batch_survives_the_end(void **state)
{
	struct watched *x = *state;
	uint64_t before;

	watched_start(x, KEYS(D "/a", D "/b"));
	before = x->d->watch_events;
	tell_event(x, the_poll(x), expire_event(D "/a", 200, 101));
	tell_event(x, the_poll(x), write_event(D "/c", 10, 102));
	assert_int_equal(x->n, 0);
	watcher_free(x->w);
	x->w = NULL;
	watched_flush(x);
	assert_int_equal(x->n, 2);
	assert_int_equal(x->d->watch_events, before + 2);
	assert_int_equal(x->d->applied_index, 102);

	/* The next one goes on behind it. */
	x->w = watcher_new(x->loop, x->d, x->storm);
	watched_pass(x, 0);
	assert_int_equal(the_poll(x)->wait_index, 103);
	assert_true(x->d->looking);
}

/* A leave is not told before it is judged, and each once. */
static void the_log_tells_each(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a", D "/b"));
	logged_begin(LEVEL_DEBUG);
	tell_event(x, the_poll(x), write_event(D "/a", 10, 101));
	assert_int_equal(logged_lines("action=set key=" D "/a index=101"), 1);
	tell_event(x, the_poll(x), gone_event(ETCD_DELETE, D "/b", 102));
	assert_int_equal(logged_lines("msg=\"event\""), 1);
	tell_head(x, the_poll(x), 102);
	assert_int_equal(logged_lines("action=delete key=" D "/b index=102"),
	    1);
	assert_int_equal(logged_lines("msg=\"event\""), 2);
}

/* --- what --- */

static void what_an_action_means(void **state)
{
	static const struct {
		enum etcd_action action;
		const char *key;
		bool dir;
		enum state state;
		enum cause cause;
	} v[] = {
		{ ETCD_EXPIRE, D "/x/a", false, STATE_EXPIRED, CAUSE_EXPIRE },
		{ ETCD_EXPIRE, D "/x", true, STATE_EXPIRED,
		    CAUSE_DIR_EXPIRE },
		{ ETCD_EXPIRE, D, true, STATE_EXPIRED, CAUSE_DIR_EXPIRE },
		{ ETCD_DELETE, D "/x/a", false, STATE_DEREGISTERED,
		    CAUSE_DELETE },
		{ ETCD_COMPARE_AND_DELETE, D "/x/a", false,
		    STATE_DEREGISTERED, CAUSE_DELETE },
		{ ETCD_DELETE, D "/x", true, STATE_DEREGISTERED,
		    CAUSE_DIR_DELETE },
		{ ETCD_DELETE, D, true, STATE_DEREGISTERED,
		    CAUSE_DIR_DELETE },
		{ ETCD_DELETE, "/", true, STATE_DEREGISTERED,
		    CAUSE_DIR_DELETE },
		{ ETCD_SET, D "/x/a", false, 0, 0 },
		{ ETCD_UPDATE, D "/x/a", false, 0, 0 },
		{ ETCD_COMPARE_AND_SWAP, D "/x/a", false, 0, 0 },
		{ ETCD_CREATE, D "/x/b", false, STATE_UP, CAUSE_REGISTERED },
		{ ETCD_SET, D "/x/a", true, STATE_DEREGISTERED,
		    CAUSE_DELETE },
	};
	struct watched *x = *state;

	pattern_free(x->d->config->pattern);
	x->d->config->pattern = pattern_compile("{zone}/{instance_id}", NULL);
	watched_start(x, KEYS(D "/x/a"));
	for (size_t k = 0; k < sizeof(v) / sizeof(v[0]); k++) {
		uint64_t index = 200 + 10 * k;
		struct etcd_event e = expire_event(v[k].key, 0, index);

		if (!batch_is_leave(v[k].action))
			e = beat_event(v[k].key, v[k].dir ? 0 : 10, 3000,
			    index);
		e.action = v[k].action;
		e.node.dir = v[k].dir;
		x->n = 0;
		watched_tell(x, e);
		assert_int_equal(x->n, v[k].state ? 1 : 0);
		if (x->n > 0)
			seen_is(x, 0, strrchr(v[k].key, '/')[1] == 'b' ? "b" :
			    "a", v[k].state, v[k].cause);
		watched_tell(x, write_event(D "/x/a", 10, index + 1));
		watched_tell(x, gone_event(ETCD_DELETE, D "/x/b", index + 2));
		counts_agree(x);
	}
}

static void a_directory_with_a_ttl(void **state)
{
	struct watched *x = *state;
	struct etcd_event e = write_event(D "/a", 10, 101);

	watched_start(x, NULL);
	e.node = dir_node(D "/a", 10, 101);
	watched_tell(x, e);
	watched_tell(x, write_event(D "/a/config", 0, 102));
	watched_tell(x, gone_event(ETCD_DELETE, D "/a/config", 103));
	assert_int_equal(x->n, 1);
	watched_tell(x, of_dir(expire_event(D "/a", 100, 104)));
	assert_int_equal(x->n, 2);
	seen_is(x, 1, "a", STATE_EXPIRED, CAUSE_EXPIRE);
}

/* --- times --- */

static void times_of_an_expiry(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a", D "/b", D "/c"));
	watched_pass(x, 9000);
	watched_tell(x, expire_event(D "/a", 300, 101));
	assert_int_equal(x->v[0].from, 8700);
	assert_int_equal(x->v[0].earliest, 0);	/* its last stay began */
	assert_int_equal(x->v[0].at, 9000);
	watched_pass(x, 9000);
	watched_tell(x, expire_event(D "/b", -400, 102));
	assert_int_equal(x->v[1].from, 18000);	/* not after it was seen */
	assert_int_equal(x->v[1].earliest, 8400);
	watched_tell(x, expire_event(D "/c", 500000, 103));
	assert_int_equal(x->v[2].from, 0);	/* not before it came */
}

static void times_by_our_clock(void **state)
{
	struct watched *x = *state;
	struct member *m = &x->c->members[0];

	watched_start(x, KEYS(D "/a"));
	m->skew_known = true;			/* 40 s ahead */
	m->skew_low = 40000;
	m->skew_high = 40500;
	watched_pass(x, 20000);
	watched_tell(x, expire_event(D "/a", -40000 + 300, 101));
	assert_int_equal(x->v[0].from, 19700);
	assert_int_equal(x->v[0].earliest, 9700);
}

static void times_of_what_history_tells(void **state)
{
	struct watched *x = *state;
	struct etcd_event e;

	watched_start(x, KEYS(D "/a"));
	watched_probe_all(x, PROBED_LEADER);
	tell_failure(x, the_poll(x), FETCH_BROKEN);
	watched_pass(x, 8000);
	watched_probe_all(x, PROBED_NOTHING);
	assert_false(x->d->looking);
	e = beat_event(D "/b", 10, 0, 101);
	e.has_prev = false;
	e.node.expiration = wall_add(clock_now(), 4000);
	e.node.ttl = 10;
	tell_event(x, the_poll(x), e);
	assert_int_equal(x->v[0].from, 2000);
	assert_int_equal(x->v[0].earliest, 0);
	assert_int_equal(x->v[0].at, 8000);
	tell_event(x, the_poll(x), gone_event(ETCD_DELETE, D "/a", 102));
	tell_head(x, the_poll(x), 102);
	assert_int_equal(x->v[1].from, 8000);
	assert_int_equal(x->v[1].earliest, 0);
}

/* What the poll was blocked for happened just now, if it was looked at. */
static void live_events_happened_now(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a", D "/b"));
	watched_pass(x, 5000);
	assert_int_equal(since_start(x->d->watching_to), 0);
	watched_tell(x, gone_event(ETCD_DELETE, D "/a", 101));
	assert_int_equal(x->v[0].earliest, 5000);
	watched_pass(x, 1000);
	/* Found in history: some time since the last proof. */
	tell_head(x, the_poll(x), 102);
	watched_tell(x, gone_event(ETCD_DELETE, D "/b", 102));
	assert_int_equal(x->v[1].earliest, 5000);
	assert_int_equal(x->v[1].at, 6000);
}

/* --- rebuilt history --- */

/* A member that starts reads its log again and tells the events in it with
 * the TTLs as they are then: all have run out. */
static struct etcd_event told_again(struct etcd_event e, int64_t ms)
{
	e.node.expiration = wall_add(e.node.expiration, -ms);
	e.node.ttl -= ms / 1000;
	e.prev.expiration = wall_add(e.prev.expiration, -ms);
	e.prev.ttl -= ms / 1000;
	return e;
}

static void a_heartbeat_told_again_is_none(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a"));
	watched_tell(x, beat_event(D "/a", 10, 3000, 101));
	watched_pass(x, 60000);
	tell_head(x, the_poll(x), 110);
	tell_event(x, the_poll(x), told_again(beat_event(D "/a", 10, 3000,
	    102), 50000));
	tell_head(x, the_poll(x), 110);
	tell_event(x, the_poll(x), told_again(beat_event(D "/a", 10, 3000,
	    103), 47000));
	assert_int_equal(instance_of(x, "a")->ttl_s, 10);
	/* Half of it was left when the member started. */
	tell_head(x, the_poll(x), 110);
	tell_event(x, the_poll(x), told_again(beat_event(D "/a", 10, 6000,
	    104), 5000));
	assert_int_equal(x->n, 0);
	watched_tell(x, expire_event(D "/a", 30000, 105));
	assert_int_equal(x->n, 1);
}

static void a_write_over_an_expired_key(void **state)
{
	struct watched *x = *state;
	struct etcd_event e;

	watched_start(x, KEYS(D "/a"));
	watched_pass(x, 10400);
	e = beat_event(D "/a", 10, 10400, 101);
	assert_true(e.prev.ttl <= 0);
	watched_tell(x, e);
	assert_int_equal(x->n, 2);
	seen_is(x, 0, "a", STATE_EXPIRED, CAUSE_EXPIRE);
	assert_int_equal(x->v[0].from, 10000);
	seen_is(x, 1, "a", STATE_UP, CAUSE_REGISTERED);
	assert_int_equal(x->v[1].from, 10400);

	/* And told again by a member that has started since. */
	watched_pass(x, 60000);
	watched_tell(x, told_again(beat_event(D "/a", 10, 10400, 102),
	    30000));
	assert_int_equal(x->n, 4);
	seen_is(x, 2, "a", STATE_EXPIRED, CAUSE_EXPIRE);
	/* A permanent one in its place. */
	e = beat_event(D "/a", 0, 0, 103);
	e.prev.has_expiration = true;
	e.prev.ttl = -1;
	e.prev.expiration = wall_add(clock_now(), -400);
	watched_tell(x, e);
	assert_int_equal(x->n, 6);
	assert_int_equal(instance_of(x, "a")->ttl_s, 0);
}

/* --- storms --- */

static void a_storm_is_held(void **state)
{
	struct watched *x = *state;

	watched_expire(x, 5, 16, 5);
	tell_head(x, the_poll(x), WATCHED_START + 5);
	assert_int_equal(x->n, 5);
	for (size_t k = 0; k < 5; k++) {
		assert_true(x->v[k].held);
		assert_int_equal(x->v[k].cause, CAUSE_EXPIRE);
	}
	assert_true(x->c->mass_vanish);
	watched_pass(x, 9999);
	assert_int_equal(x->c->held, 5);
	assert_true(x->c->mass_vanish);
	watched_pass(x, 1001);
	assert_int_equal(x->c->held, 0);
	watched_pass(x, 1000);
	assert_false(x->c->mass_vanish);
	counts_agree(x);
}

static void who_returns_is_held_no_more(void **state)
{
	struct watched *x = *state;

	watched_expire(x, 5, 5, 5);
	tell_head(x, the_poll(x), WATCHED_START + 5);
	assert_int_equal(x->c->held, 5);
	for (uint64_t k = 0; k < 5; k++) {
		char key[32];

		snprintf(key, sizeof(key), D "/%03u", (unsigned)k);
		watched_tell(x, write_event(key, 10, 106 + k));
	}
	assert_int_equal(x->c->held, 0);
	watched_pass(x, 1000);
	assert_false(x->c->mass_vanish);
}

static void a_few_are_no_storm(void **state)
{
	struct watched *x = *state;

	watched_expire(x, 5, 17, 5);
	tell_head(x, the_poll(x), WATCHED_START + 5);
	assert_int_equal(x->n, 5);
	assert_int_equal(x->c->held, 0);
	assert_false(x->c->mass_vanish);
}

static void deletions_never_count(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/1", D "/2", D "/3", D "/4", D "/5", D "/6",
	    D "/7", D "/8"));
	watched_tell(x, of_dir(gone_event(ETCD_DELETE, D, 101)));
	assert_int_equal(x->n, 8);
	assert_int_equal(x->c->held, 0);
	assert_false(x->c->mass_vanish);
}

static void a_directory_that_expires_is_a_storm(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/1", D "/2", D "/3", D "/4", D "/5"));
	watched_tell(x, of_dir(expire_event(D, 100, 101)));
	assert_int_equal(x->n, 5);
	assert_int_equal(x->c->held, 5);
	assert_true(x->c->mass_vanish);
}

/* The same one, again and again. */
static void one_that_flaps_is_no_storm(void **state)
{
	struct watched *x = *state;
	uint64_t index = 100;

	watched_start(x, KEYS(D "/a", D "/b", D "/c"));
	for (int k = 0; k < 8; k++) {
		watched_tell(x, expire_event(D "/a", 100, ++index));
		assert_false(x->c->mass_vanish);
		watched_pass(x, 500);
		watched_tell(x, write_event(D "/a", 1, ++index));
		watched_pass(x, 500);
	}
	assert_int_equal(x->c->held, 0);
}

/* --- outages --- */

static struct seen *expired(struct watched *x, const char *key,
    uint64_t index)
{
	size_t n = x->n;

	watched_tell(x, expire_event(key, 100, index));
	assert_int_equal(x->n, n + 1);
	return &x->v[n];
}

static void after_a_term_change(void **state)
{
	struct watched *x = *state;
	struct seen *s;

	watched_start(x, KEYS(D "/a", D "/b", D "/c", D "/d"));
	s = expired(x, D "/a", 101);
	assert_int_equal(s->cause, CAUSE_EXPIRE);
	assert_false(s->held);
	/* The next headers bring the term, before it is judged. */
	tell_event(x, the_poll(x), expire_event(D "/b", 100, 102));
	calls_meta.raft_term++;
	tell_head(x, the_poll(x), 102);
	assert_int_equal(x->v[1].cause, CAUSE_ETCD_OUTAGE);
	assert_true(x->v[1].held);
	assert_false(x->c->mass_vanish);
	watched_pass(x, 9000);
	s = expired(x, D "/c", 103);
	assert_int_equal(s->cause, CAUSE_ETCD_OUTAGE);
	assert_true(x->c->mass_vanish);		/* the second that is held */
	watched_pass(x, 1001);
	s = expired(x, D "/d", 104);
	assert_int_equal(s->cause, CAUSE_EXPIRE);
	assert_false(s->held);
}

/* Those of one election too, a full second of the clock in between. */
static void an_outage_lets_go_together(void **state)
{
	struct watched *x = *state;
	mono_t until;

	watched_start(x, KEYS(D "/a", D "/b", D "/c"));
	calls_meta.raft_term++;
	tell_head(x, the_poll(x), 100);
	watched_pass(x, 990);
	assert_true(expired(x, D "/a", 101)->held);
	until = instance_rare(instance_of(x, "a"))->held_until;
	watched_pass(x, 20);
	assert_true(expired(x, D "/b", 102)->held);
	assert_int_equal(instance_rare(instance_of(x, "b"))->
	    held_until.ms, until.ms);
}

static void without_a_leader(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a", D "/b", D "/c"));
	watched_probe_all(x, PROBED_NO_LEADER);
	watched_pass(x, 60000);
	assert_int_equal(expired(x, D "/a", 101)->cause, CAUSE_ETCD_OUTAGE);
	watched_probe_all(x, PROBED_LEADER);
	watched_pass(x, 0);
	watched_pass(x, 30000);
	assert_int_equal(expired(x, D "/b", 102)->cause, CAUSE_EXPIRE);
}

/* That a probe failed says nothing of the leader. */
static void without_an_answer(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a", D "/b", D "/c"));
	calls_meta.raft_term++;			/* days ago */
	watched_tell(x, beat_event(D "/c", 10, 3000, 101));
	watched_pass(x, 60000);
	watched_probe_all(x, PROBED_NOTHING);
	assert_int_equal(expired(x, D "/a", 102)->cause, CAUSE_EXPIRE);
}

static void deletions_in_an_outage(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a", D "/b", D "/c"));
	calls_meta.raft_term++;
	watched_tell(x, gone_event(ETCD_DELETE, D "/a", 101));
	watched_tell(x, of_dir(gone_event(ETCD_DELETE, D, 102)));
	seen_is(x, 0, "a", STATE_DEREGISTERED, CAUSE_DELETE);
	assert_int_equal(x->v[1].cause, CAUSE_DIR_DELETE);
	assert_int_equal(x->c->held, 0);
	assert_false(x->c->mass_vanish);
}

/* --- once each --- */

/* The key and then its directory, in one batch. */
static void each_leaves_once(void **state)
{
	struct watched *x = *state;
	struct etcd_event deleted[] = {
		gone_event(ETCD_DELETE, D "/a", 101),
		of_dir(gone_event(ETCD_DELETE, D, 102)),
	};
	struct etcd_event expire[] = {
		expire_event(D "/c", 100, 105),
		of_dir(expire_event(D, 100, 106)),
		of_dir(expire_event("/", 100, 107)),
	};

	watched_start(x, KEYS(D "/a", D "/b"));
	watched_burst(x, deleted, 2);
	assert_int_equal(x->n, 2);
	seen_is(x, 0, "a", STATE_DEREGISTERED, CAUSE_DELETE);
	seen_is(x, 1, "b", STATE_DEREGISTERED, CAUSE_DIR_DELETE);
	counts_agree(x);
	watched_tell(x, write_event(D "/c", 10, 103));
	watched_tell(x, write_event(D "/d", 10, 104));
	x->n = 0;
	watched_burst(x, expire, 3);
	assert_int_equal(x->n, 2);
	seen_is(x, 0, "c", STATE_EXPIRED, CAUSE_EXPIRE);
	seen_is(x, 1, "d", STATE_EXPIRED, CAUSE_DIR_EXPIRE);
	assert_int_equal(instance_of(x, "c")->expirations, 1);
	counts_agree(x);
}

/* Four that are told twice are not eight. */
static void told_twice_is_no_storm(void **state)
{
	struct watched *x = *state;
	struct etcd_event v[] = {
		expire_event(D "/a", 100, 101),
		expire_event(D "/b", 100, 102),
		of_dir(expire_event(D, 100, 103)),
	};

	watched_start(x, KEYS(D "/a", D "/b", D "/c", D "/d"));
	watched_burst(x, v, 3);
	assert_int_equal(x->n, 4);
	assert_int_equal(x->c->held, 0);
}

static void two_keys_one_identity(struct watched *x)
{
	pattern_free(x->d->config->pattern);
	x->d->config->pattern = pattern_compile("{zone}/{instance_id}", NULL);
	watched_start(x, KEYS(D "/x/a", D "/y/a", D "/z/a"));
	assert_int_equal(x->d->bad_keys, 2);
	assert_string_equal(names_key(instance_of(x, "a")->names),
	    D "/x/a");
}

static void a_rival_takes_over(void **state)
{
	struct watched *x = *state;

	two_keys_one_identity(x);
	watched_tell(x, gone_event(ETCD_DELETE, D "/z/a", 101));
	watched_tell(x, expire_event(D "/x/a", 100, 102));
	assert_int_equal(x->n, 0);
	assert_string_equal(names_key(instance_of(x, "a")->names),
	    D "/y/a");
	watched_tell(x, expire_event(D "/y/a", 100, 103));
	assert_int_equal(x->n, 1);
	counts_agree(x);
}

static void rivals_go_with_their_directory(void **state)
{
	struct watched *x = *state;
	struct etcd_event v[] = {
		of_dir(gone_event(ETCD_DELETE, D "/y", 101)),
		of_dir(gone_event(ETCD_DELETE, D "/x", 102)),
	};

	two_keys_one_identity(x);
	watched_burst(x, v, 2);
	assert_int_equal(x->n, 0);
	assert_string_equal(names_key(instance_of(x, "a")->names),
	    D "/z/a");
	/* One that was in such a directory may come again. */
	watched_tell(x, write_event(D "/x/a", 10, 103));
	watched_tell(x, gone_event(ETCD_DELETE, D "/z/a", 104));
	assert_string_equal(names_key(instance_of(x, "a")->names),
	    D "/x/a");
	watched_tell(x, write_event(D "/y/a", 10, 105));
	watched_tell(x, of_dir(gone_event(ETCD_DELETE, D, 106)));
	assert_int_equal(x->n, 1);
	assert_null(instance_of(x, "a"));
	counts_agree(x);
}

/* A service that moves from one directory to another. */
static void vanished_here_and_back_there(void **state)
{
	struct watched *x = *state;
	char *urls[] = { xstrdup("http://127.0.0.1:1") };
	char *paths[] = { xstrdup(D), xstrdup("/new") };
	struct string_list endpoints = { urls, 1 }, directories = { paths, 2 };
	struct problems p = { 0 };
	struct config *config = config_from_flags(&endpoints, &directories,
	    &p);
	struct watcher *old;
	struct directory *other;

	config_directory(config_cluster(config, 0), 1)->service_name =
	    xstrdup("login_servers");
	watched_start(x, KEYS(D "/a", D "/b"));
	registry_configure(x->f.registry, config);
	config_unref(config);
	other = registry_directory(x->c, "/new");
	watched_tell(x, expire_event(D "/a", 100, 101));
	assert_int_equal(x->d->vanished, 1);
	old = x->w;
	x->w = watcher_new(x->loop, other, x->storm);
	watched_pass(x, 0);
	tell_listing(x, 110, &(struct nodes){ .missing = true });
	tell_head(x, the_poll(x), 110);
	tell_event(x, the_poll(x), write_event("/new/a", 10, 111));
	assert_ptr_equal(instance_of(x, "a")->directory, other);
	assert_int_equal(x->d->vanished, 0);
	assert_int_equal(other->vanished, 0);
	counts_agree(x);
	tell_event(x, the_poll(x), expire_event("/new/a", 100, 112));
	tell_head(x, the_poll(x), 112);
	assert_int_equal(other->vanished, 1);
	registry_tick(x->f.registry, clock_mono());
	watched_flush(x);
	assert_int_equal(state_of_instance(x, "a"), STATE_EXPIRED);
	watcher_free(old);
	free(urls[0]);
	free(paths[0]);
	free(paths[1]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, watched_setup, \
	teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whose_event),
		TEST(others_change_nothing),
		TEST(a_write_goes_in_at_once),
		TEST(a_leave_goes_in_with_the_headers),
		TEST(in_order),
		TEST(a_pending_batch_survives_the_end),
		TEST(the_log_tells_each),
		TEST(what_an_action_means),
		TEST(a_directory_with_a_ttl),
		TEST(times_of_an_expiry),
		TEST(times_by_our_clock),
		TEST(times_of_what_history_tells),
		TEST(live_events_happened_now),
		TEST(a_heartbeat_told_again_is_none),
		TEST(a_write_over_an_expired_key),
		TEST(a_storm_is_held),
		TEST(who_returns_is_held_no_more),
		TEST(a_few_are_no_storm),
		TEST(deletions_never_count),
		TEST(a_directory_that_expires_is_a_storm),
		TEST(one_that_flaps_is_no_storm),
		TEST(after_a_term_change),
		TEST(an_outage_lets_go_together),
		TEST(without_a_leader),
		TEST(without_an_answer),
		TEST(deletions_in_an_outage),
		TEST(each_leaves_once),
		TEST(told_twice_is_no_storm),
		TEST(a_rival_takes_over),
		TEST(rivals_go_with_their_directory),
		TEST(vanished_here_and_back_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
