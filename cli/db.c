/* `rollcall db`: looking after the database: is it sound, a copy of it, its
 * rows as text and back, its file without free pages. */
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/calendar.h"
#include "cli/command_group.h"
#include "cli/flags.h"
#include "cli/interrupt.h"
#include "cli/progress.h"
#include "cli/storage_path.h"
#include "core/clock.h"
#include "core/err.h"
#include "db/tools.h"

struct db_flags {
	const char *storage_path, *config_file;
	bool force;
};

#define AT(member) .offset = offsetof(struct db_flags, member)
#define STORAGE_FLAGS \
	{ .name = "storage.path", .type = FLAG_STRING, AT(storage_path), \
	  .value = "FILE", .not_empty = true, .help = "The database. By" \
	    " default the one that --config.file names, or rollcall.db." }, \
	{ .name = "config.file", .type = FLAG_STRING, AT(config_file), \
	  .value = "FILE", .not_empty = true, .help = "The configuration" \
	    " that names the database." }

static const struct flag storage_table[] = { STORAGE_FLAGS };

/* What a command does with the path of the database and its operand (NULL:
 * none was given). */
struct verb {
	struct flag_set flags;
	int (*run)(const struct verb *v, const struct db_flags *f,
	    const char *path, const char *operand);
	bool needs_operand;
	bool makes_database;	/* else it has to be there */
	bool makes_files;	/* to be taken away if it is interrupted */
};

static int complain(const struct verb *v, const struct err *e)
{
	int signo = interrupt_signal();

	if (signo != SIGPIPE)
		fprintf(stderr, "rollcall %s: %s\n", v->flags.command,
		    signo != 0 ? "interrupted" : e->text);
	return EXIT_FAILED;
}

/* Where no flag said which one, another may be meant. */
static void say_which(const struct verb *v, const struct db_flags *f,
    const char *path)
{
	if (f->storage_path == NULL && f->config_file == NULL &&
	    !v->makes_database && access(path, F_OK) != 0)
		fprintf(stderr, "Say which database: --storage.path, or"
		    " --config.file.\n");
}

static int run_verb(const struct verb *v, int argc, char **argv)
{
	struct db_flags f = { .force = false };
	struct string_list operands = { 0 };
	int rc = flags_parse(&v->flags, argc, argv, &f,
	    v->flags.operands != NULL ? &operands : NULL);
	char *path;

	if (rc >= 0)
		return rc;
	if (operands.n > 1)
		rc = flags_usage(&v->flags, "unexpected argument \"%s\"",
		    operands.v[1]);
	else if (v->needs_operand && operands.n == 0)
		rc = flags_usage(&v->flags, "%s is missing",
		    v->flags.operands);
	path = rc < 0 ? storage_path(f.storage_path, f.config_file) : NULL;
	if (v->makes_files)
		interrupt_begin();
	if (path != NULL)
		rc = v->run(v, &f, path, operands.n > 0 ? operands.v[0] :
		    NULL);
	else if (rc < 0)
		rc = EXIT_FAILED;
	if (path != NULL && rc == EXIT_FAILED)
		say_which(v, &f, path);
	free(path);
	free(operands.v);
	interrupt_end(rc != EXIT_OK);
	return rc;
}

/* --- check --- */

static void found(const char *what, void *path)
{
	printf("%s: %s\n", (const char *)path, what);
}

static void print_size(int64_t bytes)
{
	if (bytes < 10 << 20)
		printf("%.1f kB", (double)bytes / 1e3);
	else
		printf("%.1f MB", (double)bytes / 1e6);
}

static void print_summary(const struct tool_summary *s)
{
	char from[CALENDAR_MAX], to[CALENDAR_MAX];
	char *zone = calendar_zone(false);

	printf("%lld instances, %lld stays, ", (long long)s->instances,
	    (long long)s->stays);
	if (s->watched_to != 0)
		printf("watched from %s to %s %s, ",
		    calendar_second((wall_t){ s->watched_from }, false, from),
		    calendar_second((wall_t){ s->watched_to }, false, to),
		    zone);
	print_size(s->bytes);
	printf(": %s\n", s->wrong == 0 ? "all is well" : "see above");
	free(zone);
}

static int check(const struct verb *v, const struct db_flags *f,
    const char *path, const char *operand)
{
	struct tool_summary s;
	struct err e;

	(void)f;
	(void)operand;
	if (tool_check(path, found, (void *)(uintptr_t)path, &s, &e) != 0)
		return complain(v, &e);
	print_summary(&s);
	return s.wrong == 0 ? EXIT_OK : EXIT_FAILED;
}

static const struct verb check_verb = {
	.flags = {
		.command = "db check",
		.summary = "Checks that the database is sound and its rows"
		    " agree. Beside a daemon or without one. Exits 1 if"
		    " anything is wrong.",
		.example = "rollcall db check --config.file=rollcall.yml",
		FLAG_SET_FLAGS(storage_table),
	},
	.run = check,
};

/* --- backup --- */

static int backup(const struct verb *v, const struct db_flags *f,
    const char *path, const char *to)
{
	struct progress p;
	struct tool_progress progress = { progress_show, &p };
	struct err e;
	int rc;

	progress_begin(&p, "copying");
	rc = tool_backup(path, to, f->force, &progress, &e);
	progress_clear(&p);
	if (rc != 0)
		return complain(v, &e);
	printf("%s is a copy of %s\n", to, path);
	return EXIT_OK;
}

static const struct flag backup_table[] = {
	STORAGE_FLAGS,
	{ .name = "force", .type = FLAG_BOOL, AT(force), .help = "Replace"
	    " a FILE that is there already, once the copy is whole. Without"
	    " it such a FILE is refused, and left as it is." },
};

