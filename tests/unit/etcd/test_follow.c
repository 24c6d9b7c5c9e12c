/* Following a directory of a small etcd that fails as the test wants, under a
 * clock that the test moves: connections are real, timers are not. */
#include "etcd/follow.c"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/collectors/etcd_script.h"

#define DIR "/login_servers"

enum {
	START = 10, MAX_NEWS = 64, BEFORE_START_MS = 1000000,
	FIRST_POLL_MS = 2 * POLL_MS
};

static struct etcd_store store;
static struct etcd_script members[2];
static struct loop *loop;
static struct etcd_client *client;
static struct etcd_follow *following;

/* What was told. */
struct told {
	enum etcd_news news;
	uint64_t index;			/* of the event or the listing */
	size_t n;			/* of a listing */
	char key[60], text[320], endpoint[128];
};

static struct told told[MAX_NEWS];
static size_t ntold;
static enum etcd_news stop_at;
static bool stops;
static atomic_bool go_ahead;

static void on_news(enum etcd_news news, const struct etcd_result *r,
    void *arg)
{
	struct told *t = &told[ntold++];

	assert_ptr_equal(arg, &store);
	assert_true(ntold < MAX_NEWS);
	*t = (struct told){ .news = news };
	if (news == ETCD_NEWS_LISTING) {
		t->index = r->meta.etcd_index;
		t->n = r->listing.n;
	} else if (news == ETCD_NEWS_EVENT) {
		t->index = r->event.node.modified_index;
		snprintf(t->key, sizeof(t->key), "%s", r->event.node.key);
	}
	snprintf(t->text, sizeof(t->text), "%s", r->text);
	snprintf(t->endpoint, sizeof(t->endpoint), "%s", r->endpoint);
	if (stops && news == stop_at) {
		etcd_follow_stop(following);
		following = NULL;
	}
}

/* --- time --- */

static bool (*awaited)(size_t n);
static size_t awaited_n;
static bool once;

static void at_end_of_turn(void *arg, mono_t now)
{
	(void)arg;
	(void)now;
	if (once || (awaited && awaited(awaited_n)))
		loop_stop(loop);
}

static void on_tick(void *arg, mono_t now)
{
	(void)arg;
	(void)now;
}

/* One turn, which waits for nothing. */
static void turn(void)
{
	struct timer *t = timer_new(loop, on_tick, NULL);

	timer_set(t, clock_mono());
	once = true;
	loop_run(loop);
	once = false;
	timer_free(t);
}

/* Time passes, and a few turns. */
static void pass(int64_t ms)
{
	clock_advance(ms);
	for (int i = 0; i < 4; i++)
		turn();
}

/* As long as the present poll, request or pause may last. */
static void ring(void)
{
	pass(mono_since(clock_mono(), following->due));
}

static void await(bool (*condition)(size_t n), size_t n)
{
	awaited = condition;
	awaited_n = n;
	while (!condition(n))
		loop_run(loop);
	awaited = NULL;
}

static bool were_told(size_t n)
{
	return ntold >= n;
}

static void await_told(size_t n)
{
	await(were_told, n);
}

/* So many requests, and the headers of a poll among them have come. */
static bool polls(size_t n)
{
	return member_asked(&members[0]) + member_asked(&members[1]) >= n &&
	    following->headed;
}

static bool pauses(size_t n)
{
	return following->failures >= n && !following->call;
}

static bool told_or_pauses(size_t n)
{
	return ntold >= n || !following->call;
}

static bool told_or_polls(size_t n)
{
	return ntold >= n || following->headed;
}

static bool requests(size_t n)
{
	return member_asked(&members[0]) + member_asked(&members[1]) >= n;
}

/* --- birth and end --- */

static void open_client(size_t n)
{
	const char *urls[] = { members[0].script.url, members[1].script.url };

	client = etcd_open_on(loop, urls, n, NULL, NULL);
	assert_non_null(client);
}

static int begin_test(void **state)
{
	(void)state;
	alarm(30);
	clock_set((mono_t){ BEFORE_START_MS },
	    (wall_t){ INT64_C(1800000000000) });
	loop = loop_new(NULL);
	loop_each_turn(loop, at_end_of_turn, NULL);
	store_init(&store, START);
	member_start(&members[0], &store);
	member_start(&members[1], &store);
	ntold = 0;
	stops = false;
	atomic_store(&go_ahead, false);
	return 0;
}

static int end_test(void **state)
{
	(void)state;
	etcd_follow_stop(following);
	following = NULL;
	etcd_close(client);
	client = NULL;
	loop_free(loop);
	atomic_store(&go_ahead, true);
	member_stop(&members[0]);
	member_stop(&members[1]);
	store_fini(&store);
	clock_use_real();
	return 0;
}

