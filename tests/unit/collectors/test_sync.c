/* collectors/sync.c: listing a directory and comparing it with the roll.
 *	how it begins, and what is asked
 *	what a listing shows that no event told
 *	newer than the watch, older than the watch, keys touched meanwhile
 *	entries without sense, a directory that is not there
 *	a store that was rebuilt
 *	nothing counts before its end, and what is kept until then
 *	in slices, with events in between
 *	how often, and that it never stops; how long one may take */
#include "collectors/sync.c"
#include "collectors/compare.c"
#include "collectors/journal.c"

#include "core/pattern.h"
#include "tests/unit/collectors/logged.h"
#include "tests/unit/collectors/watched.h"

static int teardown(void **state)
{
	logged_end();
	return watched_teardown(state);
}

/* Asks for a listing now and answers it with these keys, as they were written
 * last. */
static void list_now(struct watched *x, uint64_t index,
    const char *const *keys)
{
	static struct nodes l;

	l.n = 0;
	for (; *keys != NULL; keys++) {
		const struct instance *i = registry_find(x->d, *keys);

		add_node(&l, node(*keys, 10, i ? i->modified_index : 51));
	}
	if (x->w->list == NULL)
		sync_list(x->w);
	tell_listing(x, index, &l);
}

/* --- how it begins --- */

static void begins_with_a_listing(void **state)
{
	struct watched *x = *state;
	struct nodes l = { 0 };

	add_node(&l, node(D "/a", 10, 90));
	add_node(&l, dir_node(D "/group", 0, 91));
	add_node(&l, node(D "/b", 0, 92));
	watched_probe_all(x, PROBED_LEADER);
	x->w = watcher_new(x->loop, x->d, x->storm);
	watched_pass(x, 0);
	assert_non_null(x->w->list);
	assert_true(x->w->list->quorum);
	assert_string_equal(x->w->list->path, D);
	assert_in_range(x->w->list->deadline_ms, 8000, 30000);
	assert_null(the_poll(x));
	tell_listing(x, 100, &l);
	assert_int_equal(x->n, 2);
	seen_is(x, 0, "a", STATE_UP, CAUSE_REGISTERED);
	seen_is(x, 1, "b", STATE_UP, CAUSE_REGISTERED);
	assert_int_equal(the_poll(x)->wait_index, 101);
	assert_false(x->d->looking);
	tell_head(x, the_poll(x), 100);
	assert_true(x->d->looking);
	assert_int_equal(calls_made[CALLED_LIST], 1);
	assert_int_equal(x->d->resyncs[RESYNC_START], 1);
}

static void begins_again_until_it_is_listed(void **state)
{
	struct watched *x = *state;

	watched_probe_all(x, PROBED_LEADER);
	x->w = watcher_new(x->loop, x->d, x->storm);
	watched_pass(x, 0);
	tell_error(x, x->w->list, ETCD_RAFT_INTERNAL, 0);
	assert_null(x->w->list);
	watched_pass(x, 2000);
	assert_non_null(x->w->list);
	tell_listing(x, 0, &(struct nodes){ .missing = true });
	assert_null(the_poll(x));		/* without an index */
	watched_pass(x, 2000);
	tell_listing(x, 7, &(struct nodes){ .missing = true });
	assert_int_equal(the_poll(x)->wait_index, 8);
	assert_true(x->w->in_sync);
}

static void index_of_cluster(struct watched *x, size_t number,
    const char *cluster_id)
{
	snprintf(calls_meta.cluster_id, sizeof(calls_meta.cluster_id), "%s",
	    cluster_id);
	watched_index(x, number, 100);
}

/* The first endpoint is another cluster's, which nobody can know yet. */
static void waits_for_most_members(void **state)
{
	struct watched *x = *state;

	x->w = watcher_new(x->loop, x->d, x->storm);
	index_of_cluster(x, 0, "ff");
	watched_probe(x, 0, PROBED_LEADER);
	index_of_cluster(x, 2, "cc");
	watched_pass(x, 800);
	assert_null(x->w->list);
	watched_probe(x, 2, PROBED_LEADER);
	index_of_cluster(x, 1, "cc");
	watched_pass(x, 20);
	assert_non_null(x->w->list);
	assert_int_equal(asked_member(x), 2);
	tell_listing(x, 100, &(struct nodes){ .missing = true });
	tell_head(x, the_poll(x), 100);
	assert_true(x->d->looking);
	assert_int_equal(x->d->resyncs[RESYNC_NEW_STORE], 0);
	assert_int_equal(x->d->resyncs[RESYNC_CONNECTION], 0);
}

static void waits_a_second(void **state)
{
	struct watched *x = *state;

	x->w = watcher_new(x->loop, x->d, x->storm);
	watched_index(x, 0, 100);
	watched_pass(x, 999);
	assert_null(x->w->list);
	watched_pass(x, 1);
	assert_non_null(x->w->list);
}

/* --- what no event told --- */

static void shows_what_is_missing(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a", D "/b"));
	watched_pass(x, 5000);
	watched_probe_all(x, PROBED_LEADER);
	watched_pass(x, 400);
	list_now(x, 100, KEYS(D "/b"));
	assert_int_equal(x->n, 1);
	seen_is(x, 0, "a", STATE_LOST, CAUSE_DIFF);
	assert_int_equal(x->v[0].from, 5400);
	assert_int_equal(x->v[0].at, 5400);
	/* It was last seen in the listing before. */
	assert_int_equal(x->v[0].earliest, 0);
	assert_int_equal(x->d->resyncs[RESYNC_DIFFERENCE], 1);
	assert_true(x->d->looking);
	counts_agree(x);
}

static void shows_what_is_new(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a"));
	watched_pass(x, 5000);
	list_now(x, 100, KEYS(D "/a", D "/b"));
	assert_int_equal(x->n, 1);
	seen_is(x, 0, "b", STATE_UP, CAUSE_REGISTERED);
	list_now(x, 100, KEYS(D "/a", D "/b"));
	assert_int_equal(x->n, 1);
}

