/* The page at /: whether rollcall is looking, what fires, and the roll, for
 * somebody who was just woken up.  Plain HTML without scripts, made from a
 * snapshot at each request.  Called by routes.c; the tables are roll.c's. */
#include "exporter/page.h"

#include "core/buf.h"
#include "core/snapshot.h"
#include "core/timefmt.h"
#include "exporter/html.h"
#include "exporter/roll.h"
#include "exporter/routes.h"
#include "exporter/summary.h"

enum { MAX_ALERTS = 100 };

static const char style[] =
    "body{font:16px/1.4 system-ui,sans-serif;margin:1em auto;"
    "max-width:75em;padding:0 1em}"
    ":root{color-scheme:light dark}"
    "table{border-collapse:collapse}"
    "th,td{border:1px solid #8888;padding:.2em .6em;text-align:left}"
    "td.n{text-align:right}"
    ".bad{color:#fff;background:#a40000}"
    ".good{color:#fff;background:#1e6b1e}"
    "p.bad,p.good{padding:.5em;font-weight:bold}"
    "p.bad a{color:#fff}";

static void write_head(const struct summary *sum, struct buf *out)
{
	buf_adds(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
	    "<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
	    "content=\"width=device-width\">\n<title>");
	if (sum->not_looking > 0)
		buf_adds(out, "NOT LOOKING - ");
	if (sum->firing > 0)
		buf_addf(out, "%zu firing - ", sum->firing);
	buf_addf(out, "rollcall</title>\n<style>%s</style>\n</head>\n<body>\n"
	    "<h1>rollcall</h1>\n", style);
}

/* The clusters that are not looked at, by name. */
static void write_not_looking(const struct snapshot *s, struct buf *out)
{
	const char *comma = "";

	buf_adds(out, "<p class=\"bad\">NOT LOOKING at ");
	for (size_t i = 0; i < s->nsamples; i++) {
		const struct snap_sample *v = &s->samples[i];

		if (v->metric != M_looking || v->value != 0)
			continue;
		buf_adds(out, comma);
		html_label(out, summary_labels(v), "etcd_cluster");
		comma = ", ";
	}
	buf_adds(out, ". Its states below are those last seen.</p>\n");
}

static void write_looking(const struct snapshot *s,
    const struct summary *sum, struct buf *out)
{
	if (s == NULL)
		buf_adds(out, "<p class=\"bad\">Starting: the last known "
		    "registrations are not read yet.</p>\n");
	else if (sum->not_looking > 0)
		write_not_looking(s, out);
	else if (sum->looking > 0)
		buf_adds(out, "<p class=\"good\">Looking at etcd.</p>\n");
	else
		buf_adds(out, "<p class=\"bad\">NOT LOOKING: no etcd cluster "
		    "is configured.</p>\n");
}

/* The columns of the alerts' table: what an alert is about. */
static const struct {
	const char *label, *heading;
} alert_columns[] = {
	{ "alertname", "alert" },
	{ "severity", "severity" },
	{ "etcd_cluster", "etcd cluster" },
	{ "service_name", "service" },
	{ "instance_id", "instance" },
	{ "member", "member" },
};

enum { ALERT_COLUMNS = sizeof(alert_columns) / sizeof(alert_columns[0]) };

static void write_alert(const char *labels, struct buf *out)
{
	buf_adds(out, "<tr>");
	for (size_t i = 0; i < ALERT_COLUMNS; i++) {
		buf_adds(out, "<td>");
		html_label(out, labels, alert_columns[i].label);
		buf_adds(out, "</td>");
	}
	buf_adds(out, "</tr>\n");
}

static void write_alert_rows(const struct snapshot *s, size_t firing,
    struct buf *out)
{
	size_t written = 0;

