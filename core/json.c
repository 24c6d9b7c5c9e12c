/* Reading JSON that comes from elsewhere, with cJSON behind a guard.  cJSON
 * alone takes control characters for white space, cuts strings at NUL, reads
 * 01 and 1. as numbers, lets any bytes through as text, and 1.7.15 may read a
 * byte past the end of a torn document.  So the text is looked through first,
 * in one pass without recursion: what passes is well-formed in brackets,
 * strings, escapes, numbers and characters, and cJSON only has to find out
 * whether these come in the right order.  Writing JSON is done with buf. */
#include "core/json.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "core/err.h"
#include "core/utf8.h"

enum { MAX_NUMBER = 60 };	/* cJSON reads at most 63 characters of one */

static const char nul_bytes[] = "\xc0\x80";

/* The text is read at `in` and written at `out`, which only falls behind
 * where \u0000 is replaced by something shorter. */
struct scan {
	char *text;
	size_t len, in, out;
	struct err *e;
	unsigned depth;
	size_t values;			/* commas and opening brackets */
	char closers[JSON_MAX_DEPTH];	/* which bracket must end each level */
};

static int fail(struct scan *s, const char *what)
{
	return err_set(s->e, "invalid JSON: %s at byte %zu", what, s->in);
}

static bool at_end(const struct scan *s)
{
	return s->in >= s->len;
}

/* The byte `ahead` of the one being read; 0 behind the end. */
static char peek(const struct scan *s, size_t ahead)
{
	return s->len - s->in > ahead ? s->text[s->in + ahead] : 0;
}

static void keep(struct scan *s, size_t n)
{
	while (n--)
		s->text[s->out++] = s->text[s->in++];
}

/* The value of the four hex digits `ahead`, or -1. */
static int hex4(const struct scan *s, size_t ahead)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	int value = 0, i;

	for (i = 0; i < 4; i++) {
		char c = peek(s, ahead + (size_t)i);
		const char *p = c ? strchr(digits, c) : NULL;
		int digit = p ? (int)(p - digits) : -1;

		if (digit < 0)
			return -1;
		value = value * 16 + (digit < 16 ? digit : digit - 6);
	}
	return value;
}

static bool is_low_surrogate(int u)
{
	return u >= 0xdc00 && u <= 0xdfff;
}

static int scan_unicode_escape(struct scan *s)
{
	int u = hex4(s, 2), low;

	if (u < 0)
		return fail(s, "\\u without four hex digits");
	if (is_low_surrogate(u))
		return fail(s, "lone surrogate");
	if (u >= 0xd800 && u <= 0xdbff) {
		low = peek(s, 6) == '\\' && peek(s, 7) == 'u' ?
		    hex4(s, 8) : -1;
		if (!is_low_surrogate(low))
			return fail(s, "lone surrogate");
		keep(s, 12);
	} else if (u == 0) {
		memcpy(s->text + s->out, nul_bytes, 2);
		s->out += 2;
		s->in += 6;
	} else {
		keep(s, 6);
	}
	return 0;
}

static int scan_escape(struct scan *s)
{
	char c = peek(s, 1);

	if (c == 'u')
		return scan_unicode_escape(s);
	if (!c || !strchr("\"\\/bfnrt", c))
		return fail(s, "unknown escape");
	keep(s, 2);
	return 0;
}

/* From the opening quote to behind the closing one. */
static int scan_string(struct scan *s)
{
	size_t n;

	keep(s, 1);
	while (!at_end(s)) {
		char c = s->text[s->in];

		if (c == '"') {
			keep(s, 1);
			return 0;
		}
		if (c == '\\') {
			if (scan_escape(s) < 0)
				return -1;
			continue;
		}
		if ((unsigned char)c < 0x20)
			return fail(s, "control character in a string");
		n = utf8_len(s->text + s->in, s->len - s->in);
		if (n == 0)
			return fail(s, "not UTF-8");
		keep(s, n);
	}
	return fail(s, "string without end");
}

static size_t skip_digits(const struct scan *s, size_t i)
{
	while (peek(s, i) >= '0' && peek(s, i) <= '9')
		i++;
	return i;
}

/* The length of the number that begins here, 0 if it is malformed. */
static size_t number_len(const struct scan *s, bool *whole_r)
{
	size_t first = peek(s, 0) == '-', i = skip_digits(s, first), start;

	if (i == first || (peek(s, first) == '0' && i > first + 1))
		return 0;
	*whole_r = true;
	if (peek(s, i) == '.') {
		start = i + 1;
		i = skip_digits(s, start);
		*whole_r = false;
		if (i == start)
			return 0;
	}
	if (peek(s, i) == 'e' || peek(s, i) == 'E') {
		i += 1 + (peek(s, i + 1) == '+' || peek(s, i + 1) == '-');
		start = i;
		i = skip_digits(s, start);
		*whole_r = false;
		if (i == start)
			return 0;
	}
	return i;
}

static int scan_number(struct scan *s)
{
	static const char tie[] = "9007199254740993";	/* 2^53 + 1 */
	bool whole = false;
	size_t n = number_len(s, &whole);
	size_t sign = peek(s, 0) == '-';

	if (n == 0)
		return fail(s, "malformed number");
	if (n > MAX_NUMBER)
		return fail(s, "number too long");
	keep(s, n);
	/* This one lies half way between two doubles and would be read as
	 * 2^53, the last that counts as exact.  Let it be the other. */
	if (whole && n - sign == sizeof(tie) - 1 &&
	    !memcmp(s->text + s->out - (n - sign), tie, n - sign))
		s->text[s->out - 1] = '4';
	return 0;
}

