/* `rollcall outages`: when instances, or services, were down, for how long,
 * why, and how soon that was seen. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/asking.h"
#include "cli/calendar.h"
#include "cli/columns.h"
#include "cli/command.h"
#include "cli/rows.h"
#include "core/err.h"
#include "core/xalloc.h"

struct outages_flags {
	struct asking asking;
	bool services;
	int64_t min, limit;
};

#define AT(member) .offset = offsetof(struct outages_flags, member)

static const struct flag table[] = {
	ASKING_FLAGS(struct outages_flags, "30d"),
	{ .name = "services", .type = FLAG_BOOL, AT(services),
	  .help = "Of services: the times below their minimum of"
	    " instances." },
	{ .name = "min", .type = FLAG_INT, AT(min), .value = "N",
	  .help = "With --services: below N instead of the"
	    " min_instances that was in force at the time." },
	{ .name = "limit", .type = FLAG_INT, AT(limit), .value = "N",
	  .fallback = "50", .help = "Only the newest N. 0 means all." },
};

static const struct flag_set flags = {
	.command = "outages",
	.summary = "Shows when instances were gone that had not signed off,"
	    " newest first. An outage begins when the registration ran out,"
	    " not when that was seen. ADDRESS, where there is room for it, is"
	    " the one that the value of the instance named last.",
	.operands = "[SERVICE[/INSTANCE]]",
	.example = "rollcall outages login_server --since 7d",
	FLAG_SET_FLAGS(table),
};

enum { CLUSTER, BEGAN, WHO, LASTED, CAUSE, SEEN_AFTER, ADDRESS, NCOLUMNS };

static const struct column specs[NCOLUMNS] = {
	[CLUSTER] = { .name = "CLUSTER" },
	[BEGAN] = { .name = "BEGAN" },
	[WHO] = { .name = "SERVICE/INSTANCE", .elastic = 20 },
	[LASTED] = { .name = "LASTED" },
	[CAUSE] = { .name = "CAUSE", .drop = 1 },
	[SEEN_AFTER] = { .name = "SEEN AFTER", .right = true, .drop = 2 },
	[ADDRESS] = { .name = "ADDRESS", .drop = COLUMNS_LUXURY },
};

enum { DOUBT_MS = 1000 };	/* less is not worth saying */

struct printing {
	struct columns *columns;
	wall_t to;			/* the end of the range */
	bool any, utc;
	bool doubtful;			/* "(?)" was written */
};

/* Of one that goes on, up to the end of the range; marked where nobody saw all
 * of it. */
static char *lasted(const struct history_outage *o, wall_t end)
{
	int64_t ms = (o->to.ms != 0 ? o->to.ms : end.ms) - o->from.ms;
	char *text = columns_length(ms > 0 ? ms : 0), *whole;

	whole = xasprintf("%s%s%s", text, o->to.ms == 0 ? ", goes on" : "",
	    o->unknown_ms > 0 ? " (?)" : "");
	free(text);
	return whole;
}

static char *cause(const struct history_outage *o)
{
	if (o->cause != NULL)
		return xstrdup(o->cause);
	return xasprintf("%lld of %lld up", (long long)o->up_least,
	    (long long)o->min_instances);
}

/* Of what ran out etcd tells the moment; what was found by comparing began
 * anywhere between the last sign and then.  A service's has no cause, and so
 * no doubt to be told. */
static int64_t doubt(const struct history_outage *o)
{
	static const char *const told[] = { "expire", "dir_expire",
		"etcd_outage" };
	int64_t before = o->from.ms - o->earliest.ms;
	int64_t after = o->seen.ms - o->from.ms;

	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++)
		if (o->cause == NULL || strcmp(o->cause, told[i]) == 0)
			return 0;
	before = before > after ? before : after;
	return before >= DOUBT_MS ? before : 0;
}

static char *seen_after(const struct history_outage *o)
{
	char *text = columns_length(o->seen.ms - o->from.ms), *about, *whole;

	if (doubt(o) == 0)
		return text;
	about = columns_length(doubt(o));
	whole = xasprintf("%s %s%s", text, columns_unicode() ? "\u00b1" : "+/-",
	    about);
	free(text);
	free(about);
	return whole;
}

