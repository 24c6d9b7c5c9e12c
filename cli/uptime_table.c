/* What `rollcall uptime` shows to people: one line for each service, worst
 * first, with a bar that says when it was down.  Shortened numbers never say
 * more than is true: 99.999 % that was not 100 % is not rounded up, and what
 * has no uptime has a dash. */
#include "cli/uptime_table.h"

#include <langinfo.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/calendar.h"
#include "cli/columns.h"
#include "cli/events_table.h"
#include "core/buf.h"
#include "core/timefmt.h"
#include "core/xalloc.h"

struct line {
	struct history_uptime row;	/* its texts are the three */
	char *cluster, *service, *instance;
	size_t at;			/* how it came */
	char bar[UPTIME_BAR];		/* levels, or a letter */
};

struct uptime_table {
	bool by_name, wide, utc;
	struct line *v;
	size_t n, cap;
	size_t slice_line, slice;	/* which comes next */
	size_t bars;			/* lines that have one */
};

/* What a slice looks like: its level, or one of these. */
enum { UNKNOWN = 'u', MAINTENANCE = 'm', ABSENT = ' ' };
enum { LEVELS = 8 };

struct uptime_table *uptime_table_new(bool by_name, bool wide, bool utc)
{
	struct uptime_table *t = xcalloc(1, sizeof(*t));

	t->by_name = by_name;
	t->wide = wide;
	t->utc = utc;
	return t;
}

void uptime_table_free(struct uptime_table *t)
{
	for (size_t i = 0; i < t->n; i++) {
		free(t->v[i].cluster);
		free(t->v[i].service);
		free(t->v[i].instance);
	}
	free(t->v);
	free(t);
}

bool uptime_table_row(const struct history_uptime *row, void *table)
{
	struct uptime_table *t = table;
	struct line *l;

	if (t->n == t->cap) {
		t->cap = t->cap ? t->cap * 2 : 64;
		t->v = xreallocarray(t->v, t->cap, sizeof(*t->v));
	}
	l = &t->v[t->n];
	*l = (struct line){
		.row = *row, .at = t->n++, .cluster = xstrdup(row->cluster),
		.service = xstrdup(row->service),
		.instance = xstrdup(row->instance),
	};
	l->row.cluster = l->cluster;
	l->row.service = l->service;
	l->row.instance = l->instance;
	return true;
}

/* --- bars --- */

static bool same_subject(const struct history_uptime *a,
    const struct history_uptime *b)
{
	return strcmp(a->cluster, b->cluster) == 0 &&
	    strcmp(a->service, b->service) == 0 &&
	    (a->instance == NULL) == (b->instance == NULL) &&
	    (a->instance == NULL || strcmp(a->instance, b->instance) == 0);
}

/* Whatever was down, be it a moment, is seen: only a slice without any is
 * full. */
static char level_of(const struct history_uptime *row)
{
	int64_t judged = row->up_ms + row->down_ms;

	if (judged == 0 && row->maintenance_ms > 0)
		return MAINTENANCE;
	if (judged == 0)
		return row->unknown_ms > row->absent_ms ? UNKNOWN : ABSENT;
	if (row->down_ms == 0)
		return LEVELS;
	return (char)(1 + (LEVELS - 2) * row->up_ms / judged);
}

bool uptime_table_slice(const struct history_uptime *row, void *table)
{
	struct uptime_table *t = table;

	/* Who came between the two questions has no row. */
	while (t->slice_line < t->n && t->slice == 0 &&
	    !same_subject(row, &t->v[t->slice_line].row))
		t->slice_line++;
	if (t->slice_line == t->n)
		return false;
	t->v[t->slice_line].bar[t->slice] = level_of(row);
	if (++t->slice < UPTIME_BAR)
		return true;
	t->slice = 0;
	t->slice_line++;
	t->bars++;
	return true;
}

