/* Accept and Accept-Encoding: what real scrapers send, and rubbish. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "exporter/negotiate.c"

#define OM "application/openmetrics-text"

static void test_formats(void **state)
{
	static const struct {
		const char *accept;
		enum exposition_format format;
	} cases[] = {
		/* Prometheus 2.42 */
		{ OM ";version=1.0.0," OM ";version=0.0.1;q=0.75,"
		  "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
		  EXPOSITION_OPENMETRICS },
		/* Prometheus 3 */
		{ OM ";version=1.0.0;escaping=allow-utf-8;q=0.5,"
		  OM ";version=0.0.1;q=0.4,"
		  "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,"
		  "text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
		  EXPOSITION_OPENMETRICS },
		/* a browser, curl, nothing */
		{ "text/html,application/xhtml+xml,application/xml;q=0.9,"
		  "*/*;q=0.8", EXPOSITION_TEXT },
		{ "*/*", EXPOSITION_TEXT },
		{ NULL, EXPOSITION_TEXT },
		{ "", EXPOSITION_TEXT },
		/* order, quality, versions */
		{ OM "; version=1.0.0; q=0.1, text/plain", EXPOSITION_TEXT },
		{ "text/plain;q=0.1, " OM ";version=1.0.0;q=0.101",
		  EXPOSITION_OPENMETRICS },
		{ OM ";version=1.0.0,text/plain", EXPOSITION_OPENMETRICS },
		{ "text/plain," OM ";version=1.0.0", EXPOSITION_TEXT },
		{ OM ";version=1.0.0;q=0", EXPOSITION_TEXT },
		{ OM, EXPOSITION_TEXT },
		{ OM ";version=0.0.1", EXPOSITION_TEXT },
		{ OM ";version=2.0.0", EXPOSITION_TEXT },
		{ OM ";version=\"1.0.0\"", EXPOSITION_OPENMETRICS },
		{ "Application/OpenMetrics-Text; Version=1.0.0",
		  EXPOSITION_OPENMETRICS },
		{ "\t" OM " ;\tversion = 1.0.0 ; q = 1.000 ",
		  EXPOSITION_OPENMETRICS },
		/* rubbish takes no neighbour along */
		{ ",;,=,;q,\"," OM ";version=1.0.0", EXPOSITION_TEXT },
		{ ",;,=,;q=," OM ";version=1.0.0", EXPOSITION_OPENMETRICS },
		{ "text/plain;q=x," OM ";version=1.0.0;q=0.2",
		  EXPOSITION_OPENMETRICS },
		{ "text/plain;q=1.5," OM ";version=1.0.0;q=0.2",
		  EXPOSITION_OPENMETRICS },
		{ "foo;x=\"a,b;q=9\"," OM ";version=1.0.0",
		  EXPOSITION_OPENMETRICS },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (negotiate_format(cases[i].accept) != cases[i].format)
			fail_msg("case %zu: %s", i, cases[i].accept);
}

static void test_gzip(void **state)
{
	static const struct {
		const char *accept;
		bool gzip;
	} cases[] = {
		{ "gzip", true }, { "gzip, deflate, br", true },
		{ "deflate, GZIP;q=0.5", true }, { "x-gzip", true },
		{ "*", true }, { "*;q=0, gzip", true },
		{ "gzip;q=0.001", true },
		{ "gzip;q=0", false }, { "gzip;q=0.000, *", false },
		{ "gzip;q=rubbish", false },
		{ "identity", false }, { "deflate", false },
		{ "notgzip, gzipped", false }, { "*;q=0", false },
		{ "", false }, { NULL, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (negotiate_gzip(cases[i].accept) != cases[i].gzip)
			fail_msg("case %zu: %s", i, cases[i].accept);
}

static void test_q(void **state)
{
	(void)state;
#define Q(t) parse_q((struct span){ t, sizeof(t) - 1 })
	assert_int_equal(Q("0"), 0);
	assert_int_equal(Q("1"), 1000);
	assert_int_equal(Q("0."), 0);
	assert_int_equal(Q("0.7"), 700);
	assert_int_equal(Q("0.123"), 123);
	assert_int_equal(Q("1.000"), 1000);
	assert_int_equal(Q("1.001"), -1);
	assert_int_equal(Q("0.1234"), -1);
	assert_int_equal(Q("2"), -1);
	assert_int_equal(Q("-1"), -1);
	assert_int_equal(Q("00"), -1);
	assert_int_equal(Q(""), -1);
#undef Q
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_gzip),
		cmocka_unit_test(test_q),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
