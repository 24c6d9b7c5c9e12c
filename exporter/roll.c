/* The two tables of the landing page: services and instances with the state
 * they are in, what is wrong on top, at most ROLL_MAX_ROWS rows each.  Reads
 * a snapshot, writes HTML; the page around it is page.c's. */
#include "exporter/roll.h"

#include "core/buf.h"
#include "core/snapshot.h"
#include "core/timefmt.h"
#include "exporter/html.h"
#include "exporter/table.h"
#include "exporter/values.h"

static void write_table(const struct snapshot *s, bool several,
    const struct table_column *columns, size_t n, void (*rows)(struct table *),
    struct buf *out)
{
	struct table t = {
		.s = s, .columns = columns, .ncolumns = n,
		.max = ROLL_MAX_ROWS, .several = several, .rows = rows,
	};

	table_write(&t, out);
}

/* Those of each rank, the first one on top; add() does a block's, and is false
 * when the table is full. */
static void add_all(struct table *t, const struct snap_set *set, size_t ranks,
    bool (*add)(struct table *t, const struct snap_block *block, size_t rank))
{
	for (size_t rank = 0; rank < ranks; rank++)
		for (size_t b = 0; b < set->n; b++)
			if (!add(t, snap_block(set, b), rank))
				return;
}

/* --- services --- */

static const struct {
	const char *shown, *class;
} service_states[SERVICE_STATES] = {
	[SERVICE_GONE] = { "GONE", "bad" },
	[SERVICE_BELOW_MINIMUM] = { "BELOW MINIMUM", "bad" },
	[SERVICE_UNKNOWN] = { "unknown", "" },
	[SERVICE_UP] = { "up", "" },
	[SERVICE_EMPTY] = { "empty", "" },
};

static void service_state(const struct table_row *row,
    const struct table_column *c, struct buf *out)
{
	(void)c;
	buf_adds(out, service_states[values_service_state(row->of)].shown);
}

static void service_label(const struct table_row *row,
    const struct table_column *c, struct buf *out)
{
	const struct snap_service *s = row->of;

	html_label(out, s->labels->s, c->label);
}

/* Nothing as long as nobody could count. */
static void service_up(const struct table_row *row,
    const struct table_column *c, struct buf *out)
{
	const struct snap_service *s = row->of;

	(void)c;
	if (s->known)
		buf_addu(out, s->up);
}

static void service_minimum(const struct table_row *row,
    const struct table_column *c, struct buf *out)
{
	const struct snap_service *s = row->of;

	(void)c;
	buf_addu(out, s->min_instances);
}

/* Of these two, none is nothing to be told. */
static void service_late(const struct table_row *row,
    const struct table_column *c, struct buf *out)
{
	const struct snap_service *s = row->of;

	(void)c;
	if (s->known && s->late > 0)
		buf_addu(out, s->late);
}

static void service_permanent(const struct table_row *row,
    const struct table_column *c, struct buf *out)
{
	const struct snap_service *s = row->of;

	(void)c;
	if (s->known && s->permanent > 0)
		buf_addu(out, s->permanent);
}

static const struct table_column service_columns[] = {
	{ .heading = "state", .write = service_state, .class = "w",
	  .plain = true },
	{ .heading = "service", .write = service_label, .label = "service_name",
	  .plain = true },
	{ .heading = "up", .write = service_up, .class = "n" },
	{ .heading = "minimum", .write = service_minimum, .class = "n" },
	{ .heading = "late", .write = service_late, .class = "n" },
	{ .heading = "permanent", .write = service_permanent, .class = "n" },
	{ .heading = "etcd cluster", .write = service_label,
	  .label = "etcd_cluster", .cluster = true },
};

static bool add_services(struct table *t, const struct snap_block *block,
    size_t rank)
{
	for (size_t i = 0; i < block->n; i++) {
		const struct snap_service *s = &block->services[i];

		if (s->labels != NULL && values_service_state(s) == rank &&
		    !table_add(t, s, service_states[rank].class))
			return false;
	}
	return true;
}

