/* A strict reader of both exposition formats: stricter than Prometheus, which
 * lets interleaved families and duplicate series pass. */
#ifndef TESTS_UNIT_EXPORTER_STRICT_H
#define TESTS_UNIT_EXPORTER_STRICT_H

#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/labels.h"
#include "core/table.h"
#include "core/utf8.h"
#include "core/xalloc.h"

struct strict {
	bool openmetrics;
	char family[128], type[16], unit[16];
	int stage;		/* 0 none, 1 TYPE, 2 UNIT, 3 HELP, 4 samples */
	bool ended;
	size_t families, samples;
	struct table *seen;	/* families as "#name", series as written */
	char why[512];
};

static bool strict_fail(struct strict *s, const char *why, const char *line)
{
	snprintf(s->why, sizeof(s->why), "%s: %s", why, line);
	return false;
}

/* Takes note of a key; false if it was there. */
static inline bool strict_new(struct strict *s, const char *key)
{
	char *copy = xstrdup(key);

	if (table_get(s->seen, key) != NULL) {
		free(copy);
		return false;
	}
	table_put(s->seen, copy, copy);
	return true;
}

static inline bool strict_is_name(const char *s)
{
	if (!isalpha((unsigned char)*s) && *s != '_')
		return false;
	while (isalnum((unsigned char)*s) || *s == '_')
		s++;
	return *s == '\0';
}

static inline bool strict_ends(const char *s, const char *end)
{
	size_t n = strlen(s), k = strlen(end);

	return n >= k && strcmp(s + n - k, end) == 0;
}

static inline bool strict_text(const char *s, const char *escapes)
{
	for (size_t n; *s != '\0'; s += n) {
		if ((n = utf8_len(s, strlen(s))) == 0)
			return false;
		if (*s == '\\' && (s[1] == '\0' ||
		    strchr(escapes, s[1]) == NULL))
			return false;
		if (*s == '\\')
			n = 2;
	}
	return true;
}

static inline bool strict_type(struct strict *s, const char *name,
    const char *type, const char *line)
{
	char key[160];
	bool counter = strcmp(type, "counter") == 0;

	snprintf(key, sizeof(key), "#%s", name);
	if (s->stage != 0 && s->stage != 4)
		return strict_fail(s, "family without samples before", line);
	if (!strict_is_name(name) || !strict_new(s, key))
		return strict_fail(s, "bad or repeated family", line);
	if (!counter && strcmp(type, "gauge") != 0 &&
	    (!s->openmetrics || strcmp(type, "info") != 0))
		return strict_fail(s, "bad type", line);
	if (strict_ends(name, "_total") != (counter && !s->openmetrics))
		return strict_fail(s, "_total", line);
	snprintf(s->family, sizeof(s->family), "%s", name);
	snprintf(s->type, sizeof(s->type), "%s", type);
	s->stage = 1;
	s->families++;
	return true;
}

static inline bool strict_meta(struct strict *s, const char *line)
{
	char what[8], name[128], *rest;
	int at = 0;

	if (sscanf(line, "# %7s %127s%n", what, name, &at) != 2 ||
	    line[at] != ' ')
		return strict_fail(s, "bad comment", line);
	rest = xstrdup(line + at + 1);
	bool ok = false;
	if (strcmp(what, "TYPE") == 0)
		ok = strict_type(s, name, rest, line);
	else if (strcmp(name, s->family) != 0)
		strict_fail(s, "of another family", line);
	else if (strcmp(what, "UNIT") == 0)
		ok = s->openmetrics && s->stage == 1 &&
		    strict_ends(name, rest) && (s->stage = 2);
	else if (strcmp(what, "HELP") == 0)
		ok = (s->stage == 1 || s->stage == 2) && rest[0] != '\0' &&
		    strict_text(rest, s->openmetrics ? "\\n\"" : "\\n") &&
		    (s->stage = 3);
	free(rest);
	if (!ok && s->why[0] == '\0')
		strict_fail(s, "bad or misplaced", line);
	return ok;
}

