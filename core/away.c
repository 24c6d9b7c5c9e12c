/* A set of instances by name.  An instance that deregistered is no longer in
 * the roll, hence names and no pointers.  Used by maintenance.c alone. */
#include "core/away.h"

#include <stdlib.h>

#include "core/table.h"
#include "core/xalloc.h"

struct away {
	struct table *names;		/* each is its own value */
};

static char *name_of(const char *cluster, const char *service,
    const char *instance)
{
	return xasprintf("%s\xff%s\xff%s", cluster, service, instance);
}

struct away *away_new(void)
{
	struct away *a = xcalloc(1, sizeof(*a));

	a->names = table_new(free);
	return a;
}

void away_free(struct away *a)
{
	if (a == NULL)
		return;
	table_free(a->names);
	free(a);
}

void away_add(struct away *a, const char *cluster, const char *service,
    const char *instance)
{
	char *name = name_of(cluster, service, instance);

	if (table_get(a->names, name) != NULL)
		free(name);
	else
		table_put(a->names, name, name);
}

bool away_take(struct away *a, const char *cluster, const char *service,
    const char *instance)
{
	char *name = name_of(cluster, service, instance);
	char *taken = table_del(a->names, name);

	free(name);
	free(taken);
	return taken != NULL;
}

bool away_nobody(const struct away *a)
{
	return table_count(a->names) == 0;
}
