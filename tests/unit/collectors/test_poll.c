/* collectors/poll.c: the chain of long polls.
 *	the resume rule: what each poll asks for
 *	a relief takes over and loses nothing
 *	what an end means: quiet, broken, cleared, without sense
 *	how soon it is tried again, and of whom */
#include "collectors/poll.c"

#include "tests/unit/collectors/watched.h"

static uint64_t waits_for(const struct watched *x)
{
	assert_non_null(the_poll(x));
	return the_poll(x)->wait_index;
}

/* --- the resume rule --- */

static void behind_each_event(void **state)
{
	struct watched *x = *state;

	watched_start(x, NULL);
	assert_string_equal(the_poll(x)->path, D);
	assert_in_range(the_poll(x)->deadline_ms, 15000, 30000);
	tell_event(x, the_poll(x), write_event(D "/a", 10, 101));
	assert_int_equal(waits_for(x), 102);
	/* From history: the headers tell of more. */
	tell_head(x, the_poll(x), 250);
	tell_event(x, the_poll(x), write_event(D "/b", 10, 150));
	assert_int_equal(waits_for(x), 151);
	tell_head(x, the_poll(x), 250);
	tell_event(x, the_poll(x), write_event("/other/c", 10, 250));
	assert_int_equal(waits_for(x), 251);
	assert_int_equal(x->n, 2);
}

static void behind_the_headers_of_a_quiet_one(void **state)
{
	struct watched *x = *state;

	watched_start(x, NULL);
	tell_failure(x, the_poll(x), FETCH_TIMEOUT);
	assert_int_equal(waits_for(x), 101);
	tell_head(x, the_poll(x), 700);
	tell_failure(x, the_poll(x), FETCH_TIMEOUT);
	assert_int_equal(waits_for(x), 701);
	/* Never back: this member lags. */
	tell_head(x, the_poll(x), 650);
	tell_failure(x, the_poll(x), FETCH_TIMEOUT);
	assert_int_equal(waits_for(x), 701);
	assert_int_equal(x->d->resyncs[RESYNC_CONNECTION], 0);
	assert_true(x->d->looking);
}

static void a_timeout_without_headers_is_a_break(void **state)
{
	struct watched *x = *state;

	watched_start(x, NULL);
	tell_event(x, the_poll(x), write_event(D "/a", 10, 101));
	tell_failure(x, the_poll(x), FETCH_TIMEOUT);
	assert_int_equal(x->d->resyncs[RESYNC_CONNECTION], 1);
	watched_pass(x, 200);
	assert_int_equal(waits_for(x), 102);
}

/* Headers may tell of a later index than the event that is on its way. */
static void headers_say_what_is_to_come(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a"));
	tell_event(x, the_poll(x), beat_event(D "/a", 10, 1, 101));
	tell_head(x, the_poll(x), 900);
	assert_int_equal(x->w->reached, 101);
	assert_false(poll_caught_up(x->w));
	watched_pass(x, 249);
	assert_false(poll_caught_up(x->w));
	watched_pass(x, 1);
	assert_true(poll_caught_up(x->w));
	/* Still, what was not told is asked for again. */
	tell_failure(x, the_poll(x), FETCH_BROKEN);
	watched_pass(x, 200);
	assert_int_equal(waits_for(x), 102);
	tell_head(x, the_poll(x), 900);
	tell_event(x, the_poll(x), expire_event(D "/a", 100, 899));
	tell_head(x, the_poll(x), 900);
	watched_pass(x, 50);
	assert_int_equal(x->n, 1);
	assert_int_equal(waits_for(x), 900);
}

