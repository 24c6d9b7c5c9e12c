#ifndef ETCD_DECODE_H
#define ETCD_DECODE_H

#include <stddef.h>

#include "etcd/result.h"

/* From an answer's bytes to structs, without any I/O: what the tests feed
 * with recorded, cut and garbled answers. */

/* Decodes an answer of this kind: r->status, r->meta are set by the caller;
 * kind, outcome, error_code, text and the union are set here.  content_type may
 * be NULL.  body[0..len) is modified.  base is the key or directory that was
 * asked for, NULL where there is none.  Returns what the result's strings live
 * in; free with etcd_decoded_free(), NULL is fine. */
struct etcd_decoded *etcd_decode(enum etcd_kind kind, const char *base,
    const char *content_type, char *body, size_t len, struct etcd_result *r);
void etcd_decoded_free(struct etcd_decoded *d);

/* Copies what quotes a server or a key into a text for people: one line, valid
 * UTF-8, cut to size. */
void decode_text(char *to, size_t size, const char *text);

#endif
