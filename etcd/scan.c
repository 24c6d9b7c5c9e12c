/* JSON in pieces, to tokens.  A machine that may stop behind any byte: between
 * two tokens `expect` says what may come, within one `part` says which kind it
 * is, and strings are etcd/scan_string.c's.  It knows nothing of what the text
 * is about; etcd/reader.c does. */
#include "etcd/scan_impl.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/xalloc.h"

/* Bytes that a piece can add beyond its own length, finishing an escape or a
 * string that earlier pieces began. */
enum { SLACK = 8 };

enum scan_token scan_fail(struct scan *s, const char *what)
{
	err_set(&s->why, "invalid JSON: %s at byte %zu", what,
	    s->before + (size_t)(s->in - s->piece));
	return s->token = SCAN_ERROR;
}

/* --- numbers and words --- */

static const char *skip_digits(const char *p)
{
	while (*p >= '0' && *p <= '9')
		p++;
	return p;
}

static bool is_number(const char *text)
{
	const char *p = text + (text[0] == '-'), *digits = p;

	p = skip_digits(digits);
	if (p == digits || (digits[0] == '0' && p > digits + 1))
		return false;
	if (*p == '.') {
		digits = p + 1;
		p = skip_digits(digits);
		if (p == digits)
			return false;
	}
	if (*p == 'e' || *p == 'E') {
		digits = p + 1 + (p[1] == '+' || p[1] == '-');
		p = skip_digits(digits);
		if (p == digits)
			return false;
	}
	return *p == '\0';
}

static enum scan_token end_of_value(struct scan *s, enum scan_token t)
{
	s->part = BETWEEN;
	s->expect = s->depth > 0 ? NEXT : NO_MORE;
	return t;
}

static bool in_number(char c)
{
	return (c >= '0' && c <= '9') || c == '-' || c == '.' || c == 'e' ||
	    c == 'E' || c == '+';
}

static enum scan_token go_on_number(struct scan *s)
{
	while (s->in < s->end && in_number(*s->in)) {
		if (s->nnumber == SCAN_MAX_NUMBER)
			return scan_fail(s, "number too long");
		s->number[s->nnumber++] = *s->in++;
	}
	if (s->in == s->end && !s->last)
		return SCAN_MORE;
	s->number[s->nnumber] = '\0';
	if (!is_number(s->number))
		return scan_fail(s, "malformed number");
	return end_of_value(s, SCAN_NUMBER);
}

static enum scan_token begin_number(struct scan *s)
{
	s->part = NUMBER;
	s->nnumber = 0;
	return go_on_number(s);
}

static enum scan_token go_on_word(struct scan *s)
{
	for (; *s->word != '\0'; s->word++, s->in++) {
		if (s->in == s->end)
			return s->last ? scan_fail(s, "syntax error") :
			    SCAN_MORE;
		if (*s->in != *s->word)
			return scan_fail(s, "syntax error");
	}
	return end_of_value(s, (enum scan_token)s->means);
}

static enum scan_token begin_word(struct scan *s, const char *word,
    enum scan_token means)
{
	s->part = WORD;
	s->word = word;
	s->means = means;
	return go_on_word(s);
}

double scan_double(const struct scan *s)
{
	static const int64_t tie = INT64_C(9007199254740993);	/* 2^53 + 1 */
	const char *p = s->number + (s->number[0] == '-');
	int64_t v = 0;

	if (s->nnumber > 17)
		return strtod(s->number, NULL);
	for (; *p >= '0' && *p <= '9'; p++)
		v = v * 10 + (*p - '0');
	if (*p != '\0')
		return strtod(s->number, NULL);
	/* It lies half way between two doubles, and to 2^53 it would go. */
	v += v == tie;
	return s->number[0] == '-' ? -(double)v : (double)v;
}

/* --- brackets and what stands between --- */

static bool in_object(const struct scan *s)
{
	unsigned k = s->depth - 1;

	return s->depth > 0 && (s->objects[k / 64] >> k % 64 & 1) != 0;
}

static enum scan_token open_bracket(struct scan *s, bool object)
{
	uint64_t bit = UINT64_C(1) << s->depth % 64;

	if (s->depth == JSON_MAX_DEPTH)
		return scan_fail(s, "nested too deeply");
	if (object)
		s->objects[s->depth / 64] |= bit;
	else
		s->objects[s->depth / 64] &= ~bit;
	s->depth++;
	s->values++;
	s->in++;
	s->expect = object ? FIRST_NAME : FIRST_VALUE;
	return object ? SCAN_OBJECT : SCAN_ARRAY;
}

