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
	u->bytes = sizeof(*u);
	return u;
}

static void op_free(struct op *op)
{
	free(op->row);
	free(op);
}

void unit_free(struct unit *u)
{
	struct op *op;

	if (u == NULL)
		return;
	table_free(u->index);
	while ((op = TAILQ_FIRST(&u->ops)) != NULL) {
		TAILQ_REMOVE(&u->ops, op, link);
		op_free(op);
	}
	free(u);
}

static size_t text_bytes(const struct value *v)
{
	return v->type == VALUE_TEXT ? strlen(v->s) + 1 : 0;
}

/* One allocation: the op, its values, their texts. */
static struct op *op_new(enum statement_id id, const struct value *v,
    size_t n)
{
	size_t bytes = sizeof(struct op) + n * sizeof(*v);
	char *text;
	struct op *op;

	for (size_t i = 0; i < n; i++)
		bytes += text_bytes(&v[i]);
	op = xmalloc(bytes);
	*op = (struct op){ .id = id, .n = (unsigned)n, .bytes = bytes };
	memcpy(op->v, v, n * sizeof(*v));
	text = (char *)(op->v + n);
	for (size_t i = 0; i < n; i++) {
		size_t len = text_bytes(&v[i]);

		if (len == 0)
			continue;
		op->v[i].s = memcpy(text, v[i].s, len);
		text += len;
	}
	return op;
}

static void append(struct unit *u, struct op *op)
{
	TAILQ_INSERT_TAIL(&u->ops, op, link);
	u->bytes += op->bytes;
	u->nops++;
}

static void take_out(struct unit *u, struct op *op)
{
	TAILQ_REMOVE(&u->ops, op, link);
	u->bytes -= op->bytes;
	u->nops--;
}

void unit_add(struct unit *u, enum statement_id id, const struct value *v,
    size_t n)
{
	append(u, op_new(id, v, n));
}

void unit_watching(struct unit *u, const struct value v[6])
{
	struct op *op;

	for (op = u->watching; op != NULL; op = op->next_watching)
		if (op->v[0].i == v[0].i)
			break;
	if (op != NULL) {
		op->v[4] = v[4];
		op->v[5] = v[5];
		return;
	}
	op = op_new(SQL_WATCHING, v, 6);
	op->next_watching = u->watching;
	u->watching = op;
	append(u, op);
}

size_t unit_drop_statistics(struct unit *u)
{
	struct op *op, *next;
	size_t dropped = 0;

	for (op = TAILQ_FIRST(&u->ops); op != NULL; op = next) {
		next = TAILQ_NEXT(op, link);
		if (!statements[op->id].statistics)
			continue;
		take_out(u, op);
		op_free(op);
		dropped++;
	}
	return dropped;
}

/* The name of the row an op writes whole, or NULL if it adds one. */
static char *row_name(const struct op *op)
{
	const struct statement *s = &statements[op->id];
	struct buf b;

	if (s->table == NULL)
		return NULL;
	buf_init(&b, MAX_ROW_NAME);
	buf_adds(&b, s->table);
	for (unsigned i = 0; i < s->keys; i++) {
		buf_addc(&b, '\037');
		if (op->v[i].type == VALUE_TEXT)
			buf_adds(&b, op->v[i].s);
		else
			buf_addu(&b, (uint64_t)op->v[i].i);
	}
	return buf_take(&b, NULL);
}

static void forget(struct unit *u, struct op *old)
{
	take_out(u, old);
	u->bytes -= strlen(old->row) + 1;
	op_free(old);
}

/* Adds an op to a unit with an index.  True if a stay was left out. */
static bool add_indexed(struct unit *u, struct op *op)
{
	struct op *old;

	op->row = row_name(op);
	if (op->row == NULL) {
		append(u, op);
		return false;
	}
	if (op->id == SQL_PERIOD_END &&
	    (old = table_get(u->index, op->row)) != NULL) {
		table_del(u->index, op->row);
		forget(u, old);
		op_free(op);
		return true;
	}
	old = table_put(u->index, op->row, op);
	if (old != NULL)
		forget(u, old);
	append(u, op);
	u->bytes += strlen(op->row) + 1;
	return false;
}

static size_t move_all(struct unit *into, struct unit *from)
{
	struct op *op;
	size_t left_out = 0;

	while ((op = TAILQ_FIRST(&from->ops)) != NULL) {
		take_out(from, op);
		left_out += add_indexed(into, op);
	}
	from->watching = NULL;
	return left_out;
}

size_t unit_merge(struct unit *into, struct unit *later)
{
	size_t left_out = 0;

	assert(into != later && later->index == NULL);
	if (into->index == NULL) {
		struct unit *own = unit_new();

		TAILQ_CONCAT(&own->ops, &into->ops, link);
		own->nops = into->nops;
		own->bytes = into->bytes;
		into->nops = 0;
		into->bytes = sizeof(*into);
		into->watching = NULL;
		into->index = table_new(NULL);
		left_out += move_all(into, own);
		unit_free(own);
	}
	left_out += move_all(into, later);
	into->number = later->number;
	unit_free(later);
	return left_out;
}
