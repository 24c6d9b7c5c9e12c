/* One instance through its states.  instance_enter() is the only place where
 * an instance changes state: it closes the present period, opens the next,
 * counts, keeps the order of vanishing and queues the event.  What a key in
 * etcd means for an instance is decided in registry_apply.c. */
#include <stdlib.h>
#include <string.h>

#include "core/config.h"
#include "core/registry_impl.h"
#include "core/snapshot.h"
#include "core/table.h"
#include "core/xalloc.h"

static bool vanished(enum state s)
{
	return s == STATE_EXPIRED || s == STATE_LOST;
}

bool instance_vanished(const struct instance *i)
{
	return vanished(i->period.state);
}

static struct registry *registry_of(const struct instance *i)
{
	return i->service->cluster->registry;
}

/* --- the order of vanishing, oldest first --- */

static void vanish_link(struct instance *i)
{
	struct registry *r = registry_of(i);

	instance_rarely(i)->older = r->newest;
	if (r->newest != NULL)
		r->newest->rare->newer = i;
	else
		r->oldest = i;
	r->newest = i;
	i->directory->vanished++;
}

static void vanish_unlink(struct instance *i)
{
	struct registry *r = registry_of(i);
	struct instance_rare *own = i->rare;

	if (r->tick_at == i)
		r->tick_at = own->newer;
	if (own->older != NULL)
		own->older->rare->newer = own->newer;
	else
		r->oldest = own->newer;
	if (own->newer != NULL)
		own->newer->rare->older = own->older;
	else
		r->newest = own->older;
	own->older = own->newer = NULL;
	i->directory->vanished--;
}

/* --- slots of the snapshot --- */

static void slot_take(struct registry *r, struct instance *i)
{
	if ((r->nslots & (r->nslots - 1)) == 0)		/* a power of two */
		r->slots = xreallocarray(r->slots,
		    r->nslots ? r->nslots * 2 : 1, sizeof(*r->slots));
	i->slot = (uint32_t)r->nslots;
	r->slots[r->nslots++] = i;
	snapshot_touch_instance(r, i);
}

static void slot_leave(struct registry *r, struct instance *i)
{
	struct instance *last = r->slots[--r->nslots];

	snapshot_touch_instance(r, last);
	snapshot_touch_instance(r, i);
	r->slots[i->slot] = last;
	last->slot = i->slot;
}

/* --- birth and end --- */

struct instance *instance_new(struct directory *d, struct service *s,
    struct claim *c, const struct key_facts *k)
{
	struct instance *i = xcalloc(1, sizeof(*i));
	struct registry *r = d->cluster->registry;

	i->id = r->next_instance_id++;
	i->service = s;
	i->directory = d;
	instance_set_text(i, c->instance_id, k->key, k->value);
	table_put(d->cluster->by_identity, instance_identity(i), i);
	slot_take(r, i);
	s->known++;
	service_feed(s, d, 1);
	return i;
}

void instance_emit(struct instance *i, enum event_type type)
{
	struct event e = { .type = type };

	e.instance.instance = i;
	e.instance.begun = i->period;
	e.instance.was = i->period.state;
	event_emit(registry_of(i)->bus, &e);
}

void instance_unlink(struct instance *i)
{
	struct registry *r = registry_of(i);
	struct service *s = i->service;

	instance_emit(i, EVENT_DROPPED);
	flapping_end(i);
	if (i->present)
		table_del(i->directory->by_key, names_key(i->names));
	table_del(i->directory->cluster->by_identity, instance_identity(i));
	for (const struct rival *rival = instance_rare(i)->rivals;
	    rival != NULL; rival = rival->next)
		table_del(rival->directory->rivals, rival->key);
	slot_leave(r, i);
	s->known--;
	if (s->known == 0)
		s->empty_since = clock_now();
	service_feed(s, i->directory, -1);
	event_after_flush(r->bus, instance_free, i);
}

/* --- state --- */

static void count_up(struct instance *i, int by)
{
	struct service *s = i->service;

	s->up += (size_t)by;
	s->cluster->up += (size_t)by;
	if (i->ttl_s == 0)
		s->permanent += (size_t)by;
}

