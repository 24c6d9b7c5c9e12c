/* What the objects of an answer about keys mean: each member's type is checked,
 * and every wrong one becomes one line that names it.  Called by
 * etcd/decode_keys.c and etcd/decode_listing.c. */
#include <string.h>

#include "core/json.h"
#include "core/timefmt.h"
#include "etcd/reader.h"

static const char *const names[FIELDS] = {
	[FIELD_ACTION] = "action", [FIELD_NODE] = "node",
	[FIELD_PREV] = "prevNode", [FIELD_KEY] = "key",
	[FIELD_VALUE] = "value", [FIELD_DIR] = "dir",
	[FIELD_EXPIRATION] = "expiration", [FIELD_TTL] = "ttl",
	[FIELD_CREATED] = "createdIndex", [FIELD_MODIFIED] = "modifiedIndex",
	[FIELD_NODES] = "nodes",
};

bool raw_has(const struct raw *o, enum field f)
{
	return o->is[f] != SCAN_NOTHING && o->is[f] != SCAN_NULL;
}

static int wrong(const struct raw *o, enum field f, const char *type,
    struct err *e)
{
	if (!raw_has(o, f))
		return err_set(e, "\"%s\" is missing", names[f]);
	return err_set(e, "\"%s\" is not %s", names[f], type);
}

int raw_object(const struct raw *o, enum field f, struct err *e)
{
	return o->is[f] == SCAN_OBJECT ? 0 : wrong(o, f, "an object", e);
}

static int need_str(const struct raw *o, enum field f, const char *buf,
    const char **v_r, struct err *e)
{
	if (o->is[f] != SCAN_STRING)
		return wrong(o, f, "a string", e);
	*v_r = buf + o->v[f].text;
	return 0;
}

int raw_opt_str(const struct raw *o, enum field f, const char *buf,
    const char **v_r, struct err *e)
{
	*v_r = "";
	return raw_has(o, f) ? need_str(o, f, buf, v_r, e) : 0;
}

int raw_opt_bool(const struct raw *o, enum field f, bool *v_r, struct err *e)
{
	*v_r = o->is[f] == SCAN_TRUE;
	if (!raw_has(o, f) || *v_r || o->is[f] == SCAN_FALSE)
		return 0;
	return wrong(o, f, "true or false", e);
}

/* Unlike elsewhere, null is no number. */
static int whole(const struct raw *o, enum field f, double min, struct err *e)
{
	if (o->is[f] != SCAN_NUMBER)
		return err_set(e, "\"%s\" is not a number", names[f]);
	return json_whole(names[f], o->v[f].number, min, e);
}

static int need_u64(const struct raw *o, enum field f, uint64_t *v_r,
    struct err *e)
{
	if (o->is[f] == SCAN_NOTHING)
		return wrong(o, f, NULL, e);
	if (whole(o, f, 0, e) < 0)
		return -1;
	*v_r = (uint64_t)o->v[f].number;
	return 0;
}

static int opt_i64(const struct raw *o, enum field f, int64_t *v_r,
    struct err *e)
{
	if (o->is[f] == SCAN_NOTHING)
		return 0;
	if (whole(o, f, -JSON_MAX_EXACT, e) < 0)
		return -1;
	*v_r = (int64_t)o->v[f].number;
	return 0;
}

static int opt_time(const struct raw *o, enum field f, const char *buf,
    struct etcd_node *n, struct err *e)
{
	const char *text = "";

	n->has_expiration = raw_has(o, f);
	if (!n->has_expiration)
		return 0;
	if (need_str(o, f, buf, &text, e) < 0)
		return -1;
	if (timefmt_parse_rfc3339(text, &n->expiration, e) < 0)
		return err_prefix(e, "\"%s\"", names[f]);
	return 0;
}

int raw_node(const struct raw *o, const char *buf, struct etcd_node *n,
    struct err *e)
{
	*n = (struct etcd_node){ .key = "", .value = "" };
	if (need_str(o, FIELD_KEY, buf, &n->key, e) < 0)
		return -1;
	if (n->key[0] != '/')
		return err_set(e, "key \"%.60s\" does not begin with /",
		    n->key);
	if (raw_opt_str(o, FIELD_VALUE, buf, &n->value, e) < 0 ||
	    raw_opt_bool(o, FIELD_DIR, &n->dir, e) < 0 ||
	    opt_time(o, FIELD_EXPIRATION, buf, n, e) < 0 ||
	    opt_i64(o, FIELD_TTL, &n->ttl, e) < 0 ||
	    need_u64(o, FIELD_CREATED, &n->created_index, e) < 0 ||
	    need_u64(o, FIELD_MODIFIED, &n->modified_index, e) < 0)
		return err_prefix(e, "key %.60s", n->key);
	n->key_has_nul = o->key_has_nul;
	n->value_has_nul = o->value_has_nul;
	return 0;
}

/* --- the action --- */

static const struct {
	const char *name;
	enum etcd_action action;
} actions[] = {
	{ "get", ETCD_GET },
	{ "set", ETCD_SET },
	{ "create", ETCD_CREATE },
	{ "update", ETCD_UPDATE },
	{ "delete", ETCD_DELETE },
	{ "compareAndSwap", ETCD_COMPARE_AND_SWAP },
	{ "compareAndDelete", ETCD_COMPARE_AND_DELETE },
	{ "expire", ETCD_EXPIRE },
};

int raw_action(const struct raw *o, const char *buf,
    enum etcd_action *action_r, struct err *e)
{
	const char *name = "";

	if (need_str(o, FIELD_ACTION, buf, &name, e) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (strcmp(actions[i].name, name) == 0) {
			*action_r = actions[i].action;
			return 0;
		}
	return err_set(e, "unknown action \"%.40s\"", name);
}
