/* `rollcall forget`: a vanished instance that will not come back leaves the
 * roll: its series end, and its alert.  History keeps it. */
#include <cjson/cJSON.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/daemon_url.h"
#include "core/xalloc.h"

struct forget_flags {
	struct daemon_url daemon;
	const char *cluster;
};

static const struct flag table[] = {
	{ .name = "cluster", .type = FLAG_STRING,
	  .offset = offsetof(struct forget_flags, cluster), .value = "NAME",
	  .not_empty = true, .help = "The etcd cluster; needed where several"
	    " have a service of that name." },
	DAEMON_URL_FLAGS(struct forget_flags),
};

static const struct flag_set flags = {
	.command = "forget",
	.summary = "Forgets an instance that vanished for good: its series"
	    " end, and so does its alert. History keeps it. (forget_after"
	    " does it by itself, by default after a day.)",
	.operands = "SERVICE/INSTANCE",
	.example = "rollcall forget login_server/0001-0003",
	FLAG_SET_FLAGS(table),
};

static char *body_of(const struct forget_flags *f, const char *name)
{
	const char *slash = strrchr(name, '/');
	char *service = xstrndup(name, (size_t)(slash - name)), *text;
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "service", service);
	cJSON_AddStringToObject(o, "instance", slash + 1);
	if (f->cluster != NULL)
		cJSON_AddStringToObject(o, "cluster", f->cluster);
	text = cJSON_PrintUnformatted(o);
	cJSON_Delete(o);
	free(service);
	return text;
}

static int forget(const struct forget_flags *f, const char *name)
{
	char *body = body_of(f, name);
	cJSON *answer = daemon_url_ask(&flags, &f->daemon, "POST", "forget",
	    body);

	free(body);
	if (answer == NULL)
		return EXIT_FAILED;
	cJSON_Delete(answer);
	printf("%s is forgotten\n", name);
	return EXIT_OK;
}

int cli_forget(int argc, char **argv)
{
	struct forget_flags f = { .cluster = NULL };
	struct string_list names = { 0 };
	int rc = flags_parse(&flags, argc, argv, &f, &names);

	if (rc >= 0)
		return rc;
	if (names.n == 1 && strchr(names.v[0], '/') != NULL)
		rc = forget(&f, names.v[0]);
	else
		rc = flags_usage(&flags, "it takes one SERVICE/INSTANCE");
	free(names.v);
	return rc;
}
