/* The end: the key is deleted if it still is what we wrote last, known by its
 * index, so that neither another's goes nor that of a process which has taken
 * ours on.  Only where a beat of ours was not answered may the index be one
 * that we do not know: then it is read once.  What does not come about in time
 * is left to run out.  Called through the table in registration.c. */
#include <string.h>

#include "etcd/registration_impl.h"

static void nothing_there(struct etcd_registration *r)
{
	registration_end(r, ETCD_REG_LEFT, "%s", r->once ? "nothing of ours"
	    " stands there" : "it never was registered");
}

enum registration_step registration_leave_step(struct etcd_registration *r)
{
	if (!mono_due(r->twin, registration_now(r)))
		registration_end(r, ETCD_REG_LEFT, "another process %s the"
		    " key with the same value", r->twin_told ? "keeps" :
		    "may keep");
	else if (r->index != 0)
		return STEP_DELETE;
	else if (r->doubt)
		return STEP_LAST_READ;
	else
		nothing_there(r);
	return STEP_END;
}

static void leave_it(struct etcd_registration *r, const char *why)
{
	mono_t end = mono_add(r->written, r->ttl_ms);
	int64_t ms = mono_since(registration_now(r), end);

	registration_end(r, ETCD_REG_LEFT, "%s: the key is left to run out in"
	    " %lld s", why, ms > 0 ? (long long)(ms + 999) / 1000 : 0);
}

void registration_leave_late(struct etcd_registration *r)
{
	if (r->index != 0 || r->doubt)
		leave_it(r, "etcd does not answer");
	else
		nothing_there(r);
}

/* --- answers to the deletion --- */

void registration_deleted(struct etcd_registration *r,
    const struct etcd_result *a)
{
	(void)a;
	registration_end(r, ETCD_REG_LEFT, "%s", "");
}

/* What was given up at a member that hangs may still come. */
void registration_delete_gone(struct etcd_registration *r,
    const struct etcd_result *a)
{
	(void)a;
	if (r->doubt)
		leave_it(r, "the key is not there, but a write may be under"
		    " way");
	else
		registration_end(r, ETCD_REG_LEFT, "%s", "");
}

static void left_to_another(struct etcd_registration *r)
{
	registration_end(r, ETCD_REG_LEFT, "another has written the key"
	    " since, it stays");
}

void registration_delete_differs(struct etcd_registration *r,
    const struct etcd_result *a)
{
	(void)a;
	if (r->doubt && !r->checked)
		registration_go(r, STEP_LAST_READ);
	else
		left_to_another(r);
}

void registration_delete_never(struct etcd_registration *r,
    const struct etcd_result *a)
{
	leave_it(r, a->text);
}

void registration_delete_failed(struct etcd_registration *r,
    const struct etcd_result *a)
{
	(void)a;
	registration_retry(r, r->step);
}

void registration_last_read(struct etcd_registration *r,
    const struct etcd_result *a)
{
	const struct etcd_node *n = &a->event.node;

	r->checked = true;
	if (n->dir || strcmp(n->value, r->value) != 0) {
		left_to_another(r);
	} else {
		r->index = n->modified_index;
		registration_go(r, STEP_DELETE);
	}
}
