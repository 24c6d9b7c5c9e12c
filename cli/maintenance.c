/* `rollcall maintenance`: begins, shows and ends windows in which services or
 * instances are neither up nor down and nobody is notified.  The daemon keeps
 * them; this asks it to. */
#include <pwd.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/calendar.h"
#include "cli/columns.h"
#include "cli/command_group.h"
#include "cli/daemon_url.h"
#include "core/json.h"
#include "core/timefmt.h"
#include "core/err.h"
#include "core/xalloc.h"

struct maintenance_flags {
	struct daemon_url daemon;
	const char *cluster, *service, *instance, *comment, *created_by;
	int64_t length_ms;
	bool end_when_back, all;
	int format;
};

#define AT(member) .offset = offsetof(struct maintenance_flags, member)

/* --- start --- */

static const struct flag start_table[] = {
	{ .name = "service", .type = FLAG_STRING, AT(service),
	  .value = "NAME", .required = true, .not_empty = true,
	  .help = "The service." },
	{ .name = "instance", .type = FLAG_STRING, AT(instance),
	  .value = "ID", .not_empty = true, .help = "Only this instance of"
	    " it." },
	{ .name = "cluster", .type = FLAG_STRING, AT(cluster),
	  .value = "NAME", .not_empty = true, .help = "The etcd cluster;"
	    " needed where several have a service of that name." },
	{ .name = "for", .type = FLAG_DURATION, AT(length_ms),
	  .value = "DURATION", .required = true, .help = "How long, such as"
	    " 1h. It can be ended before." },
	{ .name = "end-when-back", .type = FLAG_BOOL, AT(end_when_back),
	  .help = "End it as soon as all that went away in it are back." },
	{ .name = "comment", .type = FLAG_STRING, AT(comment),
	  .value = "TEXT", .help = "Why, for whoever sees it." },
	{ .name = "created-by", .type = FLAG_STRING, AT(created_by),
	  .value = "NAME", .help = "Who does it. By default the user." },
	DAEMON_URL_FLAGS(struct maintenance_flags),
};

static const struct flag_set start_flags = {
	.command = "maintenance start",
	.summary = "Begins a maintenance window now. In it the service, or the"
	    " instance, is neither up nor down, and nobody is notified of"
	    " what begins to fire about it.",
	.example = "rollcall maintenance start --service=login_server --for=1h"
	    " \\\n      --end-when-back --comment=deploy",
	FLAG_SET_FLAGS(start_table),
};

static void add(cJSON *o, const char *name, const char *text)
{
	if (text != NULL)
		cJSON_AddStringToObject(o, name, text);
}

/* Free the result. */
static char *start_body(const struct maintenance_flags *f)
{
	cJSON *o = cJSON_CreateObject();
	const struct passwd *user = getpwuid(geteuid());
	char length[TIMEFMT_MAX], *text;

	add(o, "cluster", f->cluster);
	add(o, "service", f->service);
	add(o, "instance", f->instance);
	add(o, "for", timefmt_duration(f->length_ms, length));
	add(o, "comment", f->comment);
	add(o, "created_by", f->created_by != NULL ? f->created_by :
	    user != NULL ? user->pw_name : NULL);
	cJSON_AddBoolToObject(o, "end_when_back", f->end_when_back);
	text = cJSON_PrintUnformatted(o);
	cJSON_Delete(o);
	return text;
}

/* RFC 3339 in UTC to the local zone, to the second; "" for null. */
static char *local(const cJSON *window, const char *name)
{
	const char *text = json_str(window, name);
	char second[CALENDAR_MAX];
	wall_t t;

	if (text == NULL || timefmt_parse_rfc3339(text, &t, NULL) != 0)
		return xstrdup("");
	return xstrdup(calendar_second(t, false, second));
}

static char *who(const cJSON *window)
{
	const char *service = json_str(window, "service_name");
	const char *instance = json_str(window, "instance_id");

	return xasprintf("%s%s%s", service != NULL ? service : "*",
	    instance != NULL ? "/" : "", instance != NULL ? instance : "");
}

static int64_t id_of(const cJSON *window)
{
	int64_t id = 0;

	json_i64(window, "id", &id, NULL);
	return id;
}

static int start(int argc, char **argv)
{
	struct maintenance_flags f = { .length_ms = 0 };
	int rc = flags_parse(&start_flags, argc, argv, &f, NULL);
	char *body, *name, *until, *zone;
	cJSON *window;

	if (rc >= 0)
		return rc;
	body = start_body(&f);
	window = daemon_url_ask(&start_flags, &f.daemon, "POST",
	    "maintenance", body);
	free(body);
	if (window == NULL)
		return EXIT_FAILED;
	name = who(window);
	until = local(window, "to");
	zone = calendar_zone(false);
	printf("maintenance %lld of %s until %s %s%s\n",
	    (long long)id_of(window), name, until, zone,
	    f.end_when_back ? ", or when all are back" : "");
	free(name);
	free(until);
	free(zone);
	cJSON_Delete(window);
	return EXIT_OK;
}

/* --- list --- */

static const char *const formats[] = { "table", "json", NULL };

static const struct flag list_table[] = {
	{ .name = "all", .type = FLAG_BOOL, AT(all), .help = "Also those that"
	    " are over." },
	{ .name = "format", .type = FLAG_WORD, AT(format),
	  .value = "table|json", .words = formats, .fallback = "table",
	  .help = "json has RFC 3339 times in UTC and more fields." },
	DAEMON_URL_FLAGS(struct maintenance_flags),
};

static const struct flag_set list_flags = {
	.command = "maintenance list",
	.summary = "Shows the maintenance windows that are in force.",
	.example = "rollcall maintenance list --all",
	FLAG_SET_FLAGS(list_table),
};

