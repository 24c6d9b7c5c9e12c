/* The flags of `rollcall discover`, the file of a server of the
 * instant-messaging system that may stand in for some of them, and what must
 * hold between them. */
#include "cli/discover_flags.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/im_config.h"
#include "core/keypath.h"
#include "core/problems.h"
#include "core/xalloc.h"
#include "discover/roster_format.h"

enum { MIN_RESYNC_MS = 1000, RESYNC_MS = 60 * 1000, NOT_GIVEN = -1 };

/* In the order of the enums of core/log.h. */
static const char *const levels[] = { "debug", "info", "warn", "error", NULL };
static const char *const log_formats[] = { "logfmt", "json", NULL };

#define FLAG(name_, type_, field_, value_, help_, ...) \
	{ .name = (name_), .type = FLAG_ ## type_, \
	  .offset = offsetof(struct discover_flags, field_), \
	  .value = (value_), .help = (help_), __VA_ARGS__ }

static const struct flag table[] = {
	FLAG("allow-stale", BOOL, stale, NULL, "List what one member knows,"
	    " without asking a quorum: works without one, and may be old."),
	FLAG("config", STRING, config, "FILE", "The key=value file of an"
	    " instant-messaging server (msgserver.conf): RegisterCenterIp,"
	    " RegisterCenterPort, LoginServiceDir and DiscoveryTTL stand in"
	    " for flags that are not given.", .not_empty = true),
	FLAG("debounce", DURATION, debounce_ms, "DURATION", "How long it has"
	    " to be quiet before --on-change runs; after ten times that it"
	    " runs anyway.", .fallback = "200ms"),
	FLAG("directory", STRINGS, directories, "PATH", "Directory of etcd in"
	    " which services register, such as /login_servers."),
	ETCD_ENDPOINT_FLAG(struct discover_flags, etcd),
	FLAG("format", WORD, format, NULL, "How the list is written: for"
	    " people, for jq, for /etc/hosts, for Prometheus' file_sd, or as"
	    " variables for shells, systemd and docker.",
	    .words = roster_format_names, .fallback = "table"),
	ETCD_HTTP_FLAG(struct discover_flags, etcd),
	FLAG("log.format", WORD, log_format, NULL, "How log lines are"
	    " written.", .words = log_formats, .fallback = "logfmt"),
	FLAG("log.level", WORD, log_level, NULL, "Only lines of at least this"
	    " weight are logged.", .words = levels, .fallback = "info"),
	FLAG("on-change", STRING, on_change, "COMMAND", "Run by /bin/sh when"
	    " the first list is there and after changes, with the list on"
	    " its standard input and the name of --output in"
	    " ROLLCALL_OUTPUT. Implies --watch.", .not_empty = true),
	FLAG("output", STRING, output, "FILE", "Write the list to this file"
	    " instead, replacing it whole whenever its content changes.",
	    .not_empty = true),
	FLAG("resync", DURATION, resync_ms, "DURATION", "With --watch, how"
	    " often a whole listing is compared, to be sure. By default"
	    " 60s."),
	FLAG("watch", BOOL, watch, NULL, "Go on, and write every change as it"
	    " comes, until stopped."),
};

const struct flag_set discover_flag_set = {
	.command = "discover",
	.summary = "Shows who is registered in etcd, and with --watch who"
	    " comes and goes: on standard output, in a file that is always"
	    " whole, or to a command.",
	.example = "rollcall discover --etcd.endpoint=http://127.0.0.1:2379 \\"
	    "\n    --directory=/login_servers --watch",
	FLAG_SET_FLAGS(table),
};

/* --- the file --- */

static int read_config(struct discover_flags *f)
{
	struct problems p = { 0 };

	if (f->config == NULL)
		return -1;
	f->im = im_config_load(f->config, &p);
	for (size_t i = 0; i < p.n; i++)
		fprintf(stderr, "rollcall discover: %s\n", p.lines[i]);
	problems_free(&p);
	return f->im != NULL ? -1 : EXIT_FAILED;
}

static void take_directory(struct discover_flags *f)
{
	if (f->directories.n > 0 || f->im == NULL ||
	    f->im->login_service_dir == NULL)
		return;
	f->directories.v = xcalloc(1, sizeof(char *));
	f->directories.v[0] = xstrdup(f->im->login_service_dir);
	f->directories.n = 1;
}

