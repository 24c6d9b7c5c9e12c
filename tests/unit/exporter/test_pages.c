/* What is answered at which path, without a socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <math.h>

#include "exporter/routes.c"
#include "joined.h"
#include "snapshot_fixture.h"

static struct fixture fixture;
static struct segments *segments;

static int set_up(void **state)
{
	(void)state;
	fixture_registry(&fixture);
	segments = segments_new();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fixture_free(&fixture);
	segments_free(segments);
	return 0;
}

static struct request get(const char *path)
{
	return (struct request){
		.method = "GET", .path = path,
		.snapshot = &fixture.snapshot,
		.segments = segments,
		.telemetry_path = "/metrics", .link_prefix = "",
	};
}

/* Answers, checks the status, and returns the body; free it. */
static char *ask(const struct request *q, unsigned status)
{
	struct reply r;

	routes_answer(q, &r);
	assert_int_equal(r.status, status);
	if (r.pieces != NULL)
		return joined(r.pieces, NULL);
	return buf_take(&r.body, NULL);
}

static void assert_has(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("\"%s\" is not in:\n%s", part, text);
}

static void assert_before(const char *text, const char *a, const char *b)
{
	const char *p = strstr(text, a), *q = strstr(text, b);

	if (p == NULL || q == NULL || p > q)
		fail_msg("\"%s\" is not before \"%s\" in:\n%s", a, b, text);
}

static void test_healthy_and_ready(void **state)
{
	struct request q = get("/-/healthy");

	(void)state;
	q.snapshot = NULL;
	q.stopping = true;
	free(ask(&q, 200));
	q.path = "/-/ready";
	free(ask(&q, 503));
	q.stopping = false;
	free(ask(&q, 503));
	q.snapshot = &fixture.snapshot;
	free(ask(&q, 200));
	q.stopping = true;
	free(ask(&q, 503));
}

/* Without a disk it goes on, and says what it cannot do. */
static void test_ready_without_a_disk(void **state)
{
	struct snap_sample up = { .metric = M_db_up, .value = 0 };
	struct snapshot s = { .samples = &up, .nsamples = 1 };
	struct request q = get("/-/ready");
	char *text;

	(void)state;
	q.snapshot = &s;
	text = ask(&q, 200);
	assert_has(text, "rollcall is ready.\n");
	assert_has(text, "The database cannot be written");
	free(text);
	up.value = 1;
	text = ask(&q, 200);
	assert_string_equal(text, "rollcall is ready.\n");
	free(text);
}

/* What is made elsewhere stands in its place in the table. */
static void test_more_samples(void **state)
{
	struct rstr *labels = text(LOGIN ",window=\"30d\"");
	const struct snap_sample more[] = {
		{ M_service_uptime, labels, 0.9998 },
		{ M_service_uptime, labels, NAN },
		{ M_service_uptime_coverage, labels, 1 },
	};
	struct request q = get("/metrics");
	char *got;

	(void)state;
	q.more = more;
	q.nmore = 3;
	got = ask(&q, 200);
	assert_has(got, "\nrollcall_service_uptime_ratio{" LOGIN
	    ",window=\"30d\"} 0.9998\n# TYPE rollcall_service_uptime_coverage"
	    "_ratio gauge\n");
	assert_before(got, "rollcall_service_losses_total{",
	    "rollcall_service_uptime_coverage_ratio{");
	assert_before(got, "rollcall_service_uptime_coverage_ratio{",
	    "process_cpu_seconds_total ");
	free(got);
	q.filtered = true;
	q.wanted[M_process_cpu] = true;
	got = ask(&q, 200);
	assert_has(got, "process_cpu_seconds_total ");
	assert_null(strstr(got, "uptime_ratio"));
	free(got);
	free(labels);
}

static void test_errors(void **state)
{
	struct request q = get("/nothing\"\xff\n");
	struct reply r;

	(void)state;
	routes_answer(&q, &r);
	assert_int_equal(r.status, 404);
	assert_string_equal(r.content_type, "application/json");
	assert_string_equal(buf_str(&r.body), "{\"status\":\"error\","
	    "\"errorType\":\"not_found\",\"error\":"
	    "\"no page at /nothing\\\"\xef\xbf\xbd\\n\"}\n");
	buf_free(&r.body);

	q = get("/-/ready");
	q.method = "DELETE";
	routes_answer(&q, &r);
	assert_int_equal(r.status, 405);
	assert_string_equal(r.allow, "GET, HEAD");
	assert_has(buf_str(&r.body), "\"errorType\":\"method_not_allowed\"");
	buf_free(&r.body);
	q.method = "GE";
	free(ask(&q, 405));
	q.method = "";
	free(ask(&q, 405));
	q.method = "HEAD";
	free(ask(&q, 200));
}

static void test_maintenance_is_not_known_yet(void **state)
{
	struct request q = get("/api/registry/v1/maintenance");
	struct reply r;

	(void)state;
	q.snapshot = NULL;
	routes_answer(&q, &r);
	assert_int_equal(r.status, 503);
	assert_string_equal(r.retry_after, "5");
	assert_has(buf_str(&r.body), "\"errorType\":\"unavailable\"");
	buf_free(&r.body);
}

