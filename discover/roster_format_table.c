/* The format table: for people.  Columns are as wide as what stands in them,
 * the value comes last and is cut at the edge of the terminal.  Under --watch
 * a line for each change follows, in the same columns as far as they go. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/text.h"
#include "core/timefmt.h"
#include "core/xalloc.h"
#include "discover/roster_format_impl.h"

enum {
	SERVICE, INSTANCE, ADDRESS, TTL, VALUE, COLUMNS,
	WIDEST = 40,			/* a column is not padded further */
	MAX_ROW = 256 << 20,
	DATE = 11			/* "2026-11-22 " */
};

struct row {
	char *cells[COLUMNS];
};

static char *visible(const char *s)
{
	struct buf b;

	buf_init(&b, MAX_ROW);
	text_visible(&b, s);
	return buf_take(&b, NULL);
}

static void fill_names(struct row *row, const struct roster_entry *e)
{
	row->cells[SERVICE] = visible(e->service_name);
	row->cells[INSTANCE] = visible(e->instance_id);
	row->cells[ADDRESS] = visible(e->address != NULL ? e->address : "-");
}

static void fill(struct row *row, const struct roster_entry *e, mono_t now)
{
	fill_names(row, e);
	row->cells[TTL] = e->permanent ? xstrdup("-") :
	    xasprintf("%" PRId64 "s", roster_ttl_left(e, now));
	row->cells[VALUE] = visible(e->value);
}

static void fill_header(struct row *row)
{
	static const char *const names[COLUMNS] = {
		[SERVICE] = "SERVICE", [INSTANCE] = "INSTANCE",
		[ADDRESS] = "ADDRESS", [TTL] = "TTL", [VALUE] = "VALUE",
	};

	for (size_t i = 0; i < COLUMNS; i++)
		row->cells[i] = xstrdup(names[i]);
}

static void empty(struct row *row)
{
	for (size_t i = 0; i < COLUMNS; i++)
		free(row->cells[i]);
}

static void widen(size_t *width, const char *cell)
{
	size_t n = text_columns(cell);

	if (n > *width)
		*width = n < WIDEST ? n : WIDEST;
}

/* A line, without spaces at its end, cut at the edge of the terminal. */
static void add_line(const struct roster_writer *w, struct buf *line,
    struct buf *out)
{
	while (line->len > 0 && line->data[line->len - 1] == ' ')
		line->data[--line->len] = '\0';
	if (w->width > 0)
		text_cut(out, buf_str(line), w->width);
	else
		buf_add(out, buf_str(line), line->len);
	buf_addc(out, '\n');
}

static void add_row(const struct roster_writer *w, const struct row *row,
    size_t ttl_width, struct buf *out)
{
	struct buf line;

	buf_init(&line, MAX_ROW);
	for (size_t i = 0; i < VALUE; i++) {
		text_padded(&line, row->cells[i],
		    i == TTL ? ttl_width : w->widths[i]);
		buf_adds(&line, "  ");
	}
	buf_adds(&line, row->cells[VALUE]);
	add_line(w, &line, out);
	buf_free(&line);
}

static struct row *fill_all(const struct roster *r, size_t *n_r)
{
	struct roster_cursor c = { 0 };
	const struct roster_entry *e;
	mono_t now = clock_mono();
	struct row *rows;
	size_t n = 1;

	for (size_t i = 0; i < roster_directories(r); i++)
		n += roster_count(r, i);
	rows = xcalloc(n, sizeof(*rows));
	fill_header(&rows[0]);
	for (size_t i = 1; (e = roster_next(r, &c)) != NULL; i++)
		fill(&rows[i], e, now);
	*n_r = n;
	return rows;
}

void table_list(struct roster_writer *w, const struct roster *r,
    struct buf *out)
{
	size_t n, ttl_width = 0;
	struct row *rows = fill_all(r, &n);

	memset(w->widths, 0, sizeof(w->widths));
	for (size_t i = 0; i < n; i++) {
		for (size_t c = SERVICE; c <= ADDRESS; c++)
			widen(&w->widths[c], rows[i].cells[c]);
		widen(&ttl_width, rows[i].cells[TTL]);
	}
	for (size_t i = 0; i < n; i++) {
		add_row(w, &rows[i], ttl_width, out);
		empty(&rows[i]);
	}
	free(rows);
}

void table_start(struct roster_writer *w, const struct roster *r,
    struct buf *out)
{
	struct roster_cursor c = { 0 };

	if (roster_next(r, &c) == NULL)
		return;
	table_list(w, r, out);
	buf_addc(out, '\n');
}

enum { GAP = 2, LONGEST_CHANGE = 12 };	/* "deregistered" */

/* Makes room in the columns for the names of a change.  False if its line would
 * not fit the terminal then: it is written without columns, and those of the
 * others stay. */
static bool widen_all(struct roster_writer *w, const struct row *row,
    size_t before)
{
	size_t widths[ROSTER_NAME_COLUMNS];
	size_t total = before + LONGEST_CHANGE;

	for (size_t i = SERVICE; i <= ADDRESS; i++) {
		widths[i] = w->widths[i];
		widen(&widths[i], row->cells[i]);
		total += widths[i] + GAP;
	}
	if (w->width > 0 && total > w->width)
		return false;
	memcpy(w->widths, widths, sizeof(widths));
	return true;
}

void table_change(struct roster_writer *w, enum roster_change c,
    const struct roster_entry *e, struct buf *out)
{
	static const char signs[] = {
		[ROSTER_REGISTERED] = '+', [ROSTER_CHANGED] = '~',
		[ROSTER_EXPIRED] = '-', [ROSTER_DEREGISTERED] = '-',
		[ROSTER_LOST] = '-',
	};
	char *time = timefmt_local(clock_now());
	struct row row = { 0 };
	struct buf line;
	bool columns;

	fill_names(&row, e);
	buf_init(&line, MAX_ROW);
	/* Who looks at a terminal knows what day it is. */
	buf_addf(&line, "%s  %c  ", w->width > 0 ? time + DATE : time,
	    signs[c]);
	columns = widen_all(w, &row, line.len);
	for (size_t i = SERVICE; i <= ADDRESS; i++) {
		text_padded(&line, row.cells[i], columns ? w->widths[i] : 0);
		buf_adds(&line, "  ");
	}
	buf_adds(&line, roster_change_name(c));
	add_line(w, &line, out);
	buf_free(&line);
	empty(&row);
	free(time);
}