/* The headers of a member that hangs prove nothing. */
static void a_listing_waits_for_a_relief(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a", D "/b"));
	tell_failure(x, the_poll(x), FETCH_BROKEN);
	watched_pass(x, 200);
	tell_head(x, the_poll(x), 900);
	watched_pass(x, 2000);
	assert_null(the_relief(x));
	watched_list(x, 900);
	assert_non_null(the_relief(x));
	watched_pass(x, 2000);
	assert_false(x->w->in_sync);
	tell_failure(x, the_relief(x), FETCH_BROKEN);
	/* The next poll shows more is there, and nothing comes. */
	tell_event(x, the_poll(x), expire_event(D "/a", 100, 500));
	tell_head(x, the_poll(x), 901);
	tell_head(x, the_relief(x), 901);
	assert_false(x->w->in_sync);
	watched_pass(x, 607);
	assert_true(x->w->in_sync);
	assert_int_equal(x->w->reached, 901);
}

/* It would tell again what came through another member. */
static void a_relief_that_lags(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a"));
	watched_tell(x, beat_event(D "/a", 10, 3000, 600));
	poll_renew(x->w);
	tell_head(x, the_relief(x), 590);
	assert_null(the_relief(x));
	watched_pass(x, 1000);
	assert_int_equal(waits_for(x), 601);
}

static void an_older_event_is_a_break(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a"));
	tell_event(x, the_poll(x), gone_event(ETCD_DELETE, D "/a", 99));
	assert_int_equal(x->n, 0);
	assert_int_equal(x->d->resyncs[RESYNC_CONNECTION], 1);
	watched_pass(x, 200);
	assert_int_equal(waits_for(x), 101);
}

/* --- polls that were asked ahead --- */

static void tell_old_head(struct watched *x, uint64_t index)
{
	struct etcd_meta m = calls_meta;

	m.etcd_index = index;
	line_user.old_head(&m, x->w->poll);
	watched_flush(x);
}

/* Their headers are older than the leave: what more is to come has to be
 * asked for. */
static void an_old_head_judges_nobody(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a", D "/b", D "/c"));
	tell_event(x, the_poll(x), expire_event(D "/a", 100, 101));
	tell_old_head(x, 100);
	assert_int_equal(x->n, 0);
	assert_string_not_equal(x->w->asks_index->path, D);
	tell_asked_index(x, 110);
	assert_int_equal(x->n, 0);
	tell_event(x, the_poll(x), expire_event(D "/b", 100, 102));
	tell_old_head(x, 100);
	tell_asked_index(x, 102);
	assert_int_equal(x->n, 2);
	/* Nothing is to be judged: nobody asks. */
	tell_event(x, the_poll(x), beat_event(D "/c", 10, 1, 103));
	tell_old_head(x, 100);
	assert_null(x->w->asks_index);
	assert_int_equal(calls_made[CALLED_INDEX], 2);
}

/* Polls that were asked ahead began before what etcd said last. */
static void an_older_head_does_not_turn_back(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a", D "/b", D "/c"));
	tell_event(x, the_poll(x), expire_event(D "/a", 100, 101));
	tell_old_head(x, 100);
	tell_asked_index(x, 110);
	tell_old_head(x, 99);
	assert_int_equal(x->w->store_index, 110);
	assert_false(poll_caught_up(x->w));
}

/* Who may read the directory alone asks below it. */
static void the_root_may_not_be_read(void **state)
{
	struct watched *x = *state;
	struct etcd_result r = { .outcome = ETCD_UNAUTHORIZED };

	watched_start(x, KEYS(D "/a", D "/b"));
	tell_event(x, the_poll(x), expire_event(D "/a", 100, 101));
	tell_old_head(x, 100);
	tell_done(x, x->w->asks_index, &r);
	assert_string_equal(x->w->asks_index->path, D);
	tell_asked_index(x, 101);
	assert_int_equal(x->n, 1);
}

