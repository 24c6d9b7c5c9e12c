/* The whole watcher on a real loop, against a scripted etcd:
 *	which polls it asks for, one after the other
 *	a relief in good time, an event that comes through two polls
 *	history cleared, a member gone, a body cut off: nothing is missed
 *	what history tells besides; directories; what makes no sense
 *	listings older and newer than the watch, large, bad, not there
 *	a cluster that was rebuilt, a reload */
#include "collectors/watcher.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "collectors/collector.h"
#include "core/err.h"
#include "tests/unit/collectors/etcd_script.h"
#include "tests/unit/collectors/fixture.h"

/* A quiet poll ends after as long as a test can wait. */
static int64_t quiet_ms;

static struct etcd_line *quick_start(const struct etcd_target *t,
    const struct etcd_line_request *r, const struct etcd_line_user *user,
    void *arg)
{
	struct etcd_line_request quick = *r;

	if (quiet_ms)
		quick.poll_ms = quiet_ms;
	return etcd_line_start(t, &quick, user, arg);
}
#define etcd_line_start quick_start
#include "collectors/poll.c"
#undef etcd_line_start

#define D "/login_servers"

enum { MEMBERS = 2, SEEN = 4096, PATIENCE_MS = 10 * 1000 };

static struct etcd_store store;
static struct etcd_script members[MEMBERS];
static struct fixture f;
static struct loop *loop;
static struct timer *ticker;
static struct storm *storm;
static struct watcher *w;
static struct directory *d;
static struct {
	char id[24];
	enum cause cause;
} seen[SEEN];
static size_t nseen;

static void on_instance(void *arg, const struct event *e)
{
	(void)arg;
	if (e->type != EVENT_INSTANCE)
		return;
	assert_true(nseen < SEEN);
	snprintf(seen[nseen].id, sizeof(seen[0].id), "%s",
	    names_instance_id(e->instance.instance->names));
	seen[nseen++].cause = e->instance.begun.cause;
}

static void each_turn(void *arg, mono_t now)
{
	(void)arg;
	event_flush(f.bus, now);
}

static void on_tick(void *arg, mono_t now)
{
	(void)now;
	loop_stop(arg);
}

static void run_a_moment(void)
{
	timer_set(ticker, mono_add(clock_mono(), 1));
	loop_run(loop);
}

