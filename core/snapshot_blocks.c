/* The blocks of a snapshot: views of instances and services, copied from the
 * registry where something was touched, shared with the snapshot before where
 * nothing changed, in groups, so that a publish costs what changed and of what
 * there is hardly anything; each with the number of the snapshot in which each
 * part of it last did.  What the two kinds of entry differ in is a table; when
 * to publish is snapshot.c's. */
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/config.h"
#include "core/maintenance.h"
#include "core/registry.h"
#include "core/snapshot_impl.h"
#include "core/xalloc.h"

enum {
	EVERY_PART = (1u << SNAP_PARTS) - 1,
	/* It says the same in other memory: what it was is not to be kept for
	 * the snapshots' sake alone. */
	OTHER_MEMORY = 1u << SNAP_PARTS,
};

/* What the two kinds of entry differ in. */
struct kind {
	size_t size;
	size_t (*count)(const struct registry *r);
	void (*view)(const struct registry *r, size_t slot, void *to);
	unsigned (*changes)(const void *a, const void *b);	/* bits */
	void (*drop)(void *entry);
};

/* --- marks --- */

void marks_set(struct marks *m, size_t slot)
{
	size_t block = slot / SNAP_BLOCK;

	if (block >= m->n) {
		size_t n = block + block / 2 + 16;

		m->dirty = xreallocarray(m->dirty, n, sizeof(*m->dirty));
		for (size_t i = m->n; i < n; i++)
			m->dirty[i] = true;
		m->n = n;
	}
	m->dirty[block] = m->any = true;
}

void marks_free(struct marks *m)
{
	free(m->dirty);
}

static bool is_dirty(const struct marks *m, size_t block)
{
	return block >= m->n || m->dirty[block];
}

/* --- instances --- */

bool snap_instance_is_known(const struct snap_instance *i)
{
	return i->names != NULL && (i->state == STATE_UP ||
	    i->state == STATE_EXPIRED || i->state == STATE_LOST);
}

static bool same_text(const struct rstr *a, const struct rstr *b)
{
	return a == b ||
	    (a != NULL && b != NULL && strcmp(a->s, b->s) == 0);
}

static size_t count_instances(const struct registry *r)
{
	return r->nslots;
}

static void view_instance(const struct registry *r, size_t slot, void *to)
{
	const struct instance *i = r->slots[slot];
	bool detail = i->directory->config->instance_detail && i->ttl_s > 0;
	struct snap_instance *v = to;

	*v = (struct snap_instance){
		.service = rstr_ref(i->service->label_text),
		.names = names_ref(i->names),
		.changed_ms = i->period.from.ms,
		.expires_ms = detail ? i->expires.ms : 0,
		.ttl_s = detail ? (uint32_t)i->ttl_s : 0,
		.expirations = i->expirations,
		.state = i->period.state,
		.held = i->held,
		.flapping = i->flapping,
		.maintenance = maintenance_covers(r->maintenance,
		    i->service->cluster->name, i->service->name,
		    names_instance_id(i->names)),
	};
}

static bool is_the_same(const struct snap_instance *a,
    const struct snap_instance *b)
{
	return same_text(a->service, b->service) && (a->names == b->names ||
	    strcmp(names_instance_id(a->names),
	    names_instance_id(b->names)) == 0);
}

static unsigned instance_changes(const void *va, const void *vb)
{
	const struct snap_instance *a = va, *b = vb;

	if (!is_the_same(a, b) ||
	    snap_instance_is_known(a) != snap_instance_is_known(b))
		return EVERY_PART;
	return (unsigned)(a->state != b->state) << SNAP_STATE |
	    (unsigned)!names_same_info(a->names, b->names) << SNAP_INFO |
	    (unsigned)(a->changed_ms != b->changed_ms) << SNAP_CHANGED |
	    (unsigned)(a->expirations != b->expirations) <<
	    SNAP_EXPIRATIONS |
	    (unsigned)(a->held != b->held) << SNAP_HELD |
	    (unsigned)(a->flapping != b->flapping) << SNAP_FLAPPING |
	    (unsigned)(a->ttl_s != b->ttl_s) << SNAP_TTL |
	    (unsigned)(a->expires_ms != b->expires_ms) << SNAP_EXPIRES |
	    (unsigned)(a->maintenance != b->maintenance) <<
	    SNAP_MAINTENANCE | (a->names != b->names ? OTHER_MEMORY : 0);
}

