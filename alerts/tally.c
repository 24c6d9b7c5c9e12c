/* Counting and judging the answers of receivers, the same for Alertmanagers
 * and webhooks.  Sends nothing and keeps no message. */
#include "alerts/tally.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <curl/curl.h>

#include "core/snapshot.h"

enum { MAX_RETRY_AFTER_S = 3600 };

const char *const failure_names[FAILURES] = {
	[FAILED_NOT] = "none",
	[FAILED_RESOLVE] = "resolve",
	[FAILED_CONNECT] = "connect",
	[FAILED_TLS] = "tls",
	[FAILED_TIMEOUT] = "timeout",
	[FAILED_BROKEN] = "broken",
	[FAILED_CLIENT_ERROR] = "client_error",
	[FAILED_RATE_LIMITED] = "rate_limited",
	[FAILED_SERVER_ERROR] = "server_error",
	[FAILED_EXPIRED] = "expired",
	[FAILED_UNCONFIGURED] = "unconfigured",
};

static enum failure of_transport(enum fetch_error e)
{
	static const enum failure of[FETCH_ERRORS] = {
		[FETCH_RESOLVE] = FAILED_RESOLVE,
		[FETCH_CONNECT] = FAILED_CONNECT,
		[FETCH_TLS] = FAILED_TLS,
		[FETCH_TIMEOUT] = FAILED_TIMEOUT,
		[FETCH_BROKEN] = FAILED_BROKEN,
		[FETCH_TOO_LARGE] = FAILED_BROKEN,
	};
	return of[e];
}

enum failure failure_of(const struct fetch_answer *a)
{
	/* A long answer is an answer: the status came before it. */
	if (a->error != FETCH_OK &&
	    !(a->error == FETCH_TOO_LARGE && a->status != 0))
		return of_transport(a->error);
	if (a->status >= 200 && a->status < 300)
		return FAILED_NOT;
	if (a->status == 429)
		return FAILED_RATE_LIMITED;
	if (a->status >= 500)
		return FAILED_SERVER_ERROR;
	return FAILED_CLIENT_ERROR;
}

enum outcome outcome_of(enum failure f, long status)
{
	if (f == FAILED_NOT)
		return DELIVERED;
	switch (status) {
	case 400:			/* bad request */
	case 413:			/* content too large */
	case 422:			/* unprocessable content */
		return GIVE_UP;
	default:
		return TRY_AGAIN;
	}
}

/* The answer's body as far as it is one printable line. */
static int first_line(const char *body)
{
	int n = 0;

	while (body != NULL && n < 200 && isprint((unsigned char)body[n]))
		n++;
	return n;
}

void failure_text(const struct fetch_answer *a, char *out, size_t size)
{
	int n = first_line(a->body);

	if (a->status == 0)
		snprintf(out, size, "%s", a->reason);
	else
		snprintf(out, size, "status %ld%s%.*s", a->status,
		    n > 0 ? ": " : "", n, n > 0 ? a->body : "");
}

int64_t retry_after_ms(const char *header, wall_t now)
{
	char *end;
	long long s;

	if (header == NULL)
		return 0;
	errno = 0;
	s = strtoll(header, &end, 10);
	if (end == header || errno != 0) {
		time_t at = curl_getdate(header, NULL);

		s = at < 0 ? 0 : (long long)at - now.ms / 1000;
	}
	if (s > MAX_RETRY_AFTER_S)
		s = MAX_RETRY_AFTER_S;
	return s > 0 ? s * 1000 : 0;
}

void tally_samples(const struct tally *t, const char *receiver,
    const char *integration, size_t queued, struct sample_sink *s)
{
	sample_add(s, M_notifications, (double)t->attempts, receiver,
	    integration);
	sample_add(s, M_notification_queue_length, (double)queued, receiver,
	    integration);
	for (int f = FAILED_NOT + 1; f < FAILURES; f++)
		sample_add(s, M_notification_failures, (double)t->failures[f],
		    receiver, integration, failure_names[f]);
}
