#ifndef CLI_FLAGS_H
#define CLI_FLAGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/options.h"

/* Command-line flags in Prometheus' style, by a table: --flag=value, --flag
 * value, --flag and --no-flag for booleans, -h and --help everywhere, `--`
 * before operands that begin with a dash. */
enum flag_type {
	FLAG_STRING,	/* const char *, borrowed from argv or the table */
	FLAG_STRINGS,	/* struct string_list: may be given repeatedly */
	FLAG_BOOL,	/* bool */
	FLAG_INT,	/* int64_t */
	FLAG_DURATION,	/* int64_t ms, Prometheus syntax */
	FLAG_WORD,	/* int: index into words[] */
};

struct flag {
	const char *name;		/* "config.file" */
	enum flag_type type;
	size_t offset;			/* in the struct to be filled */
	const char *value;		/* "FILE" in the help; not for BOOL */
	const char *help;		/* one sentence */
	const char *fallback;		/* when not given; NULL: left as is */
	const char *const *words;	/* FLAG_WORD, NULL-terminated */
	bool required;
	bool not_empty;			/* --flag= is refused */
};

struct flag_set {
	const char *command;		/* "serve" */
	const char *summary;		/* a sentence or two for the help */
	const char *operands;		/* "FILE..."; NULL: none are taken */
	const char *example;		/* whole command line */
	const struct flag *flags;
	size_t n;
};

#define FLAG_SET_FLAGS(flags_) \
	.flags = (flags_), .n = sizeof(flags_) / sizeof((flags_)[0])

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* Fills object (zeroed by the caller; release with flags_free()) from
 * argv[1..]; argv[0] is the command's name.  operands_r gets what is no flag
 * (NULL if the set takes none; the list's array is freed by the caller, its
 * strings belong to argv).
 * Returns -1 to go on, else the exit code: EXIT_OK after --help was printed,
 * EXIT_USAGE after an error was printed on stderr.  Nothing needs freeing
 * then. */
int flags_parse(const struct flag_set *set, int argc, char **argv,
    void *object, struct string_list *operands_r);

/* Frees the lists of FLAG_STRINGS. */
void flags_free(const struct flag_set *set, void *object);

/* Prints "rollcall COMMAND: message" and where the help is, on stderr.
 * Returns EXIT_USAGE, for checks that go across flags. */
int flags_usage(const struct flag_set *set, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The help text, 80 columns wide at most. */
void flags_help(const struct flag_set *set, FILE *out);

#endif
