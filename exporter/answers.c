/* The questions of the API that only read: one table of them, what a request
 * has to say for each, and what is said when it cannot be answered.  Sockets
 * are server.c's, threads queries.c's. */
#include "exporter/answers.h"

#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/timefmt.h"
#include "core/xalloc.h"
#include "exporter/answers_impl.h"
#include "exporter/listing.h"

enum {
	BODY_MAX = 256 << 20, LINK_MAX = 256 << 10,
	FRESH_MS = 10000,		/* what looks notes it every 5 s */
};

#define BADGE_LEAST_MS INT64_C(3600000)		/* an hour */
#define BADGE_MOST_MS INT64_C(315360000000)	/* 3650 days */

#define WHO (PARAM(CLUSTER) | PARAM(SERVICE) | PARAM(INSTANCE))
#define PAGING (PARAM(LIMIT) | PARAM(OFFSET))
#define RANGE (PARAM(FROM) | PARAM(TO))

struct kind {
	const char *name;		/* behind ANSWERS_V1 */
	const char *rest;		/* and behind that, in the list */
	unsigned parameters;
	answer_fn *answer;
	bool present;			/* asks nothing of history */
	const char *what;
};

static const struct kind kinds[] = {
	{ "overview", "", 0, answer_overview, false,
	  "Everything at a glance." },
	{ "services", "", PARAM(CLUSTER) | PARAM(SERVICE) | PAGING,
	  answer_services, true,
	  "Services, each with its state and how many are up." },
	{ "instances", "", WHO | PARAM(STATE) | PAGING, answer_instances,
	  true, "Instances that are registered or vanished." },
	{ "uptime", "", RANGE | PARAM(STEP) | PARAM(EDGES) | PARAM(OF) | WHO |
	  PARAM(MIN) | PAGING, answer_uptime, false,
	  "Uptime and coverage over any range, in steps." },
	{ "outages", "", RANGE | PARAM(OF) | WHO | PARAM(MIN) | PAGING,
	  answer_outages, false,
	  "Who was down, and for how long, newest first." },
	{ "events", "", RANGE | WHO | PARAM(ORDER) | PAGING, answer_events,
	  false, "Who came and went, newest first." },
};