/* Where history is gone, it was there until the last proof. */
static void after_a_gap(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a", D "/b"));
	watched_pass(x, 3000);
	watched_probe_all(x, PROBED_LEADER);
	watched_pass(x, 500);
	tell_error(x, the_poll(x), ETCD_INDEX_CLEARED, 5000);
	assert_false(x->d->looking);
	assert_int_equal(x->d->resyncs[RESYNC_HISTORY_CLEARED], 1);
	watched_pass(x, 0);
	assert_null(the_poll(x));
	list_now(x, 5002, KEYS(D "/b", D "/c"));
	assert_int_equal(x->n, 2);
	seen_is(x, 0, "c", STATE_UP, CAUSE_REGISTERED);
	seen_is(x, 1, "a", STATE_LOST, CAUSE_DIFF);
	assert_int_equal(x->v[1].earliest, 3000);
	assert_int_equal(the_poll(x)->wait_index, 5003);
	assert_int_equal(x->d->resyncs[RESYNC_DIFFERENCE], 0);
	tell_head(x, the_poll(x), 5002);
	assert_true(x->d->looking);
}

static void many_missing_are_a_storm(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/1", D "/2", D "/3", D "/4", D "/5", D "/6"));
	list_now(x, 100, KEYS(D "/1"));
	assert_int_equal(x->n, 5);
	assert_int_equal(x->c->held, 5);
	assert_true(x->c->mass_vanish);
}

/* Heartbeats with refresh=true: no row, but the date moves. */
static void silent_heartbeats(void **state)
{
	struct watched *x = *state;
	struct nodes l = { 0 };
	struct instance *i;

	watched_start(x, KEYS(D "/a"));
	i = instance_of(x, "a");
	assert_false(i->silent);
	assert_int_equal(x->d->list_interval_ms, 30000);
	for (uint64_t k = 0; k < 5; k++) {
		watched_pass(x, 3000);
		l.n = 0;
		add_node(&l, node(D "/a", 10, 50));
		l.v[0].modified_index = 101 + k;
		sync_list(x->w);
		tell_listing(x, 101 + k, &l);
		tell_head(x, the_relief(x), 101 + k);
		watched_pass(x, 700);
	}
	assert_int_equal(x->n, 0);
	assert_true(i->silent);
	assert_int_equal(i->ttl_s, 10);
	assert_int_equal(since_start(i->expires), 4 * 3700 + 3000 + 10000);
	assert_int_equal(x->d->list_interval_ms, 3333);
}

/* A key that is a directory without a TTL now: the instance is gone. */
static void a_directory_in_its_place(void **state)
{
	struct watched *x = *state;
	struct nodes l = { 0 };

	watched_start(x, KEYS(D "/a", D "/b"));
	add_node(&l, dir_node(D "/a", 0, 60));
	add_node(&l, node(D "/b", 10, 51));
	sync_list(x->w);
	tell_listing(x, 100, &l);
	assert_int_equal(x->n, 1);
	seen_is(x, 0, "a", STATE_LOST, CAUSE_DIFF);
	counts_agree(x);
}

static void rivals_that_are_missing_too(void **state)
{
	struct watched *x = *state;

	pattern_free(x->d->config->pattern);
	x->d->config->pattern = pattern_compile("{zone}/{instance_id}", NULL);
	watched_start(x, KEYS(D "/x/a", D "/y/a", D "/z/a"));
	list_now(x, 100, KEYS(D "/z/a"));
	assert_int_equal(x->n, 0);
	assert_string_equal(names_key(instance_of(x, "a")->names),
	    D "/z/a");
	assert_int_equal(table_count(x->d->rivals), 0);
	list_now(x, 100, KEYS(D "/x/a", D "/z/a"));
	assert_int_equal(table_count(x->d->rivals), 1);
	list_now(x, 100, KEYS(D "/y"));
	assert_int_equal(x->n, 1);
	seen_is(x, 0, "a", STATE_LOST, CAUSE_DIFF);
	assert_int_equal(table_count(x->d->bad), 1);	/* "y" */
	list_now(x, 100, (const char *const[]){ NULL });
	assert_int_equal(table_count(x->d->bad), 0);
	counts_agree(x);
}

/* In the first listing the smaller key has the identity, in whatever order they
 * come, and the other one stays its rival. */
static void rivals_in_the_first_listing(void **state)
{
	static const char *const orders[][3] = {
		{ D "/x/a", D "/y/a", D "/z/a" },
		{ D "/z/a", D "/y/a", D "/x/a" },
		{ D "/y/a", D "/z/a", D "/x/a" },
	};
	struct watched *x = *state;
	struct nodes l = { 0 };
	size_t at = 0;

	for (size_t k = 0; k < 3; k++) {
		pattern_free(x->d->config->pattern);
		x->d->config->pattern =
		    pattern_compile("{zone}/{instance_id}", NULL);
		watched_start(x, KEYS(orders[k][0], orders[k][1],
		    orders[k][2]));
		assert_string_equal(names_key(instance_of(x, "a")->names),
		    D "/x/a");
		assert_int_equal(table_count(x->d->rivals), 2);
		assert_int_equal(table_count(x->d->bad), 2);
		/* It goes, and the next takes over, which was listed. */
		watched_tell(x, gone_event(ETCD_DELETE, D "/x/a", 101));
		assert_string_equal(names_key(instance_of(x, "a")->names),
		    D "/y/a");
		l.n = 0;
		for (at = 0; at < 3; at++)
			if (strcmp(orders[k][at], D "/x/a") != 0)
				add_node(&l, node(orders[k][at], 10,
				    50 + at));
		sync_list(x->w);
		tell_listing(x, 101, &l);
		assert_int_equal(x->n, 0);
		assert_int_equal(table_count(x->d->rivals), 1);
		assert_int_equal(table_count(x->d->bad), 1);
		teardown(state);
		watched_setup(state);
		x = *state;
	}
}

/* --- newer than the watch --- */

