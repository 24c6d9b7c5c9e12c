#ifndef CORE_FETCH_IMPL_H
#define CORE_FETCH_IMPL_H

/* What core/fetch*.c share and nobody else sees. */

#include <sys/queue.h>

#include <curl/curl.h>

#include "core/buf.h"
#include "core/fetch.h"

struct fetch {
	struct fetcher *fetcher;
	TAILQ_ENTRY(fetch) all;
	TAILQ_ENTRY(fetch) ready;
	CURL *easy;			/* NULL: could not be made */
	struct curl_slist *request_headers, *connect_to;
	char *url;
	int64_t deadline_ms, connect_ms;
	bool head_only, follows;	/* HEAD; redirects are followed */

	struct buf headers;		/* name NUL value NUL ... */
	struct buf body;
	char detail[CURL_ERROR_SIZE];
	char empty[1];
	bool head, too_large;
	bool streams;			/* its body goes to on_body */
	bool paused;			/* more of it than that takes */
	size_t received;		/* bytes of the body */
	struct fetch_answer answer;
	int64_t started_us;

	bool attached;			/* to the multi handle */
	bool queued;			/* in fetcher->ready */
	bool ended, head_told, busy, cancelled;

	void (*on_head)(struct fetch *f, long status, void *arg);
	void (*on_body)(struct fetch *f, const char *bytes, size_t n,
	    void *arg);
	void (*on_done)(struct fetch *f, struct fetch_answer *a, void *arg);
	void *arg;
};

/* fetch_options.c: all that the request says, but for callbacks. */
CURLcode fetch_set_options(struct fetch *f, const struct fetch_request *r);

#endif
