/* What following decides without any state: how long polls and pauses last, and
 * which events matter.  Called by etcd/follow.c. */
#include "etcd/follow_judge.h"

#include <string.h>

int64_t follow_pace(int64_t poll_ms, uint64_t events, int64_t took_ms)
{
	int64_t ms = poll_ms * 2;

	if (events > 0)
		ms = PACE_EVENTS * (took_ms > 0 ? took_ms : 1) /
		    (int64_t)events;
	if (ms < POLL_MIN_MS)
		ms = POLL_MIN_MS;
	return ms < POLL_MAX_MS ? ms : POLL_MAX_MS;
}

int64_t follow_pause(unsigned rounds)
{
	int64_t ms = RETRY_MS;

	if (rounds == 0)
		return 0;
	while (--rounds > 0 && ms < RETRY_MAX_MS)
		ms *= 2;
	return ms < RETRY_MAX_MS ? ms : RETRY_MAX_MS;
}

bool follow_concerns(const char *path, const char *key)
{
	size_t own = strlen(path), its = strlen(key);

	if (its >= own)
		return strncmp(key, path, own) == 0 &&
		    (key[own] == '/' || key[own] == '\0') &&
		    !strstr(key + own, "/_");
	return strncmp(key, path, its) == 0 && path[its] == '/';
}
