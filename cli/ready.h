#ifndef CLI_READY_H
#define CLI_READY_H

struct err;
struct loop;

/* Waits until something accepts TCP connections at an address. */
struct ready;

/* Whether it is HOST:PORT, [IPv6]:PORT; -1 with e. */
int ready_check(const char *address, struct err *e);

/* Calls accepted() once, on a later turn of the loop.  The address is one that
 * ready_check() has taken. */
struct ready *ready_new(struct loop *l, const char *address,
    void (*accepted)(void *arg), void *arg);

/* Also inside accepted().  NULL is a no-op. */
void ready_free(struct ready *r);

#endif
