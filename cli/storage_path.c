/* Which database a command reads.  `rollcall serve` has it from its
 * configuration; the commands beside it are told in the same words. */
#include "cli/storage_path.h"

#include <stddef.h>
#include <stdio.h>

#include "core/config.h"
#include "core/problems.h"
#include "core/xalloc.h"

char *storage_path(const char *given, const char *config_file)
{
	struct problems p = { 0 };
	struct config *c;
	char *path;

	if (given != NULL)
		return xstrdup(given);
	if (config_file == NULL)
		return xstrdup("rollcall.db");
	c = config_load(config_file, &p);
	for (size_t i = 0; i < p.n; i++)
		fprintf(stderr, "%s\n", p.lines[i]);
	path = c != NULL ? xstrdup(c->storage.path) : NULL;
	problems_free(&p);
	config_unref(c);
	return path;
}
