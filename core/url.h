#ifndef CORE_URL_H
#define CORE_URL_H

#include <stdbool.h>

struct err;

/* An http or https URL in one spelling: scheme and host in lower case, no
 * slash at the end, default_port (may be NULL) put in where none is given.
 * Refused are credentials, a query, a fragment, and a path unless with_path.
 * Free the result; NULL with e quoting the text. */
char *url_normalize(const char *text, const char *default_port,
    bool with_path, struct err *e);

#endif
