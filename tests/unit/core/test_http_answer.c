/* core/http_answer.c: answers cut anywhere, one behind the other, and what is
 * none. */
#include "core/http_answer.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>


enum { MAX_BODY = 100, PLENTY = 4096 };

/* What was read, as text: "200[body] 404[] bad(why)". */
static struct buf seen;
static unsigned heads;

static enum http_step note(struct http_answer *a, enum http_step step)
{
	if (step == HTTP_HEAD)
		heads++;
	if (step == HTTP_WHOLE)
		buf_addf(&seen, "%ld[%s]%s ", a->status, buf_str(&a->body),
		    a->last ? "!" : "");
	if (step == HTTP_BAD)
		buf_addf(&seen, "bad(%s)%s", a->why,
		    a->too_large ? "+" : "");
	return step;
}

static bool feed(struct http_answer *a, const char *text, size_t n)
{
	enum http_step step;
	size_t used;

	do {
		step = note(a, http_answer_read(a, text, n, &used));
		assert_true(used <= n);
		text += used;
		n -= used;
	} while (step != HTTP_MORE && step != HTTP_BAD);
	assert_true(step == HTTP_BAD || n == 0);
	return step == HTTP_MORE;
}

/* In pieces that end at these places, and then the end of the connection. */
static const char *read_cut(const char *text, size_t one, size_t other)
{
	size_t n = strlen(text), at[] = { one, other, n }, from = 0;
	struct http_answer a;
	bool more = true;

	buf_init(&seen, PLENTY);
	heads = 0;
	http_answer_init(&a, MAX_BODY);
	for (size_t i = 0; i < 3 && more; from = at[i++]) {
		char *piece = malloc(at[i] - from + 1);	/* for ASan */

		memcpy(piece, text + from, at[i] - from);
		more = feed(&a, piece, at[i] - from);
		free(piece);
	}
	if (more)
		note(&a, http_answer_end(&a));
	http_answer_fini(&a);
	return buf_str(&seen);
}

#define LENGTH(n) "HTTP/1.1 200 OK\r\nContent-Length: " #n "\r\n\r\n"
#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

static const struct {
	const char *text, *seen;
} cases[] = {
	{ "", "" },
	{ LENGTH(5) "hello", "200[hello] " },
	{ LENGTH(0) LENGTH(2) "ab" LENGTH(0), "200[] 200[ab] 200[] " },
	{ CHUNKED "5\r\nhello\r\n0\r\n\r\n", "200[hello] " },
	{ CHUNKED "3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nA: b\r\n\r\n" LENGTH(1) "x",
	  "200[hello] 200[x] " },
	{ CHUNKED "00b\r\nhello world\r\n000\r\n\r\n", "200[hello world] " },
	{ CHUNKED "A \r\n0123456789\r\n0\r\n\r\n", "200[0123456789] " },
	{ "HTTP/1.1 400 Bad Request\r\ncontent-length:3\r\n\r\nbad",
	  "400[bad] " },
	{ "HTTP/1.1 204 No Content\r\n\r\n" LENGTH(1) "x", "204[] 200[x] " },
	{ "HTTP/1.1 304\r\nContent-Length: 9\r\n\r\n" LENGTH(1) "x",
	  "304[] 200[x] " },
	{ "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 X\r\nLink: a\r\n\r\n"
	  LENGTH(1) "x", "200[x] " },
	{ "HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 1\r\n\r\nx",
	  "200[x]! " },
	{ "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", "200[x]! " },
	{ "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1"
	  "\r\n\r\nx", "200[x] " },
	{ "HTTP/1.1 200 OK\r\n\r\nto the end", "200[to the end]! " },
	{ "HTTP/1.1 200 OK\r\n\r\n", "200[]! " },

	/* Cut off. */
	{ "HTTP/1.1 20", "bad(closed before the end of the answer)" },
	{ LENGTH(5) "hell", "bad(closed before the end of the answer)" },
	{ CHUNKED "5\r\nhello\r\n",
	  "bad(closed before the end of the answer)" },
	{ CHUNKED "5\r\nhello\r\n0\r\n",
	  "bad(closed before the end of the answer)" },

	/* Nonsense. */
	{ "SSH-2.0-OpenSSH_9.2\r\n", "bad(the answer is not HTTP/1.1)" },
	{ "HTTP/2.0 200 OK\r\n", "bad(the answer is not HTTP/1.1)" },
	{ "HTTP/1.1 20x OK\r\n", "bad(the answer is not HTTP/1.1)" },
	{ "HTTP/1.1 099 OK\r\n", "bad(the answer is not HTTP/1.1)" },
	{ "HTTP/1.1 2000 OK\r\n", "bad(the answer is not HTTP/1.1)" },
	{ "HTTP/1.1 200 OK\n", "bad(a line of it does not end as in HTTP)" },
	{ "HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n",
	  "bad(a header makes no sense)" },
	{ "HTTP/1.1 200 OK\r\nA : b\r\n", "bad(a header makes no sense)" },
	{ "HTTP/1.1 200 OK\r\n: b\r\n", "bad(a header makes no sense)" },
	{ "HTTP/1.1 200 OK\r\nnothing\r\n", "bad(a header makes no sense)" },
	{ "HTTP/1.1 101 Switching\r\n\r\n",
	  "bad(it changes to another protocol)" },
	{ LENGTH(-1), "bad(its Content-Length makes no sense)" },
	{ LENGTH(1x), "bad(its Content-Length makes no sense)" },
	{ LENGTH(9999999999999999),
	  "bad(its Content-Length makes no sense)" },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
	  "bad(its Content-Length makes no sense)" },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"
	  "Transfer-Encoding: chunked\r\n\r\n",
	  "bad(its Transfer-Encoding makes no sense)" },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
	  "bad(its Transfer-Encoding makes no sense)" },
	{ CHUNKED "\r\n", "bad(a chunk has no size)" },
	{ CHUNKED "x\r\n", "bad(a chunk has no size)" },
	{ CHUNKED "5x\r\n", "bad(a chunk has no size)" },
	{ CHUNKED "1234567890abcdef1\r\n", "bad(a chunk has no size)" },
	{ CHUNKED "1\r\nab\r\n", "bad(a chunk is longer than its size)" },

	/* Too much. */
	{ LENGTH(101), "bad(the body is too large)+" },
	{ CHUNKED "65\r\n", "bad(the body is too large)+" },
	{ CHUNKED "60\r\n0123456789012345678901234567890123456789012345678901"
	  "23456789012345678901234567890123456789012345\r\n5\r\n",
	  "bad(the body is too large)+" },
};

