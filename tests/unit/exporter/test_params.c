/* The parameters of the API: what each takes, what is said of what it does not
 * take, and that a link to another page asks the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "exporter/params.c"
#include "tests/unit/seeded.h"

enum { ALL = (1u << PARAM_COUNT) - 1 };

#define NOW 1700000000000		/* 2023-11-14T22:13:20Z */
#define DAY_MS INT64_C(86400000)

/* Reads "name=value&name=value"; 0, or -1 with e. */
static int read_all(struct params *p, unsigned allowed, const char *query,
    struct err *e)
{
	char *copy = xstrdup(query), *save, *one;
	int rc = 0;

	params_init(p);
	for (one = strtok_r(copy, "&", &save); one != NULL && rc == 0;
	    one = strtok_r(NULL, "&", &save)) {
		char *equals = strchr(one, '=');

		if (equals != NULL)
			*equals++ = '\0';
		rc = params_set(p, allowed, one, equals, e);
	}
	free(copy);
	return rc;
}

static void read_good(struct params *p, const char *query)
{
	struct err e = { "" };

	if (read_all(p, ALL, query, &e) != 0)
		fail_msg("%s: %s", query, e.text);
}

#define NO_TIME(name, text) name ": \"" text "\" is no time: it takes RFC " \
	"3339 such as 2026-10-01T00:00:00Z, or Unix seconds or " \
	"milliseconds in plain decimals"

static const struct {
	const char *query, *error;
} bad[] = {
	{ "stpe=1h", "unknown parameter \"stpe\" (did you mean \"step\"?)" },
	{ "xyzzy=1", "unknown parameter \"xyzzy\": here is only from, to, "
	  "step, edges, of, cluster, service, instance, state, min, limit, "
	  "offset, order, label" },
	{ "=1", "unknown parameter \"\": here is only from, to, step, edges, "
	  "of, cluster, service, instance, state, min, limit, offset, order, "
	  "label" },
	{ "min=1&min=1", "min: it is given twice" },
	{ "from=yesterday", NO_TIME("from", "yesterday") },
	{ "to=2026-10-01", NO_TIME("to", "2026-10-01") },
	{ "to=-5", NO_TIME("to", "-5") },
	{ "to=nan", NO_TIME("to", "nan") },
	{ "to=2026-02-30T00:00:00Z", NO_TIME("to", "2026-02-30T00:00:00Z") },
	{ "to=1e300", NO_TIME("to", "1e300") },
	{ "from", NO_TIME("from", "") },
	{ "from=0x10", NO_TIME("from", "0x10") },
	{ "from=inf", NO_TIME("from", "inf") },
	{ "from= 5", NO_TIME("from", " 5") },
	{ "from=1e3", NO_TIME("from", "1e3") },
	{ "from=5.", NO_TIME("from", "5.") },
	{ "from=.5", NO_TIME("from", ".5") },
	{ "from=1.2.3", NO_TIME("from", "1.2.3") },
	{ "from=253402300799999.9", NO_TIME("from", "253402300799999.9") },
	{ "from=1969-12-31T23:59:59.999Z",
	  NO_TIME("from", "1969-12-31T23:59:59.999Z") },
	{ "step=0", "step: \"0\" is no length of time: it takes a duration "
	  "such as 1h, or seconds" },
	{ "step=1x", "step: \"1x\" is no length of time: it takes a duration "
	  "such as 1h, or seconds" },
	{ "step=-60", "step: \"-60\" is no length of time: it takes a "
	  "duration such as 1h, or seconds" },
	{ "step=nan", "step: \"nan\" is no length of time: it takes a "
	  "duration such as 1h, or seconds" },
	{ "step=1e3", "step: \"1e3\" is no length of time: it takes a "
	  "duration such as 1h, or seconds" },
	{ "step=9999999999.9999", "step: \"9999999999.9999\" is no length of "
	  "time: it takes a duration such as 1h, or seconds" },
	{ "edges=5", "edges: it takes 2 to 11001 ascending times in Unix "
	  "milliseconds, with commas between" },
	{ "edges=5,4", "edges: it takes 2 to 11001 ascending times in Unix "
	  "milliseconds, with commas between" },
	{ "edges=1,2,", "edges: it takes 2 to 11001 ascending times in Unix "
	  "milliseconds, with commas between" },
	{ "edges= 1,2", "edges: it takes 2 to 11001 ascending times in Unix "
	  "milliseconds, with commas between" },
	{ "edges=-1,2", "edges: it takes 2 to 11001 ascending times in Unix "
	  "milliseconds, with commas between" },
	{ "edges=1;2", "edges: it takes 2 to 11001 ascending times in Unix "
	  "milliseconds, with commas between" },
	{ "of=clusters", "of: \"clusters\" is neither services nor instances"
	  },
	{ "cluster=", "cluster: it is empty: leave it out, or say what it is"
	  },
	{ "service=", "service: it is empty: leave it out, or say what it is"
	  },
	{ "instance", "instance: it is empty: leave it out, or say what it is"
	  },
	{ "service=a\xff", "service: it is not UTF-8" },
	{ "label=\xc3", "label: it is not UTF-8" },
	{ "state=dead", "state: \"dead\" is none of up, expired, lost" },
	{ "min=-1", "min: \"-1\" is no whole number from 0 to 1000000" },
	{ "min=1000001", "min: \"1000001\" is no whole number from 0 to "
	  "1000000" },
	{ "limit=0", "limit: \"0\" is no whole number from 1 to 100000" },
	{ "limit= 1", "limit: \" 1\" is no whole number from 1 to 100000" },
	{ "limit=1.5", "limit: \"1.5\" is no whole number from 1 to 100000" },
	{ "limit=99999999999999999999", "limit: \"99999999999999999999\" is "
	  "no whole number from 1 to 100000" },
	{ "offset=x", "offset: \"x\" is no whole number from 0 to 2147483647"
	  },
	{ "order=newest", "order: \"newest\" is neither desc (newest first) "
	  "nor asc" },
};

