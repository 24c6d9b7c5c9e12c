/* Events as JSON and CSV, written as they come, or as a table
 * (events_table.c).  Used by cli/events.c alone. */
#include "cli/events_print.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/events_table.h"
#include "core/buf.h"
#include "core/timefmt.h"
#include "core/xalloc.h"

enum { MAX_ROW = 4 << 20 };

struct events_printer {
	FILE *out;
	enum events_format format;
	int width;
	size_t n;		/* events so far */
	struct events_table *table;
	struct buf line;
};

struct events_printer *events_printer_new(FILE *out,
    enum events_format format, int width)
{
	struct events_printer *p = xcalloc(1, sizeof(*p));

	p->out = out;
	p->format = format;
	p->width = width;
	p->table = events_table_new();
	buf_init(&p->line, MAX_ROW);
	return p;
}

/* --- JSON and CSV: the same fields under the same names --- */

static void add_time(struct buf *b, wall_t t)
{
	char text[TIMEFMT_MAX];

	buf_adds(b, timefmt_rfc3339(t, text));
}

struct field {
	const char *name;
	const char *(*text)(const struct history_event *ev);
	void (*add)(const struct history_event *ev, struct buf *b);
};

#define TEXT(name, member) \
	static const char *name(const struct history_event *ev) \
	{ \
		return ev->member; \
	}

TEXT(cluster, cluster)
TEXT(service, service)
TEXT(instance, instance)
TEXT(state, state)
TEXT(cause, cause)
TEXT(was, was)
TEXT(address, address)
TEXT(directory, directory)
TEXT(key, key)

static void add_seconds(const struct history_event *ev, struct buf *b)
{
	if (ev->was_ms >= 0)
		buf_addf(b, "%" PRId64 ".%03d", ev->was_ms / 1000,
		    (int)(ev->was_ms % 1000));
}

static void add_index(const struct history_event *ev, struct buf *b)
{
	if (ev->etcd_index != 0)
		buf_addu(b, ev->etcd_index);
}

static void time_at(const struct history_event *ev, struct buf *b)
{
	add_time(b, ev->at);
}

static void time_seen(const struct history_event *ev, struct buf *b)
{
	add_time(b, ev->seen);
}

static void time_earliest(const struct history_event *ev, struct buf *b)
{
	add_time(b, ev->earliest);
}

enum { FIRST_NUMBER = 12 };

static const struct field fields[] = {
	{ "time", NULL, time_at },
	{ "earliest", NULL, time_earliest },
	{ "seen", NULL, time_seen },
	{ "etcd_cluster", cluster, NULL },
	{ "service_name", service, NULL },
	{ "instance_id", instance, NULL },
	{ "state", state, NULL },
	{ "cause", cause, NULL },
	{ "was", was, NULL },
	{ "address", address, NULL },
	{ "directory", directory, NULL },
	{ "key", key, NULL },
	{ "was_seconds", NULL, add_seconds },	/* FIRST_NUMBER */
	{ "etcd_index", NULL, add_index },
};

enum { NFIELDS = sizeof(fields) / sizeof(fields[0]) };

static void add_json_field(struct buf *b, size_t i,
    const struct history_event *ev)
{
	const char *text = fields[i].text ? fields[i].text(ev) : NULL;
	size_t before;

	buf_addf(b, "%s\"%s\":", i > 0 ? "," : "", fields[i].name);
	if (fields[i].text != NULL) {
		if (text != NULL)
			buf_add_json(b, text);
		else
			buf_adds(b, "null");
		return;
	}
	if (i < FIRST_NUMBER)
		buf_addc(b, '"');
	before = b->len;
	fields[i].add(ev, b);
	if (b->len == before)
		buf_adds(b, "null");
	if (i < FIRST_NUMBER)
		buf_addc(b, '"');
}

static void print_json(struct events_printer *p,
    const struct history_event *ev)
{
	buf_reset(&p->line);
	for (size_t i = 0; i < NFIELDS; i++)
		add_json_field(&p->line, i, ev);
	fprintf(p->out, "%s{%s}", p->n > 0 ? ",\n " : "[",
	    buf_str(&p->line));
}

/* RFC 4180: quoted where it must be, quotes doubled. */
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

static void print_csv_header(struct events_printer *p)
{
	for (size_t i = 0; i < NFIELDS; i++)
		fprintf(p->out, "%s%s", i > 0 ? "," : "", fields[i].name);
	fputc('\n', p->out);
}

static void print_csv(struct events_printer *p, const struct history_event *ev)
{
	buf_reset(&p->line);
	for (size_t i = 0; i < NFIELDS; i++) {
		const char *text = fields[i].text ? fields[i].text(ev) : NULL;

		if (i > 0)
			buf_addc(&p->line, ',');
		if (text != NULL)
			add_csv(&p->line, text);
		else if (fields[i].add != NULL)
			fields[i].add(ev, &p->line);
	}
	if (p->n == 0)
		print_csv_header(p);
	fprintf(p->out, "%s\n", buf_str(&p->line));
}

/* --- all three --- */

static void tabulate(struct events_printer *p, const struct history_event *ev)
{
	events_table_add(p->table, ev);
}

bool events_print(const struct history_event *ev, void *printer)
{
	static void (*const print[])(struct events_printer *p,
	    const struct history_event *ev) = {
		[EVENTS_TABLE] = tabulate,
		[EVENTS_JSON] = print_json,
		[EVENTS_CSV] = print_csv,
	};
	struct events_printer *p = printer;

	print[p->format](p, ev);
	p->n++;
	return true;
}

static void print_nothing(struct events_printer *p, wall_t since)
{
	char *text;

	switch (p->format) {
	case EVENTS_JSON:
		fputs("[]\n", p->out);
		break;
	case EVENTS_CSV:
		print_csv_header(p);
		break;
	case EVENTS_TABLE:
		text = timefmt_local(since);
		if (since.ms != 0)
			fprintf(p->out, "no events since %.19s\n", text);
		else
			fputs("no events\n", p->out);
		free(text);
		break;
	}
}

void events_printer_free(struct events_printer *p)
{
	events_table_free(p->table);
	buf_free(&p->line);
	free(p);
}

void events_printer_end(struct events_printer *p, wall_t since)
{
	if (p->n == 0)
		print_nothing(p, since);
	else if (p->format == EVENTS_TABLE)
		events_table_print(p->table, p->out, p->width);
	else if (p->format == EVENTS_JSON)
		fputs("]\n", p->out);
	events_printer_free(p);
}
