/* `rollcall discover`: who is registered in etcd.  Here is what comes before
 * and after the work, which cli/discover_once.c and cli/discover_watch.c
 * do. */
#include "cli/discover.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/discover_flags.h"
#include "cli/im_config.h"
#include "core/log.h"
#include "discover/roster_format.h"

enum { LOG_STOP_MS = 300 };

int discover_signals(void)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT,
	    SIGCHLD };
	sigset_t set;
	int fd;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaddset(&set, signals[i]);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		log_error("not started", LOG_S("err", strerror(errno)));
	return fd;
}

void discover_warn_unfit(const struct discover_flags *f,
    const struct roster_entry *e)
{
	const char *reason = roster_unfit((enum roster_format)f->format, e);

	if (reason != NULL)
		log_warn("left out of the list", LOG_S("key", e->key),
		    LOG_S("format", roster_format_names[f->format]),
		    LOG_S("reason", reason));
}

unsigned discover_width(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
		return size.ws_col;
	return 0;
}

void discover_say_empty(const struct discover_flags *f,
    const struct roster *r)
{
	if (f->format != ROSTER_TABLE)
		return;
	for (size_t i = 0; i < roster_directories(r); i++)
		if (roster_count(r, i) == 0)
			fprintf(stderr, "rollcall discover: no instance is"
			    " registered in %s\n", roster_directory(r, i));
}

static void warn_of_config(const struct im_config *c)
{
	for (size_t i = 0; c != NULL && i < c->warnings.n; i++)
		log_warn(c->warnings.v[i]);
}

int cli_discover(int argc, char **argv)
{
	struct discover_flags f;
	struct etcd_access a;
	int rc = discover_flags_parse(argc, argv, &f);

	if (rc >= 0)
		return rc;
	rc = etcd_access_open(&discover_flag_set, &f.etcd,
	    f.im != NULL ? &f.im->endpoints : NULL, &a);
	if (rc < 0) {
		log_start((enum log_level)f.log_level,
		    (enum log_format)f.log_format, STDERR_FILENO);
		warn_of_config(f.im);
		rc = f.watch ? discover_watch(&f, &a) :
		    discover_once(&f, &a);
		etcd_access_close(&a);
		log_stop(LOG_STOP_MS);
	}
	discover_flags_free(&f);
	return rc;
}
