/* What `rollcall uptime` shows to people: one line for each service, worst
 * first, with a bar that says when it was down.  Shortened numbers never say
 * more than is true: 99.999 % that was not 100 % is not rounded up, and what
 * has no uptime has a dash. */
#include "cli/uptime_table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/calendar.h"
#include "cli/columns.h"
#include "core/buf.h"
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

/* Whatever was down, be it a moment, is seen, and what is known at all stands
 * for its slice: else the first day of a new rollcall, in a month of which 29
 * are unknown, would show a line of nothing beside "100 %". */
static char level_of(const struct history_uptime *row)
{
	int64_t judged = row->up_ms + row->down_ms;

	if (row->down_ms > 0)
		return (char)(1 + (LEVELS - 1) * row->up_ms / judged);
	if (judged > 0)
		return LEVELS;
	if (row->maintenance_ms > 0)
		return MAINTENANCE;
	return row->unknown_ms > row->absent_ms ? UNKNOWN : ABSENT;
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
	if (digits == 1 && ratio > 0 && ratio < 0.001)
		return xstrdup("<0.1 %");
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

static char *name_of(const struct history_uptime *r)
{
	return xasprintf("%s%s%s", r->service, r->instance != NULL ? "/" : "",
	    r->instance != NULL ? r->instance : "");
}

/* --- the table --- */

enum { CLUSTER, NAME, WHEN, UPTIME, SEEN, DOWN, OUTAGES, LONGEST, MTBF, MTTR,
    BAR, NCOLUMNS };

static const struct column specs[NCOLUMNS] = {
	[CLUSTER] = { .name = "CLUSTER" },
	[NAME] = { .name = "SERVICE", .elastic = 22 },
	[WHEN] = { .name = "FROM" },
	[UPTIME] = { .name = "UPTIME", .right = true },
	[SEEN] = { .name = "SEEN", .right = true, .drop = 1 },
	[DOWN] = { .name = "DOWN", .right = true },
	[OUTAGES] = { .name = "OUTAGES", .right = true, .drop = 2 },
	[LONGEST] = { .name = "LONGEST", .right = true, .drop = 4 },
	[MTBF] = { .name = "MTBF", .right = true,
	    .drop = COLUMNS_LUXURY + 1 },
	[MTTR] = { .name = "MTTR", .right = true, .drop = COLUMNS_LUXURY },
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
    const struct line *l)
{
	const struct history_uptime *r = &l->row;
	char date[CALENDAR_MAX];
	char *cells[NCOLUMNS] = {
		[CLUSTER] = xstrdup(r->cluster),
		[NAME] = name_of(r),
		[WHEN] = xstrdup(calendar_date(r->from, t->utc, date)),
		[UPTIME] = uptime_text(r),
		[SEEN] = percent(r->coverage, 1),
		[DOWN] = columns_length(r->up_ms + r->down_ms > 0 ?
		    r->down_ms : -1),
		[OUTAGES] = xasprintf("%lld", (long long)r->outages),
		[LONGEST] = columns_length(r->outages > 0 ? r->longest_ms :
		    -1),
		/* Down all the time is one outage, but not between two. */
		[MTBF] = columns_length(r->up_ms > 0 ? r->mtbf_ms : -1),
		[MTTR] = columns_length(r->mttr_ms),
		[BAR] = bar_text(l, columns_unicode()),
	};

	columns_add(c, cells);
}

static void name_bar(struct columns *c, const struct uptime_table *t)
{
	char from[CALENDAR_MAX], to[CALENDAR_MAX];
	char range[2 * CALENDAR_MAX + 4];

	calendar_date(t->v[0].row.from, t->utc, from);
	calendar_date(t->v[0].row.to, t->utc, to);
	from[10] = to[10] = '\0';
	/* The year of the end says that of the beginning. */
	snprintf(range, sizeof(range), "%s .. %s", strncmp(from, to, 4) == 0 ?
	    from + 5 : from, to);
	columns_name(c, BAR, strcmp(from, to) == 0 ? to : range);
}

/* Of what is in the bars, so that nobody has to know it by heart. */
static void print_legend(const struct uptime_table *t, size_t n, FILE *out)
{
	bool unicode = columns_unicode();
	const struct {
		char least, most;
		const char *text, *ascii;
	} kinds[] = {
		{ LEVELS, LEVELS, "█ up", "# up" },
		{ 1, LEVELS - 1, "▁-▇ down for a part",
		    "_.:-=+* down for a part" },
		{ UNKNOWN, UNKNOWN, "· not watched", "? not watched" },
		{ MAINTENANCE, MAINTENANCE, "m maintenance", "m maintenance" },
		{ ABSENT, ABSENT, "blank: not there", "blank: not there" },
	};
	char *zone = calendar_zone(t->utc);
	const char *comma = "\n";

	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		bool any = false;

		for (size_t i = 0; i < n * UPTIME_BAR && !any; i++) {
			char c = t->v[i / UPTIME_BAR].bar[i % UPTIME_BAR];

			any = c >= kinds[k].least && c <= kinds[k].most;
		}
		if (any) {
			fprintf(out, "%s%s", comma, unicode ? kinds[k].text :
			    kinds[k].ascii);
			comma = ", ";
		}
	}
	fprintf(out, "\nDates are in %s.\n", zone);
	free(zone);
}

static struct columns *tabulate(struct uptime_table *t, bool dates, size_t n)
{
	struct columns *c = columns_new(specs, NCOLUMNS);
	char *zone = calendar_zone(t->utc);

	for (size_t i = 0; i < n; i++)
		add_line(c, t, &t->v[i]);
	columns_qualify(c, CLUSTER, NAME);
	if (t->v[0].row.instance != NULL)
		columns_name(c, NAME, "SERVICE/INSTANCE");
	if (!dates)
		columns_hide(c, WHEN);
	if (dates || t->bars == 0)
		columns_hide(c, BAR);
	else
		name_bar(c, t);
	columns_unit(c, WHEN, zone);
	free(zone);
	return c;
}

bool uptime_table_print(struct uptime_table *t, FILE *out, size_t width,
    bool dates, size_t limit)
{
	size_t n = limit > 0 && limit < t->n ? limit : t->n;
	size_t wide = t->wide ? 0 : width;
	struct columns *c;

	if (t->n == 0)
		return false;
	if (!t->by_name && !dates && t->n > 1)
		qsort(t->v, t->n, sizeof(*t->v), worst_first);
	c = tabulate(t, dates, n);
	columns_print(c, out, wide);
	if (n < t->n)
		fprintf(out, "... and %zu more\n", t->n - n);
	if (columns_shows(c, BAR, wide))
		print_legend(t, n, out);
	columns_free(c);
	return true;
}
