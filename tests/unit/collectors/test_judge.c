/* collectors/judge.c: when the leaves of a batch are judged.
 *	with the headers that show nothing more to come, or too little
 *	when more is said to come and nothing does, though etcd answers
 *	when it does not end; when no headers come
 *	what is still to come is reckoned with
 *	turns in which nothing could be read do not count */
#include "collectors/judge.c"

#include "core/timer.h"
#include "tests/unit/collectors/watched.h"

/* The next of those that watched_expire() began with. */
static void next_expires(struct watched *x)
{
	uint64_t index = x->w->reached + 1;
	char key[32];

	snprintf(key, sizeof(key), D "/%03u",
	    (unsigned)(index - WATCHED_START - 1));
	tell_event(x, the_poll(x), expire_event(key, 100, index));
}

/* One turn of a loop that was held up for so long before it. */
static void stalled_turn(struct watched *x, int64_t ms)
{
	clock_advance(ms);
	timers_run(loop_timers(x->loop), clock_mono());
	watched_flush(x);
}

/* The other nineteen expire: all are told, and held. */
static void the_rest_expires(struct watched *x)
{
	for (unsigned k = 1; k < 20; k++) {
		next_expires(x);
		tell_head(x, the_poll(x), WATCHED_START + 20);
	}
	assert_int_equal(x->n, 20);
	assert_int_equal(x->c->held, 20);
}

/* Nothing comes, and etcd, asked for its index in between, answers. */
static void silence(struct watched *x)
{
	watched_pass(x, TICK_MS);
	tell_asked_index(x, x->w->store_index);
	watched_pass(x, QUIET_TICKS * TICK_MS);
}

/* --- nothing more to come --- */

static void with_the_headers(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a", D "/b", D "/c", D "/d", D "/e"));
	tell_event(x, the_poll(x), expire_event(D "/a", 200, 101));
	watched_pass(x, 3);
	assert_int_equal(x->n, 0);
	tell_head(x, the_poll(x), 101);
	assert_int_equal(x->n, 1);
	assert_false(x->w->judging);
}

/* Four that left and what is to come would be no storm: no need to wait. */
static void too_little_is_to_come(void **state)
{
	struct watched *x = *state;

	watched_expire(x, 4, 100, 0);
	tell_head(x, the_poll(x), WATCHED_START + 29);
	assert_int_equal(x->n, 4);
	assert_int_equal(x->c->held, 0);
}

static void enough_may_come(void **state)
{
	struct watched *x = *state;

	watched_expire(x, 4, 100, 0);
	tell_head(x, the_poll(x), WATCHED_START + 30);
	assert_int_equal(x->n, 0);
	silence(x);
	assert_int_equal(x->n, 4);
	assert_int_equal(x->c->held, 0);
}

/* Those who left before make up the storm as well. */
static void with_those_who_left_before(void **state)
{
	struct watched *x = *state;

	watched_expire(x, 20, 100, 0);
	tell_head(x, the_poll(x), WATCHED_START + 20);
	assert_int_equal(x->n, 20);
	next_expires(x);
	tell_head(x, the_poll(x), WATCHED_START + 29);
	assert_int_equal(x->n, 21);
	next_expires(x);
	tell_head(x, the_poll(x), WATCHED_START + 30);
	assert_int_equal(x->n, 21);
	silence(x);
	assert_int_equal(x->n, 22);
	assert_int_equal(x->c->held, 0);
}

/* What is below a directory is not known before it is opened. */
static void a_directory_may_be_a_storm(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/1", D "/2", D "/3", D "/4", D "/5"));
	tell_event(x, the_poll(x), of_dir(expire_event(D, 100, 101)));
	tell_head(x, the_poll(x), 102);
	assert_int_equal(x->n, 0);
	silence(x);
	assert_int_equal(x->n, 5);
	assert_int_equal(x->c->held, 5);
}

/* --- more is said to come --- */

/* It may be anywhere in the store. */
static void soon_after_headers_without_an_event(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a"));
	tell_event(x, the_poll(x), expire_event(D "/a", 200, 101));
	tell_head(x, the_poll(x), 170);
	watched_pass(x, TICK_MS - 1);
	assert_null(x->w->asks_index);
	watched_pass(x, 1);
	tell_asked_index(x, 180);
	watched_pass(x, QUIET_TICKS * TICK_MS - 1);
	assert_int_equal(x->n, 0);
	watched_pass(x, 1);
	assert_int_equal(x->n, 1);
	assert_int_equal(calls_made[CALLED_INDEX], 1);
}

/* An etcd that has no time for anything is silent, too. */
static void silence_of_an_etcd_that_is_held_up(void **state)
{
	struct watched *x = *state;

	watched_expire(x, 1, 20, 0);
	tell_head(x, the_poll(x), WATCHED_START + 20);
	watched_pass(x, 60);
	assert_int_equal(x->n, 0);
	the_rest_expires(x);
}

/* What was asked before the headers came is answered behind them. */
static void an_answer_from_before_the_silence(void **state)
{
	struct watched *x = *state;

	watched_expire(x, 1, 20, 0);
	poll_ask_index(x->w);
	tell_head(x, the_poll(x), WATCHED_START + 20);
	watched_pass(x, 20);
	tell_asked_index(x, WATCHED_START + 20);
	watched_pass(x, 60);
	assert_int_equal(x->n, 0);
	tell_asked_index(x, WATCHED_START + 20);
	watched_pass(x, QUIET_TICKS * TICK_MS);
	assert_int_equal(x->n, 1);
}

