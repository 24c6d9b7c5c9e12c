/* From JSON to what it asks for, by one table of keys for each kind of body.
 * Strict: a key nobody knows is more likely a typing error than of no
 * matter.  Called by admin.c. */
#include "exporter/admin_body.h"

#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/json.h"
#include "core/options.h"
#include "core/timefmt.h"
#include "core/xalloc.h"

enum { NAME_BYTES = 4096, COMMENT_BYTES = 1024, KEYS_MAX = 8 };

#define LONGEST_MS (INT64_C(366) * 24 * 3600 * 1000)

enum key_type { KEY_TEXT, KEY_LENGTH, KEY_BOOL };

struct key {
	const char *name;
	enum key_type type;
	size_t offset;
	bool required;
	size_t max;			/* bytes of a text */
};

#define K(name, type, member, ...) \
	{ name, type, offsetof(struct window, member), __VA_ARGS__ }

static const struct key start_keys[] = {
	K("cluster", KEY_TEXT, cluster, false, NAME_BYTES),
	K("comment", KEY_TEXT, comment, false, COMMENT_BYTES),
	K("created_by", KEY_TEXT, created_by, false, COMMENT_BYTES),
	K("end_when_back", KEY_BOOL, end_when_back, false, 0),
	K("for", KEY_LENGTH, to, true, 0),
	K("instance", KEY_TEXT, instance, false, NAME_BYTES),
	K("service", KEY_TEXT, service, true, NAME_BYTES),
};

static const struct key forget_keys[] = {
	K("cluster", KEY_TEXT, cluster, false, NAME_BYTES),
	K("instance", KEY_TEXT, instance, true, NAME_BYTES),
	K("service", KEY_TEXT, service, true, NAME_BYTES),
};

static void *member(struct window *w, const struct key *k)
{
	return (char *)w + k->offset;
}

static int take_text(struct window *w, const struct key *k,
    const cJSON *item, struct err *e)
{
	const char *text = cJSON_IsString(item) ? item->valuestring : NULL;

	if (text == NULL)
		return err_set(e, "\"%s\" must be a string", k->name);
	if (json_has_nul(text) || strlen(text) > k->max)
		return err_set(e, "\"%s\" must have no NUL and at most %zu "
		    "bytes", k->name, k->max);
	if (text[0] == '\0' && k->required)
		return err_set(e, "\"%s\" must not be empty", k->name);
	if (text[0] != '\0') {
		char *copy = xstrdup(text);

		memcpy(member(w, k), &copy, sizeof(copy));
	}
	return 0;
}

static int take_length(struct window *w, const struct key *k,
    const cJSON *item, struct err *e)
{
	wall_t *to = member(w, k);

	if (!cJSON_IsString(item))
		return err_set(e, "\"%s\" must be a duration such as \"1h\"",
		    k->name);
	if (timefmt_parse_duration(item->valuestring, &to->ms, e) != 0)
		return err_prefix(e, "\"%s\"", k->name);
	if (to->ms < 1000 || to->ms > LONGEST_MS)
		return err_set(e, "\"%s\" must be from 1s to 366d", k->name);
	return 0;
}

static int take_bool(struct window *w, const struct key *k,
    const cJSON *item, struct err *e)
{
	bool *to = member(w, k);

	if (!cJSON_IsBool(item))
		return err_set(e, "\"%s\" must be true or false", k->name);
	*to = cJSON_IsTrue(item);
	return 0;
}

static int unknown(const struct key *keys, size_t n, const char *name,
    struct err *e)
{
	const char *names[KEYS_MAX], *near;

	for (size_t i = 0; i < n; i++)
		names[i] = keys[i].name;
	near = options_nearest(name, names, n);
	return err_set(e, "unknown key \"%.100s\"%s%s%s", name,
	    near ? " (did you mean \"" : "", near ? near : "",
	    near ? "\"?)" : "");
}

static int take(struct window *w, const struct key *keys, size_t n,
    const cJSON *item, bool *seen, struct err *e)
{
	static int (*const by_type[])(struct window *, const struct key *,
	    const cJSON *, struct err *) = {
		[KEY_TEXT] = take_text,
		[KEY_LENGTH] = take_length,
		[KEY_BOOL] = take_bool,
	};

	for (size_t i = 0; i < n; i++) {
		if (strcmp(keys[i].name, item->string) != 0)
			continue;
		if (seen[i])
			return err_set(e, "\"%s\" is given twice",
			    keys[i].name);
		seen[i] = true;
		if (cJSON_IsNull(item) && !keys[i].required)
			return 0;
		return by_type[keys[i].type](w, &keys[i], item, e);
	}
	return unknown(keys, n, item->string, e);
}

static int read_object(struct window *w, const struct key *keys, size_t n,
    const cJSON *tree, struct err *e)
{
	bool seen[KEYS_MAX] = { false };
	const cJSON *item;

	if (!cJSON_IsObject(tree))
		return err_set(e, "the body must be a JSON object");
	cJSON_ArrayForEach(item, tree)
		if (take(w, keys, n, item, seen, e) != 0)
			return -1;
	for (size_t i = 0; i < n; i++)
		if (keys[i].required && !seen[i])
			return err_set(e, "\"%s\" is missing", keys[i].name);
	return 0;
}

static int read_body(struct window *w, const struct key *keys, size_t n,
    const char *body, size_t len, struct err *e)
{
	char *copy = xstrndup(body, len);
	cJSON *tree = json_parse(copy, len, e);
	int rc = tree != NULL ? read_object(w, keys, n, tree, e) : -1;

	cJSON_Delete(tree);
	free(copy);
	return rc;
}

#define READ(keys) \
	read_body(w, keys, sizeof(keys) / sizeof((keys)[0]), body, len, e)

int admin_body_start(struct window *w, const char *body, size_t len,
    struct err *e)
{
	return READ(start_keys);
}

int admin_body_forget(struct window *w, const char *body, size_t len,
    struct err *e)
{
	return READ(forget_keys);
}
