/* Webhook messages, to the byte.  The files are in tests/golden/alerts;
 * UPDATE=1 writes them anew. */
#include "alerts/webhook.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/err.h"
#include "core/file.h"
#include "core/json.h"
#include "core/xalloc.h"

#define T0 INT64_C(1787392867000)	/* 2026-08-22T10:01:07Z */

static struct alert *vanished(const char *id, const struct labels *external,
    bool firing)
{
	const struct rule *r = rule_find("EtcdRegistryInstanceVanished");
	struct labels l = { 0 };

	labels_set(&l, "alertname", r->name);
	labels_set(&l, "severity", r->severity);
	labels_set(&l, "etcd_cluster", "im");
	labels_set(&l, "service_name", "login_server");
	labels_set(&l, "instance_id", id);
	struct alert *a = alert_new(r, &l, external);

	labels_set(&a->annotations, "summary", r->summary);
	labels_set(&a->annotations, "cause", "expire");
	labels_set(&a->annotations, "key", id);
	a->machine.state = firing ? ALERT_FIRING : ALERT_RESOLVED;
	a->machine.fired_at.ms = T0;
	if (!firing)
		a->machine.resolved_at.ms = T0 + 61234;
	return a;
}

static void check_golden(const char *name, const char *text)
{
	char *path = xasprintf("tests/golden/alerts/%s", name);
	struct err e = { "" };

	if (getenv("UPDATE") != NULL) {
		FILE *f = fopen(path, "w");

		assert_non_null(f);
		fprintf(f, "%s\n", text);
		fclose(f);
	}
	char *want = file_read(path, 1 << 20, NULL, &e);

	if (want == NULL)
		fail_msg("%s", e.text);
	want[strcspn(want, "\n")] = '\0';
	assert_string_equal(text, want);
	free(want);
	free(path);
}

static void check(const char *name, struct alert **alerts, size_t n,
    size_t max_alerts)
{
	struct labels group = { 0 };
	struct buf key, out;
	struct err e = { "" };

	labels_set(&group, "alertname", "EtcdRegistryInstanceVanished");
	labels_set(&group, "etcd_cluster", "im");
	buf_init(&key, 1000);
	buf_init(&out, 1 << 20);
	webhook_group_key(&group, &key);
	webhook_render(&(struct webhook_message){
		.receiver = "ops (night)",
		.external_url = "http://rollcall:10379",
		.group_key = buf_str(&key), .reason = "first notification",
		.group = &group, .alerts = alerts, .n = n,
		.max_alerts = max_alerts }, &out);
	check_golden(name, buf_str(&out));
	cJSON *j = json_parse(out.data, out.len, &e);

	assert_non_null(j);
	cJSON_Delete(j);
	buf_free(&key);
	buf_free(&out);
	labels_free(&group);
	for (size_t i = 0; i < n; i++)
		alert_free(alerts[i]);
}

static void one_firing(void **state)
{
	struct labels none = { 0 };
	struct alert *a[] = { vanished("0001-0001", &none, true) };

	(void)state;
	check("firing.json", a, 1, 0);
}

static void mixed_with_external_labels(void **state)
{
	struct labels site = { 0 };

	(void)state;
	labels_set(&site, "site", "sh1");
	labels_set(&site, "severity", "overridden by the alert's own");
	struct alert *a[] = {
		vanished("0001-0001", &site, true),
		vanished("a \"quoted\\\n\" one", &site, false),
	};

	check("mixed.json", a, 2, 0);
	labels_free(&site);
}

static void all_resolved(void **state)
{
	struct labels none = { 0 };
	struct alert *a[] = { vanished("0001-0001", &none, false) };

	(void)state;
	check("resolved.json", a, 1, 0);
}

static void truncated(void **state)
{
	struct labels none = { 0 };
	struct alert *a[] = {
		vanished("1", &none, true), vanished("2", &none, true),
		vanished("3", &none, false),
	};

	(void)state;
	check("truncated.json", a, 3, 1);
}

/* The vectors Prometheus and Alertmanager agree on. */
static void fingerprints(void **state)
{
	struct labels l = { 0 };
	char out[FINGERPRINT_MAX];

	(void)state;
	snprintf(out, sizeof(out), "%016llx",
	    (unsigned long long)labels_fingerprint(&l));
	assert_string_equal(out, "cbf29ce484222325");
	labels_set(&l, "name", "garland, briggs");
	labels_set(&l, "fear", "love is not enough");
	snprintf(out, sizeof(out), "%016llx",
	    (unsigned long long)labels_fingerprint(&l));
	assert_string_equal(out, "507a62d79ee76c9a");
	labels_free(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_firing),
		cmocka_unit_test(mixed_with_external_labels),
		cmocka_unit_test(all_resolved),
		cmocka_unit_test(truncated),
		cmocka_unit_test(fingerprints),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
