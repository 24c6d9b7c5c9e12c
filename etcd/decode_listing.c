/* A listing, from the pieces of its body: each node is told as soon as it is
 * whole, or all are kept in etcd's order.  A node that makes no sense is
 * counted and left out, its neighbours and children are not.  What the whole
 * is worth is only known at its end.  Called by etcd/decode.c, etcd/call.c. */
#include "etcd/decode_impl.h"

#include <stdlib.h>
#include <string.h>

#include "core/xalloc.h"
#include "etcd/reader.h"

enum { BLOCK = 128 * 1024 };

/* Strings that are kept. */
struct etcd_block {
	struct etcd_block *next;
	size_t used, size;
	char text[];
};

struct etcd_arriving {
	struct reader reader;
	char *base;
	size_t base_len;
	etcd_on_node *fn;		/* NULL: keep them */
	void *arg;
	bool any;			/* a byte has come */
	struct etcd_listing list;
	size_t cap;
	struct etcd_block *blocks;
};

/* --- what makes no sense --- */

static void count_bad(struct etcd_arriving *a, const struct err *why)
{
	if (a->list.bad++ == 0)
		decode_text(a->list.first_bad, sizeof(a->list.first_bad),
		    why->text);
}

static void on_other(struct reader *r)
{
	struct err why;

	err_set(&why, "a node is not an object");
	count_bad(r->arg, &why);
}

static void check_nodes(struct etcd_arriving *a, const struct raw *o)
{
	struct err why;

	if (!raw_has(o, FIELD_NODES) || o->is[FIELD_NODES] == SCAN_ARRAY)
		return;
	err_set(&why, "\"nodes\" is not an array");
	count_bad(a, &why);
}

static bool is_below(const struct etcd_arriving *a, const char *key)
{
	return strncmp(key, a->base, a->base_len) == 0 &&
	    key[a->base_len] == '/' && key[a->base_len + 1];
}

static bool makes_sense(struct etcd_arriving *a, const struct raw *o,
    struct etcd_node *n)
{
	struct err why;

	if (raw_node(o, a->reader.scan.buf, n, &why) < 0) {
		count_bad(a, &why);
		return false;
	}
	if (is_below(a, n->key))
		return true;
	err_set(&why, "key %.60s is not below %.40s", n->key,
	    *a->base ? a->base : "/");
	count_bad(a, &why);
	return false;
}

/* --- keeping them --- */

static const char *keep_text(struct etcd_arriving *a, const char *text)
{
	size_t n = strlen(text) + 1, size = n > BLOCK ? n : BLOCK;
	struct etcd_block *b = a->blocks;
	char *to;

	if (n == 1)
		return "";
	if (b == NULL || b->size - b->used < n) {
		b = xmalloc(sizeof(*b) + size);
		*b = (struct etcd_block){ .next = a->blocks, .size = size };
		a->blocks = b;
	}
	to = b->text + b->used;
	memcpy(to, text, n);
	b->used += n;
	return to;
}

static struct etcd_node *new_node(struct etcd_arriving *a)
{
	struct etcd_listing *l = &a->list;

	if (l->n == a->cap) {
		a->cap = a->cap ? a->cap * 2 : 64;
		l->v = xreallocarray(l->v, a->cap, sizeof(*l->v));
	}
	return &l->v[l->n++];
}

/* A directory comes before what is in it: its place is kept until it is
 * whole. */
static void on_nodes(struct reader *r, struct open_node *o)
{
	struct etcd_arriving *a = r->arg;

	if (a->fn != NULL)
		return;
	new_node(a)->key = NULL;
	o->slot = a->list.n;
}

static void keep_node(struct etcd_arriving *a, const struct open_node *o,
    const struct etcd_node *n)
{
	struct etcd_node *own = o->slot ? &a->list.v[o->slot - 1] :
	    new_node(a);

	*own = *n;
	own->key = keep_text(a, n->key);
	own->value = keep_text(a, n->value);
}