static void service_rows(struct table *t)
{
	add_all(t, t->s->services, SERVICE_STATES, add_services);
}

void roll_services(const struct snapshot *s, bool several, struct buf *out)
{
	buf_adds(out, "<h2 id=\"services\">Services</h2>\n");
	write_table(s, several, service_columns,
	    sizeof(service_columns) / sizeof(service_columns[0]),
	    service_rows, out);
}

/* --- instances --- */

static void instance_state(const struct table_row *row,
    const struct table_column *c, struct buf *out)
{
	const struct snap_instance *i = row->of;

	(void)c;
	buf_addf(out, "%s%s%s%s", state_name(i->state),
	    i->held ? ", held" : "", i->flapping ? ", flapping" : "",
	    i->maintenance ? ", maintenance" : "");
}

static void instance_label(const struct table_row *row,
    const struct table_column *c, struct buf *out)
{
	const struct snap_instance *i = row->of;

	html_label(out, i->service->s, c->label);
}

static void instance_id(const struct table_row *row,
    const struct table_column *c, struct buf *out)
{
	const struct snap_instance *i = row->of;

	(void)c;
	html_text(out, names_instance_id(i->names));
}

/* In whole seconds. */
static void instance_for(const struct table_row *row,
    const struct table_column *c, struct buf *out)
{
	const struct snap_instance *i = row->of;
	int64_t age = row->s->taken.ms - i->changed_ms;
	char text[TIMEFMT_MAX];

	(void)c;
	if (i->changed_ms > 0)
		buf_adds(out, timefmt_duration(age > 0 ? age - age % 1000 : 0,
		    text));
}

static void instance_since(const struct table_row *row,
    const struct table_column *c, struct buf *out)
{
	const struct snap_instance *i = row->of;
	char text[TIMEFMT_MAX];

	(void)c;
	if (i->changed_ms > 0)
		buf_adds(out, timefmt_rfc3339((wall_t){ i->changed_ms },
		    text));
}

static void instance_address(const struct table_row *row,
    const struct table_column *c, struct buf *out)
{
	const struct snap_instance *i = row->of;
	const char *address = names_address(i->names);

	(void)c;
	html_text(out, address != NULL ? address : "");
}

static const struct table_column instance_columns[] = {
	{ .heading = "state", .write = instance_state, .class = "w",
	  .plain = true },
	{ .heading = "service", .write = instance_label,
	  .label = "service_name", .plain = true },
	{ .heading = "instance", .write = instance_id, .plain = true },
	{ .heading = "for", .write = instance_for, .class = "n" },
	{ .heading = "since", .write = instance_since, .class = "t" },
	{ .heading = "address", .write = instance_address },
	{ .heading = "etcd cluster", .write = instance_label,
	  .label = "etcd_cluster", .cluster = true },
};

/* What is wrong first. */
static const struct {
	enum state state;
	const char *class;
} instance_states[] = {
	{ STATE_EXPIRED, "bad" },
	{ STATE_LOST, "bad" },
	{ STATE_UP, "" },
	{ STATE_DEREGISTERED, "" },
};

enum {
	INSTANCE_STATES = sizeof(instance_states) / sizeof(instance_states[0])
};

static bool add_instances(struct table *t, const struct snap_block *block,
    size_t rank)
{
	for (size_t i = 0; i < block->n; i++) {
		const struct snap_instance *v = &block->instances[i];

		if (v->names != NULL &&
		    v->state == instance_states[rank].state &&
		    !table_add(t, v, instance_states[rank].class))
			return false;
	}
	return true;
}

static void instance_rows(struct table *t)
{
	add_all(t, t->s->instances, INSTANCE_STATES, add_instances);
}

void roll_instances(const struct snapshot *s, bool several, struct buf *out)
{
	buf_adds(out, "<h2 id=\"instances\">Instances</h2>\n");
	write_table(s, several, instance_columns,
	    sizeof(instance_columns) / sizeof(instance_columns[0]),
	    instance_rows, out);
}