static void an_answer_without_an_index(void **state)
{
	struct watched *x = *state;

	watched_expire(x, 1, 20, 0);
	tell_head(x, the_poll(x), WATCHED_START + 20);
	watched_pass(x, 50);
	tell_outcome(x, x->w->asks_index, ETCD_BAD);
	watched_pass(x, QUIET_TICKS * TICK_MS - 1);
	assert_int_equal(x->n, 0);
	watched_pass(x, 1);
	assert_int_equal(x->n, 1);
}

static void it_never_answers(void **state)
{
	struct watched *x = *state;

	watched_expire(x, 1, 20, 0);
	tell_head(x, the_poll(x), WATCHED_START + 20);
	watched_pass(x, 50);
	tell_asked_index(x, 0);
	watched_pass(x, WAITED_TICKS * TICK_MS - 51);
	assert_int_equal(x->n, 0);
	watched_pass(x, 1);
	assert_int_equal(x->n, 1);
	assert_int_equal(calls_made[CALLED_INDEX], 1);
}

static void what_others_write_is_no_burst(void **state)
{
	struct watched *x = *state;

	watched_expire(x, 4, 100, 0);
	tell_head(x, the_poll(x), WATCHED_START + 900);
	silence(x);
	assert_int_equal(x->n, 4);
	assert_int_equal(x->c->held, 0);
}

/* The other events of the store are anything but leaves of ours. */
static void other_events_are_no_leaves(void **state)
{
	struct watched *x = *state;

	watched_expire(x, 1, 100, 0);
	tell_event(x, the_poll(x), beat_event(D "/050", 10, 3000, 200));
	tell_head(x, the_poll(x), 300);
	silence(x);
	assert_int_equal(x->n, 1);
	assert_int_equal(x->c->held, 0);
}

/* --- it does not end --- */

/* Judged after 50 ms, when only some of the hundred have been told. */
static void a_burst_is_judged_by_its_length(void **state)
{
	struct watched *x = *state;

	watched_expire(x, 1, 100, 0);
	while (x->n == 0) {
		tell_head(x, the_poll(x), WATCHED_START + 100);
		watched_pass(x, 2);
		next_expires(x);
	}
	assert_in_range(x->n, 20, 29);
	assert_int_equal(x->c->held, x->n);
	assert_int_equal(since_start(clock_now()), HEARD_TICKS * TICK_MS);
}

static void events_that_go_on_do_not_put_it_off(void **state)
{
	struct watched *x = *state;
	uint64_t index = 101;

	watched_start(x, KEYS(D "/a"));
	tell_event(x, the_poll(x), expire_event(D "/a", 200, index));
	while (x->n == 0 && index < 200) {
		tell_head(x, the_poll(x), 300);
		watched_pass(x, 3);
		tell_event(x, the_poll(x), beat_event(D "/c", 10, 2,
		    ++index));
	}
	assert_int_equal(since_start(clock_now()), 51);
	assert_int_equal(x->n, 2);
	seen_is(x, 0, "a", STATE_EXPIRED, CAUSE_EXPIRE);
	seen_is(x, 1, "c", STATE_UP, CAUSE_REGISTERED);
}

static void when_no_headers_come(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a", D "/b"));
	tell_event(x, the_poll(x), expire_event(D "/a", 200, 101));
	watched_pass(x, WAITED_TICKS * TICK_MS - 1);
	assert_int_equal(x->n, 0);
	watched_pass(x, 1);
	assert_int_equal(x->n, 1);
}

/* --- held up --- */

/* All 100 are there to be read, and each turn comes late. */
static void turns_that_come_late_count_once(void **state)
{
	struct watched *x = *state;
	unsigned turns = 0;

	watched_expire(x, 1, 100, 0);
	while (x->n == 0) {
		stalled_turn(x, 100);
		turns++;
		if (x->n > 0)
			break;
		tell_head(x, the_poll(x), WATCHED_START + 100);
		next_expires(x);
	}
	assert_int_equal(turns, HEARD_TICKS);
	assert_int_equal(x->n, turns);
	assert_int_equal(x->c->held, x->n);
	assert_true(x->c->mass_vanish);
}

/* The headers came, and before what is behind them was read the process was
 * held up: that is no silence. */
static void silence_is_not_believed_at_once(void **state)
{
	struct watched *x = *state;

	watched_expire(x, 1, 20, 0);
	tell_head(x, the_poll(x), WATCHED_START + 20);
	stalled_turn(x, 400);
	assert_int_equal(x->n, 0);
	the_rest_expires(x);
}

/* etcd was busy with the rest of them before it answered. */
static void headers_that_come_late_are_waited_for(void **state)
{
	struct watched *x = *state;

	watched_expire(x, 1, 20, 0);
	watched_pass(x, 150);
	assert_int_equal(x->n, 0);
	for (unsigned k = 1; k < 20; k++) {
		tell_head(x, the_poll(x), WATCHED_START + 20);
		next_expires(x);
	}
	tell_head(x, the_poll(x), WATCHED_START + 20);
	assert_int_equal(x->n, 20);
	assert_int_equal(x->c->held, 20);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, watched_setup, \
	watched_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(with_the_headers),
		TEST(too_little_is_to_come),
		TEST(enough_may_come),
		TEST(with_those_who_left_before),
		TEST(a_directory_may_be_a_storm),
		TEST(soon_after_headers_without_an_event),
		TEST(silence_of_an_etcd_that_is_held_up),
		TEST(an_answer_from_before_the_silence),
		TEST(an_answer_without_an_index),
		TEST(it_never_answers),
		TEST(what_others_write_is_no_burst),
		TEST(other_events_are_no_leaves),
		TEST(a_burst_is_judged_by_its_length),
		TEST(events_that_go_on_do_not_put_it_off),
		TEST(when_no_headers_come),
		TEST(turns_that_come_late_count_once),
		TEST(silence_is_not_believed_at_once),
		TEST(headers_that_come_late_are_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