static void follow_with(size_t n, const char *path,
    struct etcd_follow_options o)
{
	open_client(n);
	following = etcd_follow_start(client, path, &o, on_news, &store);
}

/* One member, which has listed and is being polled. */
static void follow(void)
{
	follow_with(1, DIR, (struct etcd_follow_options){ 0 });
	await(polls, 2);
	assert_int_equal(ntold, 1);
}

static void check_listing(size_t i, uint64_t index, size_t n)
{
	assert_int_equal(told[i].news, ETCD_NEWS_LISTING);
	assert_int_equal(told[i].index, index);
	assert_int_equal(told[i].n, n);
}

static void check_event(size_t i, uint64_t index, const char *key)
{
	assert_int_equal(told[i].news, ETCD_NEWS_EVENT);
	assert_int_equal(told[i].index, index);
	assert_string_equal(told[i].key, key);
}

static void check_asked(size_t member, size_t i, uint64_t index)
{
	assert_true(i < member_asked(&members[member]));
	if (members[member].asked[i] != index)
		fail_msg("request %zu of member %zu: %" PRIu64 ", not %"
		    PRIu64, i, member, members[member].asked[i], index);
}

static uint64_t set(const char *key)
{
	char json[200];

	snprintf(json, sizeof(json), "{\"action\":\"set\",\"node\":{\"key\":"
	    "\"%s\",\"value\":\"v\",\"modifiedIndex\":%%N,\"createdIndex\":"
	    "%%N}}", key);
	return store_event(&store, json);
}

static uint64_t drop_dir(const char *action, const char *key)
{
	char json[200];

	snprintf(json, sizeof(json), "{\"action\":\"%s\",\"node\":{\"key\":"
	    "\"%s\",\"dir\":true,\"modifiedIndex\":%%N,\"createdIndex\":3}}",
	    action, key);
	return store_event(&store, json);
}

/* --- what is told --- */

static void test_listing_then_events(void **state)
{
	(void)state;
	store_put(&store, DIR "/1", 5);
	store_put(&store, DIR "/2", 5);
	follow();
	check_listing(0, START + 2, 2);
	assert_string_equal(told[0].endpoint, members[0].script.url);
	for (int i = 0; i < 10; i++)
		set(DIR "/3");
	store_gone(&store, "expire", DIR "/1");
	await_told(12);
	for (size_t i = 0; i < 10; i++)
		check_event(1 + i, START + 3 + i, DIR "/3");
	check_event(11, START + 13, DIR "/1");
	await(polls, 13);
	check_asked(0, 0, ASKED_LISTING);
	for (size_t i = 0; i < 12; i++)
		check_asked(0, 1 + i, START + 3 + i);
}

static void test_missing_directory(void **state)
{
	(void)state;
	store.missing = true;
	follow();
	check_listing(0, START, 0);
}

/* History tells what a live watch would not. */
static void test_what_concerns(void **state)
{
	static const char *const others[] = {
		"/a/b/_c", "/a/b/c/_d/e", "/a/bc", "/a/bc/d", "/a/b2", "/ab",
		"/a2/b", "/b",
	};
	size_t i;

	(void)state;
	follow_with(1, "a/b/", (struct etcd_follow_options){
	    .from_index = true, .index = START + 1 });
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		set(others[i]);
	set("/a/b/c");
	set("/a/b");
	drop_dir("delete", "/a/b");
	drop_dir("expire", "/a");
	set("/a/b/x_/y_");
	await_told(5);
	check_event(0, START + i + 1, "/a/b/c");
	check_event(1, START + i + 2, "/a/b");
	check_event(2, START + i + 3, "/a/b");
	check_event(3, START + i + 4, "/a");
	check_event(4, START + i + 5, "/a/b/x_/y_");
}

/* A hidden directory is followed if it is asked for. */
static void test_hidden_directory(void **state)
{
	(void)state;
	follow_with(1, "/_a", (struct etcd_follow_options){
	    .from_index = true, .index = START + 1 });
	set("/_a/b");
	set("/_a/_b");
	set("/_a/c");
	await_told(2);
	check_event(0, START + 1, "/_a/b");
	check_event(1, START + 3, "/_a/c");
}

static void test_root(void **state)
{
	(void)state;
	follow_with(1, "/", (struct etcd_follow_options){
	    .from_index = true, .index = START + 1 });
	set("/a");
	set("/_a");
	set("/b/c");
	await_told(2);
	check_event(0, START + 1, "/a");
	check_event(1, START + 3, "/b/c");
}