static const struct verb backup_verb = {
	.flags = {
		.command = "db backup",
		.summary = "Copies the database as it is at one moment to a"
		    " new FILE, while a daemon runs or not. FILE appears when"
		    " it is whole.",
		.operands = "FILE",
		.example = "rollcall db backup /backup/rollcall.db",
		FLAG_SET_FLAGS(backup_table),
	},
	.run = backup,
	.makes_files = true,
	.needs_operand = true,
};

/* --- export, import --- */

static FILE *open_file(const char *name, const char *mode, FILE *otherwise,
    struct err *e)
{
	FILE *file = otherwise;

	if (name != NULL && strcmp(name, "-") != 0)
		file = fopen(name, mode);
	if (file == NULL && errno == EEXIST)
		err_set(e, "%s is there already: name a new file, or write to"
		    " standard output", name);
	else if (file == NULL)
		err_set(e, "%s: %s", name, strerror(errno));
	return file;
}

static int export(const struct verb *v, const struct db_flags *f,
    const char *path, const char *to)
{
	struct progress p;
	struct tool_progress progress = { progress_show, &p };
	struct err e;
	FILE *out = open_file(to, "wx", stdout, &e);
	int64_t rows;
	int rc;

	(void)f;
	if (out == NULL)
		return complain(v, &e);
	progress_begin(&p, "exporting");
	rc = tool_export(path, out, &progress, &rows, &e);
	progress_clear(&p);
	if (out != stdout && fclose(out) != 0 && rc == 0)
		rc = err_set(&e, "%s: %s", to, strerror(errno));
	if (rc != 0 && out != stdout)
		unlink(to);	/* it was not there before */
	if (rc != 0)
		return complain(v, &e);
	if (out != stdout)
		printf("%lld rows of %s in %s\n", (long long)rows, path, to);
	return EXIT_OK;
}

static const struct verb export_verb = {
	.flags = {
		.command = "db export",
		.summary = "Writes all rows as lines of JSON, to a new FILE"
		    " or, without one, to standard output. A FILE that is"
		    " there already is refused, and left as it is. While a"
		    " daemon runs or not.",
		.operands = "[FILE]",
		.example = "rollcall db export | gzip >rollcall.json.gz",
		FLAG_SET_FLAGS(storage_table),
	},
	.run = export,
	.makes_files = true,
};

static int import(const struct verb *v, const struct db_flags *f,
    const char *path, const char *from)
{
	struct err e;
	FILE *in = open_file(from, "r", stdin, &e);
	int64_t rows;
	int rc;

	(void)f;
	if (in == NULL)
		return complain(v, &e);
	rc = tool_import(path, in, in == stdin ? "standard input" : from,
	    &rows, &e);
	if (in != stdin)
		fclose(in);
	if (rc != 0)
		return complain(v, &e);
	printf("%lld rows in %s\n", (long long)rows, path);
	return EXIT_OK;
}

static const struct verb import_verb = {
	.flags = {
		.command = "db import",
		.summary = "Reads what export wrote, from FILE or, with -,"
		    " from standard input, into a database that is new or"
		    " empty: all of it or nothing. Not while a daemon runs.",
		.operands = "FILE",
		.example = "rollcall db import --storage.path=new.db"
		    " rollcall.json",
		FLAG_SET_FLAGS(storage_table),
	},
	.run = import,
	.makes_database = true,
	.makes_files = true,
	.needs_operand = true,
};

/* --- vacuum --- */

static int vacuum(const struct verb *v, const struct db_flags *f,
    const char *path, const char *operand)
{
	int64_t before, after;
	struct err e;

	(void)f;
	(void)operand;
	if (tool_vacuum(path, &before, &after, &e) != 0)
		return complain(v, &e);
	printf("%s: ", path);
	print_size(before);
	printf(" before, ");
	print_size(after);
	printf(" after\n");
	return EXIT_OK;
}

static const struct verb vacuum_verb = {
	.flags = {
		.command = "db vacuum",
		.summary = "Writes the file anew without free pages. Needs as"
		    " much room again meanwhile. Not while a daemon runs,"
		    " which gives free pages back by itself.",
		.example = "rollcall db vacuum",
		FLAG_SET_FLAGS(storage_table),
	},
	.run = vacuum,
	.makes_files = true,
};

/* --- */

static int run_backup(int argc, char **argv)
{
	return run_verb(&backup_verb, argc, argv);
}

static int run_check(int argc, char **argv)
{
	return run_verb(&check_verb, argc, argv);
}

static int run_export(int argc, char **argv)
{
	return run_verb(&export_verb, argc, argv);
}

static int run_import(int argc, char **argv)
{
	return run_verb(&import_verb, argc, argv);
}

static int run_vacuum(int argc, char **argv)
{
	return run_verb(&vacuum_verb, argc, argv);
}

static const struct command commands_below[] = {
	{ "backup", "copy it, beside a daemon or not", run_backup },
	{ "check", "is it sound, do its rows agree", run_check },
	{ "export", "all rows as lines of JSON", run_export },
	{ "import", "and back, into a new one", run_import },
	{ "vacuum", "write its file anew without free pages", run_vacuum },
};

static const struct command_group group = {
	.name = "db",
	.summary = "Looks after the database of history.",
	.commands = commands_below,
	.n = sizeof(commands_below) / sizeof(commands_below[0]),
	.example = "rollcall db backup /backup/rollcall.db",
};

int cli_db(int argc, char **argv)
{
	return command_group_run(&group, argc, argv);
}
