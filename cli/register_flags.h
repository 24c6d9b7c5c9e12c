#ifndef CLI_REGISTER_FLAGS_H
#define CLI_REGISTER_FLAGS_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/etcd_access.h"

/* The command line of `rollcall register`. */
struct register_flags {
	struct etcd_flags etcd;
	const char *key, *value;	/* NULL: not given */
	const char *keys_from, *config, *ready_tcp;
	int64_t ttl_ms;			/* -1: not given */
	bool takeover;
	int log_level, log_format;	/* of core/log.h */
	char *const *command;		/* in argv, with the NULL at its end;
					   NULL: none */
};

extern const struct flag_set register_flag_set;

/* Returns -1 to go on, else the exit code after saying what is wrong; nothing
 * needs freeing then.  argv has a NULL at its end. */
int register_flags_parse(int argc, char **argv, struct register_flags *f);
void register_flags_free(struct register_flags *f);

#endif
