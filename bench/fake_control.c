/* What a driver tells fake-etcd:
 *
 *	POST /control/ACTION?count=N&rate=R
 *
 * starts a job in place of the last one of that action (fake_store.h names
 * them).  count is 1 unless it says otherwise, or "forever"; 0 ends the job.
 * Without a rate all of it happens at once; it may be a number, so many a
 * second, or "read": one whenever somebody waits for the next event, which is
 * as fast as they are read, or "ahead": then as many more that there is always
 * one to read, too few for history to be lost.  GET /control, and every POST,
 * says how far it has come. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/fake_api.h"

enum { LEAD = HISTORY / 4 };

static void answer_state(struct fake *f, struct conn *c)
{
	char body[2048];
	int n = snprintf(body, sizeof(body), "{\"index\":%llu,\"first\":%llu,"
	    "\"end\":%llu,\"requests\":%llu,\"listings\":%llu,\"told\":%llu,"
	    "\"left\":{", (unsigned long long)f->store.index,
	    (unsigned long long)f->store.first,
	    (unsigned long long)f->store.end,
	    (unsigned long long)f->requests,
	    (unsigned long long)f->listings, (unsigned long long)f->told);

	for (enum action a = 0; a < ACTION_COUNT; a++)
		n += snprintf(body + n, sizeof(body) - (size_t)n,
		    "%s\"%s\":%llu", a ? "," : "", action_names[a],
		    (unsigned long long)f->jobs.of[a].left);
	n += snprintf(body + n, sizeof(body) - (size_t)n, "}}\n");
	conn_answer(c, 200, "Content-Type: application/json\r\n", body,
	    (size_t)n);
}

static bool read_count(const char *query, struct job *job)
{
	char text[24] = "1", *end;

	http_parameter(query, "count", text, sizeof(text));
	if (strcmp(text, "forever") == 0) {
		job->left = UINT64_MAX;
		return true;
	}
	job->left = strtoull(text, &end, 10);
	return text[0] >= '0' && text[0] <= '9' && *end == '\0';
}

static bool read_rate(const char *query, struct job *job)
{
	char text[24], *end;

	job->pace = PACE_AT_ONCE;
	if (!http_parameter(query, "rate", text, sizeof(text)))
		return job->left != UINT64_MAX;
	job->pace = PACE_READ;
	job->lead = strcmp(text, "ahead") == 0 ? LEAD : 0;
	if (job->lead > 0 || strcmp(text, "read") == 0)
		return true;
	job->pace = PACE_RATE;
	job->rate = strtod(text, &end);
	return job->rate > 0 && job->rate < 1e9 && *end == '\0';
}

static bool start_job(struct fake *f, const char *name, const char *query)
{
	struct job job = { 0 };

	if (!read_count(query, &job) || !read_rate(query, &job))
		return false;
	for (enum action a = 0; a < ACTION_COUNT; a++)
		if (strcmp(name, action_names[a]) == 0) {
			jobs_set(&f->jobs, a, &job);
			return true;
		}
	return false;
}

void control_request(struct fake *f, struct conn *c, const struct request *r)
{
	static const char usage[] = "POST /control/ACTION?count=N&rate=R with "
	    "an action, a count and a rate of fake_control.c\n";
	const char *name = r->path + strlen("/control");

	if (strcmp(r->method, "GET") == 0 ? *name == '\0' :
	    *name == '/' && start_job(f, name + 1, r->query))
		answer_state(f, c);
	else
		conn_answer(c, 400, "Content-Type: text/plain\r\n", usage,
		    sizeof(usage) - 1);
}
