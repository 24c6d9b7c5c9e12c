/* Memory for the rows of a unit (unit.c).  Allocated one by one among all that
 * is kept, the rows of a large listing would leave as many holes behind.  So
 * small things are cut from chunks.  The first chunk is small, since most
 * units are; any other is large enough for malloc to map it for itself: of it
 * only what is used takes memory, and that goes back to the system at once.
 * What is given back is taken again for things of its size. */
#include "db/room.h"

#include <stdlib.h>

#include "core/xalloc.h"

enum { FIRST_CHUNK = 4 << 10, CHUNK = 128 << 10 };

struct chunk {
	struct chunk *before;
	size_t size, used;
	_Alignas(ROOM_GRAIN) char bytes[];
};

/* A thing too large for a chunk. */
struct block {
	LIST_ENTRY(block) link;
	_Alignas(ROOM_GRAIN) char bytes[];
};

struct spare {
	struct spare *next;
};

static void *take_large(struct room *r, size_t bytes)
{
	struct block *b = xmalloc(sizeof(*b) + bytes);

	LIST_INSERT_HEAD(&r->blocks, b, link);
	r->bytes += sizeof(*b) + bytes;
	return b->bytes;
}

static void give_large(struct room *r, void *p, size_t bytes)
{
	struct block *b = (struct block *)(void *)((char *)p -
	    offsetof(struct block, bytes));

	LIST_REMOVE(b, link);
	r->bytes -= sizeof(*b) + bytes;
	free(b);
}

static size_t rounded(size_t bytes)
{
	return (bytes + ROOM_GRAIN - 1) / ROOM_GRAIN * ROOM_GRAIN;
}

static void *cut(struct room *r, size_t bytes)
{
	struct chunk *c = r->chunks;

	if (c == NULL || c->size - c->used < bytes) {
		size_t size = c == NULL ? FIRST_CHUNK : CHUNK;

		c = xmalloc(sizeof(*c) + size);
		*c = (struct chunk){ .before = r->chunks, .size = size };
		r->chunks = c;
		r->bytes += sizeof(*c);
	}
	c->used += bytes;
	r->bytes += bytes;
	return c->bytes + c->used - bytes;
}

void *room_take(struct room *r, size_t bytes)
{
	size_t n = rounded(bytes);
	struct spare *s;

	if (n > ROOM_SMALL)
		return take_large(r, bytes);
	s = r->spare[n / ROOM_GRAIN];
	if (s == NULL)
		return cut(r, n);
	r->spare[n / ROOM_GRAIN] = s->next;
	return s;
}

void room_give(struct room *r, void *p, size_t bytes)
{
	size_t n = rounded(bytes);
	struct spare *s = p;

	if (n > ROOM_SMALL) {
		give_large(r, p, bytes);
		return;
	}
	s->next = r->spare[n / ROOM_GRAIN];
	r->spare[n / ROOM_GRAIN] = s;
}

void room_free(struct room *r)
{
	struct chunk *c;
	struct block *b, *next;

	while ((c = r->chunks) != NULL) {
		r->chunks = c->before;
		free(c);
	}
	/* Not LIST_REMOVE(): the first one knows where the list began, and the
	 * room may have been moved from there. */
	for (b = LIST_FIRST(&r->blocks); b != NULL; b = next) {
		next = LIST_NEXT(b, link);
		free(b);
	}
	*r = (struct room){ 0 };
}
