/* The writer of metrics: against golden files (UPDATE_GOLDEN=1 writes them
 * anew), and on random snapshots against a strict reader. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "exporter/exposition.c"
#include "joined.h"
#include "snapshot_fixture.h"
#include "strict.h"

#define GOLDEN "tests/golden/exposition/"

static char *render(const struct exposition *x, enum exposition_format f)
{
	struct segments *c = segments_new();
	struct pieces *p = pieces_new(c, ENCODING_PLAIN);
	char *text;

	exposition_write(x, f, p);
	assert_true(pieces_end(p));
	text = joined(p, NULL);
	segments_free(c);
	return text;
}

static void check_strict(const char *text, bool openmetrics)
{
	struct strict s;

	if (!strict_read(&s, openmetrics, text))
		fail_msg("%s", s.why);
}

/* Compares with a golden file, or writes it. */
static void check_golden(const char *path, const char *got)
{
	static char want[1 << 16];
	bool update = getenv("UPDATE_GOLDEN") != NULL;
	FILE *f = fopen(path, update ? "w" : "r");
	size_t n;

	if (f == NULL)
		fail_msg("cannot open %s", path);
	if (update) {
		fputs(got, f);
	} else {
		n = fread(want, 1, sizeof(want) - 1, f);
		want[n] = '\0';
		assert_string_equal(got, want);
	}
	fclose(f);
}

static void test_golden(void **state)
{
	static const struct snap_sample process[] = {
		{ M_process_cpu, NULL, 1.25 },
		{ M_process_max_fds, NULL, 1024 },
	};
	struct fixture f;
	struct exposition x = { &f.snapshot, process, 2, NULL };
	char *text, *om;

	(void)state;
	fixture_registry(&f);
	text = render(&x, EXPOSITION_TEXT);
	om = render(&x, EXPOSITION_OPENMETRICS);
	check_golden(GOLDEN "registry.txt", text);
	check_golden(GOLDEN "registry.openmetrics.txt", om);
	check_strict(text, false);
	check_strict(om, true);
	free(text);
	free(om);
	fixture_free(&f);
}

static void test_empty(void **state)
{
	struct fixture f;
	struct exposition x = { .snapshot = &f.snapshot };
	char *got;

	(void)state;
	fixture_init(&f);
	got = render(&x, EXPOSITION_TEXT);
	assert_string_equal(got, "");
	free(got);
	got = render(&x, EXPOSITION_OPENMETRICS);
	assert_string_equal(got, "# EOF\n");
	free(got);
	fixture_free(&f);
}

static void test_wanted(void **state)
{
	bool wanted[M_COUNT] = { false };
	struct fixture f;
	struct exposition x = { .snapshot = &f.snapshot, .wanted = wanted };
	enum metric_id id;
	char *got;

	(void)state;
	fixture_registry(&f);
	assert_true(exposition_find("rollcall_bad_keys_total", &id));
	wanted[id] = true;
	assert_true(exposition_find("rollcall_db_up", &id));
	wanted[id] = true;
	got = render(&x, EXPOSITION_OPENMETRICS);
	check_strict(got, true);
	assert_non_null(strstr(got, "rollcall_bad_keys_total{"));
	assert_non_null(strstr(got, "rollcall_db_up 1\n"));
	assert_null(strstr(got, "rollcall_looking"));
	assert_null(strstr(got, "rollcall_instance"));
	free(got);
	fixture_free(&f);
}

/* Before the first look there are no gauges; counters start at 0. */
static void test_nobody_looked_yet(void **state)
{
	struct fixture f;
	struct exposition x = { .snapshot = &f.snapshot };
	char *got;

	(void)state;
	fixture_init(&f);
	fixture_service(&f, LOGIN, 0, 1)->known = false;
	got = render(&x, EXPOSITION_OPENMETRICS);
	check_strict(got, true);
	assert_null(strstr(got, "rollcall_service_instances"));
	assert_null(strstr(got, "rollcall_service_up"));
	assert_non_null(strstr(got,
	    "rollcall_service_min_instances{" LOGIN "} 1\n"));
	assert_non_null(strstr(got,
	    "rollcall_service_expirations_total{" LOGIN "} 0\n"));
	free(got);
	fixture_free(&f);
}

static void test_find(void **state)
{
	enum metric_id id;

	(void)state;
	assert_true(exposition_find("rollcall_instance_up", &id));
	assert_int_equal(id, M_instance_up);
	assert_true(exposition_find("rollcall_instance", &id));
	assert_int_equal(id, M_instance_info);
	assert_true(exposition_find("rollcall_instance_info", &id));
	assert_int_equal(id, M_instance_info);
	assert_true(exposition_find("rollcall_service_losses", &id));
	assert_int_equal(id, M_service_losses);
	assert_false(exposition_find("rollcall_instance_up_total", &id));
	assert_false(exposition_find("rollcall", &id));
	assert_false(exposition_find("", &id));
}