	buf_adds(out, "<table>\n<tr>");
	for (size_t i = 0; i < ALERT_COLUMNS; i++)
		buf_addf(out, "<th>%s</th>", alert_columns[i].heading);
	buf_adds(out, "</tr>\n");
	for (size_t i = 0; i < s->nsamples && written < MAX_ALERTS; i++) {
		if (!summary_is_firing(&s->samples[i]))
			continue;
		write_alert(summary_labels(&s->samples[i]), out);
		written++;
	}
	buf_adds(out, "</table>\n");
	if (firing > written)
		buf_addf(out, "<p>and %zu more</p>\n", firing - written);
}

static void write_alerts(const struct snapshot *s, size_t firing,
    struct buf *out)
{
	if (firing == 0) {
		buf_adds(out, "<p>No alert is firing.</p>\n");
		return;
	}
	buf_addf(out, "<p class=\"bad\">%zu %s firing</p>\n", firing,
	    firing == 1 ? "alert is" : "alerts are");
	write_alert_rows(s, firing, out);
}

static void write_window(const struct window *w, struct buf *out)
{
	char until[TIMEFMT_MAX];

	buf_adds(out, "<li>");
	html_text(out, w->service != NULL ? w->service : "all services");
	if (w->instance != NULL) {
		buf_addc(out, '/');
		html_text(out, w->instance);
	}
	buf_addf(out, " until %s%s", timefmt_rfc3339(w->to, until),
	    w->end_when_back ? " or when all are back" : "");
	if (w->comment[0] != '\0') {
		buf_adds(out, ": ");
		html_text(out, w->comment);
	}
	buf_adds(out, "</li>\n");
}

static void write_maintenance(const struct snapshot *s, struct buf *out)
{
	size_t n = 0;

	for (size_t i = 0; s->windows != NULL && i < s->windows->n; i++) {
		const struct window *w = &s->windows->v[i];

		if (!window_in_force(w, s->taken))
			continue;
		if (n++ == 0)
			buf_adds(out, "<h2>Maintenance</h2>\n<ul>\n");
		write_window(w, out);
	}
	if (n > 0)
		buf_adds(out, "</ul>\n");
}

static void write_link(const struct request *q, const char *path,
    const char *text, struct buf *out)
{
	buf_adds(out, "<li><a href=\"");
	html_text(out, q->link_prefix);
	html_text(out, path);
	buf_addf(out, "\">%s</a></li>\n", text);
}

static void write_foot(const struct request *q, const struct summary *sum,
    struct buf *out)
{
	buf_adds(out, "<h2>More</h2>\n<ul>\n");
	write_link(q, q->telemetry_path, "Metrics", out);
	write_link(q, "/-/healthy", "Healthy?", out);
	write_link(q, "/-/ready", "Ready?", out);
	write_link(q, "/api/registry/v1/overview", "Overview", out);
	write_link(q, "/api/registry/v1/services", "Services", out);
	write_link(q, "/api/registry/v1/instances", "Instances", out);
	write_link(q, "/api/registry/v1/uptime", "Uptime of the last 30 days",
	    out);
	write_link(q, "/api/registry/v1/outages", "Outages", out);
	write_link(q, "/api/registry/v1/events?limit=100", "Events", out);
	write_link(q, "/api/registry/v1/maintenance", "Maintenance", out);
	buf_adds(out, "</ul>\n<p>rollcall calls the roll of the services "
	    "registered in etcd.");
	if (sum->build != NULL) {
		buf_adds(out, " Version ");
		html_label(out, sum->build, "version");
		buf_adds(out, " (");
		html_label(out, sum->build, "revision");
		buf_adds(out, ").");
	}
	buf_adds(out, "</p>\n</body>\n</html>\n");
}

void page_write(const struct request *q, struct buf *out)
{
	const struct snapshot *s = q->snapshot;
	struct summary sum = summary_of(s);
	char text[TIMEFMT_MAX];

	write_head(&sum, out);
	write_looking(s, &sum, out);
	if (s != NULL) {
		write_alerts(s, sum.firing, out);
		buf_addf(out, "<p>As of %s; reload for newer.</p>\n",
		    timefmt_rfc3339(s->taken, text));
		write_maintenance(s, out);
		roll_services(s, out);
		roll_instances(s, out);
	}
	write_foot(q, &sum, out);
}