/* Reads {..}; sets *p behind it.  Each name once. */
static inline bool strict_labels(const char **p)
{
	struct labels seen = { 0 };
	bool ok = false;

	if (**p != '{')
		return true;
	for ((*p)++; ; (*p)++) {
		char name[64], *value;
		size_t n = strcspn(*p, "="), k;

		if (n >= sizeof(name) || strncmp(*p + n, "=\"", 2) != 0)
			break;
		snprintf(name, sizeof(name), "%.*s", (int)n, *p);
		*p += n + 2;
		for (k = 0; (*p)[k] != '"' && (*p)[k] != '\0'; k++)
			if ((*p)[k] == '\\' && (*p)[++k] == '\0')
				break;
		value = xstrndup(*p, k);
		*p += k;
		if (!strict_is_name(name) || labels_get(&seen, name) != NULL ||
		    !strict_text(value, "\\n\"")) {
			free(value);
			break;
		}
		labels_set(&seen, name, "x");
		free(value);
		if (*(*p)++ != '"')
			break;
		if (**p == '}') {
			ok = true;
			(*p)++;
			break;
		}
		if (**p != ',')
			break;
	}
	labels_free(&seen);
	return ok;
}

static inline bool strict_sample(struct strict *s, const char *line)
{
	char name[160], want[160], *series, *end;
	size_t n = strcspn(line, "{ ");
	const char *p = line + n;
	bool fresh;
	double v;

	if (s->stage != 3 && s->stage != 4)
		return strict_fail(s, "sample without HELP", line);
	s->stage = 4;
	snprintf(name, sizeof(name), "%.*s", (int)n, line);
	snprintf(want, sizeof(want), "%s%s", s->family,
	    !s->openmetrics ? "" : strcmp(s->type, "counter") == 0 ?
	    "_total" : strcmp(s->type, "info") == 0 ? "_info" : "");
	if (strcmp(name, want) != 0)
		return strict_fail(s, "sample of another family", line);
	if (!strict_labels(&p) || *p != ' ')
		return strict_fail(s, "bad labels", line);
	series = xstrndup(line, (size_t)(p - line));
	fresh = strict_new(s, series);
	free(series);
	if (!fresh)
		return strict_fail(s, "series twice", line);
	v = strtod(p + 1, &end);
	if (end == p + 1 || *end != '\0' || isspace((unsigned char)p[1]) ||
	    isnan(v) || (strcmp(s->type, "counter") == 0 &&
	    (v < 0 || isinf(v))))
		return strict_fail(s, "bad value", line);
	s->samples++;
	return true;
}

static inline bool strict_line(struct strict *s, const char *line)
{
	if (s->ended)
		return strict_fail(s, "behind the end", line);
	if (line[0] == '\0' || strict_ends(line, "\r"))
		return strict_fail(s, "blank line or CR", line);
	if (s->openmetrics && strcmp(line, "# EOF") == 0)
		return s->ended = true;
	return line[0] == '#' ? strict_meta(s, line) : strict_sample(s, line);
}

/* True if the text is an exposition; else s->why says what is wrong. */
static inline bool strict_read(struct strict *s, bool openmetrics,
    const char *text)
{
	bool ok = true;

	memset(s, 0, sizeof(*s));
	s->openmetrics = openmetrics;
	s->seen = table_new(free);
	while (ok && *text != '\0') {
		size_t n = strcspn(text, "\n");
		char *line = xstrndup(text, n);

		ok = text[n] == '\n' ? strict_line(s, line) :
		    strict_fail(s, "line without end", line);
		text += n + 1;
		free(line);
	}
	table_free(s->seen);
	if (ok && openmetrics && !s->ended)
		return strict_fail(s, "no # EOF", "");
	if (ok && s->stage != 0 && s->stage != 4)
		return strict_fail(s, "family without samples", s->family);
	return ok;
}

#endif
