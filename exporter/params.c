/* Reads the parameters of the API by one table, and writes them again for the
 * links to other pages.  What they mean for history is answers.c's. */
#include "exporter/params.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/err.h"
#include "core/options.h"
#include "core/timefmt.h"
#include "core/utf8.h"
#include "core/xalloc.h"

enum { MAX_MIN = 1000000, MAX_GLOB = 1000 };

#define FIRST_MS 1e11		/* a number from here on is milliseconds */
#define LAST_MS 253402300800000	/* the year 10000 */
#define STEP_LAST_MS 1e13	/* more than any duration */

void params_init(struct params *p)
{
	*p = (struct params){ .min = -1, .limit = PARAMS_LIMIT };
}

void params_free(struct params *p)
{
	free(p->edges);
	free(p->cluster);
	free(p->service);
	free(p->instance);
	free(p->state);
	free(p->label);
}

/* --- values --- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Plain decimals: digits, and digits behind a point; no sign, no exponent. */
static bool parse_decimal(const char *text, double *v_r)
{
	static const char digits[] = "0123456789";
	size_t n = strspn(text, digits), behind;

	*v_r = strtod(text, NULL);
	if (n == 0 || text[n] != '.')
		return n > 0 && text[n] == '\0';
	behind = strspn(text + n + 1, digits);
	return behind > 0 && text[n + 1 + behind] == '\0';
}

static bool parse_moment(const char *text, wall_t *t_r)
{
	char *copy = xstrdup(text);
	bool ok;

	/* In a query + is a space. */
	for (char *c = strchr(copy, ' '); c != NULL; c = strchr(c, ' '))
		*c = '+';
	ok = timefmt_parse_rfc3339(copy, t_r, NULL) == 0 && t_r->ms >= 0;
	free(copy);
	return ok;
}

static bool parse_time(const char *text, wall_t *t_r)
{
	double v;

	if (!parse_decimal(text, &v))
		return parse_moment(text, t_r);
	v = round(v < FIRST_MS ? v * 1000 : v);
	t_r->ms = v < LAST_MS ? (int64_t)v : 0;
	return v < LAST_MS;
}

static int set_time(wall_t *t, const char *name, const char *value,
    struct err *e)
{
	if (parse_time(value, t))
		return 0;
	return err_set(e, "%s: \"%.60s\" is no time: it takes RFC 3339 such as"
	    " 2026-10-01T00:00:00Z, or Unix seconds or milliseconds in plain"
	    " decimals", name, value);
}

static int set_from(struct params *p, const char *value, struct err *e)
{
	return set_time(&p->from, "from", value, e);
}

static int set_to(struct params *p, const char *value, struct err *e)
{
	return set_time(&p->to, "to", value, e);
}

static int set_step(struct params *p, const char *value, struct err *e)
{
	double s;

	if (parse_decimal(value, &s))
		p->step_ms = round(s * 1000) < STEP_LAST_MS ?
		    llround(s * 1000) : 0;
	else if (timefmt_parse_duration(value, &p->step_ms, NULL) != 0)
		p->step_ms = 0;
	if (p->step_ms > 0)
		return 0;
	return err_set(e, "step: \"%.60s\" is no length of time: it takes a"
	    " duration such as 1h, or seconds", value);
}

static int set_edges(struct params *p, const char *value, struct err *e)
{
	const char *at = value;

	p->edges = xcalloc(PARAMS_STEPS + 1, sizeof(*p->edges));
	p->nedges = 0;
	while (p->nedges <= PARAMS_STEPS) {
		char *end;
		int64_t ms = strtoll(at, &end, 10);

		if (!is_digit(*at) || ms >= LAST_MS ||
		    (p->nedges > 0 && ms <= p->edges[p->nedges - 1].ms))
			break;
		p->edges[p->nedges++].ms = ms;
		if (*end == '\0' && p->nedges >= 2)
			return 0;
		if (*end != ',')
			break;
		at = end + 1;
	}
	return err_set(e, "edges: it takes 2 to %d ascending times in Unix"
	    " milliseconds, with commas between", PARAMS_STEPS + 1);
}

static int set_of(struct params *p, const char *value, struct err *e)
{
	p->of = HISTORY_SERVICES;
	if (strcmp(value, "instances") == 0)
		p->of = HISTORY_INSTANCES;
	else if (strcmp(value, "services") != 0)
		return err_set(e, "of: \"%.60s\" is neither services nor"
		    " instances", value);
	return 0;
}

