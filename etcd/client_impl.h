#ifndef ETCD_CLIENT_IMPL_H
#define ETCD_CLIENT_IMPL_H

#include <stdbool.h>
#include <sys/queue.h>

#include "etcd/client.h"

/* What client.c and blocking.c share. */

TAILQ_HEAD(etcd_asks, etcd_ask);

struct etcd_client {
	struct loop *loop;
	bool own_loop;
	char **urls;
	size_t n, current;		/* current: asked first */
	const struct http_config *http;
	int64_t deadline_ms, attempt_ms;
	struct etcd_asks waiting, running;
	size_t nrunning;

	/* The last answer of etcd_do(). */
	struct etcd_result result;
	struct etcd_call *kept;		/* whose its strings are */
	bool answered;
};

#endif
