#ifndef CORE_LANE_H
#define CORE_LANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/fetch_error.h"
#include "core/http_answer.h"

struct http_config;
struct loop;

/* A connection on which GETs are sent without waiting for the answers to those
 * before (pipelining, RFC 9112, 9.3.2): the server answers in order.  Only for
 * one server and for what may be asked twice; ordinary requests are
 * core/fetch.h's. */
struct lane;

struct lane_user {
	/* Connected: what is asked goes out from now on. */
	void (*open)(struct lane *l, void *arg);

	/* The head of the next answer has come; its body not yet. */
	void (*head)(struct lane *l, const struct http_answer *a, void *arg);

	/* The next answer, whole.  The body may be taken (buf_take). */
	void (*answer)(struct lane *l, struct http_answer *a, void *arg);

	/* The end: nothing is called any more.  reason: one line for people.
	 * What was asked and not answered is lost. */
	void (*end)(struct lane *l, enum fetch_error error,
	    const char *reason, void *arg);
};

struct lane_request {
	const char *url;		/* http://host:port */
	const struct http_config *http;	/* NULL: plain; used only at start */
	int64_t connect_ms;
	size_t max_body;		/* of each answer */
	const struct lane_user *user;
	void *arg;
};

/* False where requests cannot be written by hand: plain HTTP through a
 * proxy. */
bool lane_is_possible(const char *url, const struct http_config *http);

/* Connects.  Never NULL: what fails is told through end() on a later turn. */
struct lane *lane_open(struct loop *loop, const struct lane_request *r);

/* At any time, also inside the callbacks.  NULL is a no-op. */
void lane_close(struct lane *l);

/* Asks for a path and query ("/v2/keys/a?wait=true"); sent with lane_flush(),
 * so that many go out at once. */
void lane_get(struct lane *l, const char *target);
void lane_flush(struct lane *l);

/* Leaves what comes unread for a while, so that more is read at a time. */
void lane_pause(struct lane *l, bool pause);

/* Asked and not answered. */
size_t lane_unanswered(const struct lane *l);

#endif
