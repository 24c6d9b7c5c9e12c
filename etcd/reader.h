#ifndef ETCD_READER_H
#define ETCD_READER_H

#include "etcd/result.h"
#include "etcd/scan.h"

/* What etcd says of keys, from tokens: an object with action, node and
 * prevNode, and nodes in nodes.  For etcd/decode_*.c alone.  Of members of the
 * same name the first counts; null is as good as absent, but for numbers. */

enum field {
	FIELD_ACTION, FIELD_NODE, FIELD_PREV, FIELD_KEY, FIELD_VALUE,
	FIELD_DIR, FIELD_EXPIRATION, FIELD_TTL, FIELD_CREATED, FIELD_MODIFIED,
	FIELD_NODES,
	FIELD_OTHER, FIELDS = FIELD_OTHER
};

/* An object as far as it has come, nothing judged. */
struct raw {
	union {
		size_t text;		/* of a string, in the scan's buf */
		double number;
	} v[FIELDS];
	uint8_t is[FIELDS];		/* enum scan_token; 0: absent */
	uint8_t field;			/* whose value comes next */
	bool key_has_nul, value_has_nul;
};

/* One that is not at its end yet. */
struct open_node {
	struct raw o;
	unsigned depth;			/* of the scan within it */
	bool in_nodes;			/* its children come now */
	size_t kept;			/* the scan's used before it */
	size_t slot;			/* the user's own */
};

struct reader {
	struct scan scan;
	struct raw top, node, prev;	/* whole at SCAN_END */
	bool is_object;			/* and not some other value */
	struct open_node *open, few[3];	/* the path to where it is */
	size_t n, cap;

	/* For a listing; NULL: children are passed over.  Each node below the
	 * top one: when its children begin to come (if it may have any), when
	 * it is whole (its strings are forgotten then); and what stands in
	 * place of a node and is no object. */
	void (*on_nodes)(struct reader *r, struct open_node *o);
	void (*on_node)(struct reader *r, struct open_node *o);
	void (*on_other)(struct reader *r);
	void *arg;
};

/* Takes over a scan that was initialised; reader_free() frees both. */
void reader_init(struct reader *r);

/* As far as the text goes: SCAN_MORE, SCAN_ERROR or SCAN_END. */
enum scan_token reader_run(struct reader *r);
void reader_free(struct reader *r);

/* --- what the objects mean: 0, or -1 with e --- */

bool raw_has(const struct raw *o, enum field f);	/* and it is not null */
int raw_action(const struct raw *o, const char *buf,
    enum etcd_action *action_r, struct err *e);
int raw_object(const struct raw *o, enum field f, struct err *e);
int raw_opt_str(const struct raw *o, enum field f, const char *buf,
    const char **v_r, struct err *e);
int raw_opt_bool(const struct raw *o, enum field f, bool *v_r, struct err *e);

/* Every node but the root has a key and both indexes.  Strings are buf's. */
int raw_node(const struct raw *o, const char *buf, struct etcd_node *n,
    struct err *e);

#endif
