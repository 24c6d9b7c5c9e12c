#ifndef ETCD_DECODE_IMPL_H
#define ETCD_DECODE_IMPL_H

#include <cjson/cJSON.h>

#include "core/err.h"
#include "etcd/decode.h"

/* Shared by the decoders, one file per family of answers; for etcd/decode*.c
 * alone. */

/* What the strings of a result live in. */
struct etcd_decoded {
	cJSON *root;
	struct etcd_node *nodes;	/* of a listing */
};

/* Each fills its part of r from the object `root` of a 200; base is the
 * directory asked for (listings only).  0, or -1 with e. */
typedef int decode_fn(const cJSON *root, const char *base,
    struct etcd_decoded *d, struct etcd_result *r, struct err *e);

decode_fn decode_health, decode_version, decode_members, decode_leader;
decode_fn decode_stats_self, decode_stats_leader, decode_stats_store;
decode_fn decode_listing, decode_event, decode_key, decode_added;

#endif
