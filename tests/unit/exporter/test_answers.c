/* Questions to history, without sockets and threads: what a source is asked
 * for which request, how its rows become pages, what is said of its errors, and
 * how badges look. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>

#include "exporter/answers.c"
#include "exporter/badge.c"

#define NOW 1700000000000		/* 2023-11-14T22:13:20Z */
#define DAY_MS INT64_C(86400000)

/* --- a source that says what the test wants --- */

static struct {
	enum history_rc rc;
	int64_t rows;			/* it has */
	wall_t until;
	double uptime[8];		/* of its rows */
	/* What it was asked. */
	struct history_uptime_query uptime_query;
	wall_t first, last;		/* edges */
	struct history_outages_query outages_query;
	struct history_events_query events_query;
	char service[64];
} script;

static enum history_rc result(bool ended, struct err *e)
{
	if (script.rc != HISTORY_OK)
		err_set(e, "what was wrong");
	else if (ended)
		return HISTORY_ENDED;
	return script.rc;
}

static enum history_rc script_uptime(void *session,
    const struct history_uptime_query *q,
    bool (*fn)(const struct history_uptime *row, void *arg), void *arg,
    struct err *e)
{
	bool more = true;

	(void)session;
	script.uptime_query = *q;
	script.first = q->edges[0];
	script.last = q->edges[q->nedges - 1];
	snprintf(script.service, sizeof(script.service), "%s",
	    q->who.service != NULL ? q->who.service : "(any)");
	for (int64_t i = 0; i < script.rows && more; i++) {
		struct history_uptime row = {
			.cluster = "im", .service = "login", .from = { i + 1 },
			.to = { i + 2 }, .uptime = script.uptime[i % 8],
			.uptime_low = NAN, .uptime_high = NAN,
		};

		more = fn(&row, arg);
	}
	return result(!more, e);
}

static enum history_rc script_outages(void *session,
    const struct history_outages_query *q,
    bool (*fn)(const struct history_outage *row, void *arg), void *arg,
    struct err *e)
{
	bool more = true;

	(void)session;
	script.outages_query = *q;
	for (int64_t i = q->offset; i < script.rows && more &&
	    (q->limit == 0 || i < q->offset + q->limit); i++) {
		struct history_outage row = { .cluster = "im",
		    .service = "login", .from = { i + 1 } };

		more = fn(&row, arg);
	}
	return result(!more, e);
}

/* Of all of them the newest so many, in either order. */
static enum history_rc script_events(void *session,
    const struct history_events_query *q,
    bool (*fn)(const struct history_event *row, void *arg), void *arg,
    struct err *e)
{
	int64_t last = script.rows - q->offset;
	int64_t first = q->limit > 0 && q->limit < last ? last - q->limit : 0;
	bool more = true;

	(void)session;
	script.events_query = *q;
	for (int64_t i = first; i < last && more; i++) {
		struct history_event row = { .cluster = "im", .at = {
		    q->newest_first ? first + last - i : i + 1 } };

		more = fn(&row, arg);
	}
	return result(!more, e);
}

static enum history_rc script_looked(void *session, wall_t *since_r,
    wall_t *until_r, struct err *e)
{
	(void)session;
	(void)e;
	*since_r = (wall_t){ 1 };
	*until_r = script.until;
	return HISTORY_OK;
}

static const struct history_source source = {
	.uptime = script_uptime, .outages = script_outages,
	.events = script_events, .looked = script_looked,
};

static int set_up(void **state)
{
	(void)state;
	memset(&script, 0, sizeof(script));
	clock_set((mono_t){ 1000 }, (wall_t){ NOW });
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	clock_use_real();
	return 0;
}

/* --- asking --- */

static struct reply r;
static char body[1 << 16], link_header[4096];

static void take_reply(void)
{
	snprintf(body, sizeof(body), "%s", buf_str(&r.body));
	snprintf(link_header, sizeof(link_header), "%s",
	    r.link != NULL ? r.link : "");
	buf_free(&r.body);
	free(r.link);
}

static void add_parameters(struct answer *a, const char *query)
{
	char *copy = xstrdup(query), *save;

	for (char *one = strtok_r(copy, "&", &save); one != NULL;
	    one = strtok_r(NULL, "&", &save)) {
		char *equals = strchr(one, '=');

		*equals++ = '\0';
		answer_parameter(a, one, equals);
	}
	free(copy);
}

