#ifndef ETCD_ETCD_H
#define ETCD_ETCD_H

#include <stdbool.h>
#include <stdint.h>

#include "etcd/request.h"
#include "etcd/result.h"

struct http_config;
struct loop;

/* Asking one member of etcd, on the loop.  Several members, or no loop:
 * etcd/client.h.  All strings in a result live until the callback returns. */

struct etcd_target {
	struct loop *loop;
	const char *url;		/* http://host:port */
	const struct http_config *http;	/* NULL: plain */
};

typedef void etcd_done(const struct etcd_result *r, void *arg);
typedef void etcd_head(const struct etcd_meta *m, long status, void *arg);

/* Sends the request.  Never NULL: it ends with done(), exactly once, on the
 * loop, on a later turn and within deadline_ms, unless it is cancelled.  A
 * listing is decoded while it arrives, another large answer in a thread, so
 * that events newer than it may be told before it. */
struct etcd_call *etcd_start(const struct etcd_target *t,
    const struct etcd_request *r, int64_t deadline_ms, etcd_done *done,
    void *arg);

/* Before the loop turns: head() is called, with the call's arg, when the
 * headers have come.  Those of a watch come at once and say how far the store
 * was when it began.  It may cancel the call. */
void etcd_on_head(struct etcd_call *c, etcd_head *head);

/* Before the loop turns, for a listing: its nodes are not collected, but each
 * is told as soon as it is there, with the call's arg, a directory behind what
 * is in it.  The node and its strings live during node(), which may not cancel
 * the call.  Some are told in each turn, before anybody knows whether there
 * will be a whole listing: that is what done() says.  Its result has no nodes
 * then (listing.v is NULL), but how many made no sense. */
void etcd_on_nodes(struct etcd_call *c, etcd_on_node *node);

/* The body of the answer has begun to come, or is here and being decoded. */
bool etcd_is_arriving(const struct etcd_call *c);

/* Ends a call without its callback.  NULL is a no-op. */
void etcd_cancel(struct etcd_call *c);

/* Inside done(): the result's strings and arrays stay until etcd_release(),
 * once for each time they are kept, which frees large ones in a thread.  The
 * structs of the result itself are copied by whoever keeps them.  NULL for a
 * result that no call made. */
struct etcd_call *etcd_keep(const struct etcd_result *r);
void etcd_release(struct etcd_call *c);		/* NULL is a no-op */

#endif
