/* `rollcall check`: reads configuration the way `serve` does, says all that
 * is wrong with it, or what it understood.  Connects to nothing. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/alerts.h"
#include "alerts/notify_config.h"
#include "cli/command.h"
#include "cli/flags.h"
#include "core/buf.h"
#include "core/config.h"
#include "core/pattern.h"
#include "core/problems.h"
#include "core/timefmt.h"

enum { MAX_PRINT = 16 << 20 };

struct check_flags {
	bool print;
};

static const struct flag table[] = {
	{ .name = "print", .type = FLAG_BOOL,
	  .offset = offsetof(struct check_flags, print),
	  .help = "Print the configuration as it was understood, defaults"
	    " included and secrets hidden, instead of a summary." },
};

static const struct flag_set flags = {
	.command = "check",
	.summary = "Checks configuration files and the files they name,"
	    " without starting anything. Every error is shown as"
	    " file:line:column: message. Exit code 0: all is well, 1: there"
	    " are errors.",
	.operands = "FILE...",
	.example = "rollcall check rollcall.yml",
	FLAG_SET_FLAGS(table),
};

static const char *plural(size_t n, const char *one, const char *many)
{
	return n == 1 ? one : many;
}

/* What it makes of the keys: a name misspelt in a pattern is no error, but a
 * label, and shows here. */
static void summarize_directory(const struct directory_config *d)
{
	bool in_key = pattern_has_service(d->pattern);
	bool mapped = d->service_map.n > 0;
	const char *between = ", ";

	printf("    %s: ", d->path);
	if (strcmp(d->pattern_text, "{instance_id}") != 0)
		printf("keys %s", d->pattern_text);
	else
		between = "";
	if (mapped || !in_key)
		printf("%sservice %s%s", between,
		    mapped ? "by service_map, else " : "",
		    in_key ? "{service_name}" : config_directory_service(d));
	printf("\n");
}

static void summarize_cluster(const struct cluster_config *c)
{
	char interval[TIMEFMT_MAX];

	printf("  cluster %s: %zu %s, polled every %s, %zu %s\n", c->name,
	    c->endpoints.n, plural(c->endpoints.n, "endpoint", "endpoints"),
	    timefmt_duration(c->poll_interval_ms, interval),
	    c->directories.n,
	    plural(c->directories.n, "directory", "directories"));
	for (size_t i = 0; i < c->directories.n; i++)
		summarize_directory(config_directory(c, i));
}

/* Who is told; true if anybody is. */
static bool summarize_receiver(const struct config *c,
    const struct notify_config *n)
{
	const struct receiver_config *r;

	if (!n)
		return false;
	r = notify_config_receiver(n, n->route.receiver);
	printf("  alerts as %s says: receiver %s, ", c->notify_file,
	    r->name);
	if (r->webhooks.n == 0)
		printf("without webhooks: it tells nobody\n");
	else
		printf("%zu %s\n", r->webhooks.n,
		    plural(r->webhooks.n, "webhook", "webhooks"));
	return r->webhooks.n > 0;
}

static void print_kept(int64_t ms)
{
	char text[TIMEFMT_MAX];

	if (ms > 0)
		printf("for %s", timefmt_duration(ms, text));
	else
		printf("for ever");
}

static void summarize_storage(const struct config *c)
{
	int64_t statistics = config_statistics_retention(c);

	printf("  history: %s, kept ", c->storage.path);
	print_kept(c->storage.retention_ms);
	if (statistics != c->storage.retention_ms) {
		printf(", statistics ");
		print_kept(statistics);
	}
	printf("\n");
}

static void summarize(const char *path, const struct config *c,
    const struct notify_config *n)
{
	printf("%s: ok\n", path);
	for (size_t i = 0; i < c->clusters.n; i++)
		summarize_cluster(config_cluster(c, i));
	summarize_storage(c);
	for (size_t i = 0; i < c->alertmanagers.n; i++)
		printf("  alerts to %s\n", config_alertmanager(c, i)->url);
	if (!summarize_receiver(c, n) && c->alertmanagers.n == 0)
		printf("  alerts to nobody: only in the log, on the page,"
		    " in /metrics\n");
}

static void print(const struct config *c)
{
	struct buf b;

	buf_init(&b, MAX_PRINT);
	config_print(c, &b);
	fputs(buf_str(&b), stdout);
	buf_free(&b);
}

static int complain(const char *path, const struct problems *p)
{
	for (size_t i = 0; i < p->n; i++)
		fprintf(stderr, "%s\n", p->lines[i]);
	if (p->count > p->n)
		fprintf(stderr, "... and %zu more\n", p->count - p->n);
	if (p->count == 0)
		return EXIT_OK;
	fprintf(stderr, "%s: %zu %s\n", path, p->count,
	    plural(p->count, "error", "errors"));
	return EXIT_FAILED;
}

static int read_main(const char *path, struct config **c_r)
{
	struct problems p = { 0 };
	int rc;

	*c_r = config_read(path, &p);
	rc = complain(path, &p);
	problems_free(&p);
	return rc;
}

/* The receivers, which are another folder's to judge.  c is NULL if the main
 * file could not be read, and may be a part if there is something wrong. */
static int read_notify(const struct config *c, struct notify_config **n_r)
{
	struct problems p = { 0 };
	int rc;

	*n_r = NULL;
	if (!c || !c->notify_file || !c->notify_file[0])
		return EXIT_OK;
	*n_r = notify_config_load(c->notify_file, &p);
	rc = complain(c->notify_file, &p);
	problems_free(&p);
	return rc;
}

static int check_file(const char *path, const struct check_flags *f)
{
	struct config *c;
	struct notify_config *n;
	int rc = read_main(path, &c);

	if (read_notify(c, &n) != EXIT_OK)
		rc = EXIT_FAILED;
	if (rc == EXIT_OK && f->print)
		print(c);
	else if (rc == EXIT_OK)
		summarize(path, c, n);
	notify_config_free(n);
	config_unref(c);
	return rc;
}

int cli_check(int argc, char **argv)
{
	struct string_list files = { 0 };
	struct check_flags f = { 0 };
	int rc = flags_parse(&flags, argc, argv, &f, &files);

	if (rc >= 0)
		return rc;
	if (files.n == 0)
		return flags_usage(&flags, "name a file to check, such as"
		    " rollcall.yml");
	rc = EXIT_OK;
	for (size_t i = 0; i < files.n; i++)
		if (check_file(files.v[i], &f) != EXIT_OK)
			rc = EXIT_FAILED;
	free(files.v);
	return rc;
}