/* The status; what and query as in a request line. */
static unsigned ask_with(bool opened, const char *what, const char *query)
{
	static int session;
	struct err e = { "no such file" };
	char path[200];
	struct answer *a;

	snprintf(path, sizeof(path), ANSWERS_V1 "%s", what);
	assert_true(answers_has_path(path));
	a = answer_new(path, "/roll", NULL, &r);
	if (a != NULL)
		add_parameters(a, query);
	if (a != NULL && !answer_refused(a, &r)) {
		answer_run(opened ? &session : NULL, &source, &e, a);
		answer_take(a, &r);
	}
	if (a != NULL)
		answer_free(a);
	take_reply();
	return r.status;
}

static unsigned get(const char *what, const char *query)
{
	return ask_with(true, what, query);
}

static void assert_has(const char *part)
{
	if (strstr(body, part) == NULL)
		fail_msg("\"%s\" is not in:\n%s", part, body);
}

static size_t count_rows(void)
{
	size_t n = 0;

	for (const char *at = body; (at = strstr(at, "\n{")) != NULL; at++)
		n++;
	return n;
}

/* --- pages --- */

static void test_no_rows(void **state)
{
	(void)state;
	assert_int_equal(get("uptime", ""), 200);
	assert_string_equal(body, "[]\n");
	assert_string_equal(link_header, "");
	assert_string_equal(r.content_type, "application/json");
	assert_null(r.cache_control);
}

static void test_pages(void **state)
{
	(void)state;
	script.rows = 7;
	assert_int_equal(get("uptime", "limit=3&service=a%26b"), 200);
	assert_int_equal(count_rows(), 3);
	assert_string_equal(link_header, "</roll/api/registry/v1/uptime?"
	    "from=1697408000000&to=1700000000000&service=a%2526b&limit=3&"
	    "offset=3>; rel=\"next\"");
	get("uptime", "limit=3&offset=3");
	assert_int_equal(count_rows(), 3);
	assert_has("\"from\":\"1970-01-01T00:00:00.004Z\"");
	assert_string_equal(link_header, "</roll/api/registry/v1/uptime?"
	    "from=1697408000000&to=1700000000000&limit=3&offset=6>; "
	    "rel=\"next\", </roll/api/registry/v1/uptime?from=1697408000000&"
	    "to=1700000000000&limit=3&offset=0>; rel=\"prev\"");
	get("uptime", "limit=3&offset=6");
	assert_int_equal(count_rows(), 1);
	assert_null(strstr(link_header, "next"));
	get("uptime", "limit=7");
	assert_int_equal(count_rows(), 7);
	assert_string_equal(link_header, "");
	get("uptime", "offset=100");
	assert_int_equal(count_rows(), 0);
}

/* Where the source pages, it is asked for one row more. */
static void test_pages_of_the_source(void **state)
{
	(void)state;
	script.rows = 5;
	assert_int_equal(get("outages", "limit=2&offset=2"), 200);
	assert_int_equal(script.outages_query.limit, 3);
	assert_int_equal(script.outages_query.offset, 2);
	assert_int_equal(count_rows(), 2);
	assert_has("\"from\":\"1970-01-01T00:00:00.003Z\"");
	assert_non_null(strstr(link_header, "offset=4>; rel=\"next\""));
	get("outages", "limit=2&offset=4");
	assert_int_equal(count_rows(), 1);
	assert_null(strstr(link_header, "next"));
	get("events", "limit=2&offset=2");
	assert_int_equal(script.events_query.limit, 3);
	assert_true(script.events_query.newest_first);
	assert_int_equal(count_rows(), 2);
	assert_has("[\n{\"time\":\"1970-01-01T00:00:00.003Z\"");
}

/* The oldest are on the first page. */
static void test_ascending_events(void **state)
{
	(void)state;
	script.rows = 5;
	assert_int_equal(get("events", "limit=2&order=asc"), 200);
	assert_false(script.events_query.newest_first);
	assert_int_equal(count_rows(), 2);
	assert_has("[\n{\"time\":\"1970-01-01T00:00:00.001Z\"");
	assert_non_null(strstr(link_header, "order=asc&limit=2&offset=2>"));
	get("events", "limit=2&order=asc&offset=4");
	assert_int_equal(count_rows(), 1);
	assert_has("[\n{\"time\":\"1970-01-01T00:00:00.005Z\"");
}

