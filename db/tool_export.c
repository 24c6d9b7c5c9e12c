/* `rollcall db export`: all rows of all tables as lines of JSON, in an order
 * and a spelling that depend on nothing but the rows, so that two exports can
 * be compared.  Reads a copy of the database made for it: beside a daemon no
 * transaction is held for as long as whoever reads the lines takes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/err.h"
#include "core/json.h"
#include "core/utf8.h"
#include "core/xalloc.h"
#include "db/migrations.h"
#include "db/reader.h"
#include "db/sql.h"
#include "db/tables.h"
#include "db/tools.h"

enum { MAX_LINE = 64 << 20, REPORT_ROWS = 4096 };

struct exporting {
	sqlite3 *db;
	FILE *out;
	const struct tool_progress *progress;
	struct buf line;
	int64_t rows, all;
};

/* --- values --- */

static void add_hex(struct buf *b, const char *as, const unsigned char *v,
    int n)
{
	buf_addf(b, "{\"%s\":\"", as);
	for (int i = 0; i < n; i++)
		buf_addf(b, "%02x", v[i]);
	buf_adds(b, "\"}");
}

/* What JSON has no number for that everybody reads exactly. */
static void add_int(struct buf *b, int64_t v)
{
	bool exact = v <= (int64_t)JSON_MAX_EXACT &&
	    v >= -(int64_t)JSON_MAX_EXACT;

	buf_addf(b, exact ? "%lld" : "{\"int\":\"%lld\"}", (long long)v);
}

static void add_text(struct buf *b, sqlite3_stmt *s, int column)
{
	const char *text = (const char *)sqlite3_column_text(s, column);
	int n = sqlite3_column_bytes(s, column);

	if (text == NULL || strlen(text) != (size_t)n ||
	    !utf8_is(text, (size_t)n))
		add_hex(b, "text", (const unsigned char *)text, n);
	else
		buf_add_json(b, text);
}

static void add_value(struct buf *b, sqlite3_stmt *s, int column)
{
	switch (sqlite3_column_type(s, column)) {
	case SQLITE_INTEGER:
		add_int(b, sqlite3_column_int64(s, column));
		break;
	case SQLITE_FLOAT:
		buf_addf(b, "{\"real\":\"%.17g\"}",
		    sqlite3_column_double(s, column));
		break;
	case SQLITE_TEXT:
		add_text(b, s, column);
		break;
	case SQLITE_BLOB:
		add_hex(b, "blob", sqlite3_column_blob(s, column),
		    sqlite3_column_bytes(s, column));
		break;
	default:
		buf_adds(b, "null");
	}
}

static int put_line(struct exporting *x, struct err *e)
{
	buf_addc(&x->line, '\n');
	if (x->line.failed)
		return err_set(e, "a row of more than %d MiB", MAX_LINE >> 20);
	if (fwrite(x->line.data, 1, x->line.len, x->out) != x->line.len)
		return err_set(e, "write: %s", strerror(errno));
	return 0;
}

/* --- rows --- */

static int export_rows(struct exporting *x, sqlite3_stmt *s, struct err *e)
{
	int rc = SQLITE_DONE, columns = sqlite3_column_count(s);

	while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
		buf_reset(&x->line);
		for (int i = 0; i < columns; i++) {
			buf_addc(&x->line, i > 0 ? ',' : '[');
			add_value(&x->line, s, i);
		}
		buf_addc(&x->line, ']');
		if (put_line(x, e) != 0)
			return -1;
		if (++x->rows % REPORT_ROWS == 0 && x->progress != NULL)
			x->progress->fn((double)x->rows / (double)x->all,
			    x->progress->arg);
		if (tool_stopping)
			return err_set(e, "interrupted");
	}
	return rc == SQLITE_DONE ? 0 : sql_fail(x->db, e, "read");
}

static void add_names(struct buf *b, const struct table_names *names,
    bool json)
{
	for (size_t i = 0; i < names->n; i++) {
		buf_adds(b, i > 0 ? "," : "");
		if (json)
			buf_add_json(b, names->v[i]);
		else
			buf_addf(b, "\"%s\"", names->v[i]);
	}
}

static int put_head(struct exporting *x, const char *table,
    const struct table_names *columns, struct err *e)
{
	buf_reset(&x->line);
	buf_adds(&x->line, "{\"table\":");
	buf_add_json(&x->line, table);
	buf_adds(&x->line, ",\"columns\":[");
	add_names(&x->line, columns, true);
	buf_adds(&x->line, "]}");
	return put_line(x, e);
}

