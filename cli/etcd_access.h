#ifndef CLI_ETCD_ACCESS_H
#define CLI_ETCD_ACCESS_H

#include "cli/flags.h"
#include "core/http_config.h"
#include "core/options.h"
#include "etcd/client.h"

/* How the commands that talk to etcd themselves (register, discover) reach
 * it. */
struct etcd_flags {
	struct string_list endpoints;
	const char *http_config_file;
};

/* The lines of a flag table for the field `member_`, a struct etcd_flags, of
 * `type_`. */
#define ETCD_ENDPOINT_FLAG(type_, member_) \
	{ .name = "etcd.endpoint", .type = FLAG_STRINGS, \
	  .offset = offsetof(type_, member_.endpoints), .value = "URL", \
	  .help = "Client URL of a member of the etcd cluster, or several" \
	    " with commas: whichever answers is used." }
#define ETCD_HTTP_FLAG(type_, member_) \
	{ .name = "http.config.file", .type = FLAG_STRING, \
	  .offset = offsetof(type_, member_.http_config_file), \
	  .value = "FILE", .not_empty = true, \
	  .help = "How to speak to etcd: a YAML file with Prometheus'" \
	    " http_config (basic_auth, tls_config, ...)." }

/* A loop, and a client on it. */
struct etcd_access {
	struct loop *loop;
	struct http_config http;
	struct etcd_client *client;
};

/* Opens it; endpoints: used where no flag names any (may be NULL).  Signals
 * that end a program are blocked from here on, to be read by signalfd.
 * Returns -1 to go on, else the exit code after saying on stderr what is
 * wrong. */
int etcd_access_open(const struct flag_set *set, const struct etcd_flags *f,
    const struct string_list *endpoints, struct etcd_access *a);
void etcd_access_close(struct etcd_access *a);

/* They have their usual effect again: where nobody reads them any more. */
void etcd_access_let_signals(void);

#endif