static int set_text(char **text, const char *name, const char *value,
    struct err *e)
{
	size_t n = strlen(value);

	if (n == 0)
		return err_set(e, "%s: it is empty: leave it out, or say what"
		    " it is", name);
	if (n > MAX_GLOB)
		return err_set(e, "%s: longer than %d bytes", name, MAX_GLOB);
	if (!utf8_is(value, n))
		return err_set(e, "%s: it is not UTF-8", name);
	*text = xstrdup(value);
	return 0;
}

static int set_cluster(struct params *p, const char *value, struct err *e)
{
	return set_text(&p->cluster, "cluster", value, e);
}

static int set_service(struct params *p, const char *value, struct err *e)
{
	return set_text(&p->service, "service", value, e);
}

static int set_instance(struct params *p, const char *value, struct err *e)
{
	return set_text(&p->instance, "instance", value, e);
}

static int set_state(struct params *p, const char *value, struct err *e)
{
	if (strcmp(value, "up") != 0 && strcmp(value, "expired") != 0 &&
	    strcmp(value, "lost") != 0)
		return err_set(e, "state: \"%.60s\" is none of up, expired,"
		    " lost", value);
	return set_text(&p->state, "state", value, e);
}

static int set_label(struct params *p, const char *value, struct err *e)
{
	return set_text(&p->label, "label", value, e);
}

static int set_number(int64_t *v, const char *name, const char *value,
    int64_t least, int64_t most, struct err *e)
{
	char *end;
	long long n = strtoll(value, &end, 10);

	if (!is_digit(*value) || *end != '\0' || n < least || n > most)
		return err_set(e, "%s: \"%.60s\" is no whole number from %"
		    PRId64 " to %" PRId64, name, value, least, most);
	*v = n;
	return 0;
}

static int set_min(struct params *p, const char *value, struct err *e)
{
	return set_number(&p->min, "min", value, 0, MAX_MIN, e);
}

static int set_limit(struct params *p, const char *value, struct err *e)
{
	return set_number(&p->limit, "limit", value, 1, PARAMS_MOST, e);
}

static int set_offset(struct params *p, const char *value, struct err *e)
{
	return set_number(&p->offset, "offset", value, 0, INT32_MAX, e);
}

static int set_order(struct params *p, const char *value, struct err *e)
{
	p->oldest_first = strcmp(value, "asc") == 0;
	if (p->oldest_first || strcmp(value, "desc") == 0)
		return 0;
	return err_set(e, "order: \"%.60s\" is neither desc (newest first)"
	    " nor asc", value);
}

static const struct {
	const char *name;
	int (*set)(struct params *p, const char *value, struct err *e);
} table[PARAM_COUNT] = {
	[PARAM_FROM] = { "from", set_from },
	[PARAM_TO] = { "to", set_to },
	[PARAM_STEP] = { "step", set_step },
	[PARAM_EDGES] = { "edges", set_edges },
	[PARAM_OF] = { "of", set_of },
	[PARAM_CLUSTER] = { "cluster", set_cluster },
	[PARAM_SERVICE] = { "service", set_service },
	[PARAM_INSTANCE] = { "instance", set_instance },
	[PARAM_STATE] = { "state", set_state },
	[PARAM_MIN] = { "min", set_min },
	[PARAM_LIMIT] = { "limit", set_limit },
	[PARAM_OFFSET] = { "offset", set_offset },
	[PARAM_ORDER] = { "order", set_order },
	[PARAM_LABEL] = { "label", set_label },
};

/* The one with that name, or PARAM_COUNT. */
static int find(unsigned allowed, const char *name)
{
	int i = 0;

	while (i < PARAM_COUNT && (!(allowed & 1u << i) ||
	    strcmp(table[i].name, name) != 0))
		i++;
	return i;
}

static int unknown(unsigned allowed, const char *name, struct err *e)
{
	const char *names[PARAM_COUNT], *near;
	struct buf list;
	size_t n = 0;

	buf_init(&list, sizeof(e->text));
	for (int i = 0; i < PARAM_COUNT; i++)
		if (allowed & 1u << i) {
			buf_addf(&list, "%s%s", n > 0 ? ", " : "",
			    table[i].name);
			names[n++] = table[i].name;
		}
	near = options_nearest(name, names, n);
	if (near != NULL)
		err_set(e, "unknown parameter \"%.60s\" (did you mean"
		    " \"%s\"?)", name, near);
	else
		err_set(e, "unknown parameter \"%.60s\": here is %s%s", name,
		    n > 0 ? "only " : "none", buf_str(&list));
	buf_free(&list);
	return -1;
}