static void no_index_comes(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a", D "/b"));
	tell_event(x, the_poll(x), expire_event(D "/a", 100, 101));
	tell_old_head(x, 100);
	tell_asked_index(x, 0);
	watched_pass(x, 199);
	assert_int_equal(x->n, 0);
	watched_pass(x, 2);
	assert_int_equal(x->n, 1);
	tell_event(x, the_poll(x), expire_event(D "/b", 100, 102));
	tell_old_head(x, 101);
	tell_failure(x, the_poll(x), FETCH_BROKEN);
	assert_null(x->w->asks_index);
	assert_int_equal(x->n, 2);
}

/* What poll began first says nothing of how far the store is. */
static void heads_in_another_order(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a"));
	tell_event(x, the_poll(x), beat_event(D "/a", 10, 1, 101));
	tell_old_head(x, 130);
	assert_false(poll_caught_up(x->w));
	tell_event(x, the_poll(x), beat_event(D "/a", 10, 1, 102));
	tell_old_head(x, 101);
	assert_false(poll_caught_up(x->w));
	watched_pass(x, 250);
	assert_true(poll_caught_up(x->w));
	tell_event(x, the_poll(x), beat_event(D "/a", 10, 1, 130));
	tell_old_head(x, 101);
	assert_true(poll_caught_up(x->w));
}

/* Whole before its headers could be told. */
static void an_event_without_a_head(void **state)
{
	struct watched *x = *state;
	struct etcd_result r = { .outcome = ETCD_OK, .status = 200,
		.meta = calls_meta };

	watched_start(x, KEYS(D "/a"));
	tell_event(x, the_poll(x), beat_event(D "/a", 10, 1, 101));
	r.meta.etcd_index = 140;
	r.meta.raft_term = 7;
	r.event = beat_event(D "/a", 10, 1, 120);
	tell_done(x, the_poll(x), &r);
	assert_int_equal(x->w->store_index, 140);
	assert_int_equal(x->c->raft_term, 7);
	assert_int_equal(waits_for(x), 121);
	snprintf(r.meta.cluster_id, sizeof(r.meta.cluster_id), "other");
	r.event = beat_event(D "/a", 10, 1, 121);
	tell_done(x, the_poll(x), &r);
	assert_int_equal(x->w->reached, 120);
	assert_int_equal(x->d->resyncs[RESYNC_NEW_STORE], 1);
}

/* --- the relief --- */

static void a_quiet_poll_is_relieved(void **state)
{
	struct watched *x = *state;
	const struct etcd_call *first;

	watched_start(x, NULL);
	watched_seconds(x, 14);
	assert_null(the_relief(x));
	watched_seconds(x, 1);
	assert_int_equal(the_relief(x)->wait_index, 101);
	first = the_poll(x);
	tell_head(x, the_relief(x), 600);
	watched_pass(x, 599);
	assert_ptr_equal(the_poll(x), first);
	watched_pass(x, 8);
	assert_ptr_not_equal(the_poll(x), first);
	assert_null(the_relief(x));
	assert_int_equal(x->w->reached, 600);
	tell_event(x, the_poll(x), write_event(D "/a", 10, 601));
	assert_int_equal(waits_for(x), 602);
	assert_int_equal(x->n, 1);
	/* And quiet to its end. */
	tell_head(x, the_poll(x), 601);
	watched_seconds(x, 15);
	tell_head(x, the_relief(x), 601);
	assert_null(the_relief(x));		/* nothing to wait for */
	tell_failure(x, the_poll(x), FETCH_TIMEOUT);
	assert_int_equal(waits_for(x), 602);
}

static void before_history_outruns_it(void **state)
{
	struct watched *x = *state;

	watched_start(x, NULL);
	watched_index(x, 0, 400);
	watched_probe_all(x, PROBED_LEADER);
	assert_null(the_relief(x));
	watched_index(x, 0, 401);
	watched_probe_all(x, PROBED_LEADER);
	assert_int_equal(the_relief(x)->wait_index, 101);
	assert_int_equal(calls_made[CALLED_WATCH], 2);
	watched_probe_all(x, PROBED_LEADER);
	assert_int_equal(calls_made[CALLED_WATCH], 2);
}

