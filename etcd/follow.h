#ifndef ETCD_FOLLOW_H
#define ETCD_FOLLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "etcd/client.h"

/* Follows a directory for ever: a listing first, then every event behind it,
 * exactly once and in order, whichever member tells it.  Where etcd's history
 * no longer reaches back, and now and then to be sure, a whole listing comes
 * again: what you know and is not in it is gone (unless listing.bad says that
 * it may be among what made no sense), and nobody knows since when.
 *
 * refresh=true wakes no watcher, so heartbeats are not told. */
struct etcd_follow;

enum etcd_news {
	ETCD_NEWS_LISTING,	/* r->listing: all there is, as of
				   r->meta.etcd_index */
	ETCD_NEWS_EVENT,	/* r->event: at or below the path, or a
				   directory above it that went */
	ETCD_NEWS_TROUBLE,	/* r->text: no member can be followed; told
				   once, trying goes on */
	ETCD_NEWS_WELL		/* the end of that; r->endpoint */
};

typedef void etcd_follow_fn(enum etcd_news news, const struct etcd_result *r,
    void *arg);

struct etcd_follow_options {
	bool from_index;	/* no listing first: events from `index` on */
	uint64_t index;
	int64_t resync_ms;	/* a listing to be sure, this often; 0: 60 s */
	bool stale;		/* listings without asking a quorum */
};

/* On the client's loop; o may be NULL.  The result is valid inside fn, or kept
 * with etcd_keep(). */
struct etcd_follow *etcd_follow_start(struct etcd_client *c, const char *path,
    const struct etcd_follow_options *o, etcd_follow_fn *fn, void *arg);
void etcd_follow_stop(struct etcd_follow *f);	/* NULL is a no-op */

/* The same, blocking, for a client of etcd_open(): the next news, NULL after
 * timeout_ms (-1: never).  It is valid until the next call.  News come in while
 * etcd_do() waits, too, and are kept until they are asked for. */
struct etcd_reader;
struct etcd_reader *etcd_reader_open(struct etcd_client *c, const char *path,
    const struct etcd_follow_options *o);
const struct etcd_result *etcd_reader_next(struct etcd_reader *d,
    int64_t timeout_ms, enum etcd_news *news_r);
void etcd_reader_close(struct etcd_reader *d);	/* before etcd_close() */

#endif
