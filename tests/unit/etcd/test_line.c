/* etcd/line.c and etcd/ahead.c against a model of a member: a store that is
 * written to at random, with a history of 1000, connections that are served one
 * after the other in any order, late, or cut.  Whatever happens, every event is
 * told once and in order; how many requests that takes is counted. */
#include "etcd/line.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/lane.h"
#include "core/timer.h"
#include "tests/unit/seeded.h"

enum {
	EVENTS = 40000, HISTORY = 1000, FIFO = 4096, LANES = 16,
	FIRST = 100,			/* index before the first write */
	POLL_MS = 28000
};

/* --- the member --- */

static struct {
	bool ours[EVENTS];		/* of each write: in the directory */
	uint64_t index;			/* the store's */
	unsigned requests, opened;
	bool cuts_short;		/* as Go before 1.11 does */
	const struct lane *stuck;	/* answers nothing now; or NULL */
	bool swallows;			/* all but one request at a time */
	bool refuses;			/* lanes do not connect */
	uint64_t strange;		/* this event is no JSON; or 0 */
	uint64_t huge;			/* this one does not fit a lane */
} store;

struct lane {
	bool used, open, headed, failing;
	const struct lane_user *user;
	void *arg;
	uint64_t asked[FIFO];
	unsigned first, n;
	uint64_t began;			/* store's index at the front's head */
	struct timer *timer;
};

static struct lane lanes[LANES];

struct etcd_call {
	bool used, headed;
	uint64_t asked, began;
	etcd_head *head;
	etcd_done *done;
	void *arg;
	int64_t deadline_ms;
};

static struct etcd_call call;
static struct loop *loop;

static void store_write(bool ours)
{
	assert_true(store.index - FIRST < EVENTS);
	store.ours[store.index - FIRST] = ours;
	store.index++;
}

/* The first event of ours at or behind an index; 0: none yet. */
static uint64_t store_next(uint64_t index)
{
	for (; index <= store.index; index++)
		if (store.ours[index - FIRST - 1])
			return index;
	return 0;
}

static bool is_cleared(uint64_t asked)
{
	return asked != 0 && asked + HISTORY <= store.index;
}

static struct etcd_meta meta_now(uint64_t index)
{
	return (struct etcd_meta){ .etcd_index = index, .raft_index = index,
		.raft_term = 2, .cluster_id = "cc" };
}

/* --- one at a time --- */

struct etcd_call *etcd_start(const struct etcd_target *t,
    const struct etcd_request *r, int64_t deadline_ms, etcd_done *done,
    void *arg)
{
	assert_false(call.used);	/* one at a time */
	assert_string_equal(t->url, "http://127.0.0.1:1");
	assert_string_equal(r->path, "/d");
	assert_true(r->recursive && r->kind == ETCD_KIND_EVENT);
	store.requests++;
	call = (struct etcd_call){ .used = true, .asked = r->wait_index,
		.done = done, .arg = arg, .deadline_ms = deadline_ms };
	return &call;
}

void etcd_on_head(struct etcd_call *c, etcd_head *head)
{
	c->head = head;
}

void etcd_cancel(struct etcd_call *c)
{
	if (c)
		c->used = false;
}

static void call_done(struct etcd_result *r)
{
	call.used = false;
	call.done(r, call.arg);
}

static void call_begin(void)
{
	struct etcd_meta m = meta_now(store.index);

	call.headed = true;
	call.began = store.index;
	if (call.asked == 0)
		call.asked = store.index + 1;
	call.head(&m, 200, call.arg);
}

/* A step of it; true if something happened. */
static bool call_serve(void)
{
	struct etcd_result r = { .kind = ETCD_KIND_EVENT, .status = 200,
		.outcome = ETCD_OK };
	uint64_t found;

	if (!call.used)
		return false;
	r.meta = meta_now(call.headed ? call.began : store.index);
	if (!call.headed && is_cleared(call.asked)) {
		r.status = 400;
		r.outcome = ETCD_ERROR;
		r.error_code = ETCD_INDEX_CLEARED;
		call_done(&r);
		return true;
	}
	if (!call.headed) {
		call_begin();
		return true;
	}
	found = store_next(call.asked);
	if (found == 0)
		return false;
	r.outcome = found == store.strange ? ETCD_BAD : ETCD_OK;
	r.event.node.modified_index = found;
	call_done(&r);
	return true;
}

/* --- lanes --- */

bool lane_is_possible(const char *url, const struct http_config *http)
{
	return url && !http;
}