/* What needs no escape is copied in a shorter way, which says the same. */
static void test_plain_names(void **state)
{
	struct fixture f;
	struct exposition x = { .snapshot = &f.snapshot };
	struct snap_block *b;
	char *one, *other;

	(void)state;
	fixture_registry(&f);
	one = render(&x, EXPOSITION_TEXT);
	b = snap_block(f.snapshot.instances, 0);
	assert_true(b->instances[0].names->plain);
	for (unsigned i = 0; i < b->n; i++)
		if (b->instances[i].names != NULL)
			b->instances[i].names->plain = false;
	other = render(&x, EXPOSITION_TEXT);
	assert_string_equal(one, other);
	free(one);
	free(other);
	fixture_free(&f);
}

static void test_nan_is_no_series(void **state)
{
	struct fixture f;
	struct exposition x = { .snapshot = &f.snapshot };
	char *got;

	(void)state;
	fixture_init(&f);
	fixture_sample(&f, M_db_up, NULL, (double)NAN);
	got = render(&x, EXPOSITION_TEXT);
	assert_string_equal(got, "");
	free(got);
	fixture_free(&f);
}

/* --- random snapshots --- */

static uint64_t seed;

static uint64_t rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	return seed ^= seed << 17;
}

/* Labels of the metric's names with values of any bytes; the last one ends in
 * a number, so that no two are the same. */
static char *random_labels(const char *names, size_t number)
{
	struct buf b;
	char name[64], value[40];

	buf_init(&b, 4096);
	while (names[0] != '\0') {
		size_t n = strcspn(names, ","), k = rnd() % 12;

		snprintf(name, sizeof(name), "%.*s", (int)n, names);
		names += n + (names[n] == ',');
		for (size_t i = 0; i < k; i++)
			value[i] = (char)(1 + rnd() % 255);
		snprintf(value + k, sizeof(value) - k, "-%zu", number);
		if (b.len > 0)
			buf_addc(&b, ',');
		labels_render_pair(&b, name, value);
	}
	return buf_take(&b, NULL);
}

/* A text of any bytes that ends in a number. */
static const char *random_text(char text[40], size_t number)
{
	size_t n = rnd() % 12;

	for (size_t i = 0; i < n; i++)
		text[i] = (char)(rnd() % 4 != 0 ? 'a' + rnd() % 26 :
		    1 + rnd() % 255);
	snprintf(text + n, 40 - n, "-%zu", number);
	return text;
}

static double random_value(enum metric_type type)
{
	union { uint64_t bits; double v; } u = { .bits = rnd() };

	if (type == METRIC_INFO)
		return 1;
	if (rnd() % 2 != 0)
		return (double)(rnd() % 100000);
	if (type == METRIC_COUNTER)
		return isfinite(u.v) ? fabs(u.v) : 0;
	return u.v;
}

static void random_snapshot(struct fixture *f)
{
	size_t n = rnd() % 600, services = rnd() % 200;
	char *labels;

	fixture_init(f);
	for (size_t i = 0; i < n; i++) {
		struct snap_instance *v;

		char id[40], key[40], address[40];

		labels = random_labels("etcd_cluster,service_name", i);
		v = fixture_instance(f, labels, random_text(id, i),
		    1 + rnd() % 4);
		free(labels);
		labels = random_labels("zone", i);
		fixture_key(v, random_text(key, i), rnd() % 3 != 0 ?
		    random_text(address, i) : NULL, rnd() % 3 != 0 ? labels :
		    "");
		free(labels);
		v->held = rnd() % 4 == 0;
		v->flapping = rnd() % 4 == 0;
		v->ttl_s = rnd() % 3;
		v->expires_ms = (int64_t)(rnd() % 2 * (rnd() % (1ULL << 41)));
		v->expirations = (uint32_t)(rnd() % 10);
	}
	for (size_t i = 0; i < services; i++) {
		struct snap_service *v;

		labels = random_labels(metrics[M_service_up].labels, i);
		v = fixture_service(f, labels, rnd() % 4, rnd() % 4);
		free(labels);
		v->registrations = rnd() >> 20;
	}
	for (int id = 0; id < M_COUNT; id++) {
		size_t k = metrics[id].source == FROM_SAMPLES ? rnd() % 4 : 0;

		if (metrics[id].labels[0] == '\0' && k > 1)
			k = 1;
		for (size_t i = 0; i < k; i++) {
			labels = random_labels(metrics[id].labels, i);
			fixture_sample(f, (enum metric_id)id,
			    labels[0] != '\0' ? labels : NULL,
			    random_value(metrics[id].type));
			free(labels);
		}
	}
}

