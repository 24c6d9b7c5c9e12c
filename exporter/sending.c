/* Answers on their way, each with the time by which it has to be over.  The
 * watch over them is a thread of its own, since libmicrohttpd only knows a
 * limit for readers that stand still, and the loop has nothing to do with
 * readers.  It ends a connection by shutting its socket down; all else is
 * libmicrohttpd's.
 *
 * An answer holds on to what it says even if the next one says something else,
 * so readers that stand still while things change would fill the memory with
 * what nobody else needs.  Above a limit those go that have been at it longest:
 * one, and when what it held is free the next, so that no more go than have to,
 * and never the last one that came.  Called by server.c. */
#include "exporter/sending.h"

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <time.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/thread.h"
#include "core/xalloc.h"
#include "exporter/pieces.h"

/* What answers may hold of memory beside what is kept anyway: enough for two
 * that stay for as long as everything needs to change, such as those of a
 * pair of Prometheus servers on slow lines; and where all of it is little, for
 * as many as there may be. */
enum { HELD_MIN = 64 << 20, HELD_EXPOSITIONS = 2 };

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
	unsigned cut_for_room;		/* readers, not logged yet */
	bool stop;
};

static size_t limit_of(const struct segments_room *room)
{
	size_t limit = HELD_EXPOSITIONS * room->kept;

	return limit > HELD_MIN ? limit : HELD_MIN;
}

static bool holds_too_much(const struct sendings *s)
{
	struct segments_room room = segments_room(s->segments);

	return room.held > limit_of(&room);
}

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

/* Under the lock.  If one was cut off and is not gone yet, that comes first. */
static void cut_for_room(struct sendings *s)
{
	struct sending *x;

	if (!holds_too_much(s))
		return;
	TAILQ_FOREACH(x, &s->list, entry)
		if (x->cut)
			return;
	x = TAILQ_FIRST(&s->list);
	if (x == NULL || TAILQ_NEXT(x, entry) == NULL)
		return;
	s->cut_for_room += shutdown(x->fd, SHUT_RDWR) == 0;
	x->cut = true;
}

static void tell(const struct sendings *s, unsigned late, unsigned for_room)
{
	struct segments_room room = segments_room(s->segments);

	if (late > 0)
		log_warn("readers of metrics were too slow",
		    LOG_I("readers", late), LOG_I("limit_s", s->limit_s));
	if (for_room > 0)
		log_warn("readers of metrics were too slow: what they had not "
		    "read yet took too much memory",
		    LOG_I("readers", for_room),
		    LOG_I("limit_bytes", limit_of(&room)));
}

static void *watch(void *arg)
{
	struct sendings *s = arg;
	struct timespec next;
	unsigned late, for_room;

	pthread_mutex_lock(&s->lock);
	while (!s->stop) {
		late = cut_late(s, clock_mono());
		cut_for_room(s);
		for_room = s->cut_for_room;
		s->cut_for_room = 0;
		pthread_mutex_unlock(&s->lock);
		tell(s, late, for_room);
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
	if (thread_start(&s->thread, "stalled", watch, s) == 0)
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
	cut_for_room(s);
	pthread_mutex_unlock(&s->lock);
	return x;
}

void sending_free(void *sending)
{
	struct sending *x = sending;
	struct sendings *s = x->all;

	pthread_mutex_lock(&s->lock);
	TAILQ_REMOVE(&s->list, x, entry);
	pthread_mutex_unlock(&s->lock);
	pieces_free(x->pieces);
	pthread_mutex_lock(&s->lock);
	cut_for_room(s);
	pthread_mutex_unlock(&s->lock);
	free(x);
}
