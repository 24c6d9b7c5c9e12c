/* Requests whose answer may take a second to write: metrics of a large
 * registry, of which nothing was kept.  If HTTP's threads wrote them, two would
 * hold up every other page, and whoever asks whether rollcall is alive would
 * have it restarted.  So the connection is put to sleep and the answer written
 * by a thread of its own; one, since it is only one that can write at a time
 * (segments.c).  It is started when it is first needed: a small registry never
 * does.  server.c calls this, and says what is written. */
#include "exporter/scrape.h"

#include <assert.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "core/thread.h"
#include "core/xalloc.h"
#include "exporter/pieces.h"
#include "exporter/visit.h"

/* QUEUED and WRITING: the connection sleeps. */
enum progress { NEW, QUEUED, WRITING, WRITTEN, TAKEN, GIVEN_UP };

struct scrape {
	struct visit visit;
	TAILQ_ENTRY(scrape) link;
	struct scrapes *all;
	struct MHD_Connection *connection;
	struct request request;
	struct reply reply;		/* WRITTEN: to be taken, or freed */
	enum progress progress;
};

struct scrapes {
	void (*write)(void *arg, struct request *q, struct reply *r_r);
	void *arg;
	pthread_mutex_t mutex;		/* over all below, and each progress;
					   held while a connection is woken */
	pthread_cond_t come;
	TAILQ_HEAD(, scrape) queue;
	pthread_t thread;
	bool started, stop;
};

struct scrapes *scrapes_new(void (*write)(void *arg, struct request *q,
    struct reply *r_r), void *arg)
{
	struct scrapes *s = xcalloc(1, sizeof(*s));

	s->write = write;
	s->arg = arg;
	pthread_mutex_init(&s->mutex, NULL);
	pthread_cond_init(&s->come, NULL);
	TAILQ_INIT(&s->queue);
	return s;
}

/* --- the thread --- */

/* The mutex is held: a connection that is not woken yet still sleeps. */
static void wake(struct scrape *one, enum progress progress)
{
	one->progress = progress;
	MHD_resume_connection(one->connection);
}

/* The mutex is held, and is held again afterwards. */
static void write_one(struct scrapes *s, struct scrape *one)
{
	TAILQ_REMOVE(&s->queue, one, link);
	one->progress = WRITING;
	pthread_mutex_unlock(&s->mutex);
	s->write(s->arg, &one->request, &one->reply);
	pthread_mutex_lock(&s->mutex);
	wake(one, WRITTEN);
}

static void *run(void *arg)
{
	struct scrapes *s = arg;
	struct scrape *one;

	pthread_mutex_lock(&s->mutex);
	while (!s->stop) {
		one = TAILQ_FIRST(&s->queue);
		if (one != NULL)
			write_one(s, one);
		else
			pthread_cond_wait(&s->come, &s->mutex);
	}
	pthread_mutex_unlock(&s->mutex);
	return NULL;
}

/* The mutex is held. */
static bool start_thread(struct scrapes *s)
{
	if (!s->started)
		s->started = thread_start(&s->thread, "render", run, s) == 0;
	return s->started;
}

/* --- those who ask --- */

struct scrape *scrape_new(struct scrapes *s, struct MHD_Connection *c,
    const struct request *q)
{
	struct scrape *one = xcalloc(1, sizeof(*one));

	one->visit.free = scrape_free;
	one->all = s;
	one->connection = c;
	one->request = *q;
	return one;
}

void scrape_free(void *scrape)
{
	struct scrape *one = scrape;

	assert(one->progress != QUEUED && one->progress != WRITING);
	if (one->progress == WRITTEN) {
		pieces_free(one->reply.pieces);
		buf_free(&one->reply.body);
		free(one->reply.link);
	}
	free(one);
}

/* The mutex is held.  The connection sleeps before anybody may wake it. */
static void hand_over(struct scrape *one)
{
	struct scrapes *s = one->all;

	if (s->stop) {
		one->progress = GIVEN_UP;
	} else if (start_thread(s)) {
		MHD_suspend_connection(one->connection);
		one->progress = QUEUED;
		TAILQ_INSERT_TAIL(&s->queue, one, link);
		pthread_cond_signal(&s->come);
	}
}

/* How it is with one that is not handed over, or was woken. */
static enum progress go_on(struct scrape *one)
{
	enum progress progress;

	pthread_mutex_lock(&one->all->mutex);
	if (one->progress == NEW)
		hand_over(one);
	progress = one->progress;
	pthread_mutex_unlock(&one->all->mutex);
	return progress;
}

bool scrape_answer(struct scrape *one, struct reply *r_r)
{
	switch (go_on(one)) {
	case NEW:		/* there is no thread */
		one->all->write(one->all->arg, &one->request, r_r);
		return true;
	case WRITTEN:
		*r_r = one->reply;
		one->progress = TAKEN;
		return true;
	case GIVEN_UP:
		routes_unavailable(r_r, "rollcall is stopping");
		return true;
	default:
		return false;
	}
}

/* --- the end --- */

void scrapes_stop(struct scrapes *s)
{
	struct scrape *one;
	bool started;

	pthread_mutex_lock(&s->mutex);
	s->stop = true;
	started = s->started;
	while ((one = TAILQ_FIRST(&s->queue)) != NULL) {
		TAILQ_REMOVE(&s->queue, one, link);
		wake(one, GIVEN_UP);
	}
	pthread_cond_signal(&s->come);
	pthread_mutex_unlock(&s->mutex);
	if (started)
		pthread_join(s->thread, NULL);
}

void scrapes_free(struct scrapes *s)
{
	if (s == NULL)
		return;
	pthread_cond_destroy(&s->come);
	pthread_mutex_destroy(&s->mutex);
	free(s);
}
