#ifndef BENCH_FAKE_API_H
#define BENCH_FAKE_API_H

#include <stdint.h>
#include <sys/queue.h>

#include "bench/fake_http.h"
#include "bench/fake_jobs.h"
#include "bench/fake_store.h"

/* The whole of fake-etcd: one member with one directory. */
struct fake {
	struct http http;
	struct store store;
	struct jobs jobs;
	int port;
	uint64_t requests, listings, told;
	LIST_HEAD(waiting, conn) waiting;
};

/* Takes over the callbacks of f->http and f->store. */
void api_init(struct fake *f);

/* Lets the jobs that go by reading come up with what is waited for. */
void api_feed_readers(struct fake *f);

/* fake_control.c: GET /control and POST /control/ACTION. */
void control_request(struct fake *f, struct conn *c, const struct request *r);

#endif
