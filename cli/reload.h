#ifndef CLI_RELOAD_H
#define CLI_RELOAD_H

struct config;
struct notify_config;
struct problems;
struct serve_flags;

/* Reads what the command line names: the file and its notify file, or a
 * configuration from flags alone.  0 with *c_r and *n_r (NULL: none) set, or
 * -1 with problems.  Blocks: not on the loop. */
int reload_read(const struct serve_flags *f, struct config **c_r,
    struct notify_config **n_r, struct problems *p);

/* Logs what a configuration comes to: file, database, how much is watched,
 * who is told.  n may be NULL. */
void reload_log(const char *msg, const struct serve_flags *f,
    const struct config *c, const struct notify_config *n);

#endif
