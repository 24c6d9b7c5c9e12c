/* From a tree of YAML nodes to a C struct, by a table of keys.  Here is the
 * reading; freeing and printing are in core/options_print.c.  What a key
 * means beyond its type is for the set's check() to judge. */
#include "core/options.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/buf.h"
#include "core/err.h"
#include "core/file.h"
#include "core/labels.h"
#include "core/problems.h"
#include "core/timefmt.h"
#include "core/xalloc.h"
#include "core/yaml.h"

enum { MAX_OPTIONS = 64, MAX_WORDS_TEXT = 1024 };

static const char *kind_name(enum yaml_kind kind)
{
	static const char *const names[] = {
		[YAML_NULL] = "nothing", [YAML_SCALAR] = "text",
		[YAML_LIST] = "a list", [YAML_MAP] = "a map",
	};

	return names[kind];
}

/* True if the node is of this kind; else says so. */
static bool expect(const char *name, const struct yaml_node *node,
    enum yaml_kind kind, struct problems *p)
{
	if (node->kind == kind)
		return true;
	yaml_problem(p, node, "%s: expected %s, found %s", name,
	    kind_name(kind), kind_name(node->kind));
	return false;
}

static void replace(char **field, char *value)
{
	free(*field);
	*field = value;
}

static void read_string(const struct option *o, const struct yaml_node *node,
    void *field, struct problems *p)
{
	if (expect(o->name, node, YAML_SCALAR, p))
		replace(field, xstrdup(node->text));
}

/* The empty path stays empty: it names no file. */
static char *path_of(const struct yaml_node *node)
{
	if (!node->text[0])
		return xstrdup("");
	return file_beside(node->file, node->text);
}

static void read_path(const struct option *o, const struct yaml_node *node,
    void *field, struct problems *p)
{
	if (expect(o->name, node, YAML_SCALAR, p))
		replace(field, path_of(node));
}

/* The words YAML 1.1 has, which Prometheus takes as well. */
static void read_bool(const struct option *o, const struct yaml_node *node,
    void *field, struct problems *p)
{
	static const char *const words[] = {
		"false", "true", "no", "yes", "off", "on",
	};

	if (!expect(o->name, node, YAML_SCALAR, p))
		return;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasecmp(node->text, words[i]) == 0) {
			*(bool *)field = i % 2;
			return;
		}
	yaml_problem(p, node, "%s: expected true or false, found \"%s\"",
	    o->name, node->text);
}

static void read_int(const struct option *o, const struct yaml_node *node,
    void *field, struct problems *p)
{
	char *end;
	long long v;

	if (!expect(o->name, node, YAML_SCALAR, p))
		return;
	errno = 0;
	v = strtoll(node->text, &end, 10);
	if (end == node->text || *end || errno)
		yaml_problem(p, node, "%s: expected a whole number, found"
		    " \"%s\"", o->name, node->text);
	else if ((o->min || o->max) && (v < o->min || v > o->max))
		yaml_problem(p, node, "%s: %lld is not between %lld and %lld",
		    o->name, v, (long long)o->min, (long long)o->max);
	else
		*(int64_t *)field = v;
}

static void read_duration(const struct option *o,
    const struct yaml_node *node, void *field, struct problems *p)
{
	char min[TIMEFMT_MAX], max[TIMEFMT_MAX];
	struct err e;
	int64_t ms;

	if (!expect(o->name, node, YAML_SCALAR, p))
		return;
	if (timefmt_parse_duration(node->text, &ms, &e) < 0)
		yaml_problem(p, node, "%s: %s", o->name, e.text);
	else if ((o->min || o->max) && (ms < o->min || ms > o->max) &&
	    !(ms == 0 && o->or_zero))
		yaml_problem(p, node, "%s: %s is not %sbetween %s and %s",
		    o->name, node->text, o->or_zero ? "0 or " : "",
		    timefmt_duration(o->min, min),
		    timefmt_duration(o->max, max));
	else
		*(int64_t *)field = ms;
}

static void empty_list(struct string_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
	*l = (struct string_list){ 0 };
}

static void read_list(const struct option *o, const struct yaml_node *node,
    void *field, struct problems *p)
{
	struct string_list *l = field;
	const struct yaml_node *item;

	if (!expect(o->name, node, YAML_LIST, p))
		return;
	empty_list(l);
	l->v = xcalloc(node->n ? node->n : 1, sizeof(*l->v));
	for (size_t i = 0; i < node->n; i++) {
		item = node->items[i];
		if (expect(o->name, item, YAML_SCALAR, p))
			l->v[l->n++] = o->type == OPTION_PATHS ?
			    path_of(item) : xstrdup(item->text);
	}
}

static void read_labels(const struct option *o, const struct yaml_node *node,
    void *field, struct problems *p)
{
	void (*put)(struct labels *, const char *, const char *) =
	    o->type == OPTION_RULES ? labels_append : labels_set;

	if (!expect(o->name, node, YAML_MAP, p))
		return;
	for (size_t i = 0; i < node->n; i++)
		if (expect(node->keys[i]->text, node->items[i], YAML_SCALAR,
		    p))
			put(field, node->keys[i]->text, node->items[i]->text);
}

