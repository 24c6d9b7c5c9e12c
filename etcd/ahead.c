/* Polls asked ahead, over up to eight lanes (core/lane.h).  One lane alone
 * would do for a member with time to spare; where its writers keep it busy, the
 * one goroutine that serves a connection waits for its turn behind all of
 * theirs and falls out of etcd's history, while eight get eight turns.
 *
 * Each poll has a slot in a ring, in the order of asking, and goes out on the
 * lane with the fewest under way.  A lane that is lost, alone, is opened anew,
 * and what it had not answered is asked again there: on another one it would
 * stand behind polls for later events.  What is asked for is the business of
 * etcd/line.c. */
#include "etcd/ahead.h"

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
	LANES = 8,
	PER_LANE = ETCD_AHEAD_MOST / LANES,
	WIDEN_AT = 8,			/* so many on each: another lane */
	CONNECT_MS = 1000,
	MAX_BODY = 64 * 1024,		/* larger ones: etcd/call.c */
	MAX_HELD = 16 * 1024 * 1024,	/* of all that wait to be told */
	SLICE_US = 2000,		/* told in one turn */
	PACE_MS = 1,			/* between reading and reading */
	LOOK_EVERY = 16			/* answers, at the clock */
};

struct slot {
	uint64_t asked;			/* wait index */
	mono_t at;
	uint64_t told;			/* answers, when it was asked */
	bool headed, whole;
	long status;
	struct etcd_meta meta;
	char *type;			/* Content-Type, of errors */
	char *body;
	size_t len;
};

struct alley {				/* a lane and what is asked on it */
	struct etcd_ahead *ahead;
	struct lane *lane;		/* NULL: none */
	bool open;
	bool anew;			/* and no answer came since */
	uint32_t fifo[PER_LANE];	/* numbers of slots */
	unsigned first, n;
};

struct etcd_ahead {
	struct loop *loop;
	char *url, *name;		/* name: of the directory */
	const struct http_config *http;
	char *before, *behind;		/* the target, around the index */
	size_t per_lane;
	const struct etcd_ahead_user *user;
	void *arg;

	struct alley alleys[LANES];
	bool no_more;			/* a further lane was refused */
	struct slot slots[ETCD_AHEAD_MOST];
	uint32_t first, n;		/* of the slots in use */
	uint64_t told;			/* answers so far */
	bool head_told;			/* of the first one */
	size_t held;			/* bytes of bodies */
	struct timer *tell, *pace;
	uint64_t paced;			/* a->told, at the last pause */
	struct etcd_result result;

	bool busy, closed, ended;
	enum etcd_ahead_end why;
	char reason[256];
};

static struct slot *slot(struct etcd_ahead *a, uint32_t number)
{
	return &a->slots[number % ETCD_AHEAD_MOST];
}

