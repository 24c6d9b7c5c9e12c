/* The names of an instance as one piece of memory: its key, and of id, value
 * and address what the key does not end with; an address that is the value is
 * there once.  Made by registry_text.c, shared with snapshots, read by whoever
 * writes them out. */
#include "core/names.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/labels.h"
#include "core/xalloc.h"

/* Of the key, not all: 0 is no place. */
static bool ends_with(const char *key, const char *s)
{
	size_t n = strlen(key), m = strlen(s);

	return n > m && strcmp(key + n - m, s) == 0;
}

/* How many bytes s takes besides the key. */
static size_t room(const char *key, const char *s)
{
	return ends_with(key, s) ? 0 : strlen(s) + 1;
}

/* As a label's value: labels_render_pair(). */
static bool needs_no_escape(const char *s)
{
	for (; *s != '\0'; s++)
		if ((signed char)*s < 0 || *s == '"' || *s == '\\' ||
		    *s == '\n')
			return false;
	return true;
}

/* Where it begins. */
static uint32_t append(struct names *n, size_t *at, const char *s)
{
	size_t begin = *at, size = strlen(s) + 1;

	memcpy(n->text + begin, s, size);
	*at += size;
	assert(*at < UINT32_MAX);
	return (uint32_t)begin;
}

/* Where it is: appended, if the key does not end with it. */
static uint32_t place(struct names *n, size_t *at, const char *s)
{
	if (ends_with(names_key(n), s))
		return (uint32_t)(strlen(names_key(n)) - strlen(s));
	return append(n, at, s);
}

/* The usual key ends with the instance_id, and often that is the address; else
 * the usual value is: then these need no place. */
struct names *names_new(const char *instance_id, const char *key,
    const char *value, const char *address, const char *extra)
{
	bool apart = address != NULL && strcmp(address, value) != 0;
	size_t at = 0, size = strlen(key) + 1 + room(key, instance_id) +
	    room(key, extra) + room(key, value) +
	    (apart ? room(key, address) : 0);
	struct names *n = xmalloc(offsetof(struct names, text) + size);

	atomic_init(&n->refs, 1);
	append(n, &at, key);
	n->instance_id = place(n, &at, instance_id);
	n->extra = place(n, &at, extra);
	n->value = place(n, &at, value);
	n->address = apart ? place(n, &at, address) :
	    address != NULL ? n->value : 0;
	assert(at == size);
	n->plain = needs_no_escape(key) && needs_no_escape(instance_id) &&
	    (address == NULL || needs_no_escape(address));
	return n;
}

struct names *names_ref(struct names *n)
{
	atomic_fetch_add_explicit(&n->refs, 1, memory_order_relaxed);
	return n;
}

void names_unref(struct names *n)
{
	if (n != NULL && atomic_fetch_sub(&n->refs, 1) == 1)
		free(n);
}

static bool same_address(const struct names *a, const struct names *b)
{
	const char *x = names_address(a), *y = names_address(b);

	return x == NULL || y == NULL ? x == y : strcmp(x, y) == 0;
}

bool names_same_info(const struct names *a, const struct names *b)
{
	return a == b || (strcmp(names_key(a), names_key(b)) == 0 &&
	    same_address(a, b) && strcmp(names_extra(a), names_extra(b)) == 0);
}

void names_render_id(const struct names *n, struct buf *out)
{
	labels_render_pair(out, "instance_id", names_instance_id(n));
}

void names_render_info(const struct names *n, struct buf *out)
{
	const char *address = names_address(n), *extra = names_extra(n);

	labels_render_pair(out, "key", names_key(n));
	buf_addc(out, ',');
	labels_render_pair(out, "address", address != NULL ? address : "");
	if (*extra != '\0')
		buf_addc(out, ',');
	buf_adds(out, extra);
}
