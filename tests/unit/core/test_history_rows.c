#include "core/history_rows.c"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum { MAX = 1 << 16 };

static const struct history_event sample = {
	.at = { 1000 }, .seen = { 2500 }, .cluster = "im",
	.service = "a,\"b", .state = "expired", .was_ms = 1005,
};

static void test_json(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, MAX);
	row_json(&b, &history_event_rows, &sample);
	assert_string_equal(buf_str(&b),
	    "{\"time\":\"1970-01-01T00:00:01.000Z\","
	    "\"earliest\":null,\"seen\":\"1970-01-01T00:00:02.500Z\","
	    "\"etcd_cluster\":\"im\",\"service_name\":\"a,\\\"b\","
	    "\"instance_id\":null,\"state\":\"expired\",\"cause\":null,"
	    "\"was\":null,\"address\":null,\"directory\":null,\"key\":null,"
	    "\"was_seconds\":1.005,\"etcd_index\":null}");
	buf_free(&b);
}

static void test_csv(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, MAX);
	row_csv(&b, &history_event_rows, &sample);
	assert_string_equal(buf_str(&b), "1970-01-01T00:00:01.000Z,,"
	    "1970-01-01T00:00:02.500Z,im,\"a,\"\"b\",,expired,,,,,,1.005,\n");
	buf_free(&b);
}

/* No value is made up where there is none. */
static void test_empty_range(void **state)
{
	struct history_uptime u = {
		.uptime = NAN, .coverage = 0, .mtbf_ms = -1, .mttr_ms = -1,
		.uptime_low = NAN, .uptime_high = NAN,
	};
	struct buf b;

	(void)state;
	buf_init(&b, MAX);
	row_json(&b, &history_uptime_rows, &u);
	assert_non_null(strstr(buf_str(&b), "\"uptime\":null,"));
	/* What was asked from the epoch on begins there. */
	assert_non_null(strstr(buf_str(&b),
	    "{\"from\":\"1970-01-01T00:00:00.000Z\","));
	assert_non_null(strstr(buf_str(&b), "\"coverage\":0,"));
	assert_non_null(strstr(buf_str(&b), "\"mttr_seconds\":null}"));
	buf_free(&b);
}

/* A buffer that is full fails, and nothing is written in front of it. */
static void test_too_long(void **state)
{
	struct buf b;

	(void)state;
	for (size_t max = 1; max < 200; max++) {
		buf_init(&b, max);
		row_json(&b, &history_event_rows, &sample);
		assert_true(b.failed);
		buf_free(&b);
	}
}

static void test_as_many_names_as_values(void **state)
{
	struct history_outage o = { .cluster = "c" };
	struct buf b;
	size_t commas = 0;

	(void)state;
	buf_init(&b, MAX);
	row_csv_names(&b, &history_outage_rows);
	row_csv(&b, &history_outage_rows, &o);
	for (const char *c = buf_str(&b); *c != '\0'; c++)
		commas += *c == ',';
	assert_int_equal(commas, 2 * (history_outage_rows.n - 1));
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_csv),
		cmocka_unit_test(test_empty_range),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_as_many_names_as_values),
	};

	return cmocka_run_group_tests_name("core/history_rows", tests, NULL,
	    NULL);
}