static void unknown_word(const struct option *o,
    const struct yaml_node *node, struct problems *p)
{
	struct buf b;

	buf_init(&b, MAX_WORDS_TEXT);
	for (size_t i = 0; o->words[i]; i++)
		buf_addf(&b, "%s%s", i ? ", " : "", o->words[i]);
	yaml_problem(p, node, "%s: unknown value \"%s\" (there are: %s)",
	    o->name, node->text, buf_str(&b));
	buf_free(&b);
}

static void read_word(const struct option *o, const struct yaml_node *node,
    void *field, struct problems *p)
{
	const char *near;
	int n = 0;

	if (!expect(o->name, node, YAML_SCALAR, p))
		return;
	for (; o->words[n]; n++)
		if (strcmp(node->text, o->words[n]) == 0) {
			*(int *)field = n;
			return;
		}
	near = options_nearest(node->text, o->words, (size_t)n);
	if (near)
		yaml_problem(p, node, "%s: unknown value \"%s\" (did you mean"
		    " \"%s\"?)", o->name, node->text, near);
	else
		unknown_word(o, node, p);
}

static void read_fields(const struct option_set *set,
    const struct yaml_node *node, void *object, struct problems *p);

static void read_object(const struct option *o, const struct yaml_node *node,
    void *field, struct problems *p)
{
	if (expect(o->name, node, YAML_MAP, p))
		read_fields(o->set, node, field, p);
}

static void read_objects(const struct option *o,
    const struct yaml_node *node, void *field, struct problems *p)
{
	struct object_list *l = field;

	if (!expect(o->name, node, YAML_LIST, p))
		return;
	assert(!l->v);		/* no list of objects has defaults */
	l->v = xcalloc(node->n ? node->n : 1, o->set->size);
	for (size_t i = 0; i < node->n; i++)
		options_read(o->set, node->items[i],
		    (char *)l->v + l->n++ * o->set->size, p);
}

static void (*const readers[])(const struct option *o,
    const struct yaml_node *node, void *field, struct problems *p) = {
	[OPTION_STRING] = read_string,
	[OPTION_SECRET] = read_string,
	[OPTION_PATH] = read_path,
	[OPTION_BOOL] = read_bool,
	[OPTION_INT] = read_int,
	[OPTION_DURATION] = read_duration,
	[OPTION_STRINGS] = read_list,
	[OPTION_PATHS] = read_list,
	[OPTION_LABELS] = read_labels,
	[OPTION_RULES] = read_labels,
	[OPTION_WORD] = read_word,
	[OPTION_OBJECT] = read_object,
	[OPTION_OBJECTS] = read_objects,
};

static const struct option *find(const struct option_set *set,
    const char *name)
{
	for (size_t i = 0; i < set->n; i++)
		if (strcmp(set->options[i].name, name) == 0)
			return &set->options[i];
	return NULL;
}

static void unknown(const struct option_set *set,
    const struct yaml_node *key, struct problems *p)
{
	const char *names[MAX_OPTIONS], *near;

	assert(set->n <= MAX_OPTIONS);
	for (size_t i = 0; i < set->n; i++)
		names[i] = set->options[i].name;
	near = options_nearest(key->text, names, set->n);
	if (near)
		yaml_problem(p, key, "unknown field \"%s\" in %s (did you"
		    " mean \"%s\"?)", key->text, set->name, near);
	else
		yaml_problem(p, key, "unknown field \"%s\" in %s", key->text,
		    set->name);
}

static void require(const struct option_set *set,
    const struct yaml_node *node, struct problems *p)
{
	const struct yaml_node *value;

	for (size_t i = 0; i < set->n; i++) {
		value = yaml_get(node, set->options[i].name);
		if (set->options[i].required &&
		    (!value || value->kind == YAML_NULL))
			yaml_problem(p, node, "missing field \"%s\" in %s",
			    set->options[i].name, set->name);
	}
}

static void read_fields(const struct option_set *set,
    const struct yaml_node *node, void *object, struct problems *p)
{
	const struct option *o;

	for (size_t i = 0; i < node->n; i++) {
		o = find(set, node->keys[i]->text);
		if (!o)
			unknown(set, node->keys[i], p);
		else if (node->items[i]->kind != YAML_NULL)
			readers[o->type](o, node->items[i],
			    (char *)object + o->offset, p);
	}
	require(set, node, p);
	if (set->check)
		set->check(object, node, p);
}

/* From the inside out, so that an outer set may override an inner one. */
static void set_defaults(const struct option_set *set, void *object)
{
	for (size_t i = 0; i < set->n; i++)
		if (set->options[i].type == OPTION_OBJECT)
			set_defaults(set->options[i].set,
			    (char *)object + set->options[i].offset);
	if (set->defaults)
		set->defaults(object);
}

void options_read(const struct option_set *set, const struct yaml_node *node,
    void *object, struct problems *p)
{
	set_defaults(set, object);
	if (expect(set->name, node, YAML_MAP, p))
		read_fields(set, node, object, p);
}
