#ifndef CORE_SNAPSHOT_IMPL_H
#define CORE_SNAPSHOT_IMPL_H

#include "core/snapshot.h"

/* Between the files of the snapshot: sets of blocks, made by the loop. */

/* Which blocks may have changed since the last publish. */
struct marks {
	bool *dirty;
	size_t n;
	bool any;
};

/* Marks the block of this slot. */
void marks_set(struct marks *m, size_t slot);
void marks_free(struct marks *m);

/* What the registry holds now, sharing with old (may be NULL) every block in
 * which nothing changed, or the whole set; number is that of the snapshot to
 * be.  Clears the marks. */
struct snap_set *snap_instances(const struct registry *r,
    struct snap_set *old, struct marks *m, uint64_t number);
struct snap_set *snap_services(const struct registry *r,
    struct snap_set *old, struct marks *m, uint64_t number);

/* Any thread. */
void snap_instances_unref(struct snap_set *s);
void snap_services_unref(struct snap_set *s);

#endif
