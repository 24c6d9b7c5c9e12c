#ifndef CORE_RENDERED_H
#define CORE_RENDERED_H

#include <stdbool.h>
#include <stddef.h>

struct buf;

/* A pair of a rendered set of labels (name="value",...), as it stands there:
 * the value is escaped. */
struct rendered_pair {
	const char *name, *value;
	size_t name_len, value_len;
};

/* Takes the next pair of *labels, which may be NULL.  false: there is none, or
 * it is not what labels_render() writes. */
bool rendered_next(const char **labels, struct rendered_pair *pair);

/* Appends the value as it was. */
void rendered_value(const struct rendered_pair *pair, struct buf *out);

/* Appends to out, unescaped, the value of one label.  false, with nothing
 * added: not there. */
bool rendered_get(const char *labels, const char *name, struct buf *out);

/* True if the label is there with exactly this value. */
bool rendered_is(const char *labels, const char *name, const char *value);

#endif
