#ifndef TESTS_REFERENCE_KEYS_BY_TREE_H
#define TESTS_REFERENCE_KEYS_BY_TREE_H

/* Answers of the keys API read by way of cJSON's tree, as was done before there
 * was etcd/reader.c: what the decoders of keys are compared with.  For tests
 * alone. */

#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/json.h"
#include "core/xalloc.h"
#include "etcd/decode.h"
#include "etcd/field.h"

struct by_tree {
	cJSON *root;			/* whose the strings of r are */
	struct etcd_result r;		/* the union; outcome */
	struct err why;			/* ETCD_BAD: what was wrong */
};

static inline int by_tree_expiration(const cJSON *o, struct etcd_node *n,
    struct err *e)
{
	n->has_expiration = field_has(o, "expiration");
	if (!n->has_expiration)
		return 0;
	return field_time(o, "expiration", &n->expiration, e);
}

/* Every node but the root has a key and both indexes. */
static inline int by_tree_node(const cJSON *o, struct etcd_node *n,
    struct err *e)
{
	*n = (struct etcd_node){ .key = "", .value = "" };
	if (!cJSON_IsObject(o))
		return err_set(e, "a node is not an object");
	if (field_str(o, "key", &n->key, e) < 0)
		return -1;
	if (n->key[0] != '/')
		return err_set(e, "key \"%.60s\" does not begin with /",
		    n->key);
	n->key_has_nul = json_has_nul(n->key);
	if (field_opt_str(o, "value", &n->value, e) < 0 ||
	    field_opt_bool(o, "dir", &n->dir, e) < 0 ||
	    by_tree_expiration(o, n, e) < 0 ||
	    json_i64(o, "ttl", &n->ttl, e) < 0 ||
	    field_u64(o, "createdIndex", &n->created_index, e) < 0 ||
	    field_u64(o, "modifiedIndex", &n->modified_index, e) < 0)
		return err_prefix(e, "key %.60s", n->key);
	n->value_has_nul = json_has_nul(n->value);
	return 0;
}

/* --- events --- */

static const struct {
	const char *name;
	enum etcd_action action;
} by_tree_actions[] = {
	{ "get", ETCD_GET },
	{ "set", ETCD_SET },
	{ "create", ETCD_CREATE },
	{ "update", ETCD_UPDATE },
	{ "delete", ETCD_DELETE },
	{ "compareAndSwap", ETCD_COMPARE_AND_SWAP },
	{ "compareAndDelete", ETCD_COMPARE_AND_DELETE },
	{ "expire", ETCD_EXPIRE },
};

static inline int by_tree_action(const cJSON *root, enum etcd_action *action_r,
    struct err *e)
{
	const char *name;
	size_t i;

	if (field_str(root, "action", &name, e) < 0)
		return -1;
	for (i = 0; i < sizeof(by_tree_actions) /
	    sizeof(by_tree_actions[0]); i++)
		if (strcmp(by_tree_actions[i].name, name) == 0) {
			*action_r = by_tree_actions[i].action;
			return 0;
		}
	return err_set(e, "unknown action \"%.40s\"", name);
}

static inline int by_tree_event(const cJSON *root, struct etcd_event *v,
    struct err *e)
{
	const cJSON *node;

	if (by_tree_action(root, &v->action, e) < 0 ||
	    field_object(root, "node", &node, e) < 0 ||
	    by_tree_node(node, &v->node, e) < 0)
		return -1;
	v->has_prev = field_has(root, "prevNode");
	if (!v->has_prev)
		return 0;
	if (field_object(root, "prevNode", &node, e) < 0)
		return -1;
	if (by_tree_node(node, &v->prev, e) < 0)
		return err_prefix(e, "prevNode");
	return 0;
}

static const struct etcd_event by_tree_nothing = {
	.node = { .key = "", .value = "" },
	.prev = { .key = "", .value = "" },
};

