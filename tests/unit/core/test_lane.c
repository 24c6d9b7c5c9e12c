/* Pipelined connections against a server that reads and writes what a test
 * tells it, down to the byte. */
#include "core/lane.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/guarded_loop.h"
#include "tests/unit/http_script.h"

enum { MAX_BODY = 1000, TARGETS = 512 };

static struct script server;
static atomic_bool go;			/* the server may go on */

static struct {
	struct lane *lane;
	unsigned opens, heads, answers, ends;
	unsigned stop_at;		/* answers, then the loop stops */
	unsigned close_at;		/* answers, then it is closed */
	enum fetch_error error;
	char reason[256], last[64];
	bool in_order;
} seen;

static int begin_test(void **state)
{
	(void)state;
	guarded_loop_begin();
	memset(&seen, 0, sizeof(seen));
	seen.in_order = true;
	seen.stop_at = seen.close_at = UINT32_MAX;
	atomic_store(&go, false);
	return 0;
}

static int end_test(void **state)
{
	(void)state;
	guarded_loop_end();
	return 0;
}

static void on_test_open(struct lane *l, void *arg)
{
	(void)l;
	(void)arg;
	seen.opens++;
}

static void on_test_head(struct lane *l, const struct http_answer *a,
    void *arg)
{
	(void)l;
	(void)arg;
	assert_int_equal(seen.heads, seen.answers);
	assert_int_equal(a->body.len, 0);
	seen.heads++;
	if (seen.heads == 2)		/* test_head_comes_first waits */
		atomic_store(&go, true);
}

/* The server answers with what was asked for: "/0", "/1", ... */
static void on_test_answer(struct lane *l, struct http_answer *a, void *arg)
{
	char expected[32];

	(void)arg;
	snprintf(expected, sizeof(expected), "/%u", seen.answers++);
	if (strcmp(buf_str(&a->body), expected) != 0)
		seen.in_order = false;
	snprintf(seen.last, sizeof(seen.last), "%.60s", buf_str(&a->body));
	if (seen.answers == seen.close_at)
		lane_close(l);
	if (seen.answers == seen.stop_at || seen.answers == seen.close_at)
		loop_stop(loop);
}

static void on_test_end(struct lane *l, enum fetch_error error,
    const char *reason, void *arg)
{
	(void)l;
	(void)arg;
	seen.ends++;
	seen.error = error;
	snprintf(seen.reason, sizeof(seen.reason), "%s", reason);
	loop_stop(loop);
}

static const struct lane_user test_user = {
	.open = on_test_open, .head = on_test_head, .answer = on_test_answer,
	.end = on_test_end,
};

static struct lane *open_at(const char *url, const struct http_config *http)
{
	struct lane_request r = { .url = url, .http = http,
		.connect_ms = 5000, .max_body = MAX_BODY, .user = &test_user };

	return lane_open(loop, &r);
}

static void ask(struct lane *l, unsigned first, unsigned n)
{
	char target[32];

	for (unsigned i = first; i < first + n; i++) {
		snprintf(target, sizeof(target), "/%u", i);
		lane_get(l, target);
	}
	lane_flush(l);
}

static void target_of(const char *request, char *to, size_t size)
{
	size_t n = strcspn(request + 4, " ");

	snprintf(to, size, "%.*s", (int)n, request + 4);
}

static bool echo(struct script *s, int fd, const char *request, void *arg)
{
	char target[64];

	(void)s;
	(void)arg;
	target_of(request, target, sizeof(target));
	script_answer(fd, 200, target);
	return true;
}

/* --- many --- */

static void test_many_in_order(void **state)
{
	struct lane *l;

	(void)state;
	script_start(&server, echo, NULL);
	l = open_at(server.url, NULL);
	ask(l, 0, TARGETS);
	seen.stop_at = TARGETS;
	loop_run(loop);
	assert_true(seen.in_order);
	assert_int_equal(lane_unanswered(l), 0);
	ask(l, TARGETS, TARGETS);
	seen.stop_at = 2 * TARGETS;
	loop_run(loop);
	assert_true(seen.in_order);
	assert_int_equal(seen.opens, 1);
	assert_int_equal(seen.heads, 2 * TARGETS);
	assert_int_equal(server.nconnections, 1);
	/* All of them in a few calls. */
	assert_in_range(l->sends, 2, 40);
	lane_close(l);
	script_stop(&server);
}

