/* Patterns such as {service_name}/{instance_id}, which say how an identity is
 * written into a key.  Compiled once when the configuration is read, matched
 * for every key of a directory.  A {name} takes as little as it can and at
 * least one character, the last one of a segment takes the rest; since two
 * names are always parted by literal text, no match ever has to go back. */
#include "core/pattern.h"

#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/xalloc.h"

enum { MAX_SEGMENTS = 16, MAX_NAMES = 16 };

/* literal[0] name[0] literal[1] ... name[n - 1] literal[n] */
struct segment {
	char *literal[MAX_NAMES + 1];
	size_t name[MAX_NAMES];		/* index into the pattern's names */
	size_t n;
};

struct pattern {
	struct segment segments[MAX_SEGMENTS];
	size_t depth;
	char *names[MAX_NAMES];
	size_t nnames;
};

struct span {
	const char *s;
	size_t n;
};

static size_t find_name(const struct pattern *p, const char *name)
{
	size_t i = 0;

	while (i < p->nnames && strcmp(p->names[i], name) != 0)
		i++;
	return i;
}

/* Names that become labels must not meet those that are there already. */
static bool is_taken(const char *name)
{
	static const char *const taken[] = {
		"address", "etcd_cluster", "key",
	};

	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		if (strcmp(name, taken[i]) == 0)
			return true;
	return strncmp(name, "__", 2) == 0;
}

static int add_name(struct pattern *p, struct segment *s, char *name,
    struct err *e)
{
	int rc = 0;

	if (!labels_valid_name(name))
		rc = err_set(e, "{%s} is no valid label name", name);
	else if (is_taken(name))
		rc = err_set(e, "{%s} is a reserved name", name);
	else if (find_name(p, name) < p->nnames)
		rc = err_set(e, "{%s} is there twice", name);
	else if (p->nnames == MAX_NAMES)
		rc = err_set(e, "more than %d names", MAX_NAMES);
	if (rc < 0) {
		free(name);
		return rc;
	}
	s->name[s->n++] = p->nnames;
	p->names[p->nnames++] = name;
	return 0;
}

static int add_literal(struct segment *s, const char *text, size_t n,
    struct err *e)
{
	if (memchr(text, '}', n))
		return err_set(e, "a } without a {");
	s->literal[s->n] = xstrndup(text, n);
	return 0;
}

/* One segment: text[0..len), no slash in it. */
static int compile_segment(struct pattern *p, const char *text, size_t len,
    struct err *e)
{
	struct segment *s = &p->segments[p->depth++];
	const char *end = text + len, *open, *close;

	for (;; text = close + 1) {
		open = memchr(text, '{', (size_t)(end - text));
		if (s->n > 0 && open == text)
			return err_set(e, "two names without text between "
			    "them");
		if (add_literal(s, text, (size_t)((open ? open : end) - text),
		    e) < 0)
			return -1;
		if (!open)
			return 0;
		close = memchr(open, '}', (size_t)(end - open));
		if (!close)
			return err_set(e, "a { without a }");
		if (add_name(p, s, xstrndup(open + 1,
		    (size_t)(close - open - 1)), e) < 0)
			return -1;
	}
}

static int compile(struct pattern *p, const char *text, struct err *e)
{
	size_t n;

	for (;; text += n + 1) {
		n = strcspn(text, "/");
		if (n == 0)
			return err_set(e, "an empty part (a slash at the "
			    "beginning, at the end or twice)");
		if (p->depth == MAX_SEGMENTS)
			return err_set(e, "more than %d parts", MAX_SEGMENTS);
		if (compile_segment(p, text, n, e) < 0)
			return -1;
		if (!text[n])
			break;
	}
	if (find_name(p, "instance_id") == p->nnames)
		return err_set(e, "{instance_id} is missing");
	return 0;
}

struct pattern *pattern_compile(const char *text, struct err *e)
{
	struct pattern *p = xcalloc(1, sizeof(*p));

	if (compile(p, text, e) < 0) {
		err_prefix(e, "\"%s\"", text);
		pattern_free(p);
		return NULL;
	}
	return p;
}

void pattern_free(struct pattern *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->depth; i++)
		for (size_t j = 0; j <= p->segments[i].n; j++)
			free(p->segments[i].literal[j]);
	for (size_t i = 0; i < p->nnames; i++)
		free(p->names[i]);
	free(p);
}

size_t pattern_depth(const struct pattern *p)
{
	return p->depth;
}

bool pattern_has_service(const struct pattern *p)
{
	return find_name(p, "service_name") < p->nnames;
}

static bool begins(const char *s, const char *end, const char *literal)
{
	size_t n = strlen(literal);

	return (size_t)(end - s) >= n && memcmp(s, literal, n) == 0;
}

/* Where the name that begins at s ends: before the literal behind it.  NULL
 * if that is nowhere. */
static const char *end_of_name(const char *s, const char *end,
    const char *literal, bool last)
{
	size_t n = strlen(literal);

	if (s == end)
		return NULL;
	if (!last)
		return memmem(s + 1, (size_t)(end - s - 1), literal, n);
	if ((size_t)(end - s) <= n || !begins(end - n, end, literal))
		return NULL;
	return end - n;
}

static bool match_segment(const struct segment *seg, const char *s,
    const char *end, struct span *values)
{
	const char *stop;

	if (!begins(s, end, seg->literal[0]))
		return false;
	s += strlen(seg->literal[0]);
	for (size_t i = 0; i < seg->n; i++) {
		stop = end_of_name(s, end, seg->literal[i + 1],
		    i + 1 == seg->n);
		if (!stop)
			return false;
		values[seg->name[i]] = (struct span){ s, (size_t)(stop - s) };
		s = stop + strlen(seg->literal[i + 1]);
	}
	return s == end;
}

static void fill(const struct pattern *p, const struct span *values,
    struct identity *id)
{
	char *value;

	*id = (struct identity){ 0 };
	for (size_t i = 0; i < p->nnames; i++) {
		value = xstrndup(values[i].s, values[i].n);
		if (strcmp(p->names[i], "instance_id") == 0) {
			id->instance_id = value;
		} else if (strcmp(p->names[i], "service_name") == 0) {
			id->service_name = value;
		} else {
			labels_set(&id->extra, p->names[i], value);
			free(value);
		}
	}
}

bool pattern_match(const struct pattern *p, const char *relative,
    struct identity *id_r)
{
	struct span values[MAX_NAMES];
	size_t n;

	for (size_t i = 0; i < p->depth; i++) {
		n = strcspn(relative, "/");
		if (!match_segment(&p->segments[i], relative, relative + n,
		    values))
			return false;
		if ((relative[n] == '/') != (i + 1 < p->depth))
			return false;
		relative += n + 1;
	}
	fill(p, values, id_r);
	return true;
}

void identity_free(struct identity *id)
{
	free(id->service_name);
	free(id->instance_id);
	labels_free(&id->extra);
	*id = (struct identity){ 0 };
}