size_t etcd_ahead_waiting(const struct etcd_ahead *a)
{
	return a->n;
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

static void close_lanes(struct etcd_ahead *a)
{
	for (size_t i = 0; i < LANES; i++) {
		lane_close(a->alleys[i].lane);
		a->alleys[i].lane = NULL;
	}
}

static void release(struct etcd_ahead *a)
{
	close_lanes(a);
	for (; a->n > 0; a->n--)
		empty(slot(a, a->first++));
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

/* Told once what came before it is. */
static void end(struct etcd_ahead *a, enum etcd_ahead_end why,
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
	struct slot *s = slot(a, a->first);
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
	return a->n > 0 && slot(a, a->first)->whole;
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
	struct slot *s = slot(a, a->first);

	if (a->n == 0 || !s->headed || a->head_told)
		return;
	a->head_told = true;
	a->user->head(&s->meta, s->status, s->told == a->told, a->arg);
}

static void pause_all(struct etcd_ahead *a, bool pause)
{
	for (size_t i = 0; i < LANES; i++)
		if (a->alleys[i].open)
			lane_pause(a->alleys[i].lane, pause);
}

static void on_pace(void *arg, mono_t now)
{
	(void)now;
	pause_all(arg, false);
}

/* Where a few events come each millisecond, they are read together: a turn of
 * the loop and its system calls cost more than an event. */
static void pace(struct etcd_ahead *a, mono_t now)
{
	if (a->paced == a->told)
		return;
	a->paced = a->told;
	pause_all(a, true);
	timer_set(a->pace, mono_add(now, PACE_MS));
}

static void tell_rest(struct etcd_ahead *a, mono_t now)
{
	if (has_whole(a)) {
		timer_set(a->tell, now);
		return;
	}
	if (a->ended) {
		close_lanes(a);
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

static void post(struct etcd_ahead *a, struct alley *y, uint32_t number)
{
	char target[4200];

	snprintf(target, sizeof(target), "%s%llu%s", a->before,
	    (unsigned long long)slot(a, number)->asked, a->behind);
	lane_get(y->lane, target);
}

/* The lane with the fewest under way; NULL: all are full. */
static struct alley *least_used(struct etcd_ahead *a)
{
	struct alley *least = NULL;

	for (size_t i = 0; i < LANES; i++) {
		struct alley *y = &a->alleys[i];

		if (y->open && y->n < a->per_lane &&
		    (!least || y->n < least->n))
			least = y;
	}
	return least;
}

static void open_lane(struct etcd_ahead *a, struct alley *y);
static void widen(struct etcd_ahead *a);

bool etcd_ahead_ask(struct etcd_ahead *a, uint64_t wait_index)
{
	struct alley *y = least_used(a);
	uint32_t number = a->first + a->n;

	if (!y || y->n >= WIDEN_AT || a->per_lane == 1)
		widen(a);
	if (!y || a->ended || a->n == ETCD_AHEAD_MOST)
		return false;
	a->n++;
	*slot(a, number) = (struct slot){ .asked = wait_index,
	    .at = loop_now(a->loop), .told = a->told };
	y->fifo[(y->first + y->n++) % PER_LANE] = number;
	post(a, y, number);
	return true;
}

void etcd_ahead_send(struct etcd_ahead *a)
{
	for (size_t i = 0; i < LANES; i++)
		if (a->alleys[i].open)
			lane_flush(a->alleys[i].lane);
}

/* --- what lanes tell --- */

/* Nobody asks for the date of an event's answer, and it takes as long to read as
 * the rest. */
static const char *header(void *of, const char *name)
{
	return strcmp(name, "Date") == 0 ? NULL :
	    http_answer_header(of, name);
}

static struct slot *awaited(const struct alley *y)
{
	assert(y->n > 0);
	return slot(y->ahead, y->fifo[y->first]);
}

static void on_open(struct lane *lane, void *arg)
{
	struct alley *y = arg;
	struct etcd_ahead *a = y->ahead;

	y->open = true;
	for (unsigned i = 0; i < y->n; i++)
		post(a, y, y->fifo[(y->first + i) % PER_LANE]);
	lane_flush(lane);
	if (y == &a->alleys[0] && !y->anew)
		a->user->ready(a->arg);
}

static void on_head(struct lane *lane, const struct http_answer *answer,
    void *arg)
{
	struct alley *y = arg;
	struct slot *s = awaited(y);

	(void)lane;
	s->headed = true;
	s->status = answer->status;
	etcd_meta_read(&s->meta, header, (void *)(uintptr_t)answer);
	timer_set(y->ahead->tell, loop_now(y->ahead->loop));
}

/* A server that takes the next request for the end of its client ends the poll
 * before it, with nothing in it. */
static bool is_cut_short(const struct slot *s, const struct alley *y)
{
	return s->status == 200 && s->len == 0 && y->n > 0;
}

static void on_answer(struct lane *lane, struct http_answer *answer,
    void *arg)
{
	struct alley *y = arg;
	struct etcd_ahead *a = y->ahead;
	struct slot *s = awaited(y);

	(void)lane;
	y->first = (y->first + 1) % PER_LANE;
	y->n--;
	y->anew = false;
	if (s->status != 200)
		s->type = xstrdup(http_answer_header(answer, "Content-Type"));
	s->body = buf_take(&answer->body, &s->len);
	if (is_cut_short(s, y)) {
		end(a, ETCD_AHEAD_UNABLE, "it ends a poll when the "
		    "next one is asked for on the same connection");
		return;
	}
	s->whole = true;
	a->held += s->len;
	if (a->held > MAX_HELD)
		end(a, ETCD_AHEAD_LARGE, "too much is waiting");
	timer_set(a->tell, loop_now(a->loop));
}

/* Others are there, and only this one is lost, for the first time. */
static bool is_lost_alone(const struct etcd_ahead *a,
    const struct alley *lost)
{
	bool others = false;

	for (size_t i = 0; i < LANES; i++) {
		const struct alley *y = &a->alleys[i];

		if (y->lane && !y->open && y->n > 0)
			return false;
		others = others || y->open;
	}
	return others && !lost->anew;
}

static void on_end(struct lane *lane, enum fetch_error error,
    const char *reason, void *arg)
{
	struct alley *y = arg;
	struct etcd_ahead *a = y->ahead;
	bool was_open = y->open;

	y->lane = NULL;
	y->open = false;
	lane_close(lane);
	if (error == FETCH_TOO_LARGE) {
		end(a, ETCD_AHEAD_LARGE, reason);
	} else if (!is_lost_alone(a, y)) {
		end(a, ETCD_AHEAD_BROKEN, reason);
	} else if (y->n > 0) {
		y->anew = true;
		open_lane(a, y);
	} else {
		a->no_more = a->no_more || !was_open;
	}
}

static const struct lane_user lane_user = {
	.open = on_open, .head = on_head, .answer = on_answer, .end = on_end,
};

/* --- lanes --- */

static void open_lane(struct etcd_ahead *a, struct alley *y)
{
	struct lane_request r = { .url = a->url, .http = a->http,
		.connect_ms = CONNECT_MS, .max_body = MAX_BODY,
		.user = &lane_user, .arg = y };

	y->ahead = a;
	y->lane = lane_open(a->loop, &r);
}

/* One more, unless one is on its way. */
static void widen(struct etcd_ahead *a)
{
	struct alley *none = NULL;

	for (size_t i = 0; i < LANES; i++) {
		struct alley *y = &a->alleys[i];

		if (y->lane && !y->open)
			return;
		if (!y->lane && !none)
			none = y;
	}
	if (none && !a->no_more && !a->ended)
		open_lane(a, none);
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
	open_lane(a, &a->alleys[0]);
	return a;
}
