/* From the tokens of an answer about keys to its objects: action, node,
 * prevNode, in any order, and the nodes in nodes with a stack of its own, never
 * by recursion.  Members that nobody needs are passed over.  What the objects
 * mean is etcd/raw.c's business.  Used by
 * etcd/decode_keys.c and etcd/decode_listing.c. */
#include "etcd/reader.h"

#include <stdlib.h>
#include <string.h>

#include "core/xalloc.h"

static const struct {
	const char *name;
	uint8_t len, field;
} names[] = {
#define NAME(text, field) { text, sizeof(text) - 1, field }
	NAME("key", FIELD_KEY), NAME("value", FIELD_VALUE),
	NAME("expiration", FIELD_EXPIRATION), NAME("ttl", FIELD_TTL),
	NAME("modifiedIndex", FIELD_MODIFIED),
	NAME("createdIndex", FIELD_CREATED), NAME("dir", FIELD_DIR),
	NAME("nodes", FIELD_NODES), NAME("action", FIELD_ACTION),
	NAME("node", FIELD_NODE), NAME("prevNode", FIELD_PREV),
#undef NAME
};

void reader_init(struct reader *r)
{
	memset(&r->top, 0, sizeof(r->top));
	memset(&r->node, 0, sizeof(r->node));
	memset(&r->prev, 0, sizeof(r->prev));
	r->is_object = false;
	r->open = r->few;
	r->n = 0;
	r->cap = sizeof(r->few) / sizeof(r->few[0]);
	r->on_nodes = r->on_node = NULL;
	r->on_other = NULL;
}

void reader_free(struct reader *r)
{
	if (r->open != r->few)
		free(r->open);
	scan_free(&r->scan);
}

static struct open_node *innermost(struct reader *r)
{
	return r->n > 0 ? &r->open[r->n - 1] : NULL;
}

static void grow(struct reader *r)
{
	bool first = r->open == r->few;

	r->cap *= 2;
	r->open = xreallocarray(first ? NULL : r->open, r->cap,
	    sizeof(*r->open));
	if (first)
		memcpy(r->open, r->few, sizeof(r->few));
}

static void push(struct reader *r)
{
	struct open_node *o;

	if (r->n == r->cap)
		grow(r);
	o = &r->open[r->n++];
	memset(&o->o, 0, sizeof(o->o));
	o->depth = r->scan.depth;
	o->in_nodes = false;
	o->kept = r->scan.used;
	o->slot = 0;
}

/* The object is whole. */
static void pop(struct reader *r)
{
	struct open_node *o = innermost(r), *above = o - 1;

	if (r->n == 1) {
		r->top = o->o;
		r->is_object = true;
	} else if (r->n == 2) {
		if (above->o.field == FIELD_NODE)
			r->node = o->o;
		else
			r->prev = o->o;
	} else {
		r->on_node(r, o);
		scan_forget(&r->scan, o->kept);
	}
	r->n--;
}

static void take_name(struct reader *r, struct raw *o)
{
	const char *name = r->scan.buf + r->scan.start;

	o->field = FIELD_OTHER;
	for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++)
		if (names[k].len == r->scan.len &&
		    memcmp(names[k].name, name, r->scan.len) == 0) {
			if (o->is[names[k].field] == SCAN_NOTHING)
				o->field = names[k].field;
			return;
		}
}

static void take_string(struct reader *r, struct raw *o)
{
	if (o->field == FIELD_KEY)
		o->key_has_nul = r->scan.has_nul;
	if (o->field == FIELD_VALUE)
		o->value_has_nul = r->scan.has_nul;
	o->v[o->field].text = r->scan.start;
	scan_keep(&r->scan);
}

static void take_value(struct reader *r, struct raw *o, enum scan_token t)
{
	if (o->field == FIELD_OTHER)
		return;
	o->is[o->field] = (uint8_t)t;
	if (t == SCAN_STRING)
		take_string(r, o);
	else if (t == SCAN_NUMBER)
		o->v[o->field].number = scan_double(&r->scan);
}

/* The object that just began, as a member of o, is one of ours. */
static bool is_ours(const struct reader *r, const struct open_node *o)
{
	return r->n == 1 && (o->o.field == FIELD_NODE ||
	    (o->o.field == FIELD_PREV && r->on_node == NULL));
}

static void begin_object(struct reader *r, struct open_node *o)
{
	bool ours;

	if (o == NULL) {
		if (r->scan.depth == 1)
			push(r);
		return;
	}
	if (o->in_nodes) {
		if (r->scan.depth == o->depth + 2)
			push(r);
		return;
	}
	if (r->scan.depth != o->depth + 1)
		return;
	ours = is_ours(r, o);
	take_value(r, &o->o, SCAN_OBJECT);
	if (ours)
		push(r);
}

static void begin_array(struct reader *r, struct open_node *o)
{
	if (o == NULL)
		return;
	if (o->in_nodes) {
		if (r->scan.depth == o->depth + 2)
			r->on_other(r);
		return;
	}
	if (r->scan.depth != o->depth + 1)
		return;
	take_value(r, &o->o, SCAN_ARRAY);
	if (o->o.field != FIELD_NODES || r->on_node == NULL || r->n < 2)
		return;
	o->in_nodes = true;
	if (r->n > 2)
		r->on_nodes(r, o);
}

static void close_one(struct reader *r, struct open_node *o)
{
	if (o == NULL)
		return;
	if (r->scan.depth + 1 == o->depth)
		pop(r);
	else if (o->in_nodes && r->scan.depth == o->depth)
		o->in_nodes = false;
}

static void scalar(struct reader *r, struct open_node *o, enum scan_token t)
{
	if (o == NULL)
		return;
	if (!o->in_nodes && r->scan.depth == o->depth)
		take_value(r, &o->o, t);
	else if (o->in_nodes && r->scan.depth == o->depth + 1)
		r->on_other(r);
}

static void take(struct reader *r, struct open_node *o, enum scan_token t)
{
	switch (t) {
	case SCAN_OBJECT:
		begin_object(r, o);
		break;
	case SCAN_ARRAY:
		begin_array(r, o);
		break;
	case SCAN_CLOSE:
		close_one(r, o);
		break;
	case SCAN_NAME:
		if (o != NULL && r->scan.depth == o->depth)
			take_name(r, &o->o);
		break;
	default:
		scalar(r, o, t);
		break;
	}
}

enum scan_token reader_run(struct reader *r)
{
	enum scan_token t;

	while ((t = scan_next(&r->scan)) > SCAN_END)
		take(r, innermost(r), t);
	return t;
}
