#ifndef CLI_COMMAND_GROUP_H
#define CLI_COMMAND_GROUP_H

#include <stddef.h>

#include "cli/command.h"

/* A command that has commands below it: `rollcall db backup`. */
struct command_group {
	const char *name;		/* "db" */
	const char *summary;		/* a sentence or two for the help */
	const struct command *commands;	/* run() gets its own name */
	size_t n;
	const char *example;		/* whole command line */
};

/* Runs what the command line names; argv[0] is the group's name. */
int command_group_run(const struct command_group *g, int argc, char **argv);

#endif
