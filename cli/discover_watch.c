/* Follows the directories and writes what comes of it: to standard output or a
 * file, and to a command.  Nothing is written before every directory was
 * listed, since half a list looks like a whole one; and while etcd is silent
 * the last list stays as it is.  Changes of one turn of the loop are written
 * together, and a format that has no words for a change writes the list anew
 * as fast as it is read. */
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cli/discover.h"
#include "cli/discover_flags.h"
#include "core/buf.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/xalloc.h"
#include "discover/on_change.h"
#include "discover/output.h"
#include "discover/roster_format.h"
#include "discover/stdout.h"
#include "etcd/follow.h"

enum { MAX_TEXT = 1 << 30 };

struct watch;

/* One directory. */
struct followed {
	struct watch *watch;
	size_t directory;
	struct etcd_follow *follow;
};

struct watch {
	const struct discover_flags *flags;
	struct loop *loop;
	struct roster *roster;
	struct followed *followed;
	int signals, rc;

	bool began;			/* every directory was listed */
	bool changed;			/* in this turn, since then */

	/* Where it goes; each may be NULL. */
	struct discover_stdout *out;
	struct discover_output *file;
	struct on_change *command;

	struct roster_writer *to_out, *to_file;
	struct buf lines;		/* for out, of this turn */
	bool list_again;		/* out is to get the list anew */
};

/* --- changes --- */

static void on_change(enum roster_change c, const struct roster_entry *e,
    void *arg)
{
	struct watch *w = arg;

	if (c == ROSTER_REGISTERED || c == ROSTER_CHANGED)
		discover_warn_unfit(w->flags, e);
	if (!w->began)
		return;
	w->changed = true;
	if (w->out != NULL && !roster_write_change(w->to_out, c, e, &w->lines))
		w->list_again = true;
}

static void render(void *arg, struct buf *out)
{
	struct watch *w = arg;

	roster_write_list(w->to_file, w->roster, out);
}

static void on_written(void *arg)
{
	struct watch *w = arg;

	if (w->command != NULL)
		on_change_changed(w->command);
}

/* With a file the command waits for that. */
static void tell_others(struct watch *w)
{
	if (w->file != NULL)
		discover_output_changed(w->file);
	else if (w->command != NULL)
		on_change_changed(w->command);
}

static void begin(struct watch *w)
{
	w->began = true;
	if (w->out != NULL) {
		discover_say_empty(w->flags, w->roster);
		roster_write_start(w->to_out, w->roster, &w->lines);
	}
	tell_others(w);
}

static void give_up(void *arg, const char *why)
{
	struct watch *w = arg;

	log_error("ending", LOG_S("err", why));
	w->rc = EXIT_FAILED;
	loop_stop(w->loop);
}

static void each_turn(void *arg, mono_t now)
{
	struct watch *w = arg;

	(void)now;
	if (w->changed)
		tell_others(w);
	w->changed = false;
	if (w->list_again && discover_stdout_idle(w->out)) {
		w->list_again = false;
		roster_write_start(w->to_out, w->roster, &w->lines);
	}
	if (w->lines.failed)
		give_up(w, "the list is longer than 1 GiB");
	else if (w->out != NULL)
		discover_stdout_add(w->out, &w->lines);
	buf_reset(&w->lines);
}

/* --- news of etcd --- */

static void on_listing(struct followed *f, const struct etcd_result *r)
{
	struct watch *w = f->watch;

	roster_listing(w->roster, f->directory, r);
	if (!w->began && roster_complete(w->roster))
		begin(w);
}

static void on_event(struct followed *f, const struct etcd_result *r)
{
	roster_event(f->watch->roster, f->directory, r);
}

static void on_trouble(struct followed *f, const struct etcd_result *r)
{
	const struct watch *w = f->watch;

	log_warn(w->began ? "cannot follow; keeping the last list" :
	    "cannot follow; trying until it can be listed",
	    LOG_S("directory", roster_directory(w->roster, f->directory)),
	    LOG_S("endpoint", r->endpoint), LOG_S("err", r->text));
}

