/* The composition root: makes loop, bus, registry, database, alerting,
 * collecting and HTTP server, joins them, and ends them in reverse.  What
 * each does is theirs; here is only the order, the signals, and what happens
 * once per turn of the loop.  Called by cli/serve.c. */
#include "cli/daemon.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "alerts/alerts.h"
#include "cli/admin.h"
#include "cli/ratios.h"
#include "cli/reload.h"
#include "cli/serve_flags.h"
#include "cli/signals.h"
#include "cli/story.h"
#include "cli/systemd.h"
#include "cli/version.h"
#include "collectors/collect.h"
#include "collectors/samples.h"
#include "core/config.h"
#include "core/err.h"
#include "core/event.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/maintenance.h"
#include "core/problems.h"
#include "core/registry.h"
#include "core/snapshot.h"
#include "core/xalloc.h"
#include "db/db.h"
#include "db/history.h"
#include "exporter/exporter.h"

enum {	/* the first two, with the log's, stay well below 5 s together */
	DRAIN_MS = 2500,		/* messages not yet sent, at a stop */
	CLOSE_MS = 1200,		/* units not yet written */
	CLOCK_EVERY_MS = 1000,
	JUMP_MS = 1000,			/* drift that counts as a jump */
};

struct daemon {
	const struct serve_flags *flags;
	struct config *config;
	struct loop *loop;
	struct event_bus *bus;
	struct registry *registry;
	struct db *db;
	struct alerts *alerts;
	struct collect *collect;
	struct exporter *exporter;
	struct ratios *ratios;
	struct admin admin;
	char *external_url, *storage;	/* storage: what is open */
	struct timer *publish, *tick, *clock, *drain, *watchdog;
	int signals;
	bool stopping, reloading;
	bool reload_again;		/* asked for while reloading */
	bool reload_ok;
	mono_t reload_began;
	wall_t reloaded;
};

/* --- once per turn --- */

static void each_turn(void *arg, mono_t now)
{
	struct daemon *d = arg;

	event_flush(d->bus, now);
	timer_set(d->publish, snapshot_publish(d->registry, now));
	if (d->stopping && alerts_drained(d->alerts))
		loop_stop(d->loop);
}

static void on_publish(void *arg, mono_t now)
{
	(void)arg;
	(void)now;			/* the turn itself does it */
}

static void on_tick(void *arg, mono_t now)
{
	struct daemon *d = arg;

	timer_set(d->tick, registry_tick(d->registry, now));
}

/* The system clock was set: history time follows it, and says so. */
static void on_clock(void *arg, mono_t now)
{
	struct daemon *d = arg;
	int64_t drift = clock_drift();

	if (drift >= JUMP_MS || drift <= -JUMP_MS) {
		struct event e = { .type = EVENT_CLOCK_JUMP };

		e.jump_ms = clock_rebase();
		event_emit(d->bus, &e);
		log_warn("the system clock was set",
		    LOG_I("jump_ms", e.jump_ms));
	}
	timer_set(d->clock, mono_add(now, CLOCK_EVERY_MS));
}

static void on_watchdog(void *arg, mono_t now)
{
	struct daemon *d = arg;

	systemd_notify("WATCHDOG=1");
	timer_set(d->watchdog, mono_add(now, systemd_watchdog_ms()));
}

/* --- reload --- */

/* Should the file system hang, its thread may outlive the daemon: it works on
 * a copy of the one flag that it needs, which stands in argv. */
struct reload {
	struct daemon *daemon;		/* not the thread's */
	struct serve_flags flags;
	struct config *config;
	struct notify_config *notify;
	struct problems problems;
	int rc;
};

static void reload_work(void *arg)
{
	struct reload *r = arg;

	r->rc = reload_read(&r->flags, &r->config, &r->notify,
	    &r->problems);
}

static void refuse(struct daemon *d, const struct problems *p)
{
	d->reload_ok = false;
	for (size_t i = 0; i < p->n; i++)
		log_error("configuration not taken", LOG_S("err", p->lines[i]));
	log_error("reload failed, the old configuration stays",
	    LOG_I("errors", p->count));
}

/* What is opened once, at the start. */
static void warn_of_restart(const struct daemon *d)
{
	const char *wanted = serve_flags_storage(d->flags, d->config);

	if (strcmp(wanted, d->storage) != 0)
		log_warn("storage.path takes effect at a restart",
		    LOG_S("storage", wanted), LOG_S("open", d->storage));
}

static void keep(struct daemon *d)
{
	db_keep(d->db, d->config->storage.retention_ms,
	    config_statistics_retention(d->config));
}

