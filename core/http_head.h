#ifndef CORE_HTTP_HEAD_H
#define CORE_HTTP_HEAD_H

struct http_config;

/* The constant parts of a GET that is written by hand (core/lane.c).  Both to
 * be freed. */

/* What stands before each target: the path of the URL, without a slash at its
 * end. */
char *http_head_prefix(const char *url);

/* Everything behind the target: " HTTP/1.1", Host, User-Agent, Accept,
 * Authorization as http (may be NULL) wants it, and the empty line. */
char *http_head_lines(const struct http_config *http, const char *url);

#endif
