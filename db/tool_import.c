/* `rollcall db import`: what tool_export.c wrote, back into tables, in one
 * transaction.  Rows are put in as they are: the triggers that keep columns up
 * to date are taken away meanwhile, since those columns come along. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/err.h"
#include "core/json.h"
#include "core/xalloc.h"
#include "db/file.h"
#include "db/migrations.h"
#include "db/owner.h"
#include "db/sql.h"
#include "db/tables.h"
#include "db/tools.h"

struct importing {
	sqlite3 *db;
	struct table_names tables, columns;
	long *seen;			/* the line of each table; 0: none */
	long number;			/* of the present line */
	sqlite3_stmt *insert;		/* into the present table */
	int64_t rows;
	bool begun, ended;
};

/* --- values --- */

static int from_hex(const char *hex, unsigned char **v_r, int *n_r)
{
	size_t n = strlen(hex);
	unsigned char *v = xcalloc(n / 2 + 1, 1);

	for (size_t i = 0; i + 1 < n; i += 2) {
		char two[3] = { hex[i], hex[i + 1], '\0' }, *end;

		v[i / 2] = (unsigned char)strtoul(two, &end, 16);
		if (*end != '\0') {
			free(v);
			return -1;
		}
	}
	*v_r = v;
	*n_r = (int)(n / 2);
	return n % 2 == 0 ? 0 : (free(v), -1);
}

static int bind_hex(sqlite3_stmt *s, int at, const char *hex, bool text)
{
	unsigned char *v;
	int n;

	if (from_hex(hex, &v, &n) != 0)
		return -1;
	if (text)
		sqlite3_bind_text(s, at, (char *)v, n, free);
	else
		sqlite3_bind_blob(s, at, v, n, free);
	return 0;
}

/* What JSON has no word for: {"int":"9007199254740993"}. */
static int bind_special(sqlite3_stmt *s, int at, const cJSON *v)
{
	const cJSON *one = v->child;
	const char *text = cJSON_GetStringValue(one);
	char *end = NULL;

	if (one == NULL || one->next != NULL || text == NULL)
		return -1;
	if (strcmp(one->string, "text") == 0)
		return bind_hex(s, at, text, true);
	if (strcmp(one->string, "blob") == 0)
		return bind_hex(s, at, text, false);
	errno = 0;
	if (strcmp(one->string, "int") == 0)
		sqlite3_bind_int64(s, at, strtoll(text, &end, 10));
	else if (strcmp(one->string, "real") == 0)
		sqlite3_bind_double(s, at, strtod(text, &end));
	return end != NULL && end != text && *end == '\0' && errno == 0 ?
	    0 : -1;
}

static int bind(sqlite3_stmt *s, int at, const cJSON *v)
{
	if (cJSON_IsNull(v))
		return sqlite3_bind_null(s, at);
	if (cJSON_IsString(v))
		return sqlite3_bind_text(s, at, v->valuestring, -1,
		    SQLITE_TRANSIENT);
	if (cJSON_IsObject(v))
		return bind_special(s, at, v);
	if (!cJSON_IsNumber(v) || json_whole("", v->valuedouble,
	    -JSON_MAX_EXACT, NULL) != 0)
		return -1;
	return sqlite3_bind_int64(s, at, (int64_t)v->valuedouble);
}

/* --- lines --- */

static int take_row(struct importing *im, const cJSON *row, struct err *e)
{
	const cJSON *v;
	int at = 0;

	if (im->insert == NULL)
		return err_set(e, "a row before any table");
	if (cJSON_GetArraySize(row) != (int)im->columns.n)
		return err_set(e, "%d values for %zu columns",
		    cJSON_GetArraySize(row), im->columns.n);
	cJSON_ArrayForEach(v, row) {
		at++;
		if (bind(im->insert, at, v) != 0)
			return err_set(e, "column \"%s\" cannot be read",
			    im->columns.v[at - 1]);
	}
	at = sqlite3_step(im->insert);
	sqlite3_reset(im->insert);
	im->rows++;
	return at == SQLITE_DONE ? 0 : sql_fail(im->db, e, "insert");
}

