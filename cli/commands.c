/* The one table of subcommands, and what runs one of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/flags.h"
#include "core/options.h"

const struct command commands[] = {
	{ "check", "check configuration files without starting anything",
	  cli_check },
	{ "db", "look after the database: check, back up, export", cli_db },
	{ "discover", "show who is registered, follow it, write it to files",
	  cli_discover },
	{ "events", "show what happened to the registered services",
	  cli_events },
	{ "forget", "forget an instance that vanished for good", cli_forget },
	{ "help", "show help for a command", cli_help },
	{ "maintenance", "announce work on services, show it, end it",
	  cli_maintenance },
	{ "outages", "show when services or instances were down", cli_outages },
	{ "register", "keep a registration alive, alone or with a command",
	  cli_register },
	{ "serve", "watch the services, keep history, serve metrics, alert",
	  cli_serve },
	{ "uptime", "show how much of the time services were up", cli_uptime },
	{ "version", "show the version", cli_version },
};

const size_t ncommands = sizeof(commands) / sizeof(commands[0]);

static void overview(FILE *out)
{
	fprintf(out, "usage: rollcall <command> [<flags>]\n\n"
	    "Calls the roll of the services registered in etcd.\n\n"
	    "Commands:\n");
	for (size_t i = 0; i < ncommands; i++)
		fprintf(out, "  %-13s%s\n", commands[i].name,
		    commands[i].summary);
	fprintf(out, "\n'rollcall <command> --help' shows the flags of a"
	    " command.\n\nExample:\n"
	    "  rollcall serve --etcd.endpoint=http://127.0.0.1:2379 \\\n"
	    "      --directory=/login_servers\n");
}

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < ncommands; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static int unknown(const char *name)
{
	enum { MAX_COMMANDS = 32 };
	_Static_assert(sizeof(commands) / sizeof(commands[0]) <=
	    MAX_COMMANDS, "more commands than there is room for");
	const char *names[MAX_COMMANDS], *near;

	for (size_t i = 0; i < ncommands; i++)
		names[i] = commands[i].name;
	near = options_nearest(name, names, ncommands);
	fprintf(stderr, "rollcall: unknown %s \"%s\"",
	    name[0] == '-' ? "flag" : "command", name);
	if (near)
		fprintf(stderr, " (did you mean \"%s\"?)", near);
	fprintf(stderr, "\nTry 'rollcall help'.\n");
	return EXIT_USAGE;
}

static const struct flag_set help_flags = {
	.command = "help",
	.summary = "Shows the commands, or the flags of one of them.",
	.operands = "[COMMAND...]",
	.example = "rollcall help db backup",
};

static bool has_commands_below(const struct command *c)
{
	return c->run == cli_db || c->run == cli_maintenance;
}

/* What `NAME --help` says, or `NAME NAME --help` of a group, which knows what
 * is below it. */
static int help_for(const struct string_list *names)
{
	static char help_flag[] = "--help";
	const struct command *c = find(names->v[0]);
	size_t n = c != NULL && has_commands_below(c) && names->n > 1 ? 2 : 1;
	char *args[4] = { names->v[0], help_flag };

	if (c == NULL)
		return unknown(names->v[0]);
	if (names->n > n)
		return flags_usage(&help_flags, "unexpected argument \"%s\"",
		    names->v[n]);
	if (n == 2) {
		args[1] = names->v[1];
		args[2] = help_flag;
	}
	return c->run((int)n + 1, args);
}

int cli_help(int argc, char **argv)
{
	struct string_list names = { 0 };
	int rc = flags_parse(&help_flags, argc, argv, NULL, &names);

	if (rc >= 0)
		return rc;
	rc = EXIT_OK;
	if (names.n == 0)
		overview(stdout);
	else
		rc = help_for(&names);
	free(names.v);
	return rc;
}

static const char *spelled_as_flag(const char *arg)
{
	if (strcmp(arg, "--version") == 0)
		return "version";
	if (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0)
		return "help";
	return arg;
}

int command_run(int argc, char **argv)
{
	const struct command *c;

	if (argc < 2) {
		overview(stderr);
		return EXIT_USAGE;
	}
	c = find(spelled_as_flag(argv[1]));
	if (!c)
		return unknown(argv[1]);
	return c->run(argc - 1, argv + 1);
}
