/* collectors/leave.c and how batch.c drains: many that leave together.
 *	judged at once, the alert of the storm first; then so many in a turn
 *	what comes meanwhile, breaks, listings and the end
 *	how far the directory is applied, turn by turn
 *	those on their way out are not up any more for the next judgement
 *	random events in random turns: never but what they tell, in order */
#include "collectors/leave.c"

#include "core/timer.h"
#include "tests/unit/collectors/watched.h"
#include "tests/unit/seeded.h"

enum { MANY = 1000, SLICES = (MANY + EVENT_SLICE - 1) / EVENT_SLICE };

static char keys[MANY][32];
static enum event_type first_event;	/* CLUSTER or INSTANCE, the first */

static void on_event(void *arg, const struct event *e)
{
	(void)arg;
	if (first_event == EVENT_TYPES &&
	    (e->type == EVENT_CLUSTER || e->type == EVENT_INSTANCE))
		first_event = e->type;
}

static void turn(struct watched *x)
{
	timers_run(loop_timers(x->loop), clock_mono());
	watched_flush(x);
}

static int setup(void **state)
{
	struct event_sink sink = { "order", on_event, NULL, NULL };
	struct watched *x = xmalloc(sizeof(*x));
	struct nodes *l = xcalloc(1, sizeof(*l));

	watched_init(x, 1);
	event_bus_add(x->f.bus, &sink);
	watched_start(x, NULL);
	for (unsigned k = 0; k < MANY; k++) {
		snprintf(keys[k], sizeof(keys[k]), D "/%04u", k);
		add_node(l, node(keys[k], 10, 50));
	}
	sync_list(x->w);
	tell_listing(x, WATCHED_START, l);
	while (x->w->listing.ready)
		turn(x);
	assert_int_equal(x->c->up, MANY);
	free(l);
	x->n = 0;
	first_event = EVENT_TYPES;
	*state = x;
	return 0;
}

static void all_expire(struct watched *x, uint64_t index)
{
	tell_event(x, the_poll(x), of_dir(expire_event(D, 100, index)));
	tell_head(x, the_poll(x), index);
}

/* The first n of those seen are all of them, each once. */
static void each_once(const struct watched *x, size_t n)
{
	bool seen[MANY] = { false };

	assert_true(x->n >= n);
	for (size_t k = 0; k < n; k++) {
		size_t number = strtoul(x->v[k].id, NULL, 10);

		assert_int_not_equal(x->v[k].state, STATE_UP);
		assert_false(seen[number]);
		seen[number] = true;
	}
}

static unsigned turns_until_idle(struct watched *x)
{
	unsigned turns = 0;

	for (; !batch_idle(x->w); turns++) {
		size_t before = x->n;

		turn(x);
		assert_in_range(x->n - before, 1, EVENT_SLICE);
	}
	return turns;
}

/* --- slices --- */

static void so_many_in_a_turn(void **state)
{
	struct watched *x = *state;

	all_expire(x, 101);
	assert_int_equal(x->n, EVENT_SLICE);
	assert_int_equal(first_event, EVENT_CLUSTER);
	assert_true(x->c->mass_vanish);
	assert_int_equal(x->c->held, EVENT_SLICE);
	assert_int_equal(x->c->leaving, MANY - EVENT_SLICE);
	/* Not over, though those held might be let go one day. */
	registry_tick(x->f.registry, clock_mono());
	assert_true(x->c->mass_vanish);
	assert_int_equal(turns_until_idle(x), SLICES - 1);
	assert_int_equal(x->n, MANY);
	each_once(x, MANY);
	assert_int_equal(x->c->held, MANY);
	assert_int_equal(x->c->leaving, 0);
	assert_int_equal(x->d->applied_index, 101);
	counts_agree(x);
}

static void what_comes_meanwhile_waits(void **state)
{
	struct watched *x = *state;

	all_expire(x, 101);
	tell_event(x, the_poll(x), write_event(D "/0007", 10, 102));
	tell_event(x, the_poll(x), write_event(D "/0008", 10, 103));
	tell_event(x, the_poll(x), gone_event(ETCD_DELETE, D "/0007", 104));
	tell_head(x, the_poll(x), 104);
	turns_until_idle(x);
	each_once(x, MANY);
	assert_int_equal(x->n, MANY + 3);
	seen_is(x, MANY, "0007", STATE_UP, CAUSE_REGISTERED);
	seen_is(x, MANY + 1, "0008", STATE_UP, CAUSE_REGISTERED);
	seen_is(x, MANY + 2, "0007", STATE_DEREGISTERED, CAUSE_DELETE);
	assert_int_equal(x->d->applied_index, 104);
	counts_agree(x);
}