static void newer_waits_for_the_watch(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a", D "/b", D "/c"));
	list_now(x, 110, KEYS(D "/b", D "/d"));
	assert_int_equal(x->n, 0);
	assert_true(x->w->listing.ready);
	/* Fresh headers are asked for, to show how far the watch is. */
	assert_int_equal(the_relief(x)->wait_index, 101);
	watched_tell(x, expire_event(D "/a", 100, 104));
	watched_tell(x, write_event(D "/d", 10, 106));
	assert_int_equal(x->n, 2);
	seen_is(x, 0, "a", STATE_EXPIRED, CAUSE_EXPIRE);
	seen_is(x, 1, "d", STATE_UP, CAUSE_REGISTERED);
	assert_true(x->w->listing.ready);
	tell_head(x, the_relief(x), 110);
	watched_pass(x, 607);
	assert_false(x->w->listing.ready);
	assert_int_equal(x->n, 3);
	seen_is(x, 2, "c", STATE_LOST, CAUSE_DIFF);
}

static void fresh_headers_let_it_count(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a", D "/b"));
	list_now(x, 110, KEYS(D "/b"));
	tell_head(x, the_relief(x), 111);
	assert_int_equal(x->n, 0);
	watched_pass(x, 599);
	assert_int_equal(x->n, 0);
	watched_pass(x, 8);
	assert_int_equal(x->n, 1);
	seen_is(x, 0, "a", STATE_LOST, CAUSE_DIFF);
	/* The relief is in charge; the next asks behind what it tells. */
	assert_null(the_relief(x));
	watched_tell(x, write_event(D "/a", 10, 112));
	assert_int_equal(the_poll(x)->wait_index, 113);
}

/* --- older than the watch --- */

static void what_events_touched_is_theirs(void **state)
{
	struct watched *x = *state;
	struct nodes l = { 0 };

	watched_start(x, KEYS(D "/deleted", D "/beats", D "/missing",
	    D "/moved"));
	sync_list(x->w);
	watched_tell(x, gone_event(ETCD_DELETE, D "/moved", 101));
	watched_tell(x, write_event(D "/moved", 10, 103));
	watched_tell(x, gone_event(ETCD_DELETE, D "/deleted", 105));
	watched_tell(x, write_event(D "/new", 10, 106));
	watched_tell(x, beat_event(D "/beats", 10, 3000, 107));
	assert_int_equal(x->n, 4);
	add_node(&l, node(D "/deleted", 10, 50));
	add_node(&l, node(D "/beats", 10, 51));
	add_node(&l, node(D "/moved", 10, 103));
	tell_listing(x, 104, &l);
	assert_int_equal(x->n, 5);
	seen_is(x, 4, "missing", STATE_LOST, CAUSE_DIFF);
	assert_int_equal(instance_of(x, "beats")->modified_index, 107);
	assert_false(instance_of(x, "beats")->silent);
	assert_int_equal(state_of_instance(x, "new"), STATE_UP);
	assert_int_equal(state_of_instance(x, "deleted"), STATE_DEREGISTERED);
	assert_int_equal(table_count(x->w->touched), 0);
	counts_agree(x);
}

/* An event tells only of the directory, not of what is below. */
static void a_directory_touched_is_all_below(void **state)
{
	struct watched *x = *state;

	pattern_free(x->d->config->pattern);
	x->d->config->pattern = pattern_compile("{zone}/{instance_id}", NULL);
	watched_start(x, KEYS(D "/x/a", D "/y/b"));
	sync_list(x->w);
	watched_tell(x, of_dir(gone_event(ETCD_DELETE, D "/x", 103)));
	list_now(x, 102, KEYS(D "/x/a", D "/x/new", D "/y/b"));
	assert_int_equal(x->n, 1);
	seen_is(x, 0, "a", STATE_DEREGISTERED, CAUSE_DIR_DELETE);
	sync_list(x->w);
	watched_tell(x, of_dir(expire_event(D, 100, 105)));
	list_now(x, 104, KEYS(D "/y/b"));
	assert_int_equal(x->n, 2);
	seen_is(x, 1, "b", STATE_EXPIRED, CAUSE_DIR_EXPIRE);
}

static void a_pending_batch_goes_first(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a", D "/b"));
	sync_list(x->w);
	tell_event(x, the_poll(x), expire_event(D "/a", 100, 102));
	list_now(x, 102, KEYS(D "/b"));
	assert_int_equal(x->n, 0);
	tell_head(x, the_poll(x), 102);
	assert_int_equal(x->n, 1);
	seen_is(x, 0, "a", STATE_EXPIRED, CAUSE_EXPIRE);
	assert_false(x->w->listing.ready);

	/* And when no headers come. */
	sync_list(x->w);
	tell_event(x, the_poll(x), expire_event(D "/b", 100, 103));
	list_now(x, 102, KEYS(D "/b"));
	watched_pass(x, 200);
	assert_int_equal(x->n, 2);
	assert_false(x->w->listing.ready);
	assert_int_equal(state_of_instance(x, "b"), STATE_EXPIRED);
}

/* --- while it arrives --- */

/* Nothing of it counts before its end: not what is new, not what changed, not
 * what is missing. */
static void counts_at_its_end(void **state)
{
	struct watched *x = *state;
	struct etcd_node v[] = {
		node(D "/same", 10, 50), node(D "/beats", 10, 51),
		node(D "/new", 10, 60),
	};

	watched_start(x, KEYS(D "/same", D "/beats", D "/missing"));
	v[1].modified_index = 70;
	sync_list(x->w);
	tell_nodes(x, v, 3);
	assert_int_equal(x->n, 0);
	assert_int_equal(instance_of(x, "beats")->modified_index, 51);
	assert_null(instance_of(x, "new"));
	tell_end(x, 100, 0, false);
	assert_int_equal(x->n, 2);
	seen_is(x, 0, "new", STATE_UP, CAUSE_REGISTERED);
	seen_is(x, 1, "missing", STATE_LOST, CAUSE_DIFF);
	assert_int_equal(instance_of(x, "beats")->modified_index, 70);
	assert_true(instance_of(x, "beats")->silent);
	counts_agree(x);
}