/* Then there is only what comes from now on. */
static void history_has_outrun_it(void **state)
{
	struct watched *x = *state;

	watched_start(x, NULL);
	watched_index(x, 0, 1001);
	watched_probe_all(x, PROBED_LEADER);
	assert_int_equal(the_relief(x)->wait_index, 0);
	poll_stop(x->w);
	poll_start(x->w);
	watched_index(x, 0, 1000);	/* as far as is known */
	tell_head(x, the_poll(x), 100);
	watched_probe_all(x, PROBED_LEADER);
	assert_int_equal(the_relief(x)->wait_index, 101);
	tell_error(x, the_relief(x), ETCD_INDEX_CLEARED, 1200);
	assert_int_equal(the_relief(x)->wait_index, 0);
	assert_int_equal(x->d->resyncs[RESYNC_HISTORY_CLEARED], 0);
	tell_head(x, the_relief(x), 1201);
	watched_pass(x, 607);
	assert_null(the_relief(x));
	assert_int_equal(x->w->reached, 1201);
}

/* Its connection hangs; nothing of what history tells is left out. */
static void a_poll_is_held_up(void **state)
{
	struct watched *x = *state;
	struct etcd_call *held;

	watched_start(x, KEYS(D "/a"));
	held = the_poll(x);
	poll_renew(x->w);
	tell_head(x, the_relief(x), 700);
	tell_event(x, the_relief(x), gone_event(ETCD_DELETE, D "/a", 650));
	assert_ptr_not_equal(the_poll(x), held);
	assert_null(the_relief(x));
	assert_int_equal(x->w->reached, 650);
	assert_int_equal(waits_for(x), 651);
	tell_head(x, the_poll(x), 700);
	watched_pass(x, 250);
	assert_int_equal(x->n, 1);
	seen_is(x, 0, "a", STATE_DEREGISTERED, CAUSE_DELETE);
}

/* What happens while both listen comes through both, and counts once. */
static void an_event_while_both_listen(void **state)
{
	struct watched *x = *state;
	struct etcd_event e = write_event(D "/a", 10, 701);

	watched_start(x, NULL);
	poll_renew(x->w);
	tell_head(x, the_relief(x), 700);
	tell_event(x, the_poll(x), e);
	assert_int_equal(x->n, 1);
	assert_null(the_relief(x));
	assert_int_equal(waits_for(x), 702);

	tell_head(x, the_poll(x), 701);
	watched_index(x, 0, 2000);	/* too far to ask history */
	poll_renew(x->w);
	tell_head(x, the_relief(x), 2000);
	e = beat_event(D "/b", 10, 3000, 2001);
	e.has_prev = false;
	tell_event(x, the_relief(x), e);	/* first through the relief */
	assert_int_equal(x->n, 1);
	tell_event(x, the_poll(x), e);
	assert_int_equal(x->n, 2);
	assert_int_equal(waits_for(x), 2002);
	assert_int_equal(instance_of(x, "a")->expirations, 0);
}

/* An event from before the relief, on its way through the old one. */
static void the_old_one_is_heard_to_its_end(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a"));
	poll_renew(x->w);
	tell_head(x, the_relief(x), 700);
	watched_pass(x, 100);
	tell_event(x, the_poll(x), expire_event(D "/a", 100, 650));
	assert_int_equal(waits_for(x), 651);
	assert_null(the_relief(x));
	tell_head(x, the_poll(x), 700);
	watched_pass(x, 250);
	assert_int_equal(x->n, 1);
	seen_is(x, 0, "a", STATE_EXPIRED, CAUSE_EXPIRE);
	assert_true(poll_caught_up(x->w));
}

/* What the old one does not listen to yet may be lost between the two. */
/* Under steady traffic no poll is ever quiet: the events themselves show that
 * the watch is as far as the listing. */
