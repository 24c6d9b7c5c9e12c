/* The keys of rollcall.yml, one line each, with their types, limits and
 * defaults.  What needs more than a type and two limits is checked by the
 * functions of core/config_check.c that the sets name. */
#include "core/config_tables.h"

#include <stddef.h>

#include "core/config.h"
#include "core/pattern.h"
#include "core/xalloc.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define YEAR (365 * DAY)

static const char *const instance_words[] = { "stable", "ephemeral", NULL };

/* --- directories --- */

#define FIELD(name_, type_, ...) \
	{ .name = #name_, .type = OPTION_ ## type_, \
	  .offset = offsetof(struct directory_config, name_), __VA_ARGS__ }

static const struct option directory_fields[] = {
	FIELD(path, STRING, .required = true),
	FIELD(service_name, STRING),
	{ .name = "pattern", .type = OPTION_STRING,
	  .offset = offsetof(struct directory_config, pattern_text) },
	FIELD(instances, WORD, .words = instance_words),
	{ .name = "forget_after", .type = OPTION_DURATION,
	  .offset = offsetof(struct directory_config, forget_after_ms),
	  .min = SECOND, .max = 10 * YEAR },
	FIELD(max_vanished, INT, .min = 1, .max = 10000000),
	FIELD(instance_detail, BOOL),
	FIELD(ignore, STRINGS),
	FIELD(service_map, RULES),
};
#undef FIELD

static void directory_defaults(void *object)
{
	struct directory_config *d = object;

	d->pattern_text = xstrdup("{instance_id}");
	d->forget_after_ms = -1;	/* depends on `instances` */
	d->max_vanished = 10000;
}

static void directory_release(void *object)
{
	struct directory_config *d = object;

	pattern_free(d->pattern);
	d->pattern = NULL;
}

static const struct option_set directory_set = OPTION_SET("directory",
    struct directory_config, directory_fields,
    .defaults = directory_defaults, .check = config_check_directory,
    .release = directory_release);

/* --- services --- */

#define FIELD(name_, type_, ...) \
	{ .name = #name_, .type = OPTION_ ## type_, \
	  .offset = offsetof(struct service_config, name_), __VA_ARGS__ }

static const struct option service_fields[] = {
	FIELD(match, STRING, .required = true),
	FIELD(min_instances, INT, .min = 0, .max = 1000000),
	FIELD(labels, LABELS),
};
#undef FIELD

static void service_defaults(void *object)
{
	((struct service_config *)object)->min_instances = 1;
}

static const struct option_set service_set = OPTION_SET("service",
    struct service_config, service_fields, .defaults = service_defaults,
    .check = config_check_service);

/* --- clusters --- */

#define FIELD(name_, type_, field_, ...) \
	{ .name = (name_), .type = OPTION_ ## type_, \
	  .offset = offsetof(struct cluster_config, field_), __VA_ARGS__ }

static const struct option cluster_fields[] = {
	FIELD("name", STRING, name),
	FIELD("endpoints", STRINGS, endpoints, .required = true),
	FIELD("poll_interval", DURATION, poll_interval_ms,
	    .min = SECOND, .max = HOUR),
	FIELD("poll_timeout", DURATION, poll_timeout_ms,
	    .min = 100, .max = 5 * MINUTE),
	FIELD("http_config", OBJECT, http_config,
	    .set = &http_config_options),
	FIELD("directories", OBJECTS, directories, .required = true,
	    .set = &directory_set),
	FIELD("services", OBJECTS, services, .set = &service_set),
};
#undef FIELD

static void cluster_defaults(void *object)
{
	struct cluster_config *c = object;

	c->name = xstrdup("default");
	c->poll_interval_ms = 15 * SECOND;
	c->poll_timeout_ms = -1;	/* 3s, or poll_interval if less */
}

static const struct option_set cluster_set = OPTION_SET("cluster",
    struct cluster_config, cluster_fields, .defaults = cluster_defaults,
    .check = config_check_cluster);

/* --- alertmanagers --- */

#define FIELD(name_, type_, field_, ...) \
	{ .name = (name_), .type = OPTION_ ## type_, \
	  .offset = offsetof(struct alertmanager_config, field_), \
	  __VA_ARGS__ }

static const struct option alertmanager_fields[] = {
	FIELD("url", STRING, url, .required = true),
	FIELD("timeout", DURATION, timeout_ms, .min = 100,
	    .max = 5 * MINUTE),
	FIELD("http_config", OBJECT, http_config,
	    .set = &http_config_options),
};
#undef FIELD

static void alertmanager_defaults(void *object)
{
	((struct alertmanager_config *)object)->timeout_ms = 10 * SECOND;
}

static const struct option_set alertmanager_set = OPTION_SET("alertmanager",
    struct alertmanager_config, alertmanager_fields,
    .defaults = alertmanager_defaults, .check = config_check_alertmanager);

/* --- the whole; `global` and `storage` have no type of their own, so their
 * fields lie in struct config, at offset 0 --- */

#define FIELD(name_, type_, field_, ...) \
	{ .name = (name_), .type = OPTION_ ## type_, \
	  .offset = offsetof(struct config, field_), __VA_ARGS__ }
#define PART(name_, set_) \
	{ .name = (name_), .type = OPTION_OBJECT, .set = (set_) }

static const struct option global_fields[] = {
	FIELD("external_labels", LABELS, global.external_labels),
	FIELD("evaluation_interval", DURATION, global.evaluation_interval_ms,
	    .min = SECOND, .max = HOUR),
};

static const struct option_set global_set = OPTION_SET("global",
    struct config, global_fields);

static const struct option storage_fields[] = {
	FIELD("path", PATH, storage.path),
	FIELD("retention", DURATION, storage.retention_ms,
	    .min = HOUR, .max = 100 * YEAR, .or_zero = true),
	FIELD("statistics_retention", DURATION,
	    storage.statistics_retention_ms,
	    .min = HOUR, .max = 100 * YEAR, .or_zero = true),
};

static const struct option_set storage_set = OPTION_SET("storage",
    struct config, storage_fields);

static const struct option root_fields[] = {
	PART("global", &global_set),
	FIELD("clusters", OBJECTS, clusters, .required = true,
	    .set = &cluster_set),
	PART("storage", &storage_set),
	FIELD("rule_files", PATHS, rule_files),
	FIELD("alertmanagers", OBJECTS, alertmanagers,
	    .set = &alertmanager_set),
	FIELD("notify_file", PATH, notify_file),
	FIELD("heartbeat_url", STRING, heartbeat_url),
};

static void root_defaults(void *object)
{
	struct config *c = object;

	c->global.evaluation_interval_ms = 15 * SECOND;
	c->storage.statistics_retention_ms = 400 * DAY;
}

const struct option_set config_options = OPTION_SET("the configuration",
    struct config, root_fields, .defaults = root_defaults,
    .check = config_check_root);
