#ifndef CLI_SERVE_FLAGS_H
#define CLI_SERVE_FLAGS_H

#include "core/log.h"
#include "core/options.h"

struct config;

/* The command line of `rollcall serve`.  Either config_file is set or there
 * is at least one endpoint and one directory, never both. */
struct serve_flags {
	const char *config_file;
	struct string_list etcd_endpoints;
	struct string_list directories;
	struct string_list listen_addresses;	/* [":10379"] */
	const char *telemetry_path;		/* "/metrics" */
	const char *external_url;		/* NULL if not given */
	const char *storage_path;		/* overrides the config */
	bool admin_api;				/* changes from everywhere */
	int log_level;				/* enum log_level */
	int log_format;				/* enum log_format */
};

/* As flags_parse(): -1 to go on (serve_flags_free() later), else the exit
 * code, with all said. */
int serve_flags_parse(int argc, char **argv, struct serve_flags *f);
void serve_flags_free(struct serve_flags *f);

/* The database: the flag's, or else the configuration's. */
const char *serve_flags_storage(const struct serve_flags *f,
    const struct config *c);

#endif