static void test_errors(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err e = { "" };
		struct params p;

		if (read_all(&p, ALL, bad[i].query, &e) == 0)
			fail_msg("%s was taken", bad[i].query);
		assert_string_equal(e.text, bad[i].error);
		params_free(&p);
	}
}

static void test_others_parameters(void **state)
{
	struct err e;
	struct params p;

	(void)state;
	assert_int_equal(read_all(&p, PARAM(LIMIT), "from=1", &e), -1);
	assert_string_equal(e.text, "unknown parameter \"from\": here is only"
	    " limit");
	assert_int_equal(read_all(&p, 0, "from=1", &e), -1);
	assert_string_equal(e.text, "unknown parameter \"from\": here is "
	    "none");
}

static void test_long_text(void **state)
{
	char query[1100] = "service=";
	struct err e;
	struct params p;

	(void)state;
	memset(query + 8, 'a', 1001);
	assert_int_equal(read_all(&p, ALL, query, &e), -1);
	assert_string_equal(e.text, "service: longer than 1000 bytes");
	params_free(&p);
	query[8 + 1000] = '\0';
	read_good(&p, query);
	assert_int_equal(strlen(p.service), 1000);
	params_free(&p);
}

static const struct {
	const char *text;
	int64_t ms;
} times[] = {
	{ "1700000000", NOW }, { "1700000000.5", NOW + 500 },
	{ "1700000000000", NOW }, { "0", 0 }, { "0.001", 1 },
	{ "1970-01-01T00:00:00Z", 0 },
	{ "99999999999", INT64_C(99999999999000) },
	{ "100000000000", INT64_C(100000000000) },
	{ "2023-11-14T22:13:20Z", NOW },
	{ "2023-11-15T06:13:20+08:00", NOW },
	{ "2023-11-15T06:13:20 08:00", NOW },	/* + is a space in a query */
	{ "2023-11-14T22:13:20.250Z", NOW + 250 },
};

static void test_times(void **state)
{
	char query[100];
	struct params p;

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		snprintf(query, sizeof(query), "from=%s&to=%s",
		    times[i].text, times[i].text);
		read_good(&p, query);
		assert_int_equal(p.from.ms, times[i].ms);
		assert_int_equal(p.to.ms, times[i].ms);
		params_free(&p);
	}
}

static void test_steps(void **state)
{
	struct params p;

	(void)state;
	read_good(&p, "step=1h");
	assert_int_equal(p.step_ms, 3600000);
	read_good(&p, "step=90");
	assert_int_equal(p.step_ms, 90000);
	read_good(&p, "step=0.25");
	assert_int_equal(p.step_ms, 250);
	read_good(&p, "step=1d12h");
	assert_int_equal(p.step_ms, DAY_MS * 3 / 2);
}

/* --- the range --- */

