/* The whole folder on a real registry: from what etcd did to what arrives at
 * a webhook and an Alertmanager, over freezes and restarts. */
#include "alerts/alerts.c"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "alerts/due.h"
#include "alerts/machine.h"
#include "alerts/rules.h"
#include "core/err.h"
#include "core/maintenance.h"
#include "core/problems.h"
#include "core/table.h"
#include "core/timefmt.h"
#include "tests/unit/alerts/delivery.h"
#include "tests/unit/seeded.h"

#define VANISHED "EtcdRegistryInstanceVanished"
#define GONE "EtcdRegistryServiceGone"
#define BELOW "EtcdRegistryServiceBelowMinimum"

enum { EVERYBODY = 3 };		/* with_webhook | with_alertmanager */

/* A row of the table alerts, as the database would have it. */
struct saved {
	struct alert_record r;
	char *key;
};

static struct inbox hook, am;
static struct registry *registry;
static struct cluster *cluster;
static struct directory *directory;
static struct alerts *alerts;
static struct table *database;
static struct outbox_record outbox_rows[4000];
static uint64_t unit_of_last_save, last_unit, index_now;
static bool database_answers;
static char folder[] = "/tmp/rollcall-alerts-XXXXXX";
static const char *site, *receiver_name, *more_webhooks;
static const struct window *with_window;	/* restored at a boot */
static char config_path[64], notify_path[64];

/* --- a database --- */

static void saved_free(void *saved)
{
	struct saved *s = saved;

	free((void *)(uintptr_t)s->r.fingerprint);
	free((void *)(uintptr_t)s->r.labels);
	free((void *)(uintptr_t)s->r.annotations);
	free(s);
}

static void save_alert(const struct alert_record *r)
{
	struct saved *s = xcalloc(1, sizeof(*s));

	void *old = table_del(database, r->fingerprint);

	if (old != NULL)
		saved_free(old);
	if (r->gone) {
		free(s);
		return;
	}
	s->r = *r;
	s->r.fingerprint = xstrdup(r->fingerprint);
	s->r.labels = xstrdup(r->labels);
	s->r.annotations = xstrdup(r->annotations);
	s->r.alertname = rule_find(r->alertname)->name;
	for (int i = 0; i < 4; i++)
		if (strcmp(alert_state_names[i], r->state) == 0)
			s->r.state = alert_state_names[i];
	table_put(database, s->r.fingerprint, s);
}

static void outbox_row_free(struct outbox_record *o)
{
	free((void *)(uintptr_t)o->receiver);
	free((void *)(uintptr_t)o->integration);
	free((void *)(uintptr_t)o->group_key);
	free((void *)(uintptr_t)o->payload);
	memset(o, 0, sizeof(*o));
}

static void save_outbox(const struct outbox_record *o)
{
	struct outbox_record *row = &outbox_rows[o->id];

	assert_in_range(o->id, 1, 3999);
	outbox_row_free(row);
	if (o->done)
		return;
	*row = *o;
	row->receiver = xstrdup(o->receiver);
	row->integration = xstrdup(o->integration);
	row->group_key = xstrdup(o->group_key);
	row->payload = xstrdup(o->payload);
	row->last_error = NULL;
}

static void on_db_event(void *arg, const struct event *e)
{
	(void)arg;
	if (e->type == EVENT_ALERT) {
		save_alert(&e->alert);
		unit_of_last_save = event_unit(bus);
	} else if (e->type == EVENT_OUTBOX) {
		save_outbox(&e->outbox);
	}
}

static void acknowledge(void *arg)
{
	(void)arg;
	event_committed(bus, last_unit, clock_mono());
}

static void on_db_unit(void *arg, uint64_t unit, mono_t now)
{
	(void)arg;
	(void)now;
	last_unit = unit;
	if (database_answers)
		loop_post(loop, acknowledge, NULL);
}

static const struct alert_record *row_of(const char *alertname,
    const char *label)
{
	size_t cursor = 0;
	void *value;

	while (table_next(database, &cursor, NULL, &value)) {
		struct saved *s = value;

		if (strcmp(s->r.alertname, alertname) == 0 &&
		    strstr(s->r.labels, label) != NULL)
			return &s->r;
	}
	return NULL;
}

static const char *state_of(const char *alertname, const char *label)
{
	const struct alert_record *r = row_of(alertname, label);

	return r != NULL ? r->state : "none";
}

/* --- a rollcall --- */

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static struct config *make_config(int who, const char *directories)
{
	struct problems p = { 0 };
	char *text = xasprintf("clusters:\n- name: im\n"
	    "  endpoints: ['http://127.0.0.1:1']\n"
	    "  directories: [%s]\n"
	    "  services: [{match: 'we*', min_instances: 2}]\n"
	    "global: {external_labels: {site: %s}}\n"
	    "%s%s%s", directories, site,
	    who & 2 ? "alertmanagers: [{url: '" : "",
	    who & 2 ? am.script.url : "", who & 2 ? "'}]\n" : "");

	write_file(config_path, text);
	free(text);
	struct config *c = config_load(config_path, &p);

	if (c == NULL)
		fail_msg("%s", p.lines[0]);
	return c;
}

static struct notify_config *make_notify(int who)
{
	struct problems p = { 0 };

	if (!(who & 1))
		return NULL;
	char *text = xasprintf("route: {receiver: %s}\nreceivers:\n"
	    "- name: %s\n  webhook_configs: [{url: '%s'}%s]\n",
	    receiver_name, receiver_name, hook.script.url,
	    more_webhooks);

