/* The way from HTTP's threads to the loop and back.  A call is in two hands:
 * the loop's, until its posted function has come, and the asker's, until it
 * releases it.  The time limit is a thread's that is started with the first
 * call; it wakes who has waited too long, and marks the call, so that the loop
 * passes over it: what was refused must not happen after all.
 *
 * Knows nothing of HTTP: who asks is woken by a function of the caller's. */
#include "exporter/calls.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <time.h>

#include "core/clock.h"
#include "core/loop.h"
#include "core/thread.h"
#include "core/xalloc.h"

enum state { WAITING, RUNNING, RUN, LATE };

struct call {
	TAILQ_ENTRY(call) link;
	struct calls *calls;
	struct call_work work;
	enum state state;
	mono_t deadline;
	bool with_loop, with_asker;
};

TAILQ_HEAD(call_list, call);

struct calls {
	struct loop *loop;
	int64_t limit_ms;
	pthread_mutex_t lock;		/* over all below, and all calls; held
					   during wake() */
	pthread_cond_t changed;
	pthread_t watch;
	bool watching, stopped;
	size_t n;
	struct call_list list;		/* by deadline */
};

struct calls *calls_new(struct loop *l, int64_t limit_ms)
{
	struct calls *c = xcalloc(1, sizeof(*c));
	pthread_condattr_t monotonic;

	c->loop = l;
	c->limit_ms = limit_ms > 0 ? limit_ms : CALLS_LIMIT_MS;
	pthread_mutex_init(&c->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&c->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	TAILQ_INIT(&c->list);
	return c;
}

/* Frees it if nobody has it any more.  Under the lock. */
static void let_go(struct call *one)
{
	struct calls *c = one->calls;

	if (one->with_loop || one->with_asker)
		return;
	TAILQ_REMOVE(&c->list, one, link);
	c->n--;
	one->work.drop(one->work.arg);
	free(one);
}

static void on_loop(void *arg)
{
	struct call *one = arg;
	struct calls *c = one->calls;
	bool runs;

	pthread_mutex_lock(&c->lock);
	runs = one->state == WAITING;
	if (runs)
		one->state = RUNNING;
	pthread_mutex_unlock(&c->lock);
	if (runs)
		one->work.run(one->work.arg);
	pthread_mutex_lock(&c->lock);
	if (runs) {
		one->state = RUN;
		one->work.wake(one->work.asker);
	}
	one->with_loop = false;
	let_go(one);
	pthread_mutex_unlock(&c->lock);
}

/* --- the time limit --- */

static void give_up(struct call *one)
{
	one->state = LATE;
	one->work.wake(one->work.asker);
}

/* The one whose time ends next. */
static struct call *first_waiting(const struct calls *c)
{
	struct call *one;

	TAILQ_FOREACH(one, &c->list, link)
		if (one->state == WAITING)
			return one;
	return NULL;
}

static void wait_until(struct calls *c, mono_t at)
{
	struct timespec t = { .tv_sec = at.ms / 1000,
		.tv_nsec = at.ms % 1000 * 1000000 };

	pthread_cond_timedwait(&c->changed, &c->lock, &t);
}

static void *watch(void *arg)
{
	struct calls *c = arg;
	struct call *one;

	pthread_mutex_lock(&c->lock);
	while (!c->stopped) {
		one = first_waiting(c);
		if (one == NULL)
			pthread_cond_wait(&c->changed, &c->lock);
		else if (mono_due(one->deadline, clock_mono()))
			give_up(one);
		else
			wait_until(c, one->deadline);
	}
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

/* Without it, waiting would have no limit. */
static bool start_watch(struct calls *c)
{
	if (!c->watching)
		c->watching = thread_start(&c->watch, "deadlines", watch,
		    c) == 0;
	return c->watching;
}

/* --- asking --- */

static struct call *add(struct calls *c, const struct call_work *w)
{
	struct call *one = xcalloc(1, sizeof(*one));

	one->calls = c;
	one->work = *w;
	one->deadline = mono_add(clock_mono(), c->limit_ms);
	one->with_loop = one->with_asker = true;
	TAILQ_INSERT_TAIL(&c->list, one, link);
	c->n++;
	return one;
}

struct call *calls_start(struct calls *c, const struct call_work *w)
{
	struct call *one = NULL;

	pthread_mutex_lock(&c->lock);
	if (!c->stopped && c->n < CALLS_MAX && start_watch(c)) {
		one = add(c, w);
		pthread_cond_signal(&c->changed);
	}
	pthread_mutex_unlock(&c->lock);
	if (one != NULL)
		loop_post(c->loop, on_loop, one);
	return one;
}

bool call_was_run(struct call *one)
{
	bool run;

	pthread_mutex_lock(&one->calls->lock);
	run = one->state == RUN;
	pthread_mutex_unlock(&one->calls->lock);
	return run;
}

void call_release(struct call *one)
{
	struct calls *c;

	if (one == NULL)
		return;
	c = one->calls;
	pthread_mutex_lock(&c->lock);
	one->with_asker = false;
	let_go(one);
	pthread_mutex_unlock(&c->lock);
}

/* --- the end --- */

void calls_stop(struct calls *c)
{
	struct call *one;

	pthread_mutex_lock(&c->lock);
	c->stopped = true;
	while ((one = first_waiting(c)) != NULL)
		give_up(one);
	pthread_cond_signal(&c->changed);
	pthread_mutex_unlock(&c->lock);
	if (c->watching)
		pthread_join(c->watch, NULL);
	c->watching = false;
}

void calls_free(struct calls *c)
{
	struct call *one;

	if (c == NULL)
		return;
	while ((one = TAILQ_FIRST(&c->list)) != NULL) {
		one->with_loop = one->with_asker = false;
		let_go(one);
	}
	pthread_cond_destroy(&c->changed);
	pthread_mutex_destroy(&c->lock);
	free(c);
}
