/* One alert: what names it, and its form as a row of the table alerts.
 * Decides nothing; set.c owns and steps it.
 *
 * A pending alert's row has in last_sent the moment up to which its `for` had
 * run, so that after a restart it goes on from there and not from the wall
 * clock.  Otherwise last_sent is when its present state was last handed to
 * the senders. */
#include "alerts/alert.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/err.h"
#include "core/event.h"
#include "core/json.h"
#include "core/registry.h"
#include "core/xalloc.h"

enum { LABELS_MAX = 64 * 1024, KEY_MAX = 1024 * 1024 };

/* A byte that occurs in no UTF-8 text, so in no name. */
#define SEPARATOR "\xff"

static void add_key(struct buf *out, const char *rule, const char *cluster,
    const char *service, const char *leaf)
{
	const char *const parts[] = { cluster, service, leaf };

	buf_adds(out, rule);
	for (size_t i = 0; i < 3; i++) {
		buf_adds(out, SEPARATOR);
		if (parts[i] != NULL)
			buf_adds(out, parts[i]);
	}
}

void alert_key(const struct rule *r, const struct subject *s,
    struct buf *out)
{
	const char *leaf = s->instance ? names_instance_id(s->instance->names) :
	    s->member ? s->member->name : NULL;

	add_key(out, r->name, s->cluster ? s->cluster->name : NULL,
	    s->service ? s->service->name : NULL, leaf);
}

static char *key_of_labels(const struct rule *r, const struct labels *l)
{
	const char *id = labels_get(l, "instance_id");
	struct buf key;

	buf_init(&key, KEY_MAX);
	add_key(&key, r->name, labels_get(l, "etcd_cluster"),
	    labels_get(l, "service_name"), id ? id : labels_get(l, "member"));
	return buf_take(&key, NULL);
}

void alert_set_external(struct alert *a, const struct labels *external)
{
	labels_free(&a->full);
	labels_copy(&a->full, external);
	labels_copy(&a->full, &a->labels);
	snprintf(a->fingerprint, sizeof(a->fingerprint), "%016" PRIx64,
	    labels_fingerprint(&a->full));
}

struct alert *alert_new(const struct rule *r, struct labels *labels,
    const struct labels *external)
{
	struct alert *a = xcalloc(1, sizeof(*a));

	a->rule = r;
	a->labels = *labels;
	*labels = (struct labels){ 0 };
	a->key = key_of_labels(r, &a->labels);
	alert_set_external(a, external);
	return a;
}

void alert_free(void *alert)
{
	struct alert *a = alert;

	if (a == NULL)
		return;
	labels_free(&a->labels);
	labels_free(&a->full);
	labels_free(&a->annotations);
	free(a->key);
	free(a);
}

bool alert_firing(const struct alert *a)
{
	return a->machine.state == ALERT_FIRING;
}

/* --- saved form --- */

static wall_t handed_over(const struct alert *a)
{
	const struct machine *m = &a->machine;

	switch (m->state) {
	case ALERT_PENDING:
		return wall_add(m->active_at, m->ran_ms);
	case ALERT_FIRING:
		return m->fired_at;
	case ALERT_RESOLVED:
		return m->resolved_at;
	default:
		return (wall_t){ 0 };
	}
}

void alert_to_record(const struct alert *a, struct buf *labels,
    struct buf *annotations, struct alert_record *r_r)
{
	const struct machine *m = &a->machine;

	labels_json(&a->full, labels);
	labels_json(&a->annotations, annotations);
	*r_r = (struct alert_record){
		.fingerprint = a->fingerprint,
		.alertname = a->rule->name,
		.labels = labels->failed ? "{}" : buf_str(labels),
		.annotations = annotations->failed ? "{}" :
		    buf_str(annotations),
		.state = alert_state_names[m->state],
		.active_at = m->active_at,
		.fired_at = m->fired_at,
		.resolved_at = m->resolved_at,
		.keep_firing_since = m->keep_firing_since,
		.last_sent = handed_over(a),
		.last_notified = a->last_notified,
	};
}

static int read_object(const char *text, struct labels *to, struct err *e)
{
	char *copy = xstrdup(text ? text : "{}");
	cJSON *tree = json_parse(copy, strlen(copy), e);
	const cJSON *item;

	free(copy);
	if (tree == NULL)
		return -1;
	cJSON_ArrayForEach(item, tree) {
		if (cJSON_IsString(item) && item->string != NULL)
			labels_set(to, item->string, item->valuestring);
	}
	cJSON_Delete(tree);
	return 0;
}

/* External labels may have changed since, or may have been called like labels
 * of other rules; what names the alert is what its rule sets. */
static void pick_own(struct labels *to, const struct rule *r,
    const struct labels *from)
{
	for (const char *const *n = rule_label_names; *n != NULL; n++) {
		const char *v = labels_get(from, *n);

		if (v != NULL && rule_names_by(r, *n))
			labels_set(to, *n, v);
	}
}

static int64_t clamp(int64_t v, int64_t high)
{
	if (v < 0)
		return 0;
	return v > high ? high : v;
}

static void restore_pending(struct machine *m, const struct rule *r,
    const struct alert_record *rec)
{
	m->state = ALERT_PENDING;
	m->ran_ms = clamp(rec->last_sent.ms - rec->active_at.ms,
	    r->timing.for_ms);
}

static void restore_machine(struct machine *m, const struct rule *r,
    const struct alert_record *rec, struct machine_now now)
{
	*m = (struct machine){
		.active = true, .frozen = true, .at = now.mono,
		.active_at = rec->active_at, .fired_at = rec->fired_at,
		.resolved_at = rec->resolved_at,
		.keep_firing_since = rec->keep_firing_since,
	};
	if (strcmp(rec->state, "pending") == 0) {
		restore_pending(m, r, rec);
	} else if (strcmp(rec->state, "firing") == 0) {
		m->state = ALERT_FIRING;
		m->active = rec->keep_firing_since.ms == 0;
	} else {
		int64_t ago = clamp(now.wall.ms - rec->resolved_at.ms,
		    ALERT_RETENTION_MS);

		m->state = ALERT_RESOLVED;
		m->active = false;
		m->resolved = mono_add(now.mono, -ago);
	}
}

struct alert *alert_from_record(const struct alert_record *rec,
    const struct labels *external, struct machine_now now, struct err *e)
{
	const struct rule *r = rule_find(rec->alertname);
	struct labels all = { 0 }, own = { 0 }, annotations = { 0 };
	struct alert *a = NULL;

	if (r == NULL) {
		err_set(e, "saved alert %s: no rule named %s",
		    rec->fingerprint, rec->alertname);
		return NULL;
	}
	if (read_object(rec->labels, &all, e) != 0 ||
	    read_object(rec->annotations, &annotations, e) != 0) {
		err_prefix(e, "saved alert %s", rec->fingerprint);
		goto out;
	}
	pick_own(&own, r, &all);
	a = alert_new(r, &own, external);
	a->annotations = annotations;
	annotations = (struct labels){ 0 };
	restore_machine(&a->machine, r, rec, now);
	a->last_notified = rec->last_notified;
	a->told = rec->last_notified.ms != 0 &&
	    a->machine.state == ALERT_FIRING;
	a->saved = true;
out:
	labels_free(&all);
	labels_free(&annotations);
	return a;
}