static void take_resync(struct discover_flags *f)
{
	if (f->resync_ms != NOT_GIVEN)
		return;
	f->resync_ms = RESYNC_MS;
	if (f->im != NULL && f->im->discovery_ttl_ms > 0)
		f->resync_ms = f->im->discovery_ttl_ms;
	if (f->resync_ms < MIN_RESYNC_MS)
		f->resync_ms = MIN_RESYNC_MS;
}

/* --- what must hold --- */

static int check_directory(char *path)
{
	const char *fault = keypath_directory_fault(path);

	if (fault != NULL)
		return flags_usage(&discover_flag_set, "--directory=%s: %s",
		    path, fault);
	return -1;
}

static bool is_at_or_in(const char *path, const char *above)
{
	size_t n = strlen(above);

	return strncmp(path, above, n) == 0 &&
	    (path[n] == '\0' || path[n] == '/');
}

/* Instances would be listed twice. */
static int check_overlap(const char *a, const char *b)
{
	if (strcmp(a, b) == 0)
		return flags_usage(&discover_flag_set, "--directory=%s is"
		    " given twice", a);
	if (is_at_or_in(a, b) || is_at_or_in(b, a))
		return flags_usage(&discover_flag_set, "--directory=%s lies"
		    " inside --directory=%s", is_at_or_in(a, b) ? a : b,
		    is_at_or_in(a, b) ? b : a);
	return -1;
}

/* NAME and NAME_COUNT of two directories must be four variables. */
static bool names_collide(const char *a, const char *b)
{
	size_t n = strlen(a);

	return strcmp(a, b) == 0 ||
	    (strncmp(b, a, n) == 0 && strcmp(b + n, "_COUNT") == 0);
}

static int check_variables(const char *a, const char *b)
{
	char *x = roster_env_name(a), *y = roster_env_name(b);
	int rc = -1;

	if (names_collide(x, y) || names_collide(y, x))
		rc = flags_usage(&discover_flag_set, "--directory=%s and"
		    " --directory=%s would be one variable of --format=env:"
		    " %s", a, b, strlen(x) > strlen(y) ? x : y);
	free(x);
	free(y);
	return rc;
}

static int check_variable(const char *path)
{
	char *name = roster_env_name(path);

	if (name == NULL)
		return flags_usage(&discover_flag_set, "--directory=%s: no"
		    " letter or digit in it makes a variable for"
		    " --format=env", path);
	free(name);
	return -1;
}

static int check_directories(const struct string_list *l, bool env)
{
	int rc = -1;

	for (size_t i = 0; i < l->n && rc < 0; i++) {
		rc = check_directory(l->v[i]);
		if (rc < 0 && env)
			rc = check_variable(l->v[i]);
		for (size_t j = 0; j < i && rc < 0; j++) {
			rc = check_overlap(l->v[i], l->v[j]);
			if (rc < 0 && env)
				rc = check_variables(l->v[j], l->v[i]);
		}
	}
	return rc;
}

static int check(struct discover_flags *f)
{
	bool etcd = f->etcd.endpoints.n > 0 ||
	    (f->im != NULL && f->im->endpoints.n > 0);

	if (f->directories.n == 0 && !etcd)
		return flags_usage(&discover_flag_set, "which etcd, and which"
		    " directory?\nGive --etcd.endpoint=URL and"
		    " --directory=PATH, or --config=FILE with\n"
		    "RegisterCenterIp and LoginServiceDir.");
	if (f->directories.n == 0)
		return flags_usage(&discover_flag_set, "which directory?\nGive"
		    " --directory=PATH, or LoginServiceDir in"
		    " --config=FILE.");
	if (f->resync_ms < MIN_RESYNC_MS)
		return flags_usage(&discover_flag_set, "--resync: must be at"
		    " least 1s");
	return check_directories(&f->directories, f->format == ROSTER_ENV);
}

int discover_flags_parse(int argc, char **argv, struct discover_flags *f)
{
	int rc;

	*f = (struct discover_flags){ .resync_ms = NOT_GIVEN };
	rc = flags_parse(&discover_flag_set, argc, argv, f, NULL);
	if (rc >= 0)
		return rc;
	rc = read_config(f);
	if (rc < 0) {
		take_directory(f);
		take_resync(f);
		f->watch = f->watch || f->on_change != NULL;
		rc = check(f);
	}
	if (rc >= 0)
		discover_flags_free(f);
	return rc;
}

void discover_flags_free(struct discover_flags *f)
{
	flags_free(&discover_flag_set, f);
	im_config_free(f->im);
	*f = (struct discover_flags){ 0 };
}
