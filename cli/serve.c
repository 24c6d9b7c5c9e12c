/* `rollcall serve`: reads flags and configuration, starts the log, runs the
 * daemon.  Everything that can be wrong with what it was given is said before
 * anything runs. */
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include <curl/curl.h>

#include "cli/command.h"
#include "cli/daemon.h"
#include "cli/flags.h"
#include "cli/reload.h"
#include "cli/serve_flags.h"
#include "cli/signals.h"
#include "cli/version.h"
#include "core/config.h"
#include "core/err.h"
#include "core/fetch.h"
#include "core/log.h"
#include "core/problems.h"

enum { LOG_STOP_MS = 300, LARGE = 64 << 10, TRIMMED = 128 << 10 };

/* Each arena keeps what is freed in it, and malloc would make one for nearly
 * every thread: two are enough for threads that allocate little.  What is large
 * is large once: listings, units, expositions, parts of tables (core/table.c).
 * Left to itself, malloc would keep such pieces from the second one on. */
static void set_up_malloc(void)
{
#ifdef __GLIBC__
	mallopt(M_ARENA_MAX, 2);
	mallopt(M_MMAP_THRESHOLD, LARGE);
	mallopt(M_TRIM_THRESHOLD, TRIMMED);
#endif
}

/* Before the first thread is made: signals are read from a descriptor. */
static void block_signals(void)
{
	static const int hup = SIGHUP;

	signals_mask(SIG_BLOCK, &hup, 1);
	signals_can_end(false);
	signal(SIGPIPE, SIG_IGN);
}

/* From a file system that hangs, or from a FIFO, it may take for ever. */
static int read_configuration(const struct serve_flags *f, struct config **c_r,
    struct notify_config **n_r, struct problems *p)
{
	int rc;

	signals_can_end(true);
	rc = reload_read(f, c_r, n_r, p);
	signals_can_end(false);
	return rc;
}

static int say_problems(struct problems *p)
{
	for (size_t i = 0; i < p->n; i++)
		fprintf(stderr, "%s\n", p->lines[i]);
	fprintf(stderr, "rollcall serve: not started: %zu error%s in the "
	    "configuration\n", p->count, p->count == 1 ? "" : "s");
	problems_free(p);
	return EXIT_FAILED;
}

static int run(const struct serve_flags *f, struct config *c,
    struct notify_config *n)
{
	struct err e;
	struct daemon *d;

	log_start((enum log_level)f->log_level,
	    (enum log_format)f->log_format, STDERR_FILENO);
	log_info("Starting rollcall", LOG_S("version", rollcall_version()),
	    LOG_S("revision", rollcall_revision()));
	reload_log("configuration read", f, c, n);
	d = daemon_start(f, c, n, &e);
	config_unref(c);
	if (d == NULL) {
		log_error("not started", LOG_S("err", e.text));
	} else {
		daemon_run(d);
		daemon_stop(d);
		log_info("See you next time!");
	}
	log_stop(LOG_STOP_MS);
	return d == NULL ? EXIT_FAILED : EXIT_OK;
}

int cli_serve(int argc, char **argv)
{
	struct serve_flags f;
	struct problems p = { 0 };
	struct config *c;
	struct notify_config *n;
	char agent[64];
	int rc = serve_flags_parse(argc, argv, &f);

	if (rc >= 0)
		return rc;
	set_up_malloc();
	block_signals();
	curl_global_init(CURL_GLOBAL_DEFAULT);
	snprintf(agent, sizeof(agent), "rollcall/%s", rollcall_version());
	fetch_set_user_agent(agent);
	if (read_configuration(&f, &c, &n, &p) != 0)
		rc = say_problems(&p);
	else
		rc = run(&f, c, n);
	serve_flags_free(&f);
	curl_global_cleanup();
	return rc;
}