/* --- what is asked --- */

static void test_range_ends_where_it_looks(void **state)
{
	(void)state;
	script.until.ms = NOW - 4000;
	get("uptime", "");
	assert_int_equal(script.last.ms, NOW - 4000);
	assert_int_equal(script.first.ms, NOW - 4000 - 30 * DAY_MS);
	script.until.ms = NOW - 10001;	/* nobody looks */
	get("uptime", "");
	assert_int_equal(script.last.ms, NOW);
	script.until.ms = NOW + 5;	/* the clock was set */
	get("uptime", "");
	assert_int_equal(script.last.ms, NOW);
}

static void test_about_whom(void **state)
{
	(void)state;
	get("uptime", "min=2");
	assert_int_equal(script.uptime_query.of, HISTORY_SERVICES);
	assert_int_equal(script.uptime_query.min_instances, 2);
	get("uptime", "instance=0*");
	assert_int_equal(script.uptime_query.of, HISTORY_INSTANCES);
	assert_int_equal(script.uptime_query.min_instances, -1);
	get("outages", "");
	assert_int_equal(script.outages_query.of, HISTORY_INSTANCES);
	get("outages", "of=services");
	assert_int_equal(script.outages_query.of, HISTORY_SERVICES);
}

static void test_unknown_is_null(void **state)
{
	(void)state;
	script.rows = 1;
	script.uptime[0] = NAN;
	get("uptime", "");
	assert_has("\"uptime\":null");
	assert_null(strstr(body, ":nan"));
}

/* --- errors --- */

static void test_errors(void **state)
{
	static const struct {
		enum history_rc rc;
		unsigned status;
		const char *type;
	} as[] = {
		{ HISTORY_BAD, 400, "bad_data" },
		{ HISTORY_TOO_LONG, 503, "timeout" },
		{ HISTORY_FAILED, 500, "internal" },
	};
	char said[200];

	(void)state;
	script.rows = 3;
	for (size_t i = 0; i < sizeof(as) / sizeof(as[0]); i++) {
		script.rc = as[i].rc;
		assert_int_equal(get("events", ""), as[i].status);
		snprintf(said, sizeof(said), "{\"status\":\"error\","
		    "\"errorType\":\"%s\",\"error\":\"what was wrong\"}\n",
		    as[i].type);
		assert_string_equal(body, said);
		assert_string_equal(link_header, "");
	}
	assert_int_equal(get("events", "form=1&limit=0"), 400);
	assert_has("unknown parameter \\\"form\\\"");
	assert_int_equal(get("events", "from=2&to=1"), 400);
	assert_int_equal(get("outages", "from=2&to=1"), 400);
}

static void test_no_file_yet(void **state)
{
	(void)state;
	assert_int_equal(ask_with(false, "uptime", ""), 503);
	assert_has("\"errorType\":\"unavailable\",\"error\":\"no such file");
	assert_string_equal(r.retry_after, "5");
}

static void test_paths(void **state)
{
	(void)state;
	assert_false(answers_has_path("/api/registry/v1/"));
	assert_false(answers_has_path("/api/registry/v1/uptimes"));
	assert_false(answers_has_path("/api/registry/v2/uptime"));
	assert_true(answers_has_path("/api/registry/v1/badge/"));
}

/* --- badges --- */

static void test_badge(void **state)
{
	(void)state;
	script.rows = 1;
	script.uptime[0] = 0.99985;
	assert_int_equal(get("badge/login/uptime/30d.svg", ""), 200);
	assert_string_equal(r.content_type, "image/svg+xml; charset=utf-8");
	assert_string_equal(r.cache_control, "max-age=60");
	assert_has("aria-label=\"uptime 30d: 99.98%\"");
	assert_has("fill=\"#4c1\"");
	assert_int_equal(script.last.ms - script.first.ms, 30 * DAY_MS);
	assert_int_equal(script.uptime_query.of, HISTORY_SERVICES);
	get("badge/login/uptime/12h.svg", "label=a<b>%26\"'&min=2");
	assert_has(">a&lt;b&gt;%26&quot;&#39;<");
	assert_int_equal(script.uptime_query.min_instances, 2);
}

