/* Requests against servers that do every wrong thing a server can do. */
#include "core/fetch.c"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/guarded_loop.h"
#include "tests/unit/http_script.h"

enum { DEADLINE = 5000, MAX_BODY = 1 << 20 };

static int running;			/* requests that have not ended */

/* What became of one request. */
struct probe {
	struct fetch *fetch;
	int heads, dones;
	long head_status;
	struct fetch_answer answer;
	char body[256], type[64];
	void (*at_head)(struct probe *p);
	void (*at_done)(struct probe *p);
	struct probe *other;
};

static int begin_test(void **state)
{
	(void)state;
	guarded_loop_begin();
	running = 0;
	return 0;
}

static int end_test(void **state)
{
	(void)state;
	guarded_loop_end();
	return 0;
}

static void one_less(void)
{
	if (--running == 0)
		loop_stop(loop);
}

static void on_probe_head(struct fetch *f, long status, void *arg)
{
	struct probe *p = arg;
	const char *type = fetch_header(f, "content-TYPE");

	assert_ptr_equal(f, p->fetch);
	assert_int_equal(p->dones, 0);
	p->heads++;
	p->head_status = status;
	snprintf(p->type, sizeof(p->type), "%s", type ? type : "");
	if (p->at_head)
		p->at_head(p);
}

static void on_probe_done(struct fetch *f, struct fetch_answer *a, void *arg)
{
	struct probe *p = arg;

	assert_ptr_equal(f, p->fetch);
	assert_true(a->body[a->len] == '\0');
	p->dones++;
	p->answer = *a;
	snprintf(p->body, sizeof(p->body), "%s", a->body);
	p->answer.body = NULL;
	if (a->error == FETCH_OK)
		assert_string_equal(a->reason, "");
	else
		assert_int_equal(a->len, 0);
	if (p->at_done)
		p->at_done(p);
	one_less();
}

static void start_request(struct probe *p, struct fetch_request *r,
    const char *url)
{
	r->url = url;
	r->on_head = on_probe_head;
	r->on_done = on_probe_done;
	r->arg = p;
	if (!r->deadline_ms)
		r->deadline_ms = DEADLINE;
	if (!r->max_body)
		r->max_body = MAX_BODY;
	running++;
	p->fetch = fetch_start(loop, r);
	assert_non_null(p->fetch);
	assert_int_equal(p->dones, 0);
}

static void start_get(struct probe *p, const char *url)
{
	struct fetch_request r = { 0 };

	start_request(p, &r, url);
}

static void start_within(struct probe *p, const char *url, int64_t ms)
{
	struct fetch_request r = { .deadline_ms = ms };

	start_request(p, &r, url);
}

/* --- servers --- */

static bool answer_hello(struct script *s, int fd, const char *request,
    void *arg)
{
	(void)s;
	(void)arg;
	script_answer(fd, strstr(request, "/missing") ? 404 : 200, "hello");
	return true;
}

/* Sends arg as it is and closes. */
static bool answer_raw(struct script *s, int fd, const char *request,
    void *arg)
{
	(void)s;
	(void)request;
	script_puts(fd, arg);
	return false;
}

/* Sends arg as it is and says no more. */
static bool answer_raw_and_wait(struct script *s, int fd,
    const char *request, void *arg)
{
	(void)s;
	(void)request;
	script_puts(fd, arg);
	return script_silence(fd);
}

static bool answer_echo(struct script *s, int fd, const char *request,
    void *arg)
{
	(void)s;
	(void)arg;
	script_answer(fd, 200, request);
	return true;
}

/* Sends 64 KiB pieces until the client has enough. */
static bool answer_endless(struct script *s, int fd, const char *request,
    void *arg)
{
	static char piece[65536];
	int i;

	(void)s;
	(void)request;
	(void)arg;
	memset(piece, 'x', sizeof(piece));
	script_puts(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
	    "\r\n");
	for (i = 0; i < 1600; i++) {
		script_puts(fd, "10000\r\n");
		script_send(fd, piece, sizeof(piece));
		script_puts(fd, "\r\n");
	}
	return false;
}

