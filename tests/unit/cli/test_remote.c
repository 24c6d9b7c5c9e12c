/* cli/remote.c against a server that answers to the byte:
 *	rows are read as they were written, nulls as what stands for them
 *	pages follow each other, in either order, and have one end
 *	answers that are no answer: an error, never a row
 *	what is refused is said with the URL */
#include "cli/remote.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/unit/http_script.h"

#define UPTIME_ROW \
	"{\"from\":\"2026-10-01T00:00:00.000Z\"," \
	"\"to\":\"2026-10-02T00:00:00.000Z\",\"etcd_cluster\":\"im\"," \
	"\"service_name\":\"login\",\"instance_id\":null," \
	"\"uptime\":null,\"uptime_low\":0.25,\"uptime_high\":1," \
	"\"coverage\":0.5,\"up_seconds\":1.475,\"down_seconds\":0.000," \
	"\"outages\":3,\"mtbf_seconds\":null,\"news\":{\"x\":[1]}}"

#define EVENT_HEAD \
	"\"earliest\":\"2026-10-01T00:00:00Z\"," \
	"\"etcd_cluster\":\"im\",\"service_name\":\"login\"," \
	"\"state\":\"up\",\"cause\":\"registered\""

/* What the server says, and was asked. */
static struct {
	int status;
	const char *body;		/* NULL: events, made for each page */
	int64_t events;			/* so many are there */
	char asked[4][1000];
	int n;
} server;

static int64_t number_after(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	return at != NULL ? strtoll(at + strlen(name), NULL, 10) : -1;
}

/* Newest first, one a second; the newest has the largest number. */
static void make_page(struct buf *b, const char *request)
{
	int64_t limit = number_after(request, "&limit=");
	int64_t at = number_after(request, "&offset=");
	int64_t end = at + limit < server.events ? at + limit : server.events;
	char seen[TIMEFMT_MAX];

	buf_addc(b, '[');
	for (int64_t i = at; i < end; i++) {
		wall_t t = { INT64_C(1795000000000) + 1000 *
		    (server.events - i) };

		timefmt_rfc3339(t, seen);
		buf_addf(b, "%s{" EVENT_HEAD ",\"time\":\"%s\","
		    "\"seen\":\"%s\",\"instance_id\":\"%" PRId64 "\"}",
		    i > at ? "," : "", seen, seen, server.events - i);
	}
	buf_addc(b, ']');
}

static bool answer(struct script *s, int fd, const char *request, void *arg)
{
	struct buf body;
	char head[100];

	(void)s;
	(void)arg;
	snprintf(server.asked[server.n++ % 4], sizeof(server.asked[0]), "%s",
	    request);
	buf_init(&body, 64 << 20);
	if (server.body != NULL)
		buf_adds(&body, server.body);
	else
		make_page(&body, request);
	snprintf(head, sizeof(head), "HTTP/1.1 %d X\r\nContent-Length: %zu"
	    "\r\n\r\n", server.status, body.len);
	script_puts(fd, head);
	script_puts(fd, buf_str(&body));
	buf_free(&body);
	return false;
}

struct seen {
	int64_t n, first, last;
	bool ascending;
	struct history_uptime uptime;
	char service[20];
	int64_t stop_after;
};

static bool on_uptime(const struct history_uptime *row, void *arg)
{
	struct seen *s = arg;

	s->uptime = *row;
	snprintf(s->service, sizeof(s->service), "%s", row->service);
	s->n++;
	return true;
}

static bool on_outage(const struct history_outage *row, void *arg)
{
	(void)row;
	((struct seen *)arg)->n++;
	return true;
}

static bool on_event(const struct history_event *row, void *arg)
{
	struct seen *s = arg;
	int64_t number = strtoll(row->instance, NULL, 10);

	if (s->n == 0)
		s->first = number;
	else
		assert_int_equal(number, s->last + (s->ascending ? 1 : -1));
	s->last = number;
	return ++s->n != s->stop_after;
}

enum what { UPTIME, OUTAGES, EVENTS, LOOKED };

struct question {
	enum what what;
	struct history_events_query events;
	wall_t from;			/* of uptime and outages */
	size_t nedges;			/* 0: two */
	const char *tail;		/* behind the server's URL */
};

