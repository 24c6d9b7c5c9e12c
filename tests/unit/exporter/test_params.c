/* exporter/params.c: each parameter with what it takes and what is said
 * otherwise; ranges and their edges; a question written again is the same. */
#include "exporter/params.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/buf.h"
#include "core/err.h"

#define ALL ((1u << PARAM_COUNT) - 1)

static const wall_t now = { INT64_C(1795000000000) };

static void test_values(void **state)
{
	static const struct {
		const char *name, *value, *error;	/* NULL: it is taken */
	} cases[] = {
		{ "from", "2026-10-01T00:00:00Z", NULL },
		{ "from", "2026-10-01T08:00:00 08:00", NULL },	/* a plus */
		{ "from", "1763000000", NULL },
		{ "from", "1763000000.5", NULL },
		{ "to", "1763000000500", NULL },
		{ "from", "", "from: \"\" is no time" },
		{ "from", "yesterday", "from: \"yesterday\" is no time" },
		{ "to", "-5", "to: \"-5\" is no time" },
		{ "to", "nan", "to: \"nan\" is no time" },
		{ "to", "1e300", "to: \"1e300\" is no time" },
		{ "to", "2026-02-30T00:00:00Z", "is no time" },
		{ "step", "1h30m", NULL },
		{ "step", "0.5", NULL },
		{ "step", "0", "step: \"0\" is no length of time" },
		{ "step", "-1h", "step: \"-1h\" is no length of time" },
		{ "edges", "1,2,3", NULL },
		{ "edges", "1", "edges: it takes 2 to 11001" },
		{ "edges", "2,1", "edges: " },
		{ "edges", "1,2,", "edges: " },
		{ "edges", "1,x", "edges: " },
		{ "of", "instances", NULL },
		{ "of", "clusters", "of: \"clusters\" is neither" },
		{ "cluster", "im*", NULL },
		{ "service", "", NULL },
		{ "instance", "[ab]", NULL },
		{ "state", "lost", NULL },
		{ "state", "dead", "state: \"dead\" is none of" },
		{ "min", "0", NULL },
		{ "min", "1000001", "min: \"1000001\" is no whole number from"
		  " 0 to 1000000" },
		{ "min", "1.5", "min: \"1.5\" is no whole number" },
		{ "limit", "100000", NULL },
		{ "limit", "0", "limit: \"0\" is no whole number from 1" },
		{ "offset", "0", NULL },
		{ "offset", "-1", "offset: \"-1\" is no whole number" },
		{ "label", "x", NULL },
		{ "form", "1", "unknown parameter \"form\" (did you mean"
		  " \"from\"?)" },
		{ "zzzzzz", "1", "unknown parameter \"zzzzzz\"" },
		{ "", "1", "unknown parameter \"\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct params p;
		struct err e = { "" };
		int rc;

		params_init(&p);
		rc = params_set(&p, ALL, cases[i].name, cases[i].value, &e);
		params_free(&p);
		if (rc != (cases[i].error != NULL ? -1 : 0) ||
		    (cases[i].error != NULL &&
		     strstr(e.text, cases[i].error) == NULL))
			fail_msg("%s=%s: %d %s", cases[i].name,
			    cases[i].value, rc, e.text);
	}
}

/* What another question takes is unknown to this one; no value is "". */
static void test_allowed(void **state)
{
	struct params p;
	struct err e = { "" };

	(void)state;
	params_init(&p);
	assert_int_equal(params_set(&p, PARAM(FROM), "to", "5", &e), -1);
	assert_non_null(strstr(e.text, "unknown parameter \"to\""));
	assert_int_equal(params_set(&p, PARAM(FROM), "from", NULL, &e), -1);
	assert_int_equal(p.limit, PARAMS_LIMIT);
	assert_int_equal(p.min, -1);
	params_free(&p);
}

static void set(struct params *p, const char *name, const char *value)
{
	struct err e = { "" };

	if (params_set(p, ALL, name, value, &e) != 0)
		fail_msg("%s", e.text);
}

static void test_ranges(void **state)
{
	struct params p;
	struct err e = { "" };

	(void)state;
	params_init(&p);		/* nothing given: up to now */
	assert_int_equal(params_range(&p, now, 5000, &e), 0);
	assert_int_equal(p.nedges, 2);
	assert_int_equal(p.edges[0].ms, now.ms - 5000);
	assert_int_equal(p.edges[1].ms, now.ms);
	params_free(&p);

	params_init(&p);		/* the last interval is a rest */
	set(&p, "from", "1763000000");
	set(&p, "to", "1763000025");
	set(&p, "step", "10");
	assert_int_equal(params_range(&p, now, 5000, &e), 0);
	assert_int_equal(p.nedges, 4);
	assert_int_equal(p.edges[2].ms, INT64_C(1763000020000));
	assert_int_equal(p.edges[3].ms, INT64_C(1763000025000));
	params_free(&p);

	params_init(&p);
	set(&p, "to", "1763000000");
	set(&p, "from", "1763000000");
	assert_int_equal(params_range(&p, now, 5000, &e), -1);
	assert_non_null(strstr(e.text, "from: the range is empty"));
	params_free(&p);

	params_init(&p);
	set(&p, "from", "1763000000");
	set(&p, "to", "1763011001");
	set(&p, "step", "1");
	assert_int_equal(params_range(&p, now, 5000, &e), -1);
	assert_non_null(strstr(e.text, "11001 intervals are more than 11000"));
	params_free(&p);

	params_init(&p);
	set(&p, "edges", "1763000000000,1763000007000");
	set(&p, "to", "1763000000");
	assert_int_equal(params_range(&p, now, 5000, &e), -1);
	assert_non_null(strstr(e.text, "edges: they stand in place"));
	params_free(&p);
}

/* Reads back what was written. */
static void read_query(struct params *p, char *query)
{
	for (char *one = strtok(query, "&"); one != NULL;
	    one = strtok(NULL, "&")) {
		char *value = strchr(one, '=');

		assert_non_null(value);
		*value = '\0';
		set(p, one, value + 1);
	}
}

static void must_be_the_same(struct params *p)
{
	struct params again;
	struct buf b;
	struct err e;
	char *query;

	assert_int_equal(params_range(p, now, 5000, &e), 0);
	buf_init(&b, 1 << 20);
	params_query(p, 7, &b);
	query = buf_take(&b, NULL);
	params_init(&again);
	read_query(&again, query);
	assert_int_equal(params_range(&again, now, 99, &e), 0);
	assert_int_equal(again.nedges, p->nedges);
	for (size_t i = 0; i < p->nedges; i++)
		assert_int_equal(again.edges[i].ms, p->edges[i].ms);
	assert_int_equal(again.limit, p->limit);
	assert_int_equal(again.offset, 7);
	assert_int_equal(again.min, p->min);
	assert_int_equal(again.of, p->of);
	free(query);
	params_free(&again);
	params_free(p);
}

static void test_written_again(void **state)
{
	struct params p;
	struct buf b;

	(void)state;
	params_init(&p);
	must_be_the_same(&p);
	params_init(&p);
	set(&p, "edges", "1763000000000,1763000007000,1763000009001");
	set(&p, "min", "3");
	set(&p, "of", "instances");
	set(&p, "limit", "5");
	must_be_the_same(&p);
	params_init(&p);
	set(&p, "from", "1763000000.25");
	set(&p, "to", "1763000025");
	set(&p, "step", "3.5");
	must_be_the_same(&p);

	params_init(&p);		/* names as a URL takes them */
	set(&p, "service", "a&b c/ä");
	buf_init(&b, 1000);
	params_query(&p, 0, &b);
	assert_non_null(strstr(buf_str(&b), "service=a%26b%20c%2F%C3%A4&"));
	buf_free(&b);
	params_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_allowed),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_written_again),
	};

	return cmocka_run_group_tests_name("exporter/params", tests, NULL,
	    NULL);
}
