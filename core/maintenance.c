/* Which maintenance windows there are: they begin when somebody says so, and
 * end when somebody says so, when their time is over, or when all who went
 * away are back.  What a window means is for others to say: alerts/ does not
 * notify, the snapshot marks who is in maintenance, history counts it apart.
 *
 * Windows are few, so all is a walk over those that are not over. */
#include "core/maintenance.h"

#include <stdlib.h>
#include <string.h>

#include "core/away.h"
#include "core/err.h"
#include "core/registry.h"
#include "core/snapshot.h"
#include "core/xalloc.h"

struct entry {
	struct window w;
	struct away *away;		/* of end_when_back; else NULL */
};

struct maintenance {
	struct registry *registry;
	int64_t next_id;
	struct entry *open[MAINTENANCE_MAX];	/* not over, oldest first */
	size_t nopen;
	struct entry *over[MAINTENANCE_KEPT];	/* in the order of ending */
	size_t nover;
	struct window_list *list;	/* as it is now; NULL: to be made */
};

struct maintenance *maintenance_new(struct registry *r)
{
	struct maintenance *m = xcalloc(1, sizeof(*m));

	m->registry = r;
	m->next_id = 1;
	return m;
}

static void entry_free(void *entry)
{
	struct entry *en = entry;

	away_free(en->away);
	window_fini(&en->w);
	free(en);
}

void maintenance_free(struct maintenance *m)
{
	if (m == NULL)
		return;
	for (size_t i = 0; i < m->nopen; i++)
		entry_free(m->open[i]);
	for (size_t i = 0; i < m->nover; i++)
		entry_free(m->over[i]);
	window_list_unref(m->list);
	free(m);
}

/* --- telling --- */

static void touch(const struct maintenance *m, const struct window *w)
{
	struct registry *r = m->registry;

	for (size_t i = 0; i < r->nservice_slots; i++) {
		struct service *s = r->service_slots[i];

		if (window_matches(w, s->cluster->name, s->name, NULL))
			snapshot_touch_service(r, s);
	}
	for (size_t i = 0; i < r->nslots; i++) {
		struct service *s = r->slots[i]->service;

		if (window_matches(w, s->cluster->name, s->name,
		    names_instance_id(r->slots[i]->names)))
			snapshot_touch_instance(r, r->slots[i]);
	}
	snapshot_touch(r);
}

/* The window began, or is over. */
static void changed(struct maintenance *m, const struct entry *en)
{
	struct event e = { .type = EVENT_MAINTENANCE, .window = &en->w };

	window_list_unref(m->list);
	m->list = NULL;
	touch(m, &en->w);
	event_emit(m->registry->bus, &e);
}

/* --- beginning and ending --- */

static struct entry *entry_new(const struct window *w)
{
	struct entry *en = xcalloc(1, sizeof(*en));

	window_copy(&en->w, w);
	if (w->end_when_back)
		en->away = away_new();
	return en;
}

const struct window *maintenance_start(struct maintenance *m,
    const struct window *spec, struct err *e)
{
	struct entry *en;

	if (m->nopen == MAINTENANCE_MAX) {
		err_set(e, "there are %d maintenance windows already: end "
		    "some of them", MAINTENANCE_MAX);
		return NULL;
	}
	en = entry_new(spec);
	en->w.id = m->next_id++;
	en->w.from = en->w.created = clock_now();
	en->w.ended = (wall_t){ 0 };
	m->open[m->nopen++] = en;
	changed(m, en);
	return &en->w;
}

static void keep_over(struct maintenance *m, struct entry *en)
{
	if (m->nover == MAINTENANCE_KEPT) {
		/* An event may still tell of it. */
		event_after_flush(m->registry->bus, entry_free, m->over[0]);
		m->nover--;
		memmove(m->over, m->over + 1, m->nover * sizeof(*m->over));
	}
	m->over[m->nover++] = en;
}

static void end(struct maintenance *m, size_t i, wall_t at)
{
	struct entry *en = m->open[i];

	m->nopen--;
	memmove(m->open + i, m->open + i + 1,
	    (m->nopen - i) * sizeof(*m->open));
	if (at.ms > en->w.to.ms)
		at = en->w.to;
	en->w.ended = at.ms < en->w.from.ms ? en->w.from : at;
	keep_over(m, en);
	changed(m, en);
}

const struct window *maintenance_end(struct maintenance *m, int64_t id)
{
	for (size_t i = 0; i < m->nopen; i++)
		if (m->open[i]->w.id == id) {
			end(m, i, clock_now());
			break;
		}
	for (size_t i = m->nover; i-- > 0;)
		if (m->over[i]->w.id == id)
			return &m->over[i]->w;
	return NULL;
}