/* Tables without a key of their own have a rowid. */
static int select_all(struct exporting *x, const char *table,
    const struct table_names *columns, const struct table_names *key,
    sqlite3_stmt **s_r, struct err *e)
{
	struct buf sql;
	int rc;

	buf_init(&sql, 1 << 20);
	buf_adds(&sql, "SELECT ");
	add_names(&sql, columns, false);
	buf_addf(&sql, " FROM \"%s\" ORDER BY ", table);
	if (key->n > 0)
		add_names(&sql, key, false);
	else
		buf_adds(&sql, "rowid");
	rc = sqlite3_prepare_v2(x->db, buf_str(&sql), -1, s_r, NULL);
	buf_free(&sql);
	return rc == SQLITE_OK ? 0 : sql_fail(x->db, e, table);
}

static int export_table(struct exporting *x, const char *table,
    struct err *e)
{
	struct table_names columns, key = { NULL, 0 };
	sqlite3_stmt *s = NULL;
	int rc = tables_columns(x->db, table, &columns, e);

	if (rc == 0)
		rc = tables_key(x->db, table, &key, e);
	if (rc == 0)
		rc = select_all(x, table, &columns, &key, &s, e);
	if (rc == 0)
		rc = put_head(x, table, &columns, e);
	if (rc == 0)
		rc = export_rows(x, s, e);
	sqlite3_finalize(s);
	table_names_free(&columns);
	table_names_free(&key);
	return rc;
}

static int count_rows(struct exporting *x, const struct table_names *tables,
    struct err *e)
{
	for (size_t i = 0; i < tables->n; i++) {
		char *sql = xasprintf("SELECT count(*) FROM \"%s\"",
		    tables->v[i]);
		int64_t n = 0;
		int rc = sql_int(x->db, sql, &n, e);

		free(sql);
		if (rc != 0)
			return -1;
		x->all += n;
	}
	return 0;
}

static int export_all(struct exporting *x, struct err *e)
{
	struct table_names tables;
	int rc = tables_list(x->db, &tables, e);

	if (rc == 0)
		rc = count_rows(x, &tables, e);
	buf_addf(&x->line, "{\"rollcall_export\":1,\"schema\":%d}",
	    (int)migrations_latest());
	if (rc == 0)
		rc = put_line(x, e);
	for (size_t i = 0; i < tables.n && rc == 0; i++)
		rc = export_table(x, tables.v[i], e);
	table_names_free(&tables);
	buf_reset(&x->line);
	buf_addf(&x->line, "{\"end\":true,\"rows\":%lld}",
	    (long long)x->rows);
	if (rc == 0)
		rc = put_line(x, e);
	if (rc == 0 && fflush(x->out) != 0)
		rc = err_set(e, "write: %s", strerror(errno));
	return rc;
}

static char *copy_name(struct err *e)
{
	const char *folder = getenv("TMPDIR");
	char *name = xasprintf("%s/rollcall-export-XXXXXX",
	    folder != NULL ? folder : "/var/tmp");
	int fd = mkstemp(name);

	if (fd >= 0) {
		close(fd);
		return name;
	}
	err_set(e, "%s: %s (TMPDIR chooses another folder)", name,
	    strerror(errno));
	free(name);
	return NULL;
}

static void remove_copy(char *name)
{
	static const char *const companions[] = { "", "-wal", "-shm" };

	for (size_t i = 0; i < 3; i++) {
		char *one = xasprintf("%s%s", name, companions[i]);

		unlink(one);
		free(one);
	}
	free(name);
}

int tool_export(const char *path, FILE *out,
    const struct tool_progress *progress, int64_t *rows_r, struct err *e)
{
	struct exporting x = { .out = out, .progress = progress };
	char *copy = copy_name(e);
	int rc = -1;

	if (copy == NULL)
		return -1;
	buf_init(&x.line, MAX_LINE);
	if (tool_backup(path, copy, true, NULL, e) == 0)
		x.db = reader_open(copy, e);
	if (x.db != NULL)
		rc = export_all(&x, e);
	sqlite3_close(x.db);
	remove_copy(copy);
	buf_free(&x.line);
	*rows_r = x.rows;
	return rc;
}
