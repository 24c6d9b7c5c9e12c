/* Requests that change something, over real sockets, with a loop in a thread
 * of its own: who may make them, what they say, and that a request is either
 * answered with what came of it or comes to nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <unistd.h>

#include "core/err.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/xalloc.h"
#include "exporter/admin.c"

enum { LIMIT_MS = 150, CALLS_TRIED = 100 };	/* more than CALLS_MAX */

static struct loop *loop;
static struct exporter *x;
static pthread_t runner;
static atomic_int applied;
static struct window last;		/* as it was asked for */

/* --- what changes: notes what it was asked for --- */

static enum admin_rc note(const struct window *asked, struct window *w_r,
    struct err *e)
{
	window_fini(&last);
	window_copy(&last, asked);
	applied++;
	if (strcmp(asked->service, "nobody") == 0) {
		err_set(e, "no service \"nobody\" is known");
		return ADMIN_NOT_FOUND;
	}
	if (strcmp(asked->service, "up") == 0) {
		err_set(e, "up is registered");
		return ADMIN_CONFLICT;
	}
	window_copy(w_r, asked);
	w_r->id = 7;
	return ADMIN_OK;
}

static enum admin_rc start(void *arg, const struct window *asked,
    struct window *w_r, struct err *e)
{
	(void)arg;
	return note(asked, w_r, e);
}

static enum admin_rc end(void *arg, int64_t id, struct window *w_r,
    struct err *e)
{
	char service[] = "login", nobody[] = "nobody";
	struct window asked = { .id = id,
	    .service = id == 404 ? nobody : service };

	(void)arg;
	return note(&asked, w_r, e);
}

static enum admin_rc forget(void *arg, const struct window *asked,
    struct window *w_r, struct err *e)
{
	enum admin_rc rc = note(asked, w_r, e);

	(void)arg;
	if (rc == ADMIN_OK && w_r->cluster == NULL)
		w_r->cluster = xstrdup("default");
	return rc;
}

static const struct exporter_admin table = { start, end, forget, NULL };

/* --- a server --- */

static void *run(void *arg)
{
	(void)arg;
	loop_run(loop);
	return NULL;
}

static void listen_with(bool enabled)
{
	char address[] = "127.0.0.1:0", *one = address;
	struct exporter_options o = {
		.listen = { &one, 1 }, .telemetry_path = "/metrics",
		.admin = &table, .loop = loop, .admin_api = enabled,
		.admin_limit_ms = LIMIT_MS,
	};
	struct err e;

	x = exporter_start(&o, &e);
	assert_non_null(x);
	applied = 0;
}

static int set_up(void **state)
{
	(void)state;
	loop = loop_new(NULL);
	listen_with(false);
	return pthread_create(&runner, NULL, run, NULL);
}

static int tear_down(void **state)
{
	(void)state;
	loop_stop(loop);
	pthread_join(runner, NULL);
	exporter_stop(x);
	loop_free(loop);
	window_fini(&last);
	return 0;
}

static int begin(const char *request)
{
	const char *port = strrchr(exporter_address(x, 0), ':') + 1;
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(port)) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	assert_true(send(fd, request, strlen(request), MSG_NOSIGNAL) > 0);
	return fd;
}

/* All that comes until the other side closes; the status. */
static int finish(int fd, char *got, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while ((n = recv(fd, got + len, size - 1 - len, 0)) > 0)
		len += (size_t)n;
	got[len] = '\0';
	close(fd);
	return len > 12 ? atoi(got + 9) : 0;
}

static char got[8192];

static int ask(const char *line, const char *headers, const char *body)
{
	char request[4096];

	snprintf(request, sizeof(request), "%s HTTP/1.1\r\n"
	    "Host: 127.0.0.1:10379\r\nConnection: close\r\n"
	    "Content-Length: %zu\r\n%s\r\n%s", line, strlen(body), headers,
	    body);
	return finish(begin(request), got, sizeof(got));
}

#define JSON "Content-Type: application/json\r\n"
#define START "POST /api/registry/v1/maintenance"
#define FORGET "POST /api/registry/v1/forget"
#define END "DELETE /api/registry/v1/maintenance/7"
#define HOUR "{\"service\":\"login\",\"for\":\"1h\"}"

