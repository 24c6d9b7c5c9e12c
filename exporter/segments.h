#ifndef EXPORTER_SEGMENTS_H
#define EXPORTER_SEGMENTS_H

#include "core/clock.h"
#include "core/snapshot.h"
#include "exporter/gzip.h"

struct buf;

enum encoding { ENCODING_PLAIN, ENCODING_GZIP, ENCODINGS };

/* An encoding for which nobody asked for this long is not kept. */
enum { SEGMENTS_KEEP_MS = 5 * 60 * 1000 };

/* Lines of one family for blocks that follow each other, in one encoding,
 * shared between runs. */
struct segment;

/* The lines of one family for every block of a snapshot.  Immutable for
 * whoever has a reference. */
struct run {
	_Atomic unsigned refs;
	uint64_t number;	/* of the last snapshot that changed it */
	struct gzip_sum sum;	/* of the text; gzip only */
	size_t len;		/* bytes in all */
	size_t room;		/* and memory */
	size_t blocks, each;	/* blocks; in a segment */
	size_t n;		/* segments */
	struct segment *v[];
};

/* What was done so far, to be counted in tests. */
struct segments_counts {
	uint64_t rendered;	/* shares of a block that were made anew */
	uint64_t copied;	/* ... taken from an older segment */
	uint64_t copied_bytes;
	uint64_t segments;	/* segments made */
	uint64_t runs;
};

/* All that is kept of what was rendered.  Any thread may call what follows;
 * one makes a run while the others who want any wait for it. */
struct segments;

struct segments *segments_new(void);
void segments_free(struct segments *c);	/* nobody has anything of it */

/* The lines of a metric taken from instances or services; one reference is
 * the caller's. */
struct run *segments_run(struct segments *c, const struct snapshot *s,
    enum metric_id id, enum encoding e);
void run_unref(struct run *r);

/* True if nothing has to be rendered for all of them.  Waits for nobody. */
bool segments_ready(struct segments *c, const struct snapshot *s,
    enum encoding e);

/* The same for lines that stand before a family's and never change; which:
 * less than SEGMENTS_HEADS, for each text another.  gzip only. */
enum { SEGMENTS_HEADS = 2 * M_COUNT };
struct run *segments_head(struct segments *c, size_t which,
    const struct buf *text);

/* The bytes of segment i of a run. */
const char *run_bytes(const struct run *r, size_t i, size_t *n_r);

/* Lets go of encodings for which nobody asked lately. */
void segments_drop_idle(struct segments *c, mono_t now);

struct segments_counts segments_counts(struct segments *c);

/* Bytes of memory: what is kept for the next answers; and what is not, or no
 * longer, but is there until the answers that have it are over. */
struct segments_room {
	size_t kept, held;
};

/* Waits for nobody. */
struct segments_room segments_room(const struct segments *c);

/* An answer holds so much of its own, or no longer. */
void segments_own(struct segments *c, size_t n);
void segments_disown(struct segments *c, size_t n);

#endif