/* One request to a server that answers with these bytes and closes. */
static void ask_raw(struct probe *p, const char *bytes)
{
	struct script s;

	memset(p, 0, sizeof(*p));
	script_start(&s, answer_raw, (void *)(uintptr_t)bytes);
	start_get(p, s.url);
	loop_run(loop);
	script_stop(&s);
	assert_int_equal(p->dones, 1);
}

/* --- answers --- */

static void test_answer(void **state)
{
	struct probe p = { 0 };
	struct script s;

	(void)state;
	script_start(&s, answer_hello, NULL);
	start_get(&p, s.url);
	loop_run(loop);
	assert_int_equal(p.heads, 1);
	assert_int_equal(p.head_status, 200);
	assert_string_equal(p.type, "text/plain");
	assert_int_equal(p.answer.error, FETCH_OK);
	assert_int_equal(p.answer.status, 200);
	assert_string_equal(p.body, "hello");
	assert_int_equal(p.answer.len, 5);
	assert_true(p.answer.duration_us > 0);
	assert_true(p.answer.ended.ms >= p.answer.started.ms);
	script_stop(&s);
}

static void test_any_status_is_an_answer(void **state)
{
	struct probe p;

	(void)state;
	ask_raw(&p, "HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nno\n");
	assert_int_equal(p.answer.error, FETCH_OK);
	assert_int_equal(p.answer.status, 404);
	assert_string_equal(p.body, "no\n");
	ask_raw(&p, "HTTP/1.1 204 No Content\r\n\r\n");
	assert_int_equal(p.answer.error, FETCH_OK);
	assert_int_equal(p.answer.len, 0);
	ask_raw(&p, "HTTP/1.0 200 OK\r\n\r\nup to the end");
	assert_int_equal(p.answer.error, FETCH_OK);
	assert_string_equal(p.body, "up to the end");
}

static void test_chunked(void **state)
{
	struct probe p;

	(void)state;
	ask_raw(&p, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
	    "Content-Type: a\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n"
	    "Content-Type: trailer\r\n\r\n");
	assert_int_equal(p.answer.error, FETCH_OK);
	assert_string_equal(p.body, "abcde");
	assert_string_equal(p.type, "a");
}

