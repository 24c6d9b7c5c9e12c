/* Answers about one key: what a watch tells, what a reader or writer gets.
 * Decoded in the body itself, without a tree and without allocating: a busy
 * directory tells thousands a second.  An event is taken whole or not at all.
 * Called by etcd/decode.c. */
#include "etcd/decode_impl.h"

#include "etcd/reader.h"

static int read_event(const struct reader *r, struct etcd_event *v,
    struct err *e)
{
	const char *buf = r->scan.buf;

	if (raw_action(&r->top, buf, &v->action, e) < 0 ||
	    raw_object(&r->top, FIELD_NODE, e) < 0 ||
	    raw_node(&r->node, buf, &v->node, e) < 0)
		return -1;
	v->has_prev = raw_has(&r->top, FIELD_PREV);
	if (!v->has_prev)
		return 0;
	if (raw_object(&r->top, FIELD_PREV, e) < 0)
		return -1;
	if (raw_node(&r->prev, buf, &v->prev, e) < 0)
		return err_prefix(e, "prevNode");
	return 0;
}

/* The root comes without a key and without indexes. */
static int read_root(const struct reader *r, struct etcd_event *v,
    struct err *e)
{
	v->node.key = "/";
	if (raw_action(&r->top, r->scan.buf, &v->action, e) < 0)
		return -1;
	return raw_opt_bool(&r->node, FIELD_DIR, &v->node.dir, e);
}

static const struct etcd_event nothing = {
	.node = { .key = "", .value = "" },
	.prev = { .key = "", .value = "" },
};

static int read_watched(const struct reader *r, const char *base,
    struct etcd_event *v, struct err *e)
{
	(void)base;
	return read_event(r, v, e);
}

/* With noValueOnSuccess there is nothing but the action. */
static int read_asked(const struct reader *r, const char *base,
    struct etcd_event *v, struct err *e)
{
	bool object = r->top.is[FIELD_NODE] == SCAN_OBJECT;

	if (!raw_has(&r->top, FIELD_NODE))
		return raw_action(&r->top, r->scan.buf, &v->action, e);
	if (base[0] == '\0' && object && !raw_has(&r->node, FIELD_KEY))
		return read_root(r, v, e);
	return read_event(r, v, e);
}

static int decode(char *body, size_t len, const char *base,
    struct etcd_event *v, int (*read)(const struct reader *r,
    const char *base, struct etcd_event *v, struct err *e), struct err *e)
{
	struct reader r;
	int rc = -1;

	*v = nothing;
	scan_in_place(&r.scan, body, len);
	reader_init(&r);
	if (reader_run(&r) == SCAN_ERROR)
		err_set(e, "%s", r.scan.why.text);
	else if (!r.is_object)
		err_set(e, "the answer is not a JSON object");
	else
		rc = read(&r, base, v, e);
	reader_free(&r);
	return rc;
}

int decode_event(char *body, size_t len, const char *base,
    struct etcd_result *r, struct err *e)
{
	return decode(body, len, base, &r->event, read_watched, e);
}

int decode_key(char *body, size_t len, const char *base,
    struct etcd_result *r, struct err *e)
{
	return decode(body, len, base, &r->event, read_asked, e);
}