/* Runs the loop until it is so. */
#define AWAIT(condition)						\
	do {								\
		mono_t until_ = mono_add(clock_mono(), PATIENCE_MS);	\
									\
		while (!(condition)) {					\
			if (mono_due(until_, clock_mono()))		\
				fail_msg("never: %s", #condition);	\
			run_a_moment();					\
		}							\
	} while (0)

static void probe(size_t number, bool has_leader)
{
	struct etcd_result r = { .outcome = has_leader ? ETCD_OK :
		ETCD_REFUSED, .started = clock_mono(),
		.ended = clock_mono() };
	struct member *m = &f.cluster->members[number];

	if (has_leader)
		r.leader = (struct etcd_member){ .id = "a1", .name = "m1",
			.client_url = "", .peer_url = "" };
	collector_apply(&collector_leader, m, &r);
	if (w != NULL)
		watcher_on_probe(w, m, true, has_leader, r.started, r.ended);
}

static void tell_index(size_t number, const char *cluster_id, uint64_t index)
{
	struct etcd_result r = { .outcome = ETCD_OK, .started = clock_mono(),
		.ended = clock_mono() };

	r.meta.etcd_index = index;
	snprintf(r.meta.cluster_id, sizeof(r.meta.cluster_id), "%s",
	    cluster_id);
	collector_apply(&collector_keys, &f.cluster->members[number], &r);
}

static void begin(size_t nmembers, const char *const *keys)
{
	struct event_sink sink = { "seen", on_instance, NULL, NULL };
	const char *urls[MEMBERS];
	struct err e;

	log_set_level(LEVEL_ERROR + 1);
	quiet_ms = 0;
	nseen = 0;
	store_init(&store, 100);
	for (size_t k = 0; k < MEMBERS; k++) {
		member_start(&members[k], &store);
		urls[k] = members[k].script.url;
	}
	for (; *keys != NULL; keys++)
		store_put(&store, *keys, 60);
	fixture_init(&f, urls, nmembers);
	event_bus_add(f.bus, &sink);
	d = f.cluster->directories[0];
	loop = loop_new(&e);
	assert_non_null(loop);
	loop_each_turn(loop, each_turn, NULL);
	ticker = timer_new(loop, on_tick, loop);
	storm = storm_new();
	w = NULL;
	for (size_t k = 0; k < nmembers; k++) {
		tell_index(k, "cc", 100);
		probe(k, true);
	}
	w = watcher_new(loop, d, storm);
	AWAIT(d->looking);
	nseen = 0;
}

static int end(void **state)
{
	(void)state;
	watcher_free(w);
	storm_free(storm);
	timer_free(ticker);
	loop_free(loop);
	fixture_fini(&f);
	for (size_t k = 0; k < MEMBERS; k++)
		member_stop(&members[k]);
	store_fini(&store);
	return 0;
}

#define BEGIN(n, ...) begin(n, (const char *const[]){ __VA_ARGS__, NULL })

static void seen_is(size_t k, const char *id, enum cause cause)
{
	assert_true(k < nseen);
	assert_string_equal(seen[k].id, id);
	assert_string_equal(cause_name(seen[k].cause), cause_name(cause));
}

static enum state state_is(const char *id)
{
	char identity[64];
	const struct instance *i;

	snprintf(identity, sizeof(identity), "login_servers/%s", id);
	i = table_get(f.cluster->by_identity, identity);
	return i != NULL ? i->period.state : STATE_DEREGISTERED;
}

/* What this member was asked as the k-th. */
static void asked_is(size_t member, size_t k, uint64_t what)
{
	AWAIT(member_asked(&members[member]) > k);
	assert_int_equal(members[member].asked[k], what);
}

/* --- the chain --- */

static void one_poll_after_the_other(void **state)
{
	(void)state;
	BEGIN(1, D "/a");
	asked_is(0, 0, ASKED_LISTING);
	asked_is(0, 1, 102);
	store_put(&store, D "/b", 60);
	asked_is(0, 2, 103);
	store_others(&store, 20);
	store_gone(&store, "delete", D "/b");
	asked_is(0, 3, 124);
	store_gone(&store, "expire", D "/a");
	asked_is(0, 4, 125);
	AWAIT(nseen == 3);
	seen_is(0, "b", CAUSE_REGISTERED);
	seen_is(1, "b", CAUSE_DELETE);
	seen_is(2, "a", CAUSE_EXPIRE);
	/* All on one connection, but for the listing's. */
	assert_in_range(members[0].script.nconnections, 1, 2);
}

static void a_burst(void **state)
{
	char key[32];

	(void)state;
	BEGIN(1, D "/a");
	for (int k = 0; k < 150; k++) {
		snprintf(key, sizeof(key), D "/%03d", k);
		store_put(&store, key, 60);
	}
	store_gone(&store, "expire", D "/a");
	AWAIT(nseen == 151);
	for (size_t k = 0; k < 150; k++) {
		snprintf(key, sizeof(key), "%03zu", k);
		seen_is(k, key, CAUSE_REGISTERED);
	}
	seen_is(150, "a", CAUSE_EXPIRE);
}

static void quiet_polls(void **state)
{
	(void)state;
	BEGIN(1, D "/a");
	asked_is(0, 1, 102);
	quiet_ms = 100;			/* of the line begun now */
	poll_start(w);
	asked_is(0, 2, 102);
	store_put(&store, D "/b", 60);
	asked_is(0, 3, 103);
	AWAIT(poll_headed(w));
	store_others(&store, 500);
	asked_is(0, 4, 103);
	asked_is(0, 5, 603);
	asked_is(0, 6, 603);
	store_put(&store, D "/c", 60);
	AWAIT(nseen == 2);
	assert_true(d->looking);
	assert_int_equal(d->resyncs[RESYNC_CONNECTION], 0);
}

/* While others write 900 times; the store is known to be at this index. */
static void relieved(uint64_t index, uint64_t asks)
{
	BEGIN(1, D "/a");
	store_others(&store, 900);
	f.cluster->members[0].index = index;
	probe(0, true);
	asked_is(0, 2, asks);
	AWAIT(w->relief == NULL);
	assert_int_equal(w->reached, 1001);
	store_gone(&store, "expire", D "/a");
	AWAIT(nseen == 1);
	asked_is(0, 3, 1003);
	assert_true(d->looking);
}

static void relieved_in_time(void **state)
{
	(void)state;
	relieved(1001, 102);
}

static void relieved_from_now_on(void **state)
{
	(void)state;
	relieved(1002, 0);
}

static void told_through_two_polls(void **state)
{
	(void)state;
	BEGIN(1, D "/a");
	store_others(&store, 5);
	poll_renew(w);
	AWAIT(w->relief->headed);
	store_put(&store, D "/b", 60);
	AWAIT(nseen > 0 && poll_headed(w));
	store_gone(&store, "expire", D "/b");
	AWAIT(nseen == 2);
	seen_is(0, "b", CAUSE_REGISTERED);
	seen_is(1, "b", CAUSE_EXPIRE);
	asked_is(0, 2, 102);
	asked_is(0, 3, 108);
	asked_is(0, 4, 109);
}

/* --- breaks --- */

static void history_cleared(void **state)
{
	(void)state;
	BEGIN(1, D "/a", D "/b", D "/c");
	pthread_mutex_lock(&store.lock);
	store.cleared = 5000;
	store.index = 6000;
	pthread_mutex_unlock(&store.lock);
	store_drop(&store, D "/a");
	store_put(&store, D "/b2", 60);
	/* The poll under way is not hurt; the next one is. */
	AWAIT(nseen == 1);
	store_set(&store, &members[0].down, true);
	AWAIT(w->poll == NULL);
	store_drop(&store, D "/c");
	pthread_mutex_lock(&store.lock);
	store.cleared = 7000;
	store.index = 8000;
	pthread_mutex_unlock(&store.lock);
	store_set(&store, &members[0].down, false);
	AWAIT(nseen == 3);
	assert_int_equal(state_is("a"), STATE_LOST);
	assert_int_equal(state_is("c"), STATE_LOST);
	assert_int_equal(d->resyncs[RESYNC_HISTORY_CLEARED], 1);
	AWAIT(d->looking);
	assert_int_equal(w->reached, 8000);
}

static void a_member_gone(void **state)
{
	(void)state;
	BEGIN(2, D "/a", D "/b");
	assert_ptr_equal(w->member, &f.cluster->members[0]);
	pthread_mutex_lock(&store.lock);
	members[0].down = true;
	pthread_mutex_unlock(&store.lock);
	/* Happens before the other member is asked. */
	store_gone(&store, "expire", D "/a");
	store_gone(&store, "delete", D "/b");
	store_put(&store, D "/b", 60);
	AWAIT(nseen == 3);
	seen_is(0, "a", CAUSE_EXPIRE);
	seen_is(1, "b", CAUSE_DELETE);
	seen_is(2, "b", CAUSE_REGISTERED);
	asked_is(1, 0, 103);
	AWAIT(w->in_sync);
	assert_true(d->looking);
	assert_int_equal(nseen, 3);
	assert_int_equal(d->resyncs[RESYNC_CONNECTION], 1);
}

static void a_body_cut_off(void **state)
{
	(void)state;
	BEGIN(2, D "/a");
	store_set(&store, &members[0].cut, true);
	store_gone(&store, "expire", D "/a");
	AWAIT(nseen == 1);
	seen_is(0, "a", CAUSE_EXPIRE);
	assert_ptr_equal(w->member, &f.cluster->members[1]);
	asked_is(1, 0, 102);
}

/* --- what events say --- */

static void what_history_tells_besides(void **state)
{
	(void)state;
	BEGIN(2, D "/a");
	store_event(&store, "{\"action\":\"set\",\"node\":{\"key\":\"" D
	    "/_hidden\",\"value\":\"x\",\"modifiedIndex\":%N,"
	    "\"createdIndex\":%N}}");
	store_event(&store, "{\"action\":\"delete\",\"node\":{\"key\":"
	    "\"/login\",\"dir\":true,\"modifiedIndex\":%N,\"createdIndex\":3"
	    "},\"prevNode\":{\"key\":\"/login\",\"dir\":true,"
	    "\"modifiedIndex\":3,\"createdIndex\":3}}");
	store_event(&store, "{\"action\":\"expire\",\"node\":{\"key\":\"" D
	    "_2\",\"dir\":true,\"modifiedIndex\":%N,\"createdIndex\":3}}");
	store_event(&store, "{\"action\":\"compareAndDelete\",\"node\":{"
	    "\"key\":\"" D "/_hidden\",\"modifiedIndex\":%N,"
	    "\"createdIndex\":3}}");
	store_put(&store, D "/b", 60);
	AWAIT(nseen == 1);
	seen_is(0, "b", CAUSE_REGISTERED);
	assert_int_equal(d->bad_keys, 0);
	assert_int_equal(w->reached, 106);
}

static void the_directory_deleted(void **state)
{
	(void)state;
	BEGIN(1, D "/a", D "/b");
	store_drop(&store, D "/a");
	store_drop(&store, D "/b");
	store_event(&store, "{\"action\":\"delete\",\"node\":{\"key\":\"" D
	    "\",\"dir\":true,\"modifiedIndex\":%N,\"createdIndex\":3},"
	    "\"prevNode\":{\"key\":\"" D "\",\"dir\":true,"
	    "\"modifiedIndex\":3,\"createdIndex\":3}}");
	AWAIT(nseen == 2);
	assert_int_equal(seen[0].cause, CAUSE_DIR_DELETE);
	assert_int_equal(seen[1].cause, CAUSE_DIR_DELETE);
	store_put(&store, D "/a", 60);
	AWAIT(nseen == 3);
	seen_is(2, "a", CAUSE_REGISTERED);
}

/* Listed instead, on whichever member: what it hid is found missing. */
static void an_event_without_sense(void **state)
{
	(void)state;
	BEGIN(2, D "/a", D "/b");
	store_drop(&store, D "/a");
	store_event(&store, "{\"action\":\"expire\",\"node\":{\"key\":17}}");
	store_put(&store, D "/c", 60);
	AWAIT(nseen == 2 && d->looking);
	assert_int_equal(state_is("a"), STATE_LOST);
	assert_int_equal(state_is("c"), STATE_UP);
	assert_int_equal(w->reached, 104);
	store_gone(&store, "expire", D "/c");
	AWAIT(nseen == 3);
	seen_is(2, "c", CAUSE_EXPIRE);
}

/* --- listings --- */

/* It is there first: events that are on their way keep their causes. */
static void a_listing_newer_than_the_watch(void **state)
{
	(void)state;
	BEGIN(1, D "/a", D "/b");
	store_set(&store, &store.hold_events, true);
	store_gone(&store, "expire", D "/a");
	store_put(&store, D "/c", 60);
	sync_list(w);
	AWAIT(w->listing.ready);
	assert_int_equal(nseen, 0);
	store_set(&store, &store.hold_events, false);
	AWAIT(!w->listing.ready);
	assert_int_equal(nseen, 2);
	seen_is(0, "a", CAUSE_EXPIRE);
	seen_is(1, "c", CAUSE_REGISTERED);
}

static void a_listing_older_than_the_watch(void **state)
{
	(void)state;
	BEGIN(1, D "/a", D "/b");
	store_set(&store, &store.hold_listings, true);
	sync_list(w);
	AWAIT(member_asked(&members[0]) == 3);
	store_gone(&store, "delete", D "/a");
	store_put(&store, D "/c", 60);
	AWAIT(nseen == 2);
	store_set(&store, &store.hold_listings, false);
	AWAIT(w->list == NULL);
	AWAIT(!w->listing.ready);
	assert_int_equal(nseen, 2);
	assert_int_equal(state_is("a"), STATE_DEREGISTERED);
	assert_int_equal(state_is("c"), STATE_UP);
}

static void entries_without_sense(void **state)
{
	(void)state;
	BEGIN(1, D "/a", D "/b");
	store_drop(&store, D "/a");
	store.bad_nodes = ",{\"key\":\"" D "/x\",\"modifiedIndex\":-1}";
	sync_list(w);
	AWAIT(w->list == NULL);
	assert_int_equal(nseen, 0);
	store.bad_nodes = NULL;
	sync_list(w);
	AWAIT(w->list == NULL);
	assert_int_equal(nseen, 1);
	seen_is(0, "a", CAUSE_DIFF);
	store.missing = true;
	sync_list(w);
	AWAIT(w->list == NULL);
	assert_int_equal(nseen, 2);
	seen_is(1, "b", CAUSE_DIFF);
}

/* Decoded in a thread, compared in slices; events pass in between. */
static void a_large_listing(void **state)
{
	char key[40];

	(void)state;
	BEGIN(1, D "/a");
	pthread_mutex_lock(&store.lock);
	for (size_t k = 0; k < 3000; k++) {
		snprintf(key, sizeof(key), D "/%04zu", k);
		strcpy(store.keys[store.nkeys].key, key);
		store.keys[store.nkeys].ttl = 60;
		store.keys[store.nkeys++].index = 50;
	}
	pthread_mutex_unlock(&store.lock);
	sync_list(w);
	AWAIT(member_asked(&members[0]) == 3);
	store_gone(&store, "expire", D "/0007");
	store_gone(&store, "delete", D "/2999");
	AWAIT(w->list == NULL && !w->listing.ready && w->reached == 103);
	AWAIT(w->nbatch == 0);
	sync_list(w);
	AWAIT(w->list == NULL && !w->listing.ready);
	assert_int_equal(f.cluster->up, 2999);
	assert_int_equal(state_is("2999"), STATE_DEREGISTERED);
	assert_int_not_equal(state_is("0007"), STATE_UP);
	/* The end comes while one is decoded. */
	sync_list(w);
	AWAIT(member_asked(&members[0]) >= 6);
}

/* --- other stores, other watchers --- */

static void the_cluster_was_rebuilt(void **state)
{
	(void)state;
	BEGIN(1, D "/a", D "/b");
	store_set(&store, &members[0].down, true);
	AWAIT(w->poll == NULL);
	store_drop(&store, D "/a");
	pthread_mutex_lock(&store.lock);
	store.index = 7;
	store.cleared = 1;
	while (store.nevents > 0)
		free(store.events[--store.nevents].json);
	strcpy(store.cluster_id, "dd");
	pthread_mutex_unlock(&store.lock);
	store_set(&store, &members[0].down, false);
	AWAIT(nseen == 1);
	seen_is(0, "a", CAUSE_DIFF);
	AWAIT(d->looking);
	assert_int_equal(d->resyncs[RESYNC_NEW_STORE], 1);
	assert_int_equal(w->reached, 7);
	assert_string_equal(f.cluster->cluster_id, "dd");
}

static void a_reload_loses_nothing(void **state)
{
	(void)state;
	BEGIN(1, D "/a", D "/b");
	store_gone(&store, "expire", D "/a");
	AWAIT(w->nbatch == 1 || nseen == 1);
	watcher_free(w);
	w = NULL;
	store_gone(&store, "delete", D "/b");
	store_put(&store, D "/c", 60);
	w = watcher_new(loop, d, storm);
	AWAIT(nseen == 3);
	seen_is(0, "a", CAUSE_EXPIRE);
	seen_is(1, "b", CAUSE_DELETE);
	seen_is(2, "c", CAUSE_REGISTERED);
	AWAIT(w->in_sync);
	assert_true(d->looking);
	assert_int_equal(nseen, 3);
}

#define TEST(name) cmocka_unit_test_teardown(name, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_poll_after_the_other),
		TEST(a_burst),
		TEST(quiet_polls),
		TEST(relieved_in_time),
		TEST(relieved_from_now_on),
		TEST(told_through_two_polls),
		TEST(history_cleared),
		TEST(a_member_gone),
		TEST(a_body_cut_off),
		TEST(what_history_tells_besides),
		TEST(the_directory_deleted),
		TEST(an_event_without_sense),
		TEST(a_listing_newer_than_the_watch),
		TEST(a_listing_older_than_the_watch),
		TEST(entries_without_sense),
		TEST(a_large_listing),
		TEST(the_cluster_was_rebuilt),
		TEST(a_reload_loses_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
