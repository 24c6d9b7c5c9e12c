/* A pipelined HTTP/1.1 connection.  libcurl connects (names, TLS, client
 * certificates, tunnels) with CURLOPT_CONNECT_ONLY and then only moves bytes;
 * requests are written here, answers read by core/http_answer.c.
 *
 * Connecting is done in a thread: reading the system's authorities takes 30 ms,
 * a handshake 1 ms.  In the loop's multi handle curl would, besides, take an
 * idle-looking connection with bytes to read for a dead one and close it. */
#include "core/lane.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "core/fetch_explain.h"
#include "core/http_config.h"
#include "core/http_head.h"
#include "core/loop.h"
#include "core/transport.h"
#include "core/xalloc.h"

enum {
	PIECE = 32 * 1024,		/* read at a time */
	MAX_OUT = 4 * 1024 * 1024	/* asked and not sent */
};

struct lane {
	struct loop *loop;
	const struct lane_user *user;
	void *arg;
	char *url, *prefix;		/* prefix: path of the URL, mostly "" */
	char *headers;			/* of each request, and its end */
	int64_t connect_ms;

	CURL *easy;			/* the thread's, while it dials */
	CURLcode code;			/* how that went */
	struct curl_slist *lists[2];
	char detail[CURL_ERROR_SIZE];
	struct timer *timer;		/* more to read; or no start */
	struct loop_fd *fd;		/* NULL until it is connected */

	struct buf out;
	size_t sent;			/* of out */
	size_t unanswered;
	struct http_answer answer;
	bool dialling, busy, closed, tls, paused;
	uint64_t sends, receives;	/* system calls; for tests */
};

size_t lane_unanswered(const struct lane *l)
{
	return l->unanswered;
}

/* --- the end --- */

static void hang_up(struct lane *l)
{
	loop_unwatch_fd(l->fd);
	l->fd = NULL;
	timer_free(l->timer);
	l->timer = NULL;
	curl_easy_cleanup(l->easy);
	l->easy = NULL;
}

static void release(struct lane *l)
{
	hang_up(l);
	for (int i = 0; i < 2; i++)
		curl_slist_free_all(l->lists[i]);
	http_answer_fini(&l->answer);
	buf_free(&l->out);
	free(l->headers);
	free(l->prefix);
	free(l->url);
	free(l);
}

void lane_close(struct lane *l)
{
	if (!l)
		return;
	l->closed = true;
	if (!l->busy && !l->dialling)
		release(l);
}

static void end(struct lane *l, enum fetch_error error, const char *reason)
{
	l->busy = true;
	hang_up(l);
	l->user->end(l, error, reason, l->arg);
	l->busy = false;
	if (l->closed)
		release(l);
}

static void explain(struct lane *l, CURLcode code, bool too_large)
{
	struct fetch_failure f = {
		.easy = l->easy, .code = code, .detail = l->detail,
		.url = l->url, .deadline_ms = l->connect_ms,
		.max_body = l->answer.body.max, .too_large = too_large,
		.head = l->answer.status != 0,
	};
	char reason[256];
	enum fetch_error error = fetch_explain(&f, reason, sizeof(reason));

	end(l, error, reason);
}

/* --- answers --- */

/* False: the lane has been closed meanwhile. */
static bool tell(struct lane *l, enum http_step step)
{
	bool closed;

	l->busy = true;
	if (step == HTTP_HEAD) {
		l->user->head(l, &l->answer, l->arg);
	} else {
		l->unanswered--;
		l->user->answer(l, &l->answer, l->arg);
	}
	l->busy = false;
	closed = l->closed;
	if (closed)
		release(l);
	return !closed;
}

static void is_bad(struct lane *l, const char *why)
{
	snprintf(l->detail, sizeof(l->detail), "%s", why);
	explain(l, CURLE_RECV_ERROR, l->answer.too_large);
}

/* The lane may be gone afterwards. */
static void take(struct lane *l, const char *p, size_t n)
{
	enum http_step step;
	size_t used;
	bool last;

	for (;; p += used, n -= used) {
		step = http_answer_read(&l->answer, p, n, &used);
		if (step == HTTP_MORE)
			return;
		if (step == HTTP_BAD) {
			is_bad(l, l->answer.why);
			return;
		}
		if (l->unanswered == 0) {
			is_bad(l, "an answer to no request");
			return;
		}
		last = step == HTTP_WHOLE && l->answer.last;
		if (!tell(l, step))
			return;
		if (last) {
			explain(l, CURLE_GOT_NOTHING, false);
			return;
		}
	}
}

static void at_end(struct lane *l)
{
	enum http_step step = http_answer_end(&l->answer);

	if (step == HTTP_WHOLE && !tell(l, step))
		return;
	explain(l, step == HTTP_BAD ? CURLE_PARTIAL_FILE : CURLE_GOT_NOTHING,
	    false);
}

/* One piece at a time, so that several lanes take turns; TLS may keep bytes
 * that no wait sees, hence the timer. */
static void on_readable(struct lane *l)
{
	char piece[PIECE];
	CURLcode code;
	size_t n = 0;

	l->receives++;
	code = curl_easy_recv(l->easy, piece, sizeof(piece), &n);
	if (code == CURLE_AGAIN)
		return;
	if (code != CURLE_OK) {
		explain(l, code, false);
		return;
	}
	if (n == 0) {
		at_end(l);
		return;
	}
	if (l->tls)
		timer_set(l->timer, loop_now(l->loop));
	take(l, piece, n);
}

