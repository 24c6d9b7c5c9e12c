/* What an instance is called and what its key says, in as little memory as
 * there can be, since there may be a million: its names are one piece
 * (names.c), the identity is put together when it is asked for, what few
 * instances have is apart.  Called by registry_*.c. */
#include <stdlib.h>
#include <string.h>

#include "core/address.h"
#include "core/buf.h"
#include "core/names.h"
#include "core/registry_impl.h"
#include "core/snapshot.h"
#include "core/xalloc.h"

enum { MAX_IDENTITY = 1 << 20, MAX_LABELS = 64 << 10 };

/* --- names --- */

static const char *identity(struct buf *b, const struct instance *i)
{
	buf_reset(b);
	buf_adds(b, i->service->name);
	buf_addc(b, '/');
	buf_adds(b, names_instance_id(i->names));
	return buf_str(b);
}

const char *instance_identity(const struct instance *i)
{
	static struct buf b = { .max = MAX_IDENTITY };

	return identity(&b, i);
}

/* Not the same memory, since the two are compared. */
const char *instance_identity_key(const void *instance)
{
	static struct buf b = { .max = MAX_IDENTITY };

	return identity(&b, instance);
}

const char *instance_key(const void *instance)
{
	return names_key(((const struct instance *)instance)->names);
}

/* --- what few have --- */

const struct instance_rare *instance_rare(const struct instance *i)
{
	static const struct instance_rare none;

	return i->rare != NULL ? i->rare : &none;
}

struct instance_rare *instance_rarely(struct instance *i)
{
	if (i->rare == NULL)
		i->rare = xcalloc(1, sizeof(*i->rare));
	return i->rare;
}

/* --- all of it --- */

/* The other labels, borrowed until the next call. */
static const char *rendered_extra(const struct instance *i, const char *key)
{
	static struct buf b = { .max = MAX_LABELS };
	struct labels extra = { 0 };

	registry_extra(i->directory, key, &extra);
	buf_reset(&b);
	labels_render(&extra, &b);
	labels_free(&extra);
	return buf_str(&b);
}

void instance_set_text(struct instance *i, const char *instance_id,
    const char *key, const char *value)
{
	char *address = address_of_value(value);
	struct names *before = i->names;

	i->names = names_new(instance_id, key, value, address,
	    rendered_extra(i, key));
	names_unref(before);
	free(address);
}

void instance_refresh_extra(struct instance *i)
{
	if (strcmp(rendered_extra(i, names_key(i->names)),
	    names_extra(i->names)) == 0)
		return;
	instance_set_text(i, names_instance_id(i->names),
	    names_key(i->names), names_value(i->names));
	snapshot_touch_instance(i->service->cluster->registry, i);
}

/* --- the end --- */

static void rare_free(struct instance_rare *r)
{
	struct rival *rival;

	if (r == NULL)
		return;
	while ((rival = r->rivals) != NULL) {
		r->rivals = rival->next;
		free(rival->key);
		free(rival->value);
		free(rival);
	}
	free(r);
}

void instance_free(void *instance)
{
	struct instance *i = instance;

	rare_free(i->rare);
	names_unref(i->names);
	free(i);
}