static const struct kind badge = {
	"badge/", "SERVICE/uptime/30d.svg",
	PARAM(CLUSTER) | PARAM(MIN) | PARAM(LABEL), answer_badge, false,
	"The uptime of a service as an image."
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static const char *behind(const char *path, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(path, prefix, n) == 0 ? path + n : NULL;
}

static const struct kind *find(const char *path)
{
	const char *name = behind(path, ANSWERS_V1);

	for (size_t i = 0; name != NULL && i < KINDS; i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	return name != NULL && behind(name, badge.name) != NULL ? &badge :
	    NULL;
}

bool answers_has_path(const char *path)
{
	return find(path) != NULL;
}

static void list(struct listing *l, const struct kind *k)
{
	char *path = xasprintf("%s%s", ANSWERS_V1, k->name);

	listing_add(l, ROUTES_READING, path, k->rest, k->what);
	free(path);
}

void answers_list(struct listing *l)
{
	for (size_t i = 0; i < KINDS; i++)
		list(l, &kinds[i]);
	list(l, &badge);
}

/* SERVICE/uptime/30d.svg; a service may have slashes in its name. */
static bool read_badge(struct answer *a, const char *rest)
{
	static const char middle[] = "/uptime/";
	const char *at = NULL, *next = rest;
	char *length;
	bool ok;

	while ((next = strstr(next, middle)) != NULL)
		at = next++;
	if (at == NULL || at == rest)
		return false;
	length = xstrdup(at + strlen(middle));
	ok = strlen(length) > 4 &&
	    strcmp(length + strlen(length) - 4, ".svg") == 0;
	if (ok)
		length[strlen(length) - 4] = '\0';
	ok = ok && timefmt_parse_duration(length, &a->range_ms, NULL) == 0 &&
	    a->range_ms >= BADGE_LEAST_MS && a->range_ms <= BADGE_MOST_MS;
	free(length);
	a->service = xstrndup(rest, (size_t)(at - rest));
	return ok;
}

struct answer *answer_new(const char *path, const char *link_prefix,
    const char *accept_encoding, struct reply *r_r)
{
	struct answer *a = xcalloc(1, sizeof(*a));

	a->kind = find(path);
	a->path = xstrdup(path);
	a->link_prefix = xstrdup(link_prefix);
	a->accept_encoding = xstrdup(accept_encoding);
	params_init(&a->params);
	if (a->kind != &badge || read_badge(a, path + strlen(ANSWERS_V1) +
	    strlen(badge.name)))
		return a;
	answer_free(a);
	routes_error(r_r, 404, "not_found", "a badge is at %sbadge/SERVICE/"
	    "uptime/30d.svg, with a duration from 1h to 3650d in place of"
	    " 30d", ANSWERS_V1);
	return NULL;
}

void answer_free(void *answer)
{
	struct answer *a = answer;

	params_free(&a->params);
	buf_free(&a->reply.body);
	free(a->reply.link);
	free(a->path);
	free(a->link_prefix);
	free(a->accept_encoding);
	free(a->service);
	free(a);
}

void answer_parameter(struct answer *a, const char *name, const char *value)
{
	if (a->wrong.text[0] == '\0')
		params_set(&a->params, a->kind->parameters, name, value,
		    &a->wrong);
}

static void refuse(struct reply *r, enum history_rc rc, const struct err *e)
{
	static const struct {
		unsigned status;
		const char *type;
	} as[] = {
		[HISTORY_BAD] = { 400, "bad_data" },
		[HISTORY_TOO_LONG] = { 503, "timeout" },
		[HISTORY_FAILED] = { 500, "internal" },
	};

	routes_error(r, as[rc].status, as[rc].type, "%s", e->text);
}

bool answer_needs_history(const struct answer *a)
{
	return !a->kind->present;
}

bool answer_refused(struct answer *a, struct reply *r_r)
{
	if (a->wrong.text[0] == '\0')
		return false;
	refuse(r_r, HISTORY_BAD, &a->wrong);
	return true;
}

enum history_rc answer_unavailable(struct asking *q, const char *why)
{
	buf_free(&q->answer->reply.body);
	routes_unavailable(&q->answer->reply, why);
	return HISTORY_OK;
}

/* --- pages --- */

void page_begin(struct page *p, struct answer *a,
    const struct row_table *table)
{
	*p = (struct page){
		.out = &a->reply.body, .table = table,
		.skip = a->params.offset, .left = a->params.limit,
	};
	buf_addc(p->out, '[');
}

bool page_add(struct page *p, const void *row)
{
	if (p->skip > 0) {
		p->skip--;
		return true;
	}
	if (p->left == 0) {
		p->more = true;
		return false;
	}
	p->left--;
	buf_adds(p->out, p->any ? ",\n" : "\n");
	row_json(p->out, p->table, row);
	p->any = true;
	return !p->out->failed;
}

static void add_link(struct buf *b, const struct answer *a, int64_t offset,
    const char *rel)
{
	buf_addf(b, "%s<%s%s?", b->len > 0 ? ", " : "", a->link_prefix,
	    a->path);
	params_query(&a->params, offset, b);
	buf_addf(b, ">; rel=\"%s\"", rel);
}

void page_end(struct page *p, struct answer *a)
{
	const struct params *q = &a->params;
	struct buf link;

	buf_adds(p->out, p->any ? "\n]\n" : "]\n");
	buf_init(&link, LINK_MAX);
	if (p->more)
		add_link(&link, a, q->offset + q->limit, "next");
	if (q->offset > 0)
		add_link(&link, a, q->offset > q->limit ?
		    q->offset - q->limit : 0, "prev");
	if (link.len > 0)
		a->reply.link = buf_take(&link, NULL);
	buf_free(&link);
}

/* --- answering --- */

/* The last seconds would be unknown, though a daemon looks: it ends where that
 * was noted last. */
static enum history_rc look(struct asking *q, struct err *e)
{
	enum history_rc rc = q->source->looked(q->session, &q->since,
	    &q->until, e);

	q->now = clock_wall();
	if (q->until.ms < q->now.ms && q->until.ms >= q->now.ms - FRESH_MS)
		q->now = q->until;
	return rc;
}

static enum history_rc answer_kind(struct asking *q, const struct err *failure,
    struct err *e)
{
	const struct kind *kind = q->answer->kind;
	enum history_rc rc = HISTORY_OK;

	if (!kind->present && q->session == NULL)
		return answer_unavailable(q, failure->text);
	if (!kind->present)
		rc = look(q, e);
	return rc == HISTORY_OK ? kind->answer(q, e) : rc;
}

void answer_run(void *session, const struct history_source *source,
    const struct err *failure, void *answer)
{
	struct answer *a = answer;
	struct asking q = {
		.answer = a, .session = session, .source = source,
	};
	struct err e = { "" };
	enum history_rc rc;

	a->reply = (struct reply){
		.status = 200, .content_type = "application/json",
		.vary = "Accept-Encoding",
	};
	buf_init(&a->reply.body, BODY_MAX);
	rc = answer_kind(&q, failure, &e);
	if (rc == HISTORY_OK && a->reply.body.failed) {
		rc = HISTORY_BAD;
		err_set(&e, "the answer is larger than %d MiB: ask for less",
		    BODY_MAX >> 20);
	}
	if (rc == HISTORY_OK) {
		routes_pack(a->accept_encoding, &a->reply);
		return;
	}
	buf_free(&a->reply.body);
	free(a->reply.link);
	refuse(&a->reply, rc, &e);
}

void answer_take(struct answer *a, struct reply *r_r)
{
	*r_r = a->reply;
	a->reply = (struct reply){ .status = 0 };
}