static void test_from_index(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++)
		set(DIR "/1");
	follow_with(1, DIR, (struct etcd_follow_options){
	    .from_index = true, .index = START + 4 });
	await_told(2);
	check_event(0, START + 4, DIR "/1");
	check_event(1, START + 5, DIR "/1");
	check_asked(0, 0, START + 4);
}

/* Now and then, to be sure. */
static void test_resync(void **state)
{
	(void)state;
	follow_with(1, DIR, (struct etcd_follow_options){
	    .resync_ms = 20000 });
	await(polls, 2);
	while (ntold < 2) {
		pass(1000);
		await(polls, 2);
	}
	check_listing(1, START, 0);
	assert_in_range(clock_mono().ms - BEFORE_START_MS, 20000, 26000);
}

/* A listing that is due jumps over nothing: what history has is told first,
 * after an outage that lasted longer too. */
static void test_resync_behind_what_history_tells(void **state)
{
	(void)state;
	follow_with(1, DIR, (struct etcd_follow_options){
	    .resync_ms = 20000 });
	await(polls, 2);
	store_set(&store, &members[0].down, true);
	await(pauses, 1);
	set(DIR "/1");
	set("/elsewhere");
	set(DIR "/1");
	store_set(&store, &members[0].down, false);
	pass(30000);
	await_told(6);
	assert_int_equal(told[1].news, ETCD_NEWS_TROUBLE);
	assert_int_equal(told[2].news, ETCD_NEWS_WELL);
	check_event(3, START + 1, DIR "/1");
	check_event(4, START + 3, DIR "/1");
	check_listing(5, START + 3, 0);
}

/* One that tells of more than was told waits for it, and for nothing else. */
static void test_resync_waits_for_others_writes(void **state)
{
	(void)state;
	follow_with(1, DIR, (struct etcd_follow_options){
	    .resync_ms = 20000 });
	await(polls, 2);
	store_others(&store, 5);
	while (ntold < 2) {
		pass(1000);
		await(polls, 2);
	}
	check_listing(1, START + 5, 0);
}

/* A proxy cuts what is quiet: not worth a word. */
static void test_a_poll_that_is_cut(void **state)
{
	int closed;

	(void)state;
	follow();
	clock_advance(1500);
	closed = members[0].script.nclosed;
	store_set(&store, &members[0].down, true);
	while (members[0].script.nclosed == closed)
		usleep(100);
	store_set(&store, &members[0].down, false);
	await(polls, 3);
	set(DIR "/1");
	await_told(2);
	check_event(1, START + 1, DIR "/1");
	assert_int_equal(following->failures, 0);
}

/* --- what each poll asks for --- */

/* Quiet, while much happens elsewhere: the next one starts where the headers
 * of this one were. */
static void test_quiet(void **state)
{
	(void)state;
	follow();
	check_asked(0, 1, START + 1);
	store_others(&store, 50);
	pass(FIRST_POLL_MS);
	await(polls, 3);
	check_asked(0, 2, START + 1);	/* at its start there was nothing */
	pass(POLL_MAX_MS);
	await(polls, 4);
	check_asked(0, 3, START + 51);
	set(DIR "/1");
	await_told(2);
	check_event(1, START + 51, DIR "/1");
}

/* The pace: a third of history, by what the headers tell. */
static void test_pace(void **state)
{
	(void)state;
	follow();
	assert_int_equal(following->poll_ms, FIRST_POLL_MS);
	store_others(&store, 3000);
	pass(FIRST_POLL_MS);
	await(polls, 3);		/* 3000 in two seconds */
	assert_int_equal(following->poll_ms, 200);
	pass(200);
	await(polls, 4);
	assert_int_equal(following->poll_ms, 400);
	for (size_t n = 5; n < 12; n++) {
		ring();
		await(polls, n);
	}
	assert_int_equal(following->poll_ms, POLL_MAX_MS);
	store_others(&store, 1000000);
	ring();
	await(polls, 12);
	assert_int_equal(following->poll_ms, POLL_MIN_MS);
	assert_int_equal(ntold, 1);
}

/* --- members that fail --- */

static bool has_moved(size_t n)
{
	return member_asked(&members[1]) >= n && following->headed;
}

static void test_eof(void **state)
{
	(void)state;
	follow_with(2, DIR, (struct etcd_follow_options){ 0 });
	await(polls, 2);
	set(DIR "/1");
	await_told(2);
	await(polls, 3);
	store_set(&store, &members[0].down, true);
	await(has_moved, 1);
	check_asked(1, 0, START + 2);
	set(DIR "/2");
	await_told(3);
	check_event(2, START + 2, DIR "/2");
	assert_int_equal(ntold, 3);
}