	write_file(notify_path, text);
	free(text);
	struct notify_config *n = notify_config_load(notify_path, &p);

	if (n == NULL)
		fail_msg("%s", p.lines[0]);
	return n;
}

static const char *const usual = "{path: /s, "
    "pattern: '{service_name}/{instance_id}'}";

static void reconfigure(int who, const char *directories)
{
	struct config *c = make_config(who, directories);

	registry_configure(registry, c);
	alerts_configure(alerts, c, make_notify(who), "http://rollcall:1/");
	config_unref(c);
	cluster = registry->clusters[0];
	directory = registry_directory(cluster, "/s");
}

static void boot(int who)
{
	struct event_sink db = { "db", on_db_event, on_db_unit, NULL };
	struct event_sink sink;
	size_t cursor = 0;
	void *value;

	loop = loop_new(NULL);
	loop_each_turn(loop, end_of_turn, NULL);
	bus = event_bus_new();
	registry = registry_new(bus);
	alerts = alerts_new(loop, registry, bus);
	event_bus_add(bus, &db);
	sink = alerts_sink(alerts);
	event_bus_add(bus, &sink);
	last_unit = 0;
	reconfigure(who, usual);
	if (with_window != NULL)
		maintenance_restore(registry->maintenance, with_window);
	while (table_next(database, &cursor, NULL, &value))
		alerts_restore_alert(&((struct saved *)value)->r, alerts);
	for (int i = 1; i < 4000; i++)
		if (outbox_rows[i].id != 0)
			alerts_restore_outbox(&outbox_rows[i], alerts);
}

static void halt(void)
{
	event_flush(bus, clock_mono());
	alerts_free(alerts);
	registry_free(registry);
	loop_free(loop);
	event_bus_free(bus);
}

static struct moment moment(void)
{
	struct moment m = { .seen = clock_now(), .now = clock_mono(),
		.index = ++index_now };

	m.earliest = m.seen;
	return m;
}

static void look(bool looking)
{
	struct moment m = moment();

	if (looking)
		registry_synced(directory, clock_now());
	registry_set_looking(directory, looking, &m);
	if (looking)
		registry_set_leader(cluster, true, true, "1", clock_mono());
}

static void begin(int who)
{
	boot(who);
	alerts_start(alerts);
	look(true);
	turn();
}

static int begin_test(void **state)
{
	(void)state;
	alarm(100);
	clock_set((mono_t){ 5000 }, (wall_t){ INT64_C(1800000000000) });
	inbox_open(&hook);
	inbox_open(&am);
	database = table_new(saved_free);
	database_answers = true;
	site = "sh1";
	receiver_name = "ops";
	more_webhooks = "";
	index_now = 10;
	return 0;
}

static int end_test(void **state)
{
	(void)state;
	halt();
	inbox_close(&hook);
	inbox_close(&am);
	table_free(database);
	for (int i = 0; i < 4000; i++)
		outbox_row_free(&outbox_rows[i]);
	clock_use_real();
	alarm(0);
	return 0;
}

static int begin_all(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(config_path, sizeof(config_path), "%s/r.yml", folder);
	snprintf(notify_path, sizeof(notify_path), "%s/n.yml", folder);
	return 0;
}

static int end_all(void **state)
{
	(void)state;
	unlink(config_path);
	unlink(notify_path);
	return rmdir(folder);
}

/* --- what happens in etcd --- */

static void registered(const char *key)
{
	struct moment m = moment();
	struct key_facts k = { .key = key, .value = "10.0.0.7:80",
		.has_ttl = true, .ttl_s = 10, .renewed = true,
		.expires = wall_add(clock_now(), 10000),
		.created_index = m.index, .modified_index = m.index };

	registry_written(directory, &k, &m);
}

static void left(const char *key, enum cause cause, int64_t hold_ms)
{
	struct moment m = moment();

	registry_left(directory, registry_find(directory, key), cause,
	    clock_now(), &m, mono_add(clock_mono(), hold_ms));
}

static void expired(const char *key)
{
	left(key, CAUSE_EXPIRE, 0);
}

/* --- what arrived --- */

static const char *field(cJSON *j, const char *name)
{
	const char *s = json_str(j, name);

	return s != NULL ? s : "";
}

/* "alertname/status/number of alerts" of the i-th webhook message. */
static void assert_message(size_t i, const char *alertname,
    const char *status, size_t n)
{
	cJSON *j = inbox_json(&hook, i);

	assert_string_equal(field(cJSON_GetObjectItem(j, "groupLabels"),
	    "alertname"), alertname);
	assert_string_equal(field(j, "status"), status);
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(j,
	    "alerts")), n);
	cJSON_Delete(j);
}

static void assert_reason(size_t i, const char *reason)
{
	cJSON *j = inbox_json(&hook, i);

	assert_string_equal(field(j, "notification_reason"), reason);
	cJSON_Delete(j);
}

/* How many alerts of this name the Alertmanager has been sent. */
static size_t am_has(const char *alertname)
{
	size_t n = 0;

	for (size_t i = 0; i < inbox_count(&am); i++) {
		cJSON *j = inbox_json(&am, i);
		const cJSON *a;

		cJSON_ArrayForEach(a, j)
			n += strcmp(field(cJSON_GetObjectItem(a, "labels"),
			    "alertname"), alertname) == 0;
		cJSON_Delete(j);
	}
	return n;
}

static bool drained(void *arg)
{
	(void)arg;
	return alerts_drained(alerts);
}

