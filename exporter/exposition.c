/* The one writer of metrics: a snapshot in, Prometheus text 0.0.4 or
 * OpenMetrics 1.0 out, families in the order of core/metrics.def.  It does
 * not know what a value means (values.c), nor who asks (routes.c); labels
 * come rendered and escaped.  The two formats differ only in the lines before
 * a family's samples and in the end. */
#include "exporter/exposition.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "exporter/values.h"

struct writer {
	const struct exposition *x;
	enum exposition_format format;
	struct buf *out;
	enum metric_id id;	/* the family being written */
	bool begun;		/* its first lines are out */
	size_t sample, extra;	/* how far the sorted samples are used */
};

static const struct {
	const char *type[2];	/* by format */
	const char *suffix;	/* what a sample's name ends in */
} kinds[] = {
	[METRIC_GAUGE] = { { "gauge", "gauge" }, "" },
	[METRIC_COUNTER] = { { "counter", "counter" }, "_total" },
	[METRIC_INFO] = { { "gauge", "info" }, "_info" },
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
		    strcmp(name + n, kinds[metrics[id].type].suffix) == 0) {
			*id_r = (enum metric_id)id;
			return true;
		}
	}
	return false;
}

void exposition_number(struct buf *out, double v)
{
	char text[40];

	if (isinf(v)) {
		buf_adds(out, v > 0 ? "+Inf" : "-Inf");
		return;
	}
	if (isnan(v)) {
		buf_adds(out, "NaN");
		return;
	}
	if (fabs(v) < 1e15 && v == floor(v)) {
		if (v < 0)
			buf_addc(out, '-');
		buf_addu(out, (uint64_t)fabs(v));
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, v);
		if (strtod(text, NULL) == v)
			break;
	}
	buf_adds(out, text);
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

static void add_help(struct writer *w, const char *help)
{
	for (; *help != '\0'; help++) {
		if (*help == '\n') {
			buf_adds(w->out, "\\n");
			continue;
		}
		if (*help == '\\' || (*help == '"' &&
		    w->format == EXPOSITION_OPENMETRICS))
			buf_addc(w->out, '\\');
		buf_addc(w->out, *help);
	}
}

/* "# TYPE name ": OpenMetrics names the family, 0.0.4 its samples. */
static void begin_line(struct writer *w, const char *what)
{
	const struct metric *m = &metrics[w->id];

	buf_adds(w->out, what);
	buf_adds(w->out, m->name);
	if (w->format == EXPOSITION_TEXT)
		buf_adds(w->out, kinds[m->type].suffix);
	buf_addc(w->out, ' ');
}

static void begin_family(struct writer *w)
{
	const struct metric *m = &metrics[w->id];
	const char *unit = unit_of(m);

	begin_line(w, "# TYPE ");
	buf_adds(w->out, kinds[m->type].type[w->format]);
	buf_addc(w->out, '\n');
	if (unit != NULL && w->format == EXPOSITION_OPENMETRICS) {
		begin_line(w, "# UNIT ");
		buf_adds(w->out, unit);
		buf_addc(w->out, '\n');
	}
	begin_line(w, "# HELP ");
	add_help(w, m->help);
	buf_addc(w->out, '\n');
	w->begun = true;
}

static bool has_text(const struct rstr *r)
{
	return r != NULL && r->s[0] != '\0';
}

/* info: more labels, or NULL. */
static void add_sample(struct writer *w, const struct rstr *labels,
    const struct rstr *info, double value)
{
	const struct metric *m = &metrics[w->id];

	if (isnan(value))	/* what is not known has no series */
		return;
	if (!w->begun)
		begin_family(w);
	buf_adds(w->out, m->name);
	buf_adds(w->out, kinds[m->type].suffix);
	if (has_text(labels) || has_text(info)) {
		buf_addc(w->out, '{');
		if (has_text(labels))
			buf_adds(w->out, labels->s);
		if (has_text(labels) && has_text(info))
			buf_addc(w->out, ',');
		if (has_text(info))
			buf_adds(w->out, info->s);
		buf_addc(w->out, '}');
	}
	buf_addc(w->out, ' ');
	exposition_number(w->out, value);
	buf_addc(w->out, '\n');
}

static void from_block(struct writer *w, const struct snap_block *b)
{
	bool info = metrics[w->id].type == METRIC_INFO;
	double v;

	for (size_t i = 0; i < b->n; i++)
		if (values_instance(w->id, &b->v[i], &v))
			add_sample(w, b->v[i].labels,
			    info ? b->v[i].info : NULL, v);
}

static void from_instances(struct writer *w)
{
	const struct snapshot *s = w->x->snapshot;

	for (size_t i = 0; i < s->nblocks; i++)
		from_block(w, s->blocks[i]);
}

static void from_service_block(struct writer *w,
    const struct snap_service_block *b)
{
	bool info = metrics[w->id].type == METRIC_INFO;
	double v;

	for (size_t i = 0; i < b->n; i++)
		if (values_service(w->id, &b->v[i], &v))
			add_sample(w, b->v[i].labels,
			    info ? b->v[i].info : NULL, v);
}

static void from_services(struct writer *w)
{
	const struct snapshot *s = w->x->snapshot;

	for (size_t i = 0; i < s->nservice_blocks; i++)
		from_service_block(w, s->service_blocks[i]);
}

/* Uses up the samples of the present family; they stand in table order.  One
 * of an earlier family is left only where that family was not wanted. */
static size_t from_sorted(struct writer *w, const struct snap_sample *v,
    size_t at, size_t n)
{
	for (; at < n && v[at].metric <= w->id; at++) {
		if (v[at].metric == w->id)
			add_sample(w, v[at].labels, NULL, v[at].value);
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
	[FROM_INSTANCES] = from_instances,
	[FROM_SERVICES] = from_services,
};

void exposition_write(const struct exposition *x, enum exposition_format f,
    struct buf *out)
{
	struct writer w = { .x = x, .format = f, .out = out };

	for (int id = 0; id < M_COUNT; id++) {
		w.id = (enum metric_id)id;
		w.begun = false;
		if (x->wanted == NULL || x->wanted[id])
			sources[metrics[id].source](&w);
	}
	if (f == EXPOSITION_OPENMETRICS)
		buf_adds(out, "# EOF\n");
}
