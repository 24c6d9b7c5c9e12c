/* YAML text to a tree of nodes with positions.  libyaml's events are put on
 * a stack of open lists and maps; what configuration has no use for is
 * refused here, so that readers of the tree need not think of it.  Knows
 * nothing of what the keys mean: that is core/options.c. */
#include "core/yaml.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "core/err.h"
#include "core/file.h"
#include "core/problems.h"
#include "core/table.h"
#include "core/xalloc.h"

enum { MAX_DEPTH = 16, MAX_SIZE = 4 << 20 };

/* The root is the first member, so that freeing it frees the name too. */
struct document {
	struct yaml_node root;
	char *file;
};

/* A list or map that is still open. */
struct level {
	struct yaml_node *node;
	struct yaml_node *key;		/* map: waits for its value */
	struct table *seen;		/* map: key -> its node */
};

struct reader {
	yaml_parser_t parser;
	const char *text;
	size_t len;
	char *file;
	struct problems *p;
	struct document *document;
	struct level stack[MAX_DEPTH];
	size_t depth;
	bool done;
};

static void free_contents(struct yaml_node *n);

static void free_node(struct yaml_node *n)
{
	if (!n)
		return;
	free_contents(n);
	free(n);
}

/* Goes as deep as the tree, which is MAX_DEPTH at most. */
static void free_contents(struct yaml_node *n)
{
	for (size_t i = 0; i < n->n; i++) {
		free_node(n->items[i]);
		if (n->keys)
			free_node(n->keys[i]);
	}
	free(n->items);
	free(n->keys);
	free(n->text);
}

void yaml_tree_free(struct yaml_node *root)
{
	struct document *d = (struct document *)root;

	if (!d)
		return;
	free_contents(&d->root);
	free(d->file);
	free(d);
}

struct yaml_node *yaml_get(const struct yaml_node *map, const char *key)
{
	if (!map || map->kind != YAML_MAP)
		return NULL;
	for (size_t i = 0; i < map->n; i++)
		if (strcmp(map->keys[i]->text, key) == 0)
			return map->items[i];
	return NULL;
}

static void problem_at(struct reader *r, const yaml_mark_t *at,
    const char *text)
{
	problems_add(r->p, r->file, at->line + 1, at->column + 1, "%s", text);
}

static struct yaml_node *new_node(struct reader *r, enum yaml_kind kind,
    const yaml_mark_t *at)
{
	struct yaml_node *n;

	if (r->document) {
		n = xcalloc(1, sizeof(*n));
	} else {
		r->document = xcalloc(1, sizeof(*r->document));
		r->document->file = r->file;
		n = &r->document->root;
	}
	n->kind = kind;
	n->file = r->file;
	n->line = at ? at->line + 1 : 1;
	n->column = at ? at->column + 1 : 1;
	return n;
}

/* Grows by doubling: n is full when it is a power of two. */
static void append(struct yaml_node *to, struct yaml_node *key,
    struct yaml_node *item)
{
	size_t room = to->n ? to->n * 2 : 1;

	if ((to->n & (to->n - 1)) == 0) {
		to->items = xreallocarray(to->items, room, sizeof(item));
		if (key)
			to->keys = xreallocarray(to->keys, room, sizeof(key));
	}
	if (key)
		to->keys[to->n] = key;
	to->items[to->n++] = item;
}

static void open_key(struct reader *r, struct level *top,
    struct yaml_node *key)
{
	const struct yaml_node *first = table_get(top->seen, key->text);

	if (first)
		yaml_problem(r->p, key, "duplicate key \"%s\" (first at line"
		    " %zu)", key->text, first->line);
	else
		table_put(top->seen, key->text, key);
	top->key = key;
}

/* Puts a new node where it belongs: root, list item, key or value. */
static void attach(struct reader *r, struct yaml_node *n)
{
	struct level *top;

	if (r->depth == 0)
		return;
	top = &r->stack[r->depth - 1];
	if (top->node->kind == YAML_MAP && !top->key) {
		open_key(r, top, n);
		return;
	}
	append(top->node, top->key, n);
	top->key = NULL;
}

static bool expects_key(const struct reader *r)
{
	const struct level *top;

	if (r->depth == 0)
		return false;
	top = &r->stack[r->depth - 1];
	return top->node->kind == YAML_MAP && !top->key;
}

static bool no_tag_or_anchor(struct reader *r, const yaml_event_t *e,
    const yaml_char_t *tag, const yaml_char_t *anchor)
{
	if (anchor)
		problem_at(r, &e->start_mark, "anchors are not supported");
	if (tag)
		problem_at(r, &e->start_mark, "tags are not supported");
	return !anchor && !tag;
}

static bool is_null(const yaml_event_t *e)
{
	static const char *const words[] = { "", "~", "null", "Null", "NULL" };
	const char *text = (const char *)e->data.scalar.value;

	if (e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(text, words[i]) == 0)
			return true;
	return false;
}

static int on_scalar(struct reader *r, const yaml_event_t *e)
{
	const char *text = (const char *)e->data.scalar.value;
	bool null = is_null(e) && !expects_key(r);
	struct yaml_node *n;

	no_tag_or_anchor(r, e, e->data.scalar.tag, e->data.scalar.anchor);
	if (strlen(text) != e->data.scalar.length)
		problem_at(r, &e->start_mark, "a NUL character in the text");
	n = new_node(r, null ? YAML_NULL : YAML_SCALAR, &e->start_mark);
	if (!null)
		n->text = xstrdup(text);
	attach(r, n);
	return 0;
}

