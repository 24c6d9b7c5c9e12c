/* What a client wants, read from its Accept and Accept-Encoding headers as
 * RFC 9110 has them: ranges between commas, parameters between semicolons,
 * one of them q.  Pure functions on strings that anybody may send; an entry
 * that cannot be understood is left out and its neighbours still count.
 * Called by routes.c. */
#include "exporter/negotiate.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

/* A piece of the header; not NUL-terminated. */
struct span {
	const char *s;
	size_t n;
};

/* One entry between two commas. */
struct range {
	struct span name, version;	/* version.s NULL: not given */
	int q;				/* thousandths; -1: not understood */
};

static struct span trim(struct span t)
{
	while (t.n > 0 && (t.s[0] == ' ' || t.s[0] == '\t')) {
		t.s++;
		t.n--;
	}
	while (t.n > 0 && (t.s[t.n - 1] == ' ' || t.s[t.n - 1] == '\t'))
		t.n--;
	return t;
}

static bool span_is(struct span t, const char *word)
{
	return t.n == strlen(word) && strncasecmp(t.s, word, t.n) == 0;
}

/* Cuts off what stands before the next separator that is not in quotes;
 * false at the end. */
static bool cut(struct span *rest, char separator, struct span *piece_r)
{
	bool quoted = false;
	size_t i;

	if (rest->s == NULL)
		return false;
	for (i = 0; i < rest->n; i++) {
		if (rest->s[i] == '"')
			quoted = !quoted;
		else if (rest->s[i] == separator && !quoted)
			break;
	}
	*piece_r = trim((struct span){ rest->s, i });
	if (i == rest->n)
		*rest = (struct span){ NULL, 0 };
	else
		*rest = (struct span){ rest->s + i + 1, rest->n - i - 1 };
	return true;
}

/* 0, 1, 0.75 or 1.000 as thousandths; -1 for anything else. */
static int parse_q(struct span t)
{
	static const int worth[] = { 1000, 0, 100, 10, 1 };
	int q = 0;

	if (t.n == 0 || t.n > 5 || t.s[0] > '1' ||
	    (t.n > 1 && t.s[1] != '.'))
		return -1;
	for (size_t i = 0; i < t.n; i++) {
		if (i == 1)
			continue;
		if (t.s[i] < '0' || t.s[i] > '9')
			return -1;
		q += (t.s[i] - '0') * worth[i];
	}
	return q <= 1000 ? q : -1;
}

static struct span unquote(struct span t)
{
	if (t.n >= 2 && t.s[0] == '"' && t.s[t.n - 1] == '"')
		return (struct span){ t.s + 1, t.n - 2 };
	return t;
}

static bool next_range(struct span *rest, struct range *r_r)
{
	struct span entry, part, name;

	if (!cut(rest, ',', &entry))
		return false;
	*r_r = (struct range){ .q = 1000 };
	cut(&entry, ';', &r_r->name);
	while (cut(&entry, ';', &part)) {
		if (!cut(&part, '=', &name) || part.s == NULL)
			continue;
		part = unquote(trim(part));
		if (span_is(name, "q"))
			r_r->q = parse_q(part);
		else if (span_is(name, "version"))
			r_r->version = part;
	}
	return true;
}

/* Which of our formats the range means.  OpenMetrics without a version is
 * 0.0.1 by convention, which we do not write; newer versions neither. */
static bool range_format(const struct range *r, enum exposition_format *f_r)
{
	bool any = r->version.s == NULL;

	if (span_is(r->name, "application/openmetrics-text")) {
		*f_r = EXPOSITION_OPENMETRICS;
		return !any && span_is(r->version, "1.0.0");
	}
	*f_r = EXPOSITION_TEXT;
	if (span_is(r->name, "text/plain"))
		return any || span_is(r->version, "0.0.4");
	return span_is(r->name, "text/*") || span_is(r->name, "*/*");
}

enum exposition_format negotiate_format(const char *accept)
{
	enum exposition_format f, best = EXPOSITION_TEXT;
	struct span rest = { accept, accept != NULL ? strlen(accept) : 0 };
	struct range r;
	int best_q = 0;

	while (next_range(&rest, &r)) {
		if (r.q > best_q && range_format(&r, &f)) {
			best = f;
			best_q = r.q;
		}
	}
	return best;
}

bool negotiate_gzip(const char *accept_encoding)
{
	struct span rest = { accept_encoding,
	    accept_encoding != NULL ? strlen(accept_encoding) : 0 };
	struct range r;
	int gzip = -1, any = -1;

	while (next_range(&rest, &r)) {
		if (span_is(r.name, "gzip") || span_is(r.name, "x-gzip"))
			gzip = r.q;
		else if (span_is(r.name, "*"))
			any = r.q;
	}
	return gzip >= 0 ? gzip > 0 : any > 0;
}