static void test_interim_answers(void **state)
{
	struct probe p;

	(void)state;
	ask_raw(&p, "HTTP/1.1 100 Continue\r\nContent-Type: x\r\n\r\n"
	    "HTTP/1.1 103 Early Hints\r\nLink: y\r\n\r\n"
	    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nz");
	assert_int_equal(p.heads, 1);
	assert_int_equal(p.head_status, 200);
	assert_string_equal(p.type, "");
	assert_string_equal(p.body, "z");
}

static bool answer_redirect(struct script *s, int fd, const char *request,
    void *arg)
{
	(void)s;
	(void)arg;
	if (strstr(request, "GET /there "))
		script_answer(fd, 200, "there");
	else
		script_puts(fd, "HTTP/1.1 301 Moved\r\nLocation: /there\r\n"
		    "Content-Type: moved\r\nContent-Length: 0\r\n\r\n");
	return true;
}

static void test_redirect(void **state)
{
	struct fetch_request r = { 0 };
	struct http_config http;
	struct probe p = { 0 };
	struct script s;

	(void)state;
	http_config_init(&http);
	script_start(&s, answer_redirect, NULL);
	r.http = &http;
	http.follow_redirects = true;
	start_request(&p, &r, s.url);
	loop_run(loop);
	assert_int_equal(p.heads, 1);
	assert_int_equal(p.head_status, 200);
	assert_string_equal(p.body, "there");
	http.follow_redirects = false;
	memset(&p, 0, sizeof(p));
	start_request(&p, &r, s.url);
	loop_run(loop);
	assert_int_equal(p.head_status, 301);
	assert_string_equal(p.type, "moved");
	script_stop(&s);
	ask_raw(&p, "HTTP/1.1 304 Not Modified\r\nLocation:\r\n\r\n");
	assert_int_equal(p.head_status, 304);
	http_config_free(&http);
}

static bool answer_moved_post(struct script *s, int fd, const char *request,
    void *arg)
{
	char head[200];

	(void)s;
	if (strstr(request, "POST /there ") && strstr(request, "message")) {
		script_answer(fd, 200, "taken");
		return true;
	}
	snprintf(head, sizeof(head), "HTTP/1.1 %d Moved\r\n"
	    "Location: /there\r\nContent-Length: 0\r\n\r\n", *(int *)arg);
	script_puts(fd, strstr(request, " /there ") ?
	    "HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n" : head);
	return true;
}

/* What is posted is posted again where it moved, whatever the redirect. */
static void test_redirected_post(void **state)
{
	static const int redirects[] = { 301, 302, 303, 307, 308 };
	int status;
	struct script s;

	(void)state;
	script_start(&s, answer_moved_post, &status);
	for (size_t i = 0; i < sizeof(redirects) / sizeof(redirects[0]); i++) {
		struct fetch_request r = { .body = "message", .body_len = 7 };
		struct probe p = { 0 };

		status = redirects[i];
		start_request(&p, &r, s.url);
		loop_run(loop);
		assert_int_equal(p.head_status, 200);
		assert_string_equal(p.body, "taken");
	}
	script_stop(&s);
}

/* --- requests --- */

static void test_what_is_sent(void **state)
{
	static const char *const headers[] = { "X-One: 1", "X-Two: 2", NULL };
	struct fetch_request r = { .headers = headers, .body = "abc",
	    .body_len = 3 };
	struct probe p = { 0 };
	struct script s;

	(void)state;
	fetch_set_user_agent("rollcall/9.9");
	script_start(&s, answer_echo, NULL);
	start_request(&p, &r, s.url);
	loop_run(loop);
	assert_non_null(strstr(p.body, "POST / HTTP/1.1\r\n"));
	assert_non_null(strstr(p.body, "User-Agent: rollcall/9.9\r\n"));
	assert_non_null(strstr(p.body, "X-One: 1\r\nX-Two: 2\r\n"));
	assert_non_null(strstr(p.body, "\r\n\r\nabc"));
	assert_null(strstr(p.body, "Expect"));
	assert_null(strstr(p.body, "Accept-Encoding"));
	memset(&p, 0, sizeof(p));
	r.method = "PUT";
	start_request(&p, &r, s.url);
	loop_run(loop);
	assert_memory_equal(p.body, "PUT /", 5);
	memset(&p, 0, sizeof(p));
	r = (struct fetch_request){ .method = "DELETE" };
	start_request(&p, &r, s.url);
	loop_run(loop);
	assert_memory_equal(p.body, "DELETE /", 8);
	script_stop(&s);
}

static bool answer_head(struct script *s, int fd, const char *request,
    void *arg)
{
	(void)s;
	(void)arg;
	if (strncmp(request, "HEAD ", 5) != 0)
		return false;
	script_puts(fd, "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n"
	    "X-Etcd-Index:7  \r\n\r\n");
	return true;
}

static void index_is_7(struct probe *p)
{
	assert_string_equal(fetch_header(p->fetch, "x-etcd-index"), "7");
	assert_null(fetch_header(p->fetch, "x-etcd"));
}

/* What HEAD announces is not what is coming. */
static void test_head_request(void **state)
{
	struct fetch_request r = { .method = "HEAD", .max_body = 10 };
	struct probe p = { .at_head = index_is_7, .at_done = index_is_7 };
	struct script s;

	(void)state;
	script_start(&s, answer_head, NULL);
	start_request(&p, &r, s.url);
	loop_run(loop);
	assert_int_equal(p.answer.error, FETCH_OK);
	assert_int_equal(p.answer.len, 0);
	script_stop(&s);
}

/* --- connections --- */

static void test_keep_alive(void **state)
{
	struct probe p[3];
	struct script s;
	int i;

	(void)state;
	script_start(&s, answer_hello, NULL);
	for (i = 0; i < 5; i++) {
		memset(p, 0, sizeof(p));
		start_get(&p[0], s.url);
		loop_run(loop);
		assert_string_equal(p[0].body, "hello");
	}
	assert_int_equal(s.nconnections, 1);
	memset(p, 0, sizeof(p));
	for (i = 0; i < 3; i++)
		start_get(&p[i], s.url);
	loop_run(loop);
	assert_int_equal(s.nconnections, 3);
	script_stop(&s);
}

static bool answer_once(struct script *s, int fd, const char *request,
    void *arg)
{
	(void)s;
	(void)request;
	(void)arg;
	script_answer(fd, 200, "once");
	return false;
}

/* A kept connection that the server closed meanwhile is no failure. */
static void test_stale_connection(void **state)
{
	struct script s;
	int i;

	(void)state;
	script_start(&s, answer_once, NULL);
	for (i = 0; i < 3; i++) {
		struct probe p = { 0 };

		start_get(&p, s.url);
		loop_run(loop);
		assert_int_equal(p.answer.error, FETCH_OK);
		while (s.nclosed <= i)
			usleep(100);
	}
	script_stop(&s);
}

/* Takes what is to be done once, and dies before it can say so. */
static bool answer_then_die(struct script *s, int fd, const char *request,
    void *arg)
{
	if (strncmp(request, "POST", 4) == 0) {
		atomic_fetch_add((atomic_int *)arg, 1);
		return false;
	}
	return answer_hello(s, fd, request, NULL);
}

/* curl alone sends again what a kept connection swallowed. */
static void test_once_is_never_sent_twice(void **state)
{
	atomic_int posts = 0;
	struct script s;

	(void)state;
	script_start(&s, answer_then_die, &posts);
	for (int once = 0; once < 2; once++) {
		struct fetch_request r = { .method = "POST", .body = "x",
		    .body_len = 1, .once = once };
		struct probe p = { 0 }, kept = { 0 };

		start_get(&kept, s.url);
		loop_run(loop);
		posts = 0;
		start_request(&p, &r, s.url);
		loop_run(loop);
		assert_int_equal(p.answer.error, FETCH_BROKEN);
		assert_int_equal(posts, once ? 1 : 2);
	}
	script_stop(&s);
}

static bool answer_poll(struct script *s, int fd, const char *request,
    void *arg)
{
	(void)arg;
	if (strstr(request, "/poll"))
		return script_silence(fd);
	return answer_hello(s, fd, request, NULL);
}

static void cancel_other(struct probe *p)
{
	fetch_cancel(p->other->fetch);
	one_less();
}

/* A long poll under way is in nobody's way. */
static void test_poll_holds_up_nobody(void **state)
{
	struct probe poll = { 0 }, p = { .other = &poll,
	    .at_done = cancel_other };
	char url[100];
	struct script s;

	(void)state;
	script_start(&s, answer_poll, NULL);
	snprintf(url, sizeof(url), "%s/poll", s.url);
	start_get(&poll, url);
	start_get(&p, s.url);
	loop_run(loop);
	assert_int_equal(p.answer.error, FETCH_OK);
	assert_int_equal(poll.dones, 0);
	script_stop(&s);
}

/* --- failures --- */

static void test_silent_server(void **state)
{
	struct probe silent = { 0 }, good = { 0 };
	struct script a, b;

	(void)state;
	script_start(&a, answer_raw_and_wait, (void *)(uintptr_t)"");
	script_start(&b, answer_hello, NULL);
	start_within(&silent, a.url, 300);
	start_get(&good, b.url);
	loop_run(loop);
	assert_int_equal(good.answer.error, FETCH_OK);
	assert_true(good.answer.ended.ms < silent.answer.ended.ms);
	assert_int_equal(silent.answer.error, FETCH_TIMEOUT);
	assert_int_equal(silent.answer.status, 0);
	assert_int_equal(silent.heads, 0);
	assert_true(silent.answer.duration_us >= 290000);
	assert_true(silent.answer.duration_us < 3000000);
	assert_non_null(strstr(silent.answer.reason, "no answer from "
	    "127.0.0.1:"));
	script_stop(&a);
	script_stop(&b);
}

static void test_head_then_silence(void **state)
{
	struct probe p = { 0 };
	struct script s;

	(void)state;
	script_start(&s, answer_raw_and_wait, (void *)(uintptr_t)
	    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
	    "Content-Type: json\r\n\r\n4\r\nhalf\r\n");
	start_within(&p, s.url, 300);
	loop_run(loop);
	assert_int_equal(p.heads, 1);
	assert_string_equal(p.type, "json");
	assert_int_equal(p.answer.error, FETCH_TIMEOUT);
	assert_int_equal(p.answer.status, 200);
	assert_string_equal(p.body, "");
	script_stop(&s);
}

static void test_broken(void **state)
{
	static const char *const answers[] = {
		"", "\r\n", "rubbish\n", "\x16\x03\x01 tls perhaps\r\n\r\n",
		"HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Len",
		"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		    "4\r\nhalf\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		    "4\r\nha",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		    "zz\r\nhalf\r\n0\r\n\r\n",
	};
	struct probe p;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		ask_raw(&p, answers[i]);
		if (p.answer.error != FETCH_BROKEN)
			fail_msg("%zu: %s %s", i,
			    fetch_error_name(p.answer.error),
			    p.answer.reason);
		assert_non_null(strstr(p.answer.reason, "127.0.0.1:"));
		assert_null(strchr(p.answer.reason, '\n'));
	}
}

