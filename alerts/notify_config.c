/* Reads the notify file: Alertmanager's YAML, of which this version knows the
 * default route's receiver and webhooks.  A key that Alertmanager has and we
 * do not have yet is told apart from a slip of the pen.  Blocks (files), so it
 * runs at start, in `check` and in a reload's own thread, never on the
 * loop. */
#include "alerts/notify_config.h"

#include <ctype.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/alerts.h"
#include "core/config.h"
#include "core/err.h"
#include "core/file.h"
#include "core/problems.h"
#include "core/url.h"
#include "core/xalloc.h"
#include "core/yaml.h"

enum { URL_FILE_MAX = 64 * 1024, HIDDEN_MAX = 256 };

/* --- what Alertmanager has and this version has not --- */

static const char *const later_root[] = {
	"global", "inhibit_rules", "mute_time_intervals", "templates",
	"time_intervals", "tracing", NULL
};

static const char *const later_route[] = {
	"active_time_intervals", "continue", "group_by", "group_interval",
	"group_wait", "match", "match_re", "matchers",
	"mute_time_intervals", "repeat_interval", "routes", NULL
};

static const char *const later_receiver[] = {
	"discord_configs", "email_configs", "incidentio_configs",
	"jira_configs", "mattermost_configs", "msteams_configs",
	"msteamsv2_configs", "opsgenie_configs", "pagerduty_configs",
	"pushover_configs", "rocketchat_configs", "slack_configs",
	"sns_configs", "telegram_configs", "victorops_configs",
	"webex_configs", "wechat_configs", NULL
};

static const char *const later_webhook[] = { "payload", NULL };

/* Maps whose last entries are out of sight while the options are read, so
 * that they are not called unknown as well. */
struct hidden {
	struct { struct yaml_node *map; size_t n; } v[HIDDEN_MAX];
	size_t n;
};

static bool is_one_of(const char *name, const char *const *names)
{
	while (*names != NULL && strcmp(*names, name) != 0)
		names++;
	return *names != NULL;
}

static void swap_entries(struct yaml_node *map, size_t a, size_t b)
{
	struct yaml_node *key = map->keys[a], *item = map->items[a];

	map->keys[a] = map->keys[b];
	map->items[a] = map->items[b];
	map->keys[b] = key;
	map->items[b] = item;
}

static void hide_later(struct yaml_node *map, const char *const *later,
    struct hidden *h, struct problems *p)
{
	if (map == NULL || map->kind != YAML_MAP || h->n == HIDDEN_MAX)
		return;
	size_t n = map->n;

	h->v[h->n].map = map;
	h->v[h->n++].n = n;
	for (size_t i = 0; i < map->n;) {
		if (!is_one_of(map->keys[i]->text, later)) {
			i++;
			continue;
		}
		yaml_problem(p, map->keys[i], "\"%s\" is not supported by "
		    "this version", map->keys[i]->text);
		swap_entries(map, i, --map->n);
	}
}

static void hide_in_receivers(struct yaml_node *list, struct hidden *h,
    struct problems *p)
{
	if (list == NULL || list->kind != YAML_LIST)
		return;
	for (size_t i = 0; i < list->n; i++) {
		struct yaml_node *hooks =
		    yaml_get(list->items[i], "webhook_configs");

		hide_later(list->items[i], later_receiver, h, p);
		for (size_t k = 0; hooks != NULL &&
		    hooks->kind == YAML_LIST && k < hooks->n; k++)
			hide_later(hooks->items[k], later_webhook, h, p);
	}
}

static void show_again(struct hidden *h)
{
	while (h->n > 0) {
		h->n--;
		h->v[h->n].map->n = h->v[h->n].n;
	}
}

/* --- webhooks --- */

static const struct yaml_node *at(const struct yaml_node *node,
    const char *key)
{
	const struct yaml_node *value = yaml_get(node, key);

	return value != NULL ? value : node;
}

static void read_url_file(struct webhook_config *w,
    const struct yaml_node *node, struct problems *p)
{
	struct err e = { "" };
	size_t len;
	char *text = file_read(w->url_file, URL_FILE_MAX, &len, &e);

	if (text == NULL) {
		yaml_problem(p, at(node, "url_file"), "url_file: %s", e.text);
		return;
	}
	while (len > 0 && isspace((unsigned char)text[len - 1]))
		text[--len] = '\0';
	w->url = text;
}

/* The URL may carry a token, so it is never quoted. */
static void check_webhook(void *object, const struct yaml_node *node,
    struct problems *p)
{
	struct webhook_config *w = object;

	if ((w->url == NULL) == (w->url_file == NULL)) {
		yaml_problem(p, node, "webhook_configs: exactly one of url "
		    "and url_file is needed");
		return;
	}
	const char *key = w->url != NULL ? "url" : "url_file";
	struct err e;

	if (w->url_file != NULL)
		read_url_file(w, node, p);
	if (w->url != NULL && url_check(w->url, &e) != 0)
		yaml_problem(p, at(node, key), "%s: %s", key, e.text);
}

static void webhook_defaults(void *object)
{
	struct webhook_config *w = object;

	w->send_resolved = true;
	w->timeout_ms = 10000;
}

