#ifndef EXPORTER_RENDERED_H
#define EXPORTER_RENDERED_H

#include <stdbool.h>

struct buf;

/* Appends to out, unescaped, the value of one label of a rendered set
 * (name="value",...; may be NULL).  false, with nothing added: not there. */
bool rendered_get(const char *labels, const char *name, struct buf *out);

/* True if the label is there with exactly this value. */
bool rendered_is(const char *labels, const char *name, const char *value);

#endif