/* names->n: it is none of them. */
static size_t find(const struct table_names *names, const char *name)
{
	size_t i = 0;

	while (i < names->n && strcmp(names->v[i], name) != 0)
		i++;
	return i;
}

/* The columns that the line names; each must be one of the table. */
static int read_columns(struct importing *im, const char *table,
    const cJSON *columns, struct err *e)
{
	struct table_names there;
	const cJSON *one;
	int rc = tables_columns(im->db, table, &there, e);

	table_names_free(&im->columns);
	cJSON_ArrayForEach(one, columns) {
		const char *name = cJSON_GetStringValue(one);

		if (rc == 0 && (name == NULL ||
		    find(&there, name) == there.n))
			rc = err_set(e, "table \"%s\" has no column \"%s\"",
			    table, name != NULL ? name : "?");
		if (rc != 0)
			break;
		im->columns.v = xreallocarray(im->columns.v,
		    im->columns.n + 1, sizeof(char *));
		im->columns.v[im->columns.n++] = xstrdup(name);
	}
	table_names_free(&there);
	if (rc == 0 && im->columns.n == 0)
		rc = err_set(e, "table \"%s\" without columns", table);
	return rc;
}

static int prepare_insert(struct importing *im, const char *table,
    struct err *e)
{
	struct buf sql;
	int rc;

	buf_init(&sql, 1 << 20);
	buf_addf(&sql, "INSERT INTO \"%s\"(", table);
	for (size_t i = 0; i < im->columns.n; i++)
		buf_addf(&sql, "%s\"%s\"", i > 0 ? "," : "",
		    im->columns.v[i]);
	buf_adds(&sql, ") VALUES(");
	for (size_t i = 0; i < im->columns.n; i++)
		buf_adds(&sql, i > 0 ? ",?" : "?");
	buf_addc(&sql, ')');
	rc = sqlite3_prepare_v2(im->db, buf_str(&sql), -1, &im->insert, NULL);
	buf_free(&sql);
	return rc == SQLITE_OK ? 0 : sql_fail(im->db, e, table);
}

static int take_table(struct importing *im, const cJSON *line, struct err *e)
{
	const char *table = json_str(line, "table");
	size_t i = table != NULL ? find(&im->tables, table) : im->tables.n;

	sqlite3_finalize(im->insert);
	im->insert = NULL;
	if (i == im->tables.n)
		return err_set(e, "no table \"%s\" in this version",
		    table != NULL ? table : "?");
	if (im->seen[i] != 0)
		return err_set(e, "table \"%s\" for a second time: it began in"
		    " line %ld", table, im->seen[i]);
	im->seen[i] = im->number;
	if (read_columns(im, table, cJSON_GetObjectItemCaseSensitive(line,
	    "columns"), e) != 0)
		return -1;
	return prepare_insert(im, table, e);
}

static int take_head(struct importing *im, const cJSON *line, struct err *e)
{
	int64_t schema = 0, format = 0;

	if (json_i64(line, "rollcall_export", &format, NULL) != 1)
		return err_set(e, "this is no export of rollcall");
	json_i64(line, "schema", &schema, NULL);
	if (format != 1 || schema != migrations_latest())
		return err_set(e, "it is of version %d, this rollcall has"
		    " version %d: import it with the rollcall it comes from,"
		    " whose database this one migrates", (int)schema,
		    (int)migrations_latest());
	im->begun = true;
	return 0;
}

static int take_end(struct importing *im, const cJSON *line, struct err *e)
{
	int64_t rows = -1;

	for (size_t i = 0; i < im->tables.n; i++)
		if (im->seen[i] == 0)
			return err_set(e, "this is the end, but the line of"
			    " table \"%s\" is missing", im->tables.v[i]);
	json_i64(line, "rows", &rows, NULL);
	if (rows != im->rows)
		return err_set(e, "it should have %lld rows, and has %lld",
		    (long long)rows, (long long)im->rows);
	im->ended = true;
	return 0;
}

static int take_line(struct importing *im, const cJSON *line, struct err *e)
{
	if (im->ended)
		return err_set(e, "something behind the end");
	if (!im->begun)
		return take_head(im, line, e);
	if (cJSON_IsArray(line))
		return take_row(im, line, e);
	if (cJSON_HasObjectItem(line, "end"))
		return take_end(im, line, e);
	return take_table(im, line, e);
}

