/* Which event writes what: one function per type of event, in one table.
 * Runs on the loop, while the structs an event points to are there, and
 * copies what it needs into the unit being filled.
 *
 * A change of an instance also writes how far its directory is applied, so
 * that after a crash the replay begins exactly behind what was committed. */
#include "db/record.h"

#include <stdbool.h>
#include <stdlib.h>

#include "core/buf.h"
#include "core/clock.h"
#include "core/table.h"
#include "core/window.h"
#include "core/xalloc.h"
#include "db/sql.h"
#include "db/unit.h"

enum {
	MAX_LABELS = 1 << 20,
	NOT_EXPECTED = -1,	/* a minimum: 0 is one that may be empty */
};

/* The minimum last written for a service that is known, lest each start adds
 * a row. */
struct minimum {
	int64_t value;
	char *key;		/* "cluster/service" */
};

struct recorder {
	struct table *minima;
	/* Those whose counters the present unit changed, many of them many
	 * times: each is written once, at its end, unless it was dropped. */
	struct services {
		const struct service **v;
		size_t n, cap;
	} changed, dropped;
};

static void minimum_free(void *minimum)
{
	struct minimum *m = minimum;

	free(m->key);
	free(m);
}

/* True if it was another one before. */
static bool minimum_changes(struct recorder *r, const char *cluster,
    const char *service, int64_t value)
{
	char *key = xasprintf("%s/%s", cluster, service);
	struct minimum *m = table_get(r->minima, key);
	bool changes = m == NULL || m->value != value;

	if (m == NULL) {
		m = xcalloc(1, sizeof(*m));
		m->key = key;
		table_put(r->minima, m->key, m);
	} else {
		free(key);
	}
	m->value = value;
	return changes;
}

static void forget_minimum(struct recorder *r, const char *cluster,
    const char *service)
{
	char *key = xasprintf("%s/%s", cluster, service);
	struct minimum *m = table_del(r->minima, key);

	free(key);
	if (m != NULL)
		minimum_free(m);
}

static void load_minimum(sqlite3_stmt *row, void *arg)
{
	minimum_changes(arg, sql_text(row, 0), sql_text(row, 1),
	    sqlite3_column_int64(row, 2));
}

struct recorder *recorder_new(sqlite3 *db, struct err *e)
{
	struct recorder *r = xcalloc(1, sizeof(*r));

	r->minima = table_new(minimum_free);
	if (sql_each(db, "SELECT e.cluster, service_name, min_instances"
	    " FROM expectations e"
	    " JOIN service_totals s ON s.cluster = e.cluster"
	    "  AND s.name = service_name ORDER BY from_ms",
	    load_minimum, r, e) == 0)
		return r;
	recorder_free(r);
	return NULL;
}

void recorder_free(struct recorder *r)
{
	if (r == NULL)
		return;
	table_free(r->minima);
	free(r->changed.v);
	free(r->dropped.v);
	free(r);
}

static void add_service(struct services *to, const struct service *s)
{
	if (to->n > 0 && to->v[to->n - 1] == s)
		return;
	if (to->n == to->cap) {
		to->cap = to->cap ? to->cap * 2 : 16;
		to->v = xreallocarray(to->v, to->cap,
		    sizeof(struct service *));
	}
	to->v[to->n++] = s;
}

static int by_address(const void *va, const void *vb)
{
	uintptr_t a = (uintptr_t)*(const struct service *const *)va;
	uintptr_t b = (uintptr_t)*(const struct service *const *)vb;

	return a < b ? -1 : a > b;
}

static void sort(struct services *s)
{
	if (s->n > 1)
		qsort(s->v, s->n, sizeof(*s->v), by_address);
}

static bool has(const struct services *s, const struct service *one)
{
	return s->n > 0 && bsearch(&one, s->v, s->n, sizeof(*s->v),
	    by_address) != NULL;
}

static void write_service(struct unit *u, const struct service *s)
{
	UNIT_ADD(u, SQL_SERVICE, v_text(s->cluster->name), v_text(s->name),
	    v_int((int64_t)s->registrations), v_int((int64_t)s->expirations),
	    v_int((int64_t)s->deregistrations), v_int((int64_t)s->losses));
}

