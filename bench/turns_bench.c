/* How long are the turns of the loop when many leave at once?  A registry of
 * 100,000 instances with history, alerting, log and snapshots joined as the
 * daemon joins them, and no etcd: N of them leave in one batch.  Each case
 * runs in a process of its own and prints "name value unit" lines; CPU times
 * are the loop's own, wall times are those of a machine that does other
 * things as well.  A web server in the process is Alertmanager and webhook.
 *
 *	build/bench/turns [INSTANCES [LEAVING]]
 *		default: of 100000 leave 500, 5000 and 50000 */
#include "core/loop.c"

#include <microhttpd.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alerts/alerts.h"
#include "alerts/notify_config.h"
#include "cli/story.h"
#include "collectors/watch_impl.h"
#include "core/config.h"
#include "core/event.h"
#include "core/problems.h"
#include "core/registry.h"
#include "core/snapshot.h"
#include "core/table.h"
#include "db/db.h"

#define CONFIG "clusters:\n- name: im\n  endpoints: ['http://127.0.0.1:1']\n" \
	"  directories:\n" \
	"  - {path: /s, service_name: login, max_vanished: 900000}\n" \
	"alertmanagers: [{url: 'http://127.0.0.1:%d/am'}]\n"
#define NOTIFY "route: {receiver: r}\nreceivers:\n- name: r\n" \
	"  webhook_configs: [{url: 'http://127.0.0.1:%d/hook'}]\n"

enum { TTL_S = 5, LISTED_IN_ONE_TURN = 500, SECOND = 1000 };

/* --- the receiver --- */

struct receiver {
	struct MHD_Daemon *daemon;
	int port;
	_Atomic int64_t first_us, mass_us;
	_Atomic size_t messages, alerts;
};

struct body {
	char *text;
	size_t n;
};

static size_t count(const char *text, const char *word)
{
	size_t n = 0;

	while ((text = strstr(text, word)) != NULL) {
		text += strlen(word);
		n++;
	}
	return n;
}

static void received(struct receiver *r, const char *url, const char *text)
{
	int64_t none = 0, now = clock_mono_us();

	if (strcmp(url, "/hook") != 0)
		return;
	atomic_compare_exchange_strong(&r->first_us, &none, now);
	none = 0;
	if (strstr(text, "\"alertname\":\"EtcdRegistryMassVanish\"") != NULL)
		atomic_compare_exchange_strong(&r->mass_us, &none, now);
	r->messages++;
	r->alerts += count(text, "\"vanished_at\":");
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *c,
    const char *url, const char *method, const char *version,
    const char *data, size_t *size, void **state)
{
	struct body *b = *state;
	struct MHD_Response *answer;

	(void)method;
	(void)version;
	if (b == NULL) {
		*state = xcalloc(1, sizeof(*b));
		return MHD_YES;
	}
	if (*size > 0) {
		b->text = xreallocarray(b->text, b->n + *size + 1, 1);
		memcpy(b->text + b->n, data, *size);
		b->n += *size;
		b->text[b->n] = '\0';
		*size = 0;
		return MHD_YES;
	}
	received(arg, url, b->text != NULL ? b->text : "");
	free(b->text);
	free(b);
	*state = NULL;
	answer = MHD_create_response_from_buffer(0, NULL,
	    MHD_RESPMEM_PERSISTENT);
	enum MHD_Result rc = MHD_queue_response(c, 200, answer);

	MHD_destroy_response(answer);
	return rc;
}

static void receiver_start(struct receiver *r)
{
	r->daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL,
	    NULL, on_request, r, MHD_OPTION_END);
	r->port = MHD_get_daemon_info(r->daemon,
	    MHD_DAEMON_INFO_BIND_PORT)->port;
}

/* --- the world --- */

struct world {
	struct loop *loop;
	struct event_bus *bus;
	struct registry *registry;
	struct alerts *alerts;
	struct db *db;
	struct watcher *watcher;
	struct storm *storm;
	struct directory *directory;
	struct receiver receiver;
	struct timer *publish, *tick, *go;
	char folder[32];
	size_t leaving;
	uint64_t unit;			/* the last one flushed */
	bool (*until)(struct world *w);
	int64_t began_cpu_us, cpu_us, longest_cpu_us;
};