static enum scan_token close_bracket(struct scan *s)
{
	s->in++;
	s->depth--;
	return end_of_value(s, SCAN_CLOSE);
}

static enum scan_token begin_value(struct scan *s, char c)
{
	switch (c) {
	case '"':
		return scan_begin_string(s);
	case '{':
	case '[':
		return open_bracket(s, c == '{');
	case 't':
		return begin_word(s, "true", SCAN_TRUE);
	case 'f':
		return begin_word(s, "false", SCAN_FALSE);
	case 'n':
		return begin_word(s, "null", SCAN_NULL);
	case ']':
		return s->expect == FIRST_VALUE ? close_bracket(s) :
		    scan_fail(s, "syntax error");
	default:
		return c == '-' || (c >= '0' && c <= '9') ? begin_number(s) :
		    scan_fail(s, "syntax error");
	}
}

static enum scan_token begin_name(struct scan *s, char c)
{
	if (c == '"')
		return scan_begin_string(s);
	if (c == '}' && s->expect == FIRST_NAME)
		return close_bracket(s);
	return scan_fail(s, "syntax error");
}

/* Behind a value in an object or an array. */
static enum scan_token go_on_behind(struct scan *s, char c)
{
	bool object = in_object(s);

	if (c == (object ? '}' : ']'))
		return close_bracket(s);
	if (c != ',')
		return scan_fail(s, "syntax error");
	s->in++;
	s->values++;
	s->expect = object ? NAME : VALUE;
	return SCAN_NOTHING;
}

/* One byte that is no white space, between two tokens. */
static enum scan_token begin(struct scan *s, char c)
{
	switch ((enum expect)s->expect) {
	case COLON:
		if (c != ':')
			return scan_fail(s, "syntax error");
		s->in++;
		s->expect = VALUE;
		return SCAN_NOTHING;
	case NEXT:
		return go_on_behind(s, c);
	case NAME:
	case FIRST_NAME:
		return begin_name(s, c);
	case NO_MORE:
		return scan_fail(s, "more text behind the value");
	default:
		return begin_value(s, c);
	}
}

static enum scan_token end_of_text(struct scan *s)
{
	size_t n = s->before + (size_t)(s->in - s->piece);

	if (s->expect == NO_MORE) {
		if (s->values > JSON_FREE_VALUES + n / JSON_BYTES_PER_VALUE)
			return scan_fail(s, "too many values for its length");
		return s->token = SCAN_END;
	}
	return scan_fail(s, s->depth > 0 ? "bracket without end" :
	    "empty text");
}

static enum scan_token go_on(struct scan *s)
{
	switch ((enum part)s->part) {
	case STRING:
		return scan_go_on_string(s);
	case NUMBER:
		return go_on_number(s);
	case WORD:
		return go_on_word(s);
	case BETWEEN:
		break;
	}
	while (s->in < s->end && (*s->in == ' ' || *s->in == '\n' ||
	    *s->in == '\t' || *s->in == '\r'))
		s->in++;
	if (s->in < s->end)
		return begin(s, *s->in);
	return s->last ? end_of_text(s) : SCAN_MORE;
}

enum scan_token scan_next(struct scan *s)
{
	enum scan_token t = s->token;

	while (t == SCAN_NOTHING)
		t = go_on(s);
	return t;
}

/* --- where the text comes from, and its strings go --- */

void scan_init(struct scan *s)
{
	memset(s, 0, sizeof(*s));
}

void scan_in_place(struct scan *s, char *text, size_t n)
{
	scan_init(s);
	s->in_place = s->last = true;
	s->buf = text;
	s->in = s->piece = text;
	s->end = text + n;
}

void scan_feed(struct scan *s, const char *piece, size_t n)
{
	size_t begun = s->part == STRING ? s->out - s->start : 0;
	size_t need = s->used + begun + n + SLACK;

	assert(!s->in_place && !s->last);
	assert(s->in == s->end || s->token == SCAN_ERROR);
	if (need > s->cap) {
		s->cap = need + need / 2;
		s->buf = xrealloc(s->buf, s->cap);
	}
	s->before += (size_t)(s->end - s->piece);
	s->in = s->piece = piece;
	s->end = piece + n;
}

void scan_finish(struct scan *s)
{
	s->last = true;
}

void scan_free(struct scan *s)
{
	if (!s->in_place)
		free(s->buf);
	s->buf = NULL;
}

void scan_keep(struct scan *s)
{
	if (!s->in_place)
		s->used = s->start + s->len + 1;
}

void scan_forget(struct scan *s, size_t used)
{
	if (!s->in_place)
		s->used = used;
}