static void write_directory(struct unit *u, const struct directory *d)
{
	if (d->watching_id == 0)
		return;
	unit_watching(u, (const struct value[6]){
		v_int(d->watching_id), v_text(d->cluster->name),
		v_text(d->path), v_int(d->watching_from.ms),
		v_int(d->watching_to.ms), v_int((int64_t)d->applied_index) });
}

static void write_instance(struct unit *u, const struct instance *i,
    bool forgotten)
{
	const struct instance_rare *rare = instance_rare(i);
	struct labels extra = { 0 };
	struct buf labels;

	buf_init(&labels, MAX_LABELS);
	labels_read(&extra, names_extra(i->names));
	if (extra.n > 0)
		labels_json(&extra, &labels);
	labels_free(&extra);
	UNIT_ADD(u, SQL_INSTANCE, v_int(i->id),
	    v_text(i->service->cluster->name), v_text(i->directory->path),
	    v_text(i->service->name), v_text(names_instance_id(i->names)),
	    v_text(names_key(i->names)),
	    v_text(names_value(i->names)), v_text(names_address(i->names)),
	    v_text(labels.len > 0 ? labels.data : NULL), v_int(i->ttl_s),
	    v_some(i->expires.ms), v_some(i->last_beat.ms),
	    v_int((int64_t)i->created_index),
	    v_int((int64_t)i->modified_index), v_int((int64_t)i->expirations),
	    v_some(i->held ? clock_history(rare->held_until).ms : 0),
	    v_int(forgotten));
	buf_free(&labels);
}

static struct value unless(wall_t t, wall_t from)
{
	return t.ms != from.ms ? v_int(t.ms) : v_text(NULL);
}

static void on_instance(struct recorder *r, struct unit *u,
    const struct event *e)
{
	const struct instance *i = e->instance.instance;
	const struct period *p = &e->instance.begun;
	const struct notice *n = &e->instance.noticed;

	if (e->instance.restored)
		return;
	write_instance(u, i, false);
	if (e->instance.ended_id != 0)
		UNIT_ADD(u, SQL_PERIOD_END, v_int(e->instance.ended_id),
		    v_int(p->from.ms));
	UNIT_ADD(u, SQL_PERIOD_BEGIN, v_int(p->id), v_int(i->id),
	    v_int(p->state), v_int(p->cause), v_int(p->from.ms),
	    unless(n->earliest, p->from), unless(n->seen, p->from),
	    v_some((int64_t)n->index));
	add_service(&r->changed, i->service);
	write_directory(u, i->directory);
}

static void on_detail(struct recorder *r, struct unit *u,
    const struct event *e)
{
	(void)r;
	if (!e->instance.restored)
		write_instance(u, e->instance.instance,
		    e->type == EVENT_DROPPED);
}

static void expect(struct recorder *r, struct unit *u, const struct event *e,
    int64_t minimum)
{
	const struct service *s = e->service;

	if (minimum_changes(r, s->cluster->name, s->name, minimum))
		UNIT_ADD(u, SQL_EXPECTATION, v_text(s->cluster->name),
		    v_text(s->name), v_int(minimum), v_int(e->when.ms));
}

static void on_service(struct recorder *r, struct unit *u,
    const struct event *e)
{
	add_service(&r->changed, e->service);
	expect(r, u, e, (int64_t)e->service->min_instances);
}

static void on_service_dropped(struct recorder *r, struct unit *u,
    const struct event *e)
{
	const struct service *s = e->service;

	add_service(&r->dropped, s);
	UNIT_ADD(u, SQL_SERVICE_GONE, v_text(s->cluster->name),
	    v_text(s->name));
	expect(r, u, e, NOT_EXPECTED);
	forget_minimum(r, s->cluster->name, s->name);
}

static void on_directory(struct recorder *r, struct unit *u,
    const struct event *e)
{
	(void)r;
	write_directory(u, e->directory);
}

