/* Until the key is ours: it is created; if one stands there, what it says
 * decides.  Our own value: an earlier start of ours, taken over.  Another's: it
 * is looked at until its TTL runs out.  Beats with refresh=true wake no
 * watcher, so reading again shows whether it is kept alive; a long poll is
 * there to tell at once when it goes.  Called through the table in
 * registration.c. */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "etcd/registration_impl.h"

enum {
	MAX_POLLS = 32,			/* each a connection; more than that
					   many keys do without */
	POLL_MS = 30 * 1000
};

static atomic_int polls;		/* under way in this process */

/* --- it is not --- */

void registration_exists(struct etcd_registration *r,
    const struct etcd_result *a)
{
	(void)a;
	registration_go(r, STEP_READ);
}

/* It changed between two requests of ours: from the beginning.  Twice in a row
 * is no coincidence, and nothing to be hasty about. */
void registration_again(struct etcd_registration *r,
    const struct etcd_result *a)
{
	int64_t pause = registration_pause_ms(r->ttl_ms, r->laps++);

	(void)a;
	if (r->once && !r->how)
		r->how = "the key had gone";
	else if (!r->once && r->seen == 0)
		r->how = NULL;
	registration_go_at(r, STEP_CREATE, mono_add(registration_now(r),
	    pause));
}

static void refuse(struct etcd_registration *r, const char *why,
    const char *advice)
{
	registration_end(r, ETCD_REG_REFUSED, "%s cannot be registered: %s%s",
	    r->key, why, advice);
}

static const char *advice_for(const struct etcd_result *a)
{
	if (a->outcome == ETCD_UNAUTHORIZED)
		return ": it takes a user that may read and write this key";
	if (a->error_code == ETCD_NOT_A_FILE)
		return ": it is a directory";
	if (a->error_code == ETCD_NOT_A_DIRECTORY)
		return ": what stands above it in the path is a key, and keys"
		    " have nothing below them";
	return "";
}

/* What used to work may work again. */
void registration_never(struct etcd_registration *r,
    const struct etcd_result *a)
{
	if (r->once || r->leaving)
		registration_failed(r, a);
	else
		refuse(r, a->text, advice_for(a));
}

/* --- another's --- */

void registration_unwatch(struct etcd_registration *r)
{
	if (!r->poll)
		return;
	etcd_cancel(r->poll);
	r->poll = NULL;
	atomic_fetch_sub(&polls, 1);
}

/* Whatever it was: creating finds out.  While something is under way the poll
 * that is begun after it tells the same again. */
static void on_event(const struct etcd_result *a, void *arg)
{
	struct etcd_registration *r = arg;

	r->poll = NULL;
	atomic_fetch_sub(&polls, 1);
	if (a->outcome == ETCD_OK && !r->ask)
		registration_go(r, STEP_CREATE);
}

static void watch(struct etcd_registration *r, uint64_t index)
{
	struct etcd_target t = etcd_client_target(r->client);
	struct etcd_request q = etcd_watch(r->key, index + 1);

	if (r->poll || index == 0 || r->leaving)
		return;
	if (atomic_fetch_add(&polls, 1) >= MAX_POLLS)
		atomic_fetch_sub(&polls, 1);
	else
		r->poll = etcd_start(&t, &q, POLL_MS, on_event, r);
}

/* As often as it beats itself; but not shortly before it is over. */
static void look_again(struct etcd_registration *r,
    const struct etcd_result *a, int64_t at_most_ms)
{
	int64_t ms = registration_jitter(&r->random,
	    r->once ? r->ttl_ms : r->ttl_ms / 3);

	watch(r, a->meta.etcd_index);
	if (ms + ms / 2 > at_most_ms)
		ms = at_most_ms;
	registration_go_at(r, STEP_READ, mono_add(registration_now(r), ms));
}

/* Conflicts with who came while we were away end nothing and are not fought
 * out: that one is told of, and waited for. */
static void lost_to(struct etcd_registration *r, const struct etcd_result *a)
{
	char value[REGISTRATION_SHORT];

	if (r->state != ETCD_REG_WAITING)
		registration_tell(r, ETCD_REG_WAITING, "another has"
		    " registered in our place, with \"%s\": the key is"
		    " claimed again when that is gone",
		    registration_short(a->event.node.value, value));
	r->index = 0;
	r->how = "the other's is gone";
	look_again(r, a, INT64_MAX);
}

static void write_over(struct etcd_registration *r,
    const struct etcd_node *n, const char *why)
{
	char value[REGISTRATION_SHORT];

	registration_tell(r, ETCD_REG_CLAIMING, "%s: writing over \"%s\"", why,
	    registration_short(n->value, value));
	r->how = NULL;
	r->target = n->modified_index;
	registration_go(r, STEP_TAKE);
}

static void refuse_for(struct etcd_registration *r,
    const struct etcd_node *n)
{
	char value[REGISTRATION_SHORT], why[REGISTRATION_SHORT + 80];

	snprintf(why, sizeof(why), "another is registered there, and alive,"
	    " with \"%s\"", registration_short(n->value, value));
	refuse(r, why, ": give this one another id, stop the other, or take"
	    " its place (--takeover)");
}

static void tell_wait(struct etcd_registration *r, const struct etcd_node *n,
    int64_t ms)
{
	char value[REGISTRATION_SHORT];

	r->troubled = false;
	registration_tell(r, ETCD_REG_WAITING, "another is registered there,"
	    " with \"%s\": looking whether it is alive, for up to %lld s%s",
	    registration_short(n->value, value), (long long)(ms + 999) / 1000,
	    n->has_expiration ? "" : " (its key has no TTL, and is written"
	    " over if nobody touches it)");
}

static void see(struct etcd_registration *r, const struct etcd_node *n)
{
	r->seen = n->modified_index;
	r->seen_at = registration_now(r);
	r->how = "the other's is gone";
}

/* The one seen first is still there; whatever has a TTL and stays untouched
 * goes by itself. */
static void look_on(struct etcd_registration *r, const struct etcd_result *a)
{
	const struct etcd_node *n = &a->event.node;
	int64_t ms = registration_remaining_ms(n);

	if (!n->has_expiration)
		ms = r->ttl_ms - mono_since(r->seen_at, registration_now(r));
	if (ms <= 0) {
		write_over(r, n, "another's key has no TTL and nobody touched"
		    " it");
		return;
	}
	if (r->state != ETCD_REG_WAITING)
		tell_wait(r, n, ms);
	look_again(r, a, ms);
}

static void another(struct etcd_registration *r, const struct etcd_result *a)
{
	const struct etcd_node *n = &a->event.node;

	if (r->once) {
		lost_to(r, a);
	} else if (r->takeover) {
		write_over(r, n, "taking another's place");
	} else if (r->seen != 0 && r->seen != n->modified_index) {
		refuse_for(r, n);
	} else {
		if (r->seen == 0)
			see(r, n);
		look_on(r, a);
	}
}

void registration_read(struct etcd_registration *r,
    const struct etcd_result *a)
{
	const struct etcd_node *n = &a->event.node;

	if (n->dir && !r->once) {
		refuse(r, "it is a directory", "");
	} else if (n->dir || strcmp(n->value, r->value) != 0) {
		another(r, a);
	} else if (r->once) {
		registration_moved(r, a);
	} else {
		r->how = "it was there already, with this value";
		r->target = n->modified_index;
		registration_go(r, STEP_TAKE);
	}
}
