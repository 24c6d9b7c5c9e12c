/* A registration: one key that is claimed, kept by beats, and taken out at the
 * end.  Here is its life and how it goes from step to step: each step is one
 * request, and a table says what each answer to it leads to.  What is done then
 * is in registration_claim.c (until the key is ours), registration_beat.c
 * (while it is) and registration_leave.c (at the end), what is decided without
 * asking in registration_judge.c.
 *
 * What was asked and not answered may be done all the same, much later even, by
 * a member that hung, and with the expiration of then.  So every write says by
 * its index which state of the key it is for: only one of them can come true,
 * and none after a later one.  Until it is known which (`doubt`), an index that
 * we do not know may be our own.  Used by cli/register_keep.c, and by whoever
 * links etcd/. */
#include "etcd/registration_impl.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/xalloc.h"

enum { SETTLE_MS = 300 };		/* leaving: for an answer to come */

static const char *const state_names[] = {
	[ETCD_REG_CLAIMING] = "claiming", [ETCD_REG_WAITING] = "waiting",
	[ETCD_REG_REGISTERED] = "registered", [ETCD_REG_ADRIFT] = "adrift",
	[ETCD_REG_REFUSED] = "refused", [ETCD_REG_LEFT] = "left",
};

const char *etcd_registration_state_name(enum etcd_registration_state s)
{
	return (unsigned)s <= ETCD_REG_LEFT ? state_names[s] : "unknown";
}

static bool has_ended(const struct etcd_registration *r)
{
	return r->state == ETCD_REG_REFUSED || r->state == ETCD_REG_LEFT;
}

mono_t registration_now(const struct etcd_registration *r)
{
	return loop_now(etcd_client_loop(r->client));
}

/* --- the requests --- */

static struct etcd_request ask_create(const struct etcd_registration *r)
{
	struct etcd_request q = etcd_create(r->key, r->value);

	q.ttl_s = r->ttl_ms / 1000;
	q.no_value = true;
	return q;
}

static struct etcd_request ask_read(const struct etcd_registration *r)
{
	struct etcd_request q = etcd_get(r->key);

	q.quorum = true;
	return q;
}

static struct etcd_request ask_take(const struct etcd_registration *r)
{
	struct etcd_request q = etcd_compare_and_swap(r->key, r->value, NULL,
	    r->target);

	q.ttl_s = r->ttl_ms / 1000;
	q.no_value = true;
	return q;
}

/* Its second copy, should there be one, finds another index; and thousands of
 * keys cannot have a connection for each beat. */
static struct etcd_request ask_beat(const struct etcd_registration *r)
{
	struct etcd_request q = etcd_refresh(r->key, r->ttl_ms / 1000);

	q.harmless = true;
	q.prev_index = r->index;
	q.no_value = true;
	return q;
}

static struct etcd_request ask_delete(const struct etcd_registration *r)
{
	struct etcd_request q = etcd_compare_and_delete(r->key, NULL,
	    r->index);

	q.no_value = true;
	return q;
}

/* What each step asks, and what its answers lead to, in the order of enum
 * registration_answer. */
static const struct {
	struct etcd_request (*ask)(const struct etcd_registration *r);
	bool keeps;			/* done, the key lives on by it */
	registration_act *acts[ANSWERS];
} steps[STEPS] = {
	[STEP_CREATE] = { ask_create, true, {
	    registration_entered, registration_failed, registration_exists,
	    registration_never, registration_failed } },
	[STEP_READ] = { ask_read, false, {
	    registration_read, registration_again, registration_failed,
	    registration_never, registration_failed } },
	[STEP_TAKE] = { ask_take, true, {
	    registration_entered, registration_again, registration_again,
	    registration_never, registration_failed } },
	[STEP_BEAT] = { ask_beat, true, {
	    registration_beaten, registration_gone, registration_exists,
	    registration_never, registration_failed } },
	[STEP_DELETE] = { ask_delete, false, {
	    registration_deleted, registration_delete_gone,
	    registration_delete_differs, registration_delete_never,
	    registration_delete_failed } },
	[STEP_LAST_READ] = { ask_read, false, {
	    registration_last_read, registration_delete_gone,
	    registration_delete_failed, registration_delete_never,
	    registration_delete_failed } },
};

/* --- from step to step --- */

/* For a write, the index of the store in the header is that of the key. */
static enum registration_answer answer_of(const struct etcd_registration *r,
    const struct etcd_result *a)
{
	enum registration_answer what = registration_answer_of(a);

	if (steps[r->step].keeps && a->meta.etcd_index == 0 &&
	    what == ANSWER_DONE)
		return ANSWER_FAILED;
	return what;
}

/* Without a connection there was no request. */
static bool was_sent(const struct etcd_result *a)
{
	return a->outcome != ETCD_FAILED ||
	    (a->fetch_error != FETCH_CONNECT &&
	    a->fetch_error != FETCH_RESOLVE);
}

static void on_answer(const struct etcd_result *a, void *arg)
{
	struct etcd_registration *r = arg;
	enum registration_answer what = answer_of(r, a);

	r->ask = NULL;
	timer_clear(r->timer);
	if (steps[r->step].keeps && what == ANSWER_FAILED && was_sent(a))
		r->doubt = true;
	if (what != ANSWER_FAILED)
		r->failures = 0;
	steps[r->step].acts[what](r, a);
}

