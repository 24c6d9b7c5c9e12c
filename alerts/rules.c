/* The rules of this version, written as C until rule files replace the way
 * they are written; names, labels and timing stay.  Every function here only
 * reads registry and cluster and may be called at any time on the loop.
 * Called by set.c for the subjects an event touched. */
#include "alerts/rules.h"

#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/config.h"
#include "core/registry.h"
#include "core/timefmt.h"
#include "core/xalloc.h"

enum { FAILED_POLLS = 3, TEXT_MAX = 4096 };

static void say(struct labels *to, const char *name, char *text)
{
	labels_set(to, name, text);
	free(text);
}

static void say_time(struct labels *to, const char *name, wall_t t)
{
	char out[TIMEFMT_MAX];

	labels_set(to, name, timefmt_rfc3339(t, out));
}

/* --- instances --- */

static bool vanished(const struct subject *s)
{
	const struct instance *i = s->instance;
	const struct directory_config *c = i->directory->config;

	if (c == NULL || c->instances == INSTANCES_EPHEMERAL)
		return false;
	return i->period.state == STATE_EXPIRED ||
	    i->period.state == STATE_LOST;
}

/* Held by a storm, or in a directory nobody can see: wait and see. */
static bool instance_frozen(const struct subject *s)
{
	return s->instance->held || !s->instance->directory->looking;
}

static void tell_vanished(const struct subject *s, struct labels *to)
{
	const struct instance *i = s->instance;
	const char *address = names_address(i->names);
	const char *what = i->period.state == STATE_EXPIRED ?
	    "its TTL ran out" : "it was found missing";
	char at[TIMEFMT_MAX];

	timefmt_rfc3339(i->period.from, at);
	say(to, "description", xasprintf("%s/%s%s%s%s of etcd cluster %s is "
	    "no longer registered: %s at %s.", i->service->name,
	    names_instance_id(i->names), address ? " (" : "",
	    address ? address : "", address ? ")" : "", s->cluster->name,
	    what, at));
	labels_set(to, "vanished_at", at);
	labels_set(to, "cause", cause_name(i->period.cause));
	labels_set(to, "key", names_key(i->names));
	if (address != NULL)
		labels_set(to, "address", address);
	if (i->period.state == STATE_LOST)
		say_time(to, "vanished_after",
		    instance_rare(i)->noticed.earliest);
}

/* --- services --- */

static bool service_gone(const struct subject *s)
{
	return s->service->nfeeds > 0 && s->service->min_instances >= 1 &&
	    s->service->up == 0;
}

/* At 0 it is EtcdRegistryServiceGone that tells. */
static bool service_below(const struct subject *s)
{
	return s->service->nfeeds > 0 && s->service->min_instances >= 2 &&
	    s->service->up > 0 && s->service->up < s->service->min_instances;
}

/* A service without any directory left is judged (and resolves); one with a
 * directory nobody looks at is not; nor one that misses instances which a
 * storm holds. */
static bool service_frozen(const struct subject *s)
{
	const struct service *v = s->service;

	if (v->nfeeds == 0)
		return false;
	if (v->not_looking > 0 || !v->synced)
		return true;
	return v->held > 0 && (v->up == 0 || v->up < v->min_instances);
}

static void tell_service(const struct subject *s, struct labels *to)
{
	const struct service *v = s->service;

	say(to, "description", xasprintf("%s in etcd cluster %s has %zu "
	    "registered %s of at least %zu; %zu vanished and not forgotten.",
	    v->name, s->cluster->name, v->up,
	    v->up == 1 ? "instance" : "instances", v->min_instances,
	    v->known - v->up));
}

/* --- clusters --- */

static bool mass_vanish(const struct subject *s)
{
	return s->cluster->mass_vanish;
}

/* After a start nothing is known of a storm until something was compared. */
static bool never_compared(const struct subject *s)
{
	const struct cluster *c = s->cluster;

	for (size_t i = 0; i < c->ndirectories; i++)
		if (c->directories[i]->synced)
			return false;
	return c->ndirectories > 0;
}

static void tell_mass_vanish(const struct subject *s, struct labels *to)
{
	say(to, "description", xasprintf("Many instances in etcd cluster %s "
	    "vanished at once: %zu are held back, %zu are still registered. "
	    "Those that do not come back are told of one by one.",
	    s->cluster->name, s->cluster->held + s->cluster->leaving,
	    registry_staying(s->cluster)));
}

static bool not_looking(const struct subject *s)
{
	const struct cluster *c = s->cluster;

	for (size_t i = 0; i < c->ndirectories; i++)
		if (!c->directories[i]->looking)
			return true;
	return false;
}

