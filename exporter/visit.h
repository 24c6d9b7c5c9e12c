#ifndef EXPORTER_VISIT_H
#define EXPORTER_VISIT_H

/* What a connection has that is more than a plain request: the first member of
 * a struct upload, a struct lookup. */
struct visit {
	void (*free)(void *self);	/* NULL: nothing */
};

#endif