static void on_lane_timer(void *arg, mono_t now)
{
	struct lane *l = arg;

	(void)now;
	if (store.refuses || l->failing) {
		l->open = false;
		l->user->end(l, FETCH_BROKEN, "so it was scripted", l->arg);
		return;
	}
	l->open = true;
	l->user->open(l, l->arg);
}

struct lane *lane_open(struct loop *on, const struct lane_request *r)
{
	struct lane *l = lanes;

	while (l->used)
		assert_true(++l < lanes + LANES);
	*l = (struct lane){ .used = true, .user = r->user, .arg = r->arg };
	l->timer = timer_new(on, on_lane_timer, l);
	timer_set(l->timer, mono_add(loop_now(on), 3));
	store.opened++;
	return l;
}

void lane_close(struct lane *l)
{
	if (!l)
		return;
	timer_free(l->timer);
	l->timer = NULL;
	l->used = l->open = false;
}

void lane_get(struct lane *l, const char *target)
{
	static const char before[] = "/v2/keys/d/?wait=true&waitIndex=";
	char *end;

	assert_true(l->open && l->n < FIFO);
	assert_memory_equal(target, before, strlen(before));
	store.requests++;
	l->asked[(l->first + l->n++) % FIFO] =
	    strtoull(target + strlen(before), &end, 10);
	assert_string_equal(end, "&recursive=true");
}

void lane_flush(struct lane *l)
{
	assert_true(l->open);
}

void lane_pause(struct lane *l, bool pause)
{
	assert_true(l->open);
	(void)pause;
}

static uint64_t lane_front(const struct lane *l)
{
	return l->asked[l->first % FIFO];
}

/* The answer's head, and with a body its end, as they come from the parser. */
static void lane_tell(struct lane *l, uint64_t index, long status,
    const char *body)
{
	struct http_answer a;

	http_answer_init(&a, 4096);
	a.status = status;
	buf_addf(&a.head, "X-Etcd-Index%c%llu%cX-Raft-Term%c2%c", 0,
	    (unsigned long long)index, 0, 0, 0);
	if (!l->headed)
		l->user->head(l, &a, l->arg);
	l->headed = true;
	if (body && l->used) {
		l->headed = false;
		l->first++;
		l->n--;
		buf_adds(&a.body, body);
		l->user->answer(l, &a, l->arg);
	}
	http_answer_fini(&a);
}

static void lane_event(struct lane *l, uint64_t found)
{
	char body[256];

	if (found == store.huge) {
		l->open = false;
		l->user->end(l, FETCH_TOO_LARGE, "too large", l->arg);
		return;
	}
	snprintf(body, sizeof(body), "{\"action\":\"set\",\"node\":{\"key\":"
	    "\"/d/a\",\"value\":\"x\",\"modifiedIndex\":%llu,"
	    "\"createdIndex\":%llu}}", (unsigned long long)found,
	    (unsigned long long)found);
	lane_tell(l, l->began, 200, found == store.strange ? "[]" : body);
}

/* A step of this connection; true if something happened. */
static bool lane_serve(struct lane *l)
{
	uint64_t found;

	if (!l->open || l->n == 0 || l == store.stuck)
		return false;
	if (store.swallows && l->n > 1) {
		l->first += l->n;	/* none is ever answered */
		l->n = 0;
		l->failing = true;	/* but the lane stays */
		return false;
	}
	if (!l->headed) {
		l->began = store.index;
		if (is_cleared(lane_front(l)))
			lane_tell(l, store.index, 400, "{\"errorCode\":401,"
			    "\"message\":\"m\",\"cause\":\"c\",\"index\":9}");
		else
			lane_tell(l, store.index, 200, NULL);
		return true;
	}
	found = store_next(lane_front(l));
	if (found == 0 && store.cuts_short && l->n > 1) {
		lane_tell(l, l->began, 200, "");
		return true;
	}
	if (found != 0)
		lane_event(l, found);
	return found != 0;
}

static void lane_cut(struct lane *l)
{
	if (!l->used || !l->open)
		return;
	l->open = false;
	l->user->end(l, FETCH_BROKEN, "cut", l->arg);
}

/* --- who follows --- */

static struct {
	struct etcd_line *line;
	struct etcd_line_peer peer;
	uint64_t told;			/* up to here */
	unsigned events, heads, old_heads, ends, cleared, stop_at;
	struct etcd_result last;
} follower;

static void follow(void);

static void on_test_head(const struct etcd_meta *m, long status, void *arg)
{
	(void)arg;
	assert_true(status == 200 || status == 400);
	assert_true(m->etcd_index <= store.index);
	assert_true(m->etcd_index >= follower.told);	/* fresh */
	follower.heads++;
}