/* All that waits was tried, and its rows are settled. */
static void settle_down(void)
{
	turn();
	turn();
	run_until(drained, NULL);
	turn();
	turn();
}

/* --- tests --- */

static void an_instance_vanishes_and_returns(void **state)
{
	(void)state;
	begin(EVERYBODY);
	registered("/s/web/1");
	registered("/s/web/2");
	registered("/s/web/3");
	settle_down();
	assert_int_equal(inbox_count(&hook), 0);
	expired("/s/web/1");
	uint64_t unit = event_unit(bus);

	turn();
	assert_int_equal(unit_of_last_save, unit);	/* same transaction */
	settle_down();
	assert_int_equal(inbox_count(&hook), 1);
	assert_message(0, VANISHED, "firing", 1);
	assert_reason(0, "first notification");
	assert_int_equal(am_has(VANISHED), 1);
	assert_string_equal(state_of(VANISHED, "\"1\""), "firing");
	assert_non_null(strstr(hook.bodies[0], "\"site\":\"sh1\""));
	assert_non_null(strstr(hook.bodies[0],
	    "\"generatorURL\":\"http://rollcall:1/\""));
	registered("/s/web/1");
	turn();
	advance(59999);
	settle_down();
	assert_int_equal(inbox_count(&hook), 1);
	advance(1);
	settle_down();
	assert_int_equal(inbox_count(&hook), 2);
	assert_message(1, VANISHED, "resolved", 1);
	assert_reason(1, "all alerts resolved");
	assert_string_equal(state_of(VANISHED, "\"1\""), "resolved");
	advance_in_steps(ALERT_RETENTION_MS, 60000);
	assert_string_equal(state_of(VANISHED, "\"1\""), "none");
	assert_int_equal(inbox_count(&hook), 2);
}

/* What the log has from here on goes to the file. */
static int divert_log(const char *path)
{
	int old = dup(STDERR_FILENO);
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	dup2(fd, STDERR_FILENO);
	close(fd);
	return old;
}

/* When an instance is back, "has 0 registered instances" is no news. */
static void the_log_says_how_long_it_fired(void **state)
{
	char text[4096] = "";

	(void)state;
	begin(0);
	registered("/s/x/1");
	turn();
	left("/s/x/1", CAUSE_DELETE, 0);
	turn();
	advance(75000);
	int old = divert_log(notify_path);

	registered("/s/x/1");
	turn();
	FILE *f = fopen(notify_path, "r");

	assert_non_null(f);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	dup2(old, STDERR_FILENO);
	close(old);
	assert_non_null(strstr(text, "alert resolved"));
	assert_non_null(strstr(text, "fired_for=1m15s"));
	assert_null(strstr(text, "description"));
}

static void a_deregistered_instance_is_no_alert(void **state)
{
	(void)state;
	begin(EVERYBODY);
	registered("/s/x/1");
	registered("/s/x/2");
	left("/s/x/1", CAUSE_DELETE, 0);
	settle_down();
	assert_int_equal(inbox_count(&hook), 0);
	left("/s/x/2", CAUSE_DELETE, 0);
	settle_down();				/* but its service is gone */
	assert_int_equal(inbox_count(&hook), 1);
	assert_message(0, GONE, "firing", 1);
	registered("/s/x/2");
	settle_down();
	assert_message(1, GONE, "resolved", 1);
}

static void a_service_below_its_minimum(void **state)
{
	(void)state;
	begin(1);
	registered("/s/web/1");
	registered("/s/web/2");
	turn();
	left("/s/web/1", CAUSE_DELETE, 0);
	turn();
	assert_string_equal(state_of(BELOW, "web"), "pending");
	advance(29999);
	assert_string_equal(state_of(BELOW, "web"), "pending");
	assert_int_equal(inbox_count(&hook), 0);
	advance(1);
	settle_down();
	assert_message(0, BELOW, "firing", 1);
	registered("/s/web/1");
	settle_down();
	assert_message(1, BELOW, "resolved", 1);
}

static void changes_of_one_turn_are_one_message(void **state)
{
	char key[40];

	(void)state;
	begin(EVERYBODY);
	for (int i = 0; i < 400; i++) {
		snprintf(key, sizeof(key), "/s/many/%d", i);
		registered(key);
	}
	settle_down();
	for (int i = 0; i < 300; i++) {
		snprintf(key, sizeof(key), "/s/many/%d", i);
		expired(key);
	}
	settle_down();
	assert_int_equal(inbox_count(&hook), 2);
	assert_message(0, VANISHED, "firing", 256);
	assert_message(1, VANISHED, "firing", 44);
	assert_int_equal(am_has(VANISHED), 300);
	expired("/s/many/399");
	settle_down();
	assert_reason(2, "new alerts added");
	registered("/s/many/0");
	turn();
	advance(60000);
	settle_down();
	assert_message(3, VANISHED, "resolved", 1);
	assert_reason(3, "some alerts resolved");
}

static void a_hung_disk_holds_up_nothing(void **state)
{
	(void)state;
	begin(EVERYBODY);
	registered("/s/web/1");
	registered("/s/web/2");
	registered("/s/web/3");
	settle_down();
	uint64_t before = gate_uncommitted(alerts->gate);

	database_answers = false;
	expired("/s/web/1");
	turn();
	advance(GATE_MS - 1);
	assert_int_equal(inbox_count(&hook), 0);
	advance(1);
	await(&hook, 1);
	run_until(drained, NULL);
	assert_int_equal(am_has(VANISHED), 1);
	assert_int_equal(gate_uncommitted(alerts->gate), before + 2);
}

