#ifndef DISCOVER_ROSTER_FORMAT_H
#define DISCOVER_ROSTER_FORMAT_H

#include <stdbool.h>
#include <stddef.h>

#include "discover/roster.h"

struct buf;

/* The ways in which `rollcall discover` writes who is registered. */
enum roster_format {
	ROSTER_TABLE, ROSTER_JSON, ROSTER_HOSTS, ROSTER_PROMETHEUS, ROSTER_ENV
};

extern const char *const roster_format_names[];	/* in that order, and NULL */

/* Writes to one place in one format.  width: columns of the terminal that it
 * is, 0 if it is none. */
struct roster_writer;
struct roster_writer *roster_writer_new(enum roster_format f, size_t width);
void roster_writer_free(struct roster_writer *w);	/* NULL is a no-op */

/* The whole list, as a file or a command gets it. */
void roster_write_list(struct roster_writer *w, const struct roster *r,
    struct buf *out);

/* What a run of changes begins with: who is there. */
void roster_write_start(struct roster_writer *w, const struct roster *r,
    struct buf *out);

/* One change.  False if this format has no way to say it: then the whole list
 * is written anew, as at the start. */
bool roster_write_change(struct roster_writer *w, enum roster_change c,
    const struct roster_entry *e, struct buf *out);

/* Why the format leaves it out; NULL: it does not. */
const char *roster_unfit(enum roster_format f, const struct roster_entry *e);

/* The variable of a directory in the format env, "LOGIN_SERVERS"; free it.
 * NULL if nothing in the path makes a name. */
char *roster_env_name(const char *directory);

#endif