static void on_cluster(struct recorder *r, struct unit *u,
    const struct event *e)
{
	const struct cluster *c = e->cluster;
	wall_t disturbed = { 0 };

	(void)r;
	if (c->disturbed)
		disturbed = clock_history(c->disturbed_until);
	UNIT_ADD(u, SQL_CLUSTER, v_text(c->name), v_text(c->cluster_id),
	    v_int((int64_t)c->raft_term), v_int((int64_t)c->leader_changes),
	    v_int(disturbed.ms));
}

static void on_stats(struct recorder *r, struct unit *u,
    const struct event *e)
{
	(void)r;
	stats_record(u, e->member, e->when);
}

static void on_alert(struct recorder *r, struct unit *u,
    const struct event *e)
{
	const struct alert_record *a = &e->alert;

	(void)r;
	if (a->gone) {
		UNIT_ADD(u, SQL_ALERT_GONE, v_text(a->fingerprint));
		return;
	}
	UNIT_ADD(u, SQL_ALERT, v_text(a->fingerprint), v_text(a->alertname),
	    v_text(a->labels), v_text(a->annotations), v_text(a->state),
	    v_some(a->active_at.ms), v_some(a->fired_at.ms),
	    v_some(a->resolved_at.ms), v_some(a->keep_firing_since.ms),
	    v_some(a->last_sent.ms), v_some(a->last_notified.ms));
}

static void on_outbox(struct recorder *r, struct unit *u,
    const struct event *e)
{
	const struct outbox_record *o = &e->outbox;

	(void)r;
	if (o->done) {
		UNIT_ADD(u, SQL_OUTBOX_DONE, v_int(o->id));
		return;
	}
	UNIT_ADD(u, SQL_OUTBOX, v_int(o->id), v_text(o->receiver),
	    v_text(o->integration), v_text(o->group_key), v_text(o->payload),
	    v_int(o->created.ms), v_some(o->next_try.ms), v_int(o->attempts),
	    v_text(o->last_error));
}

static void on_clock_jump(struct recorder *r, struct unit *u,
    const struct event *e)
{
	(void)r;
	UNIT_ADD(u, SQL_CLOCK_JUMP, v_int(e->when.ms), v_int(e->jump_ms));
}

static void on_maintenance(struct recorder *r, struct unit *u,
    const struct event *e)
{
	const struct window *w = e->window;

	(void)r;
	UNIT_ADD(u, SQL_MAINTENANCE, v_int(w->id), v_text(w->cluster),
	    v_text(w->service), v_text(w->instance), v_int(w->from.ms),
	    v_int(w->to.ms), v_int(w->end_when_back), v_some(w->ended.ms),
	    v_text(w->comment), v_text(w->created_by), v_int(w->created.ms));
}

static void (*const table[EVENT_TYPES])(struct recorder *r, struct unit *u,
    const struct event *e) = {
	[EVENT_INSTANCE] = on_instance,
	[EVENT_DETAIL] = on_detail,
	[EVENT_HELD] = on_detail,
	[EVENT_DROPPED] = on_detail,
	[EVENT_SERVICE] = on_service,
	[EVENT_SERVICE_DROPPED] = on_service_dropped,
	[EVENT_LOOKING] = on_directory,
	[EVENT_PROGRESS] = on_directory,
	[EVENT_CLUSTER] = on_cluster,
	[EVENT_MEMBER] = NULL,
	[EVENT_MEMBER_STATS] = on_stats,
	[EVENT_ALERT] = on_alert,
	[EVENT_OUTBOX] = on_outbox,
	[EVENT_CLOCK_JUMP] = on_clock_jump,
	[EVENT_MAINTENANCE] = on_maintenance,
};

void recorder_event(struct recorder *r, struct unit *u,
    const struct event *e)
{
	if (table[e->type] != NULL)
		table[e->type](r, u, e);
}

void recorder_unit(struct recorder *r, struct unit *u)
{
	sort(&r->changed);
	sort(&r->dropped);
	for (size_t i = 0; i < r->changed.n; i++) {
		const struct service *s = r->changed.v[i];

		if ((i == 0 || s != r->changed.v[i - 1]) &&
		    !has(&r->dropped, s))
			write_service(u, s);
	}
	r->changed.n = r->dropped.n = 0;
}