static void nothing_changes_while_not_looking(void **state)
{
	(void)state;
	begin(1);
	registered("/s/web/1");
	registered("/s/web/2");
	registered("/s/web/3");
	expired("/s/web/1");
	settle_down();
	assert_message(0, VANISHED, "firing", 1);
	look(false);
	turn();
	registered("/s/web/1");
	expired("/s/web/2");
	expired("/s/web/3");
	advance(29000);
	assert_int_equal(inbox_count(&hook), 1);
	assert_string_equal(state_of("EtcdRegistryNotLooking", "im"),
	    "pending");
	advance(1000);
	settle_down();
	assert_message(1, "EtcdRegistryNotLooking", "firing", 1);
	advance(600000);
	assert_int_equal(inbox_count(&hook), 2);
	look(true);
	turn();
	assert_string_equal(state_of(VANISHED, "\"2\""), "firing");
	assert_string_equal(state_of(VANISHED, "\"3\""), "firing");
	settle_down();
	assert_int_equal(inbox_count(&hook), 4);
	/* The first keeps firing a minute of looking. */
	advance(59999);
	assert_string_equal(state_of(VANISHED, "\"1\""), "firing");
	advance(1);
	assert_string_equal(state_of(VANISHED, "\"1\""), "resolved");
}

static void held_instances_wait(void **state)
{
	(void)state;
	begin(1);
	registered("/s/web/1");
	registered("/s/web/2");
	turn();
	left("/s/web/1", CAUSE_EXPIRE, 5000);
	left("/s/web/2", CAUSE_EXPIRE, 5000);
	registry_set_mass_vanish(cluster, true);
	settle_down();
	assert_int_equal(inbox_count(&hook), 1);
	assert_message(0, "EtcdRegistryMassVanish", "firing", 1);
	registered("/s/web/2");
	advance(4000);
	assert_string_equal(state_of(VANISHED, "web"), "none");
	assert_string_equal(state_of(GONE, "web"), "none");
	assert_string_equal(state_of(BELOW, "web"), "none");
	clock_advance(1000);
	registry_tick(registry, clock_mono());
	registry_set_mass_vanish(cluster, false);
	settle_down();
	assert_string_equal(state_of(VANISHED, "\"1\""), "firing");
	assert_string_equal(state_of(VANISHED, "\"2\""), "none");
	assert_string_equal(state_of(BELOW, "web"), "pending");
	assert_int_equal(inbox_count(&hook), 3);
}

static void forgetting_ends_the_alert(void **state)
{
	size_t last;

	(void)state;
	begin(1);
	registered("/s/web/1");
	registered("/s/web/2");
	registered("/s/web/3");
	expired("/s/web/1");
	settle_down();
	look(false);
	assert_true(registry_forget(registry, "im", "web", "1"));
	settle_down();
	assert_string_equal(state_of(VANISHED, "\"1\""), "resolved");
	last = inbox_count(&hook) - 1;
	assert_message(last, VANISHED, "resolved", 1);
	assert_non_null(strstr(hook.bodies[last], "\"forgotten\":\"true\""));
}

static void a_directory_no_longer_watched(void **state)
{
	(void)state;
	begin(1);
	registered("/s/web/1");
	registered("/s/web/2");
	expired("/s/web/1");
	expired("/s/web/2");
	settle_down();
	assert_string_equal(state_of(GONE, "web"), "firing");
	reconfigure(1, "{path: /other}");
	settle_down();
	assert_string_equal(state_of(VANISHED, "\"1\""), "resolved");
	assert_string_equal(state_of(VANISHED, "\"2\""), "resolved");
	advance(100000);
	assert_string_equal(state_of(GONE, "web"), "resolved");
}

static void still_firing_is_repeated(void **state)
{
	(void)state;
	begin(1);
	registered("/s/x/1");
	registered("/s/x/2");
	registered("/s/x/3");
	expired("/s/x/1");
	settle_down();
	expired("/s/x/2");
	settle_down();
	assert_int_equal(inbox_count(&hook), 2);
	advance(REPEAT_INTERVAL_MS - 1);
	assert_int_equal(inbox_count(&hook), 2);
	advance(1);
	settle_down();
	assert_int_equal(inbox_count(&hook), 3);
	assert_message(2, VANISHED, "firing", 2);
	assert_reason(2, "repeat interval elapsed");
	assert_int_equal(row_of(VANISHED, "\"1\"")->last_notified.ms,
	    clock_now().ms);
}

static void the_watchdog_is_for_alertmanagers(void **state)
{
	(void)state;
	begin(EVERYBODY);
	settle_down();
	assert_int_equal(am_has("RollcallWatchdog"), 1);
	assert_int_equal(inbox_count(&hook), 0);
	advance(60000);
	await(&am, 2);
	assert_int_equal(am_has("RollcallWatchdog"), 2);
}

/* --- restarts --- */

static void restored(const char *id, enum state state, enum cause cause)
{
	char *key = xasprintf("/s/web/%s", id);

	registry_restore_instance(registry, &(struct restored_instance){
		.id = atoi(id), .cluster = "im", .directory = "/s",
		.service = "web", .instance_id = id, .key = key,
		.value = "10.0.0.7:80", .ttl_s = 10,
		.period = { .id = atoi(id), .state = state, .cause = cause,
			.from = clock_now() },
		.noticed = { .earliest = clock_now(), .seen = clock_now() },
	});
	free(key);
}