static void assert_has(const char *part)
{
	if (strstr(got, part) == NULL)
		fail_msg("\"%s\" is not in:\n%s", part, got);
}

/* --- what they say --- */

static void test_start(void **state)
{
	(void)state;
	assert_int_equal(ask(START, JSON, "{\"service\":\"login\","
	    "\"instance\":\"1\",\"cluster\":\"im\",\"for\":\"1h30m\","
	    "\"comment\":\"deploy \\\"x\\\"\",\"created_by\":\"me\","
	    "\"end_when_back\":true}"), 200);
	assert_int_equal(applied, 1);
	assert_string_equal(last.service, "login");
	assert_string_equal(last.instance, "1");
	assert_string_equal(last.cluster, "im");
	assert_string_equal(last.comment, "deploy \"x\"");
	assert_string_equal(last.created_by, "me");
	assert_int_equal(last.to.ms, 5400000);
	assert_true(last.end_when_back);
	assert_has("\r\nContent-Type: application/json\r\n");
	assert_has("\r\n\r\n{\"id\":7,\"etcd_cluster\":\"im\","
	    "\"service_name\":\"login\",\"instance_id\":\"1\",\"from\":");
	assert_has("\"end_when_back\":true,\"comment\":\"deploy \\\"x\\\"\"");
	assert_int_equal(ask(START, "Content-Type: application/json;"
	    " charset=utf-8\r\n", HOUR), 200);
	assert_null(last.instance);
	assert_false(last.end_when_back);
}

static void test_end(void **state)
{
	(void)state;
	assert_int_equal(ask(END, "", ""), 200);
	assert_int_equal(last.id, 7);
	assert_has("{\"id\":7,");
	assert_int_equal(ask("DELETE /api/registry/v1/maintenance/404", "",
	    ""), 404);
	assert_has("{\"status\":\"error\",\"errorType\":\"not_found\","
	    "\"error\":\"no service \\\"nobody\\\" is known\"}");
	assert_int_equal(ask("DELETE /api/registry/v1/maintenance/x", "", ""),
	    400);
	assert_has("is no id");
	assert_int_equal(ask("DELETE /api/registry/v1/maintenance/-1", "",
	    ""), 400);
	assert_int_equal(applied, 2);
}

static void test_forget(void **state)
{
	(void)state;
	assert_int_equal(ask(FORGET, JSON,
	    "{\"service\":\"login\",\"instance\":\"1\"}"), 200);
	assert_has("{\"etcd_cluster\":\"default\",\"service_name\":\"login\","
	    "\"instance_id\":\"1\"}");
	assert_int_equal(ask(FORGET, JSON,
	    "{\"service\":\"up\",\"instance\":\"1\"}"), 409);
	assert_has("\"errorType\":\"conflict\"");
}

