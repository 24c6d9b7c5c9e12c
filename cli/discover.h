#ifndef CLI_DISCOVER_H
#define CLI_DISCOVER_H

struct discover_flags;
struct etcd_access;

/* The two ways of `rollcall discover`; each returns the exit code after saying
 * what failed. */

/* Lists, writes the list, and ends. */
int discover_once(const struct discover_flags *f,
    const struct etcd_access *a);

/* Writes the list and each change until SIGTERM or SIGINT, whatever etcd
 * does. */
int discover_watch(const struct discover_flags *f,
    const struct etcd_access *a);

/* --- what both need --- */

struct etcd_result;
struct roster;
struct roster_entry;

/* A descriptor of signals that etcd_access_open() has blocked, those that end
 * a program and SIGCHLD; -1 after saying why not. */
int discover_signals(void);

/* Warns if the format leaves this instance out. */
void discover_warn_unfit(const struct discover_flags *f,
    const struct roster_entry *e);

/* Columns of the terminal that standard output is, 0 if it is none. */
unsigned discover_width(void);

/* Says on standard error which directories are empty, where the format says it
 * only by saying nothing. */
void discover_say_empty(const struct discover_flags *f,
    const struct roster *r);

#endif
