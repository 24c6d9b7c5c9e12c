/* `rollcall events`: what happened to the instances, out of the database,
 * whether the daemon runs or not, or asked of a daemon. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/asking.h"
#include "cli/columns.h"
#include "cli/command.h"
#include "cli/events_table.h"
#include "cli/rows.h"
#include "core/err.h"
#include "core/timefmt.h"

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
	    " first. Reads the database; the daemon may be running or not.",
	.operands = "[SERVICE[/INSTANCE]]",
	.example = "rollcall events --since 24h --service 'login_*'",
	FLAG_SET_FLAGS(table),
};

struct printing {
	struct events_table *table;
	size_t n;
};

static bool tabulate(const struct history_event *ev, void *arg)
{
	struct printing *p = arg;

	events_table_add(p->table, ev);
	p->n++;
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
	rows_end(&rows, rc == HISTORY_OK);
	return rc;
}

static void print_nothing(wall_t since)
{
	char *text = timefmt_local(since);

	if (since.ms != 0)
		printf("no events since %.19s\n", text);
	else
		printf("no events\n");
	free(text);
}

static enum history_rc print_table(struct asked *a,
    const struct history_events_query *q, struct err *e)
{
	struct printing p = { events_table_new(), 0 };
	enum history_rc rc = a->source.events(a->session, q, tabulate, &p, e);

	asking_quiet(a);
	if (rc == HISTORY_OK && p.n > 0)
		events_table_print(p.table, stdout, (int)columns_width());
	else if (rc == HISTORY_OK)
		print_nothing(a->from);
	events_table_free(p.table);
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
	    print_table(a, &q, &e) : print_rows(f, a, &q, &e);

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
