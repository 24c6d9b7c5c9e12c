/* exporter/answers.c, answers_history.c and badge.c with a source that says
 * what it is told to:
 *	pages and their links; what is asked of the source
 *	errors of the source as statuses
 *	badges: texts escaped, names taken literally, colours, nothing known */
#include "exporter/badge.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "core/err.h"
#include "exporter/answers.h"

/* --- the source --- */

static struct {
	int64_t rows;			/* that there are */
	double uptime;
	enum history_rc rc;
	struct history_uptime_query uptime_query;
	struct history_events_query events_query;
	char service[64];
} said;

static enum history_rc uptime(void *session,
    const struct history_uptime_query *q,
    bool (*fn)(const struct history_uptime *row, void *arg), void *arg,
    struct err *e)
{
	struct history_uptime row = {
		.cluster = "im", .service = "a", .uptime = said.uptime,
		.from = q->edges[0], .to = q->edges[q->nedges - 1],
	};

	(void)session;
	said.uptime_query = *q;
	snprintf(said.service, sizeof(said.service), "%s",
	    q->who.service != NULL ? q->who.service : "-");
	if (said.rc != HISTORY_OK)
		err_set(e, "it is so");
	for (int64_t i = 0; i < said.rows && said.rc == HISTORY_OK; i++)
		if (!fn(&row, arg))
			return HISTORY_ENDED;
	return said.rc;
}

static enum history_rc events(void *session,
    const struct history_events_query *q,
    bool (*fn)(const struct history_event *row, void *arg), void *arg,
    struct err *e)
{
	(void)session;
	(void)e;
	said.events_query = *q;
	for (int64_t i = q->offset; i < said.rows && (q->limit == 0 ||
	    i < q->offset + q->limit); i++) {
		struct history_event row = { .etcd_index = i + 1 };

		if (!fn(&row, arg))
			return HISTORY_ENDED;
	}
	return HISTORY_OK;
}

static enum history_rc looked(void *session, wall_t *since_r,
    wall_t *until_r, struct err *e)
{
	(void)session;
	(void)e;
	since_r->ms = INT64_C(1763000000000);
	until_r->ms = clock_wall().ms - 3000;
	return HISTORY_OK;
}

static const struct history_source source = {
	.uptime = uptime, .events = events, .looked = looked,
};

/* Asks, with a query of name=value&...; the caller frees the reply. */
static struct reply ask_for(const char *path, const char *query)
{
	struct reply r = { .status = 0 };
	struct answer *a = answer_new(path, "/roll", &r);
	char *copy = xstrdup(query), *one;
	struct err none = { "" };
	int session = 0;

	for (one = strtok(copy, "&"); a != NULL && one != NULL;
	    one = strtok(NULL, "&")) {
		char *value = strchr(one, '=');

		*value = '\0';
		answer_parameter(a, one, value + 1);
	}
	free(copy);
	if (a == NULL)
		return r;
	if (!answer_refused(a, &r)) {
		answer_run(&session, &source, &none, a);
		answer_take(a, &r);
	}
	answer_free(a);
	return r;
}

static void reply_free(struct reply *r)
{
	buf_free(&r->body);
	free(r->link);
}

static int setup(void **state)
{
	(void)state;
	memset(&said, 0, sizeof(said));
	said.uptime = 1;
	return 0;
}

/* --- pages --- */

static void must_link(const char *query, int64_t rows, const char *next,
    const char *prev)
{
	struct reply r;

	said.rows = rows;
	r = ask_for(ANSWERS_V1 "events", query);
	assert_int_equal(r.status, 200);
	if (next == NULL && prev == NULL)
		assert_null(r.link);
	if (next != NULL)
		assert_non_null(strstr(r.link, next));
	if (prev != NULL)
		assert_non_null(strstr(r.link, prev));
	if (r.link != NULL && next == NULL)
		assert_null(strstr(r.link, "next"));
	reply_free(&r);
}

static void test_links(void **state)
{
	(void)state;
	must_link("limit=3", 3, NULL, NULL);
	must_link("limit=3", 4, "</roll/api/registry/v1/events?limit=3&"
	    "offset=3>; rel=\"next\"", NULL);
	must_link("limit=3&offset=3&service=x", 9,
	    "events?service=x&limit=3&offset=6>; rel=\"next\"",
	    "events?service=x&limit=3&offset=0>; rel=\"prev\"");
	must_link("limit=3&offset=1", 4, NULL, "offset=0>; rel=\"prev\"");
	must_link("limit=3&offset=99", 4, NULL, "offset=96>; rel=\"prev\"");
	assert_int_equal(said.events_query.limit, 4);
	assert_int_equal(said.events_query.offset, 99);
	assert_true(said.events_query.newest_first);
}

