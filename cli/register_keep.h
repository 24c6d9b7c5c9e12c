#ifndef CLI_REGISTER_KEEP_H
#define CLI_REGISTER_KEEP_H

#include <stddef.h>
#include <stdint.h>

struct etcd_client;
struct register_plan;

/* The registrations of one `rollcall register`, and what is logged of them. */
struct register_keep;

/* Registers them all.  changed() is called, on a later turn of the loop, when
 * one is refused or has ended. */
struct register_keep *register_keep_new(struct etcd_client *c,
    const struct register_plan *p, void (*changed)(void *arg), void *arg);

/* Deregisters them; all have ended within that time. */
void register_keep_leave(struct register_keep *k, int64_t deadline_ms);

/* Those still under way leave their keys to run out.  NULL is a no-op; not
 * inside changed(). */
void register_keep_free(struct register_keep *k);

/* How many there still are, and how many were refused. */
size_t register_keep_alive(const struct register_keep *k);
size_t register_keep_refused(const struct register_keep *k);

#endif
