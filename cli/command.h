#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stddef.h>

/* A subcommand.  run() gets the command's name as argv[0] and returns the
 * exit code: EXIT_OK, EXIT_FAILED or EXIT_USAGE of cli/flags.h. */
struct command {
	const char *name;
	const char *summary;		/* one line in `rollcall help` */
	int (*run)(int argc, char **argv);
};

/* The one table, sorted by name. */
extern const struct command commands[];
extern const size_t ncommands;

/* Runs what the command line names.  argv[0] is the program's name. */
int command_run(int argc, char **argv);

int cli_check(int argc, char **argv);
int cli_db(int argc, char **argv);
int cli_discover(int argc, char **argv);
int cli_events(int argc, char **argv);
int cli_forget(int argc, char **argv);
int cli_help(int argc, char **argv);
int cli_maintenance(int argc, char **argv);
int cli_outages(int argc, char **argv);
int cli_register(int argc, char **argv);
int cli_serve(int argc, char **argv);
int cli_uptime(int argc, char **argv);
int cli_version(int argc, char **argv);

#endif