static void on_node(struct reader *r, struct open_node *o)
{
	struct etcd_arriving *a = r->arg;
	struct etcd_node n;

	if (makes_sense(a, &o->o, &n)) {
		if (a->fn != NULL)
			a->fn(&n, a->arg);
		else
			keep_node(a, o, &n);
	}
	check_nodes(a, &o->o);
}

/* The places of directories that made no sense. */
static void close_gaps(struct etcd_listing *l)
{
	size_t n = 0;

	for (size_t k = 0; k < l->n; k++)
		if (l->v[k].key != NULL)
			l->v[n++] = l->v[k];
	l->n = n;
}

/* --- from its beginning to its end --- */

struct etcd_arriving *etcd_arriving_new(const char *base, etcd_on_node *fn,
    void *arg)
{
	struct etcd_arriving *a = xcalloc(1, sizeof(*a));

	a->base = xstrdup(base && strcmp(base, "/") != 0 ? base : "");
	a->base_len = strlen(a->base);
	a->fn = fn;
	a->arg = arg;
	scan_init(&a->reader.scan);
	reader_init(&a->reader);
	a->reader.on_nodes = on_nodes;
	a->reader.on_node = on_node;
	a->reader.on_other = on_other;
	a->reader.arg = a;
	return a;
}

void etcd_arriving_feed(struct etcd_arriving *a, const char *bytes, size_t n)
{
	a->any = a->any || n > 0;
	scan_feed(&a->reader.scan, bytes, n);
	reader_run(&a->reader);
}

void etcd_arriving_free(struct etcd_arriving *a)
{
	if (!a)
		return;
	reader_free(&a->reader);
	decode_free_blocks(a->blocks);
	free(a->list.v);
	free(a->base);
	free(a);
}

/* The directory asked for, and nothing else: the root comes without a key. */
static int check_top(struct etcd_arriving *a, struct err *e)
{
	const struct raw *top = &a->reader.node;
	const char *key;
	bool dir;

	if (raw_opt_str(top, FIELD_KEY, a->reader.scan.buf, &key, e) < 0 ||
	    raw_opt_bool(top, FIELD_DIR, &dir, e) < 0)
		return -1;
	if (strcmp(strcmp(key, "/") == 0 ? "" : key, a->base) != 0)
		return err_set(e, "the answer is about \"%.100s\"", key);
	if (!dir)
		return err_set(e, "%.100s is a key, not a directory",
		    a->base);
	check_nodes(a, top);
	return 0;
}

static int check_answer(struct etcd_arriving *a, struct err *e)
{
	const struct reader *r = &a->reader;
	enum etcd_action action;

	if (!r->is_object)
		return err_set(e, "the answer is not a JSON object");
	if (raw_action(&r->top, r->scan.buf, &action, e) < 0)
		return -1;
	if (action != ETCD_GET)
		return err_set(e, "the action is not get");
	if (raw_object(&r->top, FIELD_NODE, e) < 0)
		return -1;
	return check_top(a, e);
}

bool decode_arrived_any(const struct etcd_arriving *a)
{
	return a->any;
}

int decode_arrived(struct etcd_arriving *a, struct etcd_decoded *d,
    struct etcd_result *r, struct err *e)
{
	scan_finish(&a->reader.scan);
	if (reader_run(&a->reader) == SCAN_ERROR)
		return err_set(e, "%s", a->reader.scan.why.text);
	if (check_answer(a, e) < 0)
		return -1;
	close_gaps(&a->list);
	r->listing = a->list;
	d->nodes = a->list.v;
	d->blocks = a->blocks;
	a->list.v = NULL;
	a->blocks = NULL;
	return 0;
}

void decode_free_blocks(struct etcd_block *b)
{
	struct etcd_block *next;

	for (; b != NULL; b = next) {
		next = b->next;
		free(b);
	}
}
