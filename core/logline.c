/* What a log line looks like: logfmt as Prometheus and its relatives write it
 * (values quoted where they need it), or one JSON object.  Whatever comes in,
 * one line comes out: control characters are escaped, bytes that are not UTF-8
 * become U+FFFD, and a line too long is cut where it can be seen.  Only log.c
 * calls this. */
#include "core/logline.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/timefmt.h"
#include "core/utf8.h"

/* Kept free until the end for: ..." ,"truncated":true } newline */
enum { RESERVE = 32, ROOM = LOGLINE_MAX - RESERVE };

struct line {
	char *text;
	size_t len;
	enum log_format format;
	bool full;
};

static const char *const level_names[] = { "debug", "info", "warn", "error" };
static const char *const format_names[] = { "logfmt", "json" };

/* Adds bytes that have room in any case. */
static void add(struct line *l, const char *s, size_t n)
{
	assert(l->len + n <= LOGLINE_MAX);
	memcpy(l->text + l->len, s, n);
	l->len += n;
}

static void adds(struct line *l, const char *s)
{
	add(l, s, strlen(s));
}

/* Adds all of it or, if there is no room, nothing more from now on. */
static void add_unit(struct line *l, const char *s, size_t n)
{
	if (l->full || l->len + n > ROOM)
		l->full = true;
	else
		add(l, s, n);
}

static void add_ascii(struct line *l, char c)
{
	static const char from[] = "\"\\\n\r\t", to[] = "\"\\nrt";
	const char *p = strchr(from, c);
	char text[8];
	int n;

	if (p)
		n = snprintf(text, sizeof(text), "\\%c", to[p - from]);
	else if ((unsigned char)c < 0x20 || c == 0x7f)
		n = snprintf(text, sizeof(text), "\\u%04x", (unsigned)c);
	else
		n = snprintf(text, sizeof(text), "%c", c);
	add_unit(l, text, (size_t)n);
}

static void add_quoted(struct line *l, const char *s)
{
	size_t left = strlen(s), n;

	adds(l, "\"");
	while (left && !l->full) {
		n = utf8_len(s, left);
		if (n == 1)
			add_ascii(l, *s);
		else if (n > 1)
			add_unit(l, s, n);
		else
			add_unit(l, UTF8_REPLACEMENT, 3);
		n += n == 0;
		s += n;
		left -= n;
	}
	adds(l, l->full ? "...\"" : "\"");
}

static bool needs_quotes(const char *s)
{
	size_t left = strlen(s), n;

	if (!left)
		return true;
	while (left) {
		n = utf8_len(s, left);
		if (n == 0 || *s == 0x7f || *s == '"' || *s == '=' ||
		    (n == 1 && *s <= ' '))
			return true;
		s += n;
		left -= n;
	}
	return false;
}

static void add_text(struct line *l, const char *s)
{
	size_t n = strlen(s);

	if (l->format == LOG_JSON || needs_quotes(s) || l->len + n > ROOM)
		add_quoted(l, s);
	else
		add(l, s, n);
}

/* Whole numbers plainly, others with as few digits as give them back. */
static void add_number(struct line *l, double v)
{
	char text[32];
	int digits = 15;

	if (!isfinite(v)) {
		add_text(l, isnan(v) ? "NaN" : v > 0 ? "+Inf" : "-Inf");
		return;
	}
	if (v == trunc(v) && fabs(v) < 2e19) {
		snprintf(text, sizeof(text), "%.0f", v == 0 ? 0.0 : v);
	} else {
		double back;

		do {
			snprintf(text, sizeof(text), "%.*g", digits, v);
		} while (digits++ < 17 &&
		    (sscanf(text, "%lf", &back) != 1 || back != v));
	}
	adds(l, text);
}

/* A key is a word of ours; it begins only if something can follow. */
static bool add_key(struct line *l, const char *key)
{
	size_t n = strlen(key);

	if (l->full || l->len + n + 32 > ROOM) {
		l->full = true;
		return false;
	}
	if (l->format == LOG_JSON) {
		adds(l, l->len > 1 ? ",\"" : "\"");
		add(l, key, n);
		adds(l, "\":");
	} else {
		if (l->len)
			adds(l, " ");
		add(l, key, n);
		adds(l, "=");
	}
	return true;
}

static void add_field(struct line *l, const struct log_field *f)
{
	if (!add_key(l, f->key))
		return;
	if (f->text)
		add_text(l, f->text);
	else
		add_number(l, f->number);
}

static void add_head(struct line *l, enum log_level level, const char *msg)
{
	char ts[TIMEFMT_MAX];

	add_field(l, &LOG_S("ts", timefmt_rfc3339(clock_wall(), ts)));
	add_field(l, &LOG_S("level", level_names[level]));
	add_key(l, "msg");
	/* Always quoted, so that messages line up for the eye. */
	add_quoted(l, msg);
}

static void add_end(struct line *l)
{
	bool json = l->format == LOG_JSON;

	if (l->full)
		adds(l, json ? ",\"truncated\":true" : " truncated=true");
	adds(l, json ? "}\n" : "\n");
}

size_t logline_format(char *line, enum log_format format,
    enum log_level level, const char *msg, const struct log_field *fields,
    unsigned nfields)
{
	struct line l = { .text = line, .format = format };
	unsigned i;

	if (format == LOG_JSON)
		adds(&l, "{");
	add_head(&l, level, msg);
	for (i = 1; i < nfields; i++)
		add_field(&l, &fields[i]);
	add_end(&l);
	return l.len;
}

/* The index of text in names, or -1. */
static int find_name(const char *const *names, int n, const char *text)
{
	int i;

	for (i = 0; i < n; i++)
		if (!strcmp(names[i], text))
			return i;
	return -1;
}

bool log_parse_level(const char *text, enum log_level *level_r)
{
	int i = find_name(level_names, 4, text);

	if (i >= 0)
		*level_r = (enum log_level)i;
	return i >= 0;
}

bool log_parse_format(const char *text, enum log_format *format_r)
{
	int i = find_name(format_names, 2, text);

	if (i >= 0)
		*format_r = (enum log_format)i;
	return i >= 0;
}
