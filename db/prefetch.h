#ifndef DB_PREFETCH_H
#define DB_PREFETCH_H

#include <stddef.h>
#include <stdint.h>

struct err;

/* Reading the table `stays` ahead, on a thread and a connection of its own, so
 * that sqlite decodes rows on one core while the other makes sense of them. */
struct prefetch;

/* A row as it is read; more of a stay is known by stays_get(). */
struct prefetch_row {
	int64_t id, instance, from;
	int64_t what;
};

/* The rows first..last of the database at that path.  NULL with e. */
struct prefetch *prefetch_start(const char *path, int64_t first, int64_t last,
    struct err *e);

/* The next rows, in order, *n_r of them, until the next call or prefetch_end().
 * 1, 0 at the end, -1 with e. */
int prefetch_next(struct prefetch *a, const struct prefetch_row **rows_r, size_t *n_r,
    struct err *e);

/* Stops reading, if it still does, and frees. */
void prefetch_end(struct prefetch *a);

#endif
