#ifndef CORE_REGISTRY_IMPL_H
#define CORE_REGISTRY_IMPL_H

/* What the files registry*.c share and nobody else sees. */

#include "core/event.h"
#include "core/registry.h"

/* registry_identity.c: whose key is it? */
enum verdict { KEY_INSTANCE, KEY_NOT_OURS, KEY_BAD };

struct claim {
	char *service, *instance_id;
	const char *why;		/* KEY_BAD: the reason */
};

enum verdict registry_claim(const struct directory *d,
    const struct key_facts *k, struct claim *c_r);
void registry_claim_free(struct claim *c);
/* The other names of the directory's pattern; replaces what is there. */
void registry_extra(const struct directory *d, const char *key,
    struct labels *extra_r);

/* registry_reclaim.c */
void registry_reclaim(struct registry *r);

/* registry_service.c */
struct service *service_find(struct registry *r, const struct cluster *c,
    const char *name);
void service_feed(struct service *s, struct directory *d, int instances);
void service_unfeed(struct service *s, const struct directory *d);
void service_refresh(struct service *s);
void service_drop(struct registry *r, struct service *s);
void service_configure_all(struct registry *r);
/* Forgets what is due; false when the turn has had enough. */
bool service_tick(struct registry *r, wall_t now);
void service_free(void *service);

/* registry_text.c: what an instance is called. */
/* All three may lie in what the instance has now.  The other labels are those
 * of its directory and the key. */
void instance_set_text(struct instance *i, const char *instance_id,
    const char *key, const char *value);
/* "service_name/instance_id", borrowed until the next call. */
const char *instance_identity(const struct instance *i);
/* The same two for tables, whose keys they are. */
const char *instance_key(const void *instance);
const char *instance_identity_key(const void *instance);
/* Directory or pattern are others: the labels may be as well. */
void instance_refresh_extra(struct instance *i);
struct instance_rare *instance_rarely(struct instance *i); /* for writing */
void instance_free(void *instance);

/* registry_instance.c */
struct instance *instance_new(struct directory *d, struct service *s,
    struct claim *c, const struct key_facts *k);
void instance_enter(struct instance *i, enum state state, enum cause cause,
    wall_t from, const struct moment *m);
/* Its key is in etcd: it is found by that. */
void instance_present(struct instance *i);
void instance_set_facts(struct instance *i, const struct key_facts *k);
/* Puts an instance into the period it was saved with; no event. */
void instance_restore(struct instance *i, const struct period *p,
    const struct notice *noticed);
void instance_unlink(struct instance *i);	/* and free after the flush */
void instance_emit(struct instance *i, enum event_type type);
void instance_set_late(struct instance *i, bool late);
void instance_release_hold(struct instance *i);
bool instance_vanished(const struct instance *i);	/* expired or lost */

/* registry_ended.c */
struct ended_list *ended_new(void);
void ended_free(struct ended_list *l);
void ended_note(struct directory *d, const char *identity, wall_t at);
wall_t ended_at(const struct directory *d, const char *identity);
void ended_tick(struct directory *d);

/* registry_flapping.c */
void flapping_expired(struct instance *i, wall_t at, const struct moment *m);
void flapping_end(struct instance *i);	/* as it goes; or it does not flap */
void flapping_tick(struct registry *r, mono_t now);

/* registry_config.c */
struct cluster *cluster_new(struct registry *r, const char *name);
struct directory *directory_new(struct cluster *c,
    struct directory_config *config);
void directory_free(struct directory *d);
void cluster_free(struct cluster *c);

/* Where the limits contradict each other, as after the clock was set back,
 * the lower one wins: durations are never negative. */
static inline wall_t wall_clamp(wall_t t, wall_t low, wall_t high)
{
	if (t.ms > high.ms)
		t = high;
	return t.ms < low.ms ? low : t;
}

#endif
