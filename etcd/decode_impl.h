#ifndef ETCD_DECODE_IMPL_H
#define ETCD_DECODE_IMPL_H

#include <cjson/cJSON.h>

#include "core/err.h"
#include "etcd/decode.h"

/* Shared by the decoders, one file per family of answers; for etcd/decode*.c
 * alone. */

struct etcd_block;

/* What the strings of a result live in, other than the body. */
struct etcd_decoded {
	cJSON *root;
	struct etcd_node *nodes;	/* of a listing */
	struct etcd_block *blocks;	/* and their strings */
};

/* Each fills its part of r from the object `root` of a 200.  0, or -1 with
 * e. */
typedef int decode_fn(const cJSON *root, struct etcd_result *r,
    struct err *e);

decode_fn decode_health, decode_version, decode_members, decode_leader;
decode_fn decode_stats_self, decode_stats_leader, decode_stats_store;
decode_fn decode_added;

/* The same from the body, in which the strings of r are then; base is the key
 * that was asked about, "" for the root. */
typedef int decode_body_fn(char *body, size_t len, const char *base,
    struct etcd_result *r, struct err *e);

decode_body_fn decode_event, decode_key;

/* The end of a listing's body: fills r->listing, whose memory passes to d. */
int decode_arrived(struct etcd_arriving *a, struct etcd_decoded *d,
    struct etcd_result *r, struct err *e);
bool decode_arrived_any(const struct etcd_arriving *a);	/* byte of it */
void decode_free_blocks(struct etcd_block *b);

#endif
