#ifndef EXPORTER_PIECES_H
#define EXPORTER_PIECES_H

#include "exporter/segments.h"

struct buf;

/* An answer in pieces: text that is written for it alone, and the lines that
 * segments.h keeps, which are not copied. */
struct pieces;

/* c is borrowed until it is freed. */
struct pieces *pieces_new(struct segments *c, enum encoding e);
void pieces_free(struct pieces *p);		/* NULL is a no-op */

/* Where the next text goes.  Valid until the next call with p. */
struct buf *pieces_text(struct pieces *p);

/* The lines of a metric taken from blocks.  Nothing is taken over yet: there
 * may have to be a text before them.  NULL: there are none. */
struct run *pieces_find(struct pieces *p, const struct snapshot *s,
    enum metric_id id);
/* Adds them; takes the reference. */
void pieces_add(struct pieces *p, struct run *r);

/* Adds a text that is always the same for `which` (segments_head()). */
void pieces_add_head(struct pieces *p, size_t which, const struct buf *text);

/* Ends it.  false: too long.  From here on the pieces can be asked for, at
 * most PIECES_MAX. */
bool pieces_end(struct pieces *p);

enum { PIECES_MAX = 900 };

size_t pieces_count(const struct pieces *p);
const char *pieces_get(const struct pieces *p, size_t i, size_t *n_r);

#endif