static enum history_rc put(struct history_source *h, void *session,
    const struct question *q, struct seen *seen, struct err *e)
{
	size_t n = q->nedges > 0 ? q->nedges : 2;
	wall_t *edges = xcalloc(n, sizeof(*edges)), since, until;
	struct history_uptime_query u = { .edges = edges, .nedges = n,
	    .who = { NULL, "a&b*", NULL }, .min_instances = 2 };
	struct history_outages_query o = { .of = HISTORY_INSTANCES,
	    .from = q->from, .to = { INT64_C(1795000000000) },
	    .min_instances = -1 };
	enum history_rc rc = HISTORY_OK;

	edges[0] = q->from;
	for (size_t i = 1; i < n; i++)
		edges[i].ms = INT64_C(1795000000000) + (int64_t)i;
	if (q->what == UPTIME)
		rc = h->uptime(session, &u, on_uptime, seen, e);
	else if (q->what == OUTAGES)
		rc = h->outages(session, &o, on_outage, seen, e);
	else if (q->what == EVENTS)
		rc = h->events(session, &q->events, on_event, seen, e);
	else
		rc = h->looked(session, &since, &until, e);
	free(edges);
	return rc;
}

static enum history_rc ask_server(int status, const char *body,
    const struct question *q, struct seen *seen, struct err *e)
{
	struct history_source h;
	struct script s;
	char url[100];
	enum history_rc rc;
	void *session;

	server.status = status;
	server.body = body;
	server.n = 0;
	script_start(&s, answer, NULL);
	snprintf(url, sizeof(url), "%s%s", s.url, q->tail ? q->tail : "");
	h = remote_history(url, NULL, e);
	assert_non_null(h.open);
	session = h.open(h.arg, e);
	rc = put(&h, session, q, seen, e);
	h.close(session);
	remote_history_free(&h);
	script_stop(&s);
	return rc;
}

static void test_rows(void **state)
{
	const struct question q = { .what = UPTIME, .tail = "/prefix//" };
	struct seen seen = { 0 };
	struct err e;

	(void)state;
	assert_int_equal(ask_server(200, "[" UPTIME_ROW "]", &q, &seen, &e),
	    HISTORY_OK);
	assert_int_equal(seen.n, 1);
	assert_string_equal(seen.service, "login");
	assert_null(seen.uptime.instance);
	assert_true(isnan(seen.uptime.uptime));
	assert_true(seen.uptime.uptime_low == 0.25);
	assert_int_equal(seen.uptime.from.ms, 1790812800000);
	assert_int_equal(seen.uptime.up_ms, 1475);
	assert_int_equal(seen.uptime.outages, 3);
	assert_int_equal(seen.uptime.mtbf_ms, -1);
	assert_non_null(strstr(server.asked[0], "GET /prefix/api/registry/v1"
	    "/uptime?edges=1,1795000000001&of=services&service=a%26b%2A&min=2"
	    "&limit=10000&offset=0 HTTP"));
}

/* From the beginning, which to the API is not 0. */
static void test_beginning(void **state)
{
	const struct question q = { .what = OUTAGES };
	struct seen seen = { 0 };
	struct err e;

	(void)state;
	assert_int_equal(ask_server(200, "[]", &q, &seen, &e), HISTORY_OK);
	assert_int_equal(seen.n, 0);
	assert_non_null(strstr(server.asked[0],
	    "/outages?from=1&to=1795000000000&of=instances&limit="));
}

static struct seen page_through(int64_t events, int64_t limit,
    bool newest_first, int64_t stop_after, enum history_rc expected)
{
	const struct question q = { .what = EVENTS, .events = {
	    .limit = limit, .newest_first = newest_first } };
	struct seen seen = { .ascending = !newest_first,
	    .stop_after = stop_after };
	struct err e = { .text = "" };

	server.events = events;
	if (ask_server(200, NULL, &q, &seen, &e) != expected)
		fail_msg("%s", e.text);
	return seen;
}

static void test_pages(void **state)
{
	struct seen seen;

	(void)state;
	seen = page_through(20001, 0, true, 0, HISTORY_OK);
	assert_int_equal(seen.n, 20001);
	assert_int_equal(seen.last, 1);
	assert_int_equal(server.n, 3);
	seen = page_through(20001, 0, false, 0, HISTORY_OK);
	assert_int_equal(seen.first, 1);
	assert_int_equal(seen.last, 20001);
	/* A full page may be the last one. */
	assert_int_equal(page_through(10000, 0, true, 0, HISTORY_OK).n,
	    10000);
	assert_int_equal(server.n, 2);
	/* The newest so many, oldest first. */
	seen = page_through(20001, 10005, false, 0, HISTORY_OK);
	assert_int_equal(seen.first, 20001 - 10004);
	assert_int_equal(seen.last, 20001);
	assert_non_null(strstr(server.asked[1], "&limit=5&offset=10000"));
	assert_int_equal(page_through(20001, 0, true, 7, HISTORY_ENDED).n, 7);
	assert_int_equal(server.n, 1);
	assert_int_equal(page_through(0, 0, false, 0, HISTORY_OK).n, 0);
}