/* A leave that waits for its judgement does not hold up those judged. */
static void judged_one_after_the_other(void **state)
{
	struct watched *x = *state;

	all_expire(x, 101);
	tell_event(x, the_poll(x), write_event(D "/0007", 10, 102));
	tell_event(x, the_poll(x), gone_event(ETCD_DELETE, D "/0007", 103));
	for (unsigned k = 1; k < SLICES; k++)
		turn(x);
	assert_int_equal(x->n, MANY + 1);
	assert_int_equal(x->d->applied_index, 102);
	tell_head(x, the_poll(x), 103);
	assert_int_equal(x->n, MANY + 2);
	assert_true(batch_idle(x->w));
	assert_int_equal(x->d->applied_index, 103);
}

/* What a crash would leave to be told again begins behind what is applied. */
static void how_far_it_is_applied(void **state)
{
	struct watched *x = *state;

	tell_event(x, the_poll(x), expire_event(D "/0003", 100, 101));
	tell_event(x, the_poll(x), write_event(D "/0003", 10, 102));
	assert_int_equal(x->d->applied_index, WATCHED_START);
	all_expire(x, 103);
	seen_is(x, 0, "0003", STATE_EXPIRED, CAUSE_EXPIRE);
	seen_is(x, 1, "0003", STATE_UP, CAUSE_REGISTERED);
	while (!batch_idle(x->w)) {
		assert_int_equal(x->d->applied_index, 102);
		turn(x);
	}
	assert_int_equal(x->d->applied_index, 103);
	assert_int_equal(x->n, 2 + MANY);
}

/* --- what comes between --- */

static void the_end_finishes_it(void **state)
{
	struct watched *x = *state;

	all_expire(x, 101);
	assert_int_equal(x->n, EVENT_SLICE);
	watcher_free(x->w);
	x->w = NULL;
	watched_flush(x);
	assert_int_equal(x->n, MANY);
	each_once(x, MANY);
	assert_int_equal(x->d->applied_index, 101);
	assert_int_equal(x->c->leaving, 0);
}

static void a_break_changes_nothing(void **state)
{
	struct watched *x = *state;

	all_expire(x, 101);
	tell_failure(x, the_poll(x), FETCH_BROKEN);
	turns_until_idle(x);
	assert_int_equal(x->n, MANY);
	each_once(x, MANY);
	watched_pass(x, 200);
	assert_int_equal(the_poll(x)->wait_index, 102);
	counts_agree(x);
}

/* History is gone meanwhile: the listing waits until they have left. */
static void a_listing_waits(void **state)
{
	struct watched *x = *state;

	all_expire(x, 101);
	tell_error(x, the_poll(x), ETCD_INDEX_CLEARED, 2000);
	turn(x);
	tell_listing(x, 2000, &(struct nodes){ .missing = true });
	assert_true(x->w->listing.ready);
	turns_until_idle(x);
	assert_false(x->w->listing.ready);
	assert_int_equal(x->n, MANY);
	for (size_t k = 0; k < MANY; k++)
		assert_int_equal(x->v[k].cause, CAUSE_DIR_EXPIRE);
	assert_true(x->w->in_sync);
}

static void by_a_listing(void **state)
{
	struct watched *x = *state;

	sync_list(x->w);
	tell_listing(x, WATCHED_START, &(struct nodes){ .missing = true });
	for (size_t before = x->n; x->w->listing.ready; before = x->n) {
		assert_int_equal(x->c->held + x->c->leaving, MANY);
		turn(x);
		assert_in_range(x->n - before, 0, 2 * EVENT_SLICE);
	}
	assert_int_equal(first_event, EVENT_CLUSTER);
	assert_int_equal(x->n, MANY);
	each_once(x, MANY);
	seen_is(x, 0, x->v[0].id, STATE_LOST, CAUSE_DIFF);
	assert_int_equal(x->c->held, MANY);
	assert_int_equal(x->c->leaving, 0);
	counts_agree(x);
}

/* One whom an event tells of before his turn comes does not leave. */
static void who_is_back_before_his_turn(void **state)
{
	struct watched *x = *state;

	sync_list(x->w);
	tell_listing(x, WATCHED_START, &(struct nodes){ .missing = true });
	assert_true(x->w->listing.ready);
	for (unsigned k = 0; k < MANY; k++)
		if (state_of_instance(x, keys[k] + sizeof(D)) == STATE_UP) {
			tell_event(x, the_poll(x), beat_event(keys[k], 10,
			    3000, 101));
			break;
		}
	while (x->w->listing.ready)
		turn(x);
	assert_int_equal(x->n, MANY - 1);
	each_once(x, MANY - 1);
	assert_int_equal(x->c->up, 1);
	assert_int_equal(x->c->leaving, 0);
}