/* The root comes without a key and without indexes. */
static inline int by_tree_root(const cJSON *root, struct etcd_event *v,
    struct err *e)
{
	const cJSON *node;

	v->node.key = "/";
	if (by_tree_action(root, &v->action, e) < 0 ||
	    field_object(root, "node", &node, e) < 0)
		return -1;
	return field_opt_bool(node, "dir", &v->node.dir, e);
}

/* With noValueOnSuccess there is nothing but the action. */
static inline int by_tree_key(const cJSON *root, const char *base,
    struct etcd_result *r, struct err *e)
{
	r->event = by_tree_nothing;
	if (!field_has(root, "node"))
		return by_tree_action(root, &r->event.action, e);
	if (base[0] == '\0' && !field_has(cJSON_GetObjectItemCaseSensitive(
	    root, "node"), "key"))
		return by_tree_root(root, &r->event, e);
	return by_tree_event(root, &r->event, e);
}

/* --- listings --- */

struct by_tree_walk {
	struct etcd_listing *list;
	const char *base;
	size_t base_len, cap;
	/* Next node to look at on each level: json_parse() allows no more. */
	const cJSON *stack[JSON_MAX_DEPTH];
	size_t depth;
};

static inline void by_tree_count_bad(struct by_tree_walk *w,
    const struct err *why)
{
	if (w->list->bad++ == 0)
		decode_text(w->list->first_bad,
		    sizeof(w->list->first_bad), why->text);
}

static inline bool by_tree_is_below(const struct by_tree_walk *w,
    const char *key)
{
	return strncmp(key, w->base, w->base_len) == 0 &&
	    key[w->base_len] == '/' && key[w->base_len + 1];
}

static inline void by_tree_add_node(struct by_tree_walk *w, const cJSON *o)
{
	struct etcd_listing *l = w->list;
	struct err why;

	if (l->n == w->cap) {
		w->cap = w->cap ? w->cap * 2 : 64;
		l->v = xreallocarray(l->v, w->cap, sizeof(*l->v));
	}
	if (by_tree_node(o, &l->v[l->n], &why) < 0) {
		by_tree_count_bad(w, &why);
	} else if (!by_tree_is_below(w, l->v[l->n].key)) {
		err_set(&why, "key %.60s is not below %.40s", l->v[l->n].key,
		    *w->base ? w->base : "/");
		by_tree_count_bad(w, &why);
	} else {
		l->n++;
	}
}

/* Children of a node, to be looked at before its next sibling. */
static inline void by_tree_push_children(struct by_tree_walk *w,
    const cJSON *o)
{
	const cJSON *nodes = NULL;
	struct err why;

	if (field_opt_array(o, "nodes", &nodes, &why) < 0) {
		by_tree_count_bad(w, &why);
		return;
	}
	if (!nodes || !nodes->child)
		return;
	if (w->depth == JSON_MAX_DEPTH) {
		err_set(&why, "directories nested too deeply");
		by_tree_count_bad(w, &why);
		return;
	}
	w->stack[w->depth++] = nodes->child;
}

static inline void by_tree_walk_nodes(struct by_tree_walk *w, const cJSON *top)
{
	const cJSON *o;

	by_tree_push_children(w, top);
	while (w->depth > 0) {
		o = w->stack[w->depth - 1];
		if (!o) {
			w->depth--;
			continue;
		}
		w->stack[w->depth - 1] = o->next;
		by_tree_add_node(w, o);
		by_tree_push_children(w, o);
	}
}

/* The directory asked for, and nothing else: the root comes without a key. */
static inline int by_tree_check_top(const cJSON *top, const char *base,
    struct err *e)
{
	const char *key;
	bool dir;

