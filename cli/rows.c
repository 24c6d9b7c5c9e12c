/* What `--format json` and `csv` print.  Streams: a year of events needs no
 * memory.  The fields are core/history_rows.c's. */
#include "cli/rows.h"

enum { MAX_LINE = 4 << 20 };

void rows_begin(struct rows *r, FILE *out, const struct row_table *table,
    bool csv)
{
	*r = (struct rows){ .out = out, .table = table, .csv = csv };
	buf_init(&r->line, MAX_LINE);
}

static void print_names(struct rows *r)
{
	buf_reset(&r->line);
	row_csv_names(&r->line, r->table);
	fputs(buf_str(&r->line), r->out);
}

bool rows_add(struct rows *r, const void *row)
{
	if (r->csv && r->n == 0)
		print_names(r);
	buf_reset(&r->line);
	if (r->csv) {
		row_csv(&r->line, r->table, row);
	} else {
		buf_adds(&r->line, r->n > 0 ? ",\n " : "[");
		row_json(&r->line, r->table, row);
	}
	fputs(buf_str(&r->line), r->out);
	r->n++;
	return true;
}

void rows_end(struct rows *r, bool whole)
{
	if (r->csv && whole && r->n == 0)
		print_names(r);
	if (!r->csv && whole)
		fputs(r->n > 0 ? "]\n" : "[]\n", r->out);
	buf_free(&r->line);
}
