/* Tables of the landing page, as HTML that a narrow window shows as a list: a
 * cell knows its heading, and page.c's style puts it in front.  Who is in a
 * table and what is said of them is roll.c's and firing.c's. */
#include "exporter/table.h"

#include "core/buf.h"

enum { CELL_MAX = 64 << 10 };

static bool is_used(const struct table *t, size_t column)
{
	return (t->used >> column & 1) != 0;
}

/* A column counts as soon as one row has something for it. */
static void look(struct table *t, const struct table_row *row)
{
	struct buf cell;

	buf_init(&cell, CELL_MAX);
	for (size_t i = 0; i < t->ncolumns; i++) {
		const struct table_column *c = &t->columns[i];

		if (is_used(t, i) || (c->cluster && !t->several))
			continue;
		c->write(row, c, &cell);
		if (cell.len > 0 || cell.failed)
			t->used |= 1U << i;
		buf_reset(&cell);
	}
	buf_free(&cell);
}

static void write_row(const struct table *t, const struct table_row *row,
    const char *class)
{
	buf_addf(t->out, class[0] != '\0' ? "<tr class=\"%s\">" : "<tr>",
	    class);
	for (size_t i = 0; i < t->ncolumns; i++) {
		const struct table_column *c = &t->columns[i];

		if (!is_used(t, i))
			continue;
		buf_adds(t->out, "<td");
		if (c->class != NULL)
			buf_addf(t->out, " class=\"%s\"", c->class);
		if (!c->plain)
			buf_addf(t->out, " data-h=\"%s\"", c->heading);
		buf_addc(t->out, '>');
		c->write(row, c, t->out);
		buf_adds(t->out, "</td>");
	}
	buf_adds(t->out, "</tr>\n");
}

bool table_add(struct table *t, const void *of, const char *class)
{
	struct table_row row = { t->s, of };

	t->n++;
	if (t->out == NULL && t->n <= t->max)
		look(t, &row);
	else if (t->out != NULL && t->n <= t->max)
		write_row(t, &row, class);
	/* All are counted the first time. */
	return t->out == NULL || t->n < t->max;
}

static void write_head(const struct table *t)
{
	buf_adds(t->out, "<table>\n<thead><tr>");
	for (size_t i = 0; i < t->ncolumns; i++)
		if (is_used(t, i))
			buf_addf(t->out, "<th>%s</th>", t->columns[i].heading);
	buf_adds(t->out, "</tr></thead>\n<tbody>\n");
}

void table_write(struct table *t, struct buf *out)
{
	size_t all;

	t->out = NULL;
	t->used = 0;
	t->n = 0;
	t->rows(t);
	all = t->n;
	if (all == 0) {
		buf_adds(out, "<p>none</p>\n");
		return;
	}
	t->out = out;
	t->n = 0;
	write_head(t);
	t->rows(t);
	buf_adds(out, "</tbody>\n</table>\n");
	if (all > t->max)
		buf_addf(out, "<p>and %zu more</p>\n", all - t->max);
}
