/* HTTP requests over the loop's curl multi handle.  libcurl's callbacks only
 * note what came; the users' callbacks are called after it has returned, from
 * one queue, so that they may start and cancel requests freely.  What a
 * failure is called is decided in core/fetch_explain.c.
 *
 * Connections are curl's: kept alive and reused, and never shared by two
 * requests at a time (HTTP/1.1, no pipelining, no limit per host), so a long
 * poll holds up nobody and the next poll finds the connection of the last. */
#include "core/fetch_impl.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/fetch_explain.h"
#include "core/http_config.h"
#include "core/loop_transfers.h"
#include "core/transport.h"
#include "core/xalloc.h"

enum {
	CONNECT_MS = 1000,
	MAX_HEADERS = 64 * 1024,	/* of one answer, in bytes */
	WINDOW = 128 * 1024		/* of a body that is handed over: so
					   much in one turn, of all together */
};

TAILQ_HEAD(fetches, fetch);

/* The fetches of one loop. */
struct fetcher {
	struct loop *loop;
	struct fetches all;
	struct fetches ready;		/* with something to tell */
	size_t nready;
	size_t handed;			/* bytes of bodies, in this turn */
};

static void enqueue(struct fetch *f)
{
	if (f->queued)
		return;
	f->queued = true;
	TAILQ_INSERT_TAIL(&f->fetcher->ready, f, ready);
	f->fetcher->nready++;
}

static void dequeue(struct fetch *f)
{
	if (!f->queued)
		return;
	f->queued = false;
	TAILQ_REMOVE(&f->fetcher->ready, f, ready);
	f->fetcher->nready--;
}

static void detach(struct fetch *f)
{
	if (f->attached)
		curl_multi_remove_handle(loop_multi(f->fetcher->loop),
		    f->easy);
	f->attached = false;
}

static void release(struct fetch *f)
{
	detach(f);
	curl_easy_cleanup(f->easy);
	curl_slist_free_all(f->request_headers);
	curl_slist_free_all(f->connect_to);
	dequeue(f);
	TAILQ_REMOVE(&f->fetcher->all, f, all);
	buf_free(&f->headers);
	buf_free(&f->body);
	free(f->url);
	free(f);
}

/* --- what curl calls: only notes, never a user's callback --- */

/* Ends the transfer from within: less than curl handed over was taken. */
static size_t refuse(struct fetch *f)
{
	f->too_large = true;
	return 0;
}

static bool announces_too_much(struct fetch *f)
{
	const char *text = fetch_header(f, "Content-Length");

	return text && !f->head_only &&
	    strtoull(text, NULL, 10) > f->body.max;
}

/* curl follows any 3xx with a Location that is not empty. */
static bool is_followed(struct fetch *f, long status)
{
	const char *location = fetch_header(f, "Location");

	return f->follows && status / 100 == 3 && location && *location;
}

static size_t end_of_head(struct fetch *f, size_t n)
{
	long status = 0;

	curl_easy_getinfo(f->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status / 100 == 1 || is_followed(f, status))
		return n;
	f->answer.status = status;
	f->head = true;
	f->streams = f->on_body && status == 200;
	enqueue(f);
	return announces_too_much(f) ? refuse(f) : n;
}

static void add_header(struct fetch *f, const char *line, size_t n)
{
	const char *colon = memchr(line, ':', n), *end = line + n, *value;

	if (!colon)
		return;
	while (end > colon + 1 && strchr(" \t\r\n", end[-1]))
		end--;
	for (value = colon + 1; value < end; value++)
		if (*value != ' ' && *value != '\t')
			break;
	buf_add(&f->headers, line, (size_t)(colon - line));
	buf_addc(&f->headers, '\0');
	buf_add(&f->headers, value, (size_t)(end - value));
	buf_addc(&f->headers, '\0');
}

static size_t on_header(char *line, size_t one, size_t n, void *arg)
{
	struct fetch *f = arg;

	(void)one;
	if (f->head)
		return n;		/* a trailer, behind the body */
	if (n >= 5 && memcmp(line, "HTTP/", 5) == 0)
		buf_reset(&f->headers);
	else if (n <= 2 && (line[0] == '\r' || line[0] == '\n'))
		return end_of_head(f, n);
	else
		add_header(f, line, n);
	return f->headers.failed ? 0 : n;
}

static size_t on_body(char *data, size_t one, size_t n, void *arg)
{
	struct fetch *f = arg;

	(void)one;
	if (n > f->body.max - f->received)
		return refuse(f);
	if (f->streams && f->body.len >= WINDOW) {
		f->paused = true;
		return CURL_WRITEFUNC_PAUSE;	/* it comes again */
	}
	buf_add(&f->body, data, n);
	f->received += n;
	if (f->streams)
		enqueue(f);
	return n;
}

/* --- after curl has returned: collecting and telling --- */

static void explain(struct fetch *f, CURLcode code)
{
	struct fetch_failure failure = {
		.easy = f->easy, .code = code, .detail = f->detail,
		.url = f->url, .deadline_ms = f->deadline_ms,
		.max_body = f->body.max, .head = f->head,
		.too_large = f->too_large
	};

	f->answer.error = fetch_explain(&failure, f->answer.reason,
	    sizeof(f->answer.reason));
	buf_free(&f->body);
}

static void end(struct fetch *f, CURLcode code)
{
	struct fetch_answer *a = &f->answer;

	a->ended = clock_mono();
	a->duration_us = clock_mono_us() - f->started_us;
	if (code == CURLE_OK && !f->head)
		code = CURLE_PARTIAL_FILE;	/* curl takes a torn head */
	if (code != CURLE_OK)
		explain(f, code);
	a->body = f->body.data && !f->streams ? f->body.data : f->empty;
	a->len = f->streams ? 0 : f->body.len;
	f->ended = true;
	detach(f);
	enqueue(f);
}