static void drop_instance(void *entry)
{
	struct snap_instance *v = entry;

	rstr_unref(v->service);
	names_unref(v->names);
}

static const struct kind instances = {
	sizeof(struct snap_instance), count_instances, view_instance,
	instance_changes, drop_instance
};

/* --- services --- */

static size_t count_services(const struct registry *r)
{
	return r->nservice_slots;
}

static struct rstr *render_labels(const struct labels *l)
{
	struct rstr *text;
	struct buf b;

	if (l == NULL)
		return NULL;
	buf_init(&b, 64 * 1024);
	labels_render(l, &b);
	text = rstr_new(buf_str(&b));
	buf_free(&b);
	return text;
}

static void view_service(const struct registry *r, size_t slot, void *to)
{
	const struct service *s = r->service_slots[slot];
	struct snap_service *v = to;

	*v = (struct snap_service){
		.labels = rstr_ref(s->label_text),
		.info = render_labels(s->labels),
		.up = s->up,
		.min_instances = s->min_instances,
		.late = s->late,
		.permanent = s->permanent,
		.registrations = s->registrations,
		.expirations = s->expirations,
		.deregistrations = s->deregistrations,
		.losses = s->losses,
		.known = s->synced || s->known > 0 || s->registrations > 0,
		.maintenance = maintenance_covers(r->maintenance,
		    s->cluster->name, s->name, NULL),
	};
}

static unsigned service_changes(const void *va, const void *vb)
{
	const struct snap_service *a = va, *b = vb;
	bool same = a->up == b->up && a->min_instances == b->min_instances &&
	    a->late == b->late && a->permanent == b->permanent &&
	    a->registrations == b->registrations &&
	    a->expirations == b->expirations &&
	    a->deregistrations == b->deregistrations &&
	    a->losses == b->losses && a->known == b->known &&
	    a->maintenance == b->maintenance;

	if (!same_text(a->labels, b->labels))
		return EVERY_PART;
	return (unsigned)!same << SNAP_STATE |
	    (unsigned)!same_text(a->info, b->info) << SNAP_INFO;
}

static void drop_service(void *entry)
{
	struct snap_service *v = entry;

	rstr_unref(v->labels);
	rstr_unref(v->info);
}

static const struct kind services = {
	sizeof(struct snap_service), count_services, view_service,
	service_changes, drop_service
};

/* --- blocks --- */

static void *entry(const struct kind *k, struct snap_block *b, size_t i)
{
	return (char *)b + offsetof(struct snap_block, instances) +
	    i * k->size;
}

static void unref_block(const struct kind *k, struct snap_block *b)
{
	if (atomic_fetch_sub(&b->refs, 1) != 1)
		return;
	for (size_t i = 0; i < b->n; i++)
		k->drop(entry(k, b, i));
	free(b);
}

static struct snap_block *ref_block(struct snap_block *b)
{
	atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
	return b;
}

static unsigned block_changes(const struct kind *k, struct snap_block *a,
    struct snap_block *b)
{
	unsigned changes = 0;

	if (a == NULL || a->n != b->n)
		return EVERY_PART;
	for (size_t i = 0; i < b->n; i++)
		changes |= k->changes(entry(k, a, i), entry(k, b, i));
	return changes;
}

static struct snap_block *view_block(const struct kind *k,
    const struct registry *r, size_t first)
{
	size_t left = k->count(r) - first;
	size_t n = left < SNAP_BLOCK ? left : SNAP_BLOCK;
	struct snap_block *b = xmalloc(offsetof(struct snap_block, instances) +
	    n * k->size);

	atomic_init(&b->refs, 1);
	b->n = (unsigned)n;
	for (size_t i = 0; i < n; i++)
		k->view(r, first + i, entry(k, b, i));
	return b;
}

/* --- groups and sets --- */

/* A set being built. */
struct building {
	const struct kind *kind;
	const struct registry *registry;
	const struct snap_set *old;	/* or NULL */
	uint64_t number;
	unsigned changes;		/* of any block so far */
};

/* Gives what changed the number of this snapshot. */
static void stamp(const struct building *w, const uint64_t *old,
    unsigned changes, uint64_t *to)
{
	for (int part = 0; part < SNAP_PARTS; part++)
		to[part] = changes & 1u << part ? w->number : old[part];
}

/* Block k anew, or the old one if it says the same. */
static struct snap_block *build_block(struct building *w, size_t k)
{
	struct snap_block *old = w->old != NULL && k < w->old->n ?
	    snap_block(w->old, k) : NULL;
	struct snap_block *b = view_block(w->kind, w->registry,
	    k * SNAP_BLOCK);
	unsigned changes = block_changes(w->kind, old, b);

