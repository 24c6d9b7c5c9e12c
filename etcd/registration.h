#ifndef ETCD_REGISTRATION_H
#define ETCD_REGISTRATION_H

#include <stdbool.h>
#include <stdint.h>

#include "etcd/client.h"

/* Keeps one key alive: registers it with a TTL, beats at a third of that,
 * registers it again when it has gone, and takes it out at the end if it still
 * is its own.
 *
 * A key with the same value is its own: a restart within the TTL.  One with
 * another value is another's: it is looked at until its TTL runs out, and if it
 * was refreshed meanwhile the registration is refused.  After it was registered
 * once, nothing ends it any more: it waits until the key is free again. */
struct etcd_registration;

enum etcd_registration_state {
	ETCD_REG_CLAIMING,		/* trying to write the key */
	ETCD_REG_WAITING,		/* another's stands there */
	ETCD_REG_REGISTERED,
	ETCD_REG_ADRIFT,		/* no beat came through for two thirds
					   of the TTL; trying */
	ETCD_REG_REFUSED,		/* the end, before it was registered
					   once: another's is alive, or etcd
					   will never take it (text says) */
	ETCD_REG_LEFT			/* the end: deregistered, or left to
					   run out */
};

const char *etcd_registration_state_name(enum etcd_registration_state s);

struct etcd_registration_options {
	const char *key, *value;
	int64_t ttl_s;			/* >= 1 */
	bool takeover;			/* do not look, write over another's;
					   until it was registered once */
};

/* Called on each change of state, on a later turn of the loop than the call
 * that led to it.  text: more about it in one line for people, "" if the state
 * says it all (registered; deregistered).  A state is told again where there is
 * more to say: what hinders claiming, who else keeps the key. */
typedef void etcd_registration_fn(struct etcd_registration *r,
    enum etcd_registration_state s, const char *text, void *arg);

/* Copies what it is given.  On the client's loop.  key and value are UTF-8, or
 * they do not compare with what etcd tells. */
struct etcd_registration *etcd_registration_new(struct etcd_client *c,
    const struct etcd_registration_options *o, etcd_registration_fn *fn,
    void *arg);

/* Deregisters, by compare-and-delete; ETCD_REG_LEFT within deadline_ms,
 * whatever etcd does.  No-op if it has ended.  Also inside fn. */
void etcd_registration_leave(struct etcd_registration *r,
    int64_t deadline_ms);

/* Without deregistering: the key runs out.  NULL is a no-op; not inside fn. */
void etcd_registration_free(struct etcd_registration *r);

enum etcd_registration_state etcd_registration_state(
    const struct etcd_registration *r);
const char *etcd_registration_key(const struct etcd_registration *r);

#endif
