/* Polls asked ahead, over up to eight lanes (core/lane.h).  One lane alone
 * would do for a member with time to spare; where its writers keep it busy, the
 * one goroutine that serves a connection waits for its turn behind all of
 * theirs and falls out of etcd's history, while eight get eight turns.
 *
 * Each poll has a slot in a ring, in the order of asking; etcd/ahead_lanes.c
 * sends it and puts the answer there, and here they are told in that order, a
 * slice in each turn.  What is asked for is the business of etcd/line.c. */
#include "etcd/ahead_impl.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/err.h"
#include "core/lane.h"
#include "core/loop.h"
#include "core/xalloc.h"
#include "etcd/decode.h"
#include "etcd/meta.h"
#include "etcd/wire.h"

enum {
	SLICE_US = 2000,		/* told in one turn */
	PACE_MS = 1,			/* between reading and reading */
	LOOK_EVERY = 16			/* answers, at the clock */
};

size_t etcd_ahead_waiting(const struct etcd_ahead *a)
{
	return a->n;
}

bool etcd_ahead_holds(const struct etcd_ahead *a)
{
	for (size_t k = 0; k < a->n; k++)
		if (a->slots[(a->first + k) % ETCD_AHEAD_MOST].whole)
			return true;
	return false;
}

mono_t etcd_ahead_oldest(const struct etcd_ahead *a)
{
	assert(a->n > 0);
	return a->slots[a->first % ETCD_AHEAD_MOST].at;
}

/* --- the end --- */

static void empty(struct slot *s)
{
	free(s->type);
	free(s->body);
	*s = (struct slot){ 0 };
}

static void release(struct etcd_ahead *a)
{
	ahead_close_lanes(a);
	for (; a->n > 0; a->n--)
		empty(ahead_slot(a, a->first++));
	timer_free(a->tell);
	timer_free(a->pace);
	free(a->before);
	free(a->behind);
	free(a->name);
	free(a->url);
	free(a);
}

void etcd_ahead_close(struct etcd_ahead *a)
{
	if (!a)
		return;
	a->closed = true;
	if (!a->busy)
		release(a);
}

void ahead_end(struct etcd_ahead *a, enum etcd_ahead_end why,
    const char *reason)
{
	if (a->ended)
		return;
	a->ended = true;
	a->why = why;
	snprintf(a->reason, sizeof(a->reason), "%s", reason);
	timer_set(a->tell, loop_now(a->loop));
}

/* --- telling --- */

static void tell_one(struct etcd_ahead *a)
{
	struct slot *s = ahead_slot(a, a->first);
	struct etcd_result *r = &a->result;
	struct etcd_decoded *d;
	uint64_t asked = s->asked;

	r->status = s->status;
	r->meta = s->meta;
	r->started = s->at;
	r->ended = loop_now(a->loop);
	r->duration_us = mono_since(r->started, r->ended) * 1000;
	d = etcd_decode(ETCD_KIND_EVENT, a->name, s->type, s->body, s->len, r);
	a->first++;
	a->n--;
	a->told++;
	a->head_told = false;
	a->user->answer(r, asked, a->arg);
	etcd_decoded_free(d);
	a->held -= s->len;
	empty(s);
}

static bool has_whole(struct etcd_ahead *a)
{
	return a->n > 0 && ahead_slot(a, a->first)->whole;
}

/* Until there is nothing more, or the turn has lasted long enough. */
static void tell_all(struct etcd_ahead *a)
{
	int64_t until = clock_mono_us() + SLICE_US;

	for (unsigned n = 1; has_whole(a) && !a->closed; n++) {
		tell_one(a);
		if (n % LOOK_EVERY == 0 && clock_mono_us() >= until)
			return;
	}
}

static void tell_head(struct etcd_ahead *a)
{
	struct slot *s = ahead_slot(a, a->first);

	if (a->n == 0 || !s->headed || a->head_told)
		return;
	a->head_told = true;
	a->user->head(&s->meta, s->status, s->told == a->told, a->arg);
}

static void on_pace(void *arg, mono_t now)
{
	(void)now;
	ahead_pause(arg, false);
}

/* Where a few events come each millisecond, they are read together: a turn of
 * the loop and its system calls cost more than an event. */
static void pace(struct etcd_ahead *a, mono_t now)
{
	if (a->paced == a->told)
		return;
	a->paced = a->told;
	ahead_pause(a, true);
	timer_set(a->pace, mono_add(now, PACE_MS));
}

static void tell_rest(struct etcd_ahead *a, mono_t now)
{
	if (has_whole(a)) {
		timer_set(a->tell, now);
		return;
	}
	if (a->ended) {
		ahead_close_lanes(a);
		a->user->end(a->why, a->reason, a->arg);
		return;
	}
	tell_head(a);
	if (!a->closed)
		a->user->idle(a->arg);
	if (!a->closed)
		pace(a, now);
}

static void on_tell(void *arg, mono_t now)
{
	struct etcd_ahead *a = arg;

	a->busy = true;
	tell_all(a);
	if (!a->closed)
		tell_rest(a, now);
	a->busy = false;
	if (a->closed)
		release(a);
}

/* --- asking --- */

bool etcd_ahead_ask(struct etcd_ahead *a, uint64_t wait_index)
{
	uint32_t number = a->first + a->n;

	if (a->ended || a->n == ETCD_AHEAD_MOST)
		return false;
	*ahead_slot(a, number) = (struct slot){ .asked = wait_index,
	    .at = loop_now(a->loop), .told = a->told };
	if (!ahead_post(a, number))
		return false;
	a->n++;
	return true;
}

/* The request, with a place for the index in it. */
static bool make_target(struct etcd_ahead *a, const char *dir)
{
	static const char mark[] = "waitIndex=";
	struct etcd_request r = etcd_watch(dir, 0);
	struct etcd_wire w;
	struct err e;
	char *at;

	r.recursive = true;
	if (etcd_wire_make(&r, &w, &e) < 0)
		return false;
	at = strstr(w.target, mark) + strlen(mark);
	a->name = xstrdup(w.name);
	a->before = xstrndup(w.target, (size_t)(at - w.target));
	a->behind = xstrdup(at + 1);
	etcd_wire_free(&w);
	return strlen(a->before) + strlen(a->behind) < 4096;
}

bool etcd_ahead_is_possible(const struct etcd_target *t)
{
	return lane_is_possible(t->url, t->http);
}

struct etcd_ahead *etcd_ahead_open(const struct etcd_target *t,
    const char *dir, bool one_each, const struct etcd_ahead_user *user,
    void *arg)
{
	struct etcd_ahead *a = xcalloc(1, sizeof(*a));

	a->loop = t->loop;
	a->url = xstrdup(t->url);
	a->http = t->http;
	a->user = user;
	a->arg = arg;
	a->per_lane = one_each ? 1 : PER_LANE;
	a->result.kind = ETCD_KIND_EVENT;
	snprintf(a->result.endpoint, sizeof(a->result.endpoint), "%s",
	    t->url);
	if (!make_target(a, dir)) {
		release(a);
		return NULL;
	}
	a->tell = timer_new(a->loop, on_tell, a);
	a->pace = timer_new(a->loop, on_pace, a);
	ahead_open_lane(a, &a->alleys[0]);
	return a;
}
