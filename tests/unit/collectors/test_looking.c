/* collectors/looking.c and the choice of a member in collectors/watcher.c:
 *	what it takes to be looked at
 *	without a leader nothing is looked at, at once
 *	what another member mends within 3 s was no break
 *	a member that hangs, lags, or belongs to another cluster
 *	until when watching is proved
 *	a reload, a cluster that was rebuilt */
#include "collectors/looking.c"

#include "tests/unit/collectors/watched.h"

/* The new chain is taken up: headers, a listing, compared. */
static void take_up(struct watched *x, uint64_t index)
{
	tell_head(x, the_poll(x), index);
	watched_list(x, index);
}

/* --- what it takes --- */

static void all_of_it(void **state)
{
	struct watched *x = *state;

	x->w = watcher_new(x->loop, x->d, x->storm);
	watched_pass(x, 0);
	tell_listing(x, 100, &(struct nodes){ .missing = true });
	assert_false(x->d->looking);
	watched_probe(x, 0, PROBED_LEADER);
	assert_false(x->d->looking);		/* no headers yet */
	tell_head(x, the_poll(x), 100);
	assert_true(x->d->looking);
	assert_int_equal(x->looked, 1);
}

static void the_probe_comes_last(void **state)
{
	struct watched *x = *state;

	x->w = watcher_new(x->loop, x->d, x->storm);
	watched_pass(x, 0);
	tell_listing(x, 100, &(struct nodes){ .missing = true });
	tell_head(x, the_poll(x), 100);
	assert_false(x->d->looking);
	watched_probe(x, 0, PROBED_NO_LEADER);
	assert_false(x->d->looking);
	watched_probe(x, 0, PROBED_LEADER);
	/* There may have been an outage: list again first. */
	if (!x->d->looking) {
		watched_pass(x, 0);
		take_up(x, 100);
	}
	assert_true(x->d->looking);
}

/* Headers of the next poll are not waited for: it stays in place. */
static void between_two_polls(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a"));
	tell_event(x, the_poll(x), beat_event(D "/a", 10, 3000, 101));
	watched_probe_all(x, PROBED_LEADER);
	assert_true(x->d->looking);
	assert_int_equal(x->looked, 0);
}

/* --- leaders --- */

static void without_a_leader_at_once(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a"));
	watched_seconds(x, 5);
	watched_probe(x, 0, PROBED_NO_LEADER);
	assert_false(x->d->looking);
	assert_int_equal(x->looked, 1);
	/* It comes back: only a listing through the quorum tells. */
	watched_pass(x, 1000);
	watched_probe(x, 0, PROBED_LEADER);
	assert_false(x->d->looking);
	assert_int_equal(x->d->resyncs[RESYNC_LEADER], 1);
	watched_pass(x, 0);
	tell_head(x, the_poll(x), 100);
	assert_false(x->d->looking);
	assert_true(x->w->list->quorum);
	watched_list(x, 100);
	assert_true(x->d->looking);
	assert_int_equal(x->n, 0);
}

static void when_nobody_has_a_leader(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a"));
	assert_int_equal(asked_member(x), 0);
	watched_probe(x, 0, PROBED_NO_LEADER);
	watched_pass(x, 0);
	assert_int_equal(asked_member(x), 1);
	assert_true(x->d->looking);
	watched_probe(x, 1, PROBED_NO_LEADER);
	watched_pass(x, 0);
	assert_int_equal(asked_member(x), 2);
	assert_true(x->d->looking);
	watched_probe(x, 2, PROBED_NO_LEADER);
	assert_false(x->d->looking);
	watched_pass(x, 1000);
	watched_probe(x, 1, PROBED_LEADER);
	watched_probe(x, 2, PROBED_NO_LEADER);
	watched_pass(x, 0);
	assert_int_equal(asked_member(x), 1);
	take_up(x, 100);
	assert_true(x->d->looking);
	assert_int_equal(x->looked, 2);
}

/* One member has lost it, the others have not: it is no outage. */
static void one_member_without_a_leader(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a"));
	watched_seconds(x, 3);
	watched_probe(x, 0, PROBED_NO_LEADER);
	watched_pass(x, 0);
	assert_int_equal(asked_member(x), 1);
	assert_int_equal(the_poll(x)->wait_index, 101);
	take_up(x, 100);
	watched_seconds(x, 5);
	assert_int_equal(x->looked, 0);
	assert_int_equal(x->d->resyncs[RESYNC_MEMBER], 1);
	assert_int_equal(x->d->resyncs[RESYNC_LEADER], 0);
	assert_int_equal(asked_member(x), 1);
}

/* --- bridges --- */

