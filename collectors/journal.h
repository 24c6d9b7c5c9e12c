#ifndef COLLECTORS_JOURNAL_H
#define COLLECTORS_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "etcd/result.h"

/* Nodes of a listing, kept until it is known what the listing is worth, in as
 * few bytes as may be: each is told by what differs from the one before it,
 * which for the keys and addresses of one directory is some 30 to 50 bytes.
 * Written to its end, then read once, from its beginning. */
struct journal;

struct journal *journal_new(void);
void journal_free(struct journal *j);		/* NULL is a no-op */

/* Without its value, if that is known from elsewhere. */
void journal_add(struct journal *j, const struct etcd_node *n, bool value);

/* The next one: false behind the last.  Its strings live until the next call;
 * value is NULL if none was kept.  What was read is freed on the way. */
bool journal_next(struct journal *j, struct etcd_node *n_r);

size_t journal_bytes(const struct journal *j);	/* of memory, now */

#endif