static void firing_survives_a_restart(void **state)
{
	(void)state;
	begin(EVERYBODY);
	registered("/s/web/1");
	registered("/s/web/2");
	registered("/s/web/3");
	expired("/s/web/1");
	settle_down();
	wall_t fired = row_of(VANISHED, "\"1\"")->fired_at;

	halt();
	clock_advance(20 * 60000);
	boot(EVERYBODY);
	restored("1", STATE_EXPIRED, CAUSE_EXPIRE);
	restored("2", STATE_UP, CAUSE_REGISTERED);
	restored("3", STATE_UP, CAUSE_REGISTERED);
	alerts_start(alerts);
	settle_down();
	assert_int_equal(inbox_count(&hook), 1);	/* was told */
	await(&am, 3);		/* the watchdog, the alert, and again both */
	assert_int_equal(am_has(VANISHED), 2);
	assert_string_equal(state_of(VANISHED, "\"1\""), "firing");
	assert_int_equal(row_of(VANISHED, "\"1\"")->fired_at.ms, fired.ms);
	look(true);
	settle_down();
	assert_int_equal(inbox_count(&hook), 1);
	advance(REPEAT_INTERVAL_MS - 20 * 60000);
	settle_down();
	assert_reason(1, "repeat interval elapsed");
}

static void what_is_no_longer_there_resolves(void **state)
{
	(void)state;
	begin(1);
	registered("/s/web/1");
	registered("/s/web/2");
	registered("/s/web/3");
	expired("/s/web/1");
	settle_down();
	halt();
	boot(1);
	restored("2", STATE_UP, CAUSE_REGISTERED);
	restored("3", STATE_UP, CAUSE_REGISTERED);
	alerts_start(alerts);
	settle_down();
	assert_string_equal(state_of(VANISHED, "\"1\""), "resolved");
	assert_message(1, VANISHED, "resolved", 1);
	assert_reason(1, "all alerts resolved");
}

static void pending_stands_still_over_a_restart(void **state)
{
	(void)state;
	begin(1);
	registered("/s/web/1");
	turn();
	assert_string_equal(state_of(BELOW, "web"), "pending");
	advance_in_steps(20500, 500);
	halt();
	clock_advance(3600 * 1000);
	boot(1);
	restored("1", STATE_UP, CAUSE_REGISTERED);
	alerts_start(alerts);
	turn();
	advance(100000);			/* not looking yet */
	assert_string_equal(state_of(BELOW, "web"), "pending");
	look(true);
	turn();
	advance(9999);		/* 20 s were saved of the 20.5 */
	assert_string_equal(state_of(BELOW, "web"), "pending");
	advance(1);
	assert_string_equal(state_of(BELOW, "web"), "firing");
}

static void untold_messages_survive(void **state)
{
	(void)state;
	hook.status[0] = 503;
	begin(1);
	registered("/s/web/1");
	registered("/s/web/2");
	registered("/s/web/3");
	expired("/s/web/1");
	settle_down();
	assert_int_equal(inbox_count(&hook), 1);
	halt();
	boot(1);
	restored("1", STATE_EXPIRED, CAUSE_EXPIRE);
	alerts_start(alerts);
	advance(1000);
	await(&hook, 2);
	assert_string_equal(hook.bodies[0], hook.bodies[1]);
}

static void a_receiver_comes_later(void **state)
{
	(void)state;
	begin(0);
	registered("/s/web/1");
	registered("/s/web/2");
	registered("/s/web/3");
	expired("/s/web/1");
	settle_down();
	reconfigure(EVERYBODY, usual);
	settle_down();
	assert_int_equal(inbox_count(&hook), 1);
	assert_message(0, VANISHED, "firing", 1);
	await(&am, 1);
	assert_int_equal(am_has(VANISHED), 1);
}

static void a_webhook_is_added(void **state)
{
	struct inbox second;

	(void)state;
	inbox_open(&second);
	begin(1);
	registered("/s/web/1");
	registered("/s/web/2");
	registered("/s/web/3");
	expired("/s/web/1");
	settle_down();
	char *more = xasprintf(", {url: '%s'}", second.script.url);

	more_webhooks = more;
	reconfigure(1, usual);
	settle_down();
	assert_int_equal(inbox_count(&hook), 1);	/* it knows */
	assert_int_equal(inbox_count(&second), 1);
	assert_non_null(strstr(second.bodies[0], VANISHED));
	assert_non_null(strstr(second.bodies[0], "first notification"));
	receiver_name = "night";		/* nobody is new for that */
	reconfigure(1, usual);
	settle_down();
	assert_int_equal(inbox_count(&second), 1);
	registered("/s/web/1");
	turn();
	advance(60000);
	settle_down();
	assert_int_equal(inbox_count(&hook), 2);
	assert_int_equal(inbox_count(&second), 2);
	assert_message(1, VANISHED, "resolved", 1);
	more_webhooks = "";
	reconfigure(1, usual);
	free(more);
	inbox_close(&second);
}

/* How often the Alertmanager was sent this alert of this site, and whether it
 * fired when it last was. */
static size_t am_has_site(const char *alertname, const char *name, bool *fires)
{
	size_t n = 0;

	for (size_t i = 0; i < inbox_count(&am); i++) {
		cJSON *j = inbox_json(&am, i);
		const cJSON *a;

		cJSON_ArrayForEach(a, j) {
			cJSON *l = cJSON_GetObjectItem(a, "labels");

			if (strcmp(field(l, "alertname"), alertname) != 0 ||
			    strcmp(field(l, "site"), name) != 0)
				continue;
			n++;
			struct err e = { "" };
			wall_t ends;

			assert_int_equal(timefmt_parse_rfc3339(json_str(a,
			    "endsAt"), &ends, &e), 0);
			*fires = ends.ms > clock_now().ms;
		}
		cJSON_Delete(j);
	}
	return n;
}