static const struct {
	const char *query;
	int64_t from, to;
	size_t n;			/* intervals; 0: refused */
	const char *error;
} ranges[] = {
	{ "", NOW - 30 * DAY_MS, NOW, 1, NULL },
	{ "from=1699999000", NOW - 1000000, NOW, 1, NULL },
	{ "to=1600000000", INT64_C(1600000000000) - 30 * DAY_MS,
	  INT64_C(1600000000000), 1, NULL },
	{ "step=1d", NOW - 30 * DAY_MS, NOW, 30, NULL },
	{ "from=1000&to=1010&step=3", 1000000, 1010000, 4, NULL },
	{ "from=1000&to=1010&step=1h", 1000000, 1010000, 1, NULL },
	{ "from=1000&to=12000&step=1", 1000000, 12000000, 11000, NULL },
	{ "edges=5,7,11", 5, 11, 2, NULL },
	{ "edges=0,7", 0, 7, 1, NULL },
	{ "from=0", 0, NOW, 1, NULL },
	{ "to=5", 0, 5000, 1, NULL },
	{ "from=1000&to=12001&step=1", 0, 0, 0, "step: 11001 intervals are "
	  "more than 11000: take a longer step or a shorter range" },
	{ "from=200&to=100", 0, 0, 0, "from: the range is empty: it begins "
	  "when it ends or later" },
	{ "to=0", 0, 0, 0, "from: the range is empty: it begins when it ends "
	  "or later" },
	{ "from=100&to=100", 0, 0, 0, "from: the range is empty: it begins "
	  "when it ends or later" },
	{ "edges=1,2&to=0", 0, 0, 0, "edges: they stand in place of from, "
	  "to and step" },
	{ "edges=1,2&from=1", 0, 0, 0, "edges: they stand in place of from, "
	  "to and step" },
	{ "edges=1,2&step=1", 0, 0, 0, "edges: they stand in place of from, "
	  "to and step" },
};

/* Half-open neighbours from the first to the last, all of them as long as the
 * step except the last, which is cut. */
static void check_edges(const struct params *p)
{
	for (size_t i = 1; i < p->nedges; i++) {
		int64_t length = p->edges[i].ms - p->edges[i - 1].ms;

		assert_true(length > 0);
		if (p->step_ms > 0 && i + 1 < p->nedges)
			assert_int_equal(length, p->step_ms);
	}
	assert_int_equal(p->edges[0].ms, p->from.ms);
	assert_int_equal(p->edges[p->nedges - 1].ms, p->to.ms);
}

static void test_ranges(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		struct err e = { "" };
		struct params p;
		int rc;

		read_good(&p, ranges[i].query);
		rc = params_range(&p, (wall_t){ NOW }, 30 * DAY_MS, &e);
		assert_int_equal(rc, ranges[i].n > 0 ? 0 : -1);
		if (rc == 0) {
			assert_int_equal(p.from.ms, ranges[i].from);
			assert_int_equal(p.to.ms, ranges[i].to);
			assert_int_equal(p.nedges, ranges[i].n + 1);
			check_edges(&p);
		} else {
			assert_string_equal(e.text, ranges[i].error);
		}
		params_free(&p);
	}
}

static void test_most_edges(void **state)
{
	struct err e;
	struct params p;
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 20);
	buf_adds(&b, "edges=1");
	for (int i = 2; i <= PARAMS_STEPS + 1; i++)
		buf_addf(&b, ",%d", i);
	read_good(&p, buf_str(&b));
	assert_int_equal(p.nedges, PARAMS_STEPS + 1);
	params_free(&p);
	buf_addf(&b, ",%d", PARAMS_STEPS + 2);
	assert_int_equal(read_all(&p, ALL, buf_str(&b), &e), -1);
	params_free(&p);
	buf_free(&b);
}

/* --- links --- */

