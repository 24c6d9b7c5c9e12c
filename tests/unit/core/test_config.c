#include "core/config.c"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <pthread.h>
#include <string.h>

#include <cmocka.h>

#include "core/pattern.h"
#include "tests/unit/core/config_text.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* What configuration does with files is held by tests/golden/config; here is
 * what the rest of the program gets to see of it. */

static struct config *load(const char *text)
{
	struct problems p = { 0 };
	struct config *c = config_load(file_with("rollcall.yml", text), &p);

	assert_no_problem(&p);
	assert_non_null(c);
	return c;
}

static void test_defaults(void **state)
{
	struct config *c = load("clusters: [{endpoints: [http://a],"
	    " directories: [{path: /x/}, {path: /y, instances: ephemeral},"
	    " {path: /z, instances: ephemeral, forget_after: 2h}]}]\n");
	const struct cluster_config *im = config_cluster(c, 0);
	char *database = xasprintf("%s/rollcall.db", folder);

	(void)state;
	assert_string_equal(c->file, written[0]);
	assert_string_equal(im->name, "default");
	assert_string_equal(im->endpoints.v[0], "http://a:2379");
	assert_int_equal(im->poll_interval_ms, 15000);
	assert_int_equal(im->poll_timeout_ms, 3000);
	assert_true(im->http_config.follow_redirects);
	assert_string_equal(config_directory(im, 0)->path, "/x");
	assert_null(config_directory(im, 0)->service_name);
	assert_int_equal(pattern_depth(config_directory(im, 0)->pattern), 1);
	assert_int_equal(config_directory(im, 0)->instances, 0);
	assert_int_equal(config_directory(im, 0)->forget_after_ms, 86400000);
	assert_int_equal(config_directory(im, 0)->max_vanished, 10000);
	assert_int_equal(config_directory(im, 1)->instances, 1);
	assert_int_equal(config_directory(im, 1)->forget_after_ms, 600000);
	assert_int_equal(config_directory(im, 2)->forget_after_ms, 7200000);
	assert_string_equal(c->storage.path, database);
	assert_int_equal(c->storage.retention_ms, 0);
	assert_int_equal(config_statistics_retention(c),
	    INT64_C(400) * 86400000);
	assert_int_equal(c->global.evaluation_interval_ms, 15000);
	assert_int_equal(c->alertmanagers.n, 0);
	assert_null(c->notify_file);
	config_unref(c);
	free(database);
}

/* poll_timeout follows a poll_interval that is shorter than its default. */
static void test_timeout_follows_interval(void **state)
{
	struct config *c = load("clusters: [{endpoints: [http://a],"
	    " poll_interval: 1s, directories: [{path: /x}]}]\n");

	(void)state;
	assert_int_equal(config_cluster(c, 0)->poll_timeout_ms, 1000);
	config_unref(c);
}

/* Statistics go with the history, at the latest. */
static void test_retention(void **state)
{
	static const struct {
		const char *storage;
		int64_t days;
	} cases[] = {
		{ "{}", 400 }, { "{retention: 30d}", 30 },
		{ "{retention: 500d}", 400 }, { "{retention: 0}", 400 },
		{ "{retention: 500d, statistics_retention: 0}", 500 },
		{ "{statistics_retention: 0}", 0 },
		{ "{statistics_retention: 7d}", 7 },
	};
	char text[200];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct config *c;

		snprintf(text, sizeof(text), "clusters: [{endpoints:"
		    " [http://a], directories: [{path: /x}]}]\nstorage: %s\n",
		    cases[i].storage);
		c = load(text);
		assert_int_equal(config_statistics_retention(c),
		    cases[i].days * 86400000);
		config_unref(c);
	}
}

static void test_endpoints_have_one_spelling(void **state)
{
	struct config *c = load("clusters: [{directories: [{path: /x}],"
	    " endpoints: ['HTTP://ETCD-1.Example/', 'https://[::1]',"
	    " 'http://10.0.0.1:4001']}]\n");
	const struct string_list *l = &config_cluster(c, 0)->endpoints;

	(void)state;
	assert_int_equal(l->n, 3);
	assert_string_equal(l->v[0], "http://etcd-1.example:2379");
	assert_string_equal(l->v[1], "https://[::1]:2379");
	assert_string_equal(l->v[2], "http://10.0.0.1:4001");
	config_unref(c);
}

static void test_service(void **state)
{
	struct config *c = load("clusters: [{endpoints: [http://a],"
	    " directories: [{path: /x}], services: ["
	    "{match: 'login_*', min_instances: 2},"
	    "{match: 'login_server', min_instances: 3},"
	    "{match: msg, labels: {team: a}}]}]\n");
	const struct cluster_config *im = config_cluster(c, 0);

	(void)state;
	assert_int_equal(config_service(im, "login_server")->min_instances,
	    2);
	assert_int_equal(config_service(im, "msg")->min_instances, 1);
	assert_string_equal(labels_get(&config_service(im, "msg")->labels,
	    "team"), "a");
	assert_null(config_service(im, "msg_server"));
	config_unref(c);
}

static void test_alertmanagers(void **state)
{
	struct config *c = load("clusters: [{endpoints: [http://a],"
	    " directories: [{path: /x}]}]\n"
	    "alertmanagers: [{url: 'http://a:9093/p/'},"
	    " {url: 'http://b:9093', timeout: 1s}]\n");

	(void)state;
	assert_string_equal(config_alertmanager(c, 0)->url,
	    "http://a:9093/p");
	assert_int_equal(config_alertmanager(c, 0)->timeout_ms, 10000);
	assert_int_equal(config_alertmanager(c, 1)->timeout_ms, 1000);
	config_unref(c);
}

