#include "core/loop.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/seeded.h"

static struct loop *loop;
static char order[64];

static int set_up(void **state)
{
	struct err e;

	(void)state;
	loop = loop_new(&e);
	order[0] = '\0';
	return loop ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	loop_free(loop);
	return 0;
}

static void note(const char *word)
{
	strncat(order, word, sizeof(order) - strlen(order) - 1);
}

static void note_timer(void *arg, mono_t now)
{
	(void)now;
	note(arg);
}

static void stop_timer(void *arg, mono_t now)
{
	(void)arg;
	(void)now;
	loop_stop(loop);
}

/* Runs the loop for some milliseconds. */
static void run_for(int64_t ms)
{
	struct timer *t = timer_new(loop, stop_timer, NULL);

	timer_set(t, mono_add(clock_mono(), ms));
	loop_run(loop);
	timer_free(t);
}

static char *word(const char *s)
{
	static char words[16][8];
	static int n;
	char *to = words[n++ % 16];

	snprintf(to, sizeof(words[0]), "%s", s);
	return to;
}

static void test_timers_in_order(void **state)
{
	mono_t now = clock_mono();
	struct timer *t[4];
	int i;

	(void)state;
	t[0] = timer_new(loop, note_timer, word("c"));
	t[1] = timer_new(loop, note_timer, word("a"));
	t[2] = timer_new(loop, note_timer, word("b"));
	t[3] = timer_new(loop, note_timer, word("x"));
	timer_set(t[0], mono_add(now, 20));
	timer_set(t[1], mono_add(now, 5));
	timer_set(t[2], mono_add(now, 5));
	timer_set(t[3], mono_add(now, 1));
	timer_clear(t[3]);
	timer_set(t[3], mono_add(now, 100000));
	run_for(40);
	assert_string_equal(order, "abc");
	for (i = 0; i < 4; i++)
		timer_free(t[i]);
	timer_free(NULL);
}

struct again {
	struct timer *timer;
	int calls;
	uint64_t turns[3];
};

static void again(void *arg, mono_t now)
{
	struct again *a = arg;

	a->turns[a->calls++] = loop_turns(loop);
	if (a->calls < 3)
		timer_set(a->timer, now);
	else
		loop_stop(loop);
}

static void test_timer_set_to_now_in_itself(void **state)
{
	struct again a = { 0 };

	(void)state;
	a.timer = timer_new(loop, again, &a);
	timer_set(a.timer, (mono_t){ 0 });
	loop_run(loop);
	assert_int_equal(a.turns[1], a.turns[0] + 1);
	assert_int_equal(a.turns[2], a.turns[1] + 1);
	timer_free(a.timer);
}

static struct timer *victims[4];

/* Called first of those due: clears one, frees one, moves one. */
static void meddle(void *arg, mono_t now)
{
	(void)arg;
	note("m");
	timer_clear(victims[1]);
	timer_free(victims[2]);
	timer_set(victims[3], mono_add(now, 10));
	timer_free(victims[0]);
}

static void test_timer_meddles_with_others(void **state)
{
	int i;

	(void)state;
	victims[0] = timer_new(loop, meddle, NULL);
	for (i = 1; i < 4; i++)
		victims[i] = timer_new(loop, note_timer, word("v"));
	for (i = 0; i < 4; i++)
		timer_set(victims[i], clock_mono());
	run_for(30);
	assert_string_equal(order, "mv");
	timer_free(victims[1]);
	timer_free(victims[3]);
}

static mono_t last_at;
static int fired;

struct probe {
	struct timer *timer;
	mono_t at;
	bool set;
};

static void probe_fired(void *arg, mono_t now)
{
	struct probe *p = arg;

	assert_true(p->set);
	assert_true(mono_due(p->at, now));
	assert_true(p->at.ms >= last_at.ms);
	last_at = p->at;
	p->set = false;
	fired++;
}

/* The heap against a plain list of what is set. */
static void test_many_timers(void **state)
{
	static struct probe probes[300];
	mono_t now = { 1000 };
	int i, round, due;

	(void)state;
	seeded_start();
	for (i = 0; i < 300; i++)
		probes[i].timer = timer_new(loop, probe_fired, &probes[i]);
	for (round = 0; round < 300; round++) {
		for (i = 0; i < 60; i++) {
			struct probe *p = &probes[seeded_below(300)];

			p->set = seeded_below(4) != 0;
			p->at = mono_add(now, (int64_t)seeded_below(50));
			if (p->set)
				timer_set(p->timer, p->at);
			else
				timer_clear(p->timer);
		}
		now = mono_add(now, (int64_t)seeded_below(30));
		for (due = i = 0; i < 300; i++)
			due += probes[i].set && mono_due(probes[i].at, now);
		fired = 0;
		last_at.ms = 0;
		timers_run(&loop->timers, now);
		assert_int_equal(fired, due);
	}
	for (i = 0; i < 300; i++)
		timer_free(probes[i].timer);
}

