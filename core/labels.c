/* Label sets as Prometheus has them: sorted by name, each name once, an empty
 * value the same as none.  Also the three ways they are written down: in an
 * exposition, as JSON and as a fingerprint.  Sets are small (a dozen pairs at
 * most), so a sorted array is all there is to it. */
#include "core/labels.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/rendered.h"
#include "core/utf8.h"
#include "core/xalloc.h"

/* Where name is, or where it belongs. */
static size_t position(const struct labels *l, const char *name, bool *found_r)
{
	size_t low = 0, high = l->n;

	*found_r = false;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = strcmp(l->v[mid].name, name);

		if (order == 0) {
			*found_r = true;
			return mid;
		}
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void remove_at(struct labels *l, size_t i)
{
	free(l->v[i].name);
	free(l->v[i].value);
	l->n--;
	memmove(&l->v[i], &l->v[i + 1], (l->n - i) * sizeof(*l->v));
}

static void insert_at(struct labels *l, size_t i, const char *name,
    char *value)
{
	l->v = xreallocarray(l->v, l->n + 1, sizeof(*l->v));
	memmove(&l->v[i + 1], &l->v[i], (l->n - i) * sizeof(*l->v));
	l->v[i] = (struct label){ xstrdup(name), value };
	l->n++;
}

void labels_set(struct labels *l, const char *name, const char *value)
{
	bool found;
	size_t i = position(l, name, &found);
	char *copy;

	assert(name && value);
	if (!*value) {
		if (found)
			remove_at(l, i);
		return;
	}
	copy = xstrdup(value);	/* first: it may be part of the old one */
	if (found) {
		free(l->v[i].value);
		l->v[i].value = copy;
	} else {
		insert_at(l, i, name, copy);
	}
}

void labels_append(struct labels *l, const char *name, const char *value)
{
	insert_at(l, l->n, name, xstrdup(value));
}

const char *labels_get(const struct labels *l, const char *name)
{
	bool found;
	size_t i = position(l, name, &found);

	return found ? l->v[i].value : NULL;
}

void labels_copy(struct labels *to, const struct labels *from)
{
	size_t i;

	for (i = 0; to->n > 0 && i < from->n; i++)
		labels_set(to, from->v[i].name, from->v[i].value);
	if (to->n > 0 || from->n == 0)
		return;
	to->v = xreallocarray(to->v, from->n, sizeof(*to->v));
	for (; to->n < from->n; to->n++)
		to->v[to->n] = (struct label){ xstrdup(from->v[to->n].name),
		    xstrdup(from->v[to->n].value) };
}

void labels_free(struct labels *l)
{
	size_t i;

	for (i = 0; i < l->n; i++) {
		free(l->v[i].name);
		free(l->v[i].value);
	}
	free(l->v);
	*l = (struct labels){ 0 };
}

bool labels_equal(const struct labels *a, const struct labels *b)
{
	size_t i;

	if (a->n != b->n)
		return false;
	for (i = 0; i < a->n; i++)
		if (strcmp(a->v[i].name, b->v[i].name) ||
		    strcmp(a->v[i].value, b->v[i].value))
			return false;
	return true;
}

/* Not isalpha(): that follows the locale. */
static bool is_name_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool labels_valid_name(const char *name)
{
	if (!is_name_start(*name))
		return false;
	while (is_name_start(*name) || (*name >= '0' && *name <= '9'))
		name++;
	return !*name;
}

static uint64_t fnv1a(uint64_t h, const char *s)
{
	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001b3u;
	return (h ^ 0xff) * 0x100000001b3u;
}

uint64_t labels_fingerprint(const struct labels *l)
{
	uint64_t h = 0xcbf29ce484222325u;
	size_t i;

	for (i = 0; i < l->n; i++) {
		h = fnv1a(h, l->v[i].name);
		h = fnv1a(h, l->v[i].value);
	}
	return h;
}

/* Appends the run of bytes that need no escape; returns its length. */
static size_t add_plain(struct buf *out, const char *s)
{
	size_t n = 0;

	while (s[n] && (signed char)s[n] > 0 && !strchr("\\\"\n", s[n]))
		n++;
	buf_add(out, s, n);
	return n;
}

static void add_escaped(struct buf *out, const char *s)
{
	size_t left = strlen(s), n;

	while (left) {
		n = add_plain(out, s);
		if (n == 0 && *s == '\n') {
			buf_adds(out, "\\n");
			n = 1;
		} else if (n == 0 && (*s == '\\' || *s == '"')) {
			buf_addc(out, '\\');
			buf_addc(out, *s);
			n = 1;
		} else if (n == 0 && (n = utf8_len(s, left)) > 0) {
			buf_add(out, s, n);
		} else if (n == 0) {
			buf_adds(out, UTF8_REPLACEMENT);
			n = 1;
		}
		s += n;
		left -= n;
	}
}

void labels_render_pair(struct buf *out, const char *name, const char *value)
{
	buf_adds(out, name);
	buf_adds(out, "=\"");
	add_escaped(out, value);
	buf_addc(out, '"');
}

void labels_render(const struct labels *l, struct buf *out)
{
	size_t i;

	for (i = 0; i < l->n; i++) {
		if (i)
			buf_addc(out, ',');
		labels_render_pair(out, l->v[i].name, l->v[i].value);
	}
}

void labels_read(struct labels *l, const char *s)
{
	struct rendered_pair pair;
	struct buf value;

	buf_init(&value, strlen(s));
	while (rendered_next(&s, &pair)) {
		char *name = xstrndup(pair.name, pair.name_len);

		buf_reset(&value);
		rendered_value(&pair, &value);
		labels_set(l, name, buf_str(&value));
		free(name);
	}
	buf_free(&value);
}

void labels_json(const struct labels *l, struct buf *out)
{
	size_t i;

	buf_addc(out, '{');
	for (i = 0; i < l->n; i++) {
		if (i)
			buf_addc(out, ',');
		buf_add_json(out, l->v[i].name);
		buf_addc(out, ':');
		buf_add_json(out, l->v[i].value);
	}
	buf_addc(out, '}');
}
