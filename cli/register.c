/* `rollcall register`: keeps a registration in etcd alive, alone or for as long
 * as a command runs.  Here it is read and checked, with everything that is
 * wrong said on stderr before anything runs; cli/register_run.c does it. */
#include <stdio.h>
#include <unistd.h>

#include "cli/child.h"
#include "cli/command.h"
#include "cli/register_flags.h"
#include "cli/register_plan.h"
#include "cli/register_run.h"
#include "core/log.h"

enum { LOG_STOP_MS = 300 };

static int run(const struct register_flags *f, const struct register_plan *p,
    const struct child_start_state *s)
{
	struct etcd_access a;
	int rc = etcd_access_open(&register_flag_set, &f->etcd, &p->endpoints,
	    &a);

	if (rc >= 0)
		return rc;
	log_start((enum log_level)f->log_level,
	    (enum log_format)f->log_format, STDERR_FILENO);
	for (size_t i = 0; i < p->warnings.n; i++)
		log_warn(p->warnings.v[i]);
	rc = register_run(p, &a, s);
	log_stop(LOG_STOP_MS);
	etcd_access_close(&a);
	return rc;
}

int cli_register(int argc, char **argv)
{
	struct child_start_state start;
	struct register_flags f;
	struct register_plan p;
	int rc;

	child_remember(&start);
	rc = register_flags_parse(argc, argv, &f);
	if (rc >= 0)
		return rc;
	rc = register_plan_make(&f, &p);
	if (rc < 0) {
		rc = run(&f, &p, &start);
		register_plan_free(&p);
	}
	register_flags_free(&f);
	return rc;
}