#define FIELD(name_, type_, field_, ...) \
	{ .name = (name_), .type = OPTION_ ## type_, \
	  .offset = offsetof(struct webhook_config, field_), __VA_ARGS__ }

static const struct option webhook_fields[] = {
	FIELD("http_config", OBJECT, http_config,
	    .set = &http_config_options),
	FIELD("max_alerts", INT, max_alerts, .min = 0, .max = 1000000),
	FIELD("send_resolved", BOOL, send_resolved),
	FIELD("timeout", DURATION, timeout_ms, .min = 100, .max = 300000),
	FIELD("url", SECRET, url),
	FIELD("url_file", PATH, url_file),
};
#undef FIELD

static const struct option_set webhook_set = OPTION_SET("webhook_configs",
    struct webhook_config, webhook_fields, .defaults = webhook_defaults,
    .check = check_webhook);

/* --- receivers, route, file --- */

static const struct option receiver_fields[] = {
	{ .name = "name", .type = OPTION_STRING, .required = true,
	  .offset = offsetof(struct receiver_config, name) },
	{ .name = "webhook_configs", .type = OPTION_OBJECTS,
	  .offset = offsetof(struct receiver_config, webhooks),
	  .set = &webhook_set },
};

static void check_receiver(void *object, const struct yaml_node *node,
    struct problems *p)
{
	const struct receiver_config *r = object;

	if (r->name != NULL && r->name[0] == '\0')
		yaml_problem(p, at(node, "name"), "name: must not be empty");
}

static const struct option_set receiver_set = OPTION_SET("receiver",
    struct receiver_config, receiver_fields, .check = check_receiver);

/* `route` has no type of its own, so its field lies in the whole. */
static const struct option route_fields[] = {
	{ .name = "receiver", .type = OPTION_STRING, .required = true,
	  .offset = offsetof(struct notify_config, route.receiver) },
};

static const struct option_set route_set = OPTION_SET("route",
    struct notify_config, route_fields);

static const struct option root_fields[] = {
	{ .name = "receivers", .type = OPTION_OBJECTS, .required = true,
	  .offset = offsetof(struct notify_config, receivers),
	  .set = &receiver_set },
	{ .name = "route", .type = OPTION_OBJECT, .required = true,
	  .set = &route_set },
};

static const struct receiver_config *receiver(const struct notify_config *n,
    size_t i)
{
	return (const struct receiver_config *)n->receivers.v + i;
}

const struct receiver_config *notify_config_receiver(
    const struct notify_config *n, const char *name)
{
	for (size_t i = 0; i < n->receivers.n; i++)
		if (receiver(n, i)->name != NULL &&
		    strcmp(receiver(n, i)->name, name) == 0)
			return receiver(n, i);
	return NULL;
}

static void check_names(const struct notify_config *n,
    const struct yaml_node *list, struct problems *p)
{
	for (size_t i = 0; i < n->receivers.n; i++) {
		const char *name = receiver(n, i)->name;

		if (name != NULL &&
		    notify_config_receiver(n, name) != receiver(n, i))
			yaml_problem(p, at(list->items[i], "name"),
			    "receiver \"%s\" is given twice", name);
	}
}

static void unknown_receiver(const struct notify_config *n,
    const struct yaml_node *node, struct problems *p)
{
	const char **names = xcalloc(n->receivers.n + 1, sizeof(*names));
	size_t known = 0;

	for (size_t i = 0; i < n->receivers.n; i++)
		if (receiver(n, i)->name != NULL)
			names[known++] = receiver(n, i)->name;
	const char *near = options_nearest(n->route.receiver, names, known);

	yaml_problem(p, node, "there is no receiver \"%s\"%s%s%s",
	    n->route.receiver, near ? " (did you mean \"" : "",
	    near ? near : "", near ? "\"?)" : "");
	free(names);
}

static void check_root(void *object, const struct yaml_node *node,
    struct problems *p)
{
	const struct notify_config *n = object;

	check_names(n, at(node, "receivers"), p);
	if (n->route.receiver != NULL &&
	    notify_config_receiver(n, n->route.receiver) == NULL)
		unknown_receiver(n, at(at(node, "route"), "receiver"), p);
}

static const struct option_set root_set = OPTION_SET("the notify file",
    struct notify_config, root_fields, .check = check_root);

struct notify_config *notify_config_load(const char *path,
    struct problems *p)
{
	size_t before = p->count;
	struct yaml_node *root = yaml_load(path, p);
	struct hidden hidden = { .n = 0 };

	if (root == NULL)
		return NULL;
	struct notify_config *n = xcalloc(1, sizeof(*n));

	hide_in_receivers(yaml_get(root, "receivers"), &hidden, p);
	hide_later(yaml_get(root, "route"), later_route, &hidden, p);
	hide_later(root, later_root, &hidden, p);
	options_read(&root_set, root, n, p);
	show_again(&hidden);
	yaml_free(root);
	if (p->count == before)
		return n;
	notify_config_free(n);
	return NULL;
}

void notify_config_free(struct notify_config *n)
{
	if (n == NULL)
		return;
	options_free(&root_set, n);
	free(n);
}
