#ifndef DB_ROOM_H
#define DB_ROOM_H

#include <stddef.h>
#include <sys/queue.h>

/* Memory for many small things that go at the same time, at the latest.
 * Starts zeroed.  Not thread-safe. */
enum { ROOM_SMALL = 1024, ROOM_GRAIN = 16 };

struct room {
	struct chunk *chunks;		/* the one in use first */
	LIST_HEAD(room_blocks, block) blocks;
	struct spare *spare[ROOM_SMALL / ROOM_GRAIN + 1];
	size_t bytes;			/* that all of it occupies */
};

/* Aligned for anything.  Never NULL. */
void *room_take(struct room *r, size_t bytes);

/* Gives back what was taken with that size, to be taken again. */
void room_give(struct room *r, void *p, size_t bytes);

/* Frees everything and leaves it as it started. */
void room_free(struct room *r);

#endif
