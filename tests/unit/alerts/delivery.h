#ifndef TESTS_UNIT_ALERTS_DELIVERY_H
#define TESTS_UNIT_ALERTS_DELIVERY_H

/* A loop and a bus under the test's clock, and a server on 127.0.0.1 that
 * keeps what is posted to it and answers as told. */

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alerts/gate.h"
#include "core/event.h"
#include "core/json.h"
#include "core/loop.h"
#include "core/xalloc.h"
#include "tests/unit/http_script.h"

enum { INBOX_MAX = 1000 };

struct inbox {
	struct script script;
	pthread_mutex_t lock;
	char *bodies[INBOX_MAX];
	size_t n;
	int status[64];			/* of the first answers; then 200 */
	const char *extra;		/* header lines of every answer */
	bool silent;
};

static inline bool inbox_answer(struct script *s, int fd, const char *request,
    void *arg)
{
	struct inbox *in = arg;
	const char *body = strstr(request, "\r\n\r\n");
	char head[300];
	int status;

	(void)s;
	pthread_mutex_lock(&in->lock);
	status = in->n < 64 && in->status[in->n] ? in->status[in->n] : 200;
	if (in->n < INBOX_MAX)
		in->bodies[in->n++] = xstrdup(body ? body + 4 : "");
	pthread_mutex_unlock(&in->lock);
	if (in->silent)
		return script_silence(fd);
	snprintf(head, sizeof(head), "HTTP/1.1 %d Word\r\n%s"
	    "Content-Length: 4\r\n\r\nword", status,
	    in->extra ? in->extra : "");
	script_puts(fd, head);
	return true;
}

static inline void inbox_open(struct inbox *in)
{
	memset(in, 0, sizeof(*in));
	pthread_mutex_init(&in->lock, NULL);
	script_start(&in->script, inbox_answer, in);
}

static inline void inbox_close(struct inbox *in)
{
	script_stop(&in->script);
	for (size_t i = 0; i < in->n; i++)
		free(in->bodies[i]);
	pthread_mutex_destroy(&in->lock);
}

static inline size_t inbox_count(struct inbox *in)
{
	pthread_mutex_lock(&in->lock);
	size_t n = in->n;

	pthread_mutex_unlock(&in->lock);
	return n;
}

/* The i-th body as JSON; cJSON_Delete() it. */
static inline cJSON *inbox_json(struct inbox *in, size_t i)
{
	pthread_mutex_lock(&in->lock);
	cJSON *j = i < in->n ? cJSON_Parse(in->bodies[i]) : NULL;

	pthread_mutex_unlock(&in->lock);
	if (j == NULL)
		abort();
	return j;
}

/* --- loop and bus --- */

static struct loop *loop;
static struct event_bus *bus;
static bool (*until)(void *arg);
static void *until_arg;

static inline void end_of_turn(void *arg, mono_t now)
{
	(void)arg;
	event_flush(bus, now);
	if (until == NULL || until(until_arg))
		loop_stop(loop);
}

static inline void nothing(void *arg)
{
	(void)arg;
}

/* One turn that does not wait. */
static inline void turn(void)
{
	until = NULL;
	loop_post(loop, nothing, NULL);
	loop_run(loop);
}

/* Turns until fn says true; the test's alarm() ends it if it never does. */
static inline void run_until(bool (*fn)(void *arg), void *arg)
{
	until = fn;
	until_arg = arg;
	loop_post(loop, nothing, NULL);
	loop_run(loop);
}

static inline void advance(int64_t ms)
{
	clock_advance(ms);
	turn();
	turn();
}

/* Goes on in small steps, as real time would. */
static inline void advance_in_steps(int64_t ms, int64_t step)
{
	for (; ms > 0; ms -= step)
		advance(ms < step ? ms : step);
}

struct expectation {
	struct inbox *inbox;
	size_t n;
};

static inline bool has_arrived(void *arg)
{
	struct expectation *e = arg;

	return inbox_count(e->inbox) >= e->n;
}

static inline void await(struct inbox *in, size_t n)
{
	struct expectation e = { in, n };

	run_until(has_arrived, &e);
}

static inline void loop_begin(void)
{
	alarm(100);
	clock_set((mono_t){ 5000 }, (wall_t){ INT64_C(1800000000000) });
	loop = loop_new(NULL);
	bus = event_bus_new();
	loop_each_turn(loop, end_of_turn, NULL);
}

static inline void loop_end(void)
{
	loop_free(loop);
	event_bus_free(bus);
	clock_use_real();
	alarm(0);
}

#endif
