/* The flags of `rollcall serve` and what must hold between them.  What they
 * name (addresses, files) is looked at by whoever uses it. */
#include "cli/serve_flags.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "cli/flags.h"
#include "core/config.h"
#include "core/err.h"
#include "core/url.h"
#include "exporter/exporter.h"

/* In the order of the enums of core/log.h. */
static const char *const levels[] = { "debug", "info", "warn", "error", NULL };
static const char *const formats[] = { "logfmt", "json", NULL };

#define FLAG(name_, type_, field_, value_, help_, ...) \
	{ .name = (name_), .type = FLAG_ ## type_, \
	  .offset = offsetof(struct serve_flags, field_), \
	  .value = (value_), .help = (help_), __VA_ARGS__ }

static const struct flag table[] = {
	FLAG("config.file", STRING, config_file, "FILE",
	    "Configuration, usually rollcall.yml.", .not_empty = true),
	FLAG("directory", STRINGS, directories, "PATH",
	    "Without a configuration file: a directory of etcd in which"
	    " services register, such as /login_servers."),
	FLAG("etcd.endpoint", STRINGS, etcd_endpoints, "URL",
	    "Without a configuration file: client URL of a member of the"
	    " etcd cluster."),
	FLAG("log.format", WORD, log_format, NULL, "How log lines are"
	    " written.", .words = formats, .fallback = "logfmt"),
	FLAG("log.level", WORD, log_level, NULL, "Only lines of at least this"
	    " weight are logged.", .words = levels, .fallback = "info"),
	FLAG("storage.path", STRING, storage_path, "FILE",
	    "The database of history, instead of the one the configuration"
	    " names (rollcall.db).", .not_empty = true),
	FLAG("web.enable-admin-api", BOOL, admin_api, NULL,
	    "Take changes (maintenance, forget) from other hosts, too, and"
	    " through proxies. Who can connect can change."),
	FLAG("web.external-url", STRING, external_url, "URL",
	    "Where people reach this rollcall, for links in messages."),
	FLAG("web.listen-address", STRINGS, listen_addresses, "ADDRESS",
	    "Address to listen on for HTTP.", .fallback = ":10379"),
	FLAG("web.telemetry-path", STRING, telemetry_path, "PATH",
	    "Path under which metrics are served.", .fallback = "/metrics"),
};

static const struct flag_set serve = {
	.command = "serve",
	.summary = "Watches the services registered in etcd, keeps their"
	    " history, serves metrics to Prometheus and raises alerts, until"
	    " it is stopped. SIGHUP reads the configuration again.",
	.example = "rollcall serve --config.file=rollcall.yml",
	FLAG_SET_FLAGS(table),
};

static int check_source(const struct serve_flags *f)
{
	bool endpoints = f->etcd_endpoints.n > 0;
	bool directories = f->directories.n > 0;

	if (f->config_file && (endpoints || directories))
		return flags_usage(&serve, "--config.file and --%s exclude"
		    " each other: write it into the file",
		    endpoints ? "etcd.endpoint" : "directory");
	if (!f->config_file && !endpoints && !directories)
		return flags_usage(&serve, "what is to be watched?\nGive"
		    " --config.file=FILE, or --etcd.endpoint=URL and"
		    " --directory=PATH.");
	if (!f->config_file && !endpoints)
		return flags_usage(&serve, "--directory needs"
		    " --etcd.endpoint=URL beside it");
	if (!f->config_file && !directories)
		return flags_usage(&serve, "--etcd.endpoint needs"
		    " --directory=PATH beside it");
	return -1;
}

static int check_external_url(const char *text)
{
	struct err e;
	char *url;

	if (!text || !text[0])
		return -1;
	url = url_normalize(text, NULL, true, &e);
	if (!url)
		return flags_usage(&serve, "--web.external-url: %s", e.text);
	free(url);
	return -1;
}

static int check_telemetry_path(const char *path)
{
	if (path[0] != '/' || !path[1])
		return flags_usage(&serve, "--web.telemetry-path: \"%s\" must"
		    " be a path such as /metrics", path);
	if (exporter_has_path(path))
		return flags_usage(&serve, "--web.telemetry-path: \"%s\" has"
		    " another meaning already", path);
	return -1;
}

static int check(const struct serve_flags *f)
{
	int rc = check_source(f);

	if (rc < 0)
		rc = check_external_url(f->external_url);
	if (rc < 0)
		rc = check_telemetry_path(f->telemetry_path);
	return rc;
}

int serve_flags_parse(int argc, char **argv, struct serve_flags *f)
{
	int rc;

	*f = (struct serve_flags){ 0 };
	rc = flags_parse(&serve, argc, argv, f, NULL);
	if (rc >= 0)
		return rc;
	rc = check(f);
	if (rc >= 0)
		serve_flags_free(f);
	return rc;
}

const char *serve_flags_storage(const struct serve_flags *f,
    const struct config *c)
{
	return f->storage_path ? f->storage_path : c->storage.path;
}

void serve_flags_free(struct serve_flags *f)
{
	flags_free(&serve, f);
}