void instance_set_late(struct instance *i, bool late)
{
	if (i->late == late)
		return;
	i->late = late;
	i->service->late += late ? 1 : (size_t)-1;
	snapshot_touch_service(registry_of(i), i->service);
}

void instance_release_hold(struct instance *i)
{
	if (!i->held)
		return;
	i->held = false;
	i->service->held--;
	i->service->cluster->held--;
	snapshot_touch_instance(registry_of(i), i);
	instance_emit(i, EVENT_HELD);
}

static void count_change(struct instance *i, enum state state,
    enum cause cause)
{
	struct service *s = i->service;

	switch (state) {
	case STATE_UP:
		s->registrations++;
		s->empty_since = (wall_t){ 0 };
		break;
	case STATE_EXPIRED:
		s->expirations++;
		i->expirations += i->expirations < UINT32_MAX;
		break;
	case STATE_LOST:
		s->losses++;
		break;
	case STATE_DEREGISTERED:
		if (cause == CAUSE_DELETE || cause == CAUSE_DIR_DELETE)
			s->deregistrations++;
		break;
	}
}

static void move_between_lists(struct instance *i, enum state was,
    enum state state)
{
	if (was == STATE_UP && state != STATE_UP) {
		instance_set_late(i, false);
		count_up(i, -1);
	}
	if (vanished(was) && !vanished(state))
		vanish_unlink(i);
	if (!vanished(was) && vanished(state))
		vanish_link(i);
	if (was != STATE_UP && state == STATE_UP)
		count_up(i, 1);
}

void instance_enter(struct instance *i, enum state state, enum cause cause,
    wall_t from, const struct moment *m)
{
	struct registry *r = registry_of(i);
	struct event e = { .type = EVENT_INSTANCE };
	enum state was = i->period.id != 0 ? i->period.state : 0;
	wall_t floor = was != 0 ? i->period.from :
	    instance_rare(i)->not_before;

	e.instance.instance = i;
	e.instance.was = was;
	e.instance.ended_id = i->period.id;
	i->period = (struct period){
		.id = r->next_period_id++,
		.state = state,
		.cause = cause,
		.from = wall_clamp(from, floor, m->seen),
	};
	e.instance.begun = i->period;
	e.instance.noticed = (struct notice){
		.earliest = wall_clamp(m->earliest, floor, m->seen),
		.seen = m->seen,
		.index = m->index,
	};
	e.instance.first = was == 0 && !i->directory->synced;
	count_change(i, state, cause);
	move_between_lists(i, was, state);
	if (vanished(state))
		i->rare->noticed = e.instance.noticed;
	if (state == STATE_EXPIRED)
		flapping_expired(i, i->period.from, m);
	snapshot_touch_instance(r, i);
	snapshot_touch_service(r, i->service);
	i->directory->changed = true;
	event_emit(r->bus, &e);
	if (!vanished(state))
		instance_release_hold(i);
}

void instance_present(struct instance *i)
{
	struct directory *d = i->directory;
	size_t slashes = 0;

	for (const char *c = names_key(i->names); *c != '\0'; c++)
		slashes += *c == '/';
	if (slashes > d->deepest)
		d->deepest = slashes;
	i->present = true;
	table_put(d->by_key, names_key(i->names), i);
}

void instance_restore(struct instance *i, const struct period *p,
    const struct notice *noticed)
{
	i->period = *p;
	if (p->state == STATE_UP) {
		count_up(i, 1);
		instance_present(i);
	}
	if (vanished(p->state)) {
		vanish_link(i);
		i->rare->noticed = *noticed;
	}
}

/* The value of a key may change with every write; what others are told of
 * it, only when it really changed. */
void instance_set_facts(struct instance *i, const struct key_facts *k)
{
	bool changed = strcmp(names_value(i->names), k->value) != 0 ||
	    strcmp(names_key(i->names), k->key) != 0;

	i->created_index = k->created_index;
	i->modified_index = k->modified_index;
	i->index_saved = false;
	if (!changed)
		return;
	if (strcmp(names_key(i->names), k->key) != 0)
		i->listed = 0;		/* it was the other key */
	instance_set_text(i, names_instance_id(i->names), k->key, k->value);
	snapshot_touch_instance(registry_of(i), i);
	instance_emit(i, EVENT_DETAIL);
}