static void test_bad_bodies(void **state)
{
	static const struct {
		const char *line, *body, *says;
	} cases[] = {
		{ START, "", "empty text" },
		{ START, "{", "invalid JSON" },
		{ START, "[]", "must be a JSON object" },
		{ START, "{\"for\":\"1h\"}", "\\\"service\\\" is missing" },
		{ START, "{\"service\":\"a\"}", "\\\"for\\\" is missing" },
		{ START, "{\"service\":\"\",\"for\":\"1h\"}", "not be empty" },
		{ START, "{\"service\":null,\"for\":\"1h\"}", "a string" },
		{ START, "{\"service\":1,\"for\":\"1h\"}", "a string" },
		{ START, "{\"service\":\"a\\u0000\",\"for\":\"1h\"}", "NUL" },
		{ START, "{\"service\":\"a\",\"for\":3600}", "a duration" },
		{ START, "{\"service\":\"a\",\"for\":\"1 hour\"}", "for" },
		{ START, "{\"service\":\"a\",\"for\":\"10ms\"}", "from 1s" },
		{ START, "{\"service\":\"a\",\"for\":\"2y\"}", "from 1s" },
		{ START, "{\"service\":\"a\",\"for\":\"1h\",\"for\":\"2h\"}",
		    "given twice" },
		{ START, "{\"service\":\"a\",\"for\":\"1h\",\"instanc\":1}",
		    "did you mean \\\"instance\\\"?" },
		{ START, "{\"service\":\"a\",\"for\":\"1h\","
		    "\"end_when_back\":1}", "true or false" },
		{ FORGET, "{\"service\":\"a\"}", "\\\"instance\\\" is" },
		{ FORGET, "{\"service\":\"a\",\"instance\":\"1\","
		    "\"for\":\"1h\"}", "unknown key" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(ask(cases[i].line, JSON, cases[i].body), 400);
		assert_has("\"errorType\":\"bad_data\"");
		assert_has(cases[i].says);
	}
	assert_int_equal(applied, 0);
}

static void test_long_bodies(void **state)
{
	(void)state;
	assert_int_equal(finish(begin(START " HTTP/1.1\r\nHost: 127.0.0.1\r\n"
	    JSON "Content-Length: 65537\r\n\r\n"), got, sizeof(got)), 413);
	assert_int_equal(finish(begin(START " HTTP/1.1\r\nHost: 127.0.0.1\r\n"
	    JSON "Transfer-Encoding: chunked\r\n\r\n"), got, sizeof(got)),
	    411);
	assert_int_equal(applied, 0);
}

static void test_methods(void **state)
{
	(void)state;
	assert_int_equal(ask("GET /api/registry/v1/forget", "", ""), 405);
	assert_has("\r\nAllow: POST\r\n");
	assert_int_equal(ask("POST /api/registry/v1/maintenance/7", JSON, ""),
	    405);
	assert_has("\r\nAllow: DELETE\r\n");
	assert_int_equal(ask("PUT /api/registry/v1/maintenance", JSON, ""),
	    405);
	assert_has("\r\nAllow: GET, HEAD, POST\r\n");
	assert_int_equal(ask("OPTIONS /api/registry/v1/maintenance", "", ""),
	    405);
	assert_int_equal(ask("POST /api/registry/v1/forget/x", JSON, ""), 404);
	assert_int_equal(ask("DELETE /api/registry/v1/maintenance/", "", ""),
	    404);
	assert_true(exporter_has_path("/api/registry/v1/forget"));
	assert_true(exporter_has_path("/api/registry/v1/maintenance"));
}

/* --- who may --- */

static void test_other_sites(void **state)
{
	(void)state;
	assert_int_equal(ask(START, JSON "Origin: http://evil.example\r\n",
	    HOUR), 403);
	assert_has("a page of another site");
	assert_int_equal(ask(START, JSON "Origin: null\r\n", HOUR), 403);
	assert_int_equal(ask(START, JSON
	    "Origin: http://127.0.0.1:10380\r\n", HOUR), 403);
	assert_int_equal(ask(START, JSON
	    "Origin: http://127.0.0.1:10379\r\n", HOUR), 200);
	assert_int_equal(ask(START, "Content-Type: text/plain\r\n", HOUR),
	    415);
	assert_int_equal(ask(START, "", HOUR), 415);
	assert_int_equal(applied, 1);
}

static void test_proxies(void **state)
{
	(void)state;
	assert_int_equal(ask(END, "X-Forwarded-For: 10.0.0.1\r\n", ""), 403);
	assert_has("--web.enable-admin-api");
	assert_int_equal(ask(END, "Via: 1.1 proxy\r\n", ""), 403);
	assert_int_equal(applied, 0);
}

static bool may(struct admin_origin o)
{
	struct reply r;

	o.content_type = "application/json";
	if (admin_may(&o, "POST", &r))
		return true;
	buf_free(&r.body);
	return false;
}

static void test_who_may(void **state)
{
	(void)state;
	assert_false(may((struct admin_origin){ .host = "a" }));
	assert_true(may((struct admin_origin){ .host = "a",
	    .enabled = true }));
	assert_true(may((struct admin_origin){ .host = "a",
	    .loopback = true }));
	/* A name that was made to point here. */
	assert_false(may((struct admin_origin){ .host = "evil.example",
	    .origin = "http://evil.example", .loopback = true }));
	assert_true(may((struct admin_origin){ .host = "roll.example",
	    .origin = "https://roll.example", .enabled = true,
	    .forwarded = true }));
	assert_true(may((struct admin_origin){ .host = "[::1]:80",
	    .origin = "http://[::1]:80", .loopback = true }));
	assert_true(may((struct admin_origin){ .host = "LOCALHOST:80",
	    .origin = "http://localhost:80", .loopback = true }));
	assert_false(may((struct admin_origin){ .host = "localhost.evil",
	    .origin = "http://localhost.evil", .loopback = true }));
	assert_false(may((struct admin_origin){ .host = NULL,
	    .origin = "http://a", .enabled = true }));
}

/* --- a loop that does not come --- */

static void stop_running(void)
{
	loop_stop(loop);
	pthread_join(runner, NULL);
}

static void caught_up(void *arg)
{
	sem_post(arg);
}

/* Until it has done what was posted meanwhile. */
static void run_again(void)
{
	sem_t done;

	sem_init(&done, 0, 0);
	assert_int_equal(pthread_create(&runner, NULL, run, NULL), 0);
	loop_post(loop, caught_up, &done);
	sem_wait(&done);
	sem_destroy(&done);
}

static void test_too_late(void **state)
{
	(void)state;
	stop_running();
	assert_int_equal(ask(START, JSON, HOUR), 503);
	assert_has("\r\nRetry-After: 5\r\n");
	assert_has("nothing was changed");
	run_again();
	assert_int_equal(ask(END, "", ""), 200);
	assert_int_equal(applied, 1);	/* the first one never was */
}

static void test_other_requests_do_not_wait(void **state)
{
	int fds[8];

	(void)state;
	stop_running();
	for (int i = 0; i < 8; i++)
		fds[i] = begin("DELETE /api/registry/v1/maintenance/1 HTTP/1.1"
		    "\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
	assert_int_equal(ask("GET /-/healthy", "", ""), 200);
	run_again();
	for (int i = 0; i < 8; i++) {
		int status = finish(fds[i], got, sizeof(got));

		assert_true(status == 200 || status == 503);
	}
}

static void test_who_goes_away_meanwhile(void **state)
{
	(void)state;
	stop_running();
	close(begin("DELETE /api/registry/v1/maintenance/1 HTTP/1.1\r\n"
	    "Host: 127.0.0.1\r\n\r\n"));
	run_again();
	assert_int_equal(ask(END, "", ""), 200);
}

static void test_too_many(void **state)
{
	int fds[CALLS_TRIED], refused = 0;

	(void)state;
	stop_running();
	for (int i = 0; i < CALLS_TRIED; i++)
		fds[i] = begin("DELETE /api/registry/v1/maintenance/1 HTTP/1.1"
		    "\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
	for (int i = 0; i < CALLS_TRIED; i++)
		refused += finish(fds[i], got, sizeof(got)) == 503;
	assert_int_equal(refused, CALLS_TRIED);
	run_again();
	assert_int_equal(ask(END, "", ""), 200);
	assert_int_equal(applied, 1);
}

static void test_stop_while_one_waits(void **state)
{
	int fd;

	(void)state;
	stop_running();
	fd = begin("DELETE /api/registry/v1/maintenance/1 HTTP/1.1\r\n"
	    "Host: 127.0.0.1\r\nConnection: close\r\n\r\n");
	assert_int_equal(ask("GET /-/healthy", "", ""), 200);
	exporter_stop(x);
	finish(fd, got, sizeof(got));
	assert_int_equal(applied, 0);
	loop_free(loop);
	loop = loop_new(NULL);
	listen_with(true);
	run_again();
	assert_int_equal(ask(END, "X-Forwarded-For: 10.0.0.1\r\n", ""), 200);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_start), T(test_end), T(test_forget),
		T(test_bad_bodies), T(test_long_bodies), T(test_methods),
		T(test_other_sites), T(test_proxies), T(test_who_may),
		T(test_too_late), T(test_other_requests_do_not_wait),
		T(test_who_goes_away_meanwhile), T(test_too_many),
		T(test_stop_while_one_waits),
	};

	log_set_level(LEVEL_ERROR);
	return cmocka_run_group_tests_name("admin", tests, NULL, NULL);
}
