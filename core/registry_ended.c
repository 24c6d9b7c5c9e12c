/* When the last stay of an identity ended that is no longer in the roll.  A
 * replay may tell of a registration whose time is known and of a delete before
 * it whose time is not, which then counts from the moment it was seen: the
 * stays of the one identity would overlap.  So the next one does not begin
 * before that moment.  Kept until nothing new can seem that old any more, and
 * while nobody looks, so that this never comes, at most the last MAX_ENDED.
 * Called by registry_apply.c, registry_tick.c and at the start. */
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "core/registry_impl.h"
#include "core/table.h"
#include "core/xalloc.h"

enum { MAX_ENDED = 10000 };	/* per directory; as many are restored */

struct ended {
	TAILQ_ENTRY(ended) link;
	wall_t at;
	char identity[];
};

TAILQ_HEAD(ended_order, ended);

struct ended_list {
	struct table *by_identity;
	struct ended_order order;	/* noted first, first */
};

static const char *identity_of(const void *ended)
{
	return ((const struct ended *)ended)->identity;
}

struct ended_list *ended_new(void)
{
	struct ended_list *l = xcalloc(1, sizeof(*l));

	l->by_identity = table_new_of(free, identity_of);
	TAILQ_INIT(&l->order);
	return l;
}

void ended_free(struct ended_list *l)
{
	table_free(l->by_identity);
	free(l);
}

static void drop(struct ended_list *l, struct ended *e)
{
	table_del(l->by_identity, e->identity);
	TAILQ_REMOVE(&l->order, e, link);
	free(e);
}

void ended_note(struct directory *d, const char *identity, wall_t at)
{
	struct ended_list *l = d->ended;
	struct ended *e = table_get(l->by_identity, identity);
	size_t n = strlen(identity) + 1;

	if (e != NULL)
		drop(l, e);
	else if (table_count(l->by_identity) >= MAX_ENDED)
		drop(l, TAILQ_FIRST(&l->order));
	e = xmalloc(sizeof(*e) + n);
	e->at = at;
	memcpy(e->identity, identity, n);
	table_put(l->by_identity, e->identity, e);
	TAILQ_INSERT_TAIL(&l->order, e, link);
}

wall_t ended_at(const struct directory *d, const char *identity)
{
	const struct ended *e = table_get(d->ended->by_identity, identity);

	return e != NULL ? e->at : (wall_t){ 0 };
}

void ended_tick(struct directory *d)
{
	struct ended *e, *next;

	for (e = TAILQ_FIRST(&d->ended->order); e != NULL; e = next) {
		next = TAILQ_NEXT(e, link);
		if (e->at.ms <= d->watching_to.ms)
			drop(d->ended, e);
	}
}

void registry_restore_ended(struct registry *r,
    const struct restored_ended *saved)
{
	struct cluster *c = registry_cluster(r, saved->cluster);
	struct directory *d = c ? registry_directory(c, saved->path) : NULL;
	char *identity;

	if (d == NULL || saved->at.ms <= d->watching_to.ms)
		return;
	identity = xasprintf("%s/%s", saved->service, saved->instance_id);
	ended_note(d, identity, saved->at);
	free(identity);
}