static void take(struct daemon *d, struct reload *r)
{
	const struct notify_config *n = r->notify;	/* alerting keeps it */

	collect_stop(d->collect);
	event_flush(d->bus, loop_now(d->loop));
	registry_configure(d->registry, r->config);
	alerts_configure(d->alerts, r->config, r->notify, d->external_url);
	config_unref(d->config);
	d->config = r->config;
	r->config = NULL;
	r->notify = NULL;
	collect_start(d->collect);
	d->reload_ok = true;
	d->reloaded = clock_now();
	reload_log("configuration reloaded", d->flags, d->config, n);
	warn_of_restart(d);
	keep(d);
}

static void reload_free(void *arg)
{
	struct reload *r = arg;

	config_unref(r->config);
	notify_config_free(r->notify);
	problems_free(&r->problems);
	free(r);
}

static void reload(struct daemon *d);

static void reload_done(void *arg)
{
	struct reload *r = arg;
	struct daemon *d = r->daemon;

	d->reloading = false;
	if (!d->stopping) {
		if (r->rc != 0)
			refuse(d, &r->problems);
		else
			take(d, r);
		snapshot_touch(d->registry);
		systemd_notify("READY=1");
	}
	reload_free(r);
	if (d->reload_again)
		reload(d);
}

/* Only a file system that hangs takes that long. */
static void warn_of_waiting(const struct daemon *d)
{
	log_warn("the configuration is still being read: it is read again"
	    " after that", LOG_S("file", d->flags->config_file),
	    LOG_I("waited_ms", mono_since(d->reload_began,
	    loop_now(d->loop))));
}

static void reload(struct daemon *d)
{
	struct reload *r;

	if (d->flags->config_file == NULL) {
		log_warn("nothing to reload: there is no --config.file");
		return;
	}
	/* What was changed after it was read has to be read as well. */
	d->reload_again = d->reloading;
	if (d->reloading)
		warn_of_waiting(d);
	if (d->reloading || d->stopping)
		return;
	log_info("reading configuration",
	    LOG_S("file", d->flags->config_file));
	d->reloading = true;
	d->reload_began = loop_now(d->loop);
	systemd_notify("RELOADING=1");
	r = xcalloc(1, sizeof(*r));
	r->daemon = d;
	r->flags.config_file = d->flags->config_file;
	loop_offload_or_drop(d->loop, reload_work, reload_done, reload_free,
	    r);
}

/* --- signals --- */

static void on_drained(void *arg, mono_t now)
{
	struct daemon *d = arg;

	(void)now;
	log_warn("stopping with messages not sent yet");
	loop_stop(d->loop);
}

static void stop(struct daemon *d, const char *signal_name)
{
	if (d->stopping) {		/* asked twice: at once */
		loop_stop(d->loop);
		return;
	}
	log_info("stopping", LOG_S("signal", signal_name));
	systemd_notify("STOPPING=1");
	d->stopping = true;
	exporter_stopping(d->exporter);
	collect_stop(d->collect);
	timer_set(d->drain, mono_add(loop_now(d->loop), DRAIN_MS));
}