static void cut_in_the_middle(void **state)
{
	struct watched *x = *state;
	struct etcd_node v[] = {
		node(D "/new", 10, 60), node(D "/beats", 10, 51),
	};

	watched_start(x, KEYS(D "/same", D "/beats"));
	v[1].modified_index = 70;
	sync_list(x->w);
	for (int k = 0; k < 2; k++) {
		tell_nodes(x, v, 2);
		if (k == 0)
			tell_failure(x, x->w->list, FETCH_BROKEN);
		else
			tell_outcome(x, x->w->list, ETCD_BAD);
		assert_null(x->w->listing.differ);
		watched_pass(x, 1000);
		assert_int_equal(x->n, 0);
		assert_int_equal(instance_of(x, "beats")->modified_index, 51);
		assert_false(instance_of(x, "beats")->silent);
		assert_non_null(x->w->list);	/* once more */
	}
	/* What was marked in those is missing in this one. */
	tell_nodes(x, v, 1);
	tell_end(x, 100, 0, false);
	assert_int_equal(x->n, 3);
	seen_is(x, 0, "new", STATE_UP, CAUSE_REGISTERED);
	counts_agree(x);
}

/* Events before and behind each half of it. */
static void events_while_it_arrives(void **state)
{
	struct watched *x = *state;
	struct etcd_node v[] = {
		node(D "/deleted", 10, 50), node(D "/beats", 10, 51),
		node(D "/again", 10, 52), node(D "/other", 10, 53),
		node(D "/listed", 10, 102),
	};

	watched_start(x, KEYS(D "/deleted", D "/beats", D "/again",
	    D "/other", D "/missing"));
	sync_list(x->w);
	tell_nodes(x, v, 2);
	watched_tell(x, gone_event(ETCD_DELETE, D "/deleted", 103));
	watched_tell(x, beat_event(D "/beats", 10, 3000, 104));
	watched_tell(x, gone_event(ETCD_DELETE, D "/again", 105));
	tell_nodes(x, v + 2, 3);
	watched_tell(x, write_event(D "/again", 10, 106));
	watched_tell(x, gone_event(ETCD_DELETE, D "/other", 107));
	watched_tell(x, write_event(D "/new", 10, 108));
	x->n = 0;
	tell_end(x, 102, 0, false);
	assert_int_equal(x->n, 2);
	seen_is(x, 0, "listed", STATE_UP, CAUSE_REGISTERED);
	seen_is(x, 1, "missing", STATE_LOST, CAUSE_DIFF);
	assert_int_equal(state_of_instance(x, "deleted"), STATE_DEREGISTERED);
	assert_int_equal(state_of_instance(x, "other"), STATE_DEREGISTERED);
	assert_int_equal(instance_of(x, "beats")->modified_index, 104);
	assert_int_equal(instance_of(x, "again")->modified_index, 106);
	assert_int_equal(state_of_instance(x, "new"), STATE_UP);
	assert_int_equal(table_count(x->w->touched), 0);
	counts_agree(x);
}

/* The watch is behind: what it tells until it has come as far was in the
 * listing, and the roll had none of it when that arrived. */
static void arrives_before_the_events(void **state)
{
	struct watched *x = *state;
	struct etcd_node v[] = {
		node(D "/a", 10, 105), node(D "/b", 10, 106),
		node(D "/c", 10, 52),
	};

	watched_start(x, KEYS(D "/a", D "/c"));
	sync_list(x->w);
	tell_nodes(x, v, 3);
	watched_tell(x, gone_event(ETCD_DELETE, D "/a", 104));
	watched_tell(x, write_event(D "/a", 10, 105));
	tell_end(x, 106, 0, false);
	assert_true(x->w->listing.ready);
	assert_int_equal(x->n, 2);
	watched_tell(x, write_event(D "/b", 10, 106));
	assert_false(x->w->listing.ready);
	assert_int_equal(x->n, 3);
	assert_int_equal(x->c->up, 3);
	assert_false(instance_of(x, "a")->silent);
	counts_agree(x);
}

/* A directory comes behind what is in it: that is its content all the same. */
static void what_is_in_an_instance(void **state)
{
	struct watched *x = *state;
	struct etcd_node v[] = {
		node(D "/dir/x", 0, 61), dir_node(D "/dir/sub", 10, 62),
		dir_node(D "/dir", 10, 60),
	};

	watched_start(x, NULL);
	for (int k = 0; k < 2; k++) {
		sync_list(x->w);
		tell_nodes(x, v, 3);
		tell_end(x, 100, 0, false);
		assert_int_equal(x->n, 1);
		seen_is(x, 0, "dir", STATE_UP, CAUSE_REGISTERED);
		assert_int_equal(table_count(x->d->bad), 0);
	}
}

/* By what the listing shows, and that is as old as the request. */
static void late_as_of_the_request(void **state)
{
	struct watched *x = *state;
	struct instance *i;

	watched_start(x, KEYS(D "/a"));
	i = instance_of(x, "a");
	i->beat_ms = 3000;
	i->last_beat = clock_now();
	watched_pass(x, 5000);
	sync_list(x->w);
	watched_pass(x, 4000);
	list_now(x, 100, KEYS(D "/a"));
	assert_false(i->late);
	sync_list(x->w);
	list_now(x, 100, KEYS(D "/a"));
	assert_true(i->late);
}

/* --- what is no whole listing --- */

static void entries_without_sense(void **state)
{
	struct watched *x = *state;
	struct nodes l = { .bad = 1 };

	watched_start(x, KEYS(D "/a", D "/b"));
	add_node(&l, node(D "/b", 10, 51));
	add_node(&l, node(D "/c", 10, 60));
	sync_list(x->w);
	tell_listing(x, 100, &l);
	assert_int_equal(x->n, 1);
	seen_is(x, 0, "c", STATE_UP, CAUSE_REGISTERED);
	assert_int_equal(state_of_instance(x, "a"), STATE_UP);
	assert_true(x->w->in_sync);
}

static void not_there_is_empty(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a", D "/b"));
	sync_list(x->w);
	tell_listing(x, 100, &(struct nodes){ .missing = true });
	assert_int_equal(x->n, 2);
	assert_int_equal(x->d->vanished, 2);
}

