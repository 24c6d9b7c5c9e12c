/* The lines of an exposition that carry values, which are the same in both
 * formats.  An instance's labels are put together of its names, others come
 * rendered; what a value is values.c says.
 * Everything that a scrape of a large registry has to wait for is here, so it
 * copies and does not format.  Called by exposition.c and segments.c. */
#include "exporter/lines.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "core/buf.h"
#include "exporter/number.h"
#include "exporter/values.h"

enum { AHEAD = 8, HEAD_MAX = 128, LABELS_MAX = 256 << 10 };

/* A text and its length. */
struct span {
	const char *s;
	size_t n;
};

/* What a line begins with: the name of a sample and a brace. */
struct head {
	char text[HEAD_MAX];
	size_t n;
};

static const char *const suffixes[] = {
	[METRIC_GAUGE] = "",
	[METRIC_COUNTER] = "_total",
	[METRIC_INFO] = "_info",
};

const char *lines_suffix(enum metric_id id)
{
	return suffixes[metrics[id].type];
}

static struct span span(const char *s)
{
	return (struct span){ s, strlen(s) };
}

/* Of a text whose length the compiler knows. */
#define SPAN(text) ((struct span){ text, sizeof(text) - 1 })

static struct head head_of(enum metric_id id)
{
	struct head h;

	h.n = (size_t)snprintf(h.text, sizeof(h.text), "%s%s{",
	    metrics[id].name, lines_suffix(id));
	assert(h.n < sizeof(h.text));
	return h;
}

static inline char *put(char *at, struct span s)
{
	memcpy(at, s.s, s.n);
	return at + s.n;
}

/* Room for a line with so many bytes of labels; NULL: there is none. */
static char *begin(struct buf *out, const struct head *head, size_t labels)
{
	if (!buf_reserve(out, head->n + labels + NUMBER_MAX + sizeof("} \n")))
		return NULL;
	return put(out->data + out->len,
	    (struct span){ head->text, head->n });
}

static void end(struct buf *out, char *at, double v)
{
	at += number_write(at, v);
	*at++ = '\n';
	*at = '\0';
	out->len = (size_t)(at - out->data);
}

/* labels: what stands between the braces, in pieces. */
static void add(struct buf *out, const struct head *head,
    const struct span *labels, size_t n, double v)
{
	size_t length = 0;
	char *at;

	for (size_t i = 0; i < n; i++)
		length += labels[i].n;
	at = begin(out, head, length);
	if (at == NULL)
		return;
	if (length == 0)
		at--;			/* no braces */
	for (size_t i = 0; i < n; i++)
		at = put(at, labels[i]);
	at = length > 0 ? put(at, SPAN("} ")) : put(at, SPAN(" "));
	end(out, at, v);
}

/* Two rendered sets, or one; NULL or "" is none. */
static void add_rendered(struct buf *out, const struct head *head,
    const struct rstr *labels, const struct rstr *info, double v)
{
	struct span a = span(labels != NULL ? labels->s : "");
	struct span b = span(info != NULL ? info->s : "");
	struct span both[] = { a, span(a.n > 0 && b.n > 0 ? "," : ""), b };

	add(out, head, both, 3, v);
}

void lines_add(struct buf *out, enum metric_id id, const struct rstr *labels,
    const struct rstr *info, double value)
{
	struct head head = head_of(id);

	add_rendered(out, &head, labels, info, value);
}

/* --- instances --- */

/* Labels lie all over the memory: asks for those of the entries to come. */
static void fetch_ahead(const struct names *names)
{
	__builtin_prefetch(names);
	__builtin_prefetch((const char *)names + 64);
}

static void add_plain(struct buf *out, const struct head *head,
    const struct snap_instance *i, double v)
{
	struct span service = span(i->service->s);
	struct span id = span(names_instance_id(i->names));
	char *at = begin(out, head, service.n + id.n +
	    sizeof(",instance_id=\"\""));

	if (at == NULL)
		return;
	at = put(at, service);
	at = put(at, SPAN(",instance_id=\""));
	at = put(at, id);
	at = put(at, SPAN("\"} "));
	end(out, at, v);
}

static void add_plain_info(struct buf *out, const struct head *head,
    const struct snap_instance *i, double v)
{
	const struct names *n = i->names;
	const char *address = names_address(n), *extra = names_extra(n);
	struct span labels[] = {
		span(i->service->s),
		SPAN(",instance_id=\""), span(names_instance_id(n)),
		SPAN("\",key=\""), span(names_key(n)),
		SPAN("\",address=\""), span(address != NULL ? address : ""),
		span(*extra != '\0' ? "\"," : "\""), span(extra),
	};

	add(out, head, labels, sizeof(labels) / sizeof(labels[0]), v);
}

/* Something in it has to be escaped. */
static void add_escaped(struct buf *out, const struct head *head,
    const struct snap_instance *i, bool info, double v)
{
	struct buf b;
	struct span labels;

	buf_init(&b, LABELS_MAX);
	buf_adds(&b, i->service->s);
	buf_addc(&b, ',');
	names_render_id(i->names, &b);
	if (info) {
		buf_addc(&b, ',');
		names_render_info(i->names, &b);
	}
	labels = span(buf_str(&b));
	if (!b.failed)		/* registry_identity.c sees to that */
		add(out, head, &labels, 1, v);
	buf_free(&b);
}

static void add_instances(struct buf *out, enum metric_id id,
    const struct snap_block *b)
{
	bool info = metrics[id].type == METRIC_INFO;
	struct head head = head_of(id);
	double v;

	for (size_t k = 0; k < b->n; k++) {
		const struct snap_instance *i = &b->instances[k];

		if (k + AHEAD < b->n)
			fetch_ahead(i[AHEAD].names);
		if (!values_instance(id, i, &v))
			continue;
		if (!i->names->plain)
			add_escaped(out, &head, i, info, v);
		else if (info)
			add_plain_info(out, &head, i, v);
		else
			add_plain(out, &head, i, v);
	}
}

/* --- services --- */

static void add_services(struct buf *out, enum metric_id id,
    const struct snap_block *b)
{
	bool info = metrics[id].type == METRIC_INFO;
	struct head head = head_of(id);
	double v;

	for (size_t k = 0; k < b->n; k++) {
		const struct snap_service *s = &b->services[k];

		if (values_service(id, s, &v))
			add_rendered(out, &head, s->labels,
			    info ? s->info : NULL, v);
	}
}

void lines_add_block(struct buf *out, enum metric_id id,
    const struct snap_block *b)
{
	if (metrics[id].source == FROM_INSTANCES)
		add_instances(out, id, b);
	else
		add_services(out, id, b);
}