static const struct {
	const char *query, *again;
} links[] = {
	{ "", "from=1697408000000&to=1700000000000&limit=1000&offset=7" },
	{ "service=a%26b *&min=0", "from=1697408000000&to=1700000000000&"
	  "service=a%2526b%20%2A&min=0&limit=1000&offset=7" },
	{ "from=1600000000&to=1600000010&step=2.5&limit=3&of=instances&"
	  "cluster=im&instance=0*", "from=1600000000000&to=1600000010000&"
	  "step=2.500&of=instances&cluster=im&instance=0%2A&limit=3&"
	  "offset=7" },
	{ "edges=1600000000000,1600000000005,1600000000007&of=services",
	  "edges=1600000000000,1600000000005,1600000000007&of=services&"
	  "limit=1000&offset=7" },
	{ "edges=1600000000000,1600000000005", "from=1600000000000&"
	  "to=1600000000005&limit=1000&offset=7" },
	{ "from=0&to=1", "from=0.000&to=1.000&limit=1000&offset=7" },
	{ "to=99999999.999", "from=97407999.999&to=99999999.999&limit=1000&"
	  "offset=7" },
	{ "to=100000000", "from=97408000.000&to=100000000000&limit=1000&"
	  "offset=7" },
	{ "to=5&step=290y", "from=0.000&to=5.000&step=9145440000.000&"
	  "limit=1000&offset=7" },
	{ "edges=1,3", "from=0.001&to=0.003&limit=1000&offset=7" },
	{ "edges=0,1,3", "edges=0,1,3&limit=1000&offset=7" },
	{ "state=up&order=asc", "from=1697408000000&to=1700000000000&state=up"
	  "&order=asc&limit=1000&offset=7" },
};

static char *link_of(struct params *p)
{
	struct err e = { "" };
	struct buf b;

	buf_init(&b, 1 << 16);
	assert_int_equal(params_range(p, (wall_t){ NOW }, 30 * DAY_MS, &e),
	    0);
	params_query(p, 7, &b);
	return buf_take(&b, NULL);
}

static void test_links(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		struct params p;
		char *text;

		read_good(&p, links[i].query);
		text = link_of(&p);
		assert_string_equal(text, links[i].again);
		free(text);
		params_free(&p);
	}
}

/* Read again, it is the same question. */
static void test_links_ask_the_same(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		struct params p, again;
		struct err e;
		char *text;

		if (strchr(links[i].query, '%') != NULL)
			continue;	/* nobody decodes it here */
		read_good(&p, links[i].query);
		text = link_of(&p);
		read_good(&again, text);
		assert_int_equal(params_range(&again, (wall_t){ 1 }, 1, &e),
		    0);
		assert_int_equal(again.nedges, p.nedges);
		for (size_t k = 0; k < p.nedges; k++)
			assert_int_equal(again.edges[k].ms, p.edges[k].ms);
		assert_int_equal(again.of, p.of);
		assert_int_equal(again.min, p.min);
		assert_int_equal(again.limit, p.limit);
		assert_int_equal(again.offset, 7);
		assert_int_equal(again.oldest_first, p.oldest_first);
		free(text);
		params_free(&again);
		params_free(&p);
	}
}

/* Of every magnitude. */
static int64_t any_ms(void)
{
	uint64_t bits = seeded() >> (16 + seeded_below(48));

	return (int64_t)(bits % LAST_MS);
}

static void check_again(struct params *p)
{
	struct err e = { "" };
	struct params again;
	struct buf b;

	buf_init(&b, 1 << 16);
	params_query(p, 7, &b);
	read_good(&again, buf_str(&b));
	if (params_range(&again, (wall_t){ NOW }, 1, &e) != 0)
		fail_msg("%s: %s", buf_str(&b), e.text);
	if (again.from.ms != p->from.ms || again.to.ms != p->to.ms)
		fail_msg("%" PRId64 " %" PRId64 " was written as %s",
		    p->from.ms, p->to.ms, buf_str(&b));
	assert_int_equal(again.step_ms, p->step_ms);
	assert_int_equal(again.nedges, p->nedges);
	params_free(&again);
	buf_free(&b);
}

/* Whatever the range, its link is the same range. */
static void test_any_link_asks_the_same(void **state)
{
	(void)state;
	for (int i = 0; i < 100000; i++) {
		int64_t a = any_ms(), b = any_ms();
		struct err e = { "" };
		struct params p;

		params_init(&p);
		p.to.ms = a > b ? a : b;
		p.from.ms = a > b ? b : a;
		p.given = PARAM(TO) | (i % 4 != 0 ? PARAM(FROM) : 0);
		if (i % 3 == 0)
			p.step_ms = p.to.ms / 100 % (int64_t)STEP_LAST_MS + 1;
		if (params_range(&p, (wall_t){ NOW }, 30 * DAY_MS, &e) == 0)
			check_again(&p);
		params_free(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_others_parameters),
		cmocka_unit_test(test_long_text),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_most_edges),
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_links_ask_the_same),
		cmocka_unit_test(test_any_link_asks_the_same),
	};

	seeded_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