/* --- posts --- */

enum { THREADS = 4, POSTS = 2000 };
static int seen[THREADS], total;
static pthread_t home;

struct message {
	int thread, number;
};

static void receive(void *arg)
{
	struct message *m = arg;

	assert_true(pthread_equal(pthread_self(), home));
	assert_int_equal(m->number, seen[m->thread]++);
	free(m);
	if (++total == THREADS * POSTS)
		loop_stop(loop);
}

static void *post_many(void *arg)
{
	struct message *m;
	int i;

	for (i = 0; i < POSTS; i++) {
		m = malloc(sizeof(*m));
		m->thread = *(int *)arg;
		m->number = i;
		loop_post(loop, receive, m);
	}
	return NULL;
}

static void test_posts_from_threads(void **state)
{
	pthread_t threads[THREADS];
	int numbers[THREADS], i;

	(void)state;
	home = pthread_self();
	memset(seen, 0, sizeof(seen));
	total = 0;
	for (i = 0; i < THREADS; i++) {
		numbers[i] = i;
		pthread_create(&threads[i], NULL, post_many, &numbers[i]);
	}
	loop_run(loop);
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(total, THREADS * POSTS);
}

static int posted_again;
static uint64_t first_turn;

static void post_again(void *arg)
{
	if (posted_again++ == 0) {
		first_turn = loop_turns(loop);
		loop_post(loop, post_again, arg);
		return;
	}
	assert_int_equal(loop_turns(loop), first_turn + 1);
	loop_stop(loop);
}

static void test_post_in_post_runs_next_turn(void **state)
{
	(void)state;
	posted_again = 0;
	loop_post(loop, post_again, NULL);
	loop_run(loop);
	assert_int_equal(posted_again, 2);
}

static void *wait_and_stop(void *arg)
{
	(void)arg;
	loop_stop(loop);
	return NULL;
}

/* A wakeup while the loop waits for nothing at all. */
static void test_woken_by_another_thread(void **state)
{
	int64_t began = clock_mono_us();
	pthread_t t;

	(void)state;
	pthread_create(&t, NULL, wait_and_stop, NULL);
	loop_run(loop);
	pthread_join(t, NULL);
	assert_true(clock_mono_us() - began < 900000);
}

/* --- offload --- */

struct job {
	pthread_t worker;
	bool worked, done, dropped;
};

static void work(void *arg)
{
	struct job *j = arg;

	j->worker = pthread_self();
	j->worked = true;
}

static void done(void *arg)
{
	struct job *j = arg;

	assert_true(j->worked);
	assert_false(pthread_equal(j->worker, pthread_self()));
	j->done = true;
	loop_stop(loop);
}

static void dropped(void *arg)
{
	struct job *j = arg;

	j->dropped = true;
}

static void test_offload(void **state)
{
	struct job j = { 0 };

	(void)state;
	loop_offload(loop, work, done, &j);
	loop_run(loop);
	assert_true(j.done);
	assert_null(loop->offloads);
}

static void test_offload_outlived(void **state)
{
	struct job a = { 0 }, b = { 0 };

	(void)state;
	loop_offload(loop, work, done, &a);
	loop_offload_or_drop(loop, work, done, dropped, &b);
	loop_free(loop);
	assert_true(a.worked && !a.done && !a.dropped);
	assert_true(b.worked && !b.done && b.dropped);
	loop = loop_new(NULL);
}

static void work_hangs(void *arg)
{
	char c;

	assert_int_equal(read(*(int *)arg, &c, 1), 1);
}

static void test_offload_hangs(void **state)
{
	int64_t began = clock_mono_us();
	int hung[2];

	(void)state;
	assert_int_equal(pipe(hung), 0);
	loop_offload(loop, work_hangs, done, &hung[0]);
	loop_free(loop);
	assert_true(clock_mono_us() - began >= JOIN_MS * 1000);
	/* Left behind, it is still there for the thread to come back to. */
	assert_int_equal(write(hung[1], "x", 1), 1);
	loop_free(loop);
	close(hung[0]);
	close(hung[1]);
	loop = loop_new(NULL);
}

/* --- descriptors and turns --- */

