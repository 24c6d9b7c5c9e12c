/* While the key is ours: a beat every third of the TTL, more often while they
 * fail, and what is made of it when none comes through.  A beat renews the key
 * as it was left by the one before, known by its index.  If it has another
 * index and still our value, a beat of ours was done that nobody answered; or
 * another process keeps it too, a restart of ourselves most likely, and the key
 * must stay when we leave.  Called through the table in registration.c. */
#include "etcd/registration_impl.h"

static int64_t every_ms(const struct etcd_registration *r)
{
	return r->ttl_ms / 3;
}

/* The key is there as this answer has left it. */
static void is_ours(struct etcd_registration *r, const struct etcd_result *a)
{
	registration_unwatch(r);
	r->index = a->meta.etcd_index;
	r->doubt = false;
	r->beaten = r->sent;
	r->seen = 0;
	r->laps = 0;
	r->troubled = false;
}

/* The first beat comes anywhere within the time for one, so that many that
 * were registered together do not beat together. */
void registration_entered(struct etcd_registration *r,
    const struct etcd_result *a)
{
	is_ours(r, a);
	r->once = true;
	registration_tell(r, ETCD_REG_REGISTERED, "%s", r->how ? r->how : "");
	r->how = NULL;
	registration_go_at(r, STEP_BEAT, mono_add(r->sent,
	    registration_spread(&r->random, every_ms(r))));
}

void registration_beaten(struct etcd_registration *r,
    const struct etcd_result *a)
{
	is_ours(r, a);
	if (r->how || r->state != ETCD_REG_REGISTERED)
		registration_tell(r, ETCD_REG_REGISTERED, "%s",
		    r->how ? r->how : "beats come through again");
	r->how = NULL;
	registration_go_at(r, STEP_BEAT, mono_add(r->sent,
	    registration_jitter(&r->random, every_ms(r))));
}

/* Whoever is alive beats within a TTL, so that a twin is met again by then.
 * Met once, it may have been ourselves: a beat that libcurl sent again when its
 * connection broke.  When we leave the key is spared in both cases. */
static void see_twin(struct etcd_registration *r)
{
	mono_t now = registration_now(r);
	bool again = !mono_due(r->twin, now);
	bool tells = again && !r->twin_told &&
	    r->state == ETCD_REG_REGISTERED;

	r->twin = mono_add(now, r->ttl_ms);
	r->twin_told = again && (r->twin_told || tells);
	if (tells)
		registration_tell(r, ETCD_REG_REGISTERED, "another process"
		    " keeps the same key with the same value");
}

/* Read: our value, at an index that is not the one of our last beat. */
void registration_moved(struct etcd_registration *r,
    const struct etcd_result *a)
{
	int64_t pause = registration_pause_ms(r->ttl_ms, r->laps++);

	if (!r->doubt)
		see_twin(r);
	r->index = a->event.node.modified_index;
	r->doubt = false;
	registration_go_at(r, STEP_BEAT, mono_add(registration_now(r),
	    pause));
}

void registration_gone(struct etcd_registration *r,
    const struct etcd_result *a)
{
	(void)a;
	r->index = 0;
	r->doubt = false;
	r->how = "the key had gone";
	registration_go(r, STEP_CREATE);
}

void registration_judge_adrift(struct etcd_registration *r, const char *why)
{
	int64_t ms = mono_since(r->beaten, registration_now(r));

	if (r->state == ETCD_REG_REGISTERED && ms >=
	    registration_adrift_ms(r->ttl_ms))
		registration_tell(r, ETCD_REG_ADRIFT, "no beat came through for"
		    " %.1f s: %s", (double)ms / 1000, why);
}

/* Etcd cannot be reached, or says that it cannot do it now. */
void registration_failed(struct etcd_registration *r,
    const struct etcd_result *a)
{
	const char *why = a->text[0] ? a->text : "an answer of etcd is empty,"
	    " or has no X-Etcd-Index";

	if (r->once) {
		registration_judge_adrift(r, why);
	} else if (!r->troubled && !r->leaving) {
		r->troubled = true;
		registration_tell(r, ETCD_REG_CLAIMING, "%s", why);
	}
	/* What a write that may have been done left behind is read first. */
	registration_retry(r, r->step == STEP_TAKE ? STEP_READ : r->step);
}
