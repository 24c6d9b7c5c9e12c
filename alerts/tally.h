#ifndef ALERTS_TALLY_H
#define ALERTS_TALLY_H

#include <stddef.h>
#include <stdint.h>

#include "core/fetch.h"

struct sample_sink;

/* What became of the requests to one receiver, counted for /metrics, and what
 * an answer means for the message. */
enum outcome { DELIVERED, TRY_AGAIN, GIVE_UP };

enum failure {
	FAILED_NOT,
	FAILED_RESOLVE, FAILED_CONNECT, FAILED_TLS, FAILED_TIMEOUT,
	FAILED_BROKEN, FAILED_CLIENT_ERROR, FAILED_RATE_LIMITED,
	FAILED_SERVER_ERROR, FAILED_EXPIRED, FAILED_UNCONFIGURED,
	FAILURES
};

extern const char *const failure_names[FAILURES];

struct tally {
	uint64_t attempts;
	uint64_t failures[FAILURES];
};

/* How an answer is to be counted. */
enum failure failure_of(const struct fetch_answer *a);

/* Whether a message that was answered with this status (0: not at all) may be
 * sent again as it is.  Only a receiver that says that the message itself is
 * wrong is taken at its word: behind 401, 403, 404 or 408 is somebody who
 * mends the receiver. */
enum outcome outcome_of(enum failure f, long status);

/* One line for people: "503: no backend" or what the transport said.  The
 * text is cut to fit out. */
void failure_text(const struct fetch_answer *a, char *out, size_t size);

/* Milliseconds that a Retry-After header asks for, 0 if it asks nothing;
 * never more than an hour. */
int64_t retry_after_ms(const char *header, wall_t now);

void tally_samples(const struct tally *t, const char *receiver,
    const char *integration, size_t queued, struct sample_sink *s);

#endif