static void on_signal(void *arg)
{
	struct daemon *d = arg;
	struct signalfd_siginfo info;

	if (read(d->signals, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return;
	if (info.ssi_signo == SIGHUP)
		reload(d);
	else
		stop(d, info.ssi_signo == SIGTERM ? "SIGTERM" : "SIGINT");
}

static int watch_signals(struct daemon *d, struct err *e)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	d->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (d->signals < 0)
		return err_set(e, "signalfd: %s", strerror(errno));
	loop_watch_fd(d->loop, d->signals, on_signal, d);
	return 0;
}

/* --- samples that belong to nobody else --- */

static void own_samples(void *arg, struct sample_sink *s)
{
	struct daemon *d = arg;

	sample_add(s, M_log_dropped, (double)log_dropped());
	sample_add(s, M_loop_longest_turn,
	    (double)loop_longest_turn_us(d->loop) / 1e6);
	sample_add(s, M_loop_slow_turns, (double)loop_slow_turns(d->loop));
	sample_add(s, M_config_last_reload_successful, d->reload_ok);
	sample_add(s, M_config_last_reload_success,
	    (double)d->reloaded.ms / 1e3);
	sample_add(s, M_build_info, 1.0, rollcall_version(),
	    rollcall_revision(), rollcall_compiler());
}

/* --- start --- */

/* Checking and migrating may take minutes, and a disk may hang. */
static int read_history(struct daemon *d, struct err *e)
{
	int rc = -1;

	signals_can_end(true);
	d->db = db_open(d->storage, e);
	if (d->db != NULL)
		rc = db_restore(d->db, d->registry, alerts_restore_alert,
		    alerts_restore_outbox, d->alerts, e);
	signals_can_end(false);
	return rc;
}

static int open_history(struct daemon *d, struct err *e)
{
	if (read_history(d, e) != 0)
		return -1;
	registry_restored(d->registry);
	keep(d);
	return ratios_start(d->ratios, e);
}

/* As Prometheus does it: this host's name and the port listened on. */
static char *default_url(const struct daemon *d)
{
	const char *colon = strrchr(exporter_address(d->exporter, 0), ':');
	char host[256] = "localhost";

	gethostname(host, sizeof(host) - 1);
	return xasprintf("http://%s%s", host, colon != NULL ? colon : "");
}

static int listen_http(struct daemon *d, struct err *e)
{
	struct history_source history;
	struct exporter_options o = {
		.listen = d->flags->listen_addresses,
		.telemetry_path = d->flags->telemetry_path,
		.external_url = d->flags->external_url,
		.admin = &d->admin.table,
		.admin_api = d->flags->admin_api,
		.loop = d->loop, .history = &history,
	};

	d->storage = xstrdup(serve_flags_storage(d->flags, d->config));
	history = history_of_file(d->storage);
	d->ratios = ratios_new(&history, 0);
	o.more = ratios_samples(d->ratios);
	admin_init(&d->admin);
	d->exporter = exporter_start(&o, e);
	if (d->exporter == NULL)
		return -1;
	d->external_url = o.external_url != NULL ? xstrdup(o.external_url) :
	    default_url(d);
	return 0;
}

static void make(struct daemon *d, struct notify_config *n)
{
	d->bus = event_bus_new();
	d->registry = registry_new(d->bus);
	registry_configure(d->registry, d->config);
	d->admin.registry = d->registry;
	d->admin.bus = d->bus;
	d->alerts = alerts_new(d->loop, d->registry, d->bus);
	alerts_configure(d->alerts, d->config, n, d->external_url);
	d->collect = collect_new(d->loop, d->registry);
	d->publish = timer_new(d->loop, on_publish, d);
	d->tick = timer_new(d->loop, on_tick, d);
	d->clock = timer_new(d->loop, on_clock, d);
	d->drain = timer_new(d->loop, on_drained, d);
	d->watchdog = timer_new(d->loop, on_watchdog, d);
}

/* The sinks, in the order in which each event reaches them. */
static void join(struct daemon *d)
{
	const struct event_sink sinks[] = {
		story_sink(), maintenance_sink(d->registry->maintenance),
		db_sink(d->db), alerts_sink(d->alerts),
	};

	for (size_t i = 0; i < sizeof(sinks) / sizeof(sinks[0]); i++)
		event_bus_add(d->bus, &sinks[i]);
	snapshot_add_source(d->registry, collectors_samples, d->registry);
	snapshot_add_source(d->registry, alerts_samples, d->alerts);
	snapshot_add_source(d->registry, db_samples, d->db);
	snapshot_add_source(d->registry, own_samples, d);
	snapshot_add_source(d->registry, maintenance_samples,
	    d->registry->maintenance);
	loop_each_turn(d->loop, each_turn, d);
}

static void go(struct daemon *d)
{
	mono_t now = clock_mono();

	db_start(d->db, d->loop, d->bus, d->registry);
	alerts_start(d->alerts);
	collect_start(d->collect);
	timer_set(d->tick, now);
	timer_set(d->clock, mono_add(now, CLOCK_EVERY_MS));
	if (systemd_watchdog_ms() > 0)
		timer_set(d->watchdog, now);
	systemd_notify("READY=1");
}

struct daemon *daemon_start(const struct serve_flags *f, struct config *c,
    struct notify_config *n, struct err *e)
{
	struct daemon *d = xcalloc(1, sizeof(*d));

	d->flags = f;
	d->signals = -1;
	d->config = config_ref(c);
	d->reload_ok = true;
	d->reloaded = clock_now();
	d->loop = loop_new(e);
	if (d->loop == NULL || watch_signals(d, e) != 0 ||
	    listen_http(d, e) != 0) {
		notify_config_free(n);
		goto err;
	}
	make(d, n);
	if (open_history(d, e) != 0)
		goto err;
	join(d);
	go(d);
	return d;

err:	daemon_stop(d);
	return NULL;
}

void daemon_run(struct daemon *d)
{
	loop_run(d->loop);
}

static void close_history(struct daemon *d)
{
	if (d->db != NULL && !db_close(d->db, CLOSE_MS))
		log_error("stopping with history not written");
}

void daemon_stop(struct daemon *d)
{
	collect_free(d->collect);
	if (d->bus != NULL && d->db != NULL)
		event_flush(d->bus, clock_mono());
	if (d->exporter != NULL)
		exporter_stop(d->exporter);
	ratios_stop(d->ratios);
	close_history(d);
	timer_free(d->publish);
	timer_free(d->tick);
	timer_free(d->clock);
	timer_free(d->drain);
	timer_free(d->watchdog);
	alerts_free(d->alerts);
	registry_free(d->registry);
	event_bus_free(d->bus);
	if (d->loop != NULL)
		loop_free(d->loop);
	if (d->signals >= 0)
		close(d->signals);
	config_unref(d->config);
	free(d->external_url);
	free(d->storage);
	free(d);
}
