/* The two tables of the landing page: services and instances with the state
 * they are in, what is wrong on top, at most ROLL_MAX_ROWS rows each.  Reads
 * a snapshot, writes HTML; the page around it is page.c's. */
#include "exporter/roll.h"

#include "core/buf.h"
#include "core/snapshot.h"
#include "core/timefmt.h"
#include "exporter/html.h"
#include "exporter/values.h"

/* How far a table is. */
struct rows {
	const struct snapshot *s;
	struct buf *out;
	size_t written, left_out;
};

static void cell_label(struct buf *out, const struct rstr *labels,
    const char *name)
{
	buf_adds(out, "<td>");
	html_label(out, labels != NULL ? labels->s : NULL, name);
	buf_adds(out, "</td>");
}

/* NULL: none. */
static void cell_text(struct buf *out, const char *text)
{
	buf_adds(out, "<td>");
	html_text(out, text != NULL ? text : "");
	buf_adds(out, "</td>");
}

static void cell_number(struct buf *out, size_t n)
{
	buf_adds(out, "<td class=\"n\">");
	buf_addu(out, n);
	buf_adds(out, "</td>");
}

/* True if there is room for one more row. */
static bool begin_row(struct rows *r, bool bad)
{
	if (r->written >= ROLL_MAX_ROWS) {
		r->left_out++;
		return false;
	}
	r->written++;
	buf_adds(r->out, bad ? "<tr class=\"bad\">" : "<tr>");
	return true;
}

static void end_table(const struct rows *r)
{
	buf_adds(r->out, "</table>\n");
	if (r->left_out > 0)
		buf_addf(r->out, "<p>and %zu more</p>\n", r->left_out);
	if (r->written == 0)
		buf_adds(r->out, "<p>none</p>\n");
}

static const char *service_state(const struct snap_service *s)
{
	if (!s->known)
		return "unknown";
	if (values_service_is_up(s))
		return "up";
	if (s->up > 0)
		return "BELOW MINIMUM";
	return s->min_instances == 0 ? "empty" : "GONE";
}

static bool service_is_bad(const struct snap_service *s)
{
	return s->known && !values_service_is_up(s) &&
	    (s->up > 0 || s->min_instances > 0);
}

/* Empty as long as nobody could count. */
static void cell_count(struct buf *out, const struct snap_service *s,
    size_t n)
{
	if (s->known)
		cell_number(out, n);
	else
		buf_adds(out, "<td></td>");
}

static void service_row(struct rows *r, const struct snap_service *s)
{
	if (!begin_row(r, service_is_bad(s)))
		return;
	cell_label(r->out, s->labels, "etcd_cluster");
	cell_label(r->out, s->labels, "service_name");
	buf_addf(r->out, "<td>%s</td>", service_state(s));
	cell_count(r->out, s, s->up);
	cell_number(r->out, s->min_instances);
	cell_count(r->out, s, s->late);
	cell_count(r->out, s, s->permanent);
	buf_adds(r->out, "</tr>\n");
}

static void service_rows(struct rows *r, bool bad)
{
	for (size_t b = 0; b < r->s->services->n; b++) {
		const struct snap_block *block = snap_block(r->s->services, b);

		for (size_t i = 0; i < block->n; i++)
			if (block->services[i].labels != NULL &&
			    service_is_bad(&block->services[i]) == bad)
				service_row(r, &block->services[i]);
	}
}

void roll_services(const struct snapshot *s, struct buf *out)
{
	struct rows r = { .s = s, .out = out };

	buf_adds(out, "<h2>Services</h2>\n<table>\n<tr><th>etcd cluster</th>"
	    "<th>service</th><th>state</th><th>up</th><th>minimum</th>"
	    "<th>late</th><th>permanent</th></tr>\n");
	service_rows(&r, true);
	service_rows(&r, false);
	end_table(&r);
}

/* Since when, and how long that is, in whole seconds. */
static void cells_since(struct rows *r, int64_t ms)
{
	int64_t age = r->s->taken.ms - ms;
	char text[TIMEFMT_MAX];

	if (ms <= 0) {
		buf_adds(r->out, "<td></td><td></td>");
		return;
	}
	buf_addf(r->out, "<td>%s</td>",
	    timefmt_rfc3339((wall_t){ ms }, text));
	buf_addf(r->out, "<td class=\"n\">%s</td>",
	    timefmt_duration(age > 0 ? age - age % 1000 : 0, text));
}

static void instance_row(struct rows *r, const struct snap_instance *i)
{
	bool bad = i->state == STATE_EXPIRED || i->state == STATE_LOST;

	if (!begin_row(r, bad))
		return;
	cell_label(r->out, i->service, "etcd_cluster");
	cell_label(r->out, i->service, "service_name");
	cell_text(r->out, names_instance_id(i->names));
	buf_addf(r->out, "<td>%s%s%s%s</td>", state_name(i->state),
	    i->held ? ", held" : "", i->flapping ? ", flapping" : "",
	    i->maintenance ? ", maintenance" : "");
	cells_since(r, i->changed_ms);
	cell_text(r->out, names_address(i->names));
	buf_adds(r->out, "</tr>\n");
}

static void instance_rows(struct rows *r, enum state state)
{
	for (size_t b = 0; b < r->s->instances->n; b++) {
		const struct snap_block *block = snap_block(r->s->instances, b);

		for (size_t i = 0; i < block->n; i++)
			if (block->instances[i].names != NULL &&
			    block->instances[i].state == state)
				instance_row(r, &block->instances[i]);
	}
}

void roll_instances(const struct snapshot *s, struct buf *out)
{
	static const enum state order[] = {
		STATE_EXPIRED, STATE_LOST, STATE_UP, STATE_DEREGISTERED
	};
	struct rows r = { .s = s, .out = out };

	buf_adds(out, "<h2>Instances</h2>\n<table>\n<tr><th>etcd cluster</th>"
	    "<th>service</th><th>instance</th><th>state</th><th>since</th>"
	    "<th>for</th><th>address</th></tr>\n");
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		instance_rows(&r, order[i]);
	end_table(&r);
}
