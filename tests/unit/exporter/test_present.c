/* What is registered now, over HTTP: rows, filters and pages of a snapshot of
 * the test's own, and that it is told without history. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "core/snapshot.h"

static struct snapshot *test_acquire(void);
static void test_release(struct snapshot *s);

#define snapshot_acquire test_acquire
#define snapshot_release test_release
#include "exporter/answers_present.c"
#undef S
#undef I
#define TEXT_MAX OVERVIEW_TEXT_MAX
#include "exporter/answers_overview.c"
#undef TEXT_MAX
#undef snapshot_acquire
#undef snapshot_release
#include "exporter/answers.h"
#include "snapshot_fixture.h"

static struct fixture fixture;
static struct snapshot *current;
static int acquired;

static struct snapshot *test_acquire(void)
{
	acquired += current != NULL;
	return current;
}

static void test_release(struct snapshot *s)
{
	acquired -= s != NULL;
}

static int set_up(void **state)
{
	(void)state;
	fixture_registry(&fixture);
	current = &fixture.snapshot;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	assert_int_equal(acquired, 0);
	fixture_free(&fixture);
	return 0;
}

static char *body;
static struct reply r;

/* One parameter, or NULL.  Without session and source. */
static unsigned ask(const char *what, const char *name, const char *value)
{
	static const struct err none;
	char path[100];
	struct answer *a;

	free(body);
	snprintf(path, sizeof(path), ANSWERS_V1 "%s", what);
	a = answer_new(path, "", NULL, &r);
	assert_non_null(a);
	assert_false(answer_needs_history(a));
	if (name != NULL)
		answer_parameter(a, name, value);
	if (!answer_refused(a, &r)) {
		answer_run(NULL, NULL, &none, a);
		answer_take(a, &r);
	}
	answer_free(a);
	body = buf_take(&r.body, NULL);
	return r.status;
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

#define FIRST "\"etcd_cluster\":\"im\",\"service_name\":\"login_server\","

static void test_instances(void **state)
{
	(void)state;
	assert_int_equal(ask("instances", NULL, NULL), 200);
	assert_int_equal(count_rows(), 4);	/* none that deregistered */
	assert_has("[\n{" FIRST "\"instance_id\":\"0001-0001\","
	    "\"state\":\"up\",\"since\":\"2023-11-14T22:13:20.250Z\","
	    "\"address\":\"10.0.0.1:8000\","
	    "\"key\":\"/login_servers/0001-0001\",\"expirations\":0,"
	    "\"held\":false,\"flapping\":false,\"maintenance\":false,"
	    "\"ttl_seconds\":30.000,\"expires\":\"2023-11-14T22:15:30.500Z\","
	    "\"looking\":true}");
	assert_has("\"instance_id\":\"0001-0002\",\"state\":\"expired\","
	    "\"since\":\"2023-11-14T22:13:20.250Z\",\"address\":null,"
	    "\"key\":\"/login_servers/0001-0002\",\"expirations\":3,"
	    "\"held\":true,\"flapping\":true,\"maintenance\":false,"
	    "\"ttl_seconds\":null,\"expires\":null,");
	assert_has("\"instance_id\":\"a\\\"b\\\\c\\nd<i>&\xe5\x91\xbc\"");
}

static void test_services(void **state)
{
	(void)state;
	assert_int_equal(ask("services", NULL, NULL), 200);
	assert_int_equal(count_rows(), 4);
	assert_has("[\n{" FIRST "\"state\":\"below_minimum\",\"up\":2,"
	    "\"min_instances\":3,\"late\":1,\"permanent\":1,"
	    "\"registrations\":7,\"expirations\":3,\"deregistrations\":0,"
	    "\"losses\":1,\"maintenance\":false,\"looking\":true}");
	assert_has("\"msg_server\",\"state\":\"up\",\"up\":1,");
	assert_has("\"file_server\",\"state\":\"gone\",\"up\":0,");
	assert_has("\"push_server\",\"state\":\"empty\",\"up\":0,");
}

/* Who is not looked at stays as it was, and says so. */
static void test_not_looking(void **state)
{
	struct snap_service *s;

	(void)state;
	fixture.samples[1].value = 0;
	assert_int_equal(fixture.samples[1].metric, M_looking);
	s = &snap_block(fixture.snapshot.services, 0)->services[1];
	s->known = false;
	ask("services", NULL, NULL);
	assert_has("\"msg_server\",\"state\":\"unknown\",\"up\":null,"
	    "\"min_instances\":0,\"late\":null,\"permanent\":null,");
	assert_has("\"looking\":false}");
	assert_null(strstr(body, "\"looking\":true"));
	ask("instances", NULL, NULL);
	assert_null(strstr(body, "\"looking\":true"));
}

static const struct {
	const char *what, *name, *value;
	size_t rows;
} filters[] = {
	{ "instances", "state", "up", 2 },
	{ "instances", "state", "expired", 1 },
	{ "instances", "state", "lost", 1 },
	{ "instances", "cluster", "im", 4 },
	{ "instances", "cluster", "i", 0 },
	{ "instances", "service", "login_*", 4 },
	{ "instances", "service", "msg_*", 0 },
	{ "instances", "instance", "0001-000[12]", 2 },
	{ "instances", "instance", "0001-0004", 0 },
	{ "instances", "limit", "3", 3 },
	{ "instances", "offset", "3", 1 },
	{ "instances", "offset", "4", 0 },
	{ "services", "service", "*_server", 4 },
	{ "services", "service", "f*", 1 },
	{ "services", "cluster", "[!i]*", 0 },
	{ "services", "limit", "1", 1 },
	{ "services", "offset", "3", 1 },
};

static void test_filters(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
		ask(filters[i].what, filters[i].name, filters[i].value);
		if (r.status != 200 || count_rows() != filters[i].rows)
			fail_msg("%s?%s=%s: %u %s", filters[i].what,
			    filters[i].name, filters[i].value, r.status,
			    body);
		free(r.link);
	}
	assert_int_equal(ask("services", "instance", "x"), 400);
	assert_has("unknown parameter \\\"instance\\\": here is only cluster,"
	    " service, limit, offset");
}

