/* What is registered now, over HTTP: rows of the snapshot that /metrics is
 * made of, so that both say the same.  Part of answers.c. */
#include <fnmatch.h>
#include <string.h>

#include "core/buf.h"
#include "core/snapshot.h"
#include "core/timefmt.h"
#include "exporter/answers_impl.h"
#include "exporter/rendered.h"
#include "exporter/values.h"

enum { TEXT_MAX = 64 << 10 };

/* What of an entry stands in its labels, as text. */
enum text { CLUSTER, SERVICE, INSTANCE, ADDRESS, KEY, TEXTS };

struct texts {
	struct buf v[TEXTS];
};

struct instance_row {
	const char *cluster, *service, *instance, *state, *address, *key;
	wall_t since;
	int64_t expirations;
	bool held, flapping, maintenance;
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
};

static const struct row_table instance_rows = {
	instance_fields, sizeof(instance_fields) / sizeof(instance_fields[0]),
	sizeof(struct instance_row)
};

struct service_row {
	const char *cluster, *service, *state;
	int64_t up, min_instances, late, permanent;
	int64_t registrations, expirations, deregistrations, losses;
	bool maintenance;
};

#define S(name, type, member) \
	{ name, type, offsetof(struct service_row, member) }

static const struct row_field service_fields[] = {
	S("etcd_cluster", ROW_TEXT, cluster),
	S("service_name", ROW_TEXT, service),
	S("state", ROW_TEXT, state),
	S("up", ROW_NUMBER, up),
	S("min_instances", ROW_NUMBER, min_instances),
	S("late", ROW_NUMBER, late),
	S("permanent", ROW_NUMBER, permanent),
	S("registrations", ROW_NUMBER, registrations),
	S("expirations", ROW_NUMBER, expirations),
	S("deregistrations", ROW_NUMBER, deregistrations),
	S("losses", ROW_NUMBER, losses),
	S("maintenance", ROW_BOOL, maintenance),
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

static void texts_init(struct texts *t)
{
	for (int i = 0; i < TEXTS; i++)
		buf_init(&t->v[i], TEXT_MAX);
}

static void texts_free(struct texts *t)
{
	for (int i = 0; i < TEXTS; i++)
		buf_free(&t->v[i]);
}

/* --- instances --- */

/* False when the page is full. */
static bool add_instance(const struct snap_instance *i,
    const struct params *p, struct texts *t, struct page *page)
{
	const char *labels = i->labels->s;
	struct instance_row row = {
		.cluster = text_of(&t->v[CLUSTER], labels, "etcd_cluster"),
		.service = text_of(&t->v[SERVICE], labels, "service_name"),
		.instance = text_of(&t->v[INSTANCE], labels, "instance_id"),
		.state = state_name((enum state)i->state),
	};

	if (!matches(p->cluster, row.cluster) ||
	    !matches(p->service, row.service) ||
	    !matches(p->instance, row.instance) ||
	    (p->state != NULL && strcmp(p->state, row.state) != 0))
		return true;
	row.address = text_of(&t->v[ADDRESS], i->info->s, "address");
	row.key = text_of(&t->v[KEY], i->info->s, "key");
	row.since.ms = i->changed_ms;
	row.expirations = i->expirations;
	row.held = i->held;
	row.flapping = i->flapping;
	row.maintenance = i->maintenance;
	return page_add(page, &row);
}

static bool add_instances(const struct snap_block *b, const struct params *p,
    struct texts *t, struct page *page)
{
	for (unsigned i = 0; i < b->n; i++)
		if (b->instances[i].labels != NULL &&
		    snap_instance_is_known(&b->instances[i]) &&
		    !add_instance(&b->instances[i], p, t, page))
			return false;
	return true;
}

/* --- services --- */

static const char *service_state(const struct snap_service *s)
{
	if (!s->known)
		return "unknown";
	if (values_service_is_up(s))
		return "up";
	if (s->up > 0)
		return "below_minimum";
	return s->min_instances == 0 ? "empty" : "gone";
}

static bool add_service(const struct snap_service *s, const struct params *p,
    struct texts *t, struct page *page)
{
	struct service_row row = {
		.cluster = text_of(&t->v[CLUSTER], s->labels->s,
		    "etcd_cluster"),
		.service = text_of(&t->v[SERVICE], s->labels->s,
		    "service_name"),
		.state = service_state(s),
		.up = (int64_t)s->up,
		.min_instances = (int64_t)s->min_instances,
		.late = (int64_t)s->late,
		.permanent = (int64_t)s->permanent,
		.registrations = (int64_t)s->registrations,
		.expirations = (int64_t)s->expirations,
		.deregistrations = (int64_t)s->deregistrations,
		.losses = (int64_t)s->losses,
		.maintenance = s->maintenance,
	};

	return !matches(p->cluster, row.cluster) ||
	    !matches(p->service, row.service) || page_add(page, &row);
}

static bool add_services(const struct snap_block *b, const struct params *p,
    struct texts *t, struct page *page)
{
	for (unsigned i = 0; i < b->n; i++)
		if (b->services[i].labels != NULL &&
		    !add_service(&b->services[i], p, t, page))
			return false;
	return true;
}

static enum history_rc answer_set(struct asking *a,
    const struct snap_set *set, const struct row_table *table,
    bool (*add)(const struct snap_block *b, const struct params *p,
    struct texts *t, struct page *page))
{
	struct texts t;
	struct page page;

	texts_init(&t);
	page_begin(&page, a->answer, table);
	for (size_t i = 0; i < set->n; i++)
		if (!add(set->blocks[i], &a->answer->params, &t, &page))
			break;
	page_end(&page, a->answer);
	texts_free(&t);
	return HISTORY_OK;
}

static struct snapshot *acquire(struct err *e)
{
	struct snapshot *s = snapshot_acquire();

	if (s == NULL)
		err_set(e, "rollcall is starting: ask again in a moment");
	return s;
}

enum history_rc answer_instances(struct asking *a, struct err *e)
{
	struct snapshot *s = acquire(e);

	if (s == NULL)
		return HISTORY_TOO_LONG;
	answer_set(a, s->instances, &instance_rows, add_instances);
	snapshot_release(s);
	return HISTORY_OK;
}

enum history_rc answer_services(struct asking *a, struct err *e)
{
	struct snapshot *s = acquire(e);

	if (s == NULL)
		return HISTORY_TOO_LONG;
	answer_set(a, s->services, &service_rows, add_services);
	snapshot_release(s);
	return HISTORY_OK;
}

/* --- overview --- */

struct overview_row {
	wall_t now, looked_since, looked_until;
	int64_t services, services_down, up, expired, lost, maintenance;
};

#define O(name, type, member) \
	{ name, type, offsetof(struct overview_row, member) }

static const struct row_field overview_fields[] = {
	O("now", ROW_TIME, now),
	O("looked_since", ROW_TIME, looked_since),
	O("looked_until", ROW_TIME, looked_until),
	O("services", ROW_NUMBER, services),
	O("services_down", ROW_NUMBER, services_down),
	O("instances_up", ROW_NUMBER, up),
	O("instances_expired", ROW_NUMBER, expired),
	O("instances_lost", ROW_NUMBER, lost),
	O("instances_in_maintenance", ROW_NUMBER, maintenance),
};

static const struct row_table overview_rows = {
	overview_fields, sizeof(overview_fields) / sizeof(overview_fields[0]),
	sizeof(struct overview_row)
};

static void count_instances(const struct snap_set *set,
    struct overview_row *o)
{
	for (size_t b = 0; b < set->n; b++)
		for (unsigned i = 0; i < set->blocks[b]->n; i++) {
			const struct snap_instance *one =
			    &set->blocks[b]->instances[i];

			if (one->labels == NULL)
				continue;
			o->up += one->state == STATE_UP;
			o->expired += one->state == STATE_EXPIRED;
			o->lost += one->state == STATE_LOST;
			o->maintenance += one->maintenance;
		}
}

static void count_services(const struct snap_set *set,
    struct overview_row *o)
{
	for (size_t b = 0; b < set->n; b++)
		for (unsigned i = 0; i < set->blocks[b]->n; i++) {
			const struct snap_service *one =
			    &set->blocks[b]->services[i];

			if (one->labels == NULL)
				continue;
			o->services++;
			o->services_down += one->known &&
			    one->up < one->min_instances;
		}
}

enum history_rc answer_overview(struct asking *a, struct err *e)
{
	struct overview_row o = {
		.now = clock_wall(), .looked_since = a->since,
		.looked_until = a->until,
	};
	struct snapshot *s = acquire(e);

	if (s == NULL)
		return HISTORY_TOO_LONG;
	count_instances(s->instances, &o);
	count_services(s->services, &o);
	snapshot_release(s);
	row_json(&a->answer->reply.body, &overview_rows, &o);
	buf_addc(&a->answer->reply.body, '\n');
	return HISTORY_OK;
}