enum { ID, WHO, FROM, UNTIL, BACK, COMMENT, NCOLUMNS };

static const struct column specs[NCOLUMNS] = {
	[ID] = { .name = "ID", .right = true },
	[WHO] = { .name = "SERVICE/INSTANCE", .elastic = 20 },
	[FROM] = { .name = "FROM", .drop = 1 },
	[UNTIL] = { .name = "UNTIL" },
	[BACK] = { .name = "ENDS" },
	[COMMENT] = { .name = "COMMENT (BY)", .elastic = 14 },
};

enum { TO_THE_MINUTE = 16 };	/* of a time: room for all columns */

static bool is_over(const cJSON *window)
{
	return json_str(window, "ended") != NULL;
}

/* A text of its own for each would not fit beside two times. */
static char *comment(const cJSON *window)
{
	const char *text = json_str(window, "comment");
	const char *by = json_str(window, "created_by");

	text = text != NULL ? text : "";
	if (by == NULL || by[0] == '\0')
		return xstrdup(text);
	return xasprintf("%s%s(%s)", text, text[0] != '\0' ? " " : "", by);
}

static char *minute(const cJSON *window, const char *name)
{
	char *text = local(window, name);

	if (strlen(text) > TO_THE_MINUTE)
		text[TO_THE_MINUTE] = '\0';
	return text;
}

static void add_window(struct columns *c, const cJSON *window)
{
	bool back = json_bool(window, "end_when_back", false);
	char *cells[NCOLUMNS] = {
		[ID] = xasprintf("%lld", (long long)id_of(window)),
		[WHO] = who(window),
		[FROM] = minute(window, "from"),
		[UNTIL] = minute(window, is_over(window) ? "ended" : "to"),
		[BACK] = xstrdup(is_over(window) ? "over" :
		    back ? "when back" : ""),
		[COMMENT] = comment(window),
	};

	columns_add(c, cells);
}

static void print_windows(const cJSON *windows, bool all)
{
	struct columns *c = columns_new(specs, NCOLUMNS);
	char *zone = calendar_zone(false);
	const cJSON *window;
	size_t n = 0;

	columns_unit(c, FROM, zone);
	columns_unit(c, UNTIL, zone);
	cJSON_ArrayForEach(window, windows)
		if (all || !is_over(window)) {
			add_window(c, window);
			n++;
		}
	if (n > 0)
		columns_print(c, stdout, columns_width());
	else
		printf("no maintenance\n");
	columns_free(c);
	free(zone);
}

static void print_json(cJSON *windows, bool all)
{
	char *text;

	for (int i = cJSON_GetArraySize(windows); i-- > 0; )
		if (!all && is_over(cJSON_GetArrayItem(windows, i)))
			cJSON_DeleteItemFromArray(windows, i);
	text = cJSON_PrintUnformatted(windows);
	printf("%s\n", text);
	free(text);
}

static int list(int argc, char **argv)
{
	struct maintenance_flags f = { .length_ms = 0 };
	int rc = flags_parse(&list_flags, argc, argv, &f, NULL);
	cJSON *windows;

	if (rc >= 0)
		return rc;
	windows = daemon_url_ask(&list_flags, &f.daemon, NULL, "maintenance",
	    NULL);
	if (windows == NULL)
		return EXIT_FAILED;
	if (f.format == 0)
		print_windows(windows, f.all);
	else
		print_json(windows, f.all);
	cJSON_Delete(windows);
	return EXIT_OK;
}

/* --- end --- */

static const struct flag end_table[] = {
	DAEMON_URL_FLAGS(struct maintenance_flags),
};

static const struct flag_set end_flags = {
	.command = "maintenance end",
	.summary = "Ends a maintenance window now. What still fires is told"
	    " then.",
	.operands = "ID",
	.example = "rollcall maintenance end 3",
	FLAG_SET_FLAGS(end_table),
};

static int end_window(const struct maintenance_flags *f, const char *id)
{
	char *path = xasprintf("maintenance/%s", id), *name;
	cJSON *window;

	window = daemon_url_ask(&end_flags, &f->daemon, "DELETE", path, NULL);
	free(path);
	if (window == NULL)
		return EXIT_FAILED;
	name = who(window);
	printf("maintenance %lld of %s is over\n", (long long)id_of(window),
	    name);
	free(name);
	cJSON_Delete(window);
	return EXIT_OK;
}

static int end(int argc, char **argv)
{
	struct maintenance_flags f = { .length_ms = 0 };
	struct string_list ids = { 0 };
	int rc = flags_parse(&end_flags, argc, argv, &f, &ids);

	if (rc >= 0)
		return rc;
	if (ids.n == 1 && strspn(ids.v[0], "0123456789") == strlen(ids.v[0]))
		rc = end_window(&f, ids.v[0]);
	else
		rc = flags_usage(&end_flags, "it takes the number of one"
		    " window:\n'rollcall maintenance list' shows them.");
	free(ids.v);
	return rc;
}

static const struct command commands_below[] = {
	{ "end", "end a window now", end },
	{ "list", "show the windows in force", list },
	{ "start", "begin a window", start },
};

static const struct command_group group = {
	.name = "maintenance",
	.summary = "Announces work on services: meanwhile they are neither up"
	    " nor down, and\nnobody is notified.",
	.commands = commands_below,
	.n = sizeof(commands_below) / sizeof(commands_below[0]),
	.example = "rollcall maintenance start --service=login_server"
	    " --for=1h",
};

int cli_maintenance(int argc, char **argv)
{
	return command_group_run(&group, argc, argv);
}
