#ifndef CORE_YAML_H
#define CORE_YAML_H

#include <stddef.h>

struct problems;

/* YAML text as a tree with positions, by libyaml.  What configuration does
 * not need is refused: aliases, tags, several documents, duplicate keys,
 * depth above 16, size above 4 MiB. */
enum yaml_kind { YAML_NULL, YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml_node {
	enum yaml_kind kind;
	const char *file;		/* owned by the document */
	size_t line, column;		/* from 1 */
	char *text;			/* scalar */
	struct yaml_node **items;	/* list items, or map values */
	struct yaml_node **keys;	/* map only, parallel to items */
	size_t n;
};

/* Reads text; problems found are added to p and NULL returned.  An empty
 * document is an empty map.  file is used in messages.  Free with
 * yaml_free(). */
struct yaml_node *yaml_parse(const char *file, const char *text, size_t len,
    struct problems *p);

/* The same from a file on disk. */
struct yaml_node *yaml_load(const char *path, struct problems *p);
void yaml_tree_free(struct yaml_node *root);

/* libyaml exports a yaml_free() of its own, which a global function of that
 * name here would replace inside the library: so this one is no symbol. */
static inline void yaml_free(struct yaml_node *root)
{
	yaml_tree_free(root);
}

/* The value of a key, NULL if it is not there or map is no map or NULL. */
struct yaml_node *yaml_get(const struct yaml_node *map, const char *key);

/* A problem at the node's position. */
#define yaml_problem(p, node, ...) \
	problems_add(p, (node)->file, (node)->line, (node)->column, __VA_ARGS__)

#endif
