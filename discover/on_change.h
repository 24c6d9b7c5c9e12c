#ifndef DISCOVER_ON_CHANGE_H
#define DISCOVER_ON_CHANGE_H

#include <stdint.h>

struct buf;
struct loop;

/* Runs a command of the shell when something has changed: once it has been
 * quiet for a while, or ten times that after the first change; never twice at
 * a time.  What changes while it runs makes it run once more. */
struct on_change;

struct on_change_options {
	const char *command;		/* for /bin/sh -c */
	int64_t quiet_ms;
	const char *output;		/* its ROLLCALL_OUTPUT; NULL: none */
	void (*render)(void *arg, struct buf *out);	/* its stdin */
	void *arg;
};

/* SIGCHLD must be blocked, and the strings outlive it. */
struct on_change *on_change_new(struct loop *l,
    const struct on_change_options *o);

/* A command that runs goes on.  NULL is a no-op. */
void on_change_free(struct on_change *c);

void on_change_changed(struct on_change *c);

/* SIGCHLD has come. */
void on_change_reap(struct on_change *c);

#endif