/* No value comes but behind a comma or an opening bracket, or is the one and
 * only, so that this counts them all before cJSON takes memory for any. */
static int count_value(struct scan *s)
{
	if (++s->values > JSON_FREE_VALUES + s->len / JSON_BYTES_PER_VALUE)
		return fail(s, "too many values for its length");
	return 0;
}

static int scan_open(struct scan *s, char closer)
{
	if (count_value(s) < 0)
		return -1;
	if (s->depth == JSON_MAX_DEPTH)
		return fail(s, "nested too deeply");
	s->closers[s->depth++] = closer;
	keep(s, 1);
	return 0;
}

static int scan_close(struct scan *s, char c)
{
	if (s->depth == 0 || s->closers[s->depth - 1] != c)
		return fail(s, "bracket that closes nothing");
	s->depth--;
	keep(s, 1);
	return 0;
}

/* Anything else is kept, if it can occur at all: white space, the separators
 * and the letters of true, false and null. */
static int scan_other(struct scan *s, char c)
{
	if (!c || !strchr(" \t\r\n,:aeflnrstu", c))
		return fail(s, "unexpected character");
	if (c == ',' && count_value(s) < 0)
		return -1;
	keep(s, 1);
	return 0;
}

static int scan_token(struct scan *s)
{
	char c = s->text[s->in];

	switch (c) {
	case '"':
		return scan_string(s);
	case '{':
		return scan_open(s, '}');
	case '[':
		return scan_open(s, ']');
	case '}':
	case ']':
		return scan_close(s, c);
	default:
		if (c == '-' || (c >= '0' && c <= '9'))
			return scan_number(s);
		return scan_other(s, c);
	}
}

static int scan_text(struct scan *s)
{
	while (!at_end(s))
		if (scan_token(s) < 0)
			return -1;
	if (s->depth)
		return fail(s, "bracket without end");
	return 0;
}

/* Where byte `at` of the text now was before the NULs were replaced. */
static size_t original_offset(const char *text, size_t at)
{
	size_t nuls = 0, i;

	for (i = 0; i + 1 < at; i++)
		nuls += !memcmp(text + i, nul_bytes, 2);
	return at + 4 * nuls;
}

/* White space, as the scan has let through no other. */
static size_t skip_space(const char *text, size_t i, size_t len)
{
	while (i < len && (unsigned char)text[i] <= ' ')
		i++;
	return i;
}

cJSON *json_parse(char *text, size_t len, struct err *e)
{
	struct scan s = { .text = text, .len = len, .e = e };
	const char *end = text;
	cJSON *tree;
	size_t at;

	if (scan_text(&s) < 0)
		return NULL;
	if (skip_space(text, 0, s.out) == s.out) {
		err_set(e, "invalid JSON: empty text");
		return NULL;
	}
	tree = cJSON_ParseWithLengthOpts(text, s.out, &end, false);
	at = end >= text && end <= text + s.out ? (size_t)(end - text) : 0;
	if (tree && skip_space(text, at, s.out) == s.out)
		return tree;
	err_set(e, "invalid JSON: %s at byte %zu",
	    tree ? "more text behind the value" : "syntax error",
	    original_offset(text, at));
	cJSON_Delete(tree);
	return NULL;
}

bool json_has_nul(const char *s)
{
	return strstr(s, nul_bytes) != NULL;
}

static const cJSON *member(const cJSON *object, const char *name)
{
	return cJSON_IsObject(object) ?
	    cJSON_GetObjectItemCaseSensitive(object, name) : NULL;
}

const char *json_str(const cJSON *object, const char *name)
{
	const cJSON *item = member(object, name);

	return cJSON_IsString(item) ? item->valuestring : NULL;
}

bool json_double(const cJSON *object, const char *name, double *v_r)
{
	const cJSON *item = member(object, name);

	if (!cJSON_IsNumber(item) || !isfinite(item->valuedouble))
		return false;
	*v_r = item->valuedouble;
	return true;
}

bool json_bool(const cJSON *object, const char *name, bool fallback)
{
	const cJSON *item = member(object, name);

	return cJSON_IsBool(item) ? cJSON_IsTrue(item) : fallback;
}

int json_whole(const char *name, double v, double min, struct err *e)
{
	if (!isfinite(v) || v > JSON_MAX_EXACT || v < -JSON_MAX_EXACT)
		return err_set(e, "\"%s\" is %.17g, beyond 2^53", name, v);
	if (v != trunc(v))
		return err_set(e, "\"%s\" is %.17g, not a whole number",
		    name, v);
	if (v < min)
		return err_set(e, "\"%s\" is %.17g, negative", name, v);
	return 0;
}

/* A member as a whole number in [min, 2^53]; what to answer as json_u64(). */
static int whole_number(const cJSON *object, const char *name, double min,
    double *v_r, struct err *e)
{
	const cJSON *item = member(object, name);

	if (!item)
		return 0;
	if (!cJSON_IsNumber(item))
		return err_set(e, "\"%s\" is not a number", name);
	if (json_whole(name, item->valuedouble, min, e) < 0)
		return -1;
	*v_r = item->valuedouble;
	return 1;
}

int json_u64(const cJSON *object, const char *name, uint64_t *v_r,
    struct err *e)
{
	double v;
	int found = whole_number(object, name, 0, &v, e);

	if (found == 1)
		*v_r = (uint64_t)v;
	return found;
}

int json_i64(const cJSON *object, const char *name, int64_t *v_r,
    struct err *e)
{
	double v;
	int found = whole_number(object, name, -JSON_MAX_EXACT, &v, e);

	if (found == 1)
		*v_r = (int64_t)v;
	return found;
}
