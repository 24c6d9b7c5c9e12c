/* `rollcall events`: what happened to the instances, out of the database,
 * whether the daemon runs or not, or asked of a daemon. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/asking.h"
#include "cli/calendar.h"
#include "cli/columns.h"
#include "cli/command.h"
#include "cli/rows.h"
#include "core/err.h"
#include "core/timefmt.h"
#include "core/xalloc.h"

struct events_flags {
	struct asking asking;
	int64_t limit;
};

#define AT(member) .offset = offsetof(struct events_flags, member)

static const struct flag table[] = {
	ASKING_FLAGS(struct events_flags, "1h"),
	{ .name = "limit", .type = FLAG_INT, AT(limit), .value = "N",
	  .help = "Only the newest N events. 0 means all.",
	  .fallback = "0" },
};

static const struct flag_set flags = {
	.command = "events",
	.summary = "Shows when instances came and went, and why, oldest"
	    " first. Reads the database, beside a daemon or without one, or"
	    " asks a daemon (--url)."
	    " ADDRESS, where there is room for it, is the one that the value"
	    " of the instance named last.",
	.operands = "[SERVICE[/INSTANCE]]",
	.example = "rollcall events --since 24h --service 'login_*'",
	FLAG_SET_FLAGS(table),
};

enum { CLUSTER, TIME, WHO, STATE, CAUSE, AFTER, ADDRESS, NCOLUMNS };

static const struct column specs[NCOLUMNS] = {
	[CLUSTER] = { .name = "CLUSTER" },
	[TIME] = { .name = "TIME" },
	[WHO] = { .name = "SERVICE/INSTANCE", .elastic = 18 },
	[STATE] = { .name = "STATE" },
	[CAUSE] = { .name = "CAUSE" },
	[AFTER] = { .name = "AFTER", .drop = 1 },
	[ADDRESS] = { .name = "ADDRESS", .drop = COLUMNS_LUXURY },
};

struct printing {
	struct columns *columns;
	bool any, utc;
};

/* The state before, and how long that was. */
static char *after(const struct history_event *ev)
{
	char *length, *text;

	if (ev->was == NULL)
		return xstrdup("new");
	if (ev->was_ms < 0)
		return xstrdup(ev->was);
	length = columns_length(ev->was_ms);
	text = xasprintf("%s %s", ev->was, length);
	free(length);
	return text;
}

static char *moment(wall_t t, bool utc)
{
	char text[TIMEFMT_MAX];

	if (!utc)
		return timefmt_local(t);
	timefmt_rfc3339(t, text);
	return xasprintf("%.10s %.12s", text, text + 11);
}

static bool tabulate(const struct history_event *ev, void *arg)
{
	struct printing *p = arg;
	char *cells[NCOLUMNS] = {
		[CLUSTER] = xstrdup(ev->cluster),
		[TIME] = moment(ev->at, p->utc),
		[WHO] = xasprintf("%s/%s", ev->service, ev->instance),
		[STATE] = xstrdup(ev->state),
		[CAUSE] = xstrdup(ev->cause),
		[AFTER] = after(ev),
		[ADDRESS] = xstrdup(ev->address != NULL ? ev->address : ""),
	};

	columns_add(p->columns, cells);
	p->any = true;
	return true;
}

static bool add_row(const struct history_event *row, void *rows)
{
	return rows_add(rows, row);
}

static enum history_rc print_rows(const struct events_flags *f,
    struct asked *a, const struct history_events_query *q, struct err *e)
{
	struct rows rows;
	enum history_rc rc;

	rows_begin(&rows, stdout, &history_event_rows,
	    f->asking.format == ASKING_CSV);
	rc = a->source.events(a->session, q, add_row, &rows, e);
	if (rc == HISTORY_OK && rows.n == 0)
		rc = asking_nobody(a, e);
	rows_end(&rows, rc == HISTORY_OK);
	return rc;
}

static void print_nothing(const struct asked *a, bool utc)
{
	char text[CALENDAR_MAX], *zone = calendar_zone(utc);

	if (a->from.ms != 0)
		printf("no events since %s %s\n",
		    calendar_second(a->from, utc, text), zone);
	else
		printf("no events\n");
	free(zone);
	asking_note_beginning(a, utc);
}

static enum history_rc print_table(const struct events_flags *f,
    struct asked *a, const struct history_events_query *q, struct err *e)
{
	struct printing p = { columns_new(specs, NCOLUMNS), false,
	    f->asking.utc };
	enum history_rc rc = a->source.events(a->session, q, tabulate, &p, e);
	char *zone = calendar_zone(p.utc);

	asking_quiet(a);
	columns_qualify(p.columns, CLUSTER, WHO);
	columns_unit(p.columns, TIME, zone);
	if (rc == HISTORY_OK && !p.any)
		rc = asking_nobody(a, e);
	if (rc == HISTORY_OK && p.any)
		columns_print(p.columns, stdout, columns_width());
	else if (rc == HISTORY_OK)
		print_nothing(a, p.utc);
	columns_free(p.columns);
	free(zone);
	return rc;
}

static int answer(const struct events_flags *f, struct asked *a)
{
	/* What came after the last proof is an event, too. */
	const struct history_events_query q = {
		.who = a->who, .from = a->from,
		.to = f->asking.to != NULL ? a->to : (wall_t){ 0 },
		.limit = f->limit,
	};
	struct err e;
	enum history_rc rc = f->asking.format == ASKING_TABLE ?
	    print_table(f, a, &q, &e) : print_rows(f, a, &q, &e);

	return asking_result(&flags, a, rc, &e);
}

int cli_events(int argc, char **argv)
{
	struct events_flags f = { .limit = 0 };
	struct string_list operands = { 0 };
	struct asked a;
	int rc = flags_parse(&flags, argc, argv, &f, &operands);

	if (rc >= 0)
		return rc;
	if (f.limit < 0)
		rc = flags_usage(&flags, "--limit must not be negative");
	else
		rc = asking_open(&flags, &f.asking, &operands, "1h", &a);
	if (rc < 0) {
		rc = answer(&f, &a);
		asking_close(&a);
	}
	free(operands.v);
	return rc;
}