static void on_well(struct followed *f, const struct etcd_result *r)
{
	log_info("following again", LOG_S("directory",
	    roster_directory(f->watch->roster, f->directory)),
	    LOG_S("endpoint", r->endpoint));
}

static void on_news(enum etcd_news news, const struct etcd_result *r,
    void *arg)
{
	static void (*const heard[])(struct followed *f,
	    const struct etcd_result *r) = {
		[ETCD_NEWS_LISTING] = on_listing,
		[ETCD_NEWS_EVENT] = on_event,
		[ETCD_NEWS_TROUBLE] = on_trouble,
		[ETCD_NEWS_WELL] = on_well,
	};

	heard[news](arg, r);
}

/* --- signals --- */

static void on_signal(void *arg)
{
	struct watch *w = arg;
	struct signalfd_siginfo info;

	while (read(w->signals, &info, sizeof(info)) ==
	    (ssize_t)sizeof(info)) {
		if (info.ssi_signo != SIGCHLD)
			loop_stop(w->loop);
		else if (w->command != NULL)
			on_change_reap(w->command);
	}
}

/* --- start and end --- */

static void make_file(struct watch *w, const char *path)
{
	const struct discover_output_source s = {
		.render = render, .written = on_written, .arg = w
	};

	w->file = discover_output_new(w->loop, path, &s);
}

static void make_command(struct watch *w)
{
	const struct on_change_options o = {
		.command = w->flags->on_change,
		.quiet_ms = w->flags->debounce_ms,
		.output = w->flags->output, .render = render, .arg = w,
	};

	w->command = on_change_new(w->loop, &o);
}

static void make(struct watch *w)
{
	const struct discover_flags *f = w->flags;
	enum roster_format format = (enum roster_format)f->format;

	w->to_file = roster_writer_new(format, 0);
	w->to_out = roster_writer_new(format, discover_width());
	buf_init(&w->lines, MAX_TEXT);
	w->roster = roster_new((const char *const *)f->directories.v,
	    f->directories.n, on_change, w);
	if (f->output != NULL)
		make_file(w, f->output);
	else
		w->out = discover_stdout_new(w->loop, give_up, w);
	if (f->on_change != NULL)
		make_command(w);
	loop_watch_fd(w->loop, w->signals, on_signal, w);
	loop_each_turn(w->loop, each_turn, w);
}

static void follow(struct watch *w, struct etcd_client *client)
{
	const struct etcd_follow_options o = {
		.resync_ms = w->flags->resync_ms, .stale = w->flags->stale
	};
	size_t n = roster_directories(w->roster);

	w->followed = xcalloc(n, sizeof(*w->followed));
	for (size_t i = 0; i < n; i++) {
		struct followed *f = &w->followed[i];

		*f = (struct followed){ .watch = w, .directory = i };
		f->follow = etcd_follow_start(client,
		    roster_directory(w->roster, i), &o, on_news, f);
	}
}

static void stop(struct watch *w)
{
	for (size_t i = 0; i < roster_directories(w->roster); i++)
		etcd_follow_stop(w->followed[i].follow);
	free(w->followed);
	on_change_free(w->command);
	discover_output_free(w->file);
	discover_stdout_free(w->out);
	roster_free(w->roster);
	roster_writer_free(w->to_out);
	roster_writer_free(w->to_file);
	buf_free(&w->lines);
	close(w->signals);
}

int discover_watch(const struct discover_flags *f,
    const struct etcd_access *a)
{
	struct watch w = { .flags = f, .loop = a->loop, .rc = EXIT_OK };

	w.signals = discover_signals();
	if (w.signals < 0)
		return EXIT_FAILED;
	make(&w);
	follow(&w, a->client);
	loop_run(w.loop);
	stop(&w);
	return w.rc;
}