	if (changes == 0) {
		unref_block(w->kind, b);
		return ref_block(old);
	}
	stamp(w, old != NULL ? old->changed : NULL, changes, b->changed);
	w->changes |= changes;
	return b;
}

static void unref_group(const struct kind *kind, struct snap_group *g)
{
	if (atomic_fetch_sub(&g->refs, 1) != 1)
		return;
	for (unsigned k = 0; k < g->n; k++)
		unref_block(kind, g->blocks[k]);
	free(g);
}

static struct snap_group *ref_group(struct snap_group *g)
{
	atomic_fetch_add_explicit(&g->refs, 1, memory_order_relaxed);
	return g;
}

static size_t groups_of(size_t blocks)
{
	return (blocks + SNAP_GROUP - 1) / SNAP_GROUP;
}

static void unref_set(const struct kind *kind, struct snap_set *s)
{
	if (s == NULL || atomic_fetch_sub(&s->refs, 1) != 1)
		return;
	for (size_t k = 0; k < groups_of(s->n); k++)
		unref_group(kind, s->groups[k]);
	free(s);
}

static struct snap_set *ref_set(struct snap_set *s)
{
	atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	return s;
}

/* The group from block `first` on, n blocks: anew where marked, else the old
 * ones. */
static struct snap_group *build_group(struct building *w,
    const struct marks *m, size_t first, size_t n)
{
	struct snap_group *g = xmalloc(sizeof(*g));

	atomic_init(&g->refs, 1);
	g->n = (unsigned)n;
	for (size_t k = first; k < first + n; k++)
		if (w->old == NULL || k >= w->old->n || is_dirty(m, k))
			g->blocks[k - first] = build_block(w, k);
		else
			g->blocks[k - first] = ref_block(
			    snap_block(w->old, k));
	return g;
}

/* The same blocks as before are there, and none is marked. */
static bool is_kept(const struct building *w, const struct marks *m,
    size_t first, size_t n)
{
	const struct snap_set *old = w->old;

	if (old == NULL || first + n > old->n || first + n > m->n ||
	    old->groups[first / SNAP_GROUP]->n != n)
		return false;
	return memchr(m->dirty + first, 1, n) == NULL;
}

/* The blocks of the set to be. */
static struct snap_set *build_set(struct building *w, const struct marks *m)
{
	size_t n = (w->kind->count(w->registry) + SNAP_BLOCK - 1) / SNAP_BLOCK;
	struct snap_set *s = xmalloc(sizeof(*s) +
	    groups_of(n) * sizeof(s->groups[0]));

	atomic_init(&s->refs, 1);
	s->n = n;
	if (w->old == NULL || w->old->n != n)
		w->changes = EVERY_PART;
	for (size_t k = 0; k < groups_of(n); k++) {
		size_t first = k * SNAP_GROUP, left = n - first;
		size_t some = left < SNAP_GROUP ? left : SNAP_GROUP;

		s->groups[k] = is_kept(w, m, first, some) ?
		    ref_group(w->old->groups[k]) :
		    build_group(w, m, first, some);
	}
	return s;
}

static struct snap_set *next_set(const struct kind *kind,
    const struct registry *r, struct snap_set *old, struct marks *m,
    uint64_t number)
{
	struct building w = { kind, r, old, number, 0 };
	struct snap_set *s;

	if (old != NULL && !m->any)
		return ref_set(old);
	s = build_set(&w, m);
	if (m->n > 0)
		memset(m->dirty, 0, m->n * sizeof(*m->dirty));
	m->any = false;
	if (w.changes == 0) {
		unref_set(kind, s);
		return ref_set(old);
	}
	stamp(&w, old != NULL ? old->changed : NULL, w.changes, s->changed);
	return s;
}

struct snap_set *snap_instances(const struct registry *r,
    struct snap_set *old, struct marks *m, uint64_t number)
{
	return next_set(&instances, r, old, m, number);
}

struct snap_set *snap_services(const struct registry *r,
    struct snap_set *old, struct marks *m, uint64_t number)
{
	return next_set(&services, r, old, m, number);
}

void snap_instances_unref(struct snap_set *s)
{
	unref_set(&instances, s);
}

void snap_services_unref(struct snap_set *s)
{
	unref_set(&services, s);
}
