#ifndef CLI_DAEMON_URL_H
#define CLI_DAEMON_URL_H

#include <cjson/cJSON.h>

#include "cli/flags.h"
#include "cli/http_once.h"

/* Where a daemon is that a command has something done by: flags, and one
 * request with its answer. */
struct daemon_url {
	const char *url, *http_config_file;
};

/* Rows for a table of flags, for a struct whose member `daemon` this is. */
#define DAEMON_URL_FLAGS(in_) \
	{ .name = "url", .type = FLAG_STRING, \
	  .offset = offsetof(in_, daemon.url), .value = "URL", \
	  .not_empty = true, .fallback = HTTP_ONCE_URL, \
	  .help = "Where the daemon is." }, \
	{ .name = "http.config.file", .type = FLAG_STRING, \
	  .offset = offsetof(in_, daemon.http_config_file), .value = "FILE", \
	  .not_empty = true, .help = "How to connect to --url: TLS," \
	    " passwords (Prometheus' http_config)." }

/* Sends a request to URL/api/registry/v1/PATH; body is JSON or NULL.  The
 * parsed answer, or NULL after saying on stderr why there is none. */
cJSON *daemon_url_ask(const struct flag_set *set, const struct daemon_url *d,
    const char *method, const char *path, const char *body);

#endif