static void external_labels_change(void **state)
{
	bool old, new;

	(void)state;
	begin(EVERYBODY);
	registered("/s/web/1");
	registered("/s/web/2");
	registered("/s/web/3");
	expired("/s/web/1");
	settle_down();
	wall_t fired = row_of(VANISHED, "\"1\"")->fired_at;

	advance(10);
	site = "sh2";
	reconfigure(EVERYBODY, usual);
	settle_down();
	/* One message: the new one fires, the old one has resolved. */
	assert_int_equal(inbox_count(&hook), 2);
	assert_message(1, VANISHED, "firing", 2);
	assert_non_null(strstr(hook.bodies[1], "\"site\":\"sh1\""));
	assert_non_null(strstr(hook.bodies[1], "\"site\":\"sh2\""));
	assert_true(am_has_site(VANISHED, "sh1", &old) >= 2);
	assert_int_equal(am_has_site(VANISHED, "sh2", &new), 1);
	assert_false(old);
	assert_true(new);
	assert_null(row_of(VANISHED, "sh1"));
	assert_int_equal(row_of(VANISHED, "sh2")->fired_at.ms, fired.ms);
	/* And back: the first one is no former one any more. */
	site = "sh1";
	reconfigure(EVERYBODY, usual);
	settle_down();
	advance_in_steps(180000, 60000);
	settle_down();
	am_has_site(VANISHED, "sh1", &old);
	am_has_site(VANISHED, "sh2", &new);
	assert_true(old);
	assert_false(new);
	advance_in_steps(ALERT_RETENTION_MS, 60000);
	assert_string_equal(state_of(VANISHED, "sh1"), "firing");
	assert_null(row_of(VANISHED, "sh2"));
	registered("/s/web/1");
	turn();
	advance(60000);
	settle_down();
	assert_message(inbox_count(&hook) - 1, VANISHED, "resolved", 1);
}

static void damaged_rows_are_dropped(void **state)
{
	struct alert_record r = {
		.fingerprint = "00", .alertname = "NoSuchRule",
		.labels = "{}", .annotations = "{}", .state = "firing",
	};
	(void)state;
	boot(1);
	alerts_restore_alert(&r, alerts);
	r.alertname = VANISHED;
	r.labels = "{\"etcd_cl";
	alerts_restore_alert(&r, alerts);
	alerts_start(alerts);
	settle_down();
	assert_null(row_of("NoSuchRule", ""));
	assert_int_equal(inbox_count(&hook), 0);
}

/* Rows of a time when an external label could be called `member`: the alert
 * goes on, it does not resolve and fire again. */
static void an_external_label_named_like_ours(void **state)
{
	struct alert_record r = {
		.fingerprint = "00", .alertname = VANISHED,
		.labels = "{\"alertname\":\"" VANISHED "\",\"severity\":"
		    "\"warning\",\"etcd_cluster\":\"im\",\"service_name\":"
		    "\"web\",\"instance_id\":\"1\",\"member\":\"foo\"}",
		.annotations = "{}", .state = "firing",
	};
	(void)state;
	r.fired_at = r.active_at = r.last_notified = clock_now();
	boot(1);
	restored("1", STATE_EXPIRED, CAUSE_EXPIRE);
	restored("2", STATE_UP, CAUSE_REGISTERED);
	restored("3", STATE_UP, CAUSE_REGISTERED);
	alerts_restore_alert(&r, alerts);
	clock_advance(1000);
	alerts_start(alerts);
	look(true);
	settle_down();
	assert_string_equal(state_of(VANISHED, "\"1\""), "firing");
	assert_int_equal(row_of(VANISHED, "\"1\"")->fired_at.ms,
	    r.fired_at.ms);
	assert_null(strstr(row_of(VANISHED, "\"1\"")->labels, "foo"));
	assert_int_equal(inbox_count(&hook), 0);
}

/* --- size --- */

static size_t vanished_that_are(const char *state)
{
	size_t cursor = 0, n = 0;
	void *value;

	while (table_next(database, &cursor, NULL, &value)) {
		const struct saved *s = value;

		n += strcmp(s->r.alertname, VANISHED) == 0 &&
		    strcmp(s->r.state, state) == 0;
	}
	return n;
}

/* None changes more than a slice of them. */
static size_t turns_until_all_are(const char *state, size_t all)
{
	size_t n = 0, before, turns = 0;

	for (; n < all; turns++) {
		before = n;
		turn();
		n = vanished_that_are(state);
		assert_in_range(n - before, 1, EVENT_SLICE);
	}
	return turns;
}

static void many_at_once(void **state)
{
	enum { MANY = 20000, SLICES = (MANY + EVENT_SLICE - 1) / EVENT_SLICE };
	char key[40];

	(void)state;
	begin(0);
	for (int i = 0; i < MANY; i++) {
		snprintf(key, sizeof(key), "/s/many/%d", i);
		registered(key);
	}
	turn();
	for (int i = 0; i < MANY; i++) {
		snprintf(key, sizeof(key), "/s/many/%d", i);
		expired(key);
	}
	turn();
	assert_string_equal(state_of(GONE, "many"), "firing");
	assert_true(set_count(alerts->set) > MANY);
	for (int i = 0; i < MANY; i++) {
		snprintf(key, sizeof(key), "/s/many/%d", i);
		registered(key);
	}
	turn();
	clock_advance(60000);
	assert_int_equal(turns_until_all_are("resolved", MANY), SLICES);
	clock_advance(ALERT_RETENTION_MS);
	for (size_t k = 0; k < SLICES; k++)
		turn();
	assert_true(set_count(alerts->set) < 10);
}

