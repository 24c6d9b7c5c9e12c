/* Badges: uptime of a service as a small SVG, in the flat style that README
 * pages are used to (shields.io).  Texts are as wide as Verdana 11px makes
 * them, by a table, since whoever shows it may lack the font.  Part of
 * answers.c. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/timefmt.h"
#include "core/xalloc.h"
#include "exporter/answers_impl.h"
#include "exporter/html.h"

enum { PADDING = 5, HEIGHT = 20 };

/* Advance widths of Verdana at 11 px, in tenths of a pixel, from the space
 * on. */
static const unsigned char widths[] = {
	39, 43, 50, 90, 70, 118, 80, 30, 50, 50, 70, 90, 40, 50, 40, 50,
	70, 70, 70, 70, 70, 70, 70, 70, 70, 70, 50, 50, 90, 90, 90, 60,
	110, 75, 75, 77, 85, 70, 63, 85, 83, 46, 50, 76, 61, 93, 82, 87,
	66, 87, 76, 75, 68, 81, 75, 109, 75, 68, 75, 50, 50, 50, 90, 70,
	70, 66, 69, 57, 69, 66, 39, 69, 70, 30, 38, 65, 30, 107, 70, 67,
	69, 69, 47, 57, 43, 70, 65, 90, 65, 65, 58, 70, 50, 70, 90,
};

/* What is not ASCII counts as a wide letter, once for each character. */
static int width_of(const char *text)
{
	int tenths = 0;

	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (c >= ' ' && c < ' ' + sizeof(widths))
			tenths += widths[c - ' '];
		else if (c >= 0xc0)
			tenths += 110;
	}
	return (tenths + 9) / 10;
}

/* From here on it is that colour. */
static const struct {
	double least;
	const char *colour;
} colours[] = {
	{ 0.999, "#4c1" }, { 0.99, "#97ca00" }, { 0.95, "#dfb317" },
	{ 0.9, "#fe7d37" }, { 0, "#e05d44" },
};

static const char *colour_of(double uptime)
{
	if (isnan(uptime))
		return "#9f9f9f";
	for (size_t i = 0; ; i++)
		if (uptime >= colours[i].least)
			return colours[i].colour;
}

/* Cut, not rounded: 100 % is all of it. */
static char *value_text(double uptime)
{
	if (isnan(uptime))
		return xstrdup("unknown");
	if (uptime >= 1)
		return xstrdup("100%");
	return xasprintf("%.2f%%", floor(uptime * 10000 + 1e-9) / 100);
}

/* With a shadow, since white on yellow is hard to read. */
static void add_text(struct buf *b, const char *text, int x, int width)
{
	buf_addf(b, "<text aria-hidden=\"true\" x=\"%d\" y=\"15\" "
	    "fill=\"#010101\" fill-opacity=\".3\" textLength=\"%d\">", x,
	    width);
	html_text(b, text);
	buf_addf(b, "</text><text x=\"%d\" y=\"14\" textLength=\"%d\">", x,
	    width);
	html_text(b, text);
	buf_adds(b, "</text>");
}

/* Two halves, a light from above, round corners. */
static void add_halves(struct buf *b, int split, int all, const char *colour)
{
	buf_addf(b, "<linearGradient id=\"s\" x2=\"0\" y2=\"100%%\">"
	    "<stop offset=\"0\" stop-color=\"#bbb\" stop-opacity=\".1\"/>"
	    "<stop offset=\"1\" stop-opacity=\".1\"/></linearGradient>"
	    "<clipPath id=\"r\"><rect width=\"%d\" height=\"%d\" "
	    "rx=\"3\"/></clipPath><g clip-path=\"url(#r)\">"
	    "<rect width=\"%d\" height=\"%d\" fill=\"#555\"/>"
	    "<rect x=\"%d\" width=\"%d\" height=\"%d\" fill=\"%s\"/>"
	    "<rect width=\"%d\" height=\"%d\" fill=\"url(#s)\"/></g>",
	    all, HEIGHT, split, HEIGHT, split, all - split, HEIGHT, colour,
	    all, HEIGHT);
}

static void add_title(struct buf *b, const char *label, const char *value)
{
	html_text(b, label);
	buf_adds(b, ": ");
	html_text(b, value);
}

static void draw(struct buf *b, const char *label, double uptime)
{
	char *value = value_text(uptime);
	int left = width_of(label), right = width_of(value);
	int split = left + 2 * PADDING, all = split + right + 2 * PADDING;

	buf_addf(b, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" "
	    "height=\"%d\" role=\"img\" aria-label=\"", all, HEIGHT);
	add_title(b, label, value);
	buf_adds(b, "\"><title>");
	add_title(b, label, value);
	buf_adds(b, "</title>");
	add_halves(b, split, all, colour_of(uptime));
	buf_adds(b, "<g fill=\"#fff\" font-family=\"Verdana,Geneva,"
	    "DejaVu Sans,sans-serif\" font-size=\"11\" "
	    "text-rendering=\"geometricPrecision\">");
	add_text(b, label, PADDING, left);
	add_text(b, value, split + PADDING, right);
	buf_adds(b, "</g></svg>\n");
	free(value);
}

struct seen {
	double uptime;
	int rows;
};

static bool see(const struct history_uptime *row, void *arg)
{
	struct seen *s = arg;

	s->rows++;
	/* Of several clusters the worst. */
	if (isnan(s->uptime) || row->uptime < s->uptime)
		s->uptime = row->uptime;
	return true;
}

/* A name is no glob: what is special in one stands for itself. */
static char *literally(const char *name)
{
	char *glob = xcalloc(2, strlen(name) + 1), *to = glob;

	for (; *name != '\0'; name++) {
		if (strchr("*?[\\", *name) != NULL)
			*to++ = '\\';
		*to++ = *name;
	}
	return glob;
}

static char *default_label(int64_t range_ms)
{
	char text[TIMEFMT_MAX];

	return xasprintf("uptime %s", timefmt_duration(range_ms, text));
}

static enum history_rc ask(struct asking *a, struct seen *seen,
    struct err *e)
{
	struct answer *answer = a->answer;
	const wall_t edges[2] = {
		wall_add(a->now, -answer->range_ms), a->now
	};
	char *glob = literally(answer->service);
	const struct history_uptime_query q = {
		.who = { answer->params.cluster, glob, NULL },
		.of = HISTORY_SERVICES, .edges = edges, .nedges = 2,
		.min_instances = answer->params.min,
	};
	enum history_rc rc = a->source->uptime(a->session, &q, see, seen, e);

	free(glob);
	return rc;
}

enum history_rc answer_badge(struct asking *a, struct err *e)
{
	struct answer *answer = a->answer;
	struct seen seen = { NAN, 0 };
	enum history_rc rc = ask(a, &seen, e);
	char *label;

	if (rc != HISTORY_OK)
		return rc;
	if (seen.rows == 0) {
		buf_free(&answer->reply.body);
		routes_error(&answer->reply, 404, "not_found", "no service "
		    "\"%.200s\" was expected then", answer->service);
		return HISTORY_OK;
	}
	label = answer->params.label != NULL ?
	    xstrdup(answer->params.label) : default_label(answer->range_ms);
	draw(&answer->reply.body, label, seen.uptime);
	answer->reply.content_type = "image/svg+xml; charset=utf-8";
	answer->reply.cache_control = "max-age=60";
	free(label);
	return HISTORY_OK;
}