static void test_headers_too_long(void **state)
{
	char *bytes = malloc(80 * 1024);
	struct probe p;
	size_t n;
	int i;

	(void)state;
	n = (size_t)sprintf(bytes, "HTTP/1.1 200 OK\r\n");
	for (i = 0; i < 1000; i++)
		n += (size_t)sprintf(bytes + n, "X-%d: %064d\r\n", i, i);
	sprintf(bytes + n, "Content-Length: 0\r\n\r\n");
	ask_raw(&p, bytes);
	assert_int_equal(p.answer.error, FETCH_BROKEN);
	assert_non_null(strstr(p.answer.reason, "headers are too long"));
	free(bytes);
}

static void test_too_large(void **state)
{
	struct probe p;
	struct script s;

	(void)state;
	ask_raw(&p, "HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\nx");
	assert_int_equal(p.answer.error, FETCH_TOO_LARGE);
	assert_int_equal(p.answer.status, 200);
	assert_non_null(strstr(p.answer.reason, "larger than 1048576"));
	memset(&p, 0, sizeof(p));
	script_start(&s, answer_endless, NULL);
	start_get(&p, s.url);
	loop_run(loop);
	assert_int_equal(p.answer.error, FETCH_TOO_LARGE);
	script_stop(&s);
}

static void test_exactly_as_large_as_allowed(void **state)
{
	struct fetch_request r = { .max_body = 5 };
	struct probe p = { 0 };
	struct script s;

	(void)state;
	script_start(&s, answer_hello, NULL);
	start_request(&p, &r, s.url);
	loop_run(loop);
	assert_int_equal(p.answer.error, FETCH_OK);
	memset(&p, 0, sizeof(p));
	r.max_body = 4;
	start_request(&p, &r, s.url);
	loop_run(loop);
	assert_int_equal(p.answer.error, FETCH_TOO_LARGE);
	script_stop(&s);
}