/* The first that is true. */
enum unseen {
	UNSEEN_NO_V2, UNSEEN_UNAUTHORIZED, UNSEEN_NO_ANSWER, UNSEEN_NO_LEADER,
	UNSEEN_NEVER, UNSEEN_MEMBER, UNSEEN_REASONS
};

static const char *const unseen_texts[UNSEEN_REASONS] = {
	[UNSEEN_NO_V2] =
	    "etcd's v2 API is switched off: start etcd with --enable-v2=true",
	[UNSEEN_UNAUTHORIZED] = ("etcd says not authorised (401): set "
	    "http_config of the cluster to a user who may read"),
	[UNSEEN_NO_ANSWER] = "no member answers",
	[UNSEEN_NO_LEADER] = "no member knows a leader",
	[UNSEEN_NEVER] = "never compared since the start",
	[UNSEEN_MEMBER] = "its member does not answer or lags behind",
};

static enum unseen why_not_looking(const struct directory *d)
{
	if (d->refusal == REFUSAL_NO_V2)
		return UNSEEN_NO_V2;
	if (d->refusal == REFUSAL_UNAUTHORIZED)
		return UNSEEN_UNAUTHORIZED;
	if (!d->cluster->answers)
		return UNSEEN_NO_ANSWER;
	if (!d->cluster->has_leader)
		return UNSEEN_NO_LEADER;
	return d->synced ? UNSEEN_MEMBER : UNSEEN_NEVER;
}

/* "/a, /b: no member answers", if there are any. */
static void list_unseen(const struct cluster *c, enum unseen why,
    struct buf *to)
{
	const char *between = to->len > 0 ? "; " : "";
	bool any = false;

	for (size_t i = 0; i < c->ndirectories && !to->failed; i++) {
		const struct directory *d = c->directories[i];

		if (d->looking || why_not_looking(d) != why)
			continue;
		buf_addf(to, "%s%s", any ? ", " : between, d->path);
		any = true;
	}
	if (any)
		buf_addf(to, ": %s", unseen_texts[why]);
}

static void tell_not_looking(const struct subject *s, struct labels *to)
{
	const struct cluster *c = s->cluster;
	struct buf list;

	buf_init(&list, TEXT_MAX);
	for (int why = 0; why < UNSEEN_REASONS; why++)
		list_unseen(c, (enum unseen)why, &list);
	if (list.failed) {
		buf_reset(&list);
		buf_adds(&list, "too many directories to list");
	}
	say(to, "description", xasprintf("etcd cluster %s: not looking at %s. "
	    "Alerts on their instances and services stay as they are.",
	    c->name, buf_str(&list)));
	labels_set(to, "directories", buf_str(&list));
	buf_free(&list);
}

static bool no_leader(const struct subject *s)
{
	return s->cluster->answers && !s->cluster->has_leader;
}

/* Nobody is there to ask, so nobody said that there is a leader again. */
static bool nobody_answers(const struct subject *s)
{
	return !s->cluster->answers;
}

static void tell_no_leader(const struct subject *s, struct labels *to)
{
	const struct cluster *c = s->cluster;
	size_t up = 0;

	for (size_t i = 0; i < c->nmembers; i++)
		up += c->members[i].up;
	say(to, "description", xasprintf("etcd cluster %s has no leader; %zu "
	    "of %zu members answer. No registration can be renewed and none "
	    "expires until one is elected.", c->name, up, c->nmembers));
	if (c->leader_id != NULL)
		labels_set(to, "last_leader_id", c->leader_id);
}

/* --- members --- */

static const struct endpoint_state *version_of(const struct subject *s)
{
	return &s->member->endpoints[ENDPOINT_VERSION];
}

static bool member_down(const struct subject *s)
{
	return version_of(s)->failures >= FAILED_POLLS;
}

/* Neither seen to answer nor failed often enough: after a start. */
static bool member_undecided(const struct subject *s)
{
	return !version_of(s)->up && version_of(s)->failures < FAILED_POLLS;
}

static void tell_member_down(const struct subject *s, struct labels *to)
{
	wall_t last = version_of(s)->last_success;

	say(to, "description", xasprintf("Member %s of etcd cluster %s did "
	    "not answer %d polls in a row.", s->member->name,
	    s->cluster->name, FAILED_POLLS));
	if (last.ms != 0)
		say_time(to, "last_answer_at", last);
	labels_set(to, "reason", version_of(s)->reason);
	if (s->member->member_name != NULL)
		labels_set(to, "member_name", s->member->member_name);
}

/* --- rollcall itself --- */

static bool always(const struct subject *s)
{
	(void)s;
	return true;
}

