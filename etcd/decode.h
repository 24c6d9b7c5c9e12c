#ifndef ETCD_DECODE_H
#define ETCD_DECODE_H

#include <stddef.h>

#include "etcd/result.h"

/* From an answer's bytes to structs, without any I/O: what the tests feed
 * with recorded, cut and garbled answers. */

/* Decodes an answer of this kind: r->status, r->meta are set by the caller;
 * kind, outcome, error_code, text and the union are set here.  content_type may
 * be NULL.  body[0..len) is modified.  base is the key or directory that was
 * asked for, NULL where there is none.  The result's strings live in the body
 * and in what is returned; free that with etcd_decoded_free(), NULL is fine. */
struct etcd_decoded *etcd_decode(enum etcd_kind kind, const char *base,
    const char *content_type, char *body, size_t len, struct etcd_result *r);
void etcd_decoded_free(struct etcd_decoded *d);

/* The body of a listing, a 200, in pieces as it arrives.  fn is called for each
 * node below base as soon as it is whole, a directory behind what is in it; its
 * strings live only during the call.  Nothing is certain of the listing before
 * its end.  With fn NULL all nodes come at the end, as etcd_decode() has
 * them. */
struct etcd_arriving;
struct etcd_arriving *etcd_arriving_new(const char *base, etcd_on_node *fn,
    void *arg);
void etcd_arriving_feed(struct etcd_arriving *a, const char *bytes, size_t n);
/* Sets r as etcd_decode() does, and frees a.  Where nodes were told, listing.v
 * is NULL and listing.n 0. */
struct etcd_decoded *etcd_arriving_end(struct etcd_arriving *a,
    const char *base, struct etcd_result *r);
void etcd_arriving_free(struct etcd_arriving *a);	/* NULL is a no-op */

/* Copies what quotes a server or a key into a text for people: one line, valid
 * UTF-8, cut to size. */
void decode_text(char *to, size_t size, const char *text);

#endif