static void failures_are_no_listing(void **state)
{
	static const enum etcd_outcome outcomes[] = { ETCD_EMPTY,
		ETCD_REFUSED, ETCD_UNAUTHORIZED, ETCD_NO_V2, ETCD_FAILED,
		ETCD_BAD };
	struct watched *x = *state;

	static const int64_t delays[] = { 500, 1000, 2000, 4000, 8000, 10000 };

	watched_start(x, KEYS(D "/a", D "/b"));
	logged_begin(LEVEL_INFO);
	sync_list(x->w);
	for (size_t k = 0; k < 6; k++) {
		tell_outcome(x, x->w->list, outcomes[k]);
		assert_null(x->w->list);
		assert_int_equal(x->d->refusal,
		    outcomes[k] == ETCD_NO_V2 ? REFUSAL_NO_V2 :
		    outcomes[k] == ETCD_UNAUTHORIZED ? REFUSAL_UNAUTHORIZED :
		    REFUSAL_NONE);
		watched_pass(x, delays[k] - 1);
		assert_null(x->w->list);
		watched_pass(x, 1);
		assert_non_null(x->w->list);
	}
	tell_error(x, x->w->list, ETCD_RAFT_INTERNAL, 0);
	watched_pass(x, 10000);
	assert_int_equal(x->n, 0);
	assert_true(x->d->looking);
	assert_int_equal(logged_lines("listed again"), 0);
	list_now(x, 100, KEYS(D "/a", D "/b"));
	assert_int_equal(logged_lines("cannot be listed"), 1);
	assert_int_equal(logged_lines("listed again"), 1);
	/* Soon, and said, when it happens again. */
	sync_list(x->w);
	tell_outcome(x, x->w->list, ETCD_BAD);
	watched_pass(x, 500);
	assert_int_equal(logged_lines("cannot be listed"), 2);
	list_now(x, 100, KEYS(D "/a", D "/b"));
}

/* A watch that is well does not help where listings fail. */
static void listed_by_another_member(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a"));
	sync_list(x->w);
	for (int k = 0; k < 3; k++) {
		assert_int_equal(asked_member(x), 0);
		tell_outcome(x, x->w->list, ETCD_BAD);
		watched_pass(x, k < 2 ? 2000 : 0);
	}
	assert_int_equal(asked_member(x), 1);
	tell_head(x, the_poll(x), 100);
	assert_non_null(x->w->list);
	assert_string_equal(x->w->list->url, x->c->members[1].url);
	list_now(x, 100, KEYS(D "/a"));
	assert_int_equal(x->n, 0);
	assert_true(x->d->looking);
}

/* No event makes it ask again sooner. */
static void fails_while_events_come(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a"));
	tell_failure(x, the_poll(x), FETCH_BROKEN);
	watched_pass(x, 200);
	tell_head(x, the_poll(x), 100);
	tell_outcome(x, x->w->list, ETCD_BAD);
	watched_tell(x, beat_event(D "/a", 10, 3000, 101));
	assert_null(x->w->list);
	watched_pass(x, 499);
	assert_null(x->w->list);
	watched_pass(x, 1);
	assert_non_null(x->w->list);
	list_now(x, 101, KEYS(D "/a"));
	assert_true(x->d->looking);
}

/* A fault that comes again and again does not fill the log. */
static void said_when_it_begins_to_look(void **state)
{
	struct watched *x = *state;

	logged_begin(LEVEL_INFO);
	watched_start(x, KEYS(D "/a"));
	assert_int_equal(logged_lines("directory in sync"), 1);
	for (int k = 0; k < 5; k++) {
		tell_failure(x, the_poll(x), FETCH_BROKEN);
		watched_pass(x, 2000);
		tell_head(x, the_poll(x), 100);
		list_now(x, 100, KEYS(D "/a"));
		assert_true(x->w->in_sync && x->d->looking);
	}
	assert_int_equal(logged_lines("directory in sync"), 1);
}

/* --- a new store --- */

static void an_index_below_ours(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a", D "/b"));
	watched_index(x, 0, 100);
	watched_pass(x, 2000);
	watched_probe_all(x, PROBED_LEADER);
	list_now(x, 20, KEYS(D "/b", D "/c"));
	assert_int_equal(x->d->resyncs[RESYNC_NEW_STORE], 1);
	assert_int_equal(x->d->resyncs[RESYNC_DIFFERENCE], 0);
	assert_int_equal(x->n, 2);
	seen_is(x, 0, "c", STATE_UP, CAUSE_REGISTERED);
	seen_is(x, 1, "a", STATE_LOST, CAUSE_DIFF);
	assert_int_equal(the_poll(x)->wait_index, 21);
	tell_head(x, the_poll(x), 20);
	watched_tell(x, expire_event(D "/b", 100, 22));
	assert_int_equal(x->n, 3);
	/* Indexes of before ask nothing of the new store. */
	watched_index(x, 0, 22);
	watched_seconds(x, 10);
	assert_true(x->d->looking);
}

static void not_below_what_was_reached_when_asked(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a", D "/b"));
	sync_list(x->w);
	watched_tell(x, write_event(D "/c", 10, 150));
	list_now(x, 120, KEYS(D "/a", D "/b"));
	assert_int_equal(x->d->resyncs[RESYNC_NEW_STORE], 0);
	assert_int_equal(x->n, 1);
}

/* --- in slices --- */

enum { MANY = 1200 };	/* in the roll's table, with room for few more */

static char many[MANY + 1][32];

static void list_written(struct watched *x, uint64_t index, size_t n,
    uint64_t written)
{
	struct nodes *l = xcalloc(1, sizeof(*l));

	for (size_t k = 0; k < n; k++) {
		snprintf(many[k], sizeof(many[k]), D "/%04u", (unsigned)k);
		add_node(l, node(many[k], 10, written));
	}
	if (x->w->list == NULL)
		sync_list(x->w);
	tell_listing(x, index, l);
	free(l);
}

static void list_many(struct watched *x, uint64_t index, size_t n)
{
	list_written(x, index, n, 51);
}

