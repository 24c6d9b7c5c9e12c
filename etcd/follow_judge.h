#ifndef ETCD_FOLLOW_JUDGE_H
#define ETCD_FOLLOW_JUDGE_H

#include <stdbool.h>
#include <stdint.h>

/* How long etcd/follow.c waits for what. */
enum {
	POLL_MS = 1000,			/* the first one; then by the pace */
	POLL_MIN_MS = 50, POLL_MAX_MS = 5000,
	PACE_EVENTS = 300,		/* in one poll, of etcd's 1000 */
	RETRY_MS = 100, RETRY_MAX_MS = 2000
};

/* The length of the next poll, after one of poll_ms, if the store made so many
 * events within took_ms; 0: nothing is known of that. */
int64_t follow_pace(int64_t poll_ms, uint64_t events, int64_t took_ms);

/* The pause after so many rounds through all members in vain. */
int64_t follow_pause(unsigned rounds);

/* Whether an event at key is news to who follows path ("/a/b", or ""): it is at
 * the path, below it and not hidden, or a directory above it.  History also
 * tells of hidden keys, and of /ab to who watches /a. */
bool follow_concerns(const char *path, const char *key);

#endif
