#ifndef DB_OP_H
#define DB_OP_H

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "db/statements.h"

enum value_type { VALUE_NULL, VALUE_INT, VALUE_TEXT };

struct value {
	enum value_type type;
	union {
		int64_t i;
		const char *s;
	};
};

/* Arguments of UNIT_ADD(), in unit.h. */
static inline struct value v_int(int64_t x)
{
	return (struct value){ .type = VALUE_INT, .i = x };
}

static inline struct value v_some(int64_t x)	/* 0: NULL */
{
	return (struct value){ .type = x ? VALUE_INT : VALUE_NULL, .i = x };
}

static inline struct value v_text(const char *s)	/* NULL: NULL */
{
	return (struct value){ .type = s ? VALUE_TEXT : VALUE_NULL, .s = s };
}

enum { OP_MAX_VALUES = 64 };

/* A statement and the values to bind, packed: when a large directory is listed
 * for the first time, a million of them may wait to be written. */
struct op {
	TAILQ_ENTRY(op) link;
	union {			/* unit.c alone */
		char *row;
		struct op *next_watching;
	};
	uint32_t bytes;		/* with the values */
	uint16_t id, n;
	unsigned char packed[];
};

/* How large an op with these values is. */
size_t op_size(const struct value *v, size_t n);

/* Fills in one of that size: id, n, bytes and a copy of the values. */
void op_set(struct op *op, enum statement_id id, const struct value *v,
    size_t n);

/* The op->n values.  Their texts are the op's. */
void op_values(const struct op *op, struct value v_r[OP_MAX_VALUES]);

#endif
