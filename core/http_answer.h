#ifndef CORE_HTTP_ANSWER_H
#define CORE_HTTP_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include "core/buf.h"

/* Reads HTTP/1.1 answers from bytes as they come, one behind the other, for
 * connections on which several are under way (core/lane.c).  All are answers
 * to GET.  Strict: whatever is not clearly an answer is none. */

enum http_step {
	HTTP_MORE,		/* all was taken; more is needed */
	HTTP_HEAD,		/* the head has just become complete */
	HTTP_WHOLE,		/* the answer is complete, head and body */
	HTTP_BAD		/* what came is no HTTP, or too much; `why` */
};

struct http_answer {
	struct buf head;		/* the header lines, without ends:
					   name NUL value NUL ... */
	struct buf body;
	long status;
	bool last;			/* the connection ends behind it */
	const char *why;		/* HTTP_BAD */
	bool too_large;			/* why it is bad */

	/* How far it was read; for core/http_answer.c alone. */
	int state;
	size_t left;			/* of the body or of this chunk */
	size_t trailer;			/* bytes so far */
	struct buf line;
};

/* Bodies of more than max_body bytes are bad. */
void http_answer_init(struct http_answer *a, size_t max_body);
void http_answer_fini(struct http_answer *a);

/* Takes bytes up to the next step and says how many, *used_r.  After
 * HTTP_WHOLE the next call begins the next answer; after HTTP_BAD there is no
 * way on. */
enum http_step http_answer_read(struct http_answer *a, const char *bytes,
    size_t n, size_t *used_r);

/* The connection has ended: HTTP_WHOLE if that completes the answer, HTTP_MORE
 * if none had begun, else HTTP_BAD. */
enum http_step http_answer_end(struct http_answer *a);

/* A header, without regard to case; NULL if absent.  Valid from HTTP_HEAD until
 * the next answer begins. */
const char *http_answer_header(const struct http_answer *a,
    const char *name);

#endif
