/* The words for states, causes and reasons, as they stand in the database's
 * views, in logs, metrics and JSON. */
#include <assert.h>

#include "core/registry.h"

const char *state_name(enum state s)
{
	static const char *const names[] = {
		[STATE_UP] = "up",
		[STATE_EXPIRED] = "expired",
		[STATE_LOST] = "lost",
		[STATE_DEREGISTERED] = "deregistered",
	};

	assert(s >= STATE_UP && s <= STATE_DEREGISTERED);
	return names[s];
}

const char *cause_name(enum cause c)
{
	static const char *const names[] = {
		[CAUSE_REGISTERED] = "registered",
		[CAUSE_EXPIRE] = "expire",
		[CAUSE_DELETE] = "delete",
		[CAUSE_DIR_EXPIRE] = "dir_expire",
		[CAUSE_DIR_DELETE] = "dir_delete",
		[CAUSE_DIFF] = "diff",
		[CAUSE_ETCD_OUTAGE] = "etcd_outage",
		[CAUSE_FORGOTTEN] = "forgotten",
		[CAUSE_UNWATCHED] = "unwatched",
	};

	assert(c >= CAUSE_REGISTERED && c < CAUSE_COUNT);
	return names[c];
}

const char *const resync_names[RESYNC_COUNT] = {
	[RESYNC_START] = "start",
	[RESYNC_HISTORY_CLEARED] = "history_cleared",
	[RESYNC_NEW_STORE] = "new_store",
	[RESYNC_CONNECTION] = "connection",
	[RESYNC_MEMBER] = "member",
	[RESYNC_LEADER] = "leader",
	[RESYNC_DIFFERENCE] = "difference",
};
