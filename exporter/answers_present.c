/* What is registered now, over HTTP: rows of the snapshot that /metrics is
 * made of, so that both say the same.  Needs no history: it is answered while
 * that is slow or away.  Part of answers.c. */
#include <fnmatch.h>
#include <string.h>

#include "core/buf.h"
#include "core/rendered.h"
#include "core/snapshot.h"
#include "exporter/answers_impl.h"
#include "exporter/values.h"

enum { TEXT_MAX = 64 << 10 };

/* What of an entry stands in its labels, as text. */
enum text { CLUSTER, SERVICE, TEXTS };

/* A page being made. */
struct listing {
	const struct snapshot *s;
	const struct params *p;
	struct page page;
	struct buf text[TEXTS];
};

struct instance_row {
	const char *cluster, *service, *instance, *state, *address, *key;
	wall_t since, expires;
	int64_t expirations, ttl_ms;
	bool held, flapping, maintenance, looking;
};

#define I(name, type, member) \
	{ name, type, offsetof(struct instance_row, member) }

static const struct row_field instance_fields[] = {
	I("etcd_cluster", ROW_TEXT, cluster),
	I("service_name", ROW_TEXT, service),
	I("instance_id", ROW_TEXT, instance),
	I("state", ROW_TEXT, state),
	I("since", ROW_TIME, since),
	I("address", ROW_TEXT, address),
	I("key", ROW_TEXT, key),
	I("expirations", ROW_NUMBER, expirations),
	I("held", ROW_BOOL, held),
	I("flapping", ROW_BOOL, flapping),
	I("maintenance", ROW_BOOL, maintenance),
	I("ttl_seconds", ROW_SECONDS, ttl_ms),
	I("expires", ROW_TIME, expires),
	I("looking", ROW_BOOL, looking),
};

static const struct row_table instance_rows = {
	instance_fields, sizeof(instance_fields) / sizeof(instance_fields[0]),
	sizeof(struct instance_row)
};

struct service_row {
	const char *cluster, *service, *state;
	int64_t up, min_instances, late, permanent;
	int64_t registrations, expirations, deregistrations, losses;
	bool maintenance, looking;
};

#define S(name, type, member) \
	{ name, type, offsetof(struct service_row, member) }

static const struct row_field service_fields[] = {
	S("etcd_cluster", ROW_TEXT, cluster),
	S("service_name", ROW_TEXT, service),
	S("state", ROW_TEXT, state),
	S("up", ROW_COUNT, up),
	S("min_instances", ROW_NUMBER, min_instances),
	S("late", ROW_COUNT, late),
	S("permanent", ROW_COUNT, permanent),
	S("registrations", ROW_NUMBER, registrations),
	S("expirations", ROW_NUMBER, expirations),
	S("deregistrations", ROW_NUMBER, deregistrations),
	S("losses", ROW_NUMBER, losses),
	S("maintenance", ROW_BOOL, maintenance),
	S("looking", ROW_BOOL, looking),
};

static const struct row_table service_rows = {
	service_fields, sizeof(service_fields) / sizeof(service_fields[0]),
	sizeof(struct service_row)
};

static const char *text_of(struct buf *b, const char *labels,
    const char *name)
{
	buf_reset(b);
	return rendered_get(labels, name, b) ? buf_str(b) : NULL;
}

static bool matches(const char *glob, const char *text)
{
	return glob == NULL || (text != NULL && fnmatch(glob, text, 0) == 0);
}

/* While the cluster is not looked at, what a row says stands still. */
static bool is_looking(const struct snapshot *s, const char *cluster)
{
	for (size_t i = 0; i < s->nsamples &&
	    s->samples[i].metric <= M_looking; i++)
		if (s->samples[i].metric == M_looking && cluster != NULL &&
		    s->samples[i].labels != NULL &&
		    rendered_is(s->samples[i].labels->s, "etcd_cluster",
		    cluster))
			return s->samples[i].value != 0;
	return false;
}

/* --- instances --- */