/* In the middle of an event: it comes again, whole. */
static void test_cut(void **state)
{
	(void)state;
	follow_with(2, DIR, (struct etcd_follow_options){ 0 });
	await(polls, 2);
	store_set(&store, &members[0].cut, true);
	set(DIR "/1");
	await_told(2);
	check_event(1, START + 1, DIR "/1");
	assert_string_equal(told[1].endpoint, members[1].script.url);
	assert_int_equal(ntold, 2);
}

/* A member that takes requests and says nothing. */
static bool keep_silent(struct script *s, int fd, const char *request,
    void *arg)
{
	struct etcd_script *m = arg;

	(void)s;
	(void)request;
	pthread_mutex_lock(&m->store->lock);
	m->nasked++;
	pthread_mutex_unlock(&m->store->lock);
	return script_silence(fd);
}

static void test_hung_at_the_listing(void **state)
{
	(void)state;
	members[0].script.fn = keep_silent;
	follow_with(2, DIR, (struct etcd_follow_options){ 0 });
	await(requests, 1);
	pass(LIST_HEAD_MS - 1);
	assert_int_equal(member_asked(&members[1]), 0);
	pass(1);
	await_told(1);
	check_listing(0, START, 0);
	assert_string_equal(told[0].endpoint, members[1].script.url);
}

static void test_hung_at_a_poll(void **state)
{
	(void)state;
	follow_with(2, DIR, (struct etcd_follow_options){ 0 });
	await(polls, 2);
	members[0].script.fn = keep_silent;
	pass(FIRST_POLL_MS);
	await(requests, 3);
	set(DIR "/1");
	pass(POLL_HEAD_MS - 1);
	assert_int_equal(ntold, 1);
	pass(1);
	await_told(2);
	check_event(1, START + 1, DIR "/1");
	assert_string_equal(told[1].endpoint, members[1].script.url);
}

/* Trouble is told when all have failed, once, and its end, once. */
static void test_trouble_and_well(void **state)
{
	(void)state;
	follow_with(2, DIR, (struct etcd_follow_options){ 0 });
	await(polls, 2);
	store_set(&store, &members[1].down, true);
	store_set(&store, &members[0].down, true);
	await(pauses, 2);
	assert_int_equal(ntold, 2);
	assert_int_equal(told[1].news, ETCD_NEWS_TROUBLE);
	assert_non_null(strstr(told[1].text, "/v2/keys" DIR ": "));
	for (size_t i = 3; i < 12; i++) {
		pass(RETRY_MAX_MS);
		await(pauses, i);
	}
	assert_int_equal(ntold, 2);
	set(DIR "/1");
	store_set(&store, &members[1].down, false);
	while (ntold < 4) {
		pass(RETRY_MAX_MS);
		await(told_or_pauses, 4);
	}
	assert_int_equal(told[2].news, ETCD_NEWS_WELL);
	assert_string_equal(told[2].endpoint, members[1].script.url);
	assert_string_equal(told[2].text, "");
	check_event(3, START + 1, DIR "/1");
	await(has_moved, 1);
	assert_int_equal(following->failures, 0);
}

/* Headers, and then the end, again and again: less and less often. */
static bool head_and_close(struct script *s, int fd, const char *request,
    void *arg)
{
	struct etcd_script *m = arg;

	if (!strstr(request, "wait=true"))
		return member_serve(s, fd, request, arg);
	pthread_mutex_lock(&m->store->lock);
	m->nasked++;
	pthread_mutex_unlock(&m->store->lock);
	script_puts(fd, "HTTP/1.1 200 OK\r\nX-Etcd-Index: 10\r\n"
	    "X-Etcd-Cluster-Id: cc\r\nTransfer-Encoding: chunked\r\n\r\n");
	return false;
}

static void test_headers_and_close(void **state)
{
	static const int64_t pauses_ms[] = {
		100, 200, 400, 800, 1600, 2000, 2000
	};

	(void)state;
	members[0].script.fn = head_and_close;
	follow_with(1, DIR, (struct etcd_follow_options){ 0 });
	await(pauses, 1);
	for (size_t i = 0; i < 7; i++) {
		assert_int_equal(member_asked(&members[0]), 2 + i);
		pass(pauses_ms[i] - 1);
		assert_int_equal(member_asked(&members[0]), 2 + i);
		pass(1);
		await(pauses, 2 + i);
	}
	assert_int_equal(ntold, 2);
	assert_int_equal(told[1].news, ETCD_NEWS_TROUBLE);
}

