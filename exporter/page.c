/* The page at /: whether rollcall is looking, what fires, and the roll, for
 * somebody who was just woken up.  Plain HTML without scripts, made from a
 * snapshot at each request.  Called by routes.c; the tables are roll.c's. */
#include "exporter/page.h"

#include "core/buf.h"
#include "core/snapshot.h"
#include "core/timefmt.h"
#include "exporter/answers.h"
#include "exporter/firing.h"
#include "exporter/html.h"
#include "exporter/roll.h"
#include "exporter/routes.h"
#include "exporter/summary.h"

/* In a narrow window each row is a paragraph of cells, those that do not say
 * what they are with their heading (table.c). */
static const char style[] =
    ":root{color-scheme:light dark}"
    "body{font:16px/1.4 system-ui,sans-serif;margin:1em auto;"
    "max-width:75em;padding:0 1em;overflow-wrap:anywhere}"
    "h1,h2{font-size:1.4em;margin:.8em 0 .4em}"
    "p{margin:.6em 0}"
    "table{border-collapse:collapse;font-size:.9em}"
    "th,td{border:1px solid #8888;padding:.2em .6em;text-align:left}"
    "th,.t,.n{white-space:nowrap}"
    ".w{overflow-wrap:normal}"
    ".n{text-align:right}"
    ".bad{color:#fff;background:#a40000}"
    ".warn{color:#000;background:#fb3}"
    ".good{color:#fff;background:#1e6b1e}"
    "p.bad,p.good{padding:.4em .6em;font-weight:bold}"
    "@media(max-width:56em){"
    "table,tbody{display:block;font-size:1em}"
    "thead,td:empty{display:none}"
    "tr{display:flex;flex-wrap:wrap;column-gap:.9em;padding:.3em .6em;"
    "border:1px solid #8888;margin-top:-1px}"
    "td{border:0;padding:0}"
    "td:nth-child(2){font-weight:bold}"
    "td[data-h]::before{content:attr(data-h) \" \";opacity:.8}"
    "li{margin:.5em 0}}";

static void write_head(const struct summary *sum, struct buf *out)
{
	buf_adds(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
	    "<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
	    "content=\"width=device-width,initial-scale=1\">\n"
	    "<link rel=\"icon\" href=\"data:,\">\n<title>");
	if (sum->not_looking > 0)
		buf_adds(out, "NOT LOOKING - ");
	if (sum->firing > 0)
		buf_addf(out, "%zu firing - ", sum->firing);
	buf_addf(out, "rollcall</title>\n<style>%s</style>\n</head>\n<body>\n"
	    "<h1>rollcall</h1>\n", style);
}

/* The clusters that are looked at, or are not, by name. */
static void write_clusters(const struct snapshot *s, bool looking,
    struct buf *out)
{
	const char *comma = "";

	for (size_t i = 0; i < s->nsamples; i++) {
		const struct snap_sample *v = &s->samples[i];

		if (v->metric != M_looking || (v->value != 0) != looking)
			continue;
		buf_adds(out, comma);
		html_label(out, summary_labels(v), "etcd_cluster");
		comma = ", ";
	}
}

static void write_not_looking(const struct snapshot *s, size_t clusters,
    struct buf *out)
{
	bool one = clusters == 1;

	buf_addf(out, "<p class=\"bad\">NOT LOOKING at etcd cluster%s ",
	    one ? "" : "s");
	write_clusters(s, false, out);
	buf_addf(out, ": %s states below are those last seen.</p>\n",
	    one ? "its" : "their");
}

static void write_all_looking(const struct snapshot *s, size_t clusters,
    struct buf *out)
{
	buf_adds(out, "<p class=\"good\">Looking at ");
	if (clusters > 1) {
		buf_addf(out, "%zu etcd clusters", clusters);
	} else {
		buf_adds(out, "etcd cluster ");
		write_clusters(s, true, out);
	}
	buf_adds(out, ".</p>\n");
}