/* Answers only when it is told to, so that requests pile up. */
static bool stalls(struct script *s, int fd, const char *request, void *arg)
{
	while (!atomic_load(&go))
		usleep(1000);
	return echo(s, fd, request, arg);
}

static void let_go(void *arg, mono_t now)
{
	(void)arg;
	(void)now;
	atomic_store(&go, true);
}

static void test_more_than_fits(void **state)
{
	enum { MUCH = 40000 };		/* 3 MB */
	struct timer *t = timer_new(loop, let_go, NULL);
	struct lane *l;

	(void)state;
	script_start(&server, stalls, NULL);
	l = open_at(server.url, NULL);
	ask(l, 0, MUCH);
	timer_set(t, mono_add(clock_mono(), 50));
	seen.stop_at = MUCH;
	loop_run(loop);
	assert_true(seen.in_order);
	timer_free(t);
	lane_close(l);
	script_stop(&server);
}

/* --- one answer --- */

static bool slow_body(struct script *s, int fd, const char *request,
    void *arg)
{
	char text[64];

	(void)s;
	(void)arg;
	script_puts(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
	    "X-Etcd-Index: 7\r\n\r\n");
	while (strncmp(request, "GET /1 ", 7) == 0 && !atomic_load(&go))
		usleep(1000);
	snprintf(text, sizeof(text), "2\r\n%.2s\r\n0\r\n\r\n", request + 4);
	script_puts(fd, text);
	return true;
}

static void test_head_comes_first(void **state)
{
	struct lane *l;

	(void)state;
	script_start(&server, slow_body, NULL);
	l = open_at(server.url, NULL);
	ask(l, 0, 2);
	seen.stop_at = 2;
	loop_run(loop);
	assert_true(seen.in_order);
	assert_int_equal(seen.heads, 2);
	lane_close(l);
	script_stop(&server);
}

static char request_seen[4096];

static bool keep(struct script *s, int fd, const char *request, void *arg)
{
	snprintf(request_seen, sizeof(request_seen), "%s", request);
	return echo(s, fd, request, arg);
}

static void request_is(const struct http_config *http, const char *extra)
{
	struct lane *l;
	char expected[512], url[80];

	script_start(&server, keep, NULL);
	snprintf(url, sizeof(url), "%s/base/", server.url);
	l = open_at(url, http);
	lane_get(l, "/0?wait=true");
	lane_flush(l);
	seen.answers = 0;
	seen.stop_at = 1;
	loop_run(loop);
	assert_string_equal(seen.last, "/base/0?wait=true");
	snprintf(expected, sizeof(expected), "GET /base/0?wait=true HTTP/1.1"
	    "\r\nHost: 127.0.0.1:%d\r\nUser-Agent: rollcall\r\n"
	    "Accept: */*\r\n%s\r\n", server.port, extra);
	assert_string_equal(request_seen, expected);
	lane_close(l);
	script_stop(&server);
	seen.heads = seen.answers = 0;
}

static void test_what_is_sent(void **state)
{
	struct http_config http;

	(void)state;
	request_is(NULL, "");
	http_config_init(&http);
	request_is(&http, "");
	http.basic_auth.username = xstrdup("Aladdin");
	http.basic_auth.password = xstrdup("open sesame");
	request_is(&http,
	    "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n");
	free(http.basic_auth.password);
	http.basic_auth.password = xstrdup("ab");
	request_is(&http, "Authorization: Basic QWxhZGRpbjphYg==\r\n");
	free(http.basic_auth.password);
	http.basic_auth.password = NULL;
	request_is(&http, "Authorization: Basic QWxhZGRpbjo=\r\n");
	http.authorization.credentials = xstrdup("token");
	request_is(&http, "Authorization: Bearer token\r\n");
	http_config_free(&http);
}

static void test_where_it_is_possible(void **state)
{
	struct http_config http;

	(void)state;
	http_config_init(&http);
	assert_true(lane_is_possible("http://h:1", NULL));
	assert_true(lane_is_possible("http://h:1", &http));
	http.proxy_from_environment = true;
	assert_false(lane_is_possible("http://h:1", &http));
	assert_true(lane_is_possible("https://h:1", &http));
	http.proxy_from_environment = false;
	http.proxy_url = xstrdup("http://proxy:3128");
	assert_false(lane_is_possible("http://h:1", &http));
	assert_true(lane_is_possible("https://h:1", &http));	/* tunnels */
	http_config_free(&http);
}

/* --- how it ends --- */

static const char *script_text;

