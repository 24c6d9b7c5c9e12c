/* One request to a server, and how it is said that it was for nothing. */
#include "cli/http_once.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/unit/http_script.h"

static char asked[4096];

static bool answer(struct script *s, int fd, const char *request, void *arg)
{
	(void)s;
	snprintf(asked, sizeof(asked), "%s", request);
	script_puts(fd, arg);
	return false;
}

/* Asks a server that answers with these bytes. */
static int ask(const char *bytes, const char *method, const char *body,
    struct http_once_answer *a, struct err *e)
{
	static char url[100];
	struct script s;
	struct http_once q = { .method = method, .url = url, .body = body,
	    .deadline_ms = 5000, .max_body = 100 };
	char copy[1000];
	int rc;

	snprintf(copy, sizeof(copy), "%s", bytes);
	script_start(&s, answer, copy);
	snprintf(url, sizeof(url), "%s/api", s.url);
	rc = http_once(&q, a, e);
	if (rc == 0 && a->status != 200)
		http_once_refused(&q, a, e);
	script_stop(&s);
	return rc;
}

static void test_answers(void **state)
{
	struct http_once_answer a;
	struct err e;

	(void)state;
	assert_int_equal(ask("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
	    NULL, NULL, &a, &e), 0);
	assert_int_equal(a.status, 200);
	assert_string_equal(a.body, "[]");
	assert_int_equal(strncmp(asked, "GET /api HTTP/1.1\r\n", 19), 0);
	free(a.body);
	assert_int_equal(ask("HTTP/1.1 204 No Content\r\n\r\n", "DELETE", NULL,
	    &a, &e), 0);
	assert_string_equal(a.body, "");
	assert_int_equal(strncmp(asked, "DELETE /api ", 12), 0);
	free(a.body);
}

static void test_bodies(void **state)
{
	struct http_once_answer a;
	struct err e;

	(void)state;
	assert_int_equal(ask("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
	    NULL, "{\"a\":1}", &a, &e), 0);
	assert_int_equal(strncmp(asked, "POST /api ", 10), 0);
	assert_non_null(strstr(asked,
	    "\r\nContent-Type: application/json\r\n"));
	assert_non_null(strstr(asked, "\r\n\r\n{\"a\":1}"));
	free(a.body);
}

static void test_refusals(void **state)
{
	struct http_once_answer a;
	struct err e;

	(void)state;
	assert_int_equal(ask("HTTP/1.1 400 Bad Request\r\n"
	    "Content-Length: 55\r\n\r\n{\"status\":\"error\",\"errorType\":"
	    "\"bad_data\",\"error\":\"why\"}", NULL, NULL, &a, &e), 0);
	assert_non_null(strstr(e.text, "/api: why"));
	free(a.body);
	assert_int_equal(ask("HTTP/1.1 404 Not Found\r\nContent-Length: 4"
	    "\r\n\r\nnope", NULL, NULL, &a, &e), 0);
	assert_non_null(strstr(e.text, "/api: HTTP status 404: "));
	free(a.body);
}

static void test_no_answer(void **state)
{
	struct http_once q = { .url = "http://127.0.0.1:1/api",
	    .deadline_ms = 5000, .max_body = 100 };
	struct http_once_answer a;
	struct err e;

	(void)state;
	assert_int_equal(http_once(&q, &a, &e), -1);
	assert_string_equal(e.text, "http://127.0.0.1:1/api: cannot connect to"
	    " 127.0.0.1:1: Connection refused (is `rollcall serve` running"
	    " there? --url names another)");
	assert_int_equal(ask("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
	    NULL, NULL, &a, &e), -1);
	assert_int_equal(strncmp(e.text, "http://127.0.0.1:", 17), 0);
	assert_null(strstr(e.text, "running"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_no_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