static void test_uptime(void **state)
{
	struct reply r;

	(void)state;
	said.rows = 5;
	r = ask_for(ANSWERS_V1 "uptime", "limit=2&offset=2&min=3&step=1h&from="
	    "1763000000&to=1763036000");
	assert_int_equal(r.status, 200);
	assert_non_null(strstr(r.link, "offset=4>; rel=\"next\""));
	assert_int_equal(said.uptime_query.nedges, 11);
	assert_int_equal(said.uptime_query.min_instances, 3);
	assert_int_equal(said.uptime_query.of, HISTORY_SERVICES);
	reply_free(&r);
	said.rows = 0;
	r = ask_for(ANSWERS_V1 "uptime", "instance=x");
	assert_string_equal(buf_str(&r.body), "[]\n");
	assert_int_equal(said.uptime_query.of, HISTORY_INSTANCES);
	reply_free(&r);
}

static void test_errors(void **state)
{
	static const struct {
		enum history_rc rc;
		unsigned status;
		const char *type;
	} cases[] = {
		{ HISTORY_BAD, 400, "\"bad_data\"" },
		{ HISTORY_TOO_LONG, 503, "\"timeout\"" },
		{ HISTORY_FAILED, 500, "\"internal\"" },
	};
	struct reply r;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		said.rc = cases[i].rc;
		r = ask_for(ANSWERS_V1 "uptime", "");
		assert_int_equal(r.status, cases[i].status);
		assert_non_null(strstr(buf_str(&r.body), cases[i].type));
		assert_non_null(strstr(buf_str(&r.body), "it is so"));
		reply_free(&r);
	}
	r = ask_for(ANSWERS_V1 "uptime", "form=1");
	assert_int_equal(r.status, 400);
	reply_free(&r);
	assert_false(answers_has_path(ANSWERS_V1 "uptim"));
	assert_false(answers_has_path("/api/registry/v2/uptime"));
}

/* --- badges --- */

static char *badge_of(const char *rest, const char *query, unsigned status)
{
	char path[200], *text;
	struct reply r;

	snprintf(path, sizeof(path), ANSWERS_V1 "badge/%s", rest);
	r = ask_for(path, query);
	assert_int_equal(r.status, status);
	text = xstrdup(buf_str(&r.body));
	reply_free(&r);
	return text;
}

static void must_show(double up, const char *text, const char *colour)
{
	char *svg;

	said.rows = 1;
	said.uptime = up;
	svg = badge_of("a/uptime/30d.svg", "", 200);
	if (strstr(svg, text) == NULL || strstr(svg, colour) == NULL)
		fail_msg("%s, %s: not in %s", text, colour, svg);
	free(svg);
}

static void test_colours(void **state)
{
	(void)state;
	must_show(1, ">100%<", "#4c1");
	must_show(0.99999, ">99.99%<", "#4c1");
	must_show(0.999, ">99.90%<", "#4c1");
	must_show(0.9989, ">99.89%<", "#97ca00");
	must_show(0.98, ">98.00%<", "#dfb317");
	must_show(0.9, ">90.00%<", "#fe7d37");
	must_show(0, ">0.00%<", "#e05d44");
	must_show(NAN, ">unknown<", "#9f9f9f");
}

static void test_badge_names(void **state)
{
	char *svg;

	(void)state;
	said.rows = 1;
	svg = badge_of("a*[b]\\c/uptime/7d.svg", "label=<\"x\">", 200);
	assert_string_equal(said.service, "a\\*\\[b]\\\\c");
	assert_non_null(strstr(svg, "&lt;&quot;x&quot;&gt;"));
	assert_null(strstr(svg, "<\"x\">"));
	free(svg);
	svg = badge_of("a/uptime/b/uptime/1h30m.svg", "", 200);
	assert_string_equal(said.service, "a/uptime/b");
	assert_non_null(strstr(svg, "uptime 1h30m"));
	free(svg);
	said.rows = 0;
	svg = badge_of("nobody/uptime/7d.svg", "", 404);
	assert_non_null(strstr(svg, "\"not_found\""));
	free(svg);
	free(badge_of("a/uptime/7d.png", "", 404));
	free(badge_of("a/uptime/0d.svg", "", 404));
	free(badge_of("/uptime/7d.svg", "", 404));
	free(badge_of("a/uptime/7d.svg", "from=5", 400));
}

/* Of clusters with the same service the worst is shown. */
static void test_width(void **state)
{
	(void)state;
	assert_int_equal(width_of(""), 0);
	assert_true(width_of("iii") < width_of("WWW"));
	assert_int_equal(width_of("ä"), 11);
	assert_int_equal(width_of("登录"), 22);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup(fn, setup)
	const struct CMUnitTest tests[] = {
		T(test_links), T(test_uptime), T(test_errors),
		T(test_colours), T(test_badge_names), T(test_width),
	};

	return cmocka_run_group_tests_name("exporter/answers", tests, NULL,
	    NULL);
}
