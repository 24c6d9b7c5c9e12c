#ifndef ETCD_CLIENT_H
#define ETCD_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "etcd/etcd.h"

/* A cluster of etcd, asked through whichever of its members answers: on a
 * loop (etcd_send), or blocking, for small programs (etcd_do).
 *
 *	struct etcd_client *c = etcd_open("http://127.0.0.1:2379", NULL, &e);
 *	const struct etcd_result *r = etcd_do(c, etcd_get("/foo"));
 *
 *	if (r->outcome == ETCD_OK)
 *		puts(r->event.node.value);
 *	else
 *		fprintf(stderr, "%s\n", r->text);
 *	etcd_close(c);
 *
 * Failover: a request that certainly was not carried out (no connection, no
 * v2) goes to the next member; one of which nobody knows (deadline, connection
 * lost, raft's error) only if carrying it out twice changes nothing: reads, and
 * refreshes and writes without a condition or with the one that the key exists.
 * (Such a write that a hung member carries out late undoes what was written
 * since; prev_index is the cure, and makes it one that is not sent again.)
 * Each member is asked once at most, but for a watch, whose polls go on until
 * its deadline; the one that answered is asked first the next time, and is
 * named in result.endpoint. */
struct etcd_client;

struct etcd_options {
	const struct http_config *http;	/* NULL: plain; must outlive it */
	int64_t deadline_ms;		/* of a request, failover and all;
					   0: 10000, etcd itself gives up a
					   write after 7 s */
	int64_t attempt_ms;		/* at one member; 0: an equal share
					   of the deadline, >= 1 s */
};

/* endpoints: URLs of members with commas between.  o may be NULL.  NULL with e
 * naming the URL that is wrong.  The client has a loop of its own and is used
 * by one thread at a time. */
struct etcd_client *etcd_open(const char *endpoints,
    const struct etcd_options *o, struct err *e);

/* The same on a loop of yours, for etcd_send() alone. */
struct etcd_client *etcd_open_on(struct loop *l, const char *const *urls,
    size_t n, const struct etcd_options *o, struct err *e);

/* Requests under way end without their callbacks.  NULL is a no-op. */
void etcd_close(struct etcd_client *c);

/* Asks, and waits for the answer.  Its strings live until the next request of
 * this client. */
const struct etcd_result *etcd_do(struct etcd_client *c,
    struct etcd_request r);

/* Asks; ends with done(), exactly once, on a later turn of the loop.  At most
 * 64 are under way at a time, watches not counted; the others wait their turn,
 * and their deadline begins with it.  The request's strings are copied. */
struct etcd_ask;
struct etcd_ask *etcd_send(struct etcd_client *c,
    const struct etcd_request *r, etcd_done *done, void *arg);

/* The same with a deadline of its own. */
struct etcd_ask *etcd_send_within(struct etcd_client *c,
    const struct etcd_request *r, int64_t deadline_ms, etcd_done *done,
    void *arg);

/* Ends it without its callback; etcd may carry it out all the same.  NULL is a
 * no-op.  Not inside its own done(). */
void etcd_unsend(struct etcd_ask *a);

struct loop *etcd_client_loop(struct etcd_client *c);
size_t etcd_client_count(const struct etcd_client *c);

/* For whoever picks members himself (etcd/follow.c): the one in favour, and
 * word that this one failed, on which the next is. */
struct etcd_target etcd_client_target(const struct etcd_client *c);
void etcd_client_failed(struct etcd_client *c, const char *url);

#endif
