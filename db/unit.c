/* Units of change: lists of rows to be written, filled by the loop
 * (record.c), kept in queue.c and written by writer.c.  Nothing here knows a
 * file or a thread.
 *
 * The rows of a unit lie in chunks of its own and go with it.  Allocated one
 * by one among all that is kept, the rows of a large listing would leave as
 * many holes behind.  A BIG chunk is mapped for itself: of it only what is
 * used takes memory, and that goes back to the system at once. */
#include "db/unit.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/table.h"
#include "core/xalloc.h"

enum { MAX_ROW_NAME = 1 << 20, FIRST_CHUNK = 4 << 10, BIG = 128 << 10 };

struct chunk {
	struct chunk *before;
	size_t size, used;
	_Alignas(struct op) char bytes[];
};

struct unit *unit_new(void)
{
	struct unit *u = xcalloc(1, sizeof(*u));

	TAILQ_INIT(&u->ops);
	u->bytes = sizeof(*u);
	return u;
}

/* Of a unit with an index; other ops go with their chunk. */
static void op_free(struct unit *u, struct op *op)
{
	u->bytes -= op->bytes;
	if (op->row != NULL)
		u->bytes -= strlen(op->row) + 1;
	free(op->row);
	free(op);
}

static void free_chunks(struct chunk *c)
{
	struct chunk *before;

	for (; c != NULL; c = before) {
		before = c->before;
		free(c);
	}
}

void unit_free(struct unit *u)
{
	struct op *op;

	if (u == NULL)
		return;
	while (u->index != NULL && (op = TAILQ_FIRST(&u->ops)) != NULL) {
		TAILQ_REMOVE(&u->ops, op, link);
		op_free(u, op);
	}
	table_free(u->index);
	free_chunks(u->chunks);
	free(u);
}

static void add_chunk(struct unit *u, size_t bytes)
{
	size_t size = u->chunks != NULL ? BIG : FIRST_CHUNK;
	struct chunk *c;

	if (size < bytes)
		size = bytes;
	c = xmalloc(sizeof(*c) + size);
	c->before = u->chunks;
	c->size = size;
	c->used = 0;
	u->chunks = c;
	u->bytes += sizeof(*c);
}

static void *room_for(struct unit *u, size_t bytes)
{
	const size_t align = _Alignof(struct op);
	size_t room = (bytes + align - 1) / align * align;
	void *p;

	u->bytes += u->index != NULL ? bytes : room;
	if (u->index != NULL)
		return xmalloc(bytes);
	if (u->chunks == NULL || u->chunks->size - u->chunks->used < room)
		add_chunk(u, room);
	p = u->chunks->bytes + u->chunks->used;
	u->chunks->used += room;
	return p;
}

static size_t text_bytes(const struct value *v)
{
	return v->type == VALUE_TEXT ? strlen(v->s) + 1 : 0;
}

/* One piece: the op, its values, their texts. */
static struct op *op_new(struct unit *u, enum statement_id id,
    const struct value *v, size_t n)
{
	size_t bytes = sizeof(struct op) + n * sizeof(*v);
	char *text;
	struct op *op;

	for (size_t i = 0; i < n; i++)
		bytes += text_bytes(&v[i]);
	op = room_for(u, bytes);
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
	u->nops++;
}

/* Leaves the unit without ops; they live until the chunks are freed. */
static struct chunk *take_all(struct unit *u, struct op_list *ops)
{
	struct chunk *chunks = u->chunks;

	assert(u->index == NULL);
	TAILQ_INIT(ops);
	TAILQ_CONCAT(ops, &u->ops, link);
	u->chunks = NULL;
	u->bytes = sizeof(*u);
	u->nops = 0;
	u->watching = u->service = NULL;
	return chunks;
}

void unit_add(struct unit *u, enum statement_id id, const struct value *v,
    size_t n)
{
	append(u, op_new(u, id, v, n));
	if (id == SQL_SERVICE_GONE)
		u->service = NULL;
}

static bool same_service(const struct op *op, const struct value v[6])
{
	return strcmp(op->v[0].s, v[0].s) == 0 &&
	    strcmp(op->v[1].s, v[1].s) == 0;
}

void unit_service(struct unit *u, const struct value v[6])
{
	if (u->service != NULL && same_service(u->service, v)) {
		memcpy(u->service->v + 2, v + 2, 4 * sizeof(*v));
		return;
	}
	u->service = op_new(u, SQL_SERVICE, v, 6);
	append(u, u->service);
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
	op = op_new(u, SQL_WATCHING, v, 6);
	op->next_watching = u->watching;
	u->watching = op;
	append(u, op);
}

static struct op *copy(struct unit *u, const struct op *op)
{
	return op_new(u, op->id, op->v, op->n);
}

/* What stays moves together, or nothing would be gained. */
size_t unit_drop_statistics(struct unit *u)
{
	struct op_list ops;
	struct chunk *chunks = take_all(u, &ops);
	const struct op *op;
	size_t dropped = 0;

	TAILQ_FOREACH(op, &ops, link) {
		if (statements[op->id].statistics)
			dropped++;
		else
			append(u, copy(u, op));
	}
	free_chunks(chunks);
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
	TAILQ_REMOVE(&u->ops, old, link);
	u->nops--;
	op_free(u, old);
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
	u->bytes += strlen(op->row) + 1;
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

/* The ops of a unit without an index, one by one into one that has one. */
static size_t move_all(struct unit *into, const struct op_list *from)
{
	const struct op *op;
	size_t left_out = 0;

	TAILQ_FOREACH(op, from, link)
		left_out += add_indexed(into, copy(into, op));
	return left_out;
}

/* From here on what is written twice is left out. */
static size_t begin_index(struct unit *u)
{
	struct op_list ops;
	struct chunk *chunks = take_all(u, &ops);
	size_t left_out;

	u->index = table_new(NULL);
	left_out = move_all(u, &ops);
	free_chunks(chunks);
	return left_out;
}

size_t unit_merge(struct unit *into, struct unit *later)
{
	size_t left_out = 0;

	assert(into != later && later->index == NULL);
	if (into->index == NULL)
		left_out += begin_index(into);
	left_out += move_all(into, &later->ops);
	into->number = later->number;
	unit_free(later);
	return left_out;
}
