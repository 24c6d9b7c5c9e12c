/* Answers on their way, each with the time by which it has to be over.  The
 * watch over them is a thread of its own, since libmicrohttpd only knows a
 * limit for readers that stand still, and the loop has nothing to do with
 * readers.  It ends a connection by shutting its socket down; all else is
 * libmicrohttpd's.  Called by server.c. */
#include "exporter/sending.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <time.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/xalloc.h"
#include "exporter/pieces.h"

struct sending {
	TAILQ_ENTRY(sending) entry;
	struct sendings *all;
	struct pieces *pieces;
	mono_t deadline;
	int fd;
	bool cut;
};

struct sendings {
	TAILQ_HEAD(, sending) list;	/* the next to be cut off first */
	pthread_mutex_t lock;
	pthread_cond_t stopped;
	pthread_t thread;
	struct segments *segments;
	unsigned limit_s;
	bool stop;
};

/* Under the lock, and a socket leaves the list before it is closed, so it is
 * never another's.  Returns how many were cut off. */
static unsigned cut_late(struct sendings *s, mono_t now)
{
	struct sending *x;
	unsigned n = 0;

	TAILQ_FOREACH(x, &s->list, entry) {
		if (mono_since(x->deadline, now) < 0)
			break;
		n += !x->cut && shutdown(x->fd, SHUT_RDWR) == 0;
		x->cut = true;
	}
	return n;
}

static void *watch(void *arg)
{
	struct sendings *s = arg;
	struct timespec next;
	unsigned cut;

	pthread_mutex_lock(&s->lock);
	while (!s->stop) {
		cut = cut_late(s, clock_mono());
		pthread_mutex_unlock(&s->lock);
		if (cut > 0)
			log_warn("readers of metrics were too slow",
			    LOG_I("readers", cut),
			    LOG_I("limit_s", s->limit_s));
		segments_drop_idle(s->segments, clock_mono());
		pthread_mutex_lock(&s->lock);
		clock_gettime(CLOCK_MONOTONIC, &next);
		next.tv_sec++;
		if (!s->stop)
			pthread_cond_timedwait(&s->stopped, &s->lock, &next);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

/* The thread takes no signals: those are the loop's. */
static int start_watch(struct sendings *s)
{
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&s->thread, NULL, watch, s);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

struct sendings *sendings_new(struct segments *c, unsigned limit_s)
{
	struct sendings *s = xcalloc(1, sizeof(*s));
	pthread_condattr_t attr;

	TAILQ_INIT(&s->list);
	s->segments = c;
	s->limit_s = limit_s;
	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->stopped, &attr);
	pthread_condattr_destroy(&attr);
	if (start_watch(s) == 0)
		return s;
	pthread_cond_destroy(&s->stopped);
	pthread_mutex_destroy(&s->lock);
	free(s);
	return NULL;
}

void sendings_free(struct sendings *s)
{
	if (s == NULL)
		return;
	assert(TAILQ_EMPTY(&s->list));
	pthread_mutex_lock(&s->lock);
	s->stop = true;
	pthread_cond_signal(&s->stopped);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->thread, NULL);
	pthread_cond_destroy(&s->stopped);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

struct sending *sending_new(struct sendings *s, int fd, struct pieces *p)
{
	struct sending *x = xcalloc(1, sizeof(*x));

	x->all = s;
	x->pieces = p;
	x->fd = fd;
	x->deadline = mono_add(clock_mono(), (int64_t)s->limit_s * 1000);
	pthread_mutex_lock(&s->lock);
	TAILQ_INSERT_TAIL(&s->list, x, entry);
	pthread_mutex_unlock(&s->lock);
	return x;
}

void sending_free(void *sending)
{
	struct sending *x = sending;

	pthread_mutex_lock(&x->all->lock);
	TAILQ_REMOVE(&x->all->list, x, entry);
	pthread_mutex_unlock(&x->all->lock);
	pieces_free(x->pieces);
	free(x);
}