wall_t maintenance_tick(struct maintenance *m, wall_t now)
{
	wall_t next = { 0 };

	for (size_t i = m->nopen; i-- > 0;) {
		wall_t to = m->open[i]->w.to;

		if (to.ms <= now.ms)
			end(m, i, to);
		else if (next.ms == 0 || to.ms < next.ms)
			next = to;
	}
	return next;
}

/* --- who is back --- */

/* One who was away is back, or is not waited for any more: nobody else is. */
static bool all_back(struct entry *en, const struct event *e)
{
	const struct instance *i = e->instance.instance;
	const char *cluster = i->service->cluster->name;
	enum state was = e->instance.was;
	enum cause cause = e->instance.begun.cause;
	bool up = e->instance.begun.state == STATE_UP;
	bool returns;

	if (!up && cause != CAUSE_FORGOTTEN && cause != CAUSE_UNWATCHED) {
		if (was == STATE_UP)
			away_add(en->away, cluster, i->service->name,
			    names_instance_id(i->names));
		return false;
	}
	returns = away_take(en->away, cluster, i->service->name,
	    names_instance_id(i->names));
	/* It was away before the window already. */
	if (up && (was == STATE_EXPIRED || was == STATE_LOST))
		returns = true;
	return returns && away_nobody(en->away);
}

static void on_event(void *maintenance, const struct event *e)
{
	struct maintenance *m = maintenance;
	const struct instance *inst;

	if (e->type != EVENT_INSTANCE)
		return;
	inst = e->instance.instance;
	for (size_t i = m->nopen; i-- > 0;) {
		struct entry *en = m->open[i];

		if (en->away != NULL && window_matches(&en->w,
		    inst->service->cluster->name, inst->service->name,
		    names_instance_id(inst->names)) && all_back(en, e))
			end(m, i, e->instance.begun.from);
	}
}

struct event_sink maintenance_sink(struct maintenance *m)
{
	return (struct event_sink){
		.name = "maintenance", .on_event = on_event, .arg = m,
	};
}

/* --- asking --- */

bool maintenance_covers_since(const struct maintenance *m,
    const char *cluster, const char *service, const char *instance,
    wall_t since)
{
	wall_t now;

	if (m->nopen == 0)
		return false;
	now = clock_now();
	for (size_t i = 0; i < m->nopen; i++) {
		const struct window *w = &m->open[i]->w;

		if (w->from.ms <= since.ms && window_in_force(w, now) &&
		    window_matches(w, cluster, service, instance))
			return true;
	}
	return false;
}

bool maintenance_covers(const struct maintenance *m, const char *cluster,
    const char *service, const char *instance)
{
	return maintenance_covers_since(m, cluster, service, instance,
	    (wall_t){ INT64_MAX });
}

void maintenance_samples(void *maintenance, struct sample_sink *s)
{
	const struct maintenance *m = maintenance;

	sample_add(s, M_maintenance_windows, (double)m->nopen);
}

static int newest_first(const void *va, const void *vb)
{
	const struct window *a = va, *b = vb;

	return a->id < b->id ? 1 : a->id > b->id ? -1 : 0;
}

static struct window_list *make_list(const struct maintenance *m)
{
	struct window_list *l = window_list_new(m->nopen + m->nover);

	for (size_t i = 0; i < m->nopen; i++)
		window_copy(&l->v[i], &m->open[i]->w);
	for (size_t i = 0; i < m->nover; i++)
		window_copy(&l->v[m->nopen + i], &m->over[i]->w);
	qsort(l->v, l->n, sizeof(l->v[0]), newest_first);
	return l;
}

struct window_list *maintenance_list(struct maintenance *m)
{
	if (m->list == NULL)
		m->list = make_list(m);
	return window_list_ref(m->list);
}

/* --- restoring --- */

void maintenance_restore(struct maintenance *m, const struct window *w)
{
	struct entry *en;

	if (w->id >= m->next_id)
		m->next_id = w->id + 1;
	if (w->ended.ms == 0 && m->nopen == MAINTENANCE_MAX)
		return;			/* nobody but us writes so many */
	en = entry_new(w);
	if (w->ended.ms != 0)
		keep_over(m, en);
	else
		m->open[m->nopen++] = en;
}

void maintenance_restore_away(struct maintenance *m, int64_t id,
    const char *cluster, const char *service, const char *instance)
{
	for (size_t i = 0; i < m->nopen; i++)
		if (m->open[i]->w.id == id && m->open[i]->away != NULL)
			away_add(m->open[i]->away, cluster, service,
			    instance);
}