static void events_let_a_listing_count(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a"));
	sync_list(x->w);
	watched_list(x, 105);
	assert_true(x->w->listing.ready);
	tell_event(x, the_poll(x), write_event("/other/x", 10, 104));
	assert_true(x->w->listing.ready);
	tell_event(x, the_poll(x), write_event("/other/y", 10, 106));
	assert_false(x->w->listing.ready);
}

static void no_relief_before_headers(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a"));
	sync_list(x->w);
	tell_event(x, the_poll(x), beat_event(D "/a", 10, 3000, 101));
	watched_list(x, 105);
	assert_null(the_relief(x));
	watched_pass(x, 1000);
	tell_head(x, the_poll(x), 105);
	tell_head(x, the_relief(x), 105);
	watched_pass(x, 607);
	assert_false(x->w->listing.ready);
	assert_int_equal(x->w->reached, 105);
}

static void a_relief_that_fails(void **state)
{
	struct watched *x = *state;

	watched_start(x, NULL);
	poll_renew(x->w);
	tell_failure(x, the_relief(x), FETCH_CONNECT);
	assert_int_equal(waits_for(x), 101);
	assert_int_equal(x->d->resyncs[RESYNC_CONNECTION], 0);
	poll_renew(x->w);
	tell_head(x, the_relief(x), 300);
	tell_failure(x, the_relief(x), FETCH_BROKEN);
	watched_pass(x, 1000);
	assert_int_equal(waits_for(x), 101);
	watched_seconds(x, 15);
	assert_non_null(the_relief(x));
	tell_failure(x, the_poll(x), FETCH_BROKEN);
	assert_null(the_relief(x));
}

/* --- what an end means --- */

static void cleared_is_a_gap(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a"));
	tell_error(x, the_poll(x), ETCD_INDEX_CLEARED, 3000);
	assert_true(x->w->gap);
	watched_pass(x, 0);
	assert_null(the_poll(x));
	tell_listing(x, 3001, &(struct nodes){ .missing = true });
	seen_is(x, 0, "a", STATE_LOST, CAUSE_DIFF);
	assert_int_equal(waits_for(x), 3002);
}

/* The batch is from before the gap. */
/* The listing took longer than history lasts, and so would the next one: the
 * watch begins first, and what it tells goes before the listing. */
static void cleared_again_behind_the_listing(void **state)
{
	struct watched *x = *state;
	struct nodes l = { 0 };

	watched_start(x, KEYS(D "/a", D "/b"));
	tell_error(x, the_poll(x), ETCD_INDEX_CLEARED, 3000);
	watched_pass(x, 0);
	add_node(&l, node(D "/a", 10, 60));
	add_node(&l, node(D "/b", 10, 61));
	tell_listing(x, 3001, &l);
	assert_int_equal(waits_for(x), 3002);
	tell_error(x, the_poll(x), ETCD_INDEX_CLEARED, 6000);
	watched_pass(x, 0);
	assert_null(x->w->list);
	assert_int_equal(waits_for(x), 0);
	tell_head(x, the_poll(x), 7000);
	assert_non_null(x->w->list);
	assert_int_equal(x->w->reached, 7000);
	tell_event(x, the_poll(x), write_event(D "/c", 10, 7001));
	tell_head(x, the_poll(x), 7001);
	assert_int_equal(x->d->applied_index, 3001);	/* there is a gap */
	l.n = 1;
	tell_listing(x, 7000, &l);
	assert_true(x->w->in_sync && x->d->looking);
	assert_string_equal(state_name(state_of_instance(x, "a")),
	    state_name(STATE_UP));
	assert_string_equal(state_name(state_of_instance(x, "b")),
	    state_name(STATE_LOST));
	assert_string_equal(state_name(state_of_instance(x, "c")),
	    state_name(STATE_UP));
	assert_int_equal(x->d->applied_index, 7001);
	/* And the next time a listing comes first again. */
	tell_error(x, the_poll(x), ETCD_INDEX_CLEARED, 9000);
	watched_pass(x, 0);
	assert_non_null(x->w->list);
	assert_null(the_poll(x));
}