static bool instance_matches(const struct params *p,
    const struct instance_row *row)
{
	return matches(p->cluster, row->cluster) &&
	    matches(p->service, row->service) &&
	    matches(p->instance, row->instance) &&
	    (p->state == NULL || strcmp(p->state, row->state) == 0);
}

/* False when the page is full. */
static bool add_instance(const struct snap_instance *i, struct listing *l)
{
	const char *labels = i->service->s;
	struct instance_row row = {
		.cluster = text_of(&l->text[CLUSTER], labels, "etcd_cluster"),
		.service = text_of(&l->text[SERVICE], labels, "service_name"),
		.instance = names_instance_id(i->names),
		.address = names_address(i->names),
		.key = names_key(i->names),
		.state = state_name((enum state)i->state),
		.since = { i->changed_ms },
		.expirations = i->expirations,
		.held = i->held, .flapping = i->flapping,
		.maintenance = i->maintenance,
		.ttl_ms = i->ttl_s > 0 ? (int64_t)i->ttl_s * 1000 : -1,
		.expires = { i->expires_ms },
	};

	if (!instance_matches(l->p, &row))
		return true;
	row.looking = is_looking(l->s, row.cluster);
	return page_add(&l->page, &row);
}

static bool add_instances(const struct snap_block *b, struct listing *l)
{
	for (unsigned i = 0; i < b->n; i++)
		if (snap_instance_is_known(&b->instances[i]) &&
		    !add_instance(&b->instances[i], l))
			return false;
	return true;
}

/* --- services --- */

static bool add_service(const struct snap_service *s, struct listing *l)
{
	struct service_row row = {
		.cluster = text_of(&l->text[CLUSTER], s->labels->s,
		    "etcd_cluster"),
		.service = text_of(&l->text[SERVICE], s->labels->s,
		    "service_name"),
		.state = service_state_names[values_service_state(s)],
		.up = s->known ? (int64_t)s->up : -1,
		.min_instances = (int64_t)s->min_instances,
		.late = s->known ? (int64_t)s->late : -1,
		.permanent = s->known ? (int64_t)s->permanent : -1,
		.registrations = (int64_t)s->registrations,
		.expirations = (int64_t)s->expirations,
		.deregistrations = (int64_t)s->deregistrations,
		.losses = (int64_t)s->losses,
		.maintenance = s->maintenance,
	};

	if (!matches(l->p->cluster, row.cluster) ||
	    !matches(l->p->service, row.service))
		return true;
	row.looking = is_looking(l->s, row.cluster);
	return page_add(&l->page, &row);
}

static bool add_services(const struct snap_block *b, struct listing *l)
{
	for (unsigned i = 0; i < b->n; i++)
		if (b->services[i].labels != NULL &&
		    !add_service(&b->services[i], l))
			return false;
	return true;
}

/* --- pages --- */

static void list(struct asking *a, const struct snapshot *s,
    const struct snap_set *set, const struct row_table *table,
    bool (*add)(const struct snap_block *b, struct listing *l))
{
	struct listing l = { .s = s, .p = &a->answer->params };

	for (int i = 0; i < TEXTS; i++)
		buf_init(&l.text[i], TEXT_MAX);
	page_begin(&l.page, a->answer, table);
	for (size_t i = 0; i < set->n; i++)
		if (!add(snap_block(set, i), &l))
			break;
	page_end(&l.page, a->answer);
	for (int i = 0; i < TEXTS; i++)
		buf_free(&l.text[i]);
}

enum history_rc answer_instances(struct asking *a, struct err *e)
{
	struct snapshot *s = snapshot_acquire();

	(void)e;
	if (s == NULL)
		return answer_unavailable(a, ANSWER_STARTING);
	list(a, s, s->instances, &instance_rows, add_instances);
	snapshot_release(s);
	return HISTORY_OK;
}

enum history_rc answer_services(struct asking *a, struct err *e)
{
	struct snapshot *s = snapshot_acquire();

	(void)e;
	if (s == NULL)
		return answer_unavailable(a, ANSWER_STARTING);
	list(a, s, s->services, &service_rows, add_services);
	snapshot_release(s);
	return HISTORY_OK;
}
