/* The notify file: what is taken, and what is said of what is not. */
#include "alerts/notify_config.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/rollcall-notify-XXXXXX";
static char path[64], secret[64];

static int begin_all(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/notify.yml", folder);
	snprintf(secret, sizeof(secret), "%s/hook", folder);
	return 0;
}

static int end_all(void **state)
{
	(void)state;
	unlink(path);
	unlink(secret);
	return rmdir(folder);
}

static void write_file(const char *name, const char *text)
{
	FILE *f = fopen(name, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static struct notify_config *load(const char *text, struct problems *p)
{
	*p = (struct problems){ 0 };
	write_file(path, text);
	return notify_config_load(path, p);
}

static bool said(const struct problems *p, const char *where,
    const char *what)
{
	for (size_t i = 0; i < p->n; i++)
		if (strstr(p->lines[i], where) && strstr(p->lines[i], what))
			return true;
	for (size_t i = 0; i < p->n; i++)
		print_message("%s\n", p->lines[i]);
	return false;
}

static void takes_route_and_webhooks(void **state)
{
	struct problems p;
	struct notify_config *n;

	(void)state;
	write_file(secret, "http://127.0.0.1:2/s3cret\n");
	n = load("route: {receiver: ops}\n"
	    "receivers:\n"
	    "- name: nobody\n"
	    "- name: ops\n"
	    "  webhook_configs:\n"
	    "  - url: http://127.0.0.1:1/hook?token=x\n"
	    "  - url_file: hook\n"
	    "    send_resolved: false\n"
	    "    max_alerts: 10\n"
	    "    timeout: 3s\n"
	    "    http_config: {follow_redirects: false}\n", &p);
	assert_int_equal(p.count, 0);
	assert_non_null(n);
	const struct receiver_config *r = notify_config_receiver(n,
	    n->route.receiver);

	assert_int_equal(r->webhooks.n, 2);
	assert_string_equal(receiver_webhook(r, 0)->url,
	    "http://127.0.0.1:1/hook?token=x");
	assert_true(receiver_webhook(r, 0)->send_resolved);
	assert_true(receiver_webhook(r, 0)->http_config.follow_redirects);
	assert_int_equal(receiver_webhook(r, 0)->timeout_ms, 10000);
	assert_string_equal(receiver_webhook(r, 1)->url,
	    "http://127.0.0.1:2/s3cret");
	assert_false(receiver_webhook(r, 1)->send_resolved);
	assert_false(receiver_webhook(r, 1)->http_config.follow_redirects);
	assert_int_equal(receiver_webhook(r, 1)->max_alerts, 10);
	assert_int_equal(receiver_webhook(r, 1)->timeout_ms, 3000);
	assert_null(notify_config_receiver(n, "op"));
	notify_config_free(n);
}

static void tells_later_from_wrong(void **state)
{
	struct problems p;

	(void)state;
	assert_null(load("global: {resolve_timeout: 5m}\n"
	    "route:\n"
	    "  group_by: [alertname]\n"
	    "  receiver: ops\n"
	    "  routes: [{receiver: ops}]\n"
	    "receivers:\n"
	    "- name: ops\n"
	    "  slack_configs: [{}]\n"
	    "  webhook_configs:\n"
	    "  - {url: 'http://h/', sent_resolved: true}\n"
	    "reciever: x\n", &p));
	assert_true(said(&p, "notify.yml:1:1", "\"global\" is not supported "
	    "by this version"));
	assert_true(said(&p, ":3:3", "\"group_by\" is not supported"));
	assert_true(said(&p, ":5:3", "\"routes\" is not supported"));
	assert_true(said(&p, ":8:3", "\"slack_configs\" is not supported"));
	assert_true(said(&p, ":10:", "did you mean \"send_resolved\""));
	assert_true(said(&p, ":11:1", "did you mean \"receivers\""));
	assert_int_equal(p.count, 6);
	problems_free(&p);
}

static void names_must_fit(void **state)
{
	struct problems p;

	(void)state;
	assert_null(load("route: {receiver: opps}\n"
	    "receivers:\n- name: ops\n- name: dev\n- name: ops\n- {}\n"
	    "- name: ''\n", &p));
	assert_true(said(&p, ":1:19", "no receiver \"opps\" (did you mean "
	    "\"ops\"?)"));
	assert_true(said(&p, ":5:9", "receiver \"ops\" is given twice"));
	assert_true(said(&p, ":6:", "missing field \"name\""));
	assert_true(said(&p, ":7:", "must not be empty"));
	problems_free(&p);
}

static void urls_must_be_urls(void **state)
{
	struct problems p;

	(void)state;
	assert_null(load("route: {receiver: a}\n"
	    "receivers:\n- name: a\n  webhook_configs:\n"
	    "  - {}\n"
	    "  - {url: ftp://s3cret}\n"
	    "  - {url: 'http://'}\n"
	    "  - {url: 'http://a b'}\n"
	    "  - {url: 'http://a', url_file: b}\n"
	    "  - {url_file: not-there}\n"
	    "  - {url: 'http://:80/'}\n"
	    "  - {url: 'http://[::1'}\n"
	    "  - {url: 'http://a:99999/s3cret'}\n"
	    "  - {url: 'http://a:0/'}\n"
	    "  - {url: \"http://a/\\tb\"}\n", &p));
	assert_true(said(&p, ":5:", "exactly one of url and url_file"));
	assert_true(said(&p, ":6:", "url: must begin with http://"));
	assert_true(said(&p, ":7:", "not a valid URL"));
	assert_true(said(&p, ":8:", "not a valid URL"));
	assert_true(said(&p, ":9:", "exactly one of url and url_file"));
	assert_true(said(&p, ":10:", "not-there"));
	assert_true(said(&p, ":11:", "not a valid URL"));
	assert_true(said(&p, ":12:", "not a valid URL"));
	assert_true(said(&p, ":13:", "the port is not a number"));
	assert_true(said(&p, ":14:", "the port is not a number"));
	assert_true(said(&p, ":15:", "not a valid URL"));
	assert_int_equal(p.count, 11);
	for (size_t i = 0; i < p.n; i++)
		assert_null(strstr(p.lines[i], "s3cret"));
	problems_free(&p);
}

/* Whatever the file is, the answer is a struct or a problem. */
static void survives_nonsense(void **state)
{
	static const char *const texts[] = {
		"", "[]", "x", "route: []\nreceivers: {}", "route:\nreceivers:",
		"route: {receiver: [a]}\nreceivers: [[], x, {name: {}}]",
		"route: {receiver: a}\nreceivers:\n- name: a\n"
		"  webhook_configs: x\n",
		"route: {receiver: a}\nreceivers:\n- name: a\n"
		"  webhook_configs: [x, [], null]\n",
		"global: 1\nglobal: 2\n", "\x01\xff", "a: &a [*a]",
	};
	struct problems p;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_null(load(texts[i], &p));
		assert_true(p.count > 0);
		problems_free(&p);
	}
	unlink(path);
	p = (struct problems){ 0 };
	assert_null(notify_config_load(path, &p));
	assert_int_equal(p.count, 1);
	problems_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_route_and_webhooks),
		cmocka_unit_test(tells_later_from_wrong),
		cmocka_unit_test(names_must_fit),
		cmocka_unit_test(urls_must_be_urls),
		cmocka_unit_test(survives_nonsense),
	};
	return cmocka_run_group_tests(tests, begin_all, end_all);
}