static int ends[2];

static void on_readable(void *arg)
{
	char c;

	(void)arg;
	assert_int_equal(read(ends[0], &c, 1), 1);
	note("r");
	loop_stop(loop);
}

static void each(void *arg, mono_t now)
{
	assert_int_equal(now.ms, loop_now(loop).ms);
	note(arg);
}

static void test_descriptor_and_each_turn(void **state)
{
	(void)state;
	assert_int_equal(pipe(ends), 0);
	loop_watch_fd(loop, ends[0], on_readable, NULL);
	loop_each_turn(loop, each, word("1"));
	loop_each_turn(loop, each, word("2"));
	assert_int_equal(write(ends[1], "x", 1), 1);
	loop_run(loop);
	assert_string_equal(order, "r12");
	assert_int_equal(loop_turns(loop), 1);
	close(ends[0]);
	close(ends[1]);
}

/* Two pipes with a byte in each, of which whichever is told first takes both
 * out, and one that is put in meanwhile. */
static struct {
	struct loop_fd *watch;
	int ends[2];
} pipes[2];
static unsigned told;

static void on_late(void *arg)
{
	(void)arg;
	note("l");
	loop_stop(loop);
}

static void take_both_out(void *arg)
{
	(void)arg;
	told++;
	for (int i = 0; i < 2; i++)
		loop_unwatch_fd(pipes[i].watch);
	for (int i = 0; i < 20; i++)	/* more than there was room for */
		loop_watch_fd(loop, pipes[0].ends[0], on_late, NULL);
}

static void test_descriptors_taken_out(void **state)
{
	(void)state;
	told = 0;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pipe(pipes[i].ends), 0);
		assert_int_equal(write(pipes[i].ends[1], "x", 1), 1);
		pipes[i].watch = loop_watch_fd(loop, pipes[i].ends[0],
		    take_both_out, NULL);
	}
	loop_unwatch_fd(NULL);
	loop_run(loop);
	assert_int_equal(told, 1);
	assert_int_equal(strlen(order), 20);
	assert_int_equal(loop_turns(loop), 2);
	for (int i = 0; i < 2; i++) {
		close(pipes[i].ends[0]);
		close(pipes[i].ends[1]);
	}
}

static struct loop_fd *writer;

static void on_writable(void *arg)
{
	(void)arg;
	note("w");
	if (strlen(order) == 2)
		loop_stop(loop);
}

static void ask_to_write(void *arg, mono_t now)
{
	(void)arg;
	(void)now;
	assert_string_equal(order, "");
	loop_fd_wants(writer, true, true);
}

static void test_descriptor_that_writes(void **state)
{
	struct timer *t = timer_new(loop, ask_to_write, NULL);

	(void)state;
	assert_int_equal(pipe(ends), 0);
	writer = loop_watch_fd(loop, ends[1], on_writable, NULL);
	timer_set(t, mono_add(clock_mono(), 5));
	loop_run(loop);
	assert_string_equal(order, "ww");
	loop_fd_wants(writer, true, false);
	run_for(5);
	assert_string_equal(order, "ww");
	timer_free(t);
	close(ends[0]);
	close(ends[1]);
}

static void slow(void *arg, mono_t now)
{
	(void)arg;
	(void)now;
	usleep(20000);
	loop_stop(loop);
}

static void test_longest_turn(void **state)
{
	struct timer *t = timer_new(loop, slow, NULL);

	(void)state;
	timer_set(t, clock_mono());
	loop_run(loop);
	assert_true(loop_longest_turn_us(loop) >= 20000);
	assert_in_range(loop_slow_turns(loop), 1, loop_turns(loop));
	timer_free(t);
}

static void test_stop_before_and_run_again(void **state)
{
	(void)state;
	loop_stop(loop);
	loop_run(loop);
	assert_int_equal(loop_turns(loop), 0);
	run_for(1);
	run_for(1);
	assert_true(loop_turns(loop) >= 2);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_timers_in_order),
		TEST(test_timer_set_to_now_in_itself),
		TEST(test_timer_meddles_with_others),
		TEST(test_many_timers),
		TEST(test_posts_from_threads),
		TEST(test_post_in_post_runs_next_turn),
		TEST(test_woken_by_another_thread),
		TEST(test_offload),
		TEST(test_offload_outlived),
		TEST(test_offload_hangs),
		TEST(test_descriptor_and_each_turn),
		TEST(test_descriptors_taken_out),
		TEST(test_descriptor_that_writes),
		TEST(test_longest_turn),
		TEST(test_stop_before_and_run_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
