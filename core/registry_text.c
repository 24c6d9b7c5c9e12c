/* What an instance is called and what its key says, in as little memory as
 * there can be, since there may be a million: key, value, address and
 * instance_id are one piece, the identity is put together when it is asked for,
 * what few instances have is apart.  And all that as snapshots show it.
 * Called by registry_*.c. */
#include <stdlib.h>
#include <string.h>

#include "core/address.h"
#include "core/buf.h"
#include "core/registry_impl.h"
#include "core/snapshot.h"
#include "core/xalloc.h"

enum { MAX_IDENTITY = 1 << 20 };

/* --- names --- */

static const char *identity(struct buf *b, const struct instance *i)
{
	buf_reset(b);
	buf_adds(b, i->service->name);
	buf_addc(b, '/');
	buf_adds(b, i->instance_id);
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
	return ((const struct instance *)instance)->key;
}

static char *append(char **to, const char *s)
{
	char *at = *to;

	*to = stpcpy(at, s) + 1;
	return at;
}

/* The usual key ends with the instance_id, which then needs no place. */
static bool ends_with(const char *key, const char *instance_id)
{
	size_t n = strlen(key), m = strlen(instance_id);

	return n >= m && strcmp(key + n - m, instance_id) == 0;
}

void instance_set_text(struct instance *i, const char *instance_id,
    const char *key, const char *value)
{
	bool ends = ends_with(key, instance_id);
	char *old = i->key, *address = address_of_value(value);
	char *to = xmalloc(strlen(key) + 1 + strlen(value) + 1 +
	    (address != NULL ? strlen(address) + 1 : 0) +
	    (ends ? 0 : strlen(instance_id) + 1));

	i->key = append(&to, key);
	i->value = append(&to, value);
	i->address = address != NULL ? append(&to, address) : NULL;
	i->instance_id = ends ? i->key + strlen(key) - strlen(instance_id) :
	    append(&to, instance_id);
	free(address);
	free(old);
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

void instance_set_extra(struct instance *i)
{
	struct labels extra = { 0 };

	registry_extra(i->directory, i->key, &extra);
	if (extra.n == 0 && i->rare == NULL)
		return;
	labels_free(&instance_rarely(i)->extra);
	i->rare->extra = extra;
}

bool instance_same_extra(const struct instance *i)
{
	struct labels extra = { 0 };
	bool same;

	registry_extra(i->directory, i->key, &extra);
	same = labels_equal(&extra, &instance_rare(i)->extra);
	labels_free(&extra);
	return same;
}

/* --- rendering for snapshots --- */

static struct rstr *take_rstr(struct buf *b)
{
	struct rstr *s = rstr_new(buf_str(b));

	buf_free(b);
	return s;
}

static void render_labels(struct instance *i)
{
	struct buf b;

	buf_init(&b, 64 * 1024);
	buf_adds(&b, i->service->label_text->s);
	buf_addc(&b, ',');
	labels_render_pair(&b, "instance_id", i->instance_id);
	i->label_text = take_rstr(&b);
}

void instance_render(struct instance *i)
{
	const struct labels *extra = &instance_rare(i)->extra;
	struct buf b;

	if (i->label_text == NULL)
		render_labels(i);
	buf_init(&b, 64 * 1024);
	labels_render_pair(&b, "key", i->key);
	buf_addc(&b, ',');
	labels_render_pair(&b, "address", i->address ? i->address : "");
	if (extra->n > 0) {
		buf_addc(&b, ',');
		labels_render(extra, &b);
	}
	rstr_unref(i->info_text);
	i->info_text = take_rstr(&b);
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
	labels_free(&r->extra);
	free(r);
}

void instance_free(void *instance)
{
	struct instance *i = instance;

	rare_free(i->rare);
	rstr_unref(i->label_text);
	rstr_unref(i->info_text);
	free(i->key);
	free(i);
}