static void on_test_old_head(const struct etcd_meta *m, void *arg)
{
	(void)arg;
	assert_true(m->etcd_index <= store.index);
	follower.old_heads++;
}

static void on_test_done(const struct etcd_result *r, void *arg)
{
	uint64_t index = r->event.node.modified_index;

	(void)arg;
	if (r->outcome == ETCD_OK) {
		assert_int_equal(index, store_next(follower.told + 1));
		assert_true(r->meta.etcd_index <= store.index);
		follower.told = index;
		follower.events++;
	} else {
		follower.last = *r;
		follower.ends++;
		follower.cleared += r->error_code == ETCD_INDEX_CLEARED;
	}
	if (r->outcome != ETCD_OK || follower.events == follower.stop_at) {
		etcd_line_stop(follower.line);
		follower.line = NULL;
	}
}

static const struct etcd_line_user test_user = {
	.head = on_test_head, .old_head = on_test_old_head,
	.done = on_test_done,
};

static void follow_at(unsigned pace)
{
	struct etcd_target t = { .loop = loop, .url = "http://127.0.0.1:1" };
	struct etcd_line_request r = { .directory = "/d",
		.from = follower.told + 1, .poll_ms = POLL_MS, .pace = pace,
		.peer = &follower.peer };

	follower.line = etcd_line_start(&t, &r, &test_user, NULL);
}

static void follow(void)
{
	follow_at(0);
}

/* Lets time pass, in steps of what is due. */
static void pass(int64_t ms)
{
	struct timers *ts = loop_timers(loop);

	timers_run(ts, clock_mono());
	for (; ms > 0; ms--) {
		clock_advance(1);
		timers_run(ts, clock_mono());
	}
	timers_run(ts, clock_mono());
}

/* Until nobody has anything to do. */
static void serve_all(void)
{
	bool more;

	do {
		more = call_serve();
		for (int i = 0; i < LANES; i++)
			more = lane_serve(&lanes[i]) || more;
		pass(0);
	} while (more);
}

static int begin_test(void **state)
{
	(void)state;
	memset(&store, 0, sizeof(store));
	memset(lanes, 0, sizeof(lanes));
	memset(&follower, 0, sizeof(follower));
	memset(&call, 0, sizeof(call));
	log_set_level(LEVEL_ERROR);
	clock_set((mono_t){ 1000000 }, (wall_t){ 1700000000000 });
	loop = loop_new(NULL);
	store.index = FIRST;
	follower.told = FIRST;
	follow();
	return 0;
}

static int end_test(void **state)
{
	(void)state;
	etcd_line_stop(follower.line);
	for (int i = 0; i < LANES; i++)
		assert_false(lanes[i].used);
	assert_false(call.used);
	loop_free(loop);
	clock_use_real();
	return 0;
}

/* So many writes a millisecond, every step-th of them ours, each answered as
 * soon as it can be. */
static void dense(unsigned ms, unsigned each_ms, unsigned step)
{
	static unsigned n;

	for (; ms > 0; ms--) {
		for (unsigned i = 0; i < each_ms; i++)
			store_write(++n % step == 0);
		pass(1);
		serve_all();
	}
}

static unsigned lanes_open(void)
{
	unsigned n = 0;

	for (int i = 0; i < LANES; i++)
		n += lanes[i].used;
	return n;
}

/* --- how many requests --- */

static void test_quiet_life(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++) {
		store_write(true);
		serve_all();
		pass(20);
	}
	assert_int_equal(follower.events, 100);
	assert_int_equal(store.requests, 101);
	assert_int_equal(store.opened, 0);
}

static void test_dense_store(void **state)
{
	(void)state;
	dense(500, 20, 1);
	assert_int_equal(follower.events, 10000);
	assert_int_equal(follower.ends, 0);
	assert_in_range(store.opened, 2, 8);
	assert_true(follower.old_heads > 0);
	/* One each, and those that are under way. */
	assert_in_range(store.requests, 10000, 10000 + ETCD_AHEAD_MOST + 20);
}

/* Every tenth is ours: polls asked ahead find the same event. */
static void test_sparse_store(void **state)
{
	unsigned requests;

	(void)state;
	dense(1000, 20, 10);
	assert_int_equal(follower.events, 2000);
	assert_in_range(store.requests, 2000, 2 * 2000 + 100);
	/* From dense to sparse: what was asked ahead is the price, once. */
	dense(500, 20, 1);
	requests = store.requests;
	dense(500, 20, 10);
	assert_in_range(store.requests - requests, 1000,
	    2 * 1000 + ETCD_AHEAD_MOST + 100);
	assert_int_equal(follower.ends, 0);
}

