/* The loop: one thread that waits in curl_multi_poll for all transfers, other
 * descriptors (core/descriptors.c) and the next timer (core/timer.c), and calls
 * what is due.  It starts no
 * transfer itself (core/fetch.c does) and knows nobody's state.
 *
 * Other threads reach it only through loop_post(): a queue under a mutex, and
 * a wakeup for the wait.  The queue is looked at before each wait and a wait
 * lasts a second at most, so that nothing depends on the wakeup alone. */
#include "core/loop_transfers.h"

#include <assert.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/descriptors.h"
#include "core/err.h"
#include "core/log.h"
#include "core/thread.h"
#include "core/timer.h"
#include "core/xalloc.h"

enum {
	MAX_EACH = 8,
	MAX_WAIT_MS = 1000,
	JOIN_MS = 500,
	MAX_CONNECTIONS = 1024	/* idle ones kept; never closed early */
};

struct post {
	struct post *next;
	void (*fn)(void *arg);
	void *arg;
};

struct offload {
	struct offload *next;
	struct loop *loop;
	pthread_t thread;
	void (*work)(void *arg);
	void (*done)(void *arg);
	void (*drop)(void *arg);
	void *arg;
};

struct loop {
	CURLM *multi;
	struct timers timers;
	mono_t now;
	bool running;
	atomic_bool stop;

	pthread_mutex_t lock;		/* over the next two */
	struct post *posts, **posts_end;

	struct descriptors descriptors;

	struct {
		void (*fn)(void *arg, mono_t now);
		void *arg;
	} each[MAX_EACH];
	unsigned neach;

	void (*on_transfers)(void *arg);
	void (*free_transfers)(void *arg);
	void *transfers;

	struct offload *offloads;	/* started and not yet joined */
	int64_t longest_us;
	uint64_t turns, slow_turns;
};

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static CURLcode curl_started;

static void start_curl(void)
{
	curl_started = curl_global_init(CURL_GLOBAL_DEFAULT);
}

struct loop *loop_new(struct err *e)
{
	struct loop *l;