int params_set(struct params *p, unsigned allowed, const char *name,
    const char *value, struct err *e)
{
	int i = find(allowed, name);

	if (i == PARAM_COUNT)
		return unknown(allowed, name, e);
	if (p->given & 1u << i)
		return err_set(e, "%s: it is given twice", name);
	p->given |= 1u << i;
	return table[i].set(p, value != NULL ? value : "", e);
}

/* --- the range --- */

static int make_edges(struct params *p, struct err *e)
{
	int64_t length = p->to.ms - p->from.ms;
	int64_t step = p->step_ms > 0 ? p->step_ms : length;
	size_t n = (size_t)((length + step - 1) / step);

	if (n > PARAMS_STEPS)
		return err_set(e, "step: %zu intervals are more than %d: take"
		    " a longer step or a shorter range", n, PARAMS_STEPS);
	p->edges = xcalloc(n + 1, sizeof(*p->edges));
	for (size_t i = 0; i < n; i++)
		p->edges[i].ms = p->from.ms + (int64_t)i * step;
	p->edges[n] = p->to;
	p->nedges = n + 1;
	return 0;
}

static void take_ends(struct params *p, wall_t now, int64_t default_ms)
{
	if (!(p->given & PARAM(TO)))
		p->to = now;
	if (p->given & PARAM(FROM))
		return;
	p->from = wall_add(p->to, -default_ms);
	if (p->from.ms < 0)
		p->from.ms = 0;
}

int params_range(struct params *p, wall_t now, int64_t default_ms,
    struct err *e)
{
	if (p->edges == NULL) {
		take_ends(p, now, default_ms);
	} else {
		if (p->given & (PARAM(FROM) | PARAM(TO) | PARAM(STEP)))
			return err_set(e, "edges: they stand in place of from,"
			    " to and step");
		p->from = p->edges[0];
		p->to = p->edges[p->nedges - 1];
	}
	p->given |= PARAM(FROM) | PARAM(TO);
	if (p->from.ms >= p->to.ms)
		return err_set(e, "from: the range is empty: it begins when it"
		    " ends or later");
	return p->edges == NULL ? make_edges(p, e) : 0;
}

/* --- written again --- */

static void add_text(struct buf *b, const char *name, const char *value)
{
	char *escaped = value == NULL ? NULL : curl_easy_escape(NULL, value,
	    0);

	if (escaped != NULL)
		buf_addf(b, "%s=%s&", name, escaped);
	curl_free(escaped);
}

static void add_edges(struct buf *b, const struct params *p)
{
	buf_adds(b, "edges=");
	for (size_t i = 0; i < p->nedges; i++)
		buf_addf(b, "%s%" PRId64, i > 0 ? "," : "", p->edges[i].ms);
	buf_addc(b, '&');
}

/* A small number would be read as seconds. */
static void add_time(struct buf *b, const char *name, wall_t t)
{
	if (t.ms >= FIRST_MS)
		buf_addf(b, "%s=%" PRId64 "&", name, t.ms);
	else
		buf_addf(b, "%s=%" PRId64 ".%03d&", name, t.ms / 1000,
		    (int)(t.ms % 1000));
}

/* The range as it was made, so that all pages have the same one. */
void params_query(const struct params *p, int64_t offset, struct buf *b)
{
	bool steps = p->nedges > 2 && p->step_ms == 0;

	if (steps)
		add_edges(b, p);
	else if (p->given & PARAM(FROM))
		add_time(b, "from", p->from);
	if (!steps && p->given & PARAM(TO))
		add_time(b, "to", p->to);
	if (p->step_ms > 0)
		buf_addf(b, "step=%.3f&", (double)p->step_ms / 1000);
	if (p->given & PARAM(OF))
		buf_addf(b, "of=%s&", p->of == HISTORY_SERVICES ? "services" :
		    "instances");
	add_text(b, "cluster", p->cluster);
	add_text(b, "service", p->service);
	add_text(b, "instance", p->instance);
	add_text(b, "state", p->state);
	if (p->oldest_first)
		buf_adds(b, "order=asc&");
	if (p->min >= 0)
		buf_addf(b, "min=%" PRId64 "&", p->min);
	buf_addf(b, "limit=%" PRId64 "&offset=%" PRId64, p->limit, offset);
}
