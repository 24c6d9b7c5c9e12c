/* Reads back labels that were rendered (core/labels.c), for whoever wants them,
 * or one of them, by themselves.  The input comes from labels_render() alone;
 * still, whatever does not look like it ends the search. */
#include "core/rendered.h"

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

bool rendered_next(const char **labels, struct rendered_pair *pair)
{
	const char *name = *labels, *equals, *end;

	*labels = NULL;
	if (name == NULL || (equals = strchr(name, '=')) == NULL ||
	    equals[1] != '"' || (end = value_end(equals + 2)) == NULL)
		return false;
	*pair = (struct rendered_pair){ name, equals + 2,
		(size_t)(equals - name), (size_t)(end - equals - 2) };
	*labels = end[1] == ',' ? end + 2 : NULL;
	return true;
}

void rendered_value(const struct rendered_pair *pair, struct buf *out)
{
	const char *s = pair->value, *end = s + pair->value_len;

	for (; s < end; s++) {
		bool escaped = *s == '\\';

		s += escaped;
		buf_addc(out, escaped && *s == 'n' ? '\n' : *s);
	}
}

bool rendered_get(const char *labels, const char *name, struct buf *out)
{
	struct rendered_pair pair;

	while (rendered_next(&labels, &pair))
		if (pair.name_len == strlen(name) &&
		    strncmp(pair.name, name, pair.name_len) == 0) {
			rendered_value(&pair, out);
			return true;
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