static int on_open(struct reader *r, const yaml_event_t *e)
{
	bool map = e->type == YAML_MAPPING_START_EVENT;
	struct yaml_node *n;

	if (map)
		no_tag_or_anchor(r, e, e->data.mapping_start.tag,
		    e->data.mapping_start.anchor);
	else
		no_tag_or_anchor(r, e, e->data.sequence_start.tag,
		    e->data.sequence_start.anchor);
	if (r->depth == MAX_DEPTH) {
		problem_at(r, &e->start_mark, "nested too deeply");
		return -1;
	}
	if (expects_key(r)) {
		problem_at(r, &e->start_mark, "a key must be text, not a list "
		    "or a map (quote text that begins with [ or {)");
		return -1;
	}
	n = new_node(r, map ? YAML_MAP : YAML_LIST, &e->start_mark);
	attach(r, n);
	r->stack[r->depth++] = (struct level){
		.node = n, .seen = map ? table_new(NULL) : NULL,
	};
	return 0;
}

static int on_close(struct reader *r, const yaml_event_t *e)
{
	(void)e;
	assert(r->depth > 0);
	table_free(r->stack[--r->depth].seen);
	return 0;
}

static int on_document(struct reader *r, const yaml_event_t *e)
{
	if (!r->document)
		return 0;
	problem_at(r, &e->start_mark, "a second document begins here: only "
	    "one is read");
	return -1;
}

static int on_alias(struct reader *r, const yaml_event_t *e)
{
	problem_at(r, &e->start_mark, "aliases are not supported (quote text "
	    "that begins with *)");
	return -1;
}

static int on_end(struct reader *r, const yaml_event_t *e)
{
	(void)e;
	r->done = true;
	return 0;
}

static int (*const handlers[])(struct reader *, const yaml_event_t *) = {
	[YAML_STREAM_END_EVENT] = on_end,
	[YAML_DOCUMENT_START_EVENT] = on_document,
	[YAML_ALIAS_EVENT] = on_alias,
	[YAML_SCALAR_EVENT] = on_scalar,
	[YAML_SEQUENCE_START_EVENT] = on_open,
	[YAML_SEQUENCE_END_EVENT] = on_close,
	[YAML_MAPPING_START_EVENT] = on_open,
	[YAML_MAPPING_END_EVENT] = on_close,
};

/* libyaml's own words do not say that a tab is what it stumbled over. */
static bool indented_by_tab(const struct reader *r, size_t line)
{
	const char *s = r->text, *end = r->text + r->len;

	for (; line > 0 && s; line--) {
		s = memchr(s, '\n', (size_t)(end - s));
		s = s ? s + 1 : NULL;
	}
	while (s && s < end && *s == ' ')
		s++;
	return s && s < end && *s == '\t';
}

static size_t line_at(const struct reader *r, size_t offset)
{
	size_t line = 1;

	for (size_t i = 0; i < offset && i < r->len; i++)
		line += r->text[i] == '\n';
	return line;
}

/* What libyaml could not make sense of. */
static void malformed(struct reader *r)
{
	const yaml_parser_t *y = &r->parser;
	const char *why = y->problem ? y->problem : "cannot be read";

	if (y->error == YAML_READER_ERROR) {
		problems_add(r->p, r->file, line_at(r, y->problem_offset), 1,
		    "not UTF-8 text: %s", why);
		return;
	}
	problems_add(r->p, r->file, y->problem_mark.line + 1,
	    y->problem_mark.column + 1, "not valid YAML: %s%s%s%s",
	    y->context ? y->context : "", y->context ? ": " : "", why,
	    indented_by_tab(r, y->problem_mark.line) ?
	    " (indent with spaces, not tabs)" : "");
}

static int next_event(struct reader *r)
{
	yaml_event_t e;
	int rc = 0;

	if (!yaml_parser_parse(&r->parser, &e)) {
		malformed(r);
		return -1;
	}
	if (e.type < sizeof(handlers) / sizeof(handlers[0]) &&
	    handlers[e.type])
		rc = handlers[e.type](r, &e);
	yaml_event_delete(&e);
	return rc;
}

static void close_levels(struct reader *r)
{
	while (r->depth > 0) {
		r->depth--;
		table_free(r->stack[r->depth].seen);
		free_node(r->stack[r->depth].key);
	}
}

/* No document at all, or one without content, is an empty map. */
static struct yaml_node *root_of(struct reader *r)
{
	if (!r->document)
		new_node(r, YAML_MAP, NULL);
	if (r->document->root.kind == YAML_NULL)
		r->document->root.kind = YAML_MAP;
	return &r->document->root;
}

struct yaml_node *yaml_parse(const char *file, const char *text, size_t len,
    struct problems *p)
{
	struct reader r = { .text = text, .len = len, .p = p };
	size_t before = p->count;

	if (len > MAX_SIZE) {
		problems_add(p, file, 0, 0, "larger than %d bytes", MAX_SIZE);
		return NULL;
	}
	if (!yaml_parser_initialize(&r.parser))
		abort();	/* out of memory, as in core/xalloc.c */
	r.file = xstrdup(file);
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)text,
	    len);
	while (!r.done && next_event(&r) == 0)
		;
	close_levels(&r);
	yaml_parser_delete(&r.parser);
	if (p->count == before)
		return root_of(&r);
	if (r.document)
		yaml_tree_free(&r.document->root);
	else
		free(r.file);
	return NULL;
}

struct yaml_node *yaml_load(const char *path, struct problems *p)
{
	struct yaml_node *root;
	struct err e;
	size_t len;
	char *text = file_read(path, MAX_SIZE, &len, &e);

	if (!text) {
		problems_add(p, NULL, 0, 0, "%s", e.text);
		return NULL;
	}
	root = yaml_parse(path, text, len, p);
	free(text);
	return root;
}