static void mended_by_another_member(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a"));
	watched_seconds(x, 3);
	tell_failure(x, the_poll(x), FETCH_BROKEN);
	watched_pass(x, 0);
	assert_int_equal(asked_member(x), 1);
	assert_int_equal(the_poll(x)->wait_index, 101);
	watched_pass(x, 2000);
	watched_tell(x, expire_event(D "/a", 500, 101));
	seen_is(x, 0, "a", STATE_EXPIRED, CAUSE_EXPIRE);
	watched_list(x, 101);
	watched_seconds(x, 5);
	assert_true(x->d->looking);
	assert_int_equal(x->looked, 0);
	assert_int_equal(x->d->resyncs[RESYNC_CONNECTION], 1);
}

static void the_bridge_ends_after_3_s(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a"));
	watched_seconds(x, 3);
	tell_failure(x, the_poll(x), FETCH_BROKEN);
	watched_pass(x, 0);
	tell_head(x, the_poll(x), 100);		/* but no listing */
	for (int k = 0; k < 29; k++) {
		watched_pass(x, 100);
		watched_probe_all(x, PROBED_LEADER);
		assert_true(x->d->looking);
	}
	watched_pass(x, 100);
	watched_probe_all(x, PROBED_LEADER);
	assert_false(x->d->looking);
	watched_list(x, 100);
	assert_true(x->d->looking);
}

/* One network, all members: nothing says whether they have a leader. */
static void all_members_silent(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a"));
	watched_seconds(x, 3);
	for (int k = 0; k < 3; k++) {
		assert_true(x->d->looking);
		watched_pass(x, 1000);
		if (the_poll(x) != NULL)
			tell_failure(x, the_poll(x), FETCH_CONNECT);
		watched_probe_all(x, PROBED_NOTHING);
	}
	assert_false(x->d->looking);
	assert_int_equal(x->n, 0);
	/* Whoever answers first is asked at once. */
	watched_probe(x, 2, PROBED_LEADER);
	watched_pass(x, 0);
	assert_int_equal(asked_member(x), 2);
	take_up(x, 100);
	assert_true(x->d->looking);
}

static void a_gap_is_not_bridged(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a"));
	tell_error(x, the_poll(x), ETCD_INDEX_CLEARED, 2000);
	assert_false(x->d->looking);
	watched_pass(x, 0);
	watched_list(x, 2000);
	assert_false(x->d->looking);
	tell_head(x, the_poll(x), 2000);
	assert_true(x->d->looking);
}

static void a_reload_is_bridged(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a", D "/b"));
	watched_tell(x, beat_event(D "/a", 10, 3000, 105));
	watcher_free(x->w);
	x->w = watcher_new(x->loop, x->d, x->storm);
	watched_pass(x, 0);
	assert_int_equal(the_poll(x)->wait_index, 106);
	tell_head(x, the_poll(x), 107);
	tell_event(x, the_poll(x), expire_event(D "/b", 100, 106));
	tell_head(x, the_poll(x), 107);
	watched_pass(x, 10);
	watched_list(x, 107);
	tell_head(x, the_relief(x), 107);
	watched_pass(x, 300);
	watched_seconds(x, 5);
	assert_true(x->d->looking);
	assert_int_equal(x->looked, 0);
	assert_int_equal(x->n, 1);
}

/* --- members that are no good --- */

static void a_member_that_hangs(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a"));
	watched_seconds(x, 3);
	watched_pass(x, 2000);		/* its probe runs into the deadline */
	watched_probe(x, 0, PROBED_NOTHING);
	watched_pass(x, 0);
	assert_int_equal(asked_member(x), 1);
	take_up(x, 100);
	watched_probe(x, 1, PROBED_LEADER);
	assert_int_equal(x->looked, 0);
	assert_int_equal(calls_made[CALLED_WATCH], 2);
}

static void with_nobody_better_it_stays(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a"));
	watched_probe(x, 1, PROBED_NOTHING);
	watched_probe(x, 2, PROBED_NO_LEADER);
	watched_probe(x, 0, PROBED_NOTHING);
	assert_int_equal(asked_member(x), 0);
	assert_int_equal(calls_made[CALLED_WATCH], 1);
}

static void a_member_that_lags(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a"));
	for (uint64_t k = 0; k < 29; k++) {
		watched_index(x, 1, 200 + k);
		watched_index(x, 2, 200 + k);
		watched_probe_all(x, PROBED_LEADER);
		watched_pass(x, 100);
		assert_int_equal(asked_member(x), 0);
	}
	watched_pass(x, 200);
	watched_probe(x, 0, PROBED_LEADER);
	watched_pass(x, 1000);
	watched_probe(x, 0, PROBED_LEADER);
	watched_pass(x, 0);
	assert_int_equal(asked_member(x), 1);
	assert_int_equal(x->d->resyncs[RESYNC_MEMBER], 1);
	assert_true(x->d->looking);
	tell_head(x, the_poll(x), 228);
	watched_list(x, 228);
	tell_head(x, the_relief(x), 228);
	watched_pass(x, 250);
	watched_seconds(x, 10);
	assert_int_equal(x->looked, 0);
	assert_int_equal(asked_member(x), 1);
}

