#ifndef CLI_IM_CONFIG_H
#define CLI_IM_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/options.h"

struct err;
struct problems;

/* The key=value file of a server of the instant-messaging system: where its
 * register center (etcd) is, what it registers there and what it discovers.
 * Keys that are the servers' own business are ignored. */
struct im_config {
	char *file;
	struct string_list endpoints;	/* "http://10.0.0.1:2379" */
	char *service_id;		/* no slash in it; NULL: not given */
	char *service_dir;		/* "/login_servers": no slash at end */
	char *host_ip;			/* or name; IPv6 without brackets */
	int64_t register_ttl_ms, discovery_ttl_ms;	/* 0: not given */
	int64_t client_port, http_port, msg_server_port;
	char *login_service_dir;
	struct string_list warnings;	/* "FILE:LINE:COLUMN: what" */
};

/* Reads and checks a file.  NULL with at least one problem.  Blocks: never on
 * the loop. */
struct im_config *im_config_load(const char *path, struct problems *p);

/* The same from text; file is its name in messages. */
struct im_config *im_config_parse(const char *file, const char *text,
    size_t len, struct problems *p);
void im_config_free(struct im_config *c);	/* NULL is a no-op */

/* Milliseconds as the whole seconds etcd takes: rounded up, at least 1;
 * *rounded_r says whether that makes a difference. */
int64_t im_config_seconds(int64_t ms, bool *rounded_r);

/* The key that this server registers, "/login_servers/0001-0001".  Free it.
 * NULL with e naming the file and what is missing in it. */
char *im_config_key(const struct im_config *c, struct err *e);

/* The value of that key, as JSON with ip, port (ClientPort), http_port and
 * msg_server_port, each if it is given; free it.  NULL with e if there is no
 * HostIp.  address_of_value() finds the address in it. */
char *im_config_value(const struct im_config *c, struct err *e);

#endif