/* The chain holds when one poll was quiet to its end. */
static void test_well_after_a_quiet_poll(void **state)
{
	(void)state;
	members[0].script.fn = head_and_close;
	follow_with(1, DIR, (struct etcd_follow_options){ 0 });
	await(pauses, 1);
	members[0].script.fn = member_serve;
	pass(RETRY_MS);
	await(polls, 3);
	assert_int_equal(ntold, 2);
	ring();
	await_told(3);
	assert_int_equal(told[2].news, ETCD_NEWS_WELL);
}

static bool say_401(struct script *s, int fd, const char *request, void *arg)
{
	(void)s;
	(void)request;
	(void)arg;
	script_puts(fd, "HTTP/1.1 401 Unauthorized\r\nContent-Length: 52\r\n"
	    "\r\n{\"errorCode\":110,\"message\":\"Insufficient credentials\"");
	script_puts(fd, "}");
	return true;
}

static void test_unauthorized(void **state)
{
	(void)state;
	members[0].script.fn = say_401;
	follow_with(1, DIR, (struct etcd_follow_options){ 0 });
	await_told(1);
	assert_int_equal(told[0].news, ETCD_NEWS_TROUBLE);
	assert_non_null(strstr(told[0].text, "HTTP 401"));
	await(pauses, 1);
}

static void test_no_such_path(void **state)
{
	(void)state;
	follow_with(2, "/a/../b", (struct etcd_follow_options){ 0 });
	await_told(1);
	assert_int_equal(told[0].news, ETCD_NEWS_TROUBLE);
	assert_non_null(strstr(told[0].text, "is no key"));
	assert_int_equal(member_asked(&members[0]), 0);
}

/* --- where the chain breaks --- */

static void test_history_is_gone(void **state)
{
	(void)state;
	follow();
	store_set(&store, &store.hold_events, true);
	for (int i = 0; i < 5; i++)
		store_put(&store, DIR "/1", 5);
	pthread_mutex_lock(&store.lock);
	store.cleared = START + 3;
	pthread_mutex_unlock(&store.lock);
	ring();
	await_told(2);
	check_listing(1, START + 5, 5);
	store_set(&store, &store.hold_events, false);
	set(DIR "/2");
	await_told(3);
	check_event(2, START + 6, DIR "/2");
}

/* Gone again at once: not as fast as the machine can. */
static void test_history_goes_on_going(void **state)
{
	size_t n;

	(void)state;
	follow();
	pthread_mutex_lock(&store.lock);
	store.cleared = UINT64_MAX - 1;
	pthread_mutex_unlock(&store.lock);
	ring();
	await_told(2);
	await(requests, 5);
	for (int i = 0; i < 20; i++)
		turn();
	n = member_asked(&members[0]);
	assert_true(n <= 6);
	pass(RETRY_MS);
	await_told(3);
}

static void test_another_cluster(void **state)
{
	(void)state;
	follow();
	pthread_mutex_lock(&store.lock);
	snprintf(store.cluster_id, sizeof(store.cluster_id), "dd");
	store.index += 7;
	pthread_mutex_unlock(&store.lock);
	ring();
	await_told(2);
	check_listing(1, START + 7, 0);
	await(polls, 5);
	check_asked(0, 4, START + 8);
}

/* Which cluster it is, the first poll tells where nothing was listed. */
static void test_another_cluster_without_a_listing(void **state)
{
	(void)state;
	follow_with(1, DIR, (struct etcd_follow_options){
	    .from_index = true, .index = START + 1 });
	await(polls, 1);
	pthread_mutex_lock(&store.lock);
	snprintf(store.cluster_id, sizeof(store.cluster_id), "dd");
	pthread_mutex_unlock(&store.lock);
	ring();
	await_told(1);
	check_listing(0, START, 0);
}

/* A store made anew under the same id, or a member far behind. */
static void test_index_goes_back(void **state)
{
	(void)state;
	follow();
	pthread_mutex_lock(&store.lock);
	store.index = 3;
	pthread_mutex_unlock(&store.lock);
	pass(FIRST_POLL_MS);
	await(polls, 3);		/* just listed: not yet suspicious */
	assert_int_equal(ntold, 1);
	ring();
	await_told(2);
	check_listing(1, 3, 0);
	await(polls, 6);
	check_asked(0, 5, 4);
	set(DIR "/1");
	await_told(3);
	check_event(2, 4, DIR "/1");
}

