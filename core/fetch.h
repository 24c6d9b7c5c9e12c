#ifndef CORE_FETCH_H
#define CORE_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/clock.h"
#include "core/fetch_error.h"

struct http_config;
struct loop;

/* HTTP requests on the loop.  Every request has a deadline, a largest body
 * and can be cancelled.  Names are resolved in curl's own threads; handles
 * carry QUICK_EXIT, so a hung resolver holds up nothing.  A running request
 * has its connection to itself; an idle one is kept and used again. */
struct fetch;		/* a request under way */

struct fetch_answer {
	enum fetch_error error;
	char reason[256];	/* one line for people; "" if FETCH_OK */
	long status;		/* HTTP status, 0 if none came */
	char *body;		/* owned by the fetch; may be modified */
	size_t len;		/* the body is NUL-terminated behind len */
	mono_t started, ended;
	int64_t duration_us;
};

struct fetch_request {
	const char *method;		/* NULL: GET, or POST with a body */
	const char *url;
	const char *const *headers;	/* "Name: value", NULL-terminated */
	const char *body;		/* copied */
	size_t body_len;
	const struct http_config *http;	/* NULL: plain; used only at start */
	int64_t connect_ms;		/* 0: 1000 */
	int64_t deadline_ms;		/* whole exchange; required */
	size_t max_body;		/* bytes; required */
	bool once;			/* never sent twice: on a connection
					   of its own, since curl sends again
					   what a kept one swallowed */

	/* The head of the answer is complete (status and headers known, body
	 * not).  The final head: neither a 1xx nor a redirect that is being
	 * followed.  Always before on_done.  May be NULL.  May cancel the
	 * fetch. */
	void (*on_head)(struct fetch *f, long status, void *arg);

	/* The body of a 200 as it comes, piece by piece; any other is
	 * collected.  max_body holds all the same.  Not more than 128 KiB or
	 * so in one turn of the loop, of all fetches together: meanwhile the
	 * peer waits, and the deadline runs on.  May be NULL: all bodies are
	 * collected.  May cancel the fetch. */
	void (*on_body)(struct fetch *f, const char *bytes, size_t n,
	    void *arg);

	/* The end, exactly once unless cancelled; the fetch is freed after
	 * it returns.  May start other requests. */
	void (*on_done)(struct fetch *f, struct fetch_answer *a, void *arg);
	void *arg;
};

/* Starts the request; strings are copied.  Never NULL: what fails at once is
 * told through on_done on a later turn. */
struct fetch *fetch_start(struct loop *l, const struct fetch_request *r);

/* Ends it without calling on_done.  NULL is a no-op.  At any time, also inside
 * its own callbacks and those of other fetches. */
void fetch_cancel(struct fetch *f);

/* How many bytes of the body have come so far. */
size_t fetch_received(const struct fetch *f);

/* Inside on_done: takes the body out of the answer (free() it), for who wants
 * to keep it beyond the callback. */
char *fetch_take_body(struct fetch *f, struct fetch_answer *a);

/* What requests say they are, "rollcall/VERSION"; "rollcall" until set.  Call
 * it before the first request. */
void fetch_set_user_agent(const char *name);
const char *fetch_user_agent(void);

/* A header of the answer, without regard to case; NULL if absent.  Valid
 * inside on_head and on_done. */
const char *fetch_header(struct fetch *f, const char *name);

#endif