/* Those who are on their way out already do not leave by a listing as well. */
static void nobody_leaves_twice(void **state)
{
	struct watched *x = *state;
	struct storm_case c = { 0 };
	size_t cursor = 0;
	void *value;

	all_expire(x, 101);
	while (table_next(x->d->by_key, &cursor, NULL, &value)) {
		struct leave l = { .instance = value, .cause = CAUSE_DIFF };

		leave_add(x->w, &l);
		leave_one(x->w, &c, &l, false);
	}
	assert_int_equal(x->w->leaves.n, MANY);
	assert_int_equal(x->n, EVENT_SLICE);
	turns_until_idle(x);
	assert_int_equal(x->n, MANY);
	each_once(x, MANY);
}

/* --- the next judgement --- */

/* 250 of 1000 are no storm; with 60 more they are 31 %. */
static void who_is_leaving_is_not_up(void **state)
{
	struct watched *x = *state;
	uint64_t index = 100;

	for (unsigned k = 0; k < 250; k++)
		tell_event(x, the_poll(x), expire_event(keys[k], 100,
		    ++index));
	tell_head(x, the_poll(x), index);
	assert_int_equal(x->n, EVENT_SLICE);
	assert_int_equal(x->c->leaving, 250 - EVENT_SLICE);
	assert_int_equal(leave_up(x->c), 750);
	for (unsigned k = 250; k < 310; k++)
		tell_event(x, the_poll(x), expire_event(keys[k], 100,
		    ++index));
	tell_head(x, the_poll(x), index);
	turns_until_idle(x);
	assert_int_equal(x->n, 310);
	assert_int_equal(x->c->held, 60);
	assert_true(x->c->mass_vanish);
	assert_int_equal(leave_up(x->c), 690);
}

/* --- whatever comes, whenever --- */

/* What is to be seen of one key, in order. */
struct story {
	struct {
		enum state state;
		uint64_t index;
	} v[64];
	size_t n, told;
	bool up;
};

static void expect(struct story *s, enum state state, uint64_t index)
{
	assert_true(s->n < 64);
	s->v[s->n].state = state;
	s->v[s->n++].index = index;
	s->up = state == STATE_UP;
}

static void random_event(struct watched *x, struct story *stories,
    size_t n, uint64_t index)
{
	size_t k = seeded_below(n), what = seeded_below(60);
	struct etcd_event e;

	if (what == 0) {
		e = of_dir(expire_event(D, 100, index));
		for (size_t i = 0; i < n; i++)
			if (stories[i].up)
				expect(&stories[i], STATE_EXPIRED, index);
	} else if (!stories[k].up) {
		e = write_event(keys[k], 10, index);
		expect(&stories[k], STATE_UP, index);
	} else if (what < 10) {
		e = expire_event(keys[k], 100, index);
		expect(&stories[k], STATE_EXPIRED, index);
	} else if (what < 20) {
		e = gone_event(ETCD_DELETE, keys[k], index);
		expect(&stories[k], STATE_DEREGISTERED, index);
	} else {
		e = beat_event(keys[k], 10, 3000, index);
	}
	tell_event(x, the_poll(x), e);
}

static void happened_as_told(const struct watched *x, struct story *stories)
{
	for (size_t k = 0; k < x->n; k++) {
		struct story *s = &stories[strtoul(x->v[k].id, NULL, 10)];

		assert_true(s->told < s->n);
		assert_int_equal(x->v[k].state, s->v[s->told].state);
		assert_int_equal(x->v[k].index, s->v[s->told].index);
		s->told++;
	}
}

/* Every key has the history that the events told, in their order, however
 * they were cut into batches and turns. */
static void random_bursts(void **state)
{
	struct watched *x = *state;
	struct story *stories = xcalloc(MANY, sizeof(*stories));
	uint64_t index = WATCHED_START;

	seeded_start();
	for (size_t k = 0; k < MANY; k++)
		stories[k].up = true;
	for (unsigned step = 0; step < 300; step++) {
		random_event(x, stories, MANY, ++index);
		assert_true(x->d->applied_index <= index);
		if (seeded_below(3) == 0)
			tell_head(x, the_poll(x), index + seeded_below(2));
		if (seeded_below(3) == 0)
			turn(x);
		if (seeded_below(9) == 0)
			watched_pass(x, (int64_t)seeded_below(12));
	}
	tell_head(x, the_poll(x), index);
	while (!batch_idle(x->w))
		turn(x);
	assert_int_equal(x->d->applied_index, index);
	happened_as_told(x, stories);
	for (size_t k = 0; k < MANY; k++)
		assert_int_equal(stories[k].told, stories[k].n);
	assert_int_equal(x->c->leaving, 0);
	counts_agree(x);
	free(stories);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, \
	watched_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(so_many_in_a_turn),
		TEST(what_comes_meanwhile_waits),
		TEST(judged_one_after_the_other),
		TEST(how_far_it_is_applied),
		TEST(the_end_finishes_it),
		TEST(a_break_changes_nothing),
		TEST(a_listing_waits),
		TEST(by_a_listing),
		TEST(who_is_back_before_his_turn),
		TEST(nobody_leaves_twice),
		TEST(who_is_leaving_is_not_up),
		TEST(random_bursts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