static void write_looking(const struct snapshot *s,
    const struct summary *sum, struct buf *out)
{
	if (s == NULL)
		buf_adds(out, "<p class=\"bad\">Starting: the last known "
		    "registrations are not read yet.</p>\n");
	else if (sum->not_looking > 0)
		write_not_looking(s, sum->not_looking, out);
	else if (sum->looking > 0)
		write_all_looking(s, sum->looking, out);
	else
		buf_adds(out, "<p class=\"bad\">NOT LOOKING: no etcd cluster "
		    "is configured.</p>\n");
}

static void write_window(const struct window *w, bool several,
    struct buf *out)
{
	char until[TIMEFMT_MAX];

	buf_adds(out, "<li>");
	html_text(out, w->service != NULL ? w->service : "all services");
	if (w->instance != NULL) {
		buf_addc(out, '/');
		html_text(out, w->instance);
	}
	if (several && w->cluster != NULL) {
		buf_adds(out, " of ");
		html_text(out, w->cluster);
	}
	buf_addf(out, " until <span class=\"t\">%s</span>%s",
	    timefmt_rfc3339(w->to, until),
	    w->end_when_back ? " or when all are back" : "");
	if (w->comment[0] != '\0') {
		buf_adds(out, ": ");
		html_text(out, w->comment);
	}
	buf_adds(out, "</li>\n");
}

static void write_maintenance(const struct snapshot *s, bool several,
    struct buf *out)
{
	size_t n = 0;

	for (size_t i = 0; s->windows != NULL && i < s->windows->n; i++) {
		const struct window *w = &s->windows->v[i];

		if (!window_in_force(w, s->taken))
			continue;
		if (n++ == 0)
			buf_adds(out, "<h2>Maintenance</h2>\n<ul>\n");
		write_window(w, several, out);
	}
	if (n > 0)
		buf_adds(out, "</ul>\n");
}

static const struct {
	const char *path, *text;	/* path NULL: the telemetry path */
} links[] = {
	{ NULL, "Metrics" },
	{ "/-/healthy", "Healthy?" },
	{ "/-/ready", "Ready?" },
	{ ANSWERS_V1 "overview", "Overview" },
	{ ANSWERS_V1 "services", "Services" },
	{ ANSWERS_V1 "instances", "Instances" },
	{ ANSWERS_V1 "uptime", "Uptime of the last 30 days" },
	{ ANSWERS_V1 "outages", "Outages" },
	{ ANSWERS_V1 "events?limit=100", "Events" },
	{ ANSWERS_V1 "maintenance", "Maintenance" },
	{ ANSWERS_V1, "All of the API" },
};

static void write_links(const struct request *q, struct buf *out)
{
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		const char *path = links[i].path;

		buf_adds(out, "<li><a href=\"");
		html_text(out, q->link_prefix);
		html_text(out, path != NULL ? path : q->telemetry_path);
		buf_addf(out, "\">%s</a></li>\n", links[i].text);
	}
}

static void write_foot(const struct request *q, const struct summary *sum,
    struct buf *out)
{
	buf_adds(out, "<h2 id=\"more\">More</h2>\n<ul>\n");
	write_links(q, out);
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

/* On a phone it is a long way down. */
static void write_moment(const struct snapshot *s, struct buf *out)
{
	char text[TIMEFMT_MAX];

	buf_addf(out, "<p>As of <span class=\"t\">%s</span>; reload for "
	    "newer. <a href=\"#services\">Services</a> "
	    "<a href=\"#instances\">Instances</a> "
	    "<a href=\"#more\">More</a></p>\n",
	    timefmt_rfc3339(s->taken, text));
}

void page_write(const struct request *q, struct buf *out)
{
	const struct snapshot *s = q->snapshot;
	struct summary sum = summary_of(s);
	bool several = sum.looking + sum.not_looking > 1;

	write_head(&sum, out);
	write_looking(s, &sum, out);
	if (s != NULL) {
		firing_write(s, sum.firing, several, out);
		write_moment(s, out);
		write_maintenance(s, several, out);
		roll_services(s, several, out);
		roll_instances(s, several, out);
	}
	write_foot(q, &sum, out);
}
