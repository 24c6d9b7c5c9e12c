#ifndef CORE_URL_H
#define CORE_URL_H

#include <stdbool.h>

struct err;

/* Whether a transfer can go to an http or https URL, whatever else is in it
 * (credentials, a query).  0, or -1 with e, which does not quote the text: it
 * may hold a secret. */
int url_check(const char *text, struct err *e);

/* An http or https URL in one spelling: scheme and host in lower case, no
 * slash at the end, default_port (may be NULL) put in where none is given.
 * Refused are credentials, a query, a fragment, and a path unless with_path.
 * Free the result; NULL with e quoting the text. */
char *url_normalize(const char *text, const char *default_port,
    bool with_path, struct err *e);

#endif
