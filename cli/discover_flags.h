#ifndef CLI_DISCOVER_FLAGS_H
#define CLI_DISCOVER_FLAGS_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/etcd_access.h"

/* What `rollcall discover` is told. */
struct discover_flags {
	struct etcd_flags etcd;
	const char *config, *output, *on_change;
	struct string_list directories;
	bool watch, stale;
	int format;			/* enum roster_format */
	int log_level, log_format;	/* enums of core/log.h */
	int64_t debounce_ms, resync_ms;
	struct im_config *im;		/* of config; NULL: none was given */
};

extern const struct flag_set discover_flag_set;

/* Reads the command line and the file it names, which counts where no flag
 * says otherwise.  Returns -1 to go on, else the exit code after saying what
 * is wrong; nothing needs freeing then. */
int discover_flags_parse(int argc, char **argv, struct discover_flags *f);
void discover_flags_free(struct discover_flags *f);

#endif