/* It comes as far as the best was a moment ago, again and again. */
static void a_little_late_is_not_behind(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a"));
	for (uint64_t k = 1; k < 30; k++) {
		watched_index(x, 1, 100 + 100 * k);
		watched_probe_all(x, PROBED_LEADER);
		watched_pass(x, 2000);
		watched_tell(x, beat_event(D "/a", 10, 2000, 100 + 100 * k));
		watched_probe_all(x, PROBED_LEADER);
	}
	assert_int_equal(asked_member(x), 0);
	assert_int_equal(x->looked, 0);
}

static void behind_and_nobody_better(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a"));
	for (int k = 0; k < 7; k++) {
		watched_index(x, 1, 200);
		watched_probe(x, 0, PROBED_LEADER);
		watched_probe(x, 1, PROBED_NOTHING);
		watched_probe(x, 2, PROBED_NOTHING);
		watched_pass(x, 1000);
		if (x->w->relief != NULL)	/* it hangs as well */
			tell_failure(x, the_relief(x), FETCH_TIMEOUT);
	}
	assert_int_equal(asked_member(x), 0);
	assert_false(x->d->looking);
	watched_index(x, 0, 200);
	watched_probe(x, 0, PROBED_LEADER);
	assert_true(x->d->looking);
}

/* The best one is gone: who has not reached it is not behind for ever. */
static void the_best_does_not_answer(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a"));
	watched_index(x, 1, 200);
	watched_probe_all(x, PROBED_LEADER);
	watched_index(x, 1, 0);
	watched_index(x, 1, 0);
	watched_seconds(x, 6);
	assert_int_equal(asked_member(x), 0);
	assert_int_equal(x->looked, 0);
}

/* --- another cluster --- */

static void index_of(struct watched *x, size_t number, const char *id,
    uint64_t index)
{
	snprintf(calls_meta.cluster_id, sizeof(calls_meta.cluster_id), "%s",
	    id);
	watched_index(x, number, index);
}

/* The first endpoint is a wrong one.  The others say so. */
static void a_member_of_another_cluster(void **state)
{
	struct watched *x = *state;
	struct nodes l = { 0 };

	index_of(x, 1, "cc", 100);
	index_of(x, 2, "cc", 100);
	index_of(x, 0, "dd", 7000);
	assert_true(x->c->members[0].foreign);
	x->w = watcher_new(x->loop, x->d, x->storm);
	watched_pass(x, 0);
	assert_int_equal(asked_member(x), 0);
	add_node(&l, node(D "/of_theirs", 10, 6000));
	tell_listing(x, 7000, &l);
	assert_int_equal(x->n, 0);
	watched_pass(x, 200);
	assert_int_equal(asked_member(x), 1);
	watched_probe_all(x, PROBED_LEADER);
	snprintf(calls_meta.cluster_id, 32, "cc");
	tell_listing(x, 100, &(struct nodes){ .missing = true });
	tell_head(x, the_poll(x), 100);
	assert_true(x->d->looking);
	assert_int_equal(x->c->store, 0);
}

/* After a break the next in turn is a wrong one. */
static void a_poll_at_another_cluster(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a"));
	tell_failure(x, the_poll(x), FETCH_BROKEN);
	watched_pass(x, 0);
	assert_int_equal(asked_member(x), 1);
	snprintf(calls_meta.cluster_id, 32, "dd");
	tell_head(x, the_poll(x), 7000);
	assert_string_equal(x->c->cluster_id, "cc");
	assert_int_equal(x->c->store, 0);
	watched_pass(x, 200);
	assert_int_equal(asked_member(x), 2);
	assert_int_equal(the_poll(x)->wait_index, 101);
	snprintf(calls_meta.cluster_id, 32, "cc");
	take_up(x, 100);
	assert_int_equal(x->looked, 0);
}

/* Its errors are another cluster's too: no gap in our history. */
static void an_error_of_another_cluster(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a"));
	snprintf(calls_meta.cluster_id, 32, "dd");
	tell_error(x, the_poll(x), ETCD_INDEX_CLEARED, 7000);
	assert_false(x->w->gap);
	watched_pass(x, 200);
	snprintf(calls_meta.cluster_id, 32, "cc");
	watched_tell(x, expire_event(D "/a", 100, 101));
	seen_is(x, 0, "a", STATE_EXPIRED, CAUSE_EXPIRE);
	assert_int_equal(x->looked, 0);
}

