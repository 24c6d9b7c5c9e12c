/* `rollcall events`: what happened to the instances, out of the database,
 * whether the daemon runs or not. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/events_print.h"
#include "cli/flags.h"
#include "core/config.h"
#include "core/err.h"
#include "core/problems.h"
#include "core/timefmt.h"
#include "core/xalloc.h"
#include "db/history.h"

enum { DEFAULT_WIDTH = 80 };

struct events_flags {
	const char *storage_path, *config_file;
	const char *since, *until;
	const char *service, *instance, *cluster;
	int64_t limit;
	int format;			/* enum events_format */
};

static const char *const formats[] = { "table", "json", "csv", NULL };

#define AT(member) .offset = offsetof(struct events_flags, member)

static const struct flag table[] = {
	{ .name = "storage.path", .type = FLAG_STRING, AT(storage_path),
	  .value = "FILE", .not_empty = true, .help = "The database. By"
	    " default the one that --config.file names, or rollcall.db." },
	{ .name = "config.file", .type = FLAG_STRING, AT(config_file),
	  .value = "FILE", .not_empty = true, .help = "The configuration that"
	    " names the database." },
	{ .name = "since", .type = FLAG_STRING, AT(since), .value = "TIME",
	  .help = "How far to look back: a duration such as 90m or 7d, or an"
	    " RFC 3339 time. 0 means from the beginning.",
	  .fallback = "1h" },
	{ .name = "until", .type = FLAG_STRING, AT(until), .value = "TIME",
	  .help = "Where to stop, in the same two ways. By default now." },
	{ .name = "service", .type = FLAG_STRING, AT(service),
	  .value = "GLOB", .help = "Only services whose name matches." },
	{ .name = "instance", .type = FLAG_STRING, AT(instance),
	  .value = "GLOB", .help = "Only instances whose id matches." },
	{ .name = "cluster", .type = FLAG_STRING, AT(cluster),
	  .value = "NAME", .help = "Only this etcd cluster." },
	{ .name = "limit", .type = FLAG_INT, AT(limit), .value = "N",
	  .help = "Only the newest N events. 0 means all.",
	  .fallback = "0" },
	{ .name = "format", .type = FLAG_WORD, AT(format),
	  .value = "table|json|csv", .words = formats, .fallback = "table",
	  .help = "table is for reading, in local time; json and csv have"
	    " RFC 3339 times in UTC and more fields." },
};

static const struct flag_set flags = {
	.command = "events",
	.summary = "Shows when instances came and went, and why, oldest"
	    " first. Reads the database; the daemon may be running or not.",
	.example = "rollcall events --since 24h --service 'login_*'",
	FLAG_SET_FLAGS(table),
};

/* A duration before now, or a moment.  "0" is a moment too: the first. */
static int parse_time(const char *flag, const char *text, wall_t *t_r)
{
	struct err as_duration, as_time;
	int64_t ms;

	if (strcmp(text, "0") == 0) {
		*t_r = (wall_t){ 0 };
		return -1;
	}
	if (timefmt_parse_duration(text, &ms, &as_duration) == 0) {
		*t_r = wall_add(clock_wall(), -ms);
		return -1;
	}
	if (timefmt_parse_rfc3339(text, t_r, &as_time) == 0)
		return -1;
	/* The second reading is meant where there is a date. */
	if (text[0] != '-' && strchr(text, '-'))
		return flags_usage(&flags, "--%s: %s", flag, as_time.text);
	return flags_usage(&flags, "--%s: %s (it takes a duration such as 1h,"
	    " or a time such as 2026-11-22T08:00:00Z)", flag,
	    as_duration.text);
}

/* The window and the filters; -1 to go on, else the exit code. */
static int make_query(const struct events_flags *f,
    struct history_events_query *q)
{
	int rc;

	*q = (struct history_events_query){
		.who = { f->cluster, f->service, f->instance },
		.limit = f->limit,
	};
	rc = parse_time("since", f->since, &q->from);
	if (rc < 0 && f->until != NULL)
		rc = parse_time("until", f->until, &q->to);
	if (rc >= 0)
		return rc;
	if (f->limit < 0)
		return flags_usage(&flags, "--limit must not be negative");
	if (q->to.ms != 0 && q->to.ms < q->from.ms)
		return flags_usage(&flags, "--until is before --since");
	return -1;
}

/* Free the result; NULL when all was said. */
static char *storage_path(const struct events_flags *f)
{
	struct problems p = { 0 };
	struct config *c;
	char *path;

	if (f->storage_path != NULL)
		return xstrdup(f->storage_path);
	if (f->config_file == NULL)
		return xstrdup("rollcall.db");
	c = config_load(f->config_file, &p);
	for (size_t i = 0; i < p.n; i++)
		fprintf(stderr, "%s\n", p.lines[i]);
	path = c != NULL ? xstrdup(c->storage.path) : NULL;
	problems_free(&p);
	config_unref(c);
	return path;
}

static int width_of_terminal(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	return DEFAULT_WIDTH;
}

static int print_events(const char *path,
    const struct history_events_query *q,
    enum events_format format)
{
	struct events_printer *p = events_printer_new(stdout, format,
	    width_of_terminal());
	struct history_source source = history_of_file(path);
	struct err e;
	void *session = source.open(source.arg, &e);
	enum history_rc rc = HISTORY_FAILED;

	if (session != NULL)
		rc = source.events(session, q, events_print, p, &e);
	source.close(session);
	if (rc != HISTORY_OK) {
		fprintf(stderr, "rollcall events: %s\n", e.text);
		events_printer_free(p);
		return EXIT_FAILED;
	}
	events_printer_end(p, q->from);	/* main.c sees to stdout */
	return EXIT_OK;
}

int cli_events(int argc, char **argv)
{
	struct events_flags f = { 0 };
	struct history_events_query q;
	char *path;
	int rc = flags_parse(&flags, argc, argv, &f, NULL);

	if (rc < 0)
		rc = make_query(&f, &q);
	if (rc >= 0)
		return rc;
	path = storage_path(&f);
	if (path == NULL)
		return EXIT_FAILED;
	rc = print_events(path, &q, (enum events_format)f.format);
	free(path);
	return rc;
}