	if (field_opt_str(top, "key", &key, e) < 0 ||
	    field_opt_bool(top, "dir", &dir, e) < 0)
		return -1;
	if (strcmp(strcmp(key, "/") == 0 ? "" : key, base) != 0)
		return err_set(e, "the answer is about \"%.100s\"", key);
	if (!dir)
		return err_set(e, "%.100s is a key, not a directory", base);
	return 0;
}

static inline int by_tree_listing(const cJSON *root, const char *base,
    struct etcd_result *r, struct err *e)
{
	struct by_tree_walk w = { .list = &r->listing, .base = base,
	    .base_len = strlen(base) };
	enum etcd_action action = ETCD_SET;
	const cJSON *top;

	if (by_tree_action(root, &action, e) < 0)
		return -1;
	if (action != ETCD_GET)
		return err_set(e, "the action is not get");
	if (field_object(root, "node", &top, e) < 0 ||
	    by_tree_check_top(top, base, e) < 0)
		return -1;
	by_tree_walk_nodes(&w, top);
	return 0;
}

static inline int by_tree_body(struct by_tree *t, enum etcd_kind kind,
    const char *base)
{
	if (kind == ETCD_KIND_LISTING)
		return by_tree_listing(t->root, base, &t->r, &t->why);
	t->r.event = by_tree_nothing;
	if (kind == ETCD_KIND_KEY)
		return by_tree_key(t->root, base, &t->r, &t->why);
	return by_tree_event(t->root, &t->r.event, &t->why);
}

/* What etcd_decode() makes of a 200 with such a body; body is left alone. */
static inline void by_tree_decode(struct by_tree *t, enum etcd_kind kind,
    const char *base, const char *body, size_t len)
{
	char *copy = xcalloc(1, len + 1);

	memset(t, 0, sizeof(*t));
	memcpy(copy, body, len);
	t->r.outcome = len == 0 ? ETCD_EMPTY : ETCD_BAD;
	t->root = json_parse(copy, len, &t->why);
	if (t->root && !cJSON_IsObject(t->root))
		err_set(&t->why, "the answer is not a JSON object");
	else if (t->root && by_tree_body(t, kind, strcmp(base, "/") == 0 ?
	    "" : base) == 0)
		t->r.outcome = ETCD_OK;
	free(copy);
}

static inline void by_tree_free(struct by_tree *t, enum etcd_kind kind)
{
	cJSON_Delete(t->root);
	if (kind == ETCD_KIND_LISTING)
		free(t->r.listing.v);
}

static inline bool by_tree_same_node(const struct etcd_node *a,
    const struct etcd_node *b)
{
	return strcmp(a->key, b->key) == 0 &&
	    strcmp(a->value, b->value) == 0 && a->dir == b->dir &&
	    a->has_expiration == b->has_expiration &&
	    a->key_has_nul == b->key_has_nul &&
	    a->value_has_nul == b->value_has_nul &&
	    a->expiration.ms == b->expiration.ms && a->ttl == b->ttl &&
	    a->created_index == b->created_index &&
	    a->modified_index == b->modified_index;
}

/* Outcome and contents agree.  The first bad node of a listing may be another
 * one: here a directory is judged before what is in it. */
static inline bool by_tree_agrees(const struct by_tree *t,
    enum etcd_kind kind, const struct etcd_result *r)
{
	const struct etcd_listing *l = &t->r.listing;
	const struct etcd_event *v = &t->r.event;

	if (r->outcome != t->r.outcome)
		return false;
	if (r->outcome != ETCD_OK)
		return true;
	if (kind != ETCD_KIND_LISTING)
		return v->action == r->event.action &&
		    v->has_prev == r->event.has_prev &&
		    by_tree_same_node(&v->node, &r->event.node) &&
		    by_tree_same_node(&v->prev, &r->event.prev);
	if (l->n != r->listing.n || l->bad != r->listing.bad)
		return false;
	for (size_t i = 0; i < l->n; i++)
		if (!by_tree_same_node(&l->v[i], &r->listing.v[i]))
			return false;
	return true;
}

#endif
