/* One HTTP request with its answer, in a loop of its own, for the commands
 * that talk to a running daemon.  What is asked and what the answer means is
 * theirs; here is only the way there, and how its errors are said. */
#include "cli/http_once.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/version.h"
#include "core/err.h"
#include "core/fetch.h"
#include "core/json.h"
#include "core/loop.h"
#include "core/xalloc.h"

struct once {
	struct loop *loop;
	const char *url;
	struct http_once_answer answer;
	int rc;
	struct err *e;
};

/* Nobody is there to say anything: what to look at. */
static const char *remedy(enum fetch_error error)
{
	return error == FETCH_CONNECT ? " (is `rollcall serve` running there?"
	    " --url names another)" : "";
}

static void on_done(struct fetch *f, struct fetch_answer *a, void *arg)
{
	struct once *o = arg;

	o->rc = 0;
	if (a->error != FETCH_OK) {
		o->rc = err_set(o->e, "%s: %s%s", o->url, a->reason,
		    remedy(a->error));
	} else {
		o->answer.status = a->status;
		o->answer.len = a->len;
		o->answer.body = a->body != NULL ? fetch_take_body(f, a) :
		    xstrdup("");
	}
	loop_stop(o->loop);
}

static void start(struct once *o, const struct http_once *q)
{
	static const char *const json[] = {
		"Accept: application/json",
		"Content-Type: application/json", NULL
	};

	/* What changes something is not sent twice. */
	fetch_start(o->loop, &(struct fetch_request){
		.method = q->method, .url = q->url, .headers = json,
		.body = q->body, .body_len = q->body ? strlen(q->body) : 0,
		.http = q->http, .deadline_ms = q->deadline_ms,
		.max_body = q->max_body, .once = q->method != NULL ||
		    q->body != NULL,
		.on_done = on_done, .arg = o,
	});
}

int http_once(const struct http_once *q, struct http_once_answer *a_r,
    struct err *e)
{
	struct once o = { .url = q->url, .e = e, .rc = -1 };
	char agent[64];

	signal(SIGPIPE, SIG_IGN);
	snprintf(agent, sizeof(agent), "rollcall/%s", rollcall_version());
	fetch_set_user_agent(agent);
	o.loop = loop_new(e);
	if (o.loop == NULL)
		return -1;
	start(&o, q);
	loop_run(o.loop);
	loop_free(o.loop);
	*a_r = o.answer;
	return o.rc;
}

int http_once_refused(const struct http_once *q,
    const struct http_once_answer *a, struct err *e)
{
	char *copy = xstrndup(a->body, a->len);
	cJSON *tree = json_parse(copy, a->len, NULL);
	const char *error = tree != NULL ? json_str(tree, "error") : NULL;

	if (error != NULL)
		err_set(e, "%s: %s", q->url, error);
	else
		err_set(e, "%s: HTTP status %ld: is that a rollcall?", q->url,
		    a->status);
	cJSON_Delete(tree);
	free(copy);
	return -1;
}
