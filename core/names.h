#ifndef CORE_NAMES_H
#define CORE_NAMES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

/* What an instance is called and what its key says: one piece of memory, since
 * there may be a million, immutable and counted, so that snapshots share it
 * with the roll.  Any thread may read it, and count. */
struct names {
	_Atomic unsigned refs;
	uint32_t instance_id, value, extra;	/* where they begin in text */
	uint32_t address;	/* the same; 0: there is none */
	bool plain;		/* key, id and address need no escape as
				   labels; extra has them */
	char text[];		/* the key first */
};

/* All are copied.  address: NULL, none.  extra: labels besides, rendered
 * (labels_render()); "", none.  One reference is the caller's. */
struct names *names_new(const char *instance_id, const char *key,
    const char *value, const char *address, const char *extra);
struct names *names_ref(struct names *n);
void names_unref(struct names *n);		/* NULL is a no-op */

static inline const char *names_key(const struct names *n)
{
	return n->text;
}

static inline const char *names_instance_id(const struct names *n)
{
	return n->text + n->instance_id;
}

static inline const char *names_value(const struct names *n)
{
	return n->text + n->value;
}

/* NULL: none. */
static inline const char *names_address(const struct names *n)
{
	return n->address != 0 ? n->text + n->address : NULL;
}

/* "": none. */
static inline const char *names_extra(const struct names *n)
{
	return n->text + n->extra;
}

/* Key, address and labels besides are the same. */
bool names_same_info(const struct names *a, const struct names *b);

/* Appends instance_id="...", or key="...",address="..." and what is besides, as
 * labels. */
void names_render_id(const struct names *n, struct buf *out);
void names_render_info(const struct names *n, struct buf *out);

#endif