/* An event that no member can tell in a way that makes sense. */
static void test_senseless_event(void **state)
{
	(void)state;
	follow_with(2, DIR, (struct etcd_follow_options){ 0 });
	await(polls, 2);
	pass(RETRY_MS);
	store_event(&store, "{\"action\":\"jump\"}");
	store_put(&store, DIR "/1", 5);
	await_told(2);
	check_listing(1, START + 2, 1);
	check_asked(1, 0, START + 1);
	check_asked(1, 1, ASKED_LISTING);
	set(DIR "/2");
	await_told(3);
	check_event(2, START + 3, DIR "/2");
	assert_int_equal(ntold, 3);
}

/* Older than asked for: whoever that is, he is not believed. */
static void test_old_event(void **state)
{
	(void)state;
	follow();
	store_event(&store, "{\"action\":\"set\",\"node\":{\"key\":\"" DIR
	    "/1\",\"modifiedIndex\":3,\"createdIndex\":3}}");
	await_told(2);
	assert_int_equal(told[1].news, ETCD_NEWS_TROUBLE);
	assert_non_null(strstr(told[1].text, "older"));
}

/* Without a quorum a member may lag; another one knows better. */
static void test_lagging_member(void **state)
{
	(void)state;
	follow_with(2, DIR, (struct etcd_follow_options){ .stale = true,
	    .resync_ms = 3000 });
	await(polls, 2);
	set(DIR "/1");
	await_told(2);
	await(polls, 3);
	pthread_mutex_lock(&store.lock);
	store.index = 4;
	pthread_mutex_unlock(&store.lock);
	while (ntold < 3) {		/* both say so: it is a new store */
		ring();
		await(told_or_polls, 3);
	}
	check_listing(2, 4, 0);
	assert_int_equal(members[1].asked[0], ASKED_LISTING);
}

/* --- what comes late --- */

/* Headers and half of an event of history, the rest when told. */
static bool dawdle(struct script *s, int fd, const char *request, void *arg)
{
	static const char event[] = "{\"action\":\"set\",\"node\":{\"key\":\""
	    DIR "/1\",\"value\":\"v\",\"modifiedIndex\":12,\"createdIndex\":"
	    "12}}\n";
	struct etcd_script *m = arg;
	char head[300];

	if (!strstr(request, "waitIndex=11&"))
		return member_serve(s, fd, request, arg);
	pthread_mutex_lock(&m->store->lock);
	m->nasked++;
	pthread_mutex_unlock(&m->store->lock);
	snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nX-Etcd-Index: 14\r\n"
	    "X-Etcd-Cluster-Id: cc\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "%zx\r\n%.30s", strlen(event), event);
	script_puts(fd, head);
	while (!atomic_load(&go_ahead))
		usleep(1000);
	script_puts(fd, event + 30);
	script_puts(fd, "\r\n0\r\n\r\n");
	return true;
}

/* It lies before the index in the headers, and must not be passed over. */
static void test_event_in_pieces(void **state)
{
	(void)state;
	members[0].script.fn = dawdle;
	follow();
	usleep(50000);
	ring();
	assert_int_equal(following->reached, START);
	pass(POLL_MAX_MS);
	atomic_store(&go_ahead, true);
	await_told(2);
	check_event(1, 12, DIR "/1");
}

static void test_event_without_end(void **state)
{
	(void)state;
	members[0].script.fn = dawdle;
	follow();
	usleep(50000);
	ring();
	pass(END_MS - 1);
	assert_int_equal(ntold, 1);
	pass(1);
	await_told(2);
	assert_int_equal(told[1].news, ETCD_NEWS_TROUBLE);
	assert_int_equal(following->reached, START);
}

/* Short polls, because much is written, and an event so late that the first of
 * them ends before it comes. */
static bool lose_body(struct script *s, int fd, const char *request,
    void *arg)
{
	struct etcd_script *m = arg;

	if (!strstr(request, "waitIndex=11&") ||
	    atomic_exchange(&go_ahead, true))
		return member_serve(s, fd, request, arg);
	pthread_mutex_lock(&m->store->lock);
	m->nasked++;
	pthread_mutex_unlock(&m->store->lock);
	script_puts(fd, "HTTP/1.1 200 OK\r\nX-Etcd-Index: 314\r\n"
	    "X-Etcd-Cluster-Id: cc\r\nTransfer-Encoding: chunked\r\n\r\n");
	return script_silence(fd);
}

