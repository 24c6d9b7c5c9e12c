/* Units of change: lists of rows to be written, filled by the loop
 * (record.c), kept in queue.c and written by writer.c.  Nothing here knows a
 * file or a thread. */
#include "db/unit.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/table.h"
#include "core/xalloc.h"

enum { MAX_ROW_NAME = 1 << 20 };

struct unit *unit_new(void)
{
	struct unit *u = xcalloc(1, sizeof(*u));

	TAILQ_INIT(&u->ops);
	return u;
}

void unit_free(struct unit *u)
{
	if (u == NULL)
		return;
	table_free(u->index);
	room_free(&u->room);
	free(u);
}

size_t unit_bytes(const struct unit *u)
{
	return sizeof(*u) + u->room.bytes;
}

static struct op *op_new(struct unit *u, enum statement_id id,
    const struct value *v, size_t n)
{
	struct op *op = room_take(&u->room, op_size(v, n));

	op_set(op, id, v, n);
	return op;
}

static void append(struct unit *u, struct op *op)
{
	TAILQ_INSERT_TAIL(&u->ops, op, link);
	u->nops++;
}

void unit_add(struct unit *u, enum statement_id id, const struct value *v,
    size_t n)
{
	append(u, op_new(u, id, v, n));
}

/* Puts another op in the place of one. */
static void replace(struct unit *u, struct op *old, struct op *op)
{
	TAILQ_INSERT_AFTER(&u->ops, old, op, link);
	TAILQ_REMOVE(&u->ops, old, link);
	room_give(&u->room, old, old->bytes);
}

static bool same_watching(const struct op *op, const struct value v[6])
{
	struct value old[OP_MAX_VALUES];

	op_values(op, old);
	return old[0].i == v[0].i;
}

void unit_watching(struct unit *u, const struct value v[6])
{
	struct op *op = op_new(u, SQL_WATCHING, v, 6), **at = &u->watching;

	while (*at != NULL && !same_watching(*at, v))
		at = &(*at)->next_watching;
	if (*at != NULL) {
		op->next_watching = (*at)->next_watching;
		replace(u, *at, op);
	} else {
		append(u, op);
	}
	*at = op;
}

static struct op *copy(struct unit *u, const struct op *op)
{
	struct op *own = room_take(&u->room, op->bytes);

	memcpy(own, op, op->bytes);
	own->row = NULL;
	return own;
}

/* What stays moves together, or nothing would be gained. */
size_t unit_drop_statistics(struct unit *u)
{
	struct room room = u->room;
	struct op *op, *last = TAILQ_LAST(&u->ops, op_list);
	size_t dropped = 0;

	assert(u->index == NULL);
	u->room = (struct room){ 0 };
	u->watching = NULL;
	while (last != NULL) {
		op = TAILQ_FIRST(&u->ops);
		TAILQ_REMOVE(&u->ops, op, link);
		u->nops--;
		if (statements[op->id].statistics)
			dropped++;
		else
			append(u, copy(u, op));
		if (op == last)
			break;
	}
	room_free(&room);
	return dropped;
}

/* The name of the row an op writes whole, or NULL if it adds one. */
static char *row_name(struct unit *u, const struct op *op)
{
	const struct statement *s = &statements[op->id];
	struct value v[OP_MAX_VALUES];
	struct buf b;
	char *name;

	if (s->table == NULL)
		return NULL;
	op_values(op, v);
	buf_init(&b, MAX_ROW_NAME);
	buf_adds(&b, s->table);
	for (unsigned i = 0; i < s->keys; i++) {
		buf_addc(&b, '\037');
		if (v[i].type == VALUE_TEXT)
			buf_adds(&b, v[i].s);
		else
			buf_addu(&b, (uint64_t)v[i].i);
	}
	name = room_take(&u->room, b.len + 1);
	memcpy(name, buf_str(&b), b.len + 1);
	buf_free(&b);
	return name;
}

static void op_free(struct unit *u, struct op *op)
{
	if (op->row != NULL)
		room_give(&u->room, op->row, strlen(op->row) + 1);
	room_give(&u->room, op, op->bytes);
}

static void forget(struct unit *u, struct op *old)
{
	TAILQ_REMOVE(&u->ops, old, link);
	u->nops--;
	op_free(u, old);
}

/* Adds an op to a unit with an index.  True if a stay was left out. */
static bool add_indexed(struct unit *u, struct op *op)
{
	struct op *old;

	op->row = row_name(u, op);
	if (op->row == NULL) {
		append(u, op);
		return false;
	}
	if (op->id == SQL_PERIOD_END &&
	    (old = table_get(u->index, op->row)) != NULL) {
		table_del(u->index, op->row);
		forget(u, old);
		op_free(u, op);
		return true;
	}
	old = table_put(u->index, op->row, op);
	if (old != NULL)
		forget(u, old);
	append(u, op);
	return false;
}

/* From here on what is written twice is left out. */
static size_t begin_index(struct unit *u)
{
	struct op_list ops = TAILQ_HEAD_INITIALIZER(ops);
	struct op *op;
	size_t left_out = 0;

	TAILQ_CONCAT(&ops, &u->ops, link);
	u->nops = 0;
	u->watching = NULL;
	u->index = table_new(NULL);
	while ((op = TAILQ_FIRST(&ops)) != NULL) {
		TAILQ_REMOVE(&ops, op, link);
		left_out += add_indexed(u, op);
	}
	return left_out;
}

size_t unit_merge(struct unit *into, struct unit *later)
{
	const struct op *op;
	size_t left_out = 0;

	assert(into != later && later->index == NULL);
	if (into->index == NULL)
		left_out += begin_index(into);
	TAILQ_FOREACH(op, &later->ops, link)
		left_out += add_indexed(into, copy(into, op));
	into->number = later->number;
	unit_free(later);
	return left_out;
}
