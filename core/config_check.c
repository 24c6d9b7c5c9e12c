/* What must hold in rollcall.yml beyond types and limits: URLs, paths and
 * patterns that make sense, names that are not given twice.  Called by the
 * option tables right after a part was read; also puts values into the one
 * spelling the rest of the program relies on. */
#include "core/config_tables.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/config.h"
#include "core/err.h"
#include "core/keypath.h"
#include "core/file.h"
#include "core/labels.h"
#include "core/pattern.h"
#include "core/problems.h"
#include "core/table.h"
#include "core/timefmt.h"
#include "core/url.h"
#include "core/xalloc.h"
#include "core/yaml.h"

#define FORGET_STABLE_MS (24 * INT64_C(3600000))
#define FORGET_EPHEMERAL_MS (10 * INT64_C(60000))
#define POLL_TIMEOUT_MS INT64_C(3000)

/* The node of a key if it is given, else the map itself. */
static const struct yaml_node *at(const struct yaml_node *node,
    const char *key)
{
	const struct yaml_node *value = yaml_get(node, key);

	return value ? value : node;
}

/* Names end up in labels and, with a slash between them, in keys of ours. */
static void check_name(const char *key, const char *name,
    const struct yaml_node *node, struct problems *p)
{
	const char *s;

	if (!name)
		return;
	if (!name[0])
		yaml_problem(p, at(node, key), "%s: must not be empty", key);
	if (strchr(name, '/'))
		yaml_problem(p, at(node, key), "%s: \"%s\" has a slash in it",
		    key, name);
	for (s = name; *s && !iscntrl((unsigned char)*s); s++)
		;
	if (*s)
		yaml_problem(p, at(node, key), "%s: \"%s\" has a control"
		    " character in it", key, name);
}

/* Labels that rollcall sets itself: rule_label_names (alerts/rules.h). */
static bool is_reserved(const char *name)
{
	static const char *const reserved[] = {
		"alertname", "alertstate", "etcd_cluster", "instance_id",
		"member", "service_name", "severity",
	};

	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (strcmp(name, reserved[i]) == 0)
			return true;
	return strncmp(name, "__", 2) == 0;
}

static void check_labels(const struct yaml_node *labels, struct problems *p)
{
	const struct yaml_node *key;

	for (size_t i = 0; labels && i < labels->n && labels->keys; i++) {
		key = labels->keys[i];
		if (!labels_valid_name(key->text))
			yaml_problem(p, key, "\"%s\" is no valid label name",
			    key->text);
		else if (is_reserved(key->text))
			yaml_problem(p, key, "the label \"%s\" is set by"
			    " rollcall itself", key->text);
	}
}

/* Remembers name as given at node; says so if it was given before. */
static void once(struct table *seen, const char *what, const char *name,
    const struct yaml_node *node, struct problems *p)
{
	const struct yaml_node *first = table_get(seen, name);

	if (!first) {
		/* The table only ever hands it back to the line above. */
		table_put(seen, name, (void *)(uintptr_t)node);
		return;
	}
	if (first->line > 0)
		yaml_problem(p, node, "%s \"%s\" is given twice (first at"
		    " line %zu)", what, name, first->line);
	else
		yaml_problem(p, node, "%s \"%s\" is given twice", what, name);
}

/* False if the value came from no text at this place, so that a complaint
 * about it would be about something nobody wrote. */
static bool is_meant(const struct yaml_node *node, const char *key)
{
	const struct yaml_node *value = yaml_get(node, key);

	return node->kind == YAML_MAP && (!value ||
	    value->kind == YAML_SCALAR || value->kind == YAML_NULL);
}

/* --- directories --- */

static void check_path(struct directory_config *d,
    const struct yaml_node *node, struct problems *p)
{
	const char *fault = keypath_directory_fault(d->path);

	if (fault)
		yaml_problem(p, at(node, "path"), "directory \"%s\": %s",
		    d->path, fault);
}