/* All of them have beaten. */
static void beats_many(struct watched *x, uint64_t index, size_t n)
{
	list_written(x, index, n, 61);
}

static void turn(struct watched *x)
{
	timers_run(loop_timers(x->loop), clock_mono());
	watched_flush(x);
}

static size_t turns_until_compared(struct watched *x)
{
	size_t turns = 0;

	for (; x->w->listing.ready; turns++)
		turn(x);
	return turns;
}

static void compared_in_slices(void **state)
{
	struct watched *x = *state;

	watched_start(x, NULL);
	list_many(x, 100, MANY);
	assert_in_range(x->c->up, SLICE / TAKEN, SLICE / TAKEN + 1);
	turn(x);
	assert_in_range(x->c->up, 2 * SLICE / TAKEN, 2 * SLICE / TAKEN + 2);
	turns_until_compared(x);
	assert_int_equal(x->c->up, MANY);
	assert_false(x->w->listing.ready);
	x->n = 0;
	list_many(x, 100, MANY - 1);
	assert_int_equal(x->n, 1);
	seen_is(x, 0, "1199", STATE_LOST, CAUSE_DIFF);
}

static void flush_units(struct watched *x, size_t n)
{
	const struct event jump = { .type = EVENT_CLOCK_JUMP };

	while (n-- > 0) {
		event_emit(x->f.registry->bus, &jump);
		watched_flush(x);
	}
}

/* What is new waits for a database that is late, unless that stands still:
 * rows that wait take memory. */
static void waits_for_the_database(void **state)
{
	struct watched *x = *state;
	struct event_bus *bus = x->f.registry->bus;
	size_t up;

	watched_start(x, NULL);
	event_committed(bus, event_unit(bus) - 1, clock_mono());
	flush_units(x, EVENT_BACKLOG + 1);
	assert_true(event_backlog(bus, clock_mono()));
	list_many(x, 100, MANY);
	up = x->c->up;
	turn(x);
	assert_int_equal(x->c->up, up);
	event_committed(bus, event_unit(bus) - 1, clock_mono());
	watched_pass(x, PAUSE_MS);
	assert_true(x->c->up > up);
	flush_units(x, EVENT_BACKLOG + 1);
	up = x->c->up;
	watched_pass(x, EVENT_STALLED_MS / 2);
	assert_int_equal(x->c->up, up);
	watched_pass(x, EVENT_STALLED_MS / 2 + PAUSE_MS);
	turns_until_compared(x);
	assert_int_equal(x->c->up, MANY);
}

/* Several directories share what a turn may do. */
static void others_compare_as_well(void **state)
{
	struct watched *x = *state;

	watched_start(x, NULL);
	assert_int_equal(x->f.registry->comparing, 0);
	x->f.registry->comparing = 3;
	list_many(x, 100, MANY);
	assert_int_equal(x->f.registry->comparing, 4);
	assert_in_range(x->c->up, 1, SLICE / TAKEN / 4 + 1);
	turns_until_compared(x);
	assert_int_equal(x->c->up, MANY);
	assert_int_equal(x->f.registry->comparing, 3);
	x->f.registry->comparing = 0;
}

/* ... and a turn ends when its time is over, whatever it has done. */
static void slow_machine(void **state)
{
	struct watched *x = *state;
	struct rest rest;

	watched_start(x, NULL);
	rest = rest_of(1);
	spend(&rest, LOOK_EVERY);
	assert_int_equal(rest.units, SLICE + 1 - LOOK_EVERY);
	clock_advance(SLICE_US / 1000 + 1);
	spend(&rest, LOOK_EVERY - 1);
	assert_true(rest.units > 0);
	spend(&rest, 1);
	assert_int_equal(rest.units, 0);
}

/* Judged together, however many turns it takes them to leave. */
static void many_leave_in_slices(void **state)
{
	struct watched *x = *state;
	size_t turns = 0, before;

	watched_start(x, NULL);
	list_many(x, 100, MANY);
	turns_until_compared(x);
	assert_int_equal(x->c->up, MANY);
	x->n = 0;
	list_many(x, 100, 0);
	for (; x->w->listing.ready; turns++) {
		before = x->n;
		turn(x);
		assert_true(x->n - before <= SLICE / LEFT + 1);
	}
	assert_in_range(turns, MANY * LEFT / SLICE,
	    MANY * LEFT / SLICE + 4);
	assert_int_equal(x->n, MANY);
	for (size_t k = 0; k < MANY; k++)
		assert_true(x->v[k].held);
	assert_int_equal(x->d->resyncs[RESYNC_DIFFERENCE], 1);
	counts_agree(x);
}

/* Of those who are missing one writes itself again while the others leave, and
 * the roll grows beyond its table. */
static void events_between_leaves(void **state)
{
	struct watched *x = *state;
	char key[32];

	watched_start(x, NULL);
	list_many(x, 100, MANY);
	turns_until_compared(x);
	x->n = 0;
	list_many(x, 100, 0);
	assert_true(x->w->listing.ready && x->n > 0 && x->n < MANY);
	for (unsigned k = 0; k < MANY; k++) {
		snprintf(key, sizeof(key), D "/%04u", k);
		if (registry_find(x->d, key) != NULL)
			break;
	}
	watched_tell(x, beat_event(key, 10, 3000, 101));
	for (unsigned k = 0; k < 1000; k++) {
		char new[32];

		snprintf(new, sizeof(new), D "/new%u", k);
		watched_tell(x, write_event(new, 10, 102 + k));
	}
	turns_until_compared(x);
	assert_int_equal(x->c->up, 1001);
	assert_int_equal(x->d->vanished, MANY - 1);
	assert_int_equal(state_of_instance(x, key + strlen(D "/")),
	    STATE_UP);
	counts_agree(x);
}

/* Nothing of who is in the roll like that, of who beats silently no value, and
 * of all others little. */
