#ifndef EXPORTER_ANSWERS_IMPL_H
#define EXPORTER_ANSWERS_IMPL_H

#include <stddef.h>

#include "core/err.h"
#include "core/history.h"
#include "core/history_rows.h"
#include "exporter/params.h"
#include "exporter/routes.h"

/* Shared by answers.c, which knows the kinds, and the files that answer:
 * answers_history.c, answers_present.c, badge.c. */

struct kind;

struct answer {
	const struct kind *kind;
	char *path, *link_prefix, *accept_encoding;
	char *service;			/* of a badge */
	int64_t range_ms;		/* the same */
	struct params params;
	struct err wrong;		/* with the parameters; "": nothing */
	struct reply reply;
};

/* What a kind's function is given. */
struct asking {
	struct answer *answer;
	void *session;
	const struct history_source *source;
	wall_t since, until, now;	/* looked at; the end by default */
};

/* Rows as a JSON array: skips the offset, ends behind the limit. */
struct page {
	struct buf *out;
	const struct row_table *table;
	int64_t skip, left;
	bool more, any;
};

void page_begin(struct page *p, struct answer *a,
    const struct row_table *table);
/* False when the page is full: then there is more. */
bool page_add(struct page *p, const void *row);
/* With the links to the pages before and behind. */
void page_end(struct page *p, struct answer *a);

#define ANSWER_STARTING "rollcall is starting: the last known registrations " \
	"are not read yet"

/* Makes the reply a 503, for now. */
enum history_rc answer_unavailable(struct asking *a, const char *why);

/* Each fills a->answer->reply, or returns what is wrong with e. */
typedef enum history_rc answer_fn(struct asking *a, struct err *e);
answer_fn answer_uptime, answer_outages, answer_events;
answer_fn answer_instances, answer_services, answer_overview, answer_badge;

#endif
