#ifndef EXPORTER_LISTING_H
#define EXPORTER_LISTING_H

#include <stdbool.h>

struct buf;

/* What can be asked at the paths of the API, as a JSON array.  Whoever has a
 * table of such paths adds its entries, so there is no second list. */
struct listing {
	struct buf *out;
	const char *link_prefix;	/* in front of paths: "" or "/roll" */
	bool any;
};

void listing_begin(struct listing *l, const char *link_prefix,
    struct buf *out);

/* methods: as the Allow header has them; rest: what else belongs to the path,
 * in capitals what the client puts there; what: a sentence. */
void listing_add(struct listing *l, const char *methods, const char *path,
    const char *rest, const char *what);

void listing_end(struct listing *l);

#endif