static char *bar_text(const struct line *l, bool unicode)
{
	static const char *const blocks[LEVELS + 1] = {
		" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	static const char ascii[LEVELS + 1] = " _.:-=+*#";
	struct buf b;

	buf_init(&b, 1024);
	for (size_t i = 0; i < UPTIME_BAR; i++) {
		char c = l->bar[i];

		if (c == UNKNOWN)
			buf_adds(&b, unicode ? "·" : "?");
		else if (c > LEVELS || c < 0)
			buf_addc(&b, c);
		else if (unicode)
			buf_adds(&b, blocks[(int)c]);
		else
			buf_addc(&b, ascii[(int)c]);
	}
	return buf_take(&b, NULL);
}

/* --- cells --- */

/* Cut, not rounded, so that 100 % is all of it. */
static char *percent(double ratio, int digits)
{
	double scale = pow(10, digits);

	if (isnan(ratio))
		return xstrdup("-");
	if (ratio >= 1)
		return xstrdup("100 %");
	return xasprintf("%.*f %%", digits,
	    floor(ratio * 100 * scale + 1e-9) / scale);
}

/* With bounds where they say more than the figure. */
static char *uptime_text(const struct history_uptime *row)
{
	char *low, *high, *both;

	if (isnan(row->uptime) ||
	    row->uptime_high - row->uptime_low < 0.00005)
		return percent(row->uptime, 3);
	low = percent(row->uptime_low, 2);
	high = percent(row->uptime_high, 2);
	low[strcspn(low, " ")] = '\0';
	both = xasprintf("%s-%s", low, high);
	free(low);
	free(high);
	return both;
}

static char *length(int64_t ms)
{
	char text[TIMEFMT_MAX];

	if (ms < 0)
		return xstrdup("-");
	return xstrdup(timefmt_duration(events_round_down(ms), text));
}

static bool several_clusters(const struct uptime_table *t)
{
	for (size_t i = 1; i < t->n; i++)
		if (strcmp(t->v[i].row.cluster, t->v[0].row.cluster) != 0)
			return true;
	return false;
}

static char *name_of(const struct history_uptime *r, bool cluster)
{
	return xasprintf("%s%s%s%s%s", cluster ? r->cluster : "",
	    cluster ? ": " : "", r->service, r->instance != NULL ? "/" : "",
	    r->instance != NULL ? r->instance : "");
}

/* --- the table --- */

enum { NAME, WHEN, UPTIME, SEEN, DOWN, OUTAGES, LONGEST, MTBF, MTTR, BAR,
    NCOLUMNS };

static const struct column specs[NCOLUMNS] = {
	[NAME] = { .name = "SERVICE", .elastic = true },
	[WHEN] = { .name = "" },
	[UPTIME] = { .name = "UPTIME", .right = true },
	[SEEN] = { .name = "SEEN", .right = true, .drop = 1 },
	[DOWN] = { .name = "DOWN", .right = true },
	[OUTAGES] = { .name = "OUTAGES", .right = true, .drop = 2 },
	[LONGEST] = { .name = "LONGEST", .right = true, .drop = 4 },
	[MTBF] = { .name = "MTBF", .right = true, .drop = 6 },
	[MTTR] = { .name = "MTTR", .right = true, .drop = 5 },
	[BAR] = { .name = "", .drop = 3 },
};

static int worst_first(const void *va, const void *vb)
{
	const struct line *a = va, *b = vb;
	double x = isnan(a->row.uptime) ? 2 : a->row.uptime;
	double y = isnan(b->row.uptime) ? 2 : b->row.uptime;

	if (x != y)
		return x < y ? -1 : 1;
	return a->at < b->at ? -1 : 1;
}

static void add_line(struct columns *c, const struct uptime_table *t,
    const struct line *l, bool cluster, bool dates)
{
	bool unicode = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	const struct history_uptime *r = &l->row;
	char date[20];
	char *cells[NCOLUMNS] = {
		[NAME] = name_of(r, cluster),
		[WHEN] = xstrdup(dates ? calendar_date(r->from, t->utc,
		    date) : ""),
		[UPTIME] = uptime_text(r),
		[SEEN] = percent(r->coverage, 1),
		[DOWN] = r->up_ms + r->down_ms > 0 ? length(r->down_ms) :
		    xstrdup("-"),
		[OUTAGES] = xasprintf("%lld", (long long)r->outages),
		[LONGEST] = r->outages > 0 ? length(r->longest_ms) :
		    xstrdup("-"),
		[MTBF] = t->wide ? length(r->mtbf_ms) : xstrdup(""),
		[MTTR] = t->wide ? length(r->mttr_ms) : xstrdup(""),
		[BAR] = dates || t->bars == 0 ? xstrdup("") :
		    bar_text(l, unicode),
	};

	columns_add(c, cells);
}

static void name_columns(struct columns *c, const struct uptime_table *t,
    bool dates)
{
	char from[20], to[20], range[48];

	if (t->n > 0 && t->v[0].row.instance != NULL)
		columns_name(c, NAME, "SERVICE/INSTANCE");
	if (dates)
		columns_name(c, WHEN, "FROM");
	if (!t->wide) {
		columns_name(c, MTBF, "");
		columns_name(c, MTTR, "");
	}
	if (t->bars == 0 || dates)
		return;
	calendar_date(t->v[0].row.from, t->utc, from);
	calendar_date(t->v[0].row.to, t->utc, to);
	from[10] = to[10] = '\0';
	/* The year of the end says that of the beginning. */
	snprintf(range, sizeof(range), "%s .. %s", from + 5, to);
	columns_name(c, BAR, strcmp(from, to) == 0 ? to : range);
}

void uptime_table_print(struct uptime_table *t, FILE *out, size_t width,
    bool dates, size_t limit)
{
	struct columns *c = columns_new(specs, NCOLUMNS);
	bool clusters = several_clusters(t);
	size_t n = limit > 0 && limit < t->n ? limit : t->n;

	setlocale(LC_CTYPE, "");	/* for bars of what it can show */
	if (!t->by_name && !dates && t->n > 1)
		qsort(t->v, t->n, sizeof(*t->v), worst_first);
	name_columns(c, t, dates);
	for (size_t i = 0; i < n; i++)
		add_line(c, t, &t->v[i], clusters, dates);
	if (n > 0)
		columns_print(c, out, t->wide ? 0 : width);
	else
		fprintf(out, "nobody was registered or expected\n");
	if (n < t->n)
		fprintf(out, "... and %zu more\n", t->n - n);
	columns_free(c);
}
