/* The lines of an exposition that carry values, which are the same in both
 * formats.  Labels come rendered and escaped; what a value is values.c says.
 * Everything that a scrape of a large registry has to wait for is here, so it
 * copies and does not format.  Called by exposition.c and segments.c. */
#include "exporter/lines.h"

#include <string.h>

#include "core/buf.h"
#include "exporter/number.h"
#include "exporter/values.h"

enum { AHEAD = 8 };

/* A text and its length, "" for what is not there. */
struct span {
	const char *s;
	size_t n;
};

/* The name of a sample. */
struct name {
	struct span family, suffix;
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

static struct name name_of(enum metric_id id)
{
	return (struct name){ span(metrics[id].name), span(lines_suffix(id)) };
}

static char *put(char *at, struct span s)
{
	memcpy(at, s.s, s.n);
	return at + s.n;
}

static char *put_labels(char *at, struct span labels, struct span info)
{
	*at++ = '{';
	at = put(at, labels);
	if (labels.n > 0 && info.n > 0)
		*at++ = ',';
	at = put(at, info);
	*at++ = '}';
	return at;
}

static void add(struct buf *out, const struct name *name,
    const struct rstr *labels_text, const struct rstr *info_text, double v)
{
	struct span labels = span(labels_text ? labels_text->s : "");
	struct span info = span(info_text ? info_text->s : "");
	char *at;

	if (!buf_reserve(out, name->family.n + name->suffix.n + labels.n +
	    info.n + NUMBER_MAX + sizeof("{,} \n")))
		return;
	at = put(out->data + out->len, name->family);
	at = put(at, name->suffix);
	if (labels.n + info.n > 0)
		at = put_labels(at, labels, info);
	*at++ = ' ';
	at += number_write(at, v);
	*at++ = '\n';
	*at = '\0';
	out->len = (size_t)(at - out->data);
}

void lines_add(struct buf *out, enum metric_id id, const struct rstr *labels,
    const struct rstr *info, double value)
{
	struct name name = name_of(id);

	add(out, &name, labels, info, value);
}

/* Labels lie all over the memory: asks for those of the entries to come. */
static void fetch_ahead(const struct rstr *text)
{
	__builtin_prefetch(text);
	__builtin_prefetch((const char *)text + 64);
}

static void add_instances(struct buf *out, enum metric_id id,
    const struct snap_block *b)
{
	bool info = metrics[id].type == METRIC_INFO;
	struct name name = name_of(id);
	double v;

	for (size_t k = 0; k < b->n; k++) {
		const struct snap_instance *i = &b->instances[k];

		if (k + AHEAD < b->n) {
			fetch_ahead(i[AHEAD].labels);
			if (info)
				fetch_ahead(i[AHEAD].info);
		}
		if (values_instance(id, i, &v))
			add(out, &name, i->labels, info ? i->info : NULL, v);
	}
}

static void add_services(struct buf *out, enum metric_id id,
    const struct snap_block *b)
{
	bool info = metrics[id].type == METRIC_INFO;
	struct name name = name_of(id);
	double v;

	for (size_t k = 0; k < b->n; k++) {
		const struct snap_service *s = &b->services[k];

		if (values_service(id, s, &v))
			add(out, &name, s->labels, info ? s->info : NULL, v);
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
