/* Reads back labels that a snapshot carries rendered, for readers that want
 * one of them by itself.  The input comes from labels_render() alone; still,
 * whatever does not look like it ends the search.  Called by page.c and
 * routes.c. */
#include "exporter/rendered.h"

#include <stddef.h>
#include <string.h>

#include "core/buf.h"

enum { RENDERED_MAX = 64 << 10 };

/* The end of a quoted value: its closing quote, or NULL. */
static const char *value_end(const char *s)
{
	for (; *s != '\0' && *s != '"'; s++)
		if (*s == '\\' && *++s == '\0')
			return NULL;
	return *s == '"' ? s : NULL;
}

static void add_unescaped(struct buf *out, const char *s, const char *end)
{
	for (; s < end; s++) {
		if (*s == '\\' && s + 1 < end) {
			s++;
			buf_addc(out, *s == 'n' ? '\n' : *s);
		} else {
			buf_addc(out, *s);
		}
	}
}

bool rendered_get(const char *labels, const char *name, struct buf *out)
{
	size_t n = strlen(name);
	const char *equals, *end;

	while (labels != NULL && (equals = strchr(labels, '=')) != NULL &&
	    equals[1] == '"' && (end = value_end(equals + 2)) != NULL) {
		if ((size_t)(equals - labels) == n &&
		    strncmp(labels, name, n) == 0) {
			add_unescaped(out, equals + 2, end);
			return true;
		}
		labels = end[1] == ',' ? end + 2 : NULL;
	}
	return false;
}

bool rendered_is(const char *labels, const char *name, const char *value)
{
	struct buf b;
	bool same;

	buf_init(&b, RENDERED_MAX);
	same = rendered_get(labels, name, &b) &&
	    strcmp(buf_str(&b), value) == 0;
	buf_free(&b);
	return same;
}