/* --- bodies that are handed over as they come --- */

enum { PIECES = 40, PIECE = 65536 };

/* PIECES of them, the n-th full of the n-th letter; "/short" breaks off. */
static bool answer_pieces(struct script *s, int fd, const char *request,
    void *arg)
{
	static _Thread_local char piece[PIECE];
	char head[100];

	(void)s;
	(void)arg;
	snprintf(head, sizeof(head), "HTTP/1.1 %s\r\nContent-Length: %d\r\n"
	    "\r\n", strstr(request, "/missing") ? "404 X" : "200 OK",
	    PIECES * PIECE);
	script_puts(fd, head);
	for (int i = 0; i < PIECES; i++) {
		memset(piece, 'a' + i % 26, sizeof(piece));
		script_send(fd, piece, sizeof(piece));
		if (i == PIECES / 2 && strstr(request, "/short"))
			return false;
	}
	return true;
}

struct stream {
	struct probe p;			/* first: the argument is both */
	size_t n, calls;
	bool cancels, any;		/* any: bytes are not looked at */
};

static size_t of_turn, most_in_turn, calls_of_turn, most_calls;

static void end_of_turn(void *arg, mono_t now)
{
	(void)arg;
	(void)now;
	most_in_turn = of_turn > most_in_turn ? of_turn : most_in_turn;
	most_calls = calls_of_turn > most_calls ? calls_of_turn : most_calls;
	of_turn = calls_of_turn = 0;
}