static void collect(struct fetcher *s)
{
	CURLM *multi = loop_multi(s->loop);
	CURLMsg *msg;
	char *p;
	int left;

	while ((msg = curl_multi_info_read(multi, &left))) {
		if (msg->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &p);
		end((struct fetch *)(void *)p, msg->data.result);
	}
}

/* False if it has to wait for the next turn. */
static bool hand_over(struct fetch *f)
{
	struct fetcher *s = f->fetcher;
	size_t n = f->body.len;

	if (!f->streams || n == 0)
		return true;
	if (s->handed > 0 && s->handed + n > WINDOW) {
		enqueue(f);
		return false;
	}
	s->handed += n;
	f->on_body(f, f->body.data, n, f->arg);
	buf_reset(&f->body);
	if (f->paused && !f->cancelled) {
		f->paused = false;
		curl_easy_pause(f->easy, CURLPAUSE_CONT);
	}
	return true;
}

static void tell(struct fetch *f)
{
	bool whole;

	f->busy = true;
	if (f->head && !f->head_told) {
		f->head_told = true;
		if (f->on_head)
			f->on_head(f, f->answer.status, f->arg);
	}
	whole = f->cancelled || hand_over(f);
	if (f->ended && whole && !f->cancelled)
		f->on_done(f, &f->answer, f->arg);
	f->busy = false;
	if (f->cancelled || (f->ended && whole))
		release(f);
}

/* No more than were ready at the start: a callback whose new request fails at
 * once, again and again, must not keep the turn from ending. */
static void on_transfers(void *arg)
{
	struct fetcher *s = arg;
	struct fetch *f;
	size_t n;

	collect(s);
	s->handed = 0;
	for (n = s->nready; n > 0 && (f = TAILQ_FIRST(&s->ready)); n--) {
		dequeue(f);
		tell(f);
	}
	if (s->nready > 0)
		curl_multi_wakeup(loop_multi(s->loop));
}

static void free_fetcher(void *arg)
{
	struct fetcher *s = arg;
	struct fetch *f;

	while ((f = TAILQ_FIRST(&s->all)))
		release(f);
	free(s);
}

static struct fetcher *fetcher_of(struct loop *l)
{
	struct fetcher *s = loop_transfers(l);

	if (s)
		return s;
	s = xcalloc(1, sizeof(*s));
	s->loop = l;
	TAILQ_INIT(&s->all);
	TAILQ_INIT(&s->ready);
	loop_on_transfers(l, on_transfers, free_fetcher, s);
	return s;
}

/* --- starting --- */

static void set_callbacks(struct fetch *f)
{
	CURL *h = f->easy;

	curl_easy_setopt(h, CURLOPT_PRIVATE, f);
	curl_easy_setopt(h, CURLOPT_ERRORBUFFER, f->detail);
	curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(h, CURLOPT_HEADERDATA, f);
	curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(h, CURLOPT_WRITEDATA, f);
}

static CURLcode set_up(struct fetch *f, const struct fetch_request *r)
{
	f->easy = curl_easy_init();
	if (!f->easy)
		return CURLE_OUT_OF_MEMORY;
	set_callbacks(f);
	return fetch_set_options(f, r);
}

static CURLcode attach(struct fetch *f)
{
	if (curl_multi_add_handle(loop_multi(f->fetcher->loop), f->easy))
		return CURLE_FAILED_INIT;
	f->attached = true;
	return CURLE_OK;
}

static struct fetch *new_fetch(struct loop *l, const struct fetch_request *r)
{
	struct fetch *f = xcalloc(1, sizeof(*f));

	f->fetcher = fetcher_of(l);
	f->url = xstrdup(r->url);
	f->deadline_ms = r->deadline_ms;
	f->connect_ms = r->connect_ms ? r->connect_ms : CONNECT_MS;
	f->follows = !r->http || r->http->follow_redirects;
	f->on_head = r->on_head;
	f->on_body = r->on_body;
	f->on_done = r->on_done;
	f->arg = r->arg;
	buf_init(&f->headers, MAX_HEADERS);
	buf_init(&f->body, r->max_body);
	f->answer.started = clock_mono();
	f->started_us = clock_mono_us();
	TAILQ_INSERT_TAIL(&f->fetcher->all, f, all);
	return f;
}

struct fetch *fetch_start(struct loop *l, const struct fetch_request *r)
{
	struct fetch *f;
	CURLcode code;

	assert(r->url && r->on_done);
	assert(r->deadline_ms > 0 && r->max_body > 0);
	f = new_fetch(l, r);
	code = set_up(f, r);
	if (code == CURLE_OK)
		code = attach(f);
	if (code != CURLE_OK) {
		end(f, code);
		curl_multi_wakeup(loop_multi(l));
	}
	return f;
}

void fetch_cancel(struct fetch *f)
{
	if (!f)
		return;
	f->cancelled = true;
	if (!f->busy)
		release(f);
}

const char *fetch_header(struct fetch *f, const char *name)
{
	const char *p = f->headers.data, *end, *value;

	if (!p)
		return NULL;
	for (end = p + f->headers.len; p < end; p = value + strlen(value) + 1) {
		value = p + strlen(p) + 1;
		if (value >= end)
			break;
		if (strcasecmp(p, name) == 0)
			return value;
	}
	return NULL;
}

size_t fetch_received(const struct fetch *f)
{
	return f->received;
}

char *fetch_take_body(struct fetch *f, struct fetch_answer *a)
{
	a->body = f->empty;
	a->len = 0;
	return buf_take(&f->body, NULL);
}