/* A deletion has to leave time for a second try, at another member. */
static int64_t deadline_ms(const struct etcd_registration *r)
{
	int64_t left;

	if (!r->leaving)
		return registration_attempt_ms(r->ttl_ms);
	left = mono_since(r->sent, r->leave_by) / 2;
	return left > 1 ? left : 1;
}

/* While an answer is waited for the timer is there for what comes before. */
static void set_watchdog(struct etcd_registration *r)
{
	mono_t adrift = mono_add(r->beaten, registration_adrift_ms(r->ttl_ms));

	if (r->leaving)
		timer_set(r->timer, r->leave_by);
	else if (r->state == ETCD_REG_REGISTERED && !mono_due(adrift, r->sent))
		timer_set(r->timer, adrift);
}

static void start(struct etcd_registration *r)
{
	struct etcd_request q;

	if (r->leaving && r->step < STEP_DELETE)
		r->step = registration_leave_step(r);
	if (r->step == STEP_END)
		return;
	q = steps[r->step].ask(r);
	r->sent = registration_now(r);
	if (steps[r->step].keeps)
		r->written = r->sent;
	r->ask = etcd_send_within(r->client, &q, deadline_ms(r), on_answer,
	    r);
	set_watchdog(r);
}

void registration_go_at(struct etcd_registration *r, enum registration_step s,
    mono_t at)
{
	assert(!r->ask);
	r->step = s;
	if (r->leaving && s < STEP_DELETE)
		at = registration_now(r);	/* it is no longer wanted */
	if (r->leaving && mono_due(r->leave_by, at))
		at = r->leave_by;
	timer_set(r->timer, at);
}

void registration_go(struct etcd_registration *r, enum registration_step s)
{
	registration_go_at(r, s, registration_now(r));
}

/* The pause counts from when the one that failed was sent: a deadline that
 * passed was pause enough. */
void registration_retry(struct etcd_registration *r, enum registration_step s)
{
	int64_t pause = registration_pause_ms(r->ttl_ms, ++r->failures);

	registration_go_at(r, s, mono_add(r->sent,
	    registration_jitter(&r->random, pause)));
}

/* Time to leave: what is under way is waited for no longer. */
static void abandon(struct etcd_registration *r)
{
	etcd_unsend(r->ask);
	r->ask = NULL;
	if (steps[r->step].keeps)
		r->doubt = true;
	start(r);
}

static void on_timer(void *arg, mono_t now)
{
	struct etcd_registration *r = arg;

	if (r->leaving && mono_due(r->leave_by, now))
		registration_leave_late(r);
	else if (r->leaving && r->ask)
		abandon(r);
	else if (r->ask)
		registration_judge_adrift(r, "it is not answered yet");
	else
		start(r);
}

/* --- telling --- */

static void tell(struct etcd_registration *r, enum etcd_registration_state s,
    const char *fmt, va_list ap)
{
	char text[512];

	vsnprintf(text, sizeof(text), fmt, ap);
	r->state = s;
	r->fn(r, s, text, r->arg);
}

void registration_tell(struct etcd_registration *r,
    enum etcd_registration_state s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tell(r, s, fmt, ap);
	va_end(ap);
}

void registration_end(struct etcd_registration *r,
    enum etcd_registration_state s, const char *fmt, ...)
{
	va_list ap;

	etcd_unsend(r->ask);
	r->ask = NULL;
	registration_unwatch(r);
	timer_clear(r->timer);
	r->step = STEP_END;
	va_start(ap, fmt);
	tell(r, s, fmt, ap);
	va_end(ap);
}

/* --- its life --- */

struct etcd_registration *etcd_registration_new(struct etcd_client *c,
    const struct etcd_registration_options *o, etcd_registration_fn *fn,
    void *arg)
{
	struct etcd_registration *r = xcalloc(1, sizeof(*r));

	assert(o->ttl_s >= 1 && o->ttl_s <= INT64_MAX / 10000 && fn);
	r->client = c;
	r->fn = fn;
	r->arg = arg;
	r->key = xstrdup(o->key);
	r->value = xstrdup(o->value);
	r->ttl_ms = o->ttl_s * 1000;
	r->takeover = o->takeover;
	r->random = (uint64_t)clock_mono_us() ^ (uintptr_t)r;
	r->timer = timer_new(etcd_client_loop(c), on_timer, r);
	registration_go(r, STEP_CREATE);
	return r;
}

void etcd_registration_leave(struct etcd_registration *r, int64_t deadline_ms)
{
	mono_t now = registration_now(r);

	if (r->leaving || has_ended(r))
		return;
	registration_unwatch(r);
	r->leaving = true;
	r->leave_by = mono_add(now, deadline_ms);
	if (r->ask && steps[r->step].keeps && deadline_ms > SETTLE_MS)
		now = mono_add(now, SETTLE_MS);
	timer_set(r->timer, now);
}

void etcd_registration_free(struct etcd_registration *r)
{
	if (!r)
		return;
	etcd_unsend(r->ask);
	registration_unwatch(r);
	timer_free(r->timer);
	free(r->key);
	free(r->value);
	free(r);
}

enum etcd_registration_state etcd_registration_state(
    const struct etcd_registration *r)
{
	return r->state;
}

const char *etcd_registration_key(const struct etcd_registration *r)
{
	return r->key;
}