static void on_stream_body(struct fetch *f, const char *bytes, size_t n,
    void *arg)
{
	struct stream *s = arg;

	assert_ptr_equal(f, s->p.fetch);
	assert_int_equal(s->p.heads, 1);
	assert_int_equal(s->p.dones, 0);
	assert_true(n > 0);
	for (size_t k = 0; k < n && !s->any; k++)
		if (bytes[k] != (char)('a' + (s->n + k) / PIECE % 26))
			fail_msg("wrong byte at %zu", s->n + k);
	s->n += n;
	s->calls++;
	of_turn += n;
	calls_of_turn++;
	assert_true(fetch_received(f) >= s->n);
	if (s->cancels) {
		fetch_cancel(f);
		one_less();
	}
}

static void start_stream(struct stream *s, const char *url, size_t max)
{
	struct fetch_request r = { .on_body = on_stream_body,
	    .deadline_ms = 15000, .max_body = max };

	start_request(&s->p, &r, url);
}

/* Whole, in order, before the end, and bounded in each turn for all together,
 * which each has its share of. */
static void test_streams(void **state)
{
	struct stream v[3] = { 0 };
	struct script s;

	(void)state;
	most_in_turn = most_calls = 0;
	loop_each_turn(loop, end_of_turn, NULL);
	script_start(&s, answer_pieces, NULL);
	for (int k = 0; k < 3; k++)
		start_stream(&v[k], s.url, PIECES * PIECE);
	loop_run(loop);
	for (int k = 0; k < 3; k++) {
		assert_int_equal(v[k].p.answer.error, FETCH_OK);
		assert_int_equal(v[k].p.answer.len, 0);
		assert_int_equal(v[k].n, PIECES * PIECE);
		assert_true(v[k].calls >= PIECES * PIECE / (2 * WINDOW));
	}
	assert_true(most_in_turn <= WINDOW + 32 * 1024);
	script_stop(&s);
}

static void test_streams_that_fail(void **state)
{
	struct stream cut = { 0 }, large = { 0 };
	struct script s;
	char url[100];

	(void)state;
	script_start(&s, answer_pieces, NULL);
	snprintf(url, sizeof(url), "%s/short", s.url);
	start_stream(&cut, url, PIECES * PIECE);
	loop_run(loop);
	assert_int_equal(cut.p.dones, 1);
	assert_int_not_equal(cut.p.answer.error, FETCH_OK);
	assert_true(cut.n > 0 && cut.n <= (PIECES / 2 + 1) * PIECE);
	start_stream(&large, s.url, PIECES * PIECE - 1);
	loop_run(loop);
	assert_int_equal(large.p.answer.error, FETCH_TOO_LARGE);
	assert_int_equal(large.n, 0);
	script_stop(&s);
	memset(&large, 0, sizeof(large));
	script_start(&s, answer_endless, NULL);
	start_stream(&large, s.url, MAX_BODY);
	large.any = true;
	loop_run(loop);
	assert_int_equal(large.p.answer.error, FETCH_TOO_LARGE);
	script_stop(&s);
}

/* The body of what is no 200 is an explanation. */
static void test_errors_do_not_stream(void **state)
{
	struct stream v = { 0 };
	struct script s;
	char url[100];

	(void)state;
	script_start(&s, answer_pieces, NULL);
	snprintf(url, sizeof(url), "%s/missing", s.url);
	start_stream(&v, url, PIECES * PIECE);
	loop_run(loop);
	assert_int_equal(v.calls, 0);
	assert_int_equal(v.p.answer.status, 404);
	assert_int_equal(v.p.answer.len, PIECES * PIECE);
	script_stop(&s);
}

static void test_cancel_a_stream(void **state)
{
	struct stream v = { .cancels = true };
	struct script s;

	(void)state;
	script_start(&s, answer_pieces, NULL);
	start_stream(&v, s.url, PIECES * PIECE);
	loop_run(loop);
	assert_int_equal(v.calls, 1);
	assert_int_equal(v.p.dones, 0);
	script_stop(&s);
}

static void test_refused(void **state)
{
	struct probe p = { 0 };
	struct script s;

	(void)state;
	script_start(&s, answer_hello, NULL);
	script_stop(&s);		/* nobody listens there now */
	start_get(&p, s.url);
	loop_run(loop);
	assert_int_equal(p.answer.error, FETCH_CONNECT);
	assert_non_null(strstr(p.answer.reason, "Connection refused"));
	assert_non_null(strstr(p.answer.reason, strstr(s.url, "127")));
}