/* Events that come in while pages are read must not move the later ones. */
static void test_pages_have_one_end(void **state)
{
	(void)state;
	page_through(10001, 0, true, 0, HISTORY_OK);
	assert_null(strstr(server.asked[0], "&to="));
	/* The newest was seen 10001 s behind 1795000000. */
	assert_non_null(strstr(server.asked[1], "&to=1795010001001&"));
}

static void test_no_answers(void **state)
{
	static const struct {
		const char *body, *said;
	} cases[] = {
		{ "", "JSON" }, { "nonsense", "JSON" }, { "[", "JSON" },
		{ "{}", "" }, { "null", "" }, { "5", "" },
		{ "[1]", "no object" }, { "[null]", "no object" },
		{ "[[]]", "no object" }, { "[{}]", "is without" },
		{ "[{\"service_name\":5}]", "" },
		{ "[{\"from\":\"yesterday\",\"time\":\"yesterday\"}]",
		    "is no time" },
		{ "<html>404</html>", "JSON" },
	};
	struct seen seen = { 0 };
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (int what = UPTIME; what <= LOOKED; what++) {
			const struct question q = { .what = (enum what)what };

			e.text[0] = '\0';
			assert_int_equal(ask_server(200, cases[i].body, &q,
			    &seen, &e), HISTORY_FAILED);
			assert_int_equal(seen.n, 0);
			assert_int_equal(strncmp(e.text, "http://127.0.0.1:",
			    17), 0);
			if (what != LOOKED)
				assert_non_null(strstr(e.text,
				    cases[i].said));
		}
}

/* A figure that is a text is one row too many, but a row before it was. */
static void test_wrong_types(void **state)
{
	const struct question q = { .what = UPTIME };
	struct seen seen = { 0 };
	struct err e;

	(void)state;
	assert_int_equal(ask_server(200, "[" UPTIME_ROW ",{\"uptime\":\"1\","
	    "\"from\":\"2026-10-01T00:00:00Z\","
	    "\"to\":\"2026-10-01T00:00:00Z\",\"etcd_cluster\":\"im\","
	    "\"service_name\":\"login\"}]", &q, &seen, &e), HISTORY_FAILED);
	assert_int_equal(seen.n, 1);
	assert_non_null(strstr(e.text,
	    "\"uptime\" of a row of the answer is no number"));
}

static void test_refusals(void **state)
{
	struct seen seen = { 0 };
	struct question q = { .what = UPTIME };
	struct err e;

	(void)state;
	assert_int_equal(ask_server(503, "{\"status\":\"error\","
	    "\"errorType\":\"timeout\",\"error\":\"too long\"}", &q, &seen,
	    &e), HISTORY_FAILED);
	assert_non_null(strstr(e.text, "/api/registry/v1/uptime?"));
	assert_non_null(strstr(e.text, ": too long"));
	assert_int_equal(ask_server(404, "nope", &q, &seen, &e),
	    HISTORY_FAILED);
	assert_non_null(strstr(e.text, "HTTP status 404"));
	/* An error with a good status is no list either. */
	assert_int_equal(ask_server(200, "{\"status\":\"error\"}", &q, &seen,
	    &e), HISTORY_FAILED);
	assert_non_null(strstr(e.text, "no array"));
	q.nedges = 6000;
	assert_int_equal(ask_server(200, "[]", &q, &seen, &e), HISTORY_BAD);
	assert_non_null(strstr(e.text, "too many intervals"));
	assert_int_equal(server.n, 0);
	assert_int_equal(seen.n, 0);
}

static void test_looked(void **state)
{
	const struct question q = { .what = LOOKED };
	struct seen seen = { 0 };
	struct err e;

	(void)state;
	assert_int_equal(ask_server(200, "{\"looked_since\":null,"
	    "\"looked_until\":null}", &q, &seen, &e), HISTORY_OK);
	assert_int_equal(ask_server(200, "{\"looked_since\":"
	    "\"2026-10-01T00:00:00Z\",\"looked_until\":\"soon\"}", &q, &seen,
	    &e), HISTORY_FAILED);
	assert_non_null(strstr(e.text, "\"looked_until\""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_beginning),
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_pages_have_one_end),
		cmocka_unit_test(test_no_answers),
		cmocka_unit_test(test_wrong_types),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_looked),
	};

	return cmocka_run_group_tests_name("cli/remote", tests, NULL, NULL);
}