static void what_came_before_the_gap_counts(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a", D "/b"));
	tell_event(x, the_poll(x), expire_event(D "/a", 100, 101));
	tell_error(x, the_poll(x), ETCD_INDEX_CLEARED, 3000);
	assert_int_equal(x->n, 1);
	seen_is(x, 0, "a", STATE_EXPIRED, CAUSE_EXPIRE);
	assert_int_equal(x->d->applied_index, 101);
	watched_pass(x, 0);
	tell_listing(x, 3001, &(struct nodes){ .missing = true });
	seen_is(x, 1, "b", STATE_LOST, CAUSE_DIFF);
}

static void other_errors_are_a_break(void **state)
{
	static const enum etcd_outcome outcomes[] = { ETCD_EMPTY,
		ETCD_REFUSED, ETCD_UNAUTHORIZED, ETCD_NO_V2 };
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a"));
	for (size_t k = 0; k < 4; k++) {
		tell_outcome(x, the_poll(x), outcomes[k]);
		watched_pass(x, 3000);
	}
	assert_int_equal(x->d->refusal, REFUSAL_NO_V2);
	tell_error(x, the_poll(x), ETCD_RAFT_INTERNAL, 0);
	watched_pass(x, 3000);
	assert_int_equal(waits_for(x), 101);
	assert_false(x->w->gap);
	assert_int_equal(x->n, 0);
	/* All this was one break. */
	assert_int_equal(x->d->resyncs[RESYNC_CONNECTION], 1);
}

static void no_member_tells_it_with_sense(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a", D "/b"));
	for (int k = 0; k < 3; k++) {
		assert_non_null(the_poll(x));
		tell_head(x, the_poll(x), 105);
		if (k == 1)	/* one cannot tell it at all */
			tell_failure(x, the_poll(x), FETCH_TOO_LARGE);
		else
			tell_outcome(x, the_poll(x), ETCD_BAD);
		watched_pass(x, 200);
		assert_int_equal(waits_for(x), 101);
	}
	tell_outcome(x, the_poll(x), ETCD_BAD);
	watched_pass(x, 0);
	assert_null(the_poll(x));
	assert_true(x->w->gap);
	assert_non_null(x->w->list);
	struct nodes l = { 0 };

	add_node(&l, node(D "/b", 10, 51));
	tell_listing(x, 105, &l);
	assert_int_equal(x->n, 1);
	seen_is(x, 0, "a", STATE_LOST, CAUSE_DIFF);
	assert_int_equal(waits_for(x), 106);
	tell_head(x, the_poll(x), 105);
	assert_true(x->d->looking);
}

static void the_next_member_tells_it(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a"));
	for (uint64_t k = 0; k < 10; k++) {
		tell_outcome(x, the_poll(x), ETCD_BAD);
		watched_pass(x, 200);
		tell_head(x, the_poll(x), 101 + k);
		watched_tell(x, beat_event(D "/a", 10, 3000, 101 + k));
	}
	assert_false(x->w->gap);
	assert_int_equal(x->d->resyncs[RESYNC_DIFFERENCE], 0);
}

/* --- again --- */

/* So many polls are begun in `ms` when each ends like this. */
static unsigned begun_in(struct watched *x, int64_t ms, bool headers)
{
	unsigned before = calls_made[CALLED_WATCH];

	for (int64_t k = 0; k < ms; k++) {
		if (the_poll(x) != NULL) {
			if (headers)
				tell_head(x, the_poll(x), 100);
			tell_failure(x, the_poll(x), FETCH_BROKEN);
		}
		watched_pass(x, 1);
	}
	return calls_made[CALLED_WATCH] - before;
}

static void tried_again_but_not_too_often(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a"));
	assert_in_range(begun_in(x, 1000, false), 2, 12);
	assert_in_range(begun_in(x, 60000, false), 25, 70);
}

