/* Keeps a file as the list is.  One write at a time, in a thread; what changes
 * meanwhile is written after it, once.  A failure is logged when it begins and
 * when it becomes another.  Used by cli/discover_watch.c; how a file is
 * replaced is in discover/file.c. */
#include "discover/output.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/err.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/xalloc.h"
#include "discover/file.h"

enum { RETRY_MS = 2000, MAX_LIST = 1 << 30 };

struct job;

struct discover_output {
	struct loop *loop;
	char *path;
	struct discover_output_source source;
	struct timer *retry;
	struct job *job;		/* under way */
	bool again;			/* it has changed meanwhile */
	bool told;			/* that it is written, once */
	char *failure;			/* the last one, if it failed */
};

/* The thread's, which may outlive the output if the disk hangs. */
struct job {
	struct discover_output *output;	/* not the thread's */
	char *path;
	struct buf text;
	int rc;
	struct err e;
};

static void job_free(void *arg)
{
	struct job *j = arg;

	buf_free(&j->text);
	free(j->path);
	free(j);
}

static void work(void *arg)
{
	struct job *j = arg;

	j->rc = discover_file_write(j->path, buf_str(&j->text), j->text.len,
	    &j->e);
}

static void failed(struct discover_output *o, const struct err *e)
{
	if (o->failure == NULL || strcmp(o->failure, e->text) != 0)
		log_error("cannot write the list; trying again",
		    LOG_S("output", o->path), LOG_S("err", e->text));
	free(o->failure);
	o->failure = xstrdup(e->text);
	timer_set(o->retry, mono_add(loop_now(o->loop), RETRY_MS));
}

static void succeeded(struct discover_output *o, bool changed)
{
	if (o->failure != NULL)
		log_info("the list is written again",
		    LOG_S("output", o->path));
	free(o->failure);
	o->failure = NULL;
	if (changed || !o->told)
		o->source.written(o->source.arg);
	o->told = true;
}

static void start(struct discover_output *o);

static void done(void *arg)
{
	struct job *j = arg;
	struct discover_output *o = j->output;

	if (o == NULL) {		/* freed meanwhile */
		job_free(j);
		return;
	}
	o->job = NULL;
	if (j->rc < 0)
		failed(o, &j->e);
	else
		succeeded(o, j->rc > 0);
	job_free(j);
	if (o->again)
		start(o);
}

static void start(struct discover_output *o)
{
	struct job *j = xcalloc(1, sizeof(*j));

	o->again = false;
	timer_clear(o->retry);
	j->output = o;
	j->path = xstrdup(o->path);
	buf_init(&j->text, MAX_LIST);
	o->source.render(o->source.arg, &j->text);
	if (j->text.failed) {
		err_set(&j->e, "the list is longer than 1 GiB");
		failed(o, &j->e);
		job_free(j);
		return;
	}
	o->job = j;
	loop_offload_or_drop(o->loop, work, done, job_free, j);
}

void discover_output_changed(struct discover_output *o)
{
	if (o->job != NULL)
		o->again = true;
	else
		start(o);
}

static void on_retry(void *arg, mono_t now)
{
	(void)now;
	discover_output_changed(arg);
}

struct discover_output *discover_output_new(struct loop *l, const char *path,
    const struct discover_output_source *s)
{
	struct discover_output *o = xcalloc(1, sizeof(*o));

	o->loop = l;
	o->path = xstrdup(path);
	o->source = *s;
	o->retry = timer_new(l, on_retry, o);
	return o;
}

void discover_output_free(struct discover_output *o)
{
	if (o == NULL)
		return;
	if (o->job != NULL)
		o->job->output = NULL;
	timer_free(o->retry);
	free(o->failure);
	free(o->path);
	free(o);
}