static int64_t thread_cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void each_turn(void *arg, mono_t now)
{
	struct world *w = arg;
	uint64_t unit = event_flush(w->bus, now);
	int64_t cpu_us;

	if (unit != 0)
		w->unit = unit;
	timer_set(w->publish, snapshot_publish(w->registry, now));
	cpu_us = thread_cpu_us();
	if (cpu_us - w->cpu_us > w->longest_cpu_us)
		w->longest_cpu_us = cpu_us - w->cpu_us;
	w->cpu_us = cpu_us;
	if (w->until(w))
		loop_stop(w->loop);
}

static void on_publish(void *arg, mono_t now)
{
	(void)arg;
	(void)now;
}

static void on_tick(void *arg, mono_t now)
{
	struct world *w = arg;

	timer_set(w->tick, registry_tick(w->registry, now));
}

static void run_until(struct world *w, bool (*until)(struct world *w))
{
	w->until = until;
	w->longest_cpu_us = 0;
	w->began_cpu_us = w->cpu_us = thread_cpu_us();
	w->loop->longest_us = 0;
	loop_run(w->loop);
}

static char *write_file(const char *folder, const char *name,
    const char *format, int port)
{
	char *path = xasprintf("%s/%s", folder, name);
	FILE *f = fopen(path, "w");

	assert(f != NULL);
	dprintf(fileno(f), format, port);
	fclose(f);
	return path;
}

static void configure(struct world *w)
{
	struct problems p = { 0 };
	char *config = write_file(w->folder, "r.yml", CONFIG,
	    w->receiver.port);
	char *notify = write_file(w->folder, "n.yml", NOTIFY,
	    w->receiver.port);
	struct config *c = config_load(config, &p);
	struct notify_config *n = notify_config_load(notify, &p);

	assert(c != NULL && n != NULL);
	w->registry = registry_new(w->bus);
	registry_configure(w->registry, c);
	w->alerts = alerts_new(w->loop, w->registry, w->bus);
	alerts_configure(w->alerts, c, n, "http://rollcall");
	w->directory = w->registry->clusters[0]->directories[0];
	config_unref(c);
	free(config);
	free(notify);
}

static void join(struct world *w)
{
	struct err e;
	char *path = xasprintf("%s/rollcall.db", w->folder);

	w->db = db_open(path, &e);
	assert(w->db != NULL);
	const struct event_sink sinks[] = {
		story_sink(), db_sink(w->db), alerts_sink(w->alerts),
	};

	for (size_t i = 0; i < sizeof(sinks) / sizeof(sinks[0]); i++)
		event_bus_add(w->bus, &sinks[i]);
	snapshot_add_source(w->registry, alerts_samples, w->alerts);
	snapshot_add_source(w->registry, db_samples, w->db);
	loop_each_turn(w->loop, each_turn, w);
	db_start(w->db, w->loop, w->bus, w->registry);
	alerts_start(w->alerts);
	free(path);
}

/* As the first listing would. */
static void fill(struct world *w, size_t instances)
{
	struct moment m = { .now = clock_mono(), .seen = clock_now() };
	struct directory *d = w->directory;
	char key[64], value[64];

	m.earliest = m.seen;
	for (size_t i = 0; i < instances; i++) {
		struct key_facts k = { .key = key, .value = value,
			.has_ttl = true, .ttl_s = TTL_S,
			.expires = wall_add(m.seen, TTL_S * SECOND),
			.created_index = i + 1, .modified_index = i + 1 };

		snprintf(key, sizeof(key), "/s/login-%06zu", i);
		snprintf(value, sizeof(value), "10.%zu.%zu.%zu:8080",
		    i >> 16 & 255, i >> 8 & 255, i & 255);
		m.index = i + 1;
		registry_listed(d, &k, &m);
		if (i % LISTED_IN_ONE_TURN == 0)
			w->unit = event_flush(w->bus, m.now);
	}
	registry_synced(d, m.seen);
	registry_set_leader(d->cluster, true, true, "1", m.now);
	registry_set_looking(d, true, &m);
	w->unit = event_flush(w->bus, m.now);
}

/* --- what is measured --- */