static void check_pattern(struct directory_config *d,
    const struct yaml_node *node, struct problems *p)
{
	struct err e;

	d->pattern = pattern_compile(d->pattern_text, &e);
	if (!d->pattern)
		yaml_problem(p, at(node, "pattern"), "pattern: %s", e.text);
	else if (d->service_name && pattern_has_service(d->pattern))
		yaml_problem(p, at(node, "service_name"), "service_name: the"
		    " pattern \"%s\" says already which part of the key it"
		    " is", d->pattern_text);
}

void config_check_directory(void *directory, const struct yaml_node *node,
    struct problems *p)
{
	struct directory_config *d = directory;

	if (d->path)
		check_path(d, node, p);
	check_name("service_name", d->service_name, node, p);
	check_pattern(d, node, p);
	for (size_t i = 0; i < d->ignore.n; i++)
		if (!d->ignore.v[i][0])
			yaml_problem(p, at(node, "ignore"), "ignore: an empty"
			    " pattern matches nothing");
	for (size_t i = 0; i < d->service_map.n; i++)
		check_name("service_map", d->service_map.v[i].value, node, p);
	if (d->forget_after_ms < 0)
		d->forget_after_ms = d->instances ? FORGET_EPHEMERAL_MS :
		    FORGET_STABLE_MS;
}

/* --- services --- */

void config_check_service(void *service, const struct yaml_node *node,
    struct problems *p)
{
	struct service_config *s = service;

	if (s->match && !s->match[0])
		yaml_problem(p, at(node, "match"), "match: must not be"
		    " empty");
	check_labels(yaml_get(node, "labels"), p);
}

/* --- clusters --- */

/* Puts the endpoints into one spelling.  The list has no entry for a node
 * that was no text and has been complained about. */
static void check_endpoints(struct cluster_config *c,
    const struct yaml_node *node, struct problems *p)
{
	const struct yaml_node *list = at(node, "endpoints"), *item;
	struct table *seen = table_new(NULL);
	struct err e;
	size_t n = 0;
	char *url;

	for (size_t i = 0; i < list->n && list->kind == YAML_LIST; i++) {
		item = list->items[i];
		if (item->kind != YAML_SCALAR)
			continue;
		url = url_normalize(c->endpoints.v[n], "2379", false, &e);
		if (!url) {
			yaml_problem(p, item, "endpoint %s", e.text);
			n++;
			continue;
		}
		free(c->endpoints.v[n]);
		c->endpoints.v[n++] = url;
		once(seen, "endpoint", url, item, p);
	}
	if (list->kind == YAML_LIST && list->n == 0)
		yaml_problem(p, list, "endpoints: at least one is needed");
	table_free(seen);
}

/* A directory below another one would have its keys counted twice. */
static void check_overlap(const struct table *seen, const char *path,
    const struct yaml_node *node, struct problems *p)
{
	char *above = xstrdup(path), *slash;

	while ((slash = strrchr(above, '/')) != NULL && slash != above) {
		*slash = '\0';
		if (table_get(seen, above))
			yaml_problem(p, node, "directory \"%s\" lies inside"
			    " directory \"%s\"", path, above);
	}
	free(above);
}

static void check_directories(struct cluster_config *c,
    const struct yaml_node *node, struct problems *p)
{
	const struct yaml_node *list = at(node, "directories");
	struct table *seen = table_new(NULL);
	const char *path;

	for (size_t i = 0; i < c->directories.n; i++) {
		path = config_directory(c, i)->path;
		if (path)
			once(seen, "directory", path,
			    at(list->items[i], "path"), p);
	}
	for (size_t i = 0; i < c->directories.n; i++) {
		path = config_directory(c, i)->path;
		if (path)
			check_overlap(seen, path, at(list->items[i], "path"),
			    p);
	}
	if (list->kind == YAML_LIST && list->n == 0)
		yaml_problem(p, list, "directories: at least one is needed");
	table_free(seen);
}

