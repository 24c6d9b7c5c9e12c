/* `rollcall uptime`: how much of a range services, or instances, were up, how
 * sure that is, and when they were not.  The arithmetic is db/'s
 * (docs/UPTIME.md). */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/asking.h"
#include "cli/calendar.h"
#include "cli/columns.h"
#include "cli/command.h"
#include "cli/rows.h"
#include "cli/uptime_table.h"
#include "core/err.h"
#include "core/xalloc.h"

enum sort { SORT_UPTIME, SORT_NAME };

struct uptime_flags {
	struct asking asking;
	bool instances, wide;
	int by, sort;
	int64_t min, limit;
};

static const char *const units[] = { "day", "week", "month", "all", NULL };
static const char *const sorts[] = { "uptime", "name", NULL };

enum { BY_ALL = 3 };	/* behind the units of calendar.h */

#define AT(member) .offset = offsetof(struct uptime_flags, member)

static const struct flag table[] = {
	ASKING_FLAGS(struct uptime_flags, "30d"),
	{ .name = "instances", .type = FLAG_BOOL, AT(instances),
	  .help = "Of each instance, not of each service." },
	{ .name = "by", .type = FLAG_WORD, AT(by),
	  .value = "day|week|month|all", .words = units, .fallback = "all",
	  .help = "One line for each day, week (from Monday on) or month of"
	    " the local zone, be it one that nobody watched." },
	{ .name = "min", .type = FLAG_INT, AT(min), .value = "N",
	  .help = "A service is up while at least N"
	    " instances are. By default the min_instances that was in force"
	    " at the time." },
	{ .name = "sort", .type = FLAG_WORD, AT(sort), .value = "uptime|name",
	  .words = sorts, .fallback = "uptime", .help = "The worst first, or"
	    " by name." },
	{ .name = "limit", .type = FLAG_INT, AT(limit), .value = "N",
	  .fallback = "0", .help = "Only the first N lines of the table. 0"
	    " means all." },
	{ .name = "wide", .type = FLAG_BOOL, AT(wide), .help = "All columns,"
	    " with mean time between failures and to recovery, however wide"
	    " the terminal is." },
};

static const struct flag_set flags = {
	.command = "uptime",
	.summary = "Shows how much of the time services were up: registered,"
	    " and not fewer than their minimum. SEEN is how much of it was"
	    " watched at all; what was not, and maintenance, counts neither"
	    " as up nor as down.",
	.operands = "[SERVICE[/INSTANCE]]",
	.example = "rollcall uptime --from 2026-10-01 --to 2026-11-01 --by"
	    " week",
	FLAG_SET_FLAGS(table),
};

/* The edges of the intervals: of the calendar, or of the range alone. */
static size_t make_edges(const struct uptime_flags *f, const struct asked *a,
    wall_t **edges_r)
{
	if (f->by != BY_ALL)
		return calendar_edges(a->from, a->to,
		    (enum calendar_unit)f->by, f->asking.utc, edges_r);
	*edges_r = xcalloc(2, sizeof(**edges_r));
	(*edges_r)[0] = a->from;
	(*edges_r)[1] = a->to;
	return 2;
}

static bool add_row(const struct history_uptime *row, void *rows)
{
	return rows_add(rows, row);
}

static enum history_rc print_rows(const struct uptime_flags *f,
    struct asked *a, const struct history_uptime_query *q, struct err *e)
{
	struct rows rows;
	enum history_rc rc;

	rows_begin(&rows, stdout, &history_uptime_rows,
	    f->asking.format == ASKING_CSV);
	rc = a->source.uptime(a->session, q, add_row, &rows, e);
	if (rc == HISTORY_OK && rows.n == 0)
		rc = asking_nobody(a, e);
	rows_end(&rows, rc == HISTORY_OK);
	return rc;
}

/* The same once more, in slices, for the bars. */
static enum history_rc ask_slices(struct asked *a,
    const struct history_uptime_query *q, struct uptime_table *t,
    struct err *e)
{
	wall_t edges[UPTIME_BAR + 1];
	struct history_uptime_query slices = *q;
	enum history_rc rc;

	for (int i = 0; i <= UPTIME_BAR; i++)
		edges[i].ms = a->from.ms + (a->to.ms - a->from.ms) / UPTIME_BAR
		    * i;
	edges[UPTIME_BAR] = a->to;
	if (edges[1].ms <= edges[0].ms)
		return HISTORY_OK;
	slices.edges = edges;
	slices.nedges = UPTIME_BAR + 1;
	rc = a->source.uptime(a->session, &slices, uptime_table_slice, t, e);
	return rc == HISTORY_ENDED ? HISTORY_OK : rc;
}

static enum history_rc print_table(const struct uptime_flags *f,
    struct asked *a, const struct history_uptime_query *q, struct err *e)
{
	struct uptime_table *t = uptime_table_new(f->sort == SORT_NAME,
	    f->wide, f->asking.utc);
	enum history_rc rc = a->source.uptime(a->session, q,
	    uptime_table_row, t, e);

	if (rc == HISTORY_OK && f->by == BY_ALL)
		rc = ask_slices(a, q, t, e);
	asking_quiet(a);
	if (rc == HISTORY_OK && !uptime_table_print(t, stdout,
	    columns_width(), f->by != BY_ALL, (size_t)f->limit)) {
		rc = asking_nobody(a, e);
		if (rc == HISTORY_OK)
			printf("no %s is known in that time\n", q->of ==
			    HISTORY_SERVICES ? "service" : "instance");
	}
	if (rc == HISTORY_OK)
		asking_note_beginning(a, f->asking.utc);
	uptime_table_free(t);
	return rc;
}

/* --since=0 is from the beginning of history, not of 1970, of which next to
 * nothing was watched. */
static void begin_with_history(struct asked *a)
{
	if (a->from.ms == 0 && a->begins.ms < a->to.ms)
		a->from = a->begins;
}

static int answer(const struct uptime_flags *f, struct asked *a)
{
	wall_t *edges;
	size_t n = make_edges(f, a, &edges);
	const struct history_uptime_query q = {
		.who = a->who, .edges = edges, .nedges = n,
		.of = f->instances || a->who.instance != NULL ?
		    HISTORY_INSTANCES : HISTORY_SERVICES,
		.min_instances = f->min,
	};
	struct err e;
	enum history_rc rc = f->asking.format == ASKING_TABLE ?
	    print_table(f, a, &q, &e) : print_rows(f, a, &q, &e);

	free(edges);
	return asking_result(&flags, a, rc, &e);
}

int cli_uptime(int argc, char **argv)
{
	struct uptime_flags f = { .min = -1 };
	struct string_list operands = { 0 };
	struct asked a;
	int rc = flags_parse(&flags, argc, argv, &f, &operands);

	if (rc >= 0)
		return rc;
	if (f.limit < 0)
		rc = flags_usage(&flags, "--limit must not be negative");
	else if (f.min < -1)
		rc = flags_usage(&flags, "--min must not be negative");
	else
		rc = asking_open(&flags, &f.asking, &operands, "30d", &a);
	if (rc < 0) {
		begin_with_history(&a);
		rc = answer(&f, &a);
		asking_close(&a);
	}
	free(operands.v);
	return rc;
}
