#ifndef CORE_CONFIG_H
#define CORE_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "core/http_config.h"
#include "core/labels.h"
#include "core/options.h"

struct buf;
struct pattern;
struct problems;

/* rollcall.yml as a struct.  Immutable once read. */

enum { INSTANCES_STABLE, INSTANCES_EPHEMERAL };

struct directory_config {
	char *path;			/* "/login_servers": no slash at end */
	char *service_name;		/* NULL: by pattern, or last part */
	char *pattern_text;		/* default "{instance_id}" */
	struct pattern *pattern;
	int instances;			/* INSTANCES_* */
	int64_t forget_after_ms;	/* 24h; ephemeral 10m */
	bool instance_detail;
	struct string_list ignore;	/* globs on the relative key */
	struct labels service_map;	/* glob on instance_id -> service; the
					   first counts, as written */
	int64_t max_vanished;		/* 10000 */
};

struct service_config {
	char *match;			/* glob on service_name */
	int64_t min_instances;		/* 1; 0: may be empty */
	struct labels labels;
};

struct cluster_config {
	char *name;			/* "default" */
	struct string_list endpoints;	/* http://host:port, no slash at end */
	int64_t poll_interval_ms;	/* 15s */
	int64_t poll_timeout_ms;	/* 3s */
	struct http_config http_config;
	struct object_list directories;	/* struct directory_config */
	struct object_list services;	/* struct service_config */
};

struct alertmanager_config {
	char *url;			/* no slash at end */
	int64_t timeout_ms;		/* 10s */
	struct http_config http_config;
};

struct config {
	char *file;			/* NULL: made from flags */
	struct {
		struct labels external_labels;
		int64_t evaluation_interval_ms;		/* 15s */
	} global;
	struct object_list clusters;	/* struct cluster_config */
	struct {
		char *path;		/* rollcall.db */
		int64_t retention_ms;	/* 0: for ever */
		int64_t statistics_retention_ms;	/* 400d; 0: the same */
	} storage;
	struct string_list rule_files;
	struct object_list alertmanagers;	/* struct alertmanager_config */
	char *notify_file;
	char *heartbeat_url;
};

/* Reads and checks a file, loads the files it names (*_file of http_config).
 * NULL with at least one problem.  Blocks: never on the loop. */
struct config *config_load(const char *path, struct problems *p);

/* The same, but with problems what could be read is returned all the same, to
 * find the files that it names and look at those too: nothing to run on, any
 * field may be missing.  NULL if the file could not be read at all. */
struct config *config_read(const char *path, struct problems *p);

/* The configuration for flags alone: one cluster named "default" with these
 * endpoints and directories, storage at `rollcall.db`.  NULL with problems. */
struct config *config_from_flags(const struct string_list *endpoints,
    const struct string_list *directories, struct problems *p);

/* How long statistics are kept: never longer than the history, of which they
 * are a part.  0: for ever. */
int64_t config_statistics_retention(const struct config *c);

/* As YAML that config_load() reads again; secrets as <secret>. */
void config_print(const struct config *c, struct buf *out);

/* Reference counting: a reload keeps the old one alive for whoever still uses
 * it.  Any thread. */
struct config *config_ref(struct config *c);
void config_unref(struct config *c);		/* NULL is a no-op */

/* Elements of the lists. */
static inline struct cluster_config *config_cluster(const struct config *c,
    size_t i)
{
	return (struct cluster_config *)c->clusters.v + i;
}

static inline struct directory_config *config_directory(
    const struct cluster_config *c, size_t i)
{
	return (struct directory_config *)c->directories.v + i;
}

static inline struct alertmanager_config *config_alertmanager(
    const struct config *c, size_t i)
{
	return (struct alertmanager_config *)c->alertmanagers.v + i;
}

/* The service of keys whose service neither service_map nor the pattern
 * says. */
const char *config_directory_service(const struct directory_config *d);

/* The first services entry of the cluster that matches, or NULL. */
const struct service_config *config_service(const struct cluster_config *c,
    const char *service_name);

/* The option set of http_config, shared with the notify file. */
extern const struct option_set http_config_options;

#endif