static void kept_is_what_differs(void **state)
{
	struct watched *x = *state;
	struct nodes *l = xcalloc(1, sizeof(*l));
	size_t nothing = sizeof(struct journal), all;

	watched_start(x, NULL);
	sync_list(x->w);
	for (size_t k = 0; k < MANY; k++) {
		snprintf(many[k], sizeof(many[k]), D "/%04u", (unsigned)k);
		add_node(l, node(many[k], 10, 51 + k));
	}
	assert_int_equal(journal_bytes(x->w->listing.differ), nothing);
	tell_nodes(x, l->v, l->n);
	all = journal_bytes(x->w->listing.differ);
	assert_in_range(all, MANY * 10, MANY * 40);
	tell_end(x, 100, 0, false);
	turns_until_compared(x);
	sync_list(x->w);
	tell_nodes(x, l->v, l->n);
	assert_int_equal(journal_bytes(x->w->listing.differ), nothing);
	tell_end(x, 100, 0, false);
	sync_list(x->w);
	for (size_t k = 0; k < MANY; k++)
		l->v[k].modified_index += 1000;
	tell_nodes(x, l->v, l->n);
	assert_in_range(journal_bytes(x->w->listing.differ), MANY, all);
	tell_end(x, 100, 0, false);
	turns_until_compared(x);
	assert_string_equal(names_value(instance_of(x, "0007")->names),
	    "10.0.0.7:80");
	assert_int_equal(instance_of(x, "0007")->modified_index, 1058);
	free(l);
}

static void events_between_slices(void **state)
{
	struct watched *x = *state;

	watched_start(x, NULL);
	list_many(x, 100, MANY);
	turns_until_compared(x);
	x->n = 0;
	beats_many(x, 100, MANY);
	assert_true(x->w->listing.ready);
	/* One that was compared, two to come, a new one. */
	watched_tell(x, gone_event(ETCD_DELETE, D "/0000", 101));
	watched_tell(x, gone_event(ETCD_DELETE, D "/1100", 102));
	watched_tell(x, write_event(D "/new", 10, 103));
	tell_event(x, the_poll(x), expire_event(D "/1199", 10, 104));
	turns_until_compared(x);
	assert_int_equal(x->d->applied_index, 103);
	tell_head(x, the_poll(x), 104);
	assert_int_equal(x->d->applied_index, 104);
	assert_int_equal(x->n, 4);
	seen_is(x, 0, "0000", STATE_DEREGISTERED, CAUSE_DELETE);
	seen_is(x, 1, "1100", STATE_DEREGISTERED, CAUSE_DELETE);
	seen_is(x, 2, "new", STATE_UP, CAUSE_REGISTERED);
	seen_is(x, 3, "1199", STATE_EXPIRED, CAUSE_EXPIRE);
	counts_agree(x);
}

static void broken_off_between_slices(void **state)
{
	struct watched *x = *state;

	watched_start(x, NULL);
	list_many(x, 100, MANY);
	turn(x);
	tell_failure(x, the_poll(x), FETCH_BROKEN);
	assert_null(x->w->listing.differ);
	watched_pass(x, 200);
	tell_head(x, the_poll(x), 100);
	list_many(x, 100, MANY);
	turns_until_compared(x);
	assert_int_equal(x->c->up, MANY);
	assert_true(x->w->in_sync);
	list_many(x, 100, MANY);
	list_many(x, 100, 10);		/* the end comes in between */
	assert_true(x->w->listing.ready);
}

/* --- how often --- */

static void how_often(void **state)
{
	static const struct {
		int64_t ttl_s, cost_ms, ms;
		bool silent;
	} v[] = {
		{ 10, 1, 30000, false },
		{ 10, 1, 3333, true },
		{ 1, 1, 1000, true },
		{ 5, 1, 1666, true },
		{ 60, 1, 20000, true },
		{ 500, 1, 30000, true },
		{ 0, 1, 30000, true },
		{ 5, 300, 6000, true },
		{ 10, 2000, 40000, false },
	};
	struct watched *x = *state;
	struct instance *i;

	watched_start(x, KEYS(D "/a"));
	i = instance_of(x, "a");
	for (size_t k = 0; k < sizeof(v) / sizeof(v[0]); k++) {
		i->silent = v[k].silent;
		i->ttl_s = v[k].ttl_s;
		x->w->listing = (struct listed){ .cost_ms = v[k].cost_ms };
		sync_is_listed(x->w, i);
		assert_int_equal(often_interval_ms(&x->w->listing),
		    v[k].ms);
	}
	i->ttl_s = 10;
}

/* A tenth of them have a TTL of 6 s, the others 60. */
static void the_shortest_ttls_set_it(void **state)
{
	struct watched *x = *state;
	struct instance *i;
	char id[32];

	watched_start(x, NULL);
	list_many(x, 100, 100);
	for (unsigned k = 0; k < 100; k++) {
		snprintf(id, sizeof(id), "%04u", k);
		i = instance_of(x, id);
		i->silent = k == 99;
		i->ttl_s = k < 9 ? 2 : k < 10 ? 6 : 60;
	}
	list_many(x, 100, 100);
	assert_int_equal(x->d->list_interval_ms, 2000);
	for (unsigned k = 0; k < 100; k++) {
		snprintf(id, sizeof(id), "%04u", k);
		instance_of(x, id)->ttl_s = 10;
	}
}

static void again_and_again(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a"));
	for (int k = 0; k < 5; k++) {
		watched_pass(x, 29999);
		assert_null(x->w->list);
		watched_pass(x, 1);
		assert_non_null(x->w->list);
		list_now(x, 100, KEYS(D "/a"));
	}
}

/* In a busy directory a poll is seldom without headers for long, but often. */
static void due_while_a_poll_begins(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a"));
	watched_pass(x, 29999);
	tell_event(x, the_poll(x), beat_event(D "/a", 10, 3000, 101));
	watched_pass(x, 1);
	tell_head(x, the_poll(x), 101);
	watched_pass(x, 1000);
	assert_non_null(x->w->list);
	tell_outcome(x, x->w->list, ETCD_FAILED);
	watched_pass(x, 499);
	tell_event(x, the_poll(x), beat_event(D "/a", 10, 3000, 102));
	watched_pass(x, 1);
	tell_head(x, the_poll(x), 102);
	watched_pass(x, 1000);
	assert_non_null(x->w->list);
}