static void test_cut_anywhere(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t n = strlen(cases[i].text);

		for (size_t one = 0; one <= n; one++) {
			assert_string_equal(read_cut(cases[i].text, one, one),
			    cases[i].seen);
			buf_free(&seen);
		}
		for (size_t one = 0; one < n; one++) {
			read_cut(cases[i].text, one, one + 1);
			assert_string_equal(buf_str(&seen), cases[i].seen);
			buf_free(&seen);
		}
	}
}

static void test_byte_for_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct http_answer a;
		bool more = true;

		buf_init(&seen, PLENTY);
		http_answer_init(&a, MAX_BODY);
		for (const char *p = cases[i].text; *p && more; p++)
			more = feed(&a, p, 1);
		if (more)
			note(&a, http_answer_end(&a));
		assert_string_equal(buf_str(&seen), cases[i].seen);
		http_answer_fini(&a);
		buf_free(&seen);
	}
}

/* Each answer is told twice: when its head is there, and whole. */
static void test_heads(void **state)
{
	(void)state;
	read_cut(LENGTH(0) CHUNKED "1\r\nx\r\n0\r\n\r\n", 0, 0);
	assert_int_equal(heads, 2);
	buf_free(&seen);
	read_cut(CHUNKED, 0, 0);
	assert_int_equal(heads, 1);
	buf_free(&seen);
}

static void test_headers(void **state)
{
	static const char text[] = "HTTP/1.1 200 OK\r\nX-Etcd-Index: 7\r\n"
	    "Empty:\r\nTwice: a\r\ntwice: b\r\nSpace: \t  x y \t \r\n\r\n";
	struct http_answer a;
	size_t used;

	(void)state;
	http_answer_init(&a, MAX_BODY);
	assert_null(http_answer_header(&a, "Empty"));
	assert_int_equal(http_answer_read(&a, text, sizeof(text) - 1, &used),
	    HTTP_HEAD);
	assert_int_equal(used, sizeof(text) - 1);
	assert_string_equal(http_answer_header(&a, "x-etcd-index"), "7");
	assert_string_equal(http_answer_header(&a, "EMPTY"), "");
	assert_string_equal(http_answer_header(&a, "Twice"), "a");
	assert_string_equal(http_answer_header(&a, "Space"), "x y");
	assert_null(http_answer_header(&a, "X-Etcd"));
	assert_null(http_answer_header(&a, "a"));	/* a value */
	http_answer_fini(&a);
}

/* True if it gets to be too much. */
static bool too_much(const char *first, const char *line)
{
	struct http_answer a;
	bool more, large;

	buf_init(&seen, PLENTY);
	http_answer_init(&a, MAX_BODY);
	more = feed(&a, first, strlen(first));
	for (int n = 0; n < 10000 && more; n++)
		more = feed(&a, line, strlen(line));
	large = !more && a.too_large;
	http_answer_fini(&a);
	buf_free(&seen);
	return large;
}

static void test_limits(void **state)
{
	(void)state;
	assert_true(too_much("HTTP/1.1 200 OK\r\n", "Name: 0123456789\r\n"));
	assert_true(too_much("HTTP/1.1 200 OK\r\n", "endless "));
	assert_true(too_much(CHUNKED "0\r\n", "Name: 0123456789\r\n"));
	assert_true(too_much(CHUNKED, "1;extension\r\nx\r\n"));
}

static void test_nul(void **state)
{
	static const char text[] = "HTTP/1.1 200 OK\r\nA: b\0c\r\n\r\n";
	struct http_answer a;
	size_t used;

	(void)state;
	http_answer_init(&a, MAX_BODY);
	assert_int_equal(http_answer_read(&a, text, sizeof(text) - 1, &used),
	    HTTP_BAD);
	http_answer_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut_anywhere),
		cmocka_unit_test(test_byte_for_byte),
		cmocka_unit_test(test_heads),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_nul),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
