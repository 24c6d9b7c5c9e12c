/* The names of an instance as one piece of memory: its key, its id where that
 * is not the end of the key, its address where that is not the value, and the
 * value.  Made by registry_text.c, shared with snapshots, read by whoever
 * writes them out. */
#include "core/names.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/labels.h"
#include "core/xalloc.h"

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && strcmp(s + n - m, end) == 0;
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

/* The usual key ends with the instance_id, the usual value is the address:
 * then these need no place. */
struct names *names_new(const char *instance_id, const char *key,
    const char *value, const char *address, const char *extra)
{
	bool id = !ends_with(key, instance_id);
	bool apart = address != NULL && strcmp(address, value) != 0;
	size_t at = 0, size = strlen(key) + 1 + strlen(value) + 1 +
	    (id ? strlen(instance_id) + 1 : 0) +
	    (apart ? strlen(address) + 1 : 0) +
	    (*extra != '\0' ? strlen(extra) + 1 : 0);
	struct names *n = xmalloc(offsetof(struct names, text) + size);

	atomic_init(&n->refs, 1);
	append(n, &at, key);
	n->instance_id = id ? append(n, &at, instance_id) :
	    (uint32_t)(strlen(key) - strlen(instance_id));
	n->extra = *extra != '\0' ? append(n, &at, extra) : 0;
	n->value = append(n, &at, value);
	n->address = apart ? append(n, &at, address) :
	    address != NULL ? n->value : 0;
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