	pthread_once(&curl_once, start_curl);
	if (curl_started != CURLE_OK) {
		err_set(e, "start libcurl: %s",
		    curl_easy_strerror(curl_started));
		return NULL;
	}
	l = xcalloc(1, sizeof(*l));
	l->multi = curl_multi_init();
	if (!l->multi) {
		err_set(e, "start libcurl: no multi handle");
		free(l);
		return NULL;
	}
	curl_multi_setopt(l->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
	curl_multi_setopt(l->multi, CURLMOPT_MAXCONNECTS,
	    (long)MAX_CONNECTIONS);
	pthread_mutex_init(&l->lock, NULL);
	l->posts_end = &l->posts;
	return l;
}

/* False if a thread hangs, in a file system most likely. */
static bool join_offloads(struct loop *l)
{
	struct timespec until;
	struct offload *o;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += JOIN_MS * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	while ((o = l->offloads)) {
		if (pthread_timedjoin_np(o->thread, NULL, &until) != 0)
			return false;
		l->offloads = o->next;
		if (o->drop)
			o->drop(o->arg);
		free(o);
	}
	return true;
}

void loop_free(struct loop *l)
{
	struct post *p;
	bool joined;

	if (!l)
		return;
	assert(!l->running);
	joined = join_offloads(l);
	if (l->free_transfers)
		l->free_transfers(l->transfers);
	if (!joined) {		/* then it may still post to this loop */
		log_warn("a thread hangs and is left behind");
		return;
	}
	while ((p = l->posts)) {
		l->posts = p->next;
		free(p);
	}
	timers_fini(&l->timers);
	descriptors_fini(&l->descriptors);
	curl_multi_cleanup(l->multi);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

/* --- posted functions --- */

void loop_post(struct loop *l, void (*fn)(void *arg), void *arg)
{
	struct post *p = xmalloc(sizeof(*p));

	assert(fn);
	*p = (struct post){ NULL, fn, arg };
	pthread_mutex_lock(&l->lock);
	*l->posts_end = p;
	l->posts_end = &p->next;
	pthread_mutex_unlock(&l->lock);
	curl_multi_wakeup(l->multi);
}

static struct post *take_posts(struct loop *l)
{
	struct post *p;

	pthread_mutex_lock(&l->lock);
	p = l->posts;
	l->posts = NULL;
	l->posts_end = &l->posts;
	pthread_mutex_unlock(&l->lock);
	return p;
}

static bool has_posts(struct loop *l)
{
	bool has;

	pthread_mutex_lock(&l->lock);
	has = l->posts != NULL;
	pthread_mutex_unlock(&l->lock);
	return has;
}

/* What is posted by these functions themselves runs in the next turn. */
static void run_posts(struct loop *l)
{
	struct post *p = take_posts(l), *next;

	for (; p; p = next) {
		next = p->next;
		p->fn(p->arg);
		free(p);
	}
}

/* --- work in a thread of its own --- */

static void offload_finished(void *arg)
{
	struct offload *o = arg, **at = &o->loop->offloads;

	while (*at != o)
		at = &(*at)->next;
	*at = o->next;
	pthread_join(o->thread, NULL);	/* it is past its last statement */
	o->done(o->arg);
	free(o);
}

static void *offload_thread(void *arg)
{
	struct offload *o = arg;

	o->work(o->arg);
	loop_post(o->loop, offload_finished, o);
	return NULL;
}

void loop_offload_or_drop(struct loop *l, void (*work)(void *arg),
    void (*done)(void *arg), void (*drop)(void *arg), void *arg)
{
	struct offload *o = xmalloc(sizeof(*o));

	assert(work && done);
	*o = (struct offload){ .next = l->offloads, .loop = l, .work = work,
	    .done = done, .drop = drop, .arg = arg };
	if (thread_start(&o->thread, "offload", offload_thread, o) == 0) {
		l->offloads = o;
		return;
	}
	/* No thread to be had: late is better than never. */
	free(o);
	work(arg);
	loop_post(l, done, arg);
}

void loop_offload(struct loop *l, void (*work)(void *arg),
    void (*done)(void *arg), void *arg)
{
	loop_offload_or_drop(l, work, done, NULL, arg);
}

/* --- one turn --- */

static int wait_ms(struct loop *l)
{
	if (has_posts(l) || atomic_load(&l->stop))
		return 0;
	return timers_wait(&l->timers, clock_mono(), MAX_WAIT_MS);
}

static void wait_for_work(struct loop *l)
{
	struct curl_waitfd *waits = descriptors_waits(&l->descriptors);
	CURLMcode code = curl_multi_poll(l->multi, waits,
	    (unsigned)l->descriptors.n, wait_ms(l), NULL);

	if (code != CURLM_OK)
		poll(NULL, 0, 10);	/* out of memory: do not spin */
}

static void advance_transfers(struct loop *l)
{
	int running;

	curl_multi_perform(l->multi, &running);
	if (l->on_transfers)
		l->on_transfers(l->transfers);
}

static void turn(struct loop *l)
{
	int64_t began, took;
	unsigned i;

	wait_for_work(l);
	began = clock_mono_us();
	l->now = clock_mono();
	l->turns++;
	descriptors_run(&l->descriptors);
	timers_run(&l->timers, l->now);
	run_posts(l);
	advance_transfers(l);
	for (i = 0; i < l->neach; i++)
		l->each[i].fn(l->each[i].arg, l->now);
	took = clock_mono_us() - began;
	if (took > l->longest_us)
		l->longest_us = took;
	l->slow_turns += took > LOOP_TURN_US;
}

void loop_run(struct loop *l)
{
	assert(!l->running);
	l->running = true;
	while (!atomic_load(&l->stop))
		turn(l);
	atomic_store(&l->stop, false);
	l->running = false;
}

void loop_stop(struct loop *l)
{
	atomic_store(&l->stop, true);
	curl_multi_wakeup(l->multi);
}

/* --- what is registered once, and what is asked --- */

void loop_each_turn(struct loop *l, void (*fn)(void *arg, mono_t now),
    void *arg)
{
	assert(l->neach < MAX_EACH && fn);
	l->each[l->neach].fn = fn;
	l->each[l->neach++].arg = arg;
}

void loop_on_transfers(struct loop *l, void (*fn)(void *arg),
    void (*free_arg)(void *arg), void *arg)
{
	l->on_transfers = fn;
	l->free_transfers = free_arg;
	l->transfers = arg;
}

void *loop_transfers(const struct loop *l)
{
	return l->transfers;
}

CURLM *loop_multi(struct loop *l)
{
	return l->multi;
}

struct descriptors *loop_descriptors(struct loop *l)
{
	return &l->descriptors;
}

struct timers *loop_timers(struct loop *l)
{
	return &l->timers;
}

mono_t loop_now(const struct loop *l)
{
	return l->running ? l->now : clock_mono();
}

int64_t loop_longest_turn_us(const struct loop *l)
{
	return l->longest_us;
}

uint64_t loop_turns(const struct loop *l)
{
	return l->turns;
}

uint64_t loop_slow_turns(const struct loop *l)
{
	return l->slow_turns;
}