/* A full queue of connections not accepted drops the next: no reply. */
static void test_connect_timeout(void **state)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	struct fetch_request r = { .connect_ms = 200 };
	socklen_t len = sizeof(a);
	struct probe p = { 0 };
	int fd[5], i;
	char url[64];

	(void)state;
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (i = 0; i < 5; i++)
		fd[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(fd[0], (struct sockaddr *)&a, len), 0);
	assert_int_equal(listen(fd[0], 0), 0);
	getsockname(fd[0], (struct sockaddr *)&a, &len);
	for (i = 1; i < 5; i++)
		connect(fd[i], (struct sockaddr *)&a, len);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d",
	    ntohs(a.sin_port));
	start_request(&p, &r, url);
	loop_run(loop);
	assert_int_equal(p.answer.error, FETCH_CONNECT);
	assert_non_null(strstr(p.answer.reason, "no reply"));
	for (i = 0; i < 5; i++)
		close(fd[i]);
}

/* Whether a resolver answers or hangs, others are not held up. */
static void test_name_that_does_not_resolve(void **state)
{
	struct probe p = { 0 }, good = { 0 };
	struct script s;

	(void)state;
	script_start(&s, answer_hello, NULL);
	start_get(&p, "http://user:secret@no-such-host.invalid:2379/x?y");
	start_get(&good, s.url);
	loop_run(loop);
	assert_int_equal(good.answer.error, FETCH_OK);
	assert_true(good.answer.duration_us < 1000000);
	assert_int_equal(p.answer.error, FETCH_RESOLVE);
	assert_non_null(strstr(p.answer.reason,
	    "no-such-host.invalid:2379"));
	assert_null(strstr(p.answer.reason, "secret"));
	script_stop(&s);
}

static void ask_tls(script_fn *fn, const char *arg)
{
	struct probe p = { 0 };
	struct script s;
	char url[100];

	script_start(&s, fn, (void *)(uintptr_t)arg);
	snprintf(url, sizeof(url), "https://127.0.0.1:%d/", s.port);
	start_within(&p, url, 3000);
	loop_run(loop);
	assert_int_equal(p.answer.error, FETCH_TLS);
	assert_non_null(strstr(p.answer.reason, "TLS with 127.0.0.1:"));
	script_stop(&s);
}

static void test_tls(void **state)
{
	(void)state;
	ask_tls(answer_raw, "not TLS\r\n\r\n");
	ask_tls(answer_raw, "");
	ask_tls(answer_raw_and_wait, "");	/* a plain etcd does this */
}

static void test_urls_that_are_none(void **state)
{
	static const char *const urls[] = { "", "http://", "ftp://127.0.0.1/",
	    "http://[::1", "http://127.0.0.1:99999/" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		struct probe p = { 0 };

		start_get(&p, urls[i]);
		loop_run(loop);
		assert_int_equal(p.dones, 1);
		if (p.answer.error != FETCH_CONNECT)
			fail_msg("%s: %s", urls[i], p.answer.reason);
	}
}

/* --- cancelling --- */

static void cancel_self(struct probe *p)
{
	fetch_cancel(p->fetch);
	fetch_cancel(p->fetch);
	if (p->dones == 0)
		one_less();
}

static void test_cancel_in_own_callbacks(void **state)
{
	struct probe at_head = { .at_head = cancel_self };
	struct probe at_done = { .at_done = cancel_self };
	struct script s;

	(void)state;
	script_start(&s, answer_hello, NULL);
	start_get(&at_head, s.url);
	start_get(&at_done, s.url);
	loop_run(loop);
	assert_int_equal(at_head.heads, 1);
	assert_int_equal(at_head.dones, 0);
	assert_int_equal(at_done.dones, 1);
	script_stop(&s);
}

static void test_cancel_before_anything(void **state)
{
	struct probe p = { 0 }, good = { 0 };
	struct script s;

	(void)state;
	fetch_cancel(NULL);
	script_start(&s, answer_hello, NULL);
	start_get(&p, s.url);
	start_get(&good, s.url);
	fetch_cancel(p.fetch);
	running--;
	start_get(&p, "");		/* one that failed at once */
	fetch_cancel(p.fetch);
	running--;
	loop_run(loop);
	assert_int_equal(p.dones, 0);
	assert_int_equal(good.answer.error, FETCH_OK);
	script_stop(&s);
}