/* --- requests --- */

void lane_get(struct lane *l, const char *target)
{
	assert(l->easy);
	buf_adds(&l->out, "GET ");
	buf_adds(&l->out, l->prefix);
	buf_adds(&l->out, target);
	buf_adds(&l->out, l->headers);
	l->unanswered++;
}

static void wait_for(struct lane *l)
{
	if (l->fd)
		loop_fd_wants(l->fd, !l->paused, l->sent < l->out.len);
}

void lane_pause(struct lane *l, bool pause)
{
	if (l->paused == pause)
		return;
	l->paused = pause;
	wait_for(l);
}

static void all_sent(struct lane *l)
{
	buf_reset(&l->out);
	l->sent = 0;
	wait_for(l);
}

/* Or what was sent would be kept as long as not all is. */
static void forget_sent(struct lane *l)
{
	if (l->sent < l->out.len / 2)
		return;
	memmove(l->out.data, l->out.data + l->sent, l->out.len - l->sent);
	l->out.len -= l->sent;
	l->sent = 0;
}

/* What fails is told by the next read. */
void lane_flush(struct lane *l)
{
	size_t n;

	if (!l->fd)
		return;
	while (l->sent < l->out.len) {
		n = 0;
		l->sends++;
		if (curl_easy_send(l->easy, l->out.data + l->sent,
		    l->out.len - l->sent, &n) != CURLE_OK || n == 0) {
			forget_sent(l);
			wait_for(l);
			return;
		}
		l->sent += n;
	}
	all_sent(l);
}

static void on_ready(void *arg)
{
	struct lane *l = arg;

	if (l->sent < l->out.len)
		lane_flush(l);
	on_readable(l);
}

/* --- connecting --- */

static void connected(struct lane *l)
{
	curl_socket_t fd = CURL_SOCKET_BAD;

	if (curl_easy_getinfo(l->easy, CURLINFO_ACTIVESOCKET, &fd) !=
	    CURLE_OK || fd == CURL_SOCKET_BAD) {
		explain(l, CURLE_COULDNT_CONNECT, false);
		return;
	}
	l->fd = loop_watch_fd(l->loop, (int)fd, on_ready, l);
	l->busy = true;
	l->user->open(l, l->arg);
	l->busy = false;
	if (l->closed)
		release(l);
	else
		lane_flush(l);
}

static void dial(void *arg)
{
	struct lane *l = arg;

	l->code = curl_easy_perform(l->easy);
}

static void dialled(void *arg)
{
	struct lane *l = arg;

	l->dialling = false;
	if (l->closed)
		release(l);
	else if (l->code == CURLE_OK)
		connected(l);
	else
		explain(l, l->code, false);
}

/* The loop has ended, and its users before it. */
static void drop(void *arg)
{
	struct lane *l = arg;

	l->dialling = false;
	assert(l->closed);
	release(l);
}

static void on_timer(void *arg, mono_t now)
{
	struct lane *l = arg;

	(void)now;
	if (l->fd)
		on_readable(l);
	else
		explain(l, CURLE_URL_MALFORMAT, false);
}

static bool set_up(struct lane *l, const struct lane_request *r)
{
	void *lists[2] = { NULL, NULL };
	int rc;

	l->easy = curl_easy_init();
	if (!l->easy)
		return false;
	transport_apply(l->easy, r->connect_ms);
	http_config_apply(r->http, l->easy);
	curl_easy_setopt(l->easy, CURLOPT_CONNECT_ONLY, 1L);
	curl_easy_setopt(l->easy, CURLOPT_ERRORBUFFER, l->detail);
	curl_easy_setopt(l->easy, CURLOPT_TIMEOUT_MS, (long)r->connect_ms);
	rc = http_config_set_url(r->http, l->easy, r->url, lists);
	l->lists[0] = lists[0];
	l->lists[1] = lists[1];
	return rc == CURLE_OK;
}

struct lane *lane_open(struct loop *loop, const struct lane_request *r)
{
	struct lane *l = xcalloc(1, sizeof(*l));

	assert(r->connect_ms > 0 && r->user->open && r->user->head &&
	    r->user->answer && r->user->end);
	l->loop = loop;
	l->user = r->user;
	l->arg = r->arg;
	l->url = xstrdup(r->url);
	l->tls = strncmp(r->url, "https:", 6) == 0;
	l->connect_ms = r->connect_ms;
	l->prefix = http_head_prefix(r->url);
	l->headers = http_head_lines(r->http, r->url);
	http_answer_init(&l->answer, r->max_body);
	buf_init(&l->out, MAX_OUT);
	l->timer = timer_new(loop, on_timer, l);
	if (set_up(l, r)) {
		l->dialling = true;
		loop_offload_or_drop(loop, dial, dialled, drop, l);
	} else {
		timer_set(l->timer, loop_now(loop));
	}
	return l;
}

bool lane_is_possible(const char *url, const struct http_config *http)
{
	return strncmp(url, "https:", 6) == 0 || !http ||
	    ((!http->proxy_url || !http->proxy_url[0]) &&
	    !http->proxy_from_environment);
}
