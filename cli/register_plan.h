#ifndef CLI_REGISTER_PLAN_H
#define CLI_REGISTER_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/register_keys.h"
#include "core/options.h"

struct register_flags;

/* What is to be done, from flags, --config and --keys-from together. */
struct register_plan {
	struct register_keys keys;	/* at least one */
	int64_t ttl_s;
	bool takeover;
	const char *ready_tcp;		/* of the flags; NULL: at once */
	char *const *command;		/* the same; NULL: none */
	struct string_list endpoints;	/* of --config; flags go first */
	struct string_list warnings;	/* to be logged */
};

/* Returns -1 to go on, else the exit code after saying on stderr all that is
 * wrong; nothing needs freeing then.  Blocks. */
int register_plan_make(const struct register_flags *f,
    struct register_plan *p);
void register_plan_free(struct register_plan *p);

#endif
