/* The registrations of one `rollcall register`: one, or thousands.  How each is
 * kept is etcd/registration.c's; here is what is logged of it.  A single one is
 * logged change by change.  Of many, the log says when all of them are
 * registered or gone; what goes wrong with single keys is said for the first
 * few, and summed up every ten seconds after that, since what goes wrong with
 * etcd goes wrong with all of them.  Used by cli/register_run.c. */
#include "cli/register_keep.h"

#include <stdbool.h>
#include <stdlib.h>

#include "cli/register_plan.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/xalloc.h"
#include "etcd/registration.h"

enum {
	WINDOW_MS = 10 * 1000,
	WINDOW_LINES = 10,		/* about single keys */
	STATES = ETCD_REG_LEFT + 1
};

struct kept {
	struct register_keep *keep;
	struct etcd_registration *registration;
	enum etcd_registration_state state;
};

struct register_keep {
	struct loop *loop;
	struct kept *v;
	size_t n;
	size_t count[STATES];
	size_t not_deregistered;
	int64_t ttl_s;
	bool complete;			/* all are registered, as was said */

	struct timer *window;		/* set while it is open */
	bool open;
	unsigned lines, more;		/* logged and not, in this window */
	void (*changed)(void *arg);
	void *arg;
};

/* --- lines about single keys --- */

static void on_window(void *arg, mono_t now)
{
	struct register_keep *k = arg;

	(void)now;
	k->open = false;
	if (k->more == 0)
		return;
	log_warn("more of the same", LOG_I("lines", k->more),
	    LOG_I("registered", k->count[ETCD_REG_REGISTERED]),
	    LOG_I("adrift", k->count[ETCD_REG_ADRIFT]),
	    LOG_I("waiting", k->count[ETCD_REG_WAITING]),
	    LOG_I("claiming", k->count[ETCD_REG_CLAIMING]),
	    LOG_I("refused", k->count[ETCD_REG_REFUSED]));
}

static bool may_say(struct register_keep *k)
{
	mono_t now = loop_now(k->loop);

	if (!k->open) {
		k->open = true;
		k->lines = k->more = 0;
		timer_set(k->window, mono_add(now, WINDOW_MS));
	}
	if (k->lines < WINDOW_LINES) {
		k->lines++;
		return true;
	}
	k->more++;
	return false;
}

static const struct {
	enum log_level level;
	const char *msg;
} says[STATES] = {
	[ETCD_REG_CLAIMING] = { LEVEL_WARN, "not registered yet" },
	[ETCD_REG_WAITING] = { LEVEL_WARN, "not registered: the key is"
	    " another's" },
	[ETCD_REG_REGISTERED] = { LEVEL_INFO, "registered" },
	[ETCD_REG_ADRIFT] = { LEVEL_WARN, "registration adrift" },
	[ETCD_REG_REFUSED] = { LEVEL_ERROR, "registration refused" },
	[ETCD_REG_LEFT] = { LEVEL_INFO, "deregistered" },
};

static enum log_level level_of(const struct kept *t,
    enum etcd_registration_state s, const char *text)
{
	bool again = s == ETCD_REG_REGISTERED && t->state == s;
	bool stays = s == ETCD_REG_LEFT && text[0] != '\0';

	return again || stays ? LEVEL_WARN : says[s].level;
}

/* Registered without a word is as it should be, and so is deregistered. */
static void say(struct kept *t, enum etcd_registration_state s,
    const char *text)
{
	struct register_keep *k = t->keep;
	bool words = text[0] != '\0', left = s == ETCD_REG_LEFT;
	struct log_field f[3] = {
		{ 0 }, LOG_S("key", etcd_registration_key(t->registration)),
		LOG_I("ttl_seconds", k->ttl_s)
	};

	if (words)
		f[2] = LOG_S("reason", text);
	if (!words && k->n > 1)
		log_write(LEVEL_DEBUG, says[s].msg, f, 2);
	else if (may_say(k))
		log_write(level_of(t, s, text), left && words ?
		    "not deregistered" : says[s].msg, f,
		    left && !words ? 2 : 3);
}

/* --- lines about all of many --- */

static void say_complete(struct register_keep *k)
{
	size_t there = k->count[ETCD_REG_REGISTERED];
	bool complete = there > 0 && there == register_keep_alive(k);

	if (k->n > 1 && complete && !k->complete)
		log_info("registered", LOG_I("keys", there),
		    LOG_I("ttl_seconds", k->ttl_s));
	k->complete = complete;
}

static void say_left(struct register_keep *k)
{
	if (k->n == 1 || register_keep_alive(k) > 0)
		return;
	log_info("deregistered", LOG_I("keys", k->count[ETCD_REG_LEFT] -
	    k->not_deregistered), LOG_I("not", k->not_deregistered));
}

/* --- the registrations --- */

static void on_state(struct etcd_registration *r,
    enum etcd_registration_state s, const char *text, void *arg)
{
	struct kept *t = arg;
	struct register_keep *k = t->keep;

	(void)r;
	say(t, s, text);
	k->count[t->state]--;
	k->count[s]++;
	t->state = s;
	if (s == ETCD_REG_LEFT && text[0] != '\0')
		k->not_deregistered++;
	if (s == ETCD_REG_LEFT)
		say_left(k);
	else
		say_complete(k);
	if (s == ETCD_REG_LEFT || s == ETCD_REG_REFUSED)
		k->changed(k->arg);
}

struct register_keep *register_keep_new(struct etcd_client *c,
    const struct register_plan *p, void (*changed)(void *arg), void *arg)
{
	struct register_keep *k = xcalloc(1, sizeof(*k));
	struct etcd_registration_options o = {
		.ttl_s = p->ttl_s, .takeover = p->takeover
	};

	k->loop = etcd_client_loop(c);
	k->n = p->keys.n;
	k->v = xcalloc(k->n, sizeof(*k->v));
	k->ttl_s = p->ttl_s;
	k->changed = changed;
	k->arg = arg;
	k->window = timer_new(k->loop, on_window, k);
	k->count[ETCD_REG_CLAIMING] = k->n;
	for (size_t i = 0; i < k->n; i++) {
		o.key = p->keys.v[i].key;
		o.value = p->keys.v[i].value;
		k->v[i].keep = k;
		k->v[i].registration = etcd_registration_new(c, &o, on_state,
		    &k->v[i]);
	}
	return k;
}

void register_keep_leave(struct register_keep *k, int64_t deadline_ms)
{
	for (size_t i = 0; i < k->n; i++)
		etcd_registration_leave(k->v[i].registration, deadline_ms);
}

void register_keep_free(struct register_keep *k)
{
	if (!k)
		return;
	for (size_t i = 0; i < k->n; i++)
		etcd_registration_free(k->v[i].registration);
	timer_free(k->window);
	free(k->v);
	free(k);
}

size_t register_keep_alive(const struct register_keep *k)
{
	return k->n - k->count[ETCD_REG_REFUSED] - k->count[ETCD_REG_LEFT];
}

size_t register_keep_refused(const struct register_keep *k)
{
	return k->count[ETCD_REG_REFUSED];
}
