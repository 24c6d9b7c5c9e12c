#ifndef CORE_TABLE_H
#define CORE_TABLE_H

#include <stdbool.h>
#include <stddef.h>

/* A hash table from strings to pointers.  Keys are borrowed: they usually are
 * a string inside the value, and must live and stay the same while the entry
 * is there.  Not thread-safe.  The hash is seeded per process, so keys chosen
 * by an outsider cannot be made to collide. */
struct table;

/* free_value (may be NULL) is called by table_free() for each value left. */
struct table *table_new(void (*free_value)(void *));
void table_free(struct table *t);		/* NULL is a no-op */

void *table_get(const struct table *t, const char *key);	/* or NULL */

/* Sets key to value (never NULL).  Returns the value it replaced, whose
 * ownership passes to the caller, or NULL.  The new key pointer is kept. */
void *table_put(struct table *t, const char *key, void *value);

/* Takes the entry out and returns its value, or NULL if there was none. */
void *table_del(struct table *t, const char *key);

size_t table_count(const struct table *t);

/* Walks all entries in no particular order: *cursor starts at 0; true while
 * *key_r (may be NULL) and *value_r were set.  The entry just returned may be
 * deleted during the walk; nothing may be added. */
bool table_next(const struct table *t, size_t *cursor, const char **key_r,
    void **value_r);

/* For a walk with pauses, during which others add entries: it must begin again
 * when entries were moved, which only table_put() and table_settle() do and
 * this counts; else it misses at most what was added meanwhile.  table_settle()
 * moves those among the next n slots that are due to be; true: none is any
 * more.  Call it until then before such a walk. */
unsigned table_moves(const struct table *t);
bool table_settle(struct table *t, size_t n);

#endif
