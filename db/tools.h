#ifndef DB_TOOLS_H
#define DB_TOOLS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct err;

/* Looking after a database from outside of a daemon: what `rollcall db` does.
 * All of it blocks; progress (or NULL) is told the share done, 0 to 1. */
struct tool_progress {
	void (*fn)(double share, void *arg);
	void *arg;
};

/* Set by whoever wants an end of it, a signal handler too: what runs fails soon
 * and takes away what it made. */
extern volatile sig_atomic_t tool_stopping;

/* Copies the database, beside a daemon that writes or not, as it is at one
 * moment.  The copy appears under its name when it is whole.  An existing file
 * is replaced only if told so.  0, or -1 with e. */
int tool_backup(const char *path, const char *to, bool replace,
    const struct tool_progress *progress, struct err *e);

struct tool_summary {
	int64_t instances, stays, watched_from, watched_to;
	int64_t bytes;			/* with the write-ahead log */
	int64_t wrong;			/* how many things are */
};

/* Checks that the file is sound (sqlite's integrity_check) and that its rows
 * agree with each other; calls found for each thing that is wrong.  0 when it
 * was checked, whatever came out; -1 with e. */
int tool_check(const char *path, void (*found)(const char *what, void *arg),
    void *arg, struct tool_summary *summary_r, struct err *e);

/* Writes all rows as lines of JSON (docs/HISTORY.md, Export).  *rows_r counts
 * them.  0, or -1 with e. */
int tool_export(const char *path, FILE *out,
    const struct tool_progress *progress, int64_t *rows_r, struct err *e);

/* Reads what tool_export() wrote into a database that is new or empty; all of
 * it or nothing.  name is the input's, for errors.  0, or -1 with e. */
int tool_import(const char *path, FILE *in, const char *name,
    int64_t *rows_r, struct err *e);

/* Writes the file anew without free pages.  Refused while a daemon has it.
 * Sizes are with the write-ahead log. */
int tool_vacuum(const char *path, int64_t *before_r, int64_t *after_r,
    struct err *e);

#endif
