/* Answers of the keys API: a node, an event, a listing flattened with a stack
 * of its own, never by recursion.  Called by etcd/decode.c.
 *
 * An event is taken whole or not at all.  In a listing a node that makes no
 * sense is counted and left out, its neighbours and children are kept. */
#include "etcd/decode_impl.h"

#include <string.h>

#include "core/json.h"
#include "core/xalloc.h"
#include "etcd/field.h"

static int read_expiration(const cJSON *o, struct etcd_node *n,
    struct err *e)
{
	n->has_expiration = field_has(o, "expiration");
	if (!n->has_expiration)
		return 0;
	return field_time(o, "expiration", &n->expiration, e);
}

/* Every node but the root has a key and both indexes. */
static int read_node(const cJSON *o, struct etcd_node *n, struct err *e)
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
	    read_expiration(o, n, e) < 0 ||
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
} actions[] = {
	{ "get", ETCD_GET },
	{ "set", ETCD_SET },
	{ "create", ETCD_CREATE },
	{ "update", ETCD_UPDATE },
	{ "delete", ETCD_DELETE },
	{ "compareAndSwap", ETCD_COMPARE_AND_SWAP },
	{ "compareAndDelete", ETCD_COMPARE_AND_DELETE },
	{ "expire", ETCD_EXPIRE },
};

static int read_action(const cJSON *root, enum etcd_action *action_r,
    struct err *e)
{
	const char *name;
	size_t i;

	if (field_str(root, "action", &name, e) < 0)
		return -1;
	for (i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (strcmp(actions[i].name, name) == 0) {
			*action_r = actions[i].action;
			return 0;
		}
	return err_set(e, "unknown action \"%.40s\"", name);
}

static int read_event(const cJSON *root, struct etcd_event *v, struct err *e)
{
	const cJSON *node;

	if (read_action(root, &v->action, e) < 0 ||
	    field_object(root, "node", &node, e) < 0 ||
	    read_node(node, &v->node, e) < 0)
		return -1;
	v->has_prev = field_has(root, "prevNode");
	if (!v->has_prev)
		return 0;
	if (field_object(root, "prevNode", &node, e) < 0)
		return -1;
	if (read_node(node, &v->prev, e) < 0)
		return err_prefix(e, "prevNode");
	return 0;
}

static const struct etcd_event nothing = {
	.node = { .key = "", .value = "" },
	.prev = { .key = "", .value = "" },
};

int decode_event(const cJSON *root, const char *base,
    struct etcd_decoded *d, struct etcd_result *r, struct err *e)
{
	(void)base;
	(void)d;
	r->event = nothing;
	return read_event(root, &r->event, e);
}

/* The root comes without a key and without indexes. */
static int read_root(const cJSON *root, struct etcd_event *v, struct err *e)
{
	const cJSON *node;

	v->node.key = "/";
	if (read_action(root, &v->action, e) < 0 ||
	    field_object(root, "node", &node, e) < 0)
		return -1;
	return field_opt_bool(node, "dir", &v->node.dir, e);
}

/* With noValueOnSuccess there is nothing but the action. */
int decode_key(const cJSON *root, const char *base,
    struct etcd_decoded *d, struct etcd_result *r, struct err *e)
{
	(void)d;
	r->event = nothing;
	if (!field_has(root, "node"))
		return read_action(root, &r->event.action, e);
	if (base[0] == '\0' && !field_has(cJSON_GetObjectItemCaseSensitive(
	    root, "node"), "key"))
		return read_root(root, &r->event, e);
	return read_event(root, &r->event, e);
}

/* --- listings --- */

struct walk {
	struct etcd_listing *list;
	const char *base;
	size_t base_len, cap;
	/* Next node to look at on each level: json_parse() allows no more. */
	const cJSON *stack[JSON_MAX_DEPTH];
	size_t depth;
};

static void count_bad(struct walk *w, const struct err *why)
{
	if (w->list->bad++ == 0)
		decode_text(w->list->first_bad,
		    sizeof(w->list->first_bad), why->text);
}

static bool is_below(const struct walk *w, const char *key)
{
	return strncmp(key, w->base, w->base_len) == 0 &&
	    key[w->base_len] == '/' && key[w->base_len + 1];
}

static void add_node(struct walk *w, const cJSON *o)
{
	struct etcd_listing *l = w->list;
	struct err why;

	if (l->n == w->cap) {
		w->cap = w->cap ? w->cap * 2 : 64;
		l->v = xreallocarray(l->v, w->cap, sizeof(*l->v));
	}
	if (read_node(o, &l->v[l->n], &why) < 0) {
		count_bad(w, &why);
	} else if (!is_below(w, l->v[l->n].key)) {
		err_set(&why, "key %.60s is not below %.40s", l->v[l->n].key,
		    *w->base ? w->base : "/");
		count_bad(w, &why);
	} else {
		l->n++;
	}
}

/* Children of a node, to be looked at before its next sibling. */
static void push_children(struct walk *w, const cJSON *o)
{
	const cJSON *nodes = NULL;
	struct err why;

	if (field_opt_array(o, "nodes", &nodes, &why) < 0) {
		count_bad(w, &why);
		return;
	}
	if (!nodes || !nodes->child)
		return;
	if (w->depth == JSON_MAX_DEPTH) {
		err_set(&why, "directories nested too deeply");
		count_bad(w, &why);
		return;
	}
	w->stack[w->depth++] = nodes->child;
}

static void walk_nodes(struct walk *w, const cJSON *top)
{
	const cJSON *o;

	push_children(w, top);
	while (w->depth > 0) {
		o = w->stack[w->depth - 1];
		if (!o) {
			w->depth--;
			continue;
		}
		w->stack[w->depth - 1] = o->next;
		add_node(w, o);
		push_children(w, o);
	}
}

/* The directory asked for, and nothing else: the root comes without a key. */
static int check_top(const cJSON *top, const char *base, struct err *e)
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

int decode_listing(const cJSON *root, const char *base,
    struct etcd_decoded *d, struct etcd_result *r, struct err *e)
{
	struct walk w = { .list = &r->listing, .base = base,
	    .base_len = strlen(base) };
	enum etcd_action action;
	const cJSON *top;

	if (read_action(root, &action, e) < 0)
		return -1;
	if (action != ETCD_GET)
		return err_set(e, "the action is not get");
	if (field_object(root, "node", &top, e) < 0 ||
	    check_top(top, base, e) < 0)
		return -1;
	walk_nodes(&w, top);
	d->nodes = r->listing.v;
	return 0;
}