/* Nobody looks, and then somebody does: they fire some in each turn. */
static void many_thaw(void **state)
{
	enum { MANY = 1000, SLICES = (MANY + EVENT_SLICE - 1) / EVENT_SLICE };
	char key[40];

	(void)state;
	begin(1);
	registered("/s/many/lives");
	for (int i = 0; i < MANY; i++) {
		snprintf(key, sizeof(key), "/s/many/%d", i);
		registered(key);
	}
	turn();
	look(false);
	for (int i = 0; i < MANY; i++) {
		snprintf(key, sizeof(key), "/s/many/%d", i);
		expired(key);
	}
	turn();
	assert_int_equal(vanished_that_are("firing"), 0);
	look(true);
	assert_int_equal(turns_until_all_are("firing", MANY), SLICES);
	settle_down();
	assert_in_range(inbox_count(&hook), MANY / GROUP_MESSAGE_MAX,
	    SLICES + 1);
}

/* --- maintenance --- */

/* instance NULL: the whole service. */
static int64_t maintain(const char *service, const char *instance,
    int64_t for_ms)
{
	struct window spec = { .service = xstrdup(service),
		.instance = instance != NULL ? xstrdup(instance) : NULL,
		.to = wall_add(clock_now(), for_ms) };
	int64_t id = maintenance_start(registry->maintenance, &spec,
	    NULL)->id;

	free(spec.service);
	free(spec.instance);
	turn();
	return id;
}

static void end_of_maintenance(int64_t id)
{
	assert_non_null(maintenance_end(registry->maintenance, id));
	settle_down();
}

/* The one message of its kind, wherever among those that came with it. */
static bool was_told(const char *alertname, const char *status)
{
	bool found = false;

	for (size_t i = 0; i < inbox_count(&hook); i++) {
		cJSON *j = inbox_json(&hook, i);

		found = found || (strcmp(field(cJSON_GetObjectItem(j,
		    "groupLabels"), "alertname"), alertname) == 0 &&
		    strcmp(field(j, "status"), status) == 0);
		cJSON_Delete(j);
	}
	return found;
}

static size_t told_before;

static bool am_was_told_again(void *arg)
{
	return am_has(arg) > told_before;
}

static void what_fires_in_maintenance_is_told_behind_it(void **state)
{
	(void)state;
	begin(EVERYBODY);
	registered("/s/x/1");
	registered("/s/x/2");
	int64_t id = maintain("x", "1", 3600 * 1000);

	expired("/s/x/1");
	settle_down();
	assert_int_equal(inbox_count(&hook), 0);
	assert_int_equal(am_has(VANISHED), 0);
	assert_string_equal(state_of(VANISHED, "\"1\""), "firing");
	advance_in_steps(120000, 60000);
	settle_down();
	assert_int_equal(am_has(VANISHED), 0);
	expired("/s/x/2");		/* is not in maintenance */
	settle_down();
	assert_int_equal(inbox_count(&hook), 2);	/* and GONE */
	end_of_maintenance(id);
	assert_int_equal(inbox_count(&hook), 3);
	assert_message(2, VANISHED, "firing", 1);
	assert_non_null(strstr(hook.bodies[2], "\"instance_id\":\"1\""));
	assert_true(am_has(VANISHED) >= 2);
	registered("/s/x/1");
	advance_in_steps(120000, 60000);
	settle_down();
	assert_true(was_told(VANISHED, "resolved"));
}

static void what_resolves_in_maintenance_is_not_told(void **state)
{
	(void)state;
	begin(EVERYBODY);
	registered("/s/x/1");
	int64_t id = maintain("x", NULL, 3600 * 1000);

	expired("/s/x/1");		/* and the service is gone */
	settle_down();
	assert_string_equal(state_of(GONE, "x"), "firing");
	registered("/s/x/1");
	settle_down();
	/* Kept firing, but not by anything that still is. */
	assert_string_equal(state_of(VANISHED, "\"1\""), "firing");
	end_of_maintenance(id);
	assert_int_equal(inbox_count(&hook), 0);
	advance_in_steps(120000, 60000);
	settle_down();
	assert_string_equal(state_of(VANISHED, "\"1\""), "resolved");
	assert_int_equal(inbox_count(&hook), 0);
	expired("/s/x/1");
	settle_down();
	assert_int_equal(inbox_count(&hook), 2);
}

static void a_window_on_an_instance_leaves_the_service_alone(void **state)
{
	(void)state;
	begin(EVERYBODY);
	registered("/s/x/1");
	maintain("x", "1", 3600 * 1000);
	expired("/s/x/1");
	settle_down();
	assert_int_equal(inbox_count(&hook), 1);
	assert_message(0, GONE, "firing", 1);
}