static bool tabulate(const struct history_outage *o, void *arg)
{
	struct printing *p = arg;
	char text[CALENDAR_MAX];
	char *cells[NCOLUMNS] = {
		[CLUSTER] = xstrdup(o->cluster),
		[BEGAN] = xstrdup(calendar_second(o->from, p->utc, text)),
		[WHO] = xasprintf("%s%s%s", o->service,
		    o->instance != NULL ? "/" : "",
		    o->instance != NULL ? o->instance : ""),
		[LASTED] = lasted(o, p->to),
		[CAUSE] = cause(o),
		[SEEN_AFTER] = seen_after(o),
		[ADDRESS] = xstrdup(o->address != NULL ? o->address : ""),
	};

	columns_add(p->columns, cells);
	p->any = true;
	p->doubtful = p->doubtful || o->unknown_ms > 0;
	return true;
}

static bool add_row(const struct history_outage *row, void *rows)
{
	return rows_add(rows, row);
}

static enum history_rc print_rows(const struct outages_flags *f,
    struct asked *a, const struct history_outages_query *q, struct err *e)
{
	struct rows rows;
	enum history_rc rc;

	rows_begin(&rows, stdout, &history_outage_rows,
	    f->asking.format == ASKING_CSV);
	rc = a->source.outages(a->session, q, add_row, &rows, e);
	if (rc == HISTORY_OK && rows.n == 0)
		rc = asking_nobody(a, e);
	rows_end(&rows, rc == HISTORY_OK);
	return rc;
}

static enum history_rc print_table(const struct outages_flags *f,
    struct asked *a, const struct history_outages_query *q, struct err *e)
{
	struct printing p = { columns_new(specs, NCOLUMNS), a->to, false,
	    f->asking.utc, false };
	char *zone = calendar_zone(p.utc);
	enum history_rc rc;

	rc = a->source.outages(a->session, q, tabulate, &p, e);
	columns_unit(p.columns, BEGAN, zone);
	asking_quiet(a);
	columns_qualify(p.columns, CLUSTER, WHO);
	if (f->services) {
		columns_name(p.columns, WHO, "SERVICE");
		columns_hide(p.columns, ADDRESS);
	}
	if (rc == HISTORY_OK && !p.any)
		rc = asking_nobody(a, e);
	if (rc == HISTORY_OK && p.any)
		columns_print(p.columns, stdout, columns_width());
	else if (rc == HISTORY_OK)
		printf("no outages\n");
	if (p.doubtful)
		printf("\n(?) some of it was not watched\n");
	if (rc == HISTORY_OK)
		asking_note_beginning(a, f->asking.utc);
	columns_free(p.columns);
	free(zone);
	return rc;
}

static int answer(const struct outages_flags *f, struct asked *a)
{
	const struct history_outages_query q = {
		.who = a->who, .from = a->from, .to = a->to,
		.of = f->services ? HISTORY_SERVICES : HISTORY_INSTANCES,
		.min_instances = f->min, .limit = f->limit,
	};
	struct err e;
	enum history_rc rc = f->asking.format == ASKING_TABLE ?
	    print_table(f, a, &q, &e) : print_rows(f, a, &q, &e);

	return asking_result(&flags, a, rc, &e);
}

int cli_outages(int argc, char **argv)
{
	struct outages_flags f = { .min = -1 };
	struct string_list operands = { 0 };
	struct asked a;
	int rc = flags_parse(&flags, argc, argv, &f, &operands);

	if (rc >= 0)
		return rc;
	if (f.limit < 0)
		rc = flags_usage(&flags, "--limit must not be negative");
	else if (f.min < -1)
		rc = flags_usage(&flags, "--min must not be negative");
	else if (f.min >= 0 && !f.services)
		rc = flags_usage(&flags, "--min is for --services");
	else
		rc = asking_open(&flags, &f.asking, &operands, "30d", &a);
	if (rc < 0) {
		rc = answer(&f, &a);
		asking_close(&a);
	}
	free(operands.v);
	return rc;
}
