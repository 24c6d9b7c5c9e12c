#ifndef DISCOVER_STDOUT_H
#define DISCOVER_STDOUT_H

#include <stdbool.h>

struct buf;
struct loop;

/* Standard output of a program on a loop: written in a thread, so that nobody
 * waits for whoever reads it. */
struct discover_stdout;

/* ended(): it cannot be written to any more, and why, for people; once.  If
 * it is a pipe, that its reader has gone is noticed at once. */
struct discover_stdout *discover_stdout_new(struct loop *l,
    void (*ended)(void *arg, const char *why), void *arg);

/* Before the loop is freed.  NULL is a no-op. */
void discover_stdout_free(struct discover_stdout *s);

/* Takes the bytes, at most 1 GiB, and writes them after those before.  More
 * than 64 MiB that wait because nobody reads are the end. */
void discover_stdout_add(struct discover_stdout *s, const struct buf *bytes);

/* True if all that was added is written. */
bool discover_stdout_idle(const struct discover_stdout *s);

#endif
