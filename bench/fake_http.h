#ifndef BENCH_FAKE_HTTP_H
#define BENCH_FAKE_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "core/buf.h"

/* A connection.  Requests on it are answered one after the other, so one that
 * is `busy` reads on but looks at nothing more. */
struct conn {
	struct http *http;
	int fd;
	struct buf in, out;
	size_t sent;			/* of out */
	bool busy, ready, dead;
	bool last;			/* closed behind this answer */
	uint32_t events;		/* what epoll watches for */
	TAILQ_ENTRY(conn) next_ready;

	/* The server's: who waits for what, and what is being listed. */
	uint64_t wait_index;		/* 0: not waiting */
	LIST_ENTRY(conn) next_waiting;
	struct listing *listing;
};

/* The parts of a request; they live until the handler returns. */
struct request {
	const char *method, *path, *query;
};

struct http {
	int epoll, listener;
	TAILQ_HEAD(ready, conn) ready;

	/* A request came.  Answers it, or sets c->busy and does so later. */
	void (*on_request)(struct conn *c, const struct request *r, void *arg);

	/* A busy connection has room for more. */
	void (*on_room)(struct conn *c, void *arg);

	/* It is about to be freed. */
	void (*on_close)(struct conn *c, void *arg);
	void *arg;
};

/* Listens on 127.0.0.1; -1 with errno if that fails. */
int http_listen(struct http *h, int port);

/* Waits at most so long (-1: for ever), then serves what there is. */
void http_turn(struct http *h, int timeout_ms);

/* --- answers; each may be called from anywhere --- */

/* A whole answer.  `headers` are complete lines.  A body above 2048 bytes goes
 * out as one chunk, as Go does it. */
void conn_answer(struct conn *c, int status, const char *headers,
    const char *body, size_t len);

/* The same in pieces: c is busy until conn_end(). */
void conn_begin(struct conn *c, int status, const char *headers);
void conn_chunk(struct conn *c, const char *data, size_t len);
void conn_end(struct conn *c);

/* The value of a parameter in a query, copied into value[size]; false if it is
 * not there.  Nothing is unescaped. */
bool http_parameter(const char *query, const char *name, char *value,
    size_t size);

#endif
