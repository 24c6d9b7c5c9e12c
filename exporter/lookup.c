/* Between a connection of libmicrohttpd and a question to history: reads the
 * parameters, puts the connection to sleep and is woken with the reply.
 * server.c calls it; what is asked and answered is answers.c's. */
#include "exporter/lookup.h"

#include <microhttpd.h>
#include <stdlib.h>

#include "core/err.h"
#include "core/xalloc.h"
#include "exporter/answers.h"
#include "exporter/queries.h"
#include "exporter/routes.h"
#include "exporter/visit.h"

struct lookup {
	struct visit visit;
	struct queries *queries;
	struct MHD_Connection *connection;
	struct answer *answer;		/* the query's once that is there */
	struct query *query;
	bool handed_over;
};

static enum MHD_Result take_parameter(void *arg, enum MHD_ValueKind kind,
    const char *name, const char *value)
{
	(void)kind;
	answer_parameter(arg, name, value);
	return MHD_YES;
}

struct lookup *lookup_new(struct queries *qs, struct MHD_Connection *c,
    const char *path, const char *link_prefix, struct reply *r_r)
{
	struct answer *a = answer_new(path, link_prefix,
	    MHD_lookup_connection_value(c, MHD_HEADER_KIND,
	    "Accept-Encoding"), r_r);
	struct lookup *l;

	if (a == NULL)
		return NULL;
	MHD_get_connection_values(c, MHD_GET_ARGUMENT_KIND, take_parameter,
	    a);
	if (answer_refused(a, r_r)) {
		answer_free(a);
		return NULL;
	}
	l = xcalloc(1, sizeof(*l));
	l->visit.free = lookup_free;
	l->queries = qs;
	l->connection = c;
	l->answer = a;
	return l;
}

void lookup_free(void *lookup)
{
	struct lookup *l = lookup;

	if (l->query != NULL)
		query_release(l->query);
	else if (l->answer != NULL)
		answer_free(l->answer);
	free(l);
}

static void wake(void *connection)
{
	MHD_resume_connection(connection);
}

/* Suspended first, since it may be woken at once. */
static void hand_over(struct lookup *l)
{
	struct query_work w = { answer_run, answer_free, l->answer, wake,
		l->connection };

	l->handed_over = true;
	MHD_suspend_connection(l->connection);
	l->query = queries_start(l->queries, &w);
	if (l->query == NULL)
		MHD_resume_connection(l->connection);
}

bool lookup_answer(struct lookup *l, struct reply *r_r)
{
	static const struct err none;

	if (!answer_needs_history(l->answer)) {
		answer_run(NULL, NULL, &none, l->answer);
		answer_take(l->answer, r_r);
		return true;
	}
	if (!l->handed_over) {
		hand_over(l);
		return false;
	}
	if (l->query != NULL && query_was_run(l->query))
		answer_take(l->answer, r_r);
	else
		routes_unavailable(r_r, "rollcall is stopping, or too many "
		    "questions wait: try again");
	return true;
}