static void test_calm_again(void **state)
{
	unsigned requests;

	(void)state;
	dense(100, 20, 1);
	assert_true(lanes_open() > 0);
	pass(6000);
	store_write(true);
	serve_all();
	assert_int_equal(lanes_open(), 0);
	requests = store.requests;
	for (int i = 0; i < 10; i++) {
		pass(100);
		store_write(true);
		serve_all();
	}
	assert_int_equal(store.requests - requests, 10);
	assert_int_equal(follower.events, 2011);
}

/* --- what can happen --- */

static void test_quiet_on_lanes(void **state)
{
	(void)state;
	dense(100, 20, 1);
	pass(POLL_MS + 4000);
	assert_int_equal(follower.ends, 1);
	assert_int_equal(follower.last.outcome, ETCD_FAILED);
	assert_int_equal(follower.last.fetch_error, FETCH_TIMEOUT);
	assert_int_equal(lanes_open(), 0);
}

static void test_one_lane_cut(void **state)
{
	(void)state;
	dense(100, 20, 1);
	for (int i = 0; i < 20; i++) {
		lane_cut(&lanes[i % 8]);
		dense(10, 20, 1);
	}
	assert_int_equal(follower.ends, 0);
	assert_int_equal(follower.events, 2000 + 4000);
}

static void test_all_lanes_cut(void **state)
{
	(void)state;
	dense(100, 20, 1);
	for (int i = 0; i < LANES; i++)
		lane_cut(&lanes[i]);
	pass(1);
	assert_int_equal(follower.ends, 1);
	assert_int_equal(follower.last.fetch_error, FETCH_BROKEN);
	assert_string_equal(follower.last.text, "/v2/keys/d: cut");
	follow();
	dense(10, 20, 1);
	assert_int_equal(follower.events, 2200);
}

/* As many as before are under way behind the first event. */
static void test_goes_on_at_its_pace(void **state)
{
	unsigned pace;

	(void)state;
	dense(100, 20, 1);
	pace = etcd_line_pace(follower.line);
	assert_in_range(pace, 100, ETCD_AHEAD_MOST);
	etcd_line_stop(follower.line);
	assert_int_equal(lanes_open(), 0);
	follow_at(pace);
	assert_in_range(lanes_open(), 1, LANES);
	pass(5);			/* connected */
	store.requests = 0;
	store_write(true);
	serve_all();
	assert_in_range(store.requests, 100, pace + 3);
	assert_int_equal(follower.events, 2001);
	dense(10, 20, 1);
	assert_int_equal(follower.events, 2201);
}

static void test_no_lane_connects(void **state)
{
	(void)state;
	store.refuses = true;
	dense(1000, 5, 1);
	assert_int_equal(follower.events, 5000);
	assert_int_equal(follower.ends, 0);
	assert_int_equal(store.opened, 1);	/* in 10 s */
}

/* Dense, but the member was away for longer than its history. */
static void test_history_cleared(void **state)
{
	(void)state;
	dense(100, 20, 1);
	for (int i = 0; i < 3 * HISTORY; i++)
		store_write(true);
	pass(1);
	/* Polls that were asked before are answered: they waited. */
	serve_all();
	assert_int_equal(follower.cleared, 1);
	assert_int_equal(follower.ends, 1);
}

static void test_cut_short_by_an_old_server(void **state)
{
	(void)state;
	store.cuts_short = true;
	dense(100, 20, 1);
	for (int i = 0; i < 20; i++) {
		store_write(true);
		pass(1);
		serve_all();
	}
	dense(100, 20, 1);
	assert_int_equal(follower.events, 4020);
	assert_int_equal(follower.ends, 0);
	assert_true(follower.peer.one_each);
	for (int i = 0; i < LANES; i++)
		assert_true(lanes[i].n <= 1);
}

static void swallow(void)
{
	dense(20, 20, 1);
	for (int i = 0; i < 8; i++) {
		pass(1000);
		serve_all();
	}
}

/* Once may be a member that was held up. */
static void test_swallowed_on_the_way(void **state)
{
	(void)state;
	store.swallows = true;
	swallow();
	assert_false(follower.peer.one_each);
	swallow();
	assert_true(follower.peer.one_each);
	assert_int_equal(follower.ends, 0);
	dense(50, 20, 1);
	assert_int_equal(follower.events, 1800);
}