/* A proxy that answers well and then closes, at once. */
static void headers_alone_are_no_success(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a"));
	assert_in_range(begun_in(x, 1000, true), 2, 12);
	assert_in_range(begun_in(x, 60000, true), 25, 70);
}

/* History may last no longer than 50 ms. */
static void an_only_one_is_tried_again_at_once(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a"));
	tell_failure(x, the_poll(x), FETCH_BROKEN);
	watched_pass(x, 0);
	tell_failure(x, the_poll(x), FETCH_CONNECT);
	watched_pass(x, 99);
	assert_null(the_poll(x));
	watched_pass(x, 1);
	assert_non_null(the_poll(x));
}

static void the_others_are_tried_at_once(void **state)
{
	struct watched *x = *state;
	unsigned asked[3] = { 0 };

	watched_start(x, KEYS(D "/a"));
	for (int k = 0; k < 3; k++) {
		asked[x->w->member->number]++;
		tell_failure(x, the_poll(x), FETCH_CONNECT);
		if (k < 2)
			watched_pass(x, 0);
	}
	for (int k = 0; k < 3; k++)
		assert_int_equal(asked[k], 1);
	watched_pass(x, 0);
	assert_null(the_poll(x));
	watched_pass(x, 100);
	assert_non_null(the_poll(x));
	assert_in_range(begun_in(x, 60000, true), 25, 200);
}

/* Each break after a while of watching is the first again. */
static void a_while_of_watching_is_a_success(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a"));
	for (int k = 0; k < 20; k++) {
		watched_seconds(x, 5);
		tell_failure(x, the_poll(x), FETCH_BROKEN);
		watched_pass(x, 100);
		assert_non_null(the_poll(x));
		tell_head(x, the_poll(x), 100);
		watched_list(x, 100);
	}
	for (uint64_t k = 0; k < 20; k++) {
		watched_tell(x, beat_event(D "/a", 10, 3000, 101 + k));
		tell_failure(x, the_poll(x), FETCH_BROKEN);
		watched_pass(x, 100);
		assert_non_null(the_poll(x));
		tell_head(x, the_poll(x), 101 + k);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, watched_setup, \
	watched_teardown)
#define TEST3(name) cmocka_unit_test_setup_teardown(name, watched_setup3, \
	watched_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(behind_each_event),
		TEST(behind_the_headers_of_a_quiet_one),
		TEST(a_timeout_without_headers_is_a_break),
		TEST(headers_say_what_is_to_come),
		TEST(an_older_event_is_a_break),
		TEST(an_old_head_judges_nobody),
		TEST(an_older_head_does_not_turn_back),
		TEST(the_root_may_not_be_read),
		TEST(no_index_comes),
		TEST(heads_in_another_order),
		TEST(an_event_without_a_head),
		TEST(a_quiet_poll_is_relieved),
		TEST(before_history_outruns_it),
		TEST(history_has_outrun_it),
		TEST(a_poll_is_held_up),
		TEST(an_event_while_both_listen),
		TEST(the_old_one_is_heard_to_its_end),
		TEST(events_let_a_listing_count),
		TEST(no_relief_before_headers),
		TEST(a_relief_that_fails),
		TEST(a_relief_that_lags),
		TEST(a_listing_waits_for_a_relief),
		TEST(cleared_is_a_gap),
		TEST(cleared_again_behind_the_listing),
		TEST(what_came_before_the_gap_counts),
		TEST(other_errors_are_a_break),
		TEST3(no_member_tells_it_with_sense),
		TEST3(the_next_member_tells_it),
		TEST(tried_again_but_not_too_often),
		TEST(headers_alone_are_no_success),
		TEST(an_only_one_is_tried_again_at_once),
		TEST3(the_others_are_tried_at_once),
		TEST(a_while_of_watching_is_a_success),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