/* However often history is lost, listings take a twentieth of the time; what
 * happens meanwhile is watched. */
static void no_more_than_a_share(void **state)
{
	struct watched *x = *state;
	int64_t took = 0;
	uint64_t index = 1000;

	watched_start(x, KEYS(D "/a"));
	for (int64_t ms = 0; ms < 200000; ms += 10, index += 50) {
		struct etcd_call *list = x->w->list;

		if (list != NULL && mono_since(list->began, clock_mono()) >=
		    100) {
			list_now(x, index, KEYS(D "/a"));
			took += x->w->listing.cost_ms;
		}
		if (the_poll(x) != NULL && ms % 700 == 0)
			tell_error(x, the_poll(x), ETCD_INDEX_CLEARED, index);
		else if (the_poll(x) != NULL && !poll_headed(x->w))
			tell_head(x, the_poll(x), index);
		watched_pass(x, 10);
	}
	assert_in_range(x->d->resyncs[RESYNC_HISTORY_CLEARED], 200, 300);
	assert_in_range(took, 9000, 10700);
	assert_int_equal(instance_of(x, "a")->period.state, STATE_UP);
}

/* One that took long, since its member hung, does not keep the next waiting
 * for its share, and several no longer than a quiet directory's. */
static void a_slow_one_is_forgiven(void **state)
{
	struct watched *x = *state;

	watched_start(x, KEYS(D "/a"));
	for (int k = 0; k < 4; k++) {
		sync_list(x->w);
		assert_non_null(x->w->list);
		watched_pass(x, 4000);
		list_now(x, 100, KEYS(D "/a"));
	}
	sync_list(x->w);
	assert_null(x->w->list);
	for (int ms = 0; ms < 30000 && x->w->list == NULL; ms += 10)
		watched_pass(x, 10);
	assert_non_null(x->w->list);
	list_now(x, 100, KEYS(D "/a"));		/* at once */
	sync_list(x->w);
	assert_non_null(x->w->list);
	list_now(x, 100, KEYS(D "/a"));
}

/* --- how long it may take --- */

static void a_large_one_may_take_longer(void **state)
{
	struct watched *x = *state;
	int64_t cost_ms;

	watched_start(x, KEYS(D "/a"));
	sync_list(x->w);
	assert_int_equal(x->w->list->deadline_ms, 10000);
	for (int k = 1; k <= 5; k++) {
		tell_failure(x, x->w->list, FETCH_TIMEOUT);
		watched_pass(x, 10000);
		assert_int_equal(x->w->list->deadline_ms,
		    k < 5 ? 10000 << k : 160000);
	}
	watched_pass(x, 50000);
	cost_ms = mono_since(x->w->list->began, clock_mono()) + 1;
	list_now(x, 100, KEYS(D "/a"));
	assert_int_equal(x->d->list_interval_ms, 20 * cost_ms);
	sync_list(x->w);
	assert_int_equal(x->w->list->deadline_ms, 4 * cost_ms);
	list_now(x, 100, KEYS(D "/a"));
}

/* --- a new leader --- */

static void asked_again_of_a_new_leader(void **state)
{
	struct watched *x = *state;
	struct etcd_call *asked;

	watched_start(x, KEYS(D "/a"));
	sync_list(x->w);
	asked = x->w->list;
	watched_pass(x, 100);
	watched_probe_all(x, PROBED_LEADER);
	assert_ptr_equal(x->w->list, asked);
	registry_set_raft(x->c, 3, 0, clock_mono());
	watched_probe_all(x, PROBED_LEADER);
	assert_int_equal(calls_made[CALLED_LIST], 3);
	watched_pass(x, 100);
	watched_probe_all(x, PROBED_LEADER);
	assert_int_equal(calls_made[CALLED_LIST], 3);
	list_now(x, 100, KEYS(D "/a"));
	assert_int_equal(x->n, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, watched_setup, \
	teardown)
#define TEST2(name) cmocka_unit_test_setup_teardown(name, watched_setup2, \
	teardown)
#define TEST3(name) cmocka_unit_test_setup_teardown(name, watched_setup3, \
	teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(begins_with_a_listing),
		TEST(begins_again_until_it_is_listed),
		TEST3(waits_for_most_members),
		TEST3(waits_a_second),
		TEST(shows_what_is_missing),
		TEST(shows_what_is_new),
		TEST(after_a_gap),
		TEST(many_missing_are_a_storm),
		TEST(silent_heartbeats),
		TEST(a_directory_in_its_place),
		TEST(rivals_that_are_missing_too),
		TEST(rivals_in_the_first_listing),
		TEST(newer_waits_for_the_watch),
		TEST(fresh_headers_let_it_count),
		TEST(what_events_touched_is_theirs),
		TEST(a_directory_touched_is_all_below),
		TEST(a_pending_batch_goes_first),
		TEST(counts_at_its_end),
		TEST(cut_in_the_middle),
		TEST(events_while_it_arrives),
		TEST(arrives_before_the_events),
		TEST(what_is_in_an_instance),
		TEST(late_as_of_the_request),
		TEST(entries_without_sense),
		TEST(not_there_is_empty),
		TEST(failures_are_no_listing),
		TEST2(listed_by_another_member),
		TEST(fails_while_events_come),
		TEST(said_when_it_begins_to_look),
		TEST(an_index_below_ours),
		TEST(not_below_what_was_reached_when_asked),
		TEST(compared_in_slices),
		TEST(waits_for_the_database),
		TEST(others_compare_as_well),
		TEST(slow_machine),
		TEST(many_leave_in_slices),
		TEST(events_between_leaves),
		TEST(kept_is_what_differs),
		TEST(events_between_slices),
		TEST(broken_off_between_slices),
		TEST(how_often),
		TEST(the_shortest_ttls_set_it),
		TEST(again_and_again),
		TEST(due_while_a_poll_begins),
		TEST(no_more_than_a_share),
		TEST(a_slow_one_is_forgiven),
		TEST(a_large_one_may_take_longer),
		TEST(asked_again_of_a_new_leader),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
