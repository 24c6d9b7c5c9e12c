#ifndef CLI_DAEMON_H
#define CLI_DAEMON_H

struct config;
struct err;
struct notify_config;
struct serve_flags;

/* The running program: all parts made, joined and started in order, and ended
 * in reverse. */
struct daemon;

/* Makes and starts everything.  Takes n (may be NULL) and a reference of c.
 * Signals must be blocked already.  NULL with e; nothing is left running
 * then. */
struct daemon *daemon_start(const struct serve_flags *f, struct config *c,
    struct notify_config *n, struct err *e);

/* Runs until SIGTERM or SIGINT; SIGHUP reloads the configuration. */
void daemon_run(struct daemon *d);

/* Ends everything within 5 s and frees. */
void daemon_stop(struct daemon *d);

#endif
