#ifndef EXPORTER_NEGOTIATE_H
#define EXPORTER_NEGOTIATE_H

#include <stdbool.h>

#include "exporter/exposition.h"

/* The format to answer in for an Accept header (NULL: none was sent):
 * the one asked for with the highest q, of equals the first; text 0.0.4 if
 * nothing we have was asked for.  Never fails. */
enum exposition_format negotiate_format(const char *accept);

/* True if an Accept-Encoding header (or NULL) allows gzip. */
bool negotiate_gzip(const char *accept_encoding);

#endif
