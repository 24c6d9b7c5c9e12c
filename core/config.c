/* rollcall.yml, from the file or made from flags, as one immutable struct
 * with a count of its users.  The keys are in core/config_tables.c, what must
 * hold between them in core/config_check.c.  Read by `serve` in a thread of
 * its own at a reload, and by `check`. */
#include "core/config.h"

#include <assert.h>
#include <fnmatch.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/config_tables.h"
#include "core/problems.h"
#include "core/xalloc.h"
#include "core/yaml.h"

enum { MAX_FLAGS_TEXT = 1 << 20 };

/* The count is nobody else's business. */
struct counted {
	struct config config;
	atomic_int users;
};

static struct counted *counted(struct config *c)
{
	return (struct counted *)c;
}

struct config *config_ref(struct config *c)
{
	atomic_fetch_add(&counted(c)->users, 1);
	return c;
}

void config_unref(struct config *c)
{
	int before;

	if (!c)
		return;
	before = atomic_fetch_sub(&counted(c)->users, 1);
	assert(before > 0);
	if (before > 1)
		return;
	options_free(&config_options, c);
	free(c->file);
	free(counted(c));
}

/* Takes root, which may be NULL. */
static struct config *from_tree(struct yaml_node *root, const char *file,
    struct problems *p)
{
	struct counted *box;

	if (!root)
		return NULL;
	box = xcalloc(1, sizeof(*box));
	atomic_init(&box->users, 1);
	box->config.file = xstrdup(file);
	options_read(&config_options, root, &box->config, p);
	yaml_free(root);
	return &box->config;
}

static struct config *unless(bool problems, struct config *c)
{
	if (!problems)
		return c;
	config_unref(c);
	return NULL;
}

struct config *config_read(const char *path, struct problems *p)
{
	return from_tree(yaml_load(path, p), path, p);
}

struct config *config_load(const char *path, struct problems *p)
{
	size_t before = p->count;
	struct config *c = config_read(path, p);

	return unless(p->count > before, c);
}

/* JSON is YAML, so flags become a document like any other. */
static void write_list(struct buf *b, const char *name,
    const char *before_item, const char *after_item,
    const struct string_list *l)
{
	buf_addf(b, "\"%s\": [", name);
	for (size_t i = 0; i < l->n; i++) {
		buf_adds(b, i ? ", " : "");
		buf_adds(b, before_item);
		buf_add_json(b, l->v[i]);
		buf_adds(b, after_item);
	}
	buf_adds(b, "]");
}

/* Positions in a text nobody wrote would only confuse.  As deep as the tree,
 * whose depth core/yaml.c limits. */
static void forget_positions(struct yaml_node *node)
{
	if (!node)
		return;
	node->line = 0;
	node->file = NULL;
	for (size_t i = 0; i < node->n; i++) {
		if (node->keys)
			forget_positions(node->keys[i]);
		forget_positions(node->items[i]);
	}
}

struct config *config_from_flags(const struct string_list *endpoints,
    const struct string_list *directories, struct problems *p)
{
	size_t before = p->count;
	struct yaml_node *root;
	struct config *c;
	struct buf b;

	buf_init(&b, MAX_FLAGS_TEXT);
	buf_adds(&b, "{\"clusters\": [{");
	write_list(&b, "endpoints", "", "", endpoints);
	buf_adds(&b, ", ");
	write_list(&b, "directories", "{\"path\": ", "}", directories);
	buf_adds(&b, "}]}");
	root = yaml_parse("flags", buf_str(&b), b.len, p);
	forget_positions(root);
	c = from_tree(root, NULL, p);
	buf_free(&b);
	return unless(p->count > before, c);
}

int64_t config_statistics_retention(const struct config *c)
{
	int64_t history = c->storage.retention_ms;
	int64_t statistics = c->storage.statistics_retention_ms;

	if (history == 0)
		return statistics;
	return statistics == 0 || history < statistics ? history : statistics;
}

void config_print(const struct config *c, struct buf *out)
{
	options_print(&config_options, c, out, 0);
}

const char *config_directory_service(const struct directory_config *d)
{
	const char *slash = strrchr(d->path, '/');

	if (d->service_name != NULL)
		return d->service_name;
	return slash != NULL && slash[1] != '\0' ? slash + 1 : "etcd";
}

const struct service_config *config_service(const struct cluster_config *c,
    const char *service_name)
{
	const struct service_config *s = c->services.v;

	for (size_t i = 0; i < c->services.n; i++)
		if (fnmatch(s[i].match, service_name, 0) == 0)
			return &s[i];
	return NULL;
}
