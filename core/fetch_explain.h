#ifndef CORE_FETCH_EXPLAIN_H
#define CORE_FETCH_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <curl/curl.h>

#include "core/fetch.h"

/* A request that ended without a whole answer, as core/fetch.c knows it. */
struct fetch_failure {
	CURL *easy;			/* NULL if there never was one */
	CURLcode code;
	const char *detail;		/* curl's own text, may be "" */
	const char *url;
	int64_t deadline_ms;
	size_t max_body;
	bool head;			/* the head had come */
	bool too_large;			/* we stopped it ourselves */
};

/* Which error it is, and the reason as one line for people. */
enum fetch_error fetch_explain(const struct fetch_failure *f, char *reason,
    size_t size);

#endif
