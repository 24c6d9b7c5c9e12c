/* Uptime, outages and events over HTTP: parameters into questions, rows into
 * pages.  Part of answers.c. */
#include "exporter/answers_impl.h"

#define MONTH_MS INT64_C(2592000000)	/* 30 days */

static struct history_who who_of(const struct params *p)
{
	return (struct history_who){ p->cluster, p->service, p->instance };
}

/* Whoever names an instance asks about instances. */
static enum history_of of_what(const struct params *p,
    enum history_of otherwise)
{
	if (p->given & PARAM(OF))
		return p->of;
	return p->instance != NULL ? HISTORY_INSTANCES : otherwise;
}

/* Wanting no more is the end of a page. */
static enum history_rc page_result(enum history_rc rc, struct page *p,
    struct answer *a)
{
	if (rc != HISTORY_OK && rc != HISTORY_ENDED)
		return rc;
	page_end(p, a);
	return HISTORY_OK;
}

static bool add_uptime(const struct history_uptime *row, void *page)
{
	return page_add(page, row);
}

enum history_rc answer_uptime(struct asking *a, struct err *e)
{
	struct params *p = &a->answer->params;
	struct history_uptime_query q = {
		.who = who_of(p), .of = of_what(p, HISTORY_SERVICES),
		.min_instances = p->min,
	};
	struct page page;

	if (params_range(p, a->now, MONTH_MS, e) != 0)
		return HISTORY_BAD;
	q.edges = p->edges;
	q.nedges = p->nedges;
	page_begin(&page, a->answer, &history_uptime_rows);
	return page_result(a->source->uptime(a->session, &q, add_uptime,
	    &page, e), &page, a->answer);
}

static bool add_outage(const struct history_outage *row, void *page)
{
	return page_add(page, row);
}

enum history_rc answer_outages(struct asking *a, struct err *e)
{
	struct params *p = &a->answer->params;
	struct history_outages_query q = {
		.who = who_of(p), .of = of_what(p, HISTORY_INSTANCES),
		.min_instances = p->min, .limit = p->limit + 1,
		.offset = p->offset,
	};
	struct page page;

	if (params_range(p, a->now, MONTH_MS, e) != 0)
		return HISTORY_BAD;
	q.from = p->from;
	q.to = p->to;
	page_begin(&page, a->answer, &history_outage_rows);
	page.skip = 0;			/* the source has skipped them */
	return page_result(a->source->outages(a->session, &q, add_outage,
	    &page, e), &page, a->answer);
}

static bool add_event(const struct history_event *row, void *page)
{
	return page_add(page, row);
}

enum history_rc answer_events(struct asking *a, struct err *e)
{
	struct params *p = &a->answer->params;
	struct history_events_query q = {
		.who = who_of(p), .from = p->from, .to = p->to,
		.newest_first = !p->oldest_first,
	};
	struct page page;

	if (p->given & PARAM(TO) && p->from.ms >= p->to.ms) {
		err_set(e, "from: the range is empty: it begins when it ends"
		    " or later");
		return HISTORY_BAD;
	}
	page_begin(&page, a->answer, &history_event_rows);
	if (q.newest_first) {		/* the source counts from there */
		q.limit = p->limit + 1;
		q.offset = p->offset;
		page.skip = 0;
	}
	return page_result(a->source->events(a->session, &q, add_event, &page,
	    e), &page, a->answer);
}