static void check_services(struct cluster_config *c,
    const struct yaml_node *node, struct problems *p)
{
	const struct yaml_node *list = yaml_get(node, "services");
	const struct service_config *s = c->services.v;
	struct table *seen = table_new(NULL);

	for (size_t i = 0; i < c->services.n; i++)
		if (s[i].match)
			once(seen, "services: match", s[i].match,
			    at(list->items[i], "match"), p);
	table_free(seen);
}

static void check_times(struct cluster_config *c,
    const struct yaml_node *node, struct problems *p)
{
	char timeout[TIMEFMT_MAX], interval[TIMEFMT_MAX];

	if (c->poll_timeout_ms < 0)
		c->poll_timeout_ms = c->poll_interval_ms < POLL_TIMEOUT_MS ?
		    c->poll_interval_ms : POLL_TIMEOUT_MS;
	if (c->poll_timeout_ms > c->poll_interval_ms)
		yaml_problem(p, at(node, "poll_timeout"), "poll_timeout: %s"
		    " is longer than poll_interval (%s)",
		    timefmt_duration(c->poll_timeout_ms, timeout),
		    timefmt_duration(c->poll_interval_ms, interval));
}

void config_check_cluster(void *cluster, const struct yaml_node *node,
    struct problems *p)
{
	struct cluster_config *c = cluster;

	check_name("name", c->name, node, p);
	check_endpoints(c, node, p);
	check_times(c, node, p);
	check_directories(c, node, p);
	check_services(c, node, p);
}

/* --- the rest --- */

void config_check_alertmanager(void *alertmanager,
    const struct yaml_node *node, struct problems *p)
{
	struct alertmanager_config *a = alertmanager;
	struct err e;
	char *url;

	if (!a->url)
		return;
	url = url_normalize(a->url, NULL, true, &e);
	if (!url) {
		yaml_problem(p, at(node, "url"), "url: %s", e.text);
		return;
	}
	free(a->url);
	a->url = url;
}

static void check_names(struct config *c, const struct yaml_node *node,
    struct problems *p)
{
	const struct yaml_node *clusters = yaml_get(node, "clusters");
	const struct yaml_node *managers = yaml_get(node, "alertmanagers");
	struct table *seen = table_new(NULL);
	const struct alertmanager_config *a;

	for (size_t i = 0; i < c->clusters.n; i++)
		if (is_meant(clusters->items[i], "name"))
			once(seen, "cluster", config_cluster(c, i)->name,
			    at(clusters->items[i], "name"), p);
	table_free(seen);
	seen = table_new(NULL);
	for (size_t i = 0; i < c->alertmanagers.n; i++) {
		a = config_alertmanager(c, i);
		if (a->url)
			once(seen, "alertmanager", a->url,
			    at(managers->items[i], "url"), p);
	}
	table_free(seen);
}

static void check_unsupported(const struct config *c,
    const struct yaml_node *node, struct problems *p)
{
	if (c->rule_files.n > 0)
		yaml_problem(p, at(node, "rule_files"), "rule_files: not"
		    " supported by this version");
	if (c->heartbeat_url && c->heartbeat_url[0])
		yaml_problem(p, at(node, "heartbeat_url"), "heartbeat_url:"
		    " not supported by this version");
}

void config_check_root(void *config, const struct yaml_node *node,
    struct problems *p)
{
	const struct yaml_node *clusters = yaml_get(node, "clusters");
	struct config *c = config;

	if (clusters && clusters->kind == YAML_LIST && clusters->n == 0)
		yaml_problem(p, clusters, "clusters: at least one is needed");
	check_names(c, node, p);
	check_labels(yaml_get(yaml_get(node, "global"), "external_labels"),
	    p);
	check_unsupported(c, node, p);
	if (c->storage.path && !c->storage.path[0])
		yaml_problem(p, at(yaml_get(node, "storage"), "path"),
		    "path: must not be empty");
	if (!c->storage.path)
		c->storage.path = file_beside(node->file, "rollcall.db");
}