static void tell_watchdog(const struct subject *s, struct labels *to)
{
	(void)s;
	labels_set(to, "description", "Always firing: it is missed when "
	    "rollcall or its way to Alertmanager is down.");
}

const struct rule rules[RULES] = {
	{ "EtcdMemberDown", "critical", "An etcd member does not answer.",
	  { 0, 0 }, SUBJECT_MEMBER, false,
	  member_down, member_undecided, tell_member_down },
	{ "EtcdNoLeader", "critical", "An etcd cluster has no leader.",
	  { 3000, 0 }, SUBJECT_CLUSTER, false,
	  no_leader, nobody_answers, tell_no_leader },
	{ "EtcdRegistryInstanceVanished", "warning",
	  "A registered instance has vanished.",
	  { 0, 60000 }, SUBJECT_INSTANCE, false,
	  vanished, instance_frozen, tell_vanished },
	{ "EtcdRegistryMassVanish", "critical",
	  "Many registered instances vanished at once.",
	  { 0, 0 }, SUBJECT_CLUSTER, false,
	  mass_vanish, never_compared, tell_mass_vanish },
	{ "EtcdRegistryNotLooking", "critical",
	  "Directories of an etcd cluster are not being watched.",
	  { 30000, 0 }, SUBJECT_CLUSTER, false,
	  not_looking, NULL, tell_not_looking },
	{ "EtcdRegistryServiceBelowMinimum", "critical",
	  "A service has fewer instances than its minimum.",
	  { 30000, 0 }, SUBJECT_SERVICE, false,
	  service_below, service_frozen, tell_service },
	{ "EtcdRegistryServiceGone", "critical",
	  "A service has no registered instance.",
	  { 0, 0 }, SUBJECT_SERVICE, false,
	  service_gone, service_frozen, tell_service },
	{ "RollcallWatchdog", "none", "Rollcall is running.",
	  { 0, 0 }, SUBJECT_GLOBAL, true,
	  always, NULL, tell_watchdog },
};

const struct rule *rule_find(const char *name)
{
	for (size_t i = 0; i < RULES; i++)
		if (strcmp(rules[i].name, name) == 0)
			return &rules[i];
	return NULL;
}

/* --- subjects --- */

struct subject subject_of_instance(const struct instance *i)
{
	return (struct subject){
		.kind = SUBJECT_INSTANCE, .instance = i, .service = i->service,
		.cluster = i->service->cluster,
	};
}

struct subject subject_of_service(const struct service *s)
{
	return (struct subject){
		.kind = SUBJECT_SERVICE, .service = s, .cluster = s->cluster,
	};
}

struct subject subject_of_cluster(const struct cluster *c)
{
	return (struct subject){ .kind = SUBJECT_CLUSTER, .cluster = c };
}

struct subject subject_of_member(const struct member *m)
{
	return (struct subject){
		.kind = SUBJECT_MEMBER, .member = m, .cluster = m->cluster,
	};
}

struct subject subject_global(void)
{
	return (struct subject){ .kind = SUBJECT_GLOBAL };
}

const char *const rule_label_names[] = {
	"alertname", "severity", "etcd_cluster", "service_name",
	"instance_id", "member", NULL
};

/* What may be set beside what all have. */
static const char *const labels_of_kind[][3] = {
	[SUBJECT_INSTANCE] = { "etcd_cluster", "service_name", "instance_id" },
	[SUBJECT_SERVICE] = { "etcd_cluster", "service_name" },
	[SUBJECT_CLUSTER] = { "etcd_cluster" },
	[SUBJECT_MEMBER] = { "etcd_cluster", "member" },
	[SUBJECT_GLOBAL] = { NULL },
};

bool rule_names_by(const struct rule *r, const char *label)
{
	if (strcmp(label, "alertname") == 0 || strcmp(label, "severity") == 0)
		return true;
	for (size_t i = 0; i < 3; i++) {
		const char *name = labels_of_kind[r->kind][i];

		if (name != NULL && strcmp(name, label) == 0)
			return true;
	}
	return false;
}

void rule_labels(const struct rule *r, const struct subject *s,
    struct labels *to)
{
	labels_set(to, "alertname", r->name);
	labels_set(to, "severity", r->severity);
	if (s->cluster != NULL)
		labels_set(to, "etcd_cluster", s->cluster->name);
	if (s->service != NULL)
		labels_set(to, "service_name", s->service->name);
	if (s->instance != NULL)
		labels_set(to, "instance_id",
		    names_instance_id(s->instance->names));
	if (s->member != NULL)
		labels_set(to, "member", s->member->name);
}

void rule_annotations(const struct rule *r, const struct subject *s,
    struct labels *to)
{
	labels_set(to, "summary", r->summary);
	r->annotate(s, to);
}