/* It hangs: what comes through the poll that is asked alone counts. */
static void test_a_member_that_hangs(void **state)
{
	(void)state;
	dense(100, 20, 1);
	/* The front has its headers: nothing tells a hung member from a quiet
	 * directory. */
	pass(POLL_MS + 4000);
	assert_int_equal(follower.ends, 1);
	assert_false(follower.peer.one_each);
}

/* What came on the others waits for what it has not answered. */
static void test_a_lane_is_stuck(void **state)
{
	(void)state;
	dense(100, 20, 1);
	assert_false(etcd_line_holds(follower.line));
	store.stuck = &lanes[0];
	dense(5, 20, 1);
	assert_true(etcd_line_holds(follower.line));
	store.stuck = NULL;
	dense(5, 20, 1);
	assert_false(etcd_line_holds(follower.line));
	assert_int_equal(follower.events, 2200);
	assert_int_equal(follower.ends, 0);
}

static void test_an_event_without_sense(void **state)
{
	(void)state;
	dense(100, 20, 1);
	store.strange = store.index + 30;
	dense(10, 20, 1);
	assert_int_equal(follower.ends, 1);
	assert_int_equal(follower.last.outcome, ETCD_BAD);
	assert_int_equal(follower.told, store.strange - 1);
}

static void test_an_event_too_large(void **state)
{
	(void)state;
	dense(100, 20, 1);
	store.huge = store.index + 30;
	dense(50, 20, 1);
	assert_int_equal(follower.ends, 0);
	assert_int_equal(follower.events, 3000);
	assert_int_equal(lanes_open(), 0);
	pass(10 * 1000);
	serve_all();
	dense(50, 20, 1);
	assert_int_equal(follower.events, 4000);
	assert_true(lanes_open() > 0);		/* again */
}

static void test_stopped_in_an_event(void **state)
{
	(void)state;
	follower.stop_at = 1500;
	dense(100, 20, 1);
	assert_int_equal(follower.events, 1500);
	assert_int_equal(lanes_open(), 0);
}

static void test_from_now(void **state)
{
	struct etcd_target t = { .loop = loop, .url = "http://127.0.0.1:1" };
	struct etcd_line_request r = { .directory = "/d", .poll_ms = POLL_MS,
		.peer = &follower.peer };

	(void)state;
	etcd_line_stop(follower.line);
	dense(5, 20, 1);
	follower.told = store.index;
	follower.line = etcd_line_start(&t, &r, &test_user, NULL);
	serve_all();
	dense(50, 20, 1);
	assert_int_equal(follower.events, 1000);
}

/* --- anything at all --- */

static void random_step(void)
{
	struct lane *l = &lanes[seeded_below(LANES)];
	size_t what = seeded_below(1000);
	static bool busy, ours;

	if (what < 5)
		busy = !busy;
	else if (what < 10)
		ours = !ours;
	else if (what < 12)
		lane_cut(l);
	else if (what < 60)
		pass(1);
	else if (what < 61)
		pass((int64_t)seeded_below(POLL_MS));
	else if (what < (busy ? 350 : 70))
		store_write(ours || seeded_below(4) == 0);
	else if (what < 500)
		call_serve();
	else
		lane_serve(l);
	if (!follower.line && follower.cleared == 0)
		follow();
}

static void test_anything(void **state)
{
	(void)state;
	seeded_start();
	for (int n = 0; n < 150000 && store.index < FIRST + EVENTS - 1; n++) {
		random_step();
		if (follower.cleared > 0) {	/* as after a listing */
			follower.cleared = 0;
			follower.told = store.index;
			follow();
		}
	}
	for (int i = 0; i < 3; i++) {	/* lanes are opened meanwhile */
		if (!follower.line && follower.cleared == 0)
			follow();
		serve_all();
		pass(10);
	}
	if (follower.cleared == 0)
		assert_int_equal(store_next(follower.told + 1), 0);
	assert_true(follower.events > 1000);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, begin_test, end_test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_quiet_life),
		TEST(test_dense_store),
		TEST(test_sparse_store),
		TEST(test_calm_again),
		TEST(test_quiet_on_lanes),
		TEST(test_one_lane_cut),
		TEST(test_all_lanes_cut),
		TEST(test_goes_on_at_its_pace),
		TEST(test_no_lane_connects),
		TEST(test_history_cleared),
		TEST(test_cut_short_by_an_old_server),
		TEST(test_swallowed_on_the_way),
		TEST(test_a_lane_is_stuck),
		TEST(test_a_member_that_hangs),
		TEST(test_an_event_without_sense),
		TEST(test_an_event_too_large),
		TEST(test_stopped_in_an_event),
		TEST(test_from_now),
		TEST(test_anything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
