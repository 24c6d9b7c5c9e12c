/* Events as a table for people.  It waits for the last row, since its columns
 * are as wide as their contents; the address is left out where it would not
 * fit.  Used by cli/events_print.c alone. */
#include "cli/events_table.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/buf.h"
#include "core/text.h"
#include "core/timefmt.h"
#include "core/xalloc.h"

enum { COLUMNS = 6, ADDRESS = 5, GAP = 2, MAX_LINE = 4 << 20 };
enum { WIDEST = 40 };		/* a column is not padded further */

struct row {
	char *cluster;
	char *cells[COLUMNS];
};

struct events_table {
	struct row *rows;
	size_t n, cap;
};

struct events_table *events_table_new(void)
{
	return xcalloc(1, sizeof(struct events_table));
}

/* Names come from etcd, where anybody may have put anything. */
static char *visible(char *s)
{
	struct buf b;

	buf_init(&b, MAX_LINE);
	text_visible(&b, s);
	free(s);
	return buf_take(&b, NULL);
}

int64_t events_round_down(int64_t ms)
{
	static const struct {
		int64_t from, to;
	} steps[] = {
		{ 86400000, 3600000 }, { 3600000, 60000 }, { 10000, 1000 },
		{ 1000, 100 },
	};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (ms >= steps[i].from)
			return ms - ms % steps[i].to;
	return ms;
}

static char *after(const struct history_event *ev)
{
	char length[TIMEFMT_MAX];

	if (ev->was == NULL)
		return xstrdup("first seen");
	if (ev->was_ms < 0)
		return xstrdup(ev->was);
	timefmt_duration(events_round_down(ev->was_ms), length);
	return xasprintf("%s %s", ev->was, length);
}

void events_table_add(struct events_table *t, const struct history_event *ev)
{
	struct row *r;

	if (t->n == t->cap) {
		t->cap = t->cap ? t->cap * 2 : 64;
		t->rows = xreallocarray(t->rows, t->cap, sizeof(*t->rows));
	}
	r = &t->rows[t->n];
	*r = (struct row){
		.cluster = visible(xstrdup(ev->cluster)),
		.cells = {
			timefmt_local(ev->at),
			xasprintf("%s/%s", ev->service, ev->instance),
			xstrdup(ev->state), xstrdup(ev->cause), after(ev),
			xstrdup(ev->address ? ev->address : ""),
		},
	};
	r->cells[1] = visible(r->cells[1]);
	r->cells[ADDRESS] = visible(r->cells[ADDRESS]);
	t->n++;
}

/* Clusters are named only where there are several. */
static void name_clusters(struct events_table *t)
{
	bool several = false;

	for (size_t i = 1; i < t->n; i++)
		several = several || strcmp(t->rows[i].cluster,
		    t->rows[0].cluster) != 0;
	for (size_t i = 0; i < t->n && several; i++) {
		char *name = t->rows[i].cells[1];

		t->rows[i].cells[1] = xasprintf("%s: %s",
		    t->rows[i].cluster, name);
		free(name);
	}
}

static void print_row(FILE *out, char *const cells[COLUMNS],
    const size_t widths[COLUMNS], size_t ncolumns)
{
	struct buf line;

	buf_init(&line, MAX_LINE);
	for (size_t i = 0; i < ncolumns; i++) {
		buf_adds(&line, cells[i]);
		for (size_t n = text_columns(cells[i]); n < widths[i]; n++)
			buf_addc(&line, ' ');
		buf_adds(&line, "  ");
	}
	while (line.len > 0 && line.data[line.len - 1] == ' ')
		line.data[--line.len] = '\0';
	fprintf(out, "%s\n", buf_str(&line));
	buf_free(&line);
}

/* Today's zone stands for all rows; json and csv leave no doubt. */
static void header(char *cells[COLUMNS])
{
	static const char *const names[COLUMNS] = {
		"TIME", "SERVICE/INSTANCE", "STATE", "CAUSE", "AFTER",
		"ADDRESS" };
	time_t now = (time_t)(clock_wall().ms / 1000);
	struct tm tm;

	for (size_t i = 1; i < COLUMNS; i++)
		cells[i] = xstrdup(names[i]);
	cells[0] = localtime_r(&now, &tm) == NULL ? xstrdup(names[0]) :
	    xasprintf("%s (%s)", names[0], tm.tm_zone);
}

void events_table_print(struct events_table *t, FILE *out, int width)
{
	size_t widths[COLUMNS] = { 0 }, total = 0, ncolumns = COLUMNS;
	char *names[COLUMNS];

	header(names);
	name_clusters(t);
	for (size_t c = 0; c < COLUMNS; c++) {
		widths[c] = text_columns(names[c]);
		for (size_t i = 0; i < t->n; i++) {
			size_t n = text_columns(t->rows[i].cells[c]);

			if (n > widths[c])
				widths[c] = n < WIDEST ? n : WIDEST;
		}
		total += widths[c] + (c > 0 ? GAP : 0);
	}
	if (total > (size_t)width)
		ncolumns = ADDRESS;
	print_row(out, names, widths, ncolumns);
	for (size_t i = 0; i < t->n; i++)
		print_row(out, t->rows[i].cells, widths, ncolumns);
	for (size_t c = 0; c < COLUMNS; c++)
		free(names[c]);
}

void events_table_free(struct events_table *t)
{
	for (size_t i = 0; i < t->n; i++) {
		free(t->rows[i].cluster);
		for (size_t c = 0; c < COLUMNS; c++)
			free(t->rows[i].cells[c]);
	}
	free(t->rows);
	free(t);
}
