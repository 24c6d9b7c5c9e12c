/* When the last stay of an identity ended that is no longer in the roll.  A
 * replay may tell of a registration whose time is known and of a delete before
 * it whose time is not, which then counts from the moment it was seen: the
 * stays of the one identity would overlap.  So the next one does not begin
 * before that moment.  Kept until nothing new can seem that old any more.
 * Called by registry_apply.c, registry_tick.c and at the start. */
#include <stdlib.h>
#include <string.h>

#include "core/registry_impl.h"
#include "core/table.h"
#include "core/xalloc.h"

struct ended {
	wall_t at;
	char identity[];
};

void ended_note(struct directory *d, const char *identity, wall_t at)
{
	struct ended *e = table_get(d->ended, identity);
	size_t n = strlen(identity) + 1;

	if (e == NULL) {
		e = xmalloc(sizeof(*e) + n);
		memcpy(e->identity, identity, n);
		table_put(d->ended, e->identity, e);
	}
	e->at = at;
}

wall_t ended_at(const struct directory *d, const char *identity)
{
	const struct ended *e = table_get(d->ended, identity);

	return e != NULL ? e->at : (wall_t){ 0 };
}

void ended_tick(struct directory *d)
{
	size_t cursor = 0;
	void *value;

	while (table_next(d->ended, &cursor, NULL, &value)) {
		struct ended *e = value;

		if (e->at.ms > d->watching_to.ms)
			continue;
		table_del(d->ended, e->identity);
		free(e);
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