static void test_metrics(void **state)
{
	struct request q = get("/metrics");
	struct reply r;
	char *text;

	(void)state;
	text = ask(&q, 200);
	assert_has(text, "rollcall_looking{etcd_cluster=\"im\"} 1\n");
	assert_has(text, "\nprocess_resident_memory_bytes ");
	assert_has(text, "\nprocess_start_time_seconds ");
	free(text);

	q.accept = "application/openmetrics-text;version=1.0.0";
	q.accept_encoding = "gzip";
	routes_answer(&q, &r);
	assert_string_equal(r.content_type,
	    "application/openmetrics-text; version=1.0.0; charset=utf-8");
	assert_string_equal(r.vary, "Accept, Accept-Encoding");
	assert_true(r.gzipped);
	pieces_free(r.pieces);

	q.snapshot = NULL;
	routes_answer(&q, &r);
	assert_int_equal(r.status, 503);
	assert_string_equal(r.content_type, "text/plain; charset=utf-8");
	assert_false(r.gzipped);
	buf_free(&r.body);
}

/* Each path once, whichever table it is in, and where it is seen from
 * outside. */
static void test_listing(void **state)
{
	struct request q = get("/api/registry/v1/");
	char *text, *bare;

	(void)state;
	q.link_prefix = "/roll";
	text = ask(&q, 200);
	assert_true(strncmp(text, "[\n{\"path\":\"/roll/api/registry/v1/\","
	    "\"methods\":\"GET, HEAD\",\"what\":\"This list.\"},\n", 75) ==
	    0);
	assert_has(text, "v1/overview\",\"methods\":\"GET, HEAD\",");
	assert_has(text, "v1/badge/SERVICE/uptime/30d.svg\",");
	assert_has(text, "v1/maintenance/ID\",\"methods\":\"DELETE\",");
	assert_has(text, "v1/maintenance\",\"methods\":\"GET, HEAD, POST\"");
	assert_null(strstr(strstr(text, "v1/maintenance\"") + 1,
	    "v1/maintenance\""));
	assert_null(strstr(text, "metrics"));
	assert_has(text, "}\n]\n");
	q.path = "/api/registry/v1";
	bare = ask(&q, 200);
	assert_string_equal(bare, text);
	free(text);
	free(bare);
	q.method = "POST";
	free(ask(&q, 405));
}

static void test_telemetry_path(void **state)
{
	struct request q = get("/m");
	char *text;

	(void)state;
	q.telemetry_path = "/m";
	text = ask(&q, 200);
	assert_has(text, "rollcall_db_up 1\n");
	free(text);
	q.path = "/metrics";
	free(ask(&q, 404));
}

static void test_process(void **state)
{
	struct snap_sample v[PROCESS_MAX_SAMPLES];
	size_t n = process_samples(v);

	(void)state;
	assert_int_equal(n, 7);
	for (size_t i = 0; i < n; i++) {
		assert_true(v[i].value >= 0);
		assert_true(i == 0 || v[i - 1].metric < v[i].metric);
	}
	assert_int_equal(v[5].metric, M_process_start_time);
	assert_true(v[5].value > 1.6e9);
}

static void test_page(void **state)
{
	struct request q = get("/");
	char *text;

	(void)state;
	q.link_prefix = "/roll";
	text = ask(&q, 200);
	assert_has(text, "<title>1 firing - rollcall</title>");
	assert_has(text, "Looking at etcd cluster im.");
	assert_has(text, "<p class=\"bad\">1 alert is firing</p>");
	assert_has(text, "<a href=\"/roll/metrics\">");
	assert_has(text, "<a href=\"/roll/-/ready\">");
	assert_has(text, "<a href=\"/roll/api/registry/v1/\">");
	/* nothing is fetched for it */
	assert_null(strstr(text, "src="));
	assert_null(strstr(text, "http"));
	assert_has(text, "Version 0.1.0 (abc)");
	assert_has(text, "As of <span class=\"t\">2023-11-14T22:15:00");
	/* what is wrong comes first */
	assert_before(text, "GONE", "BELOW MINIMUM");
	assert_before(text, "BELOW MINIMUM", ">msg_server<");
	assert_before(text, ">0001-0002<", ">0001-0001<");
	assert_before(text, ">0001-0003<", ">0001-0001<");
	assert_before(text, ">0001-0001<", ">0001-0004<");
	assert_has(text, "<td class=\"w\">empty</td>");
	assert_has(text, "expired, held, flapping");
	assert_has(text, "10.0.0.1:8000");
	assert_has(text, "<td class=\"n\" data-h=\"for\">1m39s</td>");
	/* what anybody may write to etcd */
	assert_null(strstr(text, "<script>"));
	assert_null(strstr(text, "<i>"));
	assert_null(strstr(text, "<0001>"));
	assert_has(text, "a&quot;b\\c d&lt;i&gt;&amp;\xe5\x91\xbc");
	assert_has(text, "</html>\n");
	free(text);
}