static void test_links(void **state)
{
	(void)state;
	ask("services", "limit", "3");
	assert_string_equal(r.link, "</api/registry/v1/services?limit=3&"
	    "offset=3>; rel=\"next\"");
	free(r.link);
	ask("services", "limit", "4");
	assert_null(r.link);
}

static void test_starting(void **state)
{
	(void)state;
	current = NULL;
	assert_int_equal(ask("instances", NULL, NULL), 503);
	assert_has("\"errorType\":\"unavailable\"");
	assert_string_equal(r.retry_after, "5");
	assert_int_equal(ask("services", NULL, NULL), 503);
}

static void test_overview(void **state)
{
	struct overview_row o = { .now = { 1700000100000 } };
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 16);
	write_overview(current, &o, &b);
	assert_string_equal(buf_str(&b),
	    "{\"now\":\"2023-11-14T22:15:00.000Z\",\"looked_since\":null,"
	    "\"looked_until\":null,\"looking\":true,\"clusters\":1,"
	    "\"clusters_looking\":1,\"services\":4,\"services_up\":1,"
	    "\"services_below_minimum\":1,\"services_gone\":1,"
	    "\"services_empty\":1,\"services_unknown\":0,\"instances\":4,"
	    "\"instances_up\":2,\"instances_expired\":1,\"instances_lost\":1,"
	    "\"instances_held\":1,\"instances_in_maintenance\":0,"
	    "\"alerts_firing\":1,\"maintenance_windows\":0,"
	    "\"database_up\":true,\"database_bytes\":4096,"
	    "\"version\":\"0.1.0\"}\n");
	buf_free(&b);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_instances),
		CASE(test_services),
		CASE(test_not_looking),
		CASE(test_filters),
		CASE(test_links),
		CASE(test_starting),
		CASE(test_overview),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	free(body);
	return failed;
}