static void test_late_event_of_a_short_poll(void **state)
{
	(void)state;
	members[0].script.fn = lose_body;
	store_set(&store, &store.hold_events, true);
	follow_with(1, DIR, (struct etcd_follow_options){ 0 });
	following->poll_ms = POLL_MIN_MS / 2;
	await(polls, 2);
	assert_int_equal(following->poll_ms, POLL_MIN_MS);
	set(DIR "/1");
	store_others(&store, 303);
	store_set(&store, &store.hold_events, false);
	pass(POLL_MIN_MS);
	await_told(2);
	check_event(1, START + 1, DIR "/1");
}

/* Two short ones believe each other, so that history is not outrun. */
static void test_short_polls(void **state)
{
	(void)state;
	follow();
	store_others(&store, 1000000);
	pass(FIRST_POLL_MS);
	await(polls, 3);
	assert_int_equal(following->poll_ms, POLL_MIN_MS);
	for (size_t n = 4; n < 10; n++) {
		store_others(&store, 300);
		pass(POLL_MIN_MS);
		await(polls, n);
		assert_int_equal(following->poll_ms, POLL_MIN_MS);
		check_asked(0, n - 1, n < 5 ? START + 1 : START + 1000001 +
		    300 * (n - 5));
	}
}

/* The loop turns only inside etcd_reader_next(): when it does again, timers are
 * due before what has come meanwhile is read. */
static void test_loop_stood_still(void **state)
{
	(void)state;
	members[0].script.fn = dawdle;
	follow();
	atomic_store(&go_ahead, true);
	usleep(50000);
	clock_advance(POLL_MAX_MS);
	await_told(2);
	check_event(1, 12, DIR "/1");
	store_others(&store, 5);
	clock_advance(50000);		/* the next poll is not yet sent */
	set(DIR "/2");
	await_told(3);
	check_event(2, START + 6, DIR "/2");
}

/* --- the end --- */

static void test_stop_inside_listing(void **state)
{
	(void)state;
	etcd_follow_stop(NULL);
	stops = true;
	stop_at = ETCD_NEWS_LISTING;
	follow_with(1, DIR, (struct etcd_follow_options){ 0 });
	await_told(1);
	pass(POLL_MAX_MS);
	assert_int_equal(member_asked(&members[0]), 1);
}

static void test_stop_inside_event(void **state)
{
	(void)state;
	follow();
	stops = true;
	stop_at = ETCD_NEWS_EVENT;
	set(DIR "/1");
	set(DIR "/2");
	await_told(2);
	pass(POLL_MAX_MS);
	assert_int_equal(ntold, 2);
}

static void test_stop_inside_trouble(void **state)
{
	(void)state;
	follow();
	stops = true;
	stop_at = ETCD_NEWS_TROUBLE;
	store_set(&store, &members[0].down, true);
	await_told(2);
	pass(RETRY_MAX_MS);
	assert_int_equal(ntold, 2);
}

static void test_stop_inside_well(void **state)
{
	(void)state;
	store_set(&store, &members[0].down, true);
	follow_with(1, DIR, (struct etcd_follow_options){ 0 });
	await(pauses, 1);
	stops = true;
	stop_at = ETCD_NEWS_WELL;
	store_set(&store, &members[0].down, false);
	pass(RETRY_MS);
	await_told(2);
	pass(POLL_MAX_MS);
	assert_int_equal(told[1].news, ETCD_NEWS_WELL);
	assert_int_equal(ntold, 2);
}

/* While it lists, polls, pauses; and before anything. */
static void test_stop_outside(void **state)
{
	(void)state;
	follow_with(1, DIR, (struct etcd_follow_options){ 0 });
	etcd_follow_stop(following);
	etcd_close(client);
	store_set(&store, &store.hold_listings, true);
	follow_with(1, DIR, (struct etcd_follow_options){ 0 });
	await(requests, 1);
	etcd_follow_stop(following);
	etcd_close(client);
	store_set(&store, &store.hold_listings, false);
	follow();
	etcd_follow_stop(following);
	etcd_close(client);
	store_set(&store, &members[0].down, true);
	follow_with(1, DIR, (struct etcd_follow_options){ 0 });
	await(pauses, 1);
	etcd_follow_stop(following);
	following = NULL;
	pass(POLL_MAX_MS);
}

/* --- blocking --- */

static struct etcd_client *open_blocking(void)
{
	struct etcd_client *c = etcd_open(members[0].script.url, NULL, NULL);

	assert_non_null(c);
	return c;
}

enum { LONG = 100000 };

static const struct etcd_result *next(struct etcd_reader *d,
    enum etcd_news want)
{
	enum etcd_news news = ETCD_NEWS_WELL;
	const struct etcd_result *r = etcd_reader_next(d, LONG, &news);

	assert_non_null(r);
	if (news != want)
		fail_msg("news %d: %s", (int)news, r->text);
	return r;
}

