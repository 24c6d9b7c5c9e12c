#ifndef CLI_HTTP_ONCE_H
#define CLI_HTTP_ONCE_H

#include <stddef.h>
#include <stdint.h>

#include "core/http_config.h"

struct err;

/* One request to a daemon, waited for: for commands that ask once and end. */

/* The base URL that commands ask where no --url is given: serve's default. */
#define HTTP_ONCE_URL "http://127.0.0.1:10379"

struct http_once {
	const char *method;		/* NULL: GET, or POST with a body */
	const char *url;
	const char *body;		/* JSON; NULL: none */
	const struct http_config *http;	/* NULL: plain */
	int64_t deadline_ms;		/* whole exchange; required */
	size_t max_body;		/* bytes of the answer; required */
};

struct http_once_answer {
	long status;
	char *body;			/* free() it; never NULL, NUL behind */
	size_t len;
};

/* Blocks until the answer is there, whatever its status is: 0.  -1 with e
 * naming the URL: there was none. */
int http_once(const struct http_once *q, struct http_once_answer *a_r,
    struct err *e);

/* Sets e to what an answer that is no 2xx says: the error of Prometheus' JSON
 * shape, or the status alone.  -1. */
int http_once_refused(const struct http_once *q,
    const struct http_once_answer *a, struct err *e);

#endif