/* The sample lines alone: they must be the same in both formats. */
static char *only_samples(const char *from)
{
	struct buf b;

	buf_init(&b, 64 << 20);
	while (*from != '\0') {
		size_t n = strcspn(from, "\n") + 1;

		if (*from != '#')
			buf_add(&b, from, n);
		from += n;
	}
	return buf_take(&b, NULL);
}

static size_t count_lines(const char *from, const char *begin)
{
	size_t n = 0;

	for (; *from != '\0'; from += strcspn(from, "\n") + 1)
		n += strncmp(from, begin, strlen(begin)) == 0;
	return n;
}

static size_t count_known(const struct fixture *f)
{
	const struct snap_set *s = f->snapshot.instances;
	size_t n = 0;

	for (size_t b = 0; b < s->n; b++)
		for (size_t i = 0; i < snap_block(s, b)->n; i++)
			n += snap_block(s, b)->instances[i].state !=
			    STATE_DEREGISTERED;
	return n;
}

static void check_random(uint64_t start)
{
	struct fixture f;
	struct exposition x = { .snapshot = &f.snapshot };
	char *text4, *om, *a, *b;

	seed = start * 0x9e3779b97f4a7c15ULL;
	random_snapshot(&f);
	text4 = render(&x, EXPOSITION_TEXT);
	om = render(&x, EXPOSITION_OPENMETRICS);
	check_strict(text4, false);
	check_strict(om, true);
	a = only_samples(text4);
	b = only_samples(om);
	assert_string_equal(a, b);
	assert_int_equal(count_lines(a, "rollcall_instance_up{"),
	    count_known(&f));
	free(a);
	free(b);
	free(text4);
	free(om);
	fixture_free(&f);
}

static void test_random(void **state)
{
	(void)state;
	for (uint64_t i = 1; i <= 40; i++)
		check_random(i);
}

/* The strict reader must refuse what it is there for. */
static void test_strict(void **state)
{
	static const struct {
		bool openmetrics, ok;
		const char *text;
	} cases[] = {
		{ true, true, "# TYPE a gauge\n# HELP a b\na 1\n# EOF\n" },
		{ true, false, "# TYPE a gauge\n# HELP a b\na 1\n" },
		{ true, false, "# EOF\n# EOF\n" },
		{ true, false, "# HELP a b\n# TYPE a gauge\na 1\n# EOF\n" },
		{ true, false, "# TYPE a gauge\n# HELP a b\n# EOF\n" },
		{ true, false, "# TYPE a_total counter\n# HELP a_total b\n"
		  "a_total 1\n# EOF\n" },
		{ true, false, "# TYPE a gauge\n# UNIT a seconds\n# HELP a b\n"
		  "a 1\n# EOF\n" },
		{ false, false, "# TYPE a counter\n# HELP a b\na 1\n" },
		{ false, false, "# TYPE a gauge\n# HELP a b\na 1\na 2\n" },
		{ false, false, "# TYPE a gauge\n# HELP a b\na 1\n\n" },
		{ false, false, "# TYPE a gauge\n# HELP a b\nb 1\n" },
		{ false, false, "# TYPE a gauge\n# HELP a b\na{x=\"1\",x=\"2"
		  "\"} 1\n" },
		{ false, false, "# TYPE a gauge\n# HELP a b\na{x=\"\xff\"} 1"
		  "\n" },
		{ false, false, "# TYPE a gauge\n# HELP a b\na{x=\"\\t\"} 1\n"
		},
		{ false, false, "# TYPE a gauge\n# HELP a b\na 1\n"
		  "# TYPE b gauge\n# HELP b b\nb 1\n"
		  "# TYPE a gauge\n# HELP a b\na{x=\"\"} 1\n" },
		{ false, false, "# TYPE a gauge\n# HELP a b\na  1\n" },
		{ false, false, "# TYPE a gauge\n# HELP a b\na 1" },
	};
	struct strict s;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (strict_read(&s, cases[i].openmetrics, cases[i].text) !=
		    cases[i].ok)
			fail_msg("case %zu", i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_wanted),
		cmocka_unit_test(test_nobody_looked_yet),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_nan_is_no_series),
		cmocka_unit_test(test_plain_names),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_strict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
