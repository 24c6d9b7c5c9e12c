#ifndef EXPORTER_SCRAPE_H
#define EXPORTER_SCRAPE_H

#include <stdbool.h>

#include "exporter/routes.h"

struct MHD_Connection;

/* Long answers, written one after the other by a thread of their own, which is
 * started with the first, while the connections that asked for them sleep. */
struct scrapes;

/* write(arg, q, r) answers, in that thread, or in the caller's if there can be
 * no more. */
struct scrapes *scrapes_new(void (*write)(void *arg, struct request *q,
    struct reply *r_r), void *arg);

/* A connection whose request has a long answer.  q is copied, what it points to
 * is the connection's. */
struct scrape;

struct scrape *scrape_new(struct scrapes *s, struct MHD_Connection *c,
    const struct request *q);
void scrape_free(void *scrape);		/* it does not sleep */

/* True with r: that is the answer; false: the connection sleeps, and this is
 * called once more. */
bool scrape_answer(struct scrape *one, struct reply *r_r);

/* Wakes who waits, and waits for the end of the answer being written. */
void scrapes_stop(struct scrapes *s);
/* After that, and when every scrape is freed.  NULL is a no-op. */
void scrapes_free(struct scrapes *s);

#endif
