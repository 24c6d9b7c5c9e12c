/* The alerts that fire, on the landing page: the worst first, since somebody
 * was just woken up by it.  Reads a snapshot, writes HTML; the page around it
 * is page.c's. */
#include "exporter/firing.h"

#include "core/buf.h"
#include "core/rendered.h"
#include "core/snapshot.h"
#include "exporter/html.h"
#include "exporter/summary.h"
#include "exporter/table.h"

/* From the worst on; the last one is any other. */
static const struct {
	const char *severity, *class;
} ranks[] = {
	{ "critical", "bad" },
	{ "warning", "warn" },
	{ NULL, "" },
};

enum { RANKS = sizeof(ranks) / sizeof(ranks[0]) };

static size_t rank_of(const struct snap_sample *v)
{
	size_t i = 0;

	while (ranks[i].severity != NULL && !rendered_is(summary_labels(v),
	    "severity", ranks[i].severity))
		i++;
	return i;
}

static void write_label(const struct table_row *row,
    const struct table_column *c, struct buf *out)
{
	html_label(out, summary_labels(row->of), c->label);
}

static const struct table_column columns[] = {
	{ .heading = "severity", .write = write_label, .label = "severity",
	  .class = "w", .plain = true },
	{ .heading = "alert", .write = write_label, .label = "alertname",
	  .class = "w", .plain = true },
	{ .heading = "service", .write = write_label, .label = "service_name" },
	{ .heading = "instance", .write = write_label, .label = "instance_id" },
	{ .heading = "member", .write = write_label, .label = "member" },
	{ .heading = "etcd cluster", .write = write_label,
	  .label = "etcd_cluster", .cluster = true },
};

static void rows(struct table *t)
{
	for (size_t rank = 0; rank < RANKS; rank++)
		for (size_t i = 0; i < t->s->nsamples; i++) {
			const struct snap_sample *v = &t->s->samples[i];

			if (summary_is_firing(v) && rank_of(v) == rank &&
			    !table_add(t, v, ranks[rank].class))
				return;
		}
}

void firing_write(const struct snapshot *s, size_t n, bool several,
    struct buf *out)
{
	struct table t = {
		.s = s, .columns = columns,
		.ncolumns = sizeof(columns) / sizeof(columns[0]),
		.max = FIRING_MAX_ROWS, .several = several, .rows = rows,
	};

	if (n == 0) {
		buf_adds(out, "<p>No alert is firing.</p>\n");
		return;
	}
	buf_addf(out, "<p class=\"bad\">%zu %s firing</p>\n", n,
	    n == 1 ? "alert is" : "alerts are");
	table_write(&t, out);
}
