/* core/json.h on any bytes: whatever is accepted is walked over, read member
 * by member, written again and parsed to the same tree. */
#include "tests/fuzz/fuzz.h"

#include <math.h>

#include "core/buf.h"
#include "core/err.h"
#include "core/json.h"

enum { MAX_PRINT = 1 << 24, MAX_ASKED = 16 };

static const double exact = 9007199254740992.0;	/* 2^53 */

static void check_numbers(const cJSON *object, const char *name)
{
	int64_t i = 0;
	uint64_t u = 0;
	double d = 0;
	struct err e;

	if (json_double(object, name, &d))
		MUST(isfinite(d));
	if (json_u64(object, name, &u, &e) == 1)
		MUST((double)u <= exact && (double)u == d);
	if (json_i64(object, name, &i, &e) == 1)
		MUST((double)i <= exact && (double)i >= -exact &&
		    (double)i == d);
}

static void check_members(const cJSON *object)
{
	const cJSON *item;
	const char *text;
	size_t asked = 0;

	cJSON_ArrayForEach(item, object) {
		if (asked++ == MAX_ASKED)
			return;
		MUST(is_text(item->string));
		check_numbers(object, item->string);
		text = json_str(object, item->string);
		MUST(!text || is_text(text));
		json_bool(object, item->string, false);
		MUST(json_has_nul(item->string) ==
		    (strstr(item->string, "\xc0\x80") != NULL));
	}
}

/* Adds the tree as text and returns how many values it has.  As deep as the
 * tree, which json_parse() limits. */
static size_t write_tree(struct buf *b, const cJSON *t, unsigned depth)
{
	bool object = cJSON_IsObject(t), list = cJSON_IsArray(t);
	const cJSON *item;
	size_t n = 1;

	MUST(depth <= JSON_MAX_DEPTH);
	if (cJSON_IsString(t)) {
		MUST(is_text(t->valuestring));
		buf_add_json(b, t->valuestring);
	} else if (cJSON_IsNumber(t)) {
		MUST(!isnan(t->valuedouble));
		buf_addf(b, isinf(t->valuedouble) ? "%s1e999" : "%s%.17g",
		    signbit(t->valuedouble) ? "-" : "", fabs(t->valuedouble));
	} else if (!object && !list) {
		buf_adds(b, cJSON_IsNull(t) ? "null" :
		    cJSON_IsTrue(t) ? "true" : "false");
	}
	if (object)
		check_members(t);
	if (object || list)
		buf_addc(b, object ? '{' : '[');
	cJSON_ArrayForEach(item, t) {
		if (item != t->child)
			buf_addc(b, ',');
		if (object) {
			buf_add_json(b, item->string);
			buf_addc(b, ':');
		}
		n += write_tree(b, item, depth + 1);
	}
	if (object || list)
		buf_addc(b, object ? '}' : ']');
	return n;
}

static bool same(const cJSON *a, const cJSON *b)
{
	const cJSON *y = b->child;

	if ((a->type & 0xff) != (b->type & 0xff))
		return false;
	if (cJSON_IsString(a) && strcmp(a->valuestring, b->valuestring))
		return false;
	if (cJSON_IsNumber(a) && a->valuedouble != b->valuedouble)
		return false;
	for (const cJSON *x = a->child; x; x = x->next, y = y->next) {
		if (!y || !same(x, y))
			return false;
		if (x->string && strcmp(x->string, y->string))
			return false;
	}
	return y == NULL;
}

static void check_tree(const cJSON *tree)
{
	struct buf b;
	struct err e;
	cJSON *again;
	char *text;
	size_t n, len;

	buf_init(&b, MAX_PRINT);
	n = write_tree(&b, tree, 0);
	text = buf_take(&b, &len);
	again = json_parse(text, len, &e);
	/* What had blanks in it may be too dense without them. */
	if (!again)
		MUST(n > JSON_FREE_VALUES);
	else
		MUST(same(tree, again));
	cJSON_Delete(again);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char begin[] = "invalid JSON: ";
	char *text = exactly(data, size);
	struct err e = { "" };
	cJSON *tree = json_parse(text, size, &e);

	if (tree) {
		MUST(e.text[0] == '\0');
		check_tree(tree);
	} else {
		MUST(strncmp(e.text, begin, strlen(begin)) == 0);
		MUST(is_one_line(e.text) && is_text(e.text));
	}
	cJSON_Delete(tree);
	free(text);
	return 0;
}