static void test_reader(void **state)
{
	struct etcd_client *c = open_blocking();
	struct etcd_reader *d = etcd_reader_open(c, DIR, NULL);
	const struct etcd_result *r;
	enum etcd_news news;

	(void)state;
	store_put(&store, DIR "/1", 5);
	r = next(d, ETCD_NEWS_LISTING);
	assert_int_equal(r->listing.n, 1);
	assert_string_equal(r->listing.v[0].key, DIR "/1");
	assert_null(etcd_reader_next(d, 0, &news));
	set(DIR "/2");
	set(DIR "/3");
	r = next(d, ETCD_NEWS_EVENT);
	assert_string_equal(r->event.node.key, DIR "/2");
	r = next(d, ETCD_NEWS_EVENT);
	assert_string_equal(r->event.node.key, DIR "/3");
	store_set(&store, &members[0].down, true);
	r = next(d, ETCD_NEWS_TROUBLE);
	assert_string_not_equal(r->text, "");
	etcd_reader_close(NULL);
	etcd_reader_close(d);
	etcd_close(c);
}

/* Whoever takes his time with each of the news: no trouble, nothing lost. */
static void test_reader_takes_his_time(void **state)
{
	struct etcd_client *c = open_blocking();
	struct etcd_reader *d = etcd_reader_open(c, DIR,
	    &(struct etcd_follow_options){ .resync_ms = INT64_MAX / 2 });

	(void)state;
	next(d, ETCD_NEWS_LISTING);
	for (uint64_t i = 1; i <= 10; i++) {
		set(DIR "/1");
		if (i > 5)
			set("/elsewhere");
		clock_advance(i * 1500);
		assert_int_equal(next(d, ETCD_NEWS_EVENT)->
		    event.node.modified_index,
		    START + (i <= 5 ? i : 2 * i - 6));
	}
	etcd_reader_close(d);
	etcd_close(c);
}

/* Two on one client, and a question in between. */
static void test_two_readers(void **state)
{
	struct etcd_client *c = open_blocking();
	struct etcd_reader *a = etcd_reader_open(c, DIR, NULL);
	struct etcd_reader *b = etcd_reader_open(c, DIR, NULL);

	(void)state;
	next(a, ETCD_NEWS_LISTING);
	set(DIR "/1");
	next(a, ETCD_NEWS_EVENT);
	assert_int_equal(etcd_do(c, etcd_list(DIR))->kind, ETCD_KIND_LISTING);
	next(b, ETCD_NEWS_LISTING);
	set(DIR "/2");
	assert_int_equal(etcd_do(c, etcd_get(DIR))->kind, ETCD_KIND_KEY);
	assert_string_equal(next(a, ETCD_NEWS_EVENT)->event.node.key,
	    DIR "/2");
	etcd_reader_close(a);
	next(b, ETCD_NEWS_EVENT);
	etcd_reader_close(b);		/* perhaps with news unread */
	etcd_close(c);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, begin_test, end_test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_listing_then_events),
		TEST(test_missing_directory),
		TEST(test_what_concerns),
		TEST(test_hidden_directory),
		TEST(test_root),
		TEST(test_from_index),
		TEST(test_resync),
		TEST(test_resync_behind_what_history_tells),
		TEST(test_resync_waits_for_others_writes),
		TEST(test_a_poll_that_is_cut),
		TEST(test_quiet),
		TEST(test_pace),
		TEST(test_eof),
		TEST(test_cut),
		TEST(test_hung_at_the_listing),
		TEST(test_hung_at_a_poll),
		TEST(test_trouble_and_well),
		TEST(test_headers_and_close),
		TEST(test_well_after_a_quiet_poll),
		TEST(test_unauthorized),
		TEST(test_no_such_path),
		TEST(test_history_is_gone),
		TEST(test_history_goes_on_going),
		TEST(test_another_cluster),
		TEST(test_another_cluster_without_a_listing),
		TEST(test_index_goes_back),
		TEST(test_senseless_event),
		TEST(test_old_event),
		TEST(test_lagging_member),
		TEST(test_event_in_pieces),
		TEST(test_event_without_end),
		TEST(test_late_event_of_a_short_poll),
		TEST(test_short_polls),
		TEST(test_loop_stood_still),
		TEST(test_stop_inside_listing),
		TEST(test_stop_inside_event),
		TEST(test_stop_inside_trouble),
		TEST(test_stop_inside_well),
		TEST(test_stop_outside),
		TEST(test_reader),
		TEST(test_reader_takes_his_time),
		TEST(test_two_readers),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
