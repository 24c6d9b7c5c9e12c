/* Whose key is it?  From a key below a watched directory to the identity it
 * claims, or the reason why it claims none.  Pure: changes nothing.  Called
 * for every key that is new to its directory. */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "core/config.h"
#include "core/json.h"
#include "core/pattern.h"
#include "core/registry_impl.h"
#include "core/table.h"
#include "core/xalloc.h"

/* Key, identity and other names become labels, each escaped to at most three
 * times its length (a byte that is not UTF-8); see LABELS_MAX. */
enum { MAX_RELATIVE = 4096 };

/* The part of the key below the directory, or NULL. */
static const char *below(const struct directory *d, const char *key)
{
	size_t n = strlen(d->path);

	if (strcmp(d->path, "/") == 0)
		n = 0;
	if (strncmp(key, d->path, n) != 0 || key[n] != '/' ||
	    key[n + 1] == '\0')
		return NULL;
	return key + n + 1;
}

static bool hidden(const char *relative)
{
	return relative[0] == '_' || strstr(relative, "/_") != NULL;
}

static bool ignored(const struct directory_config *c, const char *relative)
{
	for (size_t i = 0; i < c->ignore.n; i++)
		if (fnmatch(c->ignore.v[i], relative, FNM_PATHNAME) == 0)
			return true;
	return false;
}

static size_t depth(const char *relative)
{
	size_t n = 1;

	for (; *relative != '\0'; relative++)
		n += *relative == '/';
	return n;
}

/* True if the key lies inside a directory that is an instance itself: its
 * content belongs to the service. */
static bool inside_instance(const struct directory *d, const char *key)
{
	char *prefix = xstrdup(key);
	bool inside = false;
	char *slash;

	while (!inside && (slash = strrchr(prefix, '/')) != NULL) {
		*slash = '\0';
		inside = table_get(d->by_key, prefix) != NULL ||
		    table_get(d->rivals, prefix) != NULL;
	}
	free(prefix);
	return inside;
}

static const char *mapped_service(const struct directory_config *c,
    const char *instance_id)
{
	for (size_t i = 0; i < c->service_map.n; i++)
		if (fnmatch(c->service_map.v[i].name, instance_id, 0) == 0)
			return c->service_map.v[i].value;
	return NULL;
}

static void choose_service(const struct directory_config *c,
    struct identity *id, struct claim *claim)
{
	const char *mapped = mapped_service(c, id->instance_id);

	if (mapped != NULL)
		claim->service = xstrdup(mapped);
	else if (id->service_name != NULL)
		claim->service = xstrdup(id->service_name);
	else
		claim->service = xstrdup(config_directory_service(c));
}

static bool too_long(const char *relative)
{
	return strnlen(relative, MAX_RELATIVE + 1) > MAX_RELATIVE;
}

static enum verdict bad(struct claim *c, const char *why)
{
	c->why = why;
	return KEY_BAD;
}

enum verdict registry_claim(const struct directory *d,
    const struct key_facts *k, struct claim *c)
{
	const char *relative = below(d, k->key);
	struct identity id;

	*c = (struct claim){ 0 };
	if (relative == NULL || hidden(relative) ||
	    ignored(d->config, relative))
		return KEY_NOT_OURS;
	/* A directory without a TTL only groups what is below it. */
	if (k->is_dir && !k->has_ttl)
		return KEY_NOT_OURS;
	if (json_has_nul(k->key))
		return bad(c, "the key contains a NUL");
	if (too_long(relative))
		return bad(c, "the key is longer than 4096 bytes");
	if (depth(relative) > pattern_depth(d->config->pattern) &&
	    inside_instance(d, k->key))
		return KEY_NOT_OURS;
	if (!pattern_match(d->config->pattern, relative, &id))
		return bad(c, "the key does not match the pattern");
	choose_service(d->config, &id, c);
	c->instance_id = xstrdup(id.instance_id);
	identity_free(&id);
	return KEY_INSTANCE;
}

void registry_extra(const struct directory *d, const char *key,
    struct labels *extra_r)
{
	const char *relative = below(d, key);
	struct identity id;

	labels_free(extra_r);
	if (relative == NULL || d->config->pattern == NULL ||
	    !pattern_match(d->config->pattern, relative, &id))
		return;
	labels_copy(extra_r, &id.extra);
	identity_free(&id);
}

void registry_claim_free(struct claim *c)
{
	free(c->service);
	free(c->instance_id);
}
