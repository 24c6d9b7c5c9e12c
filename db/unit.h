#ifndef DB_UNIT_H
#define DB_UNIT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "db/op.h"
#include "db/room.h"

struct buf;
struct table;

/* What one flush of the loop changed, as rows to be written.  Everything is
 * copied, so the thread that writes it never looks at what the loop owns. */
struct unit {
	TAILQ_ENTRY(unit) link;
	uint64_t number;	/* of the last flush in it */
	size_t nops;
	TAILQ_HEAD(op_list, op) ops;
	struct op *watching;	/* those of SQL_WATCHING, for unit_watching() */
	struct room room;	/* what the ops lie in */
	struct table *index;	/* row -> op; only of a unit that collapses */
};

TAILQ_HEAD(units, unit);

struct unit *unit_new(void);
void unit_free(struct unit *u);		/* NULL is a no-op */
size_t unit_bytes(const struct unit *u);	/* all that it occupies */

/* Adds a copy. */
void unit_add(struct unit *u, enum statement_id id, const struct value *v,
    size_t n);

#define UNIT_ADD(u, id, ...) \
	unit_add(u, id, (const struct value[]){ __VA_ARGS__ }, \
	    sizeof((const struct value[]){ __VA_ARGS__ }) / \
	    sizeof(struct value))

/* Adds a row of `watching`, or moves the one that is there already on. */
void unit_watching(struct unit *u, const struct value v[6]);

/* Takes all statistics out; returns how many rows they were. */
size_t unit_drop_statistics(struct unit *u);

/* Moves everything from the later unit into the earlier one and frees it.
 * Rows that both write are written once, and a stay that begins in the one
 * and ends in the other is not written at all: the row before it ends at the
 * first change, the last state begins at the last one.  Returns the number of
 * stays left out.  `into` keeps an index from then on. */
size_t unit_merge(struct unit *into, struct unit *later);

#endif