/* Says this to the first request, and closes. */
static bool says(struct script *s, int fd, const char *request, void *arg)
{
	(void)s;
	(void)request;
	(void)arg;
	script_puts(fd, script_text);
	return false;
}

/* Of three polls so many are answered, and this is why no more are. */
static void ends_with(const char *text, unsigned answers,
    enum fetch_error error, const char *reason)
{
	char expected[300];
	struct lane *l;

	seen.answers = seen.heads = seen.ends = 0;
	script_text = text;
	script_start(&server, says, NULL);
	l = open_at(server.url, NULL);
	ask(l, 0, 3);
	loop_run(loop);
	snprintf(expected, sizeof(expected), reason, server.port);
	assert_string_equal(seen.reason, expected);
	assert_int_equal(seen.answers, answers);
	assert_int_equal(seen.error, error);
	assert_int_equal(seen.ends, 1);
	assert_int_equal(lane_unanswered(l), 3 - answers);
	lane_close(l);
	script_stop(&server);
}

#define BROKEN "connection to 127.0.0.1:%d broken: "
#define ANSWER(n) "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n/" #n

static void test_how_it_ends(void **state)
{
	(void)state;
	ends_with("", 0, FETCH_BROKEN, BROKEN "closed without an answer");
	ends_with(ANSWER(0) ANSWER(1), 2, FETCH_BROKEN,
	    BROKEN "closed without an answer");
	ends_with(ANSWER(0) "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n/",
	    1, FETCH_BROKEN, BROKEN "closed before the end of the answer");
	ends_with("SSH-2.0-OpenSSH_9.2\r\n", 0, FETCH_BROKEN,
	    BROKEN "the answer is not HTTP/1.1");
	ends_with(ANSWER(0) "HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n",
	    1, FETCH_TOO_LARGE,
	    "the answer of 127.0.0.1:%d is larger than 1000 bytes");
	ends_with(ANSWER(0) "HTTP/1.1 200 OK\r\nConnection: close\r\n"
	    "Content-Length: 2\r\n\r\n/1", 2, FETCH_BROKEN,
	    BROKEN "closed without an answer");
	ends_with(ANSWER(0) "HTTP/1.1 200 OK\r\n\r\n/1", 2, FETCH_BROKEN,
	    BROKEN "closed without an answer");
	ends_with(ANSWER(0) ANSWER(1) ANSWER(2) ANSWER(3), 3, FETCH_BROKEN,
	    BROKEN "an answer to no request");
	assert_true(seen.in_order);
}

static void fails_to_open(const char *url, enum fetch_error error)
{
	struct lane *l = open_at(url, NULL);

	seen.ends = 0;
	ask(l, 0, 3);
	assert_int_equal(seen.ends, 0);		/* on a later turn */
	loop_run(loop);
	assert_int_equal(seen.opens, 0);
	assert_int_equal(seen.ends, 1);
	assert_int_equal(seen.error, error);
	lane_close(l);
}

static void test_fails_to_open(void **state)
{
	(void)state;
	script_start(&server, echo, NULL);
	script_stop(&server);		/* nobody listens there now */
	fails_to_open(server.url, FETCH_CONNECT);
	assert_non_null(strstr(seen.reason, "Connection refused"));
	fails_to_open("http://no-such-name.invalid:1", FETCH_RESOLVE);
	fails_to_open("http://:0:", FETCH_CONNECT);
}

/* Inside an answer, with others behind it in the same piece. */
static void test_closed_in_an_answer(void **state)
{
	struct lane *l;

	(void)state;
	script_start(&server, echo, NULL);
	l = open_at(server.url, NULL);
	ask(l, 0, 100);
	seen.close_at = 10;
	loop_run(loop);
	assert_int_equal(seen.answers, 10);
	assert_int_equal(seen.ends, 0);
	script_stop(&server);
}

static void test_closed_while_it_connects(void **state)
{
	struct lane *l;

	(void)state;
	script_start(&server, echo, NULL);
	l = open_at(server.url, NULL);
	ask(l, 0, 1);
	lane_close(l);
	lane_close(NULL);
	loop_stop(loop);
	loop_run(loop);
	assert_int_equal(seen.opens + seen.ends, 0);
	script_stop(&server);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, begin_test, end_test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_many_in_order),
		TEST(test_more_than_fits),
		TEST(test_head_comes_first),
		TEST(test_what_is_sent),
		TEST(test_where_it_is_possible),
		TEST(test_how_it_ends),
		TEST(test_fails_to_open),
		TEST(test_closed_in_an_answer),
		TEST(test_closed_while_it_connects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
