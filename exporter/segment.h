#ifndef EXPORTER_SEGMENT_H
#define EXPORTER_SEGMENT_H

#include "core/buf.h"
#include "exporter/segments.h"

/* Which lines. */
struct family {
	enum metric_id id;
	enum encoding encoding;
	enum snap_part part;	/* of a block, on which they depend */
	const struct snap_set *set;
};

/* What makes segments, one thread at a time. */
struct maker {
	struct packer *packer;
	struct buf text;	/* what is being packed */
	struct buf bytes;	/* of the segment being made */
	_Atomic size_t room;	/* of all segments that are still there */
	struct segments_counts counts;
};

void maker_init(struct maker *mk);
void maker_free(struct maker *mk);		/* its segments are gone */

/* The lines of n blocks of the set from `first` on, made of what `old`, the
 * segment before, has of those that did not change, and of the others rendered
 * anew.  Takes the reference to old (or NULL), one reference to the result is
 * the caller's: it is old itself if nothing changed, or if the reference was
 * the only one. */
struct segment *segment_make(struct maker *mk, const struct family *f,
    size_t first, size_t n, struct segment *old);

/* A text that belongs to no block, packed. */
struct segment *segment_pack(struct maker *mk, const struct buf *text);

struct segment *segment_ref(struct segment *s);
void segment_unref(struct segment *s);		/* NULL is a no-op */

const struct buf *segment_bytes(const struct segment *s);
const struct gzip_sum *segment_sum(const struct segment *s);
size_t segment_room(const struct segment *s);	/* bytes of memory */

#endif