static void who_was_told_before_is_told_of_the_end(void **state)
{
	(void)state;
	begin(EVERYBODY);
	registered("/s/x/1");
	registered("/s/x/2");
	expired("/s/x/1");
	settle_down();
	assert_int_equal(inbox_count(&hook), 1);
	int64_t id = maintain("x", NULL, 12 * 3600 * 1000);
	static char vanished[] = VANISHED;

	told_before = am_has(VANISHED);
	advance_in_steps(REPEAT_INTERVAL_MS, 60000);
	settle_down();
	assert_int_equal(inbox_count(&hook), 1);	/* no repetition */
	run_until(am_was_told_again, vanished);		/* no silence */
	end_of_maintenance(id);
	assert_int_equal(inbox_count(&hook), 1);
	maintain("x", NULL, 3600 * 1000);
	registered("/s/x/1");
	advance_in_steps(120000, 60000);
	settle_down();
	assert_int_equal(inbox_count(&hook), 2);
	assert_message(1, VANISHED, "resolved", 1);
}

static void another_window_goes_on(void **state)
{
	(void)state;
	begin(EVERYBODY);
	registered("/s/x/1");
	registered("/s/x/2");
	int64_t first = maintain("x", "1", 3600 * 1000);

	expired("/s/x/1");
	settle_down();
	advance(1000);
	int64_t second = maintain("x", NULL, 3600 * 1000);

	end_of_maintenance(first);
	assert_int_equal(inbox_count(&hook), 0);
	end_of_maintenance(second);
	assert_int_equal(inbox_count(&hook), 1);
}

static void forgotten_in_maintenance(void **state)
{
	(void)state;
	begin(EVERYBODY);
	registered("/s/x/1");
	registered("/s/x/2");
	int64_t id = maintain("x", "1", 3600 * 1000);

	expired("/s/x/1");
	settle_down();
	assert_true(registry_forget(registry, "im", "x", "1"));
	settle_down();
	end_of_maintenance(id);
	assert_int_equal(inbox_count(&hook), 0);
	assert_int_equal(am_has(VANISHED), 0);
}

/* A restart in between: the window is read before the alerts. */
static void muted_over_a_restart(void **state)
{
	struct window saved = { .id = 4 };
	char service[] = "x";

	(void)state;
	begin(EVERYBODY);
	saved.service = service;
	saved.from = clock_now();
	saved.to = wall_add(saved.from, 3600 * 1000);
	registered("/s/x/1");
	registered("/s/x/2");
	maintain("x", NULL, 3600 * 1000);
	expired("/s/x/1");
	settle_down();
	halt();
	with_window = &saved;
	boot(EVERYBODY);
	with_window = NULL;
	alerts_start(alerts);
	settle_down();
	assert_int_equal(inbox_count(&hook), 0);
	assert_int_equal(am_has(VANISHED), 0);
}

static void many_are_muted(void **state)
{
	enum { N = 3 * EVENT_SLICE };
	char key[32];

	(void)state;
	begin(EVERYBODY);
	for (int i = 0; i < N; i++) {
		snprintf(key, sizeof(key), "/s/x/%d", i);
		registered(key);
	}
	registered("/s/x/stays");
	settle_down();
	int64_t id = maintain("x", NULL, 3600 * 1000);

	for (int i = 0; i < N; i++) {
		snprintf(key, sizeof(key), "/s/x/%d", i);
		expired(key);
	}
	settle_down();
	assert_int_equal(inbox_count(&hook), 0);
	end_of_maintenance(id);
	advance(10);
	settle_down();
	settle_down();
	assert_int_equal(am_has(VANISHED), N);
}

static void deadlines_come_in_order(void **state)
{
	enum { N = 500 };
	struct due_list l = { 0 };
	struct due d[N] = { 0 }, *first;
	int64_t last = -1;
	size_t n = 0, in = 0;

	(void)state;
	begin(0);
	seeded_start();
	for (int i = 0; i < 10000; i++) {
		struct due *one = &d[seeded_below(N)];

		if (seeded_below(3) == 0)
			due_clear(&l, one);
		else
			due_set(&l, one, (mono_t){
			    (int64_t)seeded_below(1000) });
	}
	for (int i = 0; i < N; i++)
		in += d[i].place != 0;
	for (; (first = due_first(&l)) != NULL; n++) {
		assert_true(first->at.ms >= last);
		last = first->at.ms;
		due_clear(&l, first);
	}
	assert_int_equal(n, in);
	due_list_fini(&l);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin_test, end_test)
	const struct CMUnitTest tests[] = {
		T(an_instance_vanishes_and_returns),
		T(the_log_says_how_long_it_fired),
		T(a_deregistered_instance_is_no_alert),
		T(a_service_below_its_minimum),
		T(changes_of_one_turn_are_one_message),
		T(a_hung_disk_holds_up_nothing),
		T(nothing_changes_while_not_looking),
		T(held_instances_wait), T(forgetting_ends_the_alert),
		T(a_directory_no_longer_watched),
		T(still_firing_is_repeated),
		T(the_watchdog_is_for_alertmanagers),
		T(firing_survives_a_restart),
		T(what_is_no_longer_there_resolves),
		T(pending_stands_still_over_a_restart),
		T(untold_messages_survive), T(a_receiver_comes_later),
		T(a_webhook_is_added), T(external_labels_change),
		T(damaged_rows_are_dropped),
		T(an_external_label_named_like_ours), T(many_at_once),
		T(many_thaw),
		T(what_fires_in_maintenance_is_told_behind_it),
		T(what_resolves_in_maintenance_is_not_told),
		T(a_window_on_an_instance_leaves_the_service_alone),
		T(who_was_told_before_is_told_of_the_end),
		T(another_window_goes_on), T(forgotten_in_maintenance),
		T(muted_over_a_restart), T(many_are_muted),
		T(deadlines_come_in_order),
	};
	return cmocka_run_group_tests(tests, begin_all, end_all);
}