static int take_text(struct importing *im, char *text, size_t n,
    struct err *e)
{
	cJSON *line = json_parse(text, n, e);
	int rc = line != NULL ? take_line(im, line, e) : -1;

	cJSON_Delete(line);
	return rc;
}

static int take_all(struct importing *im, FILE *in, const char *name,
    struct err *e)
{
	char *text = NULL;
	size_t cap = 0;
	ssize_t n;
	int rc = 0;

	while (rc == 0 && (n = getline(&text, &cap, in)) >= 0) {
		im->number++;
		rc = tool_stopping ? err_set(e, "interrupted") :
		    take_text(im, text, (size_t)n, e);
	}
	free(text);
	if (rc != 0)
		return err_prefix(e, "%s:%ld", name, im->number);
	if (ferror(in))
		return err_set(e, "%s: %s", name, strerror(errno));
	if (!im->ended)
		return err_set(e, "%s:%ld: it is cut off: the last line is"
		    " missing", name, im->number);
	return 0;
}

/* --- the database around it --- */

static void add_sql(sqlite3_stmt *row, void *arg)
{
	struct buf *b = arg;

	buf_addf(b, "%s;", sql_text(row, 0));
}

static int is_empty(struct importing *im, struct err *e)
{
	for (size_t i = 0; i < im->tables.n; i++) {
		char *sql = xasprintf("SELECT EXISTS(SELECT 1 FROM \"%s\")",
		    im->tables.v[i]);
		int64_t any = 0;
		int rc = sql_int(im->db, sql, &any, e);

		free(sql);
		if (rc != 0)
			return -1;
		if (any)
			return err_set(e, "table \"%s\" is not empty: import"
			    " into a new database", im->tables.v[i]);
	}
	return 0;
}

static int without_triggers(struct importing *im, FILE *in,
    const char *name, struct err *e)
{
	struct buf drop, make;
	int rc;

	buf_init(&drop, 1 << 20);
	buf_init(&make, 1 << 20);
	rc = sql_each(im->db, "SELECT 'DROP TRIGGER \"' || name || '\"' FROM"
	    " sqlite_schema WHERE type = 'trigger'", add_sql, &drop, e);
	if (rc == 0)
		rc = sql_each(im->db, "SELECT sql FROM sqlite_schema WHERE"
		    " type = 'trigger'", add_sql, &make, e);
	if (rc == 0)
		rc = sql_exec(im->db, buf_str(&drop), e);
	if (rc == 0)
		rc = take_all(im, in, name, e);
	sqlite3_finalize(im->insert);
	im->insert = NULL;
	if (rc == 0)
		rc = sql_exec(im->db, buf_str(&make), e);
	buf_free(&drop);
	buf_free(&make);
	return rc;
}

static int import_all(struct importing *im, FILE *in, const char *name,
    struct err *e)
{
	int rc = tables_list(im->db, &im->tables, e);

	im->seen = xcalloc(im->tables.n + 1, sizeof(*im->seen));
	if (rc == 0)
		rc = is_empty(im, e);
	if (rc == 0)
		rc = sql_exec(im->db, "BEGIN IMMEDIATE", e);
	if (rc == 0)
		rc = without_triggers(im, in, name, e);
	if (rc == 0)
		rc = sql_exec(im->db, "COMMIT", e);
	else if (!sqlite3_get_autocommit(im->db))
		sql_exec(im->db, "ROLLBACK", NULL);
	table_names_free(&im->tables);
	table_names_free(&im->columns);
	free(im->seen);
	return rc;
}

int tool_import(const char *path, FILE *in, const char *name,
    int64_t *rows_r, struct err *e)
{
	struct importing im = { .rows = 0 };
	struct db_file f;
	struct stat st;
	bool is_new = stat(path, &st) != 0;
	int rc;

	if (file_open(&f, path, e) != 0)
		return -1;
	im.db = f.db;
	rc = import_all(&im, in, name, e);
	file_close(&f);
	/* What was made for it alone is taken away again. */
	if (rc != 0 && is_new)
		unlink(path);
	else if (is_new)
		owner_as_folder(path);
	*rows_r = im.rows;
	return rc;
}
