/* The formats json and prometheus: for programs.  json is an array of objects,
 * one on each line; under --watch there is no array but an object on each
 * line, those who are there first and then the changes.  prometheus is what
 * Prometheus reads by file_sd. */
#include <inttypes.h>

#include "core/timefmt.h"
#include "discover/roster_format_impl.h"

/* In place of a change, for those who are there at the start. */
static const char PRESENT[] = "present";

static void add_string(struct buf *out, const char *name, const char *text)
{
	buf_addf(out, "\"%s\":", name);
	if (text != NULL)
		buf_add_json(out, text);
	else
		buf_adds(out, "null");
}

static void add_time(struct buf *out, const char *name, wall_t t)
{
	char text[TIMEFMT_MAX];

	buf_addf(out, "\"%s\":\"%s\"", name, timefmt_rfc3339(t, text));
}

/* --- json --- */

static void add_entry(struct buf *out, const struct roster_entry *e,
    mono_t now)
{
	const struct {
		const char *name, *text;
	} strings[] = {
		{ "service_name", e->service_name },
		{ "directory", e->directory },
		{ "instance_id", e->instance_id },
		{ "key", e->key }, { "value", e->value },
		{ "address", e->address },
	};

	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
		add_string(out, strings[i].name, strings[i].text);
		buf_addc(out, ',');
	}
	if (e->permanent) {
		buf_adds(out, "\"ttl_seconds\":null,\"expiration\":null");
	} else {
		buf_addf(out, "\"ttl_seconds\":%" PRId64 ",",
		    roster_ttl_left(e, now));
		add_time(out, "expiration", e->expiration);
	}
	buf_addf(out, ",\"created_index\":%" PRIu64 ",\"modified_index\":%"
	    PRIu64, e->created_index, e->modified_index);
}

/* "[" and what goes before each object but the first; "]" at the end. */
static void begin_item(struct buf *out, size_t n)
{
	buf_adds(out, n == 0 ? "[" : ",\n ");
}

static void end_items(struct buf *out, size_t n)
{
	buf_adds(out, n == 0 ? "[]\n" : "]\n");
}

void json_list(struct roster_writer *w, const struct roster *r,
    struct buf *out)
{
	struct roster_cursor c = { 0 };
	const struct roster_entry *e;
	mono_t now = clock_mono();
	size_t n = 0;

	(void)w;
	while ((e = roster_next(r, &c)) != NULL) {
		begin_item(out, n++);
		buf_addc(out, '{');
		add_entry(out, e, now);
		buf_addc(out, '}');
	}
	end_items(out, n);
}

static void add_change(struct buf *out, const char *change,
    const struct roster_entry *e)
{
	buf_addc(out, '{');
	add_time(out, "time", clock_now());
	buf_addf(out, ",\"change\":\"%s\",", change);
	add_entry(out, e, clock_mono());
	buf_adds(out, "}\n");
}

void json_start(struct roster_writer *w, const struct roster *r,
    struct buf *out)
{
	struct roster_cursor c = { 0 };
	const struct roster_entry *e;

	(void)w;
	while ((e = roster_next(r, &c)) != NULL)
		add_change(out, PRESENT, e);
}

void json_change(struct roster_writer *w, enum roster_change c,
    const struct roster_entry *e, struct buf *out)
{
	(void)w;
	add_change(out, roster_change_name(c), e);
}

/* --- prometheus --- */

static void add_target(struct buf *out, const struct roster_entry *e)
{
	buf_adds(out, "{\"targets\":[");
	buf_add_json(out, e->address);
	buf_adds(out, "],\"labels\":{");
	add_string(out, "service_name", e->service_name);
	buf_addc(out, ',');
	add_string(out, "instance_id", e->instance_id);
	buf_addc(out, ',');
	add_string(out, "__meta_rollcall_key", e->key);
	buf_adds(out, "}}");
}

void prometheus_list(struct roster_writer *w, const struct roster *r,
    struct buf *out)
{
	struct roster_cursor c = { 0 };
	const struct roster_entry *e;
	size_t n = 0;

	while ((e = roster_next_fit(w, r, &c)) != NULL) {
		begin_item(out, n++);
		add_target(out, e);
	}
	end_items(out, n);
}