/* It was found out only later. */
static void away_from_another_cluster(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a"));
	assert_int_equal(asked_member(x), 0);
	index_of(x, 0, "dd", 7000);
	assert_true(x->c->members[0].foreign);
	watched_probe_all(x, PROBED_LEADER);
	watched_pass(x, 0);
	assert_int_equal(asked_member(x), 1);
	assert_int_equal(x->c->store, 0);
}

/* All of them, so it is the cluster that was rebuilt. */
static void the_cluster_was_rebuilt(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a", D "/b"));
	watched_pass(x, 1000);
	tell_failure(x, the_poll(x), FETCH_BROKEN);
	watched_pass(x, 0);
	index_of(x, 0, "dd", 9);
	index_of(x, 1, "dd", 9);
	index_of(x, 2, "dd", 9);
	assert_int_equal(x->c->store, 1);
	watched_probe_all(x, PROBED_LEADER);
	assert_false(x->d->looking);
	assert_int_equal(x->d->resyncs[RESYNC_NEW_STORE], 1);
	watched_pass(x, 0);
	struct nodes l = { 0 };

	add_node(&l, node(D "/a", 10, 8));
	tell_listing(x, 9, &l);
	assert_int_equal(x->n, 1);
	seen_is(x, 0, "b", STATE_LOST, CAUSE_DIFF);
	assert_int_equal(the_poll(x)->wait_index, 10);
	tell_head(x, the_poll(x), 9);
	watched_seconds(x, 5);
	assert_true(x->d->looking);
	assert_int_equal(x->looked, 2);
}

static void rebuilt_and_alone(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a"));
	tell_failure(x, the_poll(x), FETCH_BROKEN);
	watched_pass(x, 200);
	snprintf(calls_meta.cluster_id, 32, "dd");
	tell_head(x, the_poll(x), 4);
	watched_pass(x, 200);
	watched_index(x, 0, 4);
	watched_probe(x, 0, PROBED_LEADER);
	watched_pass(x, 2000);
	assert_int_equal(x->c->store, 1);
	assert_null(the_poll(x));
	tell_listing(x, 4, &(struct nodes){ .missing = true });
	assert_int_equal(x->n, 1);
	seen_is(x, 0, "a", STATE_LOST, CAUSE_DIFF);
	tell_head(x, the_poll(x), 4);
	assert_true(x->d->looking);
}

/* --- proofs --- */

static int64_t proved(const struct watched *x)
{
	return since_start(x->d->watching_to);
}

static void proved_by_probes(void **state)
{
	struct watched *x = *state;
	mono_t sent;

	watched_start(x, KEYS(D "/a"));
	watched_seconds(x, 3);
	assert_int_equal(proved(x), 3000);
	/* When it was sent, the watch was in place. */
	watched_pass(x, 400);
	sent = clock_mono();
	watched_pass(x, 500);
	watcher_on_probe(x->w, x->w->member, true, true, sent, clock_mono());
	assert_int_equal(proved(x), 3400);
	/* An event is a proof of its own. */
	watched_tell(x, beat_event(D "/a", 10, 3000, 101));
	assert_int_equal(proved(x), 3900);
	/* Not while a batch waits: its events are from before. */
	tell_event(x, the_poll(x), expire_event(D "/a", 100, 102));
	clock_advance(10);
	watched_probe_all(x, PROBED_LEADER);
	assert_int_equal(proved(x), 3900);
	tell_head(x, the_poll(x), 102);
	assert_int_equal(proved(x), 3910);
	/* And not without a watch. */
	tell_failure(x, the_poll(x), FETCH_BROKEN);
	watched_pass(x, 1000);
	watched_probe_all(x, PROBED_LEADER);
	assert_int_equal(proved(x), 3910);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, watched_setup, \
	watched_teardown)
#define TEST3(name) cmocka_unit_test_setup_teardown(name, watched_setup3, \
	watched_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(all_of_it),
		TEST(the_probe_comes_last),
		TEST(between_two_polls),
		TEST(without_a_leader_at_once),
		TEST3(when_nobody_has_a_leader),
		TEST3(one_member_without_a_leader),
		TEST3(mended_by_another_member),
		TEST3(the_bridge_ends_after_3_s),
		TEST3(all_members_silent),
		TEST(a_gap_is_not_bridged),
		TEST(a_reload_is_bridged),
		TEST3(a_member_that_hangs),
		TEST3(with_nobody_better_it_stays),
		TEST3(a_member_that_lags),
		TEST3(a_little_late_is_not_behind),
		TEST3(behind_and_nobody_better),
		TEST3(the_best_does_not_answer),
		TEST3(a_member_of_another_cluster),
		TEST3(a_poll_at_another_cluster),
		TEST3(an_error_of_another_cluster),
		TEST3(away_from_another_cluster),
		TEST3(the_cluster_was_rebuilt),
		TEST(rebuilt_and_alone),
		TEST(proved_by_probes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
