/* What the numbers of a result are called, and how its text is turned into
 * bytes.  Called by whoever shows a result. */
#include "etcd/result.h"

#include <string.h>

#include "core/xalloc.h"

static const char *const outcomes[] = {
	[ETCD_OK] = "ok", [ETCD_EMPTY] = "empty", [ETCD_REFUSED] = "refused",
	[ETCD_ERROR] = "error", [ETCD_UNAUTHORIZED] = "unauthorized",
	[ETCD_NO_V2] = "no_v2", [ETCD_FAILED] = "failed", [ETCD_BAD] = "bad",
	[ETCD_INVALID] = "invalid",
};

static const char *const actions[] = {
	[ETCD_GET] = "get", [ETCD_SET] = "set", [ETCD_CREATE] = "create",
	[ETCD_UPDATE] = "update", [ETCD_DELETE] = "delete",
	[ETCD_COMPARE_AND_SWAP] = "compareAndSwap",
	[ETCD_COMPARE_AND_DELETE] = "compareAndDelete",
	[ETCD_EXPIRE] = "expire",
};

static const struct {
	enum etcd_error_code code;
	const char *name;
} errors[] = {
	{ ETCD_KEY_NOT_FOUND, "key_not_found" },
	{ ETCD_COMPARE_FAILED, "compare_failed" },
	{ ETCD_NOT_A_FILE, "not_a_file" },
	{ ETCD_NOT_A_DIRECTORY, "not_a_directory" },
	{ ETCD_ALREADY_EXISTS, "already_exists" },
	{ ETCD_ROOT_READ_ONLY, "root_read_only" },
	{ ETCD_DIRECTORY_NOT_EMPTY, "directory_not_empty" },
	{ ETCD_NO_PERMISSION, "no_permission" },
	{ ETCD_PREV_VALUE_EMPTY, "prev_value_empty" },
	{ ETCD_TTL_INVALID, "ttl_invalid" },
	{ ETCD_INDEX_INVALID, "index_invalid" },
	{ ETCD_FIELD_INVALID, "field_invalid" },
	{ ETCD_FORM_INVALID, "form_invalid" },
	{ ETCD_REFRESH_WITH_VALUE, "refresh_with_value" },
	{ ETCD_REFRESH_WITHOUT_TTL, "refresh_without_ttl" },
	{ ETCD_RAFT_INTERNAL, "raft_internal" },
	{ ETCD_INDEX_CLEARED, "index_cleared" },
};

const char *etcd_outcome_name(enum etcd_outcome o)
{
	return (unsigned)o <= ETCD_INVALID ? outcomes[o] : "unknown";
}

const char *etcd_action_name(enum etcd_action a)
{
	return (unsigned)a <= ETCD_EXPIRE ? actions[a] : "unknown";
}

const char *etcd_error_name(int code)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if ((int)errors[i].code == code)
			return errors[i].name;
	return "unknown";
}

char *etcd_unescape_nul(const char *text, size_t *len_r)
{
	char *bytes = xstrdup(text), *to = bytes;

	for (; *text; text++) {
		bool nul = !strncmp(text, "\xc0\x80", 2);

		*to++ = nul ? '\0' : *text;
		text += nul;
	}
	*to = '\0';
	*len_r = (size_t)(to - bytes);
	return bytes;
}
