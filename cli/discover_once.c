/* Lists the directories once.  All of them, or nothing: half a list looks like
 * a whole one. */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cli/discover.h"
#include "cli/discover_flags.h"
#include "cli/etcd_access.h"
#include "core/buf.h"
#include "core/err.h"
#include "core/loop.h"
#include "core/xalloc.h"
#include "discover/file.h"
#include "discover/roster_format.h"

enum { MAX_LIST = 1 << 30 };

struct once {
	const struct discover_flags *flags;
	struct loop *loop;
	struct roster *roster;
	int signals;
	bool failed;
};

/* One directory. */
struct question {
	struct once *once;
	size_t directory;
};

static void on_change(enum roster_change c, const struct roster_entry *e,
    void *arg)
{
	const struct once *o = arg;

	(void)c;
	discover_warn_unfit(o->flags, e);
}

/* Only the first: the others may have the same cause.  The text begins with
 * the path. */
static void fail(struct once *o, const struct etcd_result *r)
{
	if (!o->failed)
		fprintf(stderr, "rollcall discover: %s%s\n", r->endpoint,
		    r->text);
	o->failed = true;
	loop_stop(o->loop);
}

static void on_answer(const struct etcd_result *r, void *arg)
{
	const struct question *q = arg;
	struct once *o = q->once;

	if (r->outcome != ETCD_OK) {
		fail(o, r);
		return;
	}
	roster_listing(o->roster, q->directory, r);
	if (roster_complete(o->roster))
		loop_stop(o->loop);
}

static void on_signal(void *arg)
{
	struct once *o = arg;
	struct signalfd_siginfo info;

	if (read(o->signals, &info, sizeof(info)) == (ssize_t)sizeof(info) &&
	    info.ssi_signo != SIGCHLD) {
		o->failed = true;
		loop_stop(o->loop);
	}
}

static void ask(struct once *o, const struct etcd_access *a)
{
	size_t n = roster_directories(o->roster);
	struct question *questions = xcalloc(n, sizeof(*questions));

	loop_watch_fd(o->loop, o->signals, on_signal, o);
	for (size_t i = 0; i < n; i++) {
		struct etcd_request r = etcd_list(
		    roster_directory(o->roster, i));

		r.recursive = true;
		r.quorum = !o->flags->stale;
		questions[i] = (struct question){ o, i };
		etcd_send(a->client, &r, on_answer, &questions[i]);
	}
	loop_run(o->loop);
	free(questions);
}

static size_t count(const struct roster *r)
{
	size_t n = 0;

	for (size_t i = 0; i < roster_directories(r); i++)
		n += roster_count(r, i);
	return n;
}

static int write_list(const struct once *o)
{
	const struct discover_flags *f = o->flags;
	enum roster_format format = (enum roster_format)f->format;
	struct roster_writer *w = roster_writer_new(format,
	    f->output != NULL ? 0 : discover_width());
	struct buf b;
	struct err e;
	int rc = 0;

	buf_init(&b, MAX_LIST);
	roster_write_list(w, o->roster, &b);
	err_set(&e, "the list is longer than 1 GiB");
	if (b.failed)
		rc = -1;
	else if (f->output != NULL)
		rc = discover_file_write(f->output, buf_str(&b), b.len, &e);
	else if (format != ROSTER_TABLE || count(o->roster) > 0)
		fwrite(buf_str(&b), 1, b.len, stdout);	/* main.c sees to it */
	if (rc < 0)
		fprintf(stderr, "rollcall discover: %s\n", e.text);
	buf_free(&b);
	roster_writer_free(w);
	return rc < 0 ? EXIT_FAILED : EXIT_OK;
}

int discover_once(const struct discover_flags *f, const struct etcd_access *a)
{
	struct once o = { .flags = f, .loop = a->loop };
	int rc = EXIT_FAILED;

	o.signals = discover_signals();
	if (o.signals < 0)
		return rc;
	o.roster = roster_new((const char *const *)f->directories.v,
	    f->directories.n, on_change, &o);
	ask(&o, a);
	close(o.signals);
	if (!o.failed) {
		/* Whoever reads the list may stand still. */
		etcd_access_let_signals();
		discover_say_empty(f, o.roster);
		rc = write_list(&o);
	}
	roster_free(o.roster);
	return rc;
}