static void test_page_knows_nothing_yet(void **state)
{
	struct request q = get("/");
	char *text;

	(void)state;
	fixture_service(&fixture, IM ",service_name=\"new\"", 0, 1)->known =
	    false;
	text = ask(&q, 200);
	assert_has(text, "<tr><td class=\"w\">unknown</td><td>new</td>"
	    "<td class=\"n\" data-h=\"up\"></td>"
	    "<td class=\"n\" data-h=\"minimum\">1</td>"
	    "<td class=\"n\" data-h=\"late\"></td>"
	    "<td class=\"n\" data-h=\"permanent\"></td></tr>");
	free(text);
}

static void test_page_says_not_looking(void **state)
{
	struct request q = get("/");
	size_t n = fixture.snapshot.nsamples;
	char *text;

	(void)state;
	for (size_t i = 0; i < n; i++)
		if (fixture.samples[i].metric == M_looking)
			fixture.samples[i].value = 0;
	text = ask(&q, 200);
	assert_has(text, "NOT LOOKING at etcd cluster im: its states");
	assert_has(text, "<title>NOT LOOKING - 1 firing");
	free(text);

	fixture.snapshot.nsamples = 0;
	text = ask(&q, 200);
	assert_has(text, "NOT LOOKING: no etcd cluster");
	assert_has(text, "No alert is firing.");
	free(text);
	fixture.snapshot.nsamples = n;

	q.snapshot = NULL;
	text = ask(&q, 200);
	assert_has(text, "Starting");
	assert_has(text, "</html>\n");
	free(text);
}

#define ALERT "alertname=\"EtcdA\",alertstate=\"firing\","

/* Whoever was woken up sees by what. */
static void test_page_begins_with_the_worst(void **state)
{
	struct request q = get("/");
	char *text;

	(void)state;
	fixture_sample(&fixture, M_alerts, ALERT "severity=\"page\"", 1);
	fixture_sample(&fixture, M_alerts, ALERT "member=\"a:2379\","
	    "severity=\"critical\"", 1);
	text = ask(&q, 200);
	assert_has(text, "3 alerts are firing");
	assert_has(text, "<tr class=\"bad\"><td class=\"w\">critical</td>"
	    "<td class=\"w\">EtcdA</td>");
	assert_before(text, ">critical<", "<tr class=\"warn\">");
	assert_before(text, ">warning<", "<tr><td class=\"w\">page</td>");
	free(text);
	for (int i = 0; i < 120; i++)
		fixture_sample(&fixture, M_alerts, ALERT
		    "severity=\"critical\"", 1);
	text = ask(&q, 200);
	assert_has(text, "123 alerts are firing");
	assert_has(text, "<p>and 23 more</p>");
	assert_null(strstr(text, ">warning<"));
	free(text);
}

/* What nobody has is no column, nor is the only cluster. */
static void test_page_has_no_empty_columns(void **state)
{
	struct request q = get("/");
	char *text;
	size_t n;

	(void)state;
	text = ask(&q, 200);
	assert_null(strstr(text, "<th>member</th>"));
	assert_null(strstr(text, "<th>etcd cluster</th>"));
	assert_has(text, "<th>late</th><th>permanent</th></tr>");
	free(text);
	fixture_sample(&fixture, M_looking, "etcd_cluster=\"hk\"", 1);
	fixture.snapshot.services->groups[0]->blocks[0]->services[0].late = 0;
	text = ask(&q, 200);
	assert_has(text, "Looking at 2 etcd clusters.");
	assert_has(text, "<th>permanent</th><th>etcd cluster</th></tr>");
	assert_has(text, "<td data-h=\"etcd cluster\">im</td>");
	assert_null(strstr(text, "<th>late</th>"));
	free(text);
	n = fixture.snapshot.services->n;
	fixture.snapshot.services->n = 0;
	text = ask(&q, 200);
	fixture.snapshot.services->n = n;
	assert_has(text, "Services</h2>\n<p>none</p>\n");
	free(text);
}

static void test_page_is_limited(void **state)
{
	struct request q = get("/");
	char *text;

	(void)state;
	for (int i = 0; i < 1500; i++) {
		char id[20];

		snprintf(id, sizeof(id), "%d", i);
		fixture_instance(&fixture, LOGIN, id, STATE_UP);
	}
	text = ask(&q, 200);
	assert_has(text, "<p>and 505 more</p>");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_ready_without_a_disk,
		    set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_healthy_and_ready,
		    set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_more_samples, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(test_errors, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(
		    test_maintenance_is_not_known_yet, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_metrics, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(test_listing, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(test_telemetry_path, set_up,
		    tear_down),
		cmocka_unit_test(test_process),
		cmocka_unit_test_setup_teardown(test_page, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_page_knows_nothing_yet,
		    set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_page_says_not_looking,
		    set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_page_begins_with_the_worst, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_page_has_no_empty_columns, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_page_is_limited, set_up,
		    tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
