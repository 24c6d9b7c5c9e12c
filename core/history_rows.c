/* What rows of history are called outside: one table of fields for each kind
 * of row, and two ways of writing them.  Used by the API (exporter/) and by
 * the commands (cli/); cli/ reads the JSON of a daemon by the same tables. */
#include "core/history_rows.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "core/buf.h"
#include "core/timefmt.h"

#define FIELD(s, name, type, member) { name, type, offsetof(struct s, member) }
#define TABLE(s, fields) \
	{ fields, sizeof(fields) / sizeof(fields[0]), sizeof(struct s) }

#define U(name, type, member) FIELD(history_uptime, name, type, member)

static const struct row_field uptime_fields[] = {
	U("from", ROW_EDGE, from),
	U("to", ROW_EDGE, to),
	U("etcd_cluster", ROW_TEXT, cluster),
	U("service_name", ROW_TEXT, service),
	U("instance_id", ROW_TEXT, instance),
	U("uptime", ROW_RATIO, uptime),
	U("uptime_low", ROW_RATIO, uptime_low),
	U("uptime_high", ROW_RATIO, uptime_high),
	U("coverage", ROW_RATIO, coverage),
	U("up_seconds", ROW_SECONDS, up_ms),
	U("down_seconds", ROW_SECONDS, down_ms),
	U("none_seconds", ROW_SECONDS, none_ms),
	U("maintenance_seconds", ROW_SECONDS, maintenance_ms),
	U("absent_seconds", ROW_SECONDS, absent_ms),
	U("unknown_seconds", ROW_SECONDS, unknown_ms),
	U("outages", ROW_NUMBER, outages),
	U("longest_outage_seconds", ROW_SECONDS, longest_ms),
	U("mtbf_seconds", ROW_SECONDS, mtbf_ms),
	U("mttr_seconds", ROW_SECONDS, mttr_ms),
};

#define O(name, type, member) FIELD(history_outage, name, type, member)

static const struct row_field outage_fields[] = {
	O("from", ROW_TIME, from),
	O("to", ROW_TIME, to),
	O("etcd_cluster", ROW_TEXT, cluster),
	O("service_name", ROW_TEXT, service),
	O("instance_id", ROW_TEXT, instance),
	O("down_seconds", ROW_SECONDS, down_ms),
	O("maintenance_seconds", ROW_SECONDS, maintenance_ms),
	O("unknown_seconds", ROW_SECONDS, unknown_ms),
	O("state", ROW_TEXT, state),
	O("cause", ROW_TEXT, cause),
	O("earliest", ROW_TIME, earliest),
	O("seen", ROW_TIME, seen),
	O("min_instances", ROW_NUMBER, min_instances),
	O("up_least", ROW_NUMBER, up_least),
	O("address", ROW_TEXT, address),
};

#define E(name, type, member) FIELD(history_event, name, type, member)

static const struct row_field event_fields[] = {
	E("time", ROW_TIME, at),
	E("earliest", ROW_TIME, earliest),
	E("seen", ROW_TIME, seen),
	E("etcd_cluster", ROW_TEXT, cluster),
	E("service_name", ROW_TEXT, service),
	E("instance_id", ROW_TEXT, instance),
	E("state", ROW_TEXT, state),
	E("cause", ROW_TEXT, cause),
	E("was", ROW_TEXT, was),
	E("address", ROW_TEXT, address),
	E("directory", ROW_TEXT, directory),
	E("key", ROW_TEXT, key),
	E("was_seconds", ROW_SECONDS, was_ms),
	E("etcd_index", ROW_INDEX, etcd_index),
};

const struct row_table history_uptime_rows =
	TABLE(history_uptime, uptime_fields);
const struct row_table history_outage_rows =
	TABLE(history_outage, outage_fields);
const struct row_table history_event_rows =
	TABLE(history_event, event_fields);

/* Members of any type, without asking how the row is aligned. */
#define GET(row, f, v) \
	memcpy(&(v), (const char *)(row) + (f)->offset, sizeof(v))

bool row_is_time(enum row_type type)
{
	return type == ROW_TIME || type == ROW_EDGE;
}

/* And not one that stands for null. */
static bool is_number(enum row_type type, int64_t i)
{
	return type == ROW_NUMBER || (type == ROW_INDEX && i != 0) ||
	    (type == ROW_COUNT && i >= 0);
}

/* Appends the value without quotes; nothing for null. */
static void add_value(struct buf *b, const struct row_field *f,
    const void *row)
{
	char text[TIMEFMT_MAX];
	int64_t i = 0;
	double d = NAN;
	bool is = false;

	if (f->type == ROW_RATIO)
		GET(row, f, d);
	else if (f->type == ROW_BOOL)
		GET(row, f, is);
	else
		GET(row, f, i);		/* a wall_t is one, too */
	if (f->type == ROW_RATIO && !isnan(d))
		buf_addf(b, "%.9g", d);
	else if (f->type == ROW_EDGE || (f->type == ROW_TIME && i != 0))
		buf_adds(b, timefmt_rfc3339((wall_t){ i }, text));
	else if (f->type == ROW_SECONDS && i >= 0)
		buf_addf(b, "%" PRId64 ".%03d", i / 1000, (int)(i % 1000));
	else if (is_number(f->type, i))
		buf_addf(b, "%" PRId64, i);
	else if (f->type == ROW_BOOL)
		buf_adds(b, is ? "true" : "false");
}

static const char *text_of(const struct row_field *f, const void *row)
{
	const char *text;

	GET(row, f, text);
	return text;
}

static void add_json(struct buf *b, const struct row_field *f,
    const void *row)
{
	const char *quote = row_is_time(f->type) ? "\"" : "";
	const char *text = f->type == ROW_TEXT ? text_of(f, row) : NULL;
	size_t before;

	if (text != NULL) {
		buf_add_json(b, text);
		return;
	}
	before = b->len;
	buf_adds(b, quote);
	if (f->type != ROW_TEXT)
		add_value(b, f, row);
	if (b->len > before + strlen(quote)) {
		buf_adds(b, quote);
		return;
	}
	if (*quote != '\0' && !b->failed)
		b->data[--b->len] = '\0';
	buf_adds(b, "null");
}

void row_json(struct buf *b, const struct row_table *t, const void *row)
{
	for (size_t i = 0; i < t->n; i++) {
		buf_addf(b, "%s\"%s\":", i > 0 ? "," : "{", t->fields[i].name);
		add_json(b, &t->fields[i], row);
	}
	buf_addc(b, '}');
}

/* Quoted where it must be, quotes doubled. */
static void add_csv(struct buf *b, const char *s)
{
	if (s[strcspn(s, ",\"\r\n")] == '\0') {
		buf_adds(b, s);
		return;
	}
	buf_addc(b, '"');
	for (; *s != '\0'; s++) {
		if (*s == '"')
			buf_addc(b, '"');
		buf_addc(b, *s);
	}
	buf_addc(b, '"');
}

void row_csv(struct buf *b, const struct row_table *t, const void *row)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct row_field *f = &t->fields[i];
		const char *text = f->type == ROW_TEXT ? text_of(f, row) : NULL;

		if (i > 0)
			buf_addc(b, ',');
		if (text != NULL)
			add_csv(b, text);
		else if (f->type != ROW_TEXT)
			add_value(b, f, row);
	}
	buf_addc(b, '\n');
}

void row_csv_names(struct buf *b, const struct row_table *t)
{
	for (size_t i = 0; i < t->n; i++)
		buf_addf(b, "%s%s", i > 0 ? "," : "", t->fields[i].name);
	buf_addc(b, '\n');
}