/* Whichever ends first cancels the other, which may be ready as well. */
static void test_cancel_each_other(void **state)
{
	struct script s;
	int i, both = 0;

	(void)state;
	script_start(&s, answer_hello, NULL);
	for (i = 0; i < 30; i++) {
		struct probe a = { .at_done = cancel_other };
		struct probe b = { .at_head = cancel_other, .other = &a };

		a.other = &b;
		start_get(&a, s.url);
		start_get(&b, s.url);
		loop_run(loop);
		both += a.dones + b.dones == 2;
		assert_int_equal(a.dones + b.dones, 1);
	}
	assert_int_equal(both, 0);
	script_stop(&s);
}

static struct probe chain;
static char chain_url[64];
static int links;

static void start_next(struct probe *p)
{
	(void)p;
	if (++links == 20)
		return;
	memset(&chain, 0, sizeof(chain));
	chain.at_done = start_next;
	start_get(&chain, chain_url);
}

static void test_start_inside_done(void **state)
{
	struct script s;

	(void)state;
	links = 0;
	script_start(&s, answer_hello, NULL);
	snprintf(chain_url, sizeof(chain_url), "%s", s.url);
	chain = (struct probe){ .at_done = start_next };
	start_get(&chain, s.url);
	loop_run(loop);
	assert_int_equal(links, 20);
	assert_int_equal(s.nconnections, 1);
	/* The same where each fails at once: turns go on. */
	links = 0;
	chain_url[0] = '\0';
	chain = (struct probe){ .at_done = start_next };
	start_get(&chain, "");
	loop_run(loop);
	assert_int_equal(links, 20);
	script_stop(&s);
}

static char *taken;

static void take_body(struct fetch *f, struct fetch_answer *a, void *arg)
{
	(void)arg;
	taken = fetch_take_body(f, a);
	assert_int_equal(a->len, 0);
	loop_stop(loop);
}

static void test_take_body(void **state)
{
	struct fetch_request r = { .deadline_ms = DEADLINE,
	    .max_body = MAX_BODY, .on_done = take_body };
	struct script s;

	(void)state;
	script_start(&s, answer_hello, NULL);
	r.url = s.url;
	fetch_start(loop, &r);
	loop_run(loop);
	assert_string_equal(taken, "hello");
	free(taken);
	script_stop(&s);
}

static void test_loop_freed_first(void **state)
{
	struct probe p = { 0 }, q = { 0 };
	struct script s;

	(void)state;
	script_start(&s, answer_poll, NULL);
	start_get(&p, s.url);
	start_get(&q, "");
	guarded_loop_end();
	assert_int_equal(p.dones + q.dones, 0);
	script_stop(&s);
	begin_test(state);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, begin_test, end_test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_answer),
		TEST(test_any_status_is_an_answer),
		TEST(test_chunked),
		TEST(test_interim_answers),
		TEST(test_redirect),
		TEST(test_redirected_post),
		TEST(test_what_is_sent),
		TEST(test_head_request),
		TEST(test_keep_alive),
		TEST(test_stale_connection),
		TEST(test_once_is_never_sent_twice),
		TEST(test_poll_holds_up_nobody),
		TEST(test_silent_server),
		TEST(test_head_then_silence),
		TEST(test_broken),
		TEST(test_headers_too_long),
		TEST(test_too_large),
		TEST(test_exactly_as_large_as_allowed),
		TEST(test_streams),
		TEST(test_streams_that_fail),
		TEST(test_errors_do_not_stream),
		TEST(test_cancel_a_stream),
		TEST(test_refused),
		TEST(test_connect_timeout),
		TEST(test_name_that_does_not_resolve),
		TEST(test_tls),
		TEST(test_urls_that_are_none),
		TEST(test_cancel_in_own_callbacks),
		TEST(test_cancel_before_anything),
		TEST(test_cancel_each_other),
		TEST(test_start_inside_done),
		TEST(test_take_body),
		TEST(test_loop_freed_first),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
