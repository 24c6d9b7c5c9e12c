/* The one writer of metrics: a snapshot in, Prometheus text 0.0.4 or
 * OpenMetrics 1.0 out, families in the order of core/metrics.def.  It does
 * not know what a value means (values.c), nor who asks (routes.c); labels
 * come rendered and escaped.  The two formats differ only in the lines before
 * a family's samples and in the end; samples are lines.c's, and those of
 * blocks are kept by segments.c. */
#include "exporter/exposition.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "core/buf.h"
#include "exporter/lines.h"
#include "exporter/pieces.h"

enum { HEAD_MAX = 64 << 10 };

struct writer {
	const struct exposition *x;
	enum exposition_format format;
	struct pieces *out;
	enum metric_id id;	/* the family being written */
	bool begun;		/* its first lines are out */
	size_t sample, extra;	/* how far the sorted samples are used */
};

static const char *const type_names[][2] = {	/* by format */
	[METRIC_GAUGE] = { "gauge", "gauge" },
	[METRIC_COUNTER] = { "counter", "counter" },
	[METRIC_INFO] = { "gauge", "info" },
};

static const char *const units[] = { "seconds", "bytes" };

const char *exposition_content_type(enum exposition_format f)
{
	return f == EXPOSITION_OPENMETRICS ?
	    "application/openmetrics-text; version=1.0.0; charset=utf-8" :
	    "text/plain; version=0.0.4; charset=utf-8";
}

bool exposition_find(const char *name, enum metric_id *id_r)
{
	for (int id = 0; id < M_COUNT; id++) {
		size_t n = strlen(metrics[id].name);

		if (strncmp(name, metrics[id].name, n) != 0)
			continue;
		if (name[n] == '\0' ||
		    strcmp(name + n, lines_suffix((enum metric_id)id)) == 0) {
			*id_r = (enum metric_id)id;
			return true;
		}
	}
	return false;
}

/* The unit a family name ends in, or NULL. */
static const char *unit_of(const struct metric *m)
{
	const char *last = strrchr(m->name, '_');

	if (m->type == METRIC_INFO || last == NULL)
		return NULL;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(last + 1, units[i]) == 0)
			return units[i];
	return NULL;
}

static void add_help(struct writer *w, struct buf *out, const char *help)
{
	const char *special = w->format == EXPOSITION_OPENMETRICS ?
	    "\n\\\"" : "\n\\";

	for (;;) {
		size_t n = strcspn(help, special);

		buf_add(out, help, n);
		if (help[n] == '\0')
			return;
		buf_addc(out, '\\');
		buf_addc(out, help[n] == '\n' ? 'n' : help[n]);
		help += n + 1;
	}
}

/* "# TYPE name ": OpenMetrics names the family, 0.0.4 its samples. */
static void begin_line(struct writer *w, struct buf *out, const char *what)
{

	buf_adds(out, what);
	buf_adds(out, metrics[w->id].name);
	if (w->format == EXPOSITION_TEXT)
		buf_adds(out, lines_suffix(w->id));
	buf_addc(out, ' ');
}

/* The lines before the samples of the present family. */
static void add_head(struct writer *w, struct buf *out)
{
	const struct metric *m = &metrics[w->id];
	const char *unit = unit_of(m);

	begin_line(w, out, "# TYPE ");
	buf_adds(out, type_names[m->type][w->format]);
	buf_addc(out, '\n');
	if (unit != NULL && w->format == EXPOSITION_OPENMETRICS) {
		begin_line(w, out, "# UNIT ");
		buf_adds(out, unit);
		buf_addc(out, '\n');
	}
	begin_line(w, out, "# HELP ");
	add_help(w, out, m->help);
	buf_addc(out, '\n');
}

static void add_sample(struct writer *w, const struct snap_sample *v)
{
	if (isnan(v->value))	/* what is not known has no series */
		return;
	if (!w->begun)
		add_head(w, pieces_text(w->out));
	w->begun = true;
	lines_add(pieces_text(w->out), w->id, v->labels, NULL, v->value);
}

static void from_blocks(struct writer *w)
{
	struct run *r = pieces_find(w->out, w->x->snapshot, w->id);
	struct buf head;

	if (r == NULL)
		return;
	buf_init(&head, HEAD_MAX);
	add_head(w, &head);
	pieces_add_head(w->out, w->format * M_COUNT + w->id, &head);
	buf_free(&head);
	pieces_add(w->out, r);
}

/* Uses up the samples of the present family; they stand in table order.  One
 * of an earlier family is left only where that family was not wanted. */
static size_t from_sorted(struct writer *w, const struct snap_sample *v,
    size_t at, size_t n)
{
	for (; at < n && v[at].metric <= w->id; at++) {
		if (v[at].metric == w->id)
			add_sample(w, &v[at]);
		else
			assert(w->x->wanted != NULL);
	}
	return at;
}

static void from_samples(struct writer *w)
{
	const struct snapshot *s = w->x->snapshot;

	w->sample = from_sorted(w, s->samples, w->sample, s->nsamples);
	w->extra = from_sorted(w, w->x->extra, w->extra, w->x->nextra);
}

static void (*const sources[])(struct writer *) = {
	[FROM_SAMPLES] = from_samples,
	[FROM_INSTANCES] = from_blocks,
	[FROM_SERVICES] = from_blocks,
};

void exposition_write(const struct exposition *x, enum exposition_format f,
    struct pieces *out)
{
	struct writer w = { .x = x, .format = f, .out = out };

	for (int id = 0; id < M_COUNT; id++) {
		w.id = (enum metric_id)id;
		w.begun = false;
		if (x->wanted == NULL || x->wanted[id])
			sources[metrics[id].source](&w);
	}
	if (f == EXPOSITION_OPENMETRICS)
		buf_adds(pieces_text(out), "# EOF\n");
}
