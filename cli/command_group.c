/* Commands below a command: finds the one that is meant, or says which there
 * are.  The commands themselves are those of a table in the style of
 * commands.c. */
#include "cli/command_group.h"

#include <stdio.h>
#include <string.h>

#include "cli/flags.h"
#include "core/options.h"

static void help(const struct command_group *g, FILE *out)
{
	fprintf(out, "usage: rollcall %s <command> [<flags>]\n\n%s\n\n"
	    "Commands:\n", g->name, g->summary);
	for (size_t i = 0; i < g->n; i++)
		fprintf(out, "  %-10s%s\n", g->commands[i].name,
		    g->commands[i].summary);
	fprintf(out, "\n'rollcall %s <command> --help' shows the flags of a"
	    " command.\n\nExample:\n  %s\n", g->name, g->example);
}

static int unknown(const struct command_group *g, const char *name)
{
	enum { MAX_COMMANDS = 16 };
	const char *names[MAX_COMMANDS], *near;
	size_t n = g->n < MAX_COMMANDS ? g->n : MAX_COMMANDS;

	for (size_t i = 0; i < n; i++)
		names[i] = g->commands[i].name;
	near = options_nearest(name, names, n);
	fprintf(stderr, "rollcall %s: unknown %s \"%s\"", g->name,
	    name[0] == '-' ? "flag" : "command", name);
	if (near != NULL)
		fprintf(stderr, " (did you mean \"%s\"?)", near);
	fprintf(stderr, "\nTry 'rollcall %s --help'.\n", g->name);
	return EXIT_USAGE;
}

int command_group_run(const struct command_group *g, int argc, char **argv)
{
	if (argc < 2) {
		help(g, stderr);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		help(g, stdout);
		return EXIT_OK;
	}
	for (size_t i = 0; i < g->n; i++)
		if (strcmp(g->commands[i].name, argv[1]) == 0)
			return g->commands[i].run(argc - 1, argv + 1);
	return unknown(g, argv[1]);
}
