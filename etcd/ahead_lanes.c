/* The connections of etcd/ahead.c.  A poll goes out on the lane with the fewest
 * under way.  A lane that is lost, alone, is opened anew, and what it had not
 * answered is asked again there: on another one it would stand behind polls for
 * later events.  When more than one is lost it is the member. */
#include "etcd/ahead_impl.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "core/lane.h"
#include "core/xalloc.h"
#include "etcd/meta.h"

enum {
	WIDEN_AT = 8,			/* so many on each: another lane */
	CONNECT_MS = 1000,
	MAX_BODY = 64 * 1024,		/* larger ones: etcd/call.c */
	MAX_HELD = 16 * 1024 * 1024,	/* of all that wait to be told */
	MAX_TARGET = 4200
};

void ahead_close_lanes(struct etcd_ahead *a)
{
	for (size_t i = 0; i < LANES; i++) {
		lane_close(a->alleys[i].lane);
		a->alleys[i].lane = NULL;
		a->alleys[i].open = false;
	}
}

void ahead_pause(struct etcd_ahead *a, bool pause)
{
	for (size_t i = 0; i < LANES; i++)
		if (a->alleys[i].open)
			lane_pause(a->alleys[i].lane, pause);
}

void etcd_ahead_send(struct etcd_ahead *a)
{
	for (size_t i = 0; i < LANES; i++)
		if (a->alleys[i].open)
			lane_flush(a->alleys[i].lane);
}

static void post(struct etcd_ahead *a, struct alley *y, uint32_t number)
{
	char target[MAX_TARGET];

	snprintf(target, sizeof(target), "%s%llu%s", a->before,
	    (unsigned long long)ahead_slot(a, number)->asked, a->behind);
	lane_get(y->lane, target);
}

/* Nobody asks for the date of an event's answer, and it takes as long to read
 * as the rest. */
static const char *header(void *of, const char *name)
{
	return strcmp(name, "Date") == 0 ? NULL :
	    http_answer_header(of, name);
}

static struct slot *awaited(const struct alley *y)
{
	assert(y->n > 0);
	return ahead_slot(y->ahead, y->fifo[y->first]);
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
		ahead_end(a, ETCD_AHEAD_UNABLE, "it ends a poll when the "
		    "next one is asked for on the same connection");
		return;
	}
	s->whole = true;
	a->held += s->len;
	if (a->held > MAX_HELD)
		ahead_end(a, ETCD_AHEAD_LARGE, "too much is waiting");
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
		ahead_end(a, ETCD_AHEAD_LARGE, reason);
	} else if (!is_lost_alone(a, y)) {
		ahead_end(a, ETCD_AHEAD_BROKEN, reason);
	} else if (y->n > 0) {
		y->anew = true;
		ahead_open_lane(a, y);
	} else {
		a->no_more = a->no_more || !was_open;
	}
}

static const struct lane_user lane_user = {
	.open = on_open, .head = on_head, .answer = on_answer, .end = on_end,
};

/* --- opening and choosing --- */

void ahead_open_lane(struct etcd_ahead *a, struct alley *y)
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
		ahead_open_lane(a, none);
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

bool ahead_post(struct etcd_ahead *a, uint32_t number)
{
	struct alley *y = least_used(a);

	if (!y || y->n >= WIDEN_AT || a->per_lane == 1)
		widen(a);
	if (!y)
		return false;
	y->fifo[(y->first + y->n++) % PER_LANE] = number;
	post(a, y, number);
	return true;
}