static void leave(void *arg, mono_t now)
{
	struct world *w = arg;
	const struct registry *r = w->registry;
	struct leave l = { .cause = CAUSE_DIR_EXPIRE };
	size_t step = r->nslots / w->leaving;

	l.moment = (struct moment){ .now = now, .seen = clock_history(now) };
	l.moment.earliest = l.from = l.moment.seen;
	for (size_t k = 0; k < w->leaving; k++) {
		l.instance = r->slots[k * step];
		leave_add(w->watcher, &l);
	}
	leave_judge_batch(w->watcher, &(struct outlook){ 0 }, now);
	batch_drain(w->watcher, now);
}

static bool recorded(struct world *w)
{
	return event_committed_unit(w->bus) >= w->unit;
}

static bool has_gone(struct world *w)
{
	return w->directory->vanished == w->leaving && recorded(w);
}

static bool is_told(struct world *w)
{
	return w->receiver.alerts >= w->leaving && has_gone(w) &&
	    alerts_drained(w->alerts);
}

static void say(const struct world *w, const char *name, double value,
    const char *unit)
{
	printf("turns_%zu_%s %.3f %s\n", w->leaving, name, value, unit);
}

static void say_turns(const struct world *w, const char *phase,
    int64_t began_us)
{
	char name[64];

	snprintf(name, sizeof(name), "%s_longest_turn", phase);
	say(w, name, (double)w->loop->longest_us / 1e3, "ms");
	snprintf(name, sizeof(name), "%s_longest_turn_cpu", phase);
	say(w, name, (double)w->longest_cpu_us / 1e3, "ms");
	snprintf(name, sizeof(name), "%s_cpu", phase);
	say(w, name, (double)(w->cpu_us - w->began_cpu_us) / 1e3, "ms");
	snprintf(name, sizeof(name), "%s_total", phase);
	say(w, name, (double)(clock_mono_us() - began_us) / 1e3, "ms");
}

static void measure(struct world *w)
{
	int64_t began_us = clock_mono_us();

	timer_set(w->go, clock_mono());
	run_until(w, has_gone);
	say_turns(w, "recorded", began_us);
	run_until(w, is_told);
	say_turns(w, "told", began_us);
	say(w, "first_message", (double)(w->receiver.first_us - began_us) /
	    1e3, "ms");
	if (w->receiver.mass_us != 0)
		say(w, "mass_message", (double)(w->receiver.mass_us -
		    began_us) / 1e3, "ms");
	say(w, "messages", (double)w->receiver.messages, "messages");
}

static void run_case(size_t instances, size_t leaving)
{
	struct world w = { .folder = "/tmp/turns-XXXXXX",
		.leaving = leaving };
	struct err e;

	log_start(LEVEL_INFO, LOG_LOGFMT, STDERR_FILENO);
	if (mkdtemp(w.folder) == NULL)
		exit(1);
	receiver_start(&w.receiver);
	w.loop = loop_new(&e);
	w.bus = event_bus_new();
	configure(&w);
	w.publish = timer_new(w.loop, on_publish, &w);
	w.tick = timer_new(w.loop, on_tick, &w);
	w.go = timer_new(w.loop, leave, &w);
	w.storm = storm_new();
	join(&w);
	fill(&w, instances);
	w.watcher = watcher_new(w.loop, w.directory, w.storm);
	timer_clear(w.watcher->retry);
	timer_set(w.tick, clock_mono());
	run_until(&w, recorded);
	measure(&w);
	fflush(stdout);
	char *remove = xasprintf("rm -r %s", w.folder);

	if (system(remove) != 0)
		_exit(1);
	_exit(0);		/* all of it goes with the process */
}

static int fork_case(size_t instances, size_t leaving)
{
	int status = 1;
	pid_t child = fork();

	if (child == 0)
		run_case(instances, leaving);
	waitpid(child, &status, 0);
	return status != 0;
}

int main(int argc, char **argv)
{
	static const size_t leaving[] = { 500, 5000, 50000 };
	size_t instances = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000;
	int failed = 0;

	if (argc > 2)
		return fork_case(instances, strtoul(argv[2], NULL, 10));
	for (size_t i = 0; i < 3; i++)
		failed |= fork_case(instances, leaving[i]);
	return failed;
}