/* A name is a name, whatever is in it. */
static void test_badge_of_odd_names(void **state)
{
	(void)state;
	script.rows = 1;
	assert_int_equal(get("badge/a*b[c]?\\/uptime/x/uptime/1h.svg", ""),
	    200);
	assert_string_equal(script.service, "a\\*b\\[c]\\?\\\\/uptime/x");
}

static void test_badge_colours(void **state)
{
	static const struct {
		double uptime;
		const char *text, *colour;
	} of[] = {
		{ 1, "100%", "#4c1" }, { 0.999999, "99.99%", "#4c1" },
		{ 0.999, "99.90%", "#4c1" }, { 0.9989, "99.89%", "#97ca00" },
		{ 0.99, "99.00%", "#97ca00" }, { 0.989, "98.90%", "#dfb317" },
		{ 0.95, "95.00%", "#dfb317" }, { 0.94, "94.00%", "#fe7d37" },
		{ 0.9, "90.00%", "#fe7d37" }, { 0.89, "89.00%", "#e05d44" },
		{ 0, "0.00%", "#e05d44" }, { NAN, "unknown", "#9f9f9f" },
	};
	char part[100];

	(void)state;
	script.rows = 1;
	for (size_t i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		script.uptime[0] = of[i].uptime;
		get("badge/login/uptime/7d.svg", "");
		snprintf(part, sizeof(part), "fill=\"%s\"", of[i].colour);
		assert_has(part);
		snprintf(part, sizeof(part), ">%s</text>", of[i].text);
		assert_has(part);
	}
}

/* Of several clusters the worst; of one that is not known the others. */
static void test_badge_of_several(void **state)
{
	(void)state;
	script.rows = 3;
	script.uptime[0] = 1;
	script.uptime[1] = NAN;
	script.uptime[2] = 0.5;
	get("badge/login/uptime/7d.svg", "");
	assert_has(">50.00%</text>");
}

static void test_no_badge(void **state)
{
	static const char *const none[] = {
		"badge/", "badge/login", "badge/login/uptime/30d",
		"badge/login/uptime/.svg", "badge/login/uptime/soon.svg",
		"badge/login/uptime/59m.svg", "badge/login/uptime/3651d.svg",
		"badge//uptime/30d.svg", "badge/login/downtime/30d.svg",
	};

	(void)state;
	script.rows = 1;
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		assert_int_equal(get(none[i], ""), 404);
		assert_has("a badge is at /api/registry/v1/badge/SERVICE/"
		    "uptime/30d.svg, with a duration from 1h to 3650d");
	}
	script.rows = 0;
	assert_int_equal(get("badge/nobody/uptime/30d.svg", ""), 404);
	assert_has("no service \\\"nobody\\\"");
	script.rc = HISTORY_TOO_LONG;
	assert_int_equal(get("badge/login/uptime/30d.svg", ""), 503);
}

/* As Verdana has them at 11 px, rounded up to whole pixels. */
static void test_widths(void **state)
{
	(void)state;
	assert_int_equal(width_of(""), 0);
	assert_int_equal(width_of("m"), 11);
	assert_int_equal(width_of("iiii"), 12);
	assert_int_equal(width_of("0123456789"), 70);
	assert_int_equal(width_of("uptime 30d"), 64);
	assert_int_equal(width_of("~"), 9);
	assert_int_equal(width_of("\xe5\x91\xbc\xe5\x91\xbc"), 22);
	assert_int_equal(sizeof(widths), '~' - ' ' + 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_no_rows),
		CASE(test_pages),
		CASE(test_pages_of_the_source),
		CASE(test_ascending_events),
		CASE(test_range_ends_where_it_looks),
		CASE(test_about_whom),
		CASE(test_unknown_is_null),
		CASE(test_errors),
		CASE(test_no_file_yet),
		CASE(test_paths),
		CASE(test_badge),
		CASE(test_badge_of_odd_names),
		CASE(test_badge_colours),
		CASE(test_badge_of_several),
		CASE(test_no_badge),
		CASE(test_widths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
