/* Renders webhook messages the way Alertmanager does, so that what reads
 * Alertmanager's reads ours.  Knows nothing of queues or delivery; called by
 * group.c when a message is made. */
#include "alerts/webhook.h"

#include <string.h>

#include "alerts/alert.h"
#include "core/buf.h"
#include "core/labels.h"
#include "core/timefmt.h"

/* Go's zero time: a firing alert has not ended. */
#define NOT_ENDED "0001-01-01T00:00:00Z"

/* Alertmanager puts the receiver's name through regexp.QuoteMeta(). */
static void add_quoted_name(struct buf *out, const char *name)
{
	struct buf b;

	buf_init(&b, 4 * strlen(name) + 1);
	for (; *name != '\0'; name++) {
		if (strchr("\\.+*?()|[]{}^$", *name) != NULL)
			buf_addc(&b, '\\');
		buf_addc(&b, *name);
	}
	buf_add_json(out, buf_str(&b));
	buf_free(&b);
}

/* Adds to `common` what is the same in all of them. */
static void common_pairs(const struct webhook_message *m, size_t n,
    const struct labels *(*of)(const struct alert *a), struct labels *common)
{
	const struct labels *first = of(m->alerts[0]);

	for (size_t i = 0; i < first->n; i++) {
		const struct label *l = &first->v[i];
		size_t same = 1;

		while (same < n) {
			const char *v = labels_get(of(m->alerts[same]),
			    l->name);

			if (v == NULL || strcmp(v, l->value) != 0)
				break;
			same++;
		}
		if (same == n)
			labels_set(common, l->name, l->value);
	}
}

static const struct labels *labels_of(const struct alert *a)
{
	return &a->full;
}

static const struct labels *annotations_of(const struct alert *a)
{
	return &a->annotations;
}

static void add_common(struct buf *out, const char *name,
    const struct webhook_message *m, size_t n,
    const struct labels *(*of)(const struct alert *a))
{
	struct labels common = { 0 };

	common_pairs(m, n, of, &common);
	buf_addf(out, ",\"%s\":", name);
	labels_json(&common, out);
	labels_free(&common);
}

static const char *status_of(const struct alert *a)
{
	return alert_firing(a) ? "firing" : "resolved";
}

static void add_alert(struct buf *out, const struct alert *a,
    const char *external_url)
{
	const struct machine *m = &a->machine;
	char text[TIMEFMT_MAX];

	buf_addf(out, "{\"status\":\"%s\",\"labels\":", status_of(a));
	labels_json(&a->full, out);
	buf_adds(out, ",\"annotations\":");
	labels_json(&a->annotations, out);
	buf_addf(out, ",\"startsAt\":\"%s\"",
	    timefmt_rfc3339(m->fired_at, text));
	buf_addf(out, ",\"endsAt\":\"%s\",\"generatorURL\":",
	    alert_firing(a) ? NOT_ENDED :
	    timefmt_rfc3339(m->resolved_at, text));
	struct buf url;

	buf_init(&url, strlen(external_url) + 2);
	buf_addf(&url, "%s/", external_url);
	buf_add_json(out, buf_str(&url));
	buf_free(&url);
	buf_addf(out, ",\"fingerprint\":\"%s\"}", a->fingerprint);
}

static const char *status_of_all(const struct webhook_message *m, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (alert_firing(m->alerts[i]))
			return "firing";
	return "resolved";
}

static void add_string(struct buf *out, const char *name, const char *value)
{
	buf_addf(out, ",\"%s\":", name);
	buf_add_json(out, value);
}

void webhook_render(const struct webhook_message *m, struct buf *out)
{
	size_t n = m->n;

	if (m->max_alerts > 0 && n > m->max_alerts)
		n = m->max_alerts;
	buf_adds(out, "{\"version\":\"4\"");
	add_string(out, "groupKey", m->group_key);
	buf_addf(out, ",\"truncatedAlerts\":%zu", m->n - n);
	add_string(out, "status", status_of_all(m, n));
	buf_adds(out, ",\"receiver\":");
	add_quoted_name(out, m->receiver);
	buf_adds(out, ",\"groupLabels\":");
	labels_json(m->group, out);
	add_common(out, "commonLabels", m, n, labels_of);
	add_common(out, "commonAnnotations", m, n, annotations_of);
	add_string(out, "externalURL", m->external_url);
	add_string(out, "notification_reason", m->reason);
	buf_adds(out, ",\"routeLabels\":{},\"alerts\":[");
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_addc(out, ',');
		add_alert(out, m->alerts[i], m->external_url);
	}
	buf_adds(out, "]}");
}

void webhook_group_key(const struct labels *group, struct buf *out)
{
	buf_adds(out, "{}:{");
	labels_render(group, out);
	buf_addc(out, '}');
}
