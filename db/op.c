/* Values of a statement, packed: a byte for the type, then the bytes of a text
 * with its NUL, or as many of an integer as it has, the lowest first.  Called
 * by unit.c, which keeps ops, and commit.c, which runs them. */
#include "db/op.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

enum { PACKED_NULL, PACKED_TEXT, PACKED_INT };	/* + how many bytes: 0..8 */

/* What is negative is so in its highest byte. */
static size_t int_bytes(int64_t v)
{
	size_t n = 0;

	while (n < 8 && (n == 0 ? v != 0 : v >> (8 * n - 1) != 0 &&
	    v >> (8 * n - 1) != -1))
		n++;
	return n;
}

static size_t value_size(const struct value *v)
{
	switch (v->type) {
	case VALUE_INT:
		return 1 + int_bytes(v->i);
	case VALUE_TEXT:
		return 1 + strlen(v->s) + 1;
	default:
		return 1;
	}
}

size_t op_size(const struct value *v, size_t n)
{
	size_t bytes = sizeof(struct op);

	for (size_t i = 0; i < n; i++)
		bytes += value_size(&v[i]);
	return bytes;
}

static unsigned char *pack_int(unsigned char *to, int64_t v)
{
	size_t n = int_bytes(v);

	*to++ = (unsigned char)(PACKED_INT + n);
	for (size_t i = 0; i < n; i++)
		*to++ = (unsigned char)((uint64_t)v >> (8 * i));
	return to;
}

static unsigned char *pack(unsigned char *to, const struct value *v)
{
	size_t n;

	switch (v->type) {
	case VALUE_INT:
		return pack_int(to, v->i);
	case VALUE_TEXT:
		n = strlen(v->s) + 1;
		*to = PACKED_TEXT;
		memcpy(to + 1, v->s, n);
		return to + 1 + n;
	default:
		*to = PACKED_NULL;
		return to + 1;
	}
}

void op_set(struct op *op, enum statement_id id, const struct value *v,
    size_t n)
{
	unsigned char *to = op->packed;

	assert(n <= OP_MAX_VALUES);
	for (size_t i = 0; i < n; i++)
		to = pack(to, &v[i]);
	op->row = NULL;
	op->bytes = (uint32_t)(to - (unsigned char *)op);
	op->id = (uint16_t)id;
	op->n = (uint16_t)n;
}

static int64_t unpack_int(const unsigned char *from, size_t n)
{
	bool negative = n > 0 && from[n - 1] >= 0x80;
	uint64_t v = negative ? UINT64_MAX : 0;

	while (n-- > 0)
		v = v << 8 | from[n];
	return (int64_t)v;
}

static const unsigned char *unpack(const unsigned char *from,
    struct value *v_r)
{
	unsigned char type = *from++;
	size_t n;

	if (type == PACKED_NULL) {
		*v_r = v_text(NULL);
		return from;
	}
	if (type == PACKED_TEXT) {
		*v_r = v_text((const char *)from);
		return from + strlen((const char *)from) + 1;
	}
	n = type - PACKED_INT;
	*v_r = v_int(unpack_int(from, n));
	return from + n;
}

void op_values(const struct op *op, struct value v_r[OP_MAX_VALUES])
{
	const unsigned char *from = op->packed;

	for (unsigned i = 0; i < op->n; i++)
		from = unpack(from, &v_r[i]);
}