static void test_files_are_read(void **state)
{
	struct config *c;

	(void)state;
	file_with("pw", "hunter2\n");
	c = load("clusters: [{endpoints: [http://a], directories:"
	    " [{path: /x}], http_config: {basic_auth: {username: u,"
	    " password_file: pw}}}]\n");
	assert_string_equal(
	    config_cluster(c, 0)->http_config.basic_auth.password, "hunter2");
	config_unref(c);
}

static void test_secrets_are_not_printed(void **state)
{
	struct config *c;
	struct buf b;

	(void)state;
	file_with("pw", "hunter2\n");
	c = load("clusters: [{endpoints: [http://a], directories:"
	    " [{path: /x}], http_config: {proxy_url: 'http://u:hunter2@p',"
	    " basic_auth: {username: u, password_file: pw}}}]\n"
	    "alertmanagers: [{url: http://b, http_config: {authorization:"
	    " {credentials: hunter2}}}]\n");
	buf_init(&b, 1 << 16);
	config_print(c, &b);
	assert_null(strstr(buf_str(&b), "hunter2"));
	assert_non_null(strstr(buf_str(&b), "credentials: <secret>\n"));
	buf_free(&b);
	config_unref(c);
}

static void test_bad_file(void **state)
{
	struct problems p = { 0 };

	(void)state;
	assert_null(config_load("/nonexistent/rollcall.yml", &p));
	assert_problem(&p, "/nonexistent/rollcall.yml: No such file or"
	    " directory");
	assert_null(config_load(file_with("rollcall.yml", "clusters: 1\n"),
	    &p));
	assert_int_equal(p.n, 1);
	problems_free(&p);
}

static struct config *from_flags(const char *endpoint,
    const char *directory, struct problems *p)
{
	char *e = xstrdup(endpoint), *d = xstrdup(directory);
	struct string_list endpoints = { &e, e ? 1 : 0 };
	struct string_list directories = { &d, d ? 1 : 0 };
	struct config *c = config_from_flags(&endpoints, &directories, p);

	free(e);
	free(d);
	return c;
}

static void test_from_flags(void **state)
{
	struct problems p = { 0 };
	struct config *c = from_flags("http://127.0.0.1:2379", "/a b/", &p);

	(void)state;
	assert_no_problem(&p);
	assert_null(c->file);
	assert_string_equal(config_cluster(c, 0)->name, "default");
	assert_string_equal(config_cluster(c, 0)->endpoints.v[0],
	    "http://127.0.0.1:2379");
	assert_string_equal(config_directory(config_cluster(c, 0), 0)->path,
	    "/a b");
	assert_string_equal(c->storage.path, "rollcall.db");
	config_unref(c);
}

/* Nobody wrote a line 1, column 17. */
static void test_bad_flags(void **state)
{
	static const struct {
		const char *endpoint, *directory, *problem;
	} cases[] = {
		{ "127.0.0.1", "/a", "endpoint \"127.0.0.1\": must begin with"
		    " http:// or https://" },
		{ "http://a", "a", "directory \"a\": must begin with a"
		    " slash" },
		{ "http://a", "/a//", "directory \"/a//\": has two slashes in"
		    " a row" },
		{ "http://a", "\"}], \"x\": [{", "directory \"\"}], \"x\":"
		    " [{\": must begin with a slash" },
		{ NULL, "/a", "endpoints: at least one is needed" },
		{ "http://a", NULL, "directories: at least one is needed" },
	};
	struct problems p = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_null(from_flags(cases[i].endpoint, cases[i].directory,
		    &p));
		assert_problem(&p, cases[i].problem);
	}
}

static void *ref_and_unref(void *c)
{
	for (int i = 0; i < 10000; i++)
		config_unref(config_ref(c));
	return NULL;
}

static void test_users(void **state)
{
	struct problems p = { 0 };
	struct config *c = from_flags("http://a", "/a", &p);
	pthread_t threads[2];

	(void)state;
	for (size_t i = 0; i < COUNT(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
		    ref_and_unref, c), 0);
	for (size_t i = 0; i < COUNT(threads); i++)
		pthread_join(threads[i], NULL);
	assert_string_equal(config_cluster(c, 0)->name, "default");
	config_unref(c);
	config_unref(NULL);
}

/* The directories of a large site are compared in a moment. */
static void test_many_directories(void **state)
{
	struct problems p = { 0 };
	struct config *c;
	struct buf b;

	(void)state;
	buf_init(&b, 4 << 20);
	buf_adds(&b, "clusters:\n- endpoints: [http://a]\n"
	    "  directories:\n");
	for (int i = 0; i < 50000; i++)
		buf_addf(&b, "  - {path: /site/%d/servers}\n", i);
	buf_adds(&b, "  - {path: /site/49999}\n");
	c = config_load(file_with("rollcall.yml", buf_str(&b)), &p);
	assert_null(c);
	assert_int_equal(p.count, 1);
	assert_non_null(strstr(p.lines[0], ":50003:12: directory"
	    " \"/site/49999/servers\" lies inside directory"
	    " \"/site/49999\""));
	problems_free(&p);
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_timeout_follows_interval),
		cmocka_unit_test(test_retention),
		cmocka_unit_test(test_endpoints_have_one_spelling),
		cmocka_unit_test(test_service),
		cmocka_unit_test(test_alertmanagers),
		cmocka_unit_test(test_files_are_read),
		cmocka_unit_test(test_secrets_are_not_printed),
		cmocka_unit_test(test_bad_file),
		cmocka_unit_test(test_from_flags),
		cmocka_unit_test(test_bad_flags),
		cmocka_unit_test(test_users),
		cmocka_unit_test(test_many_directories),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
