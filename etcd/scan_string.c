/* The strings of JSON in pieces: unescaped, checked to be UTF-8 and put where
 * they belong.  Within an escape or a character of several bytes `special` says
 * what was seen of it.  Called by etcd/scan.c. */
#include <string.h>

#include "core/utf8.h"
#include "etcd/scan_impl.h"

enum special { PLAIN, ESCAPE, HEX, LOW_BACKSLASH, LOW_U, CONTINUED };

/* The bytes of strings that stand for themselves, alone. */
static const bool plain[256] = {
	[' '] = 1, 1, ['#'] = 1, ['$'] = 1, ['%'] = 1, ['&'] = 1,
	['\''] = 1, 1, 1, 1, 1, 1, 1, 1, 1,			/* ' to / */
	['0'] = 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	[':'] = 1, 1, 1, 1, 1, 1, 1,				/* : to @ */
	['A'] = 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	['N'] = 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	['['] = 1, [']'] = 1, ['^'] = 1, ['_'] = 1, ['`'] = 1,
	['a'] = 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	['n'] = 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	['{'] = 1, ['|'] = 1, ['}'] = 1, ['~'] = 1, [0x7f] = 1,
};

static void emit(struct scan *s, unsigned c)
{
	s->buf[s->out++] = (char)c;
}

static void emit_utf8(struct scan *s, unsigned u)
{
	if (u == 0) {
		emit(s, 0xc0);
		emit(s, 0x80);
		s->has_nul = true;
	} else if (u < 0x80) {
		emit(s, u);
	} else if (u < 0x800) {
		emit(s, 0xc0 | u >> 6);
		emit(s, 0x80 | (u & 0x3f));
	} else if (u < 0x10000) {
		emit(s, 0xe0 | u >> 12);
		emit(s, 0x80 | (u >> 6 & 0x3f));
		emit(s, 0x80 | (u & 0x3f));
	} else {
		emit(s, 0xf0 | u >> 18);
		emit(s, 0x80 | (u >> 12 & 0x3f));
		emit(s, 0x80 | (u >> 6 & 0x3f));
		emit(s, 0x80 | (u & 0x3f));
	}
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Four hex digits are whole: a character, or half of one. */
static const char *end_of_hex(struct scan *s)
{
	unsigned u = s->hex;

	s->special = PLAIN;
	if (s->surrogate != 0) {
		if (u < 0xdc00 || u > 0xdfff)
			return "lone surrogate";
		u = 0x10000 + ((s->surrogate - 0xd800) << 10) + (u - 0xdc00);
		s->surrogate = 0;
	} else if (u >= 0xdc00 && u <= 0xdfff) {
		return "lone surrogate";
	} else if (u >= 0xd800 && u <= 0xdbff) {
		s->surrogate = u;
		s->special = LOW_BACKSLASH;
		return NULL;
	}
	emit_utf8(s, u);
	return NULL;
}

static const char *in_hex(struct scan *s, char c)
{
	int digit = hex_digit(c);

	if (digit < 0)
		return "\\u without four hex digits";
	s->hex = s->hex * 16 + (unsigned)digit;
	return --s->need == 0 ? end_of_hex(s) : NULL;
}

static const char *in_escape(struct scan *s, char c)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *p = c != '\0' ? strchr(from, c) : NULL;

	if (c == 'u') {
		s->special = HEX;
		s->need = 4;
		s->hex = 0;
		return NULL;
	}
	if (p == NULL)
		return "unknown escape";
	emit(s, (unsigned char)to[p - from]);
	s->special = PLAIN;
	return NULL;
}

/* A byte that is no plain one. */
static const char *begin_special(struct scan *s, unsigned char c)
{
	if (c == '\\') {
		s->special = ESCAPE;
		return NULL;
	}
	if (c < 0x20)
		return "control character in a string";
	s->need = (uint8_t)utf8_rest(c, &s->low, &s->high);
	if (s->need == 0)
		return "not UTF-8";
	s->special = CONTINUED;
	emit(s, c);
	return NULL;
}

static const char *in_character(struct scan *s, unsigned char c)
{
	if (c < s->low || c > s->high)
		return "not UTF-8";
	emit(s, c);
	s->low = 0x80;
	s->high = 0xbf;
	if (--s->need == 0)
		s->special = PLAIN;
	return NULL;
}

static const char *special_byte(struct scan *s, char c)
{
	switch ((enum special)s->special) {
	case PLAIN:
		return begin_special(s, (unsigned char)c);
	case ESCAPE:
		return in_escape(s, c);
	case HEX:
		return in_hex(s, c);
	case LOW_BACKSLASH:
		s->special = LOW_U;
		return c == '\\' ? NULL : "lone surrogate";
	case LOW_U:
		s->special = HEX;
		s->need = 4;
		s->hex = 0;
		return c == 'u' ? NULL : "lone surrogate";
	case CONTINUED:
		return in_character(s, (unsigned char)c);
	}
	return NULL;
}

/* The plain bytes that come now. */
static void take_run(struct scan *s)
{
	const char *from = s->in;
	char *to = s->buf + s->out;
	size_t n;

	while (s->in < s->end && plain[(unsigned char)*s->in])
		s->in++;
	n = (size_t)(s->in - from);
	if (to != from)
		memmove(to, from, n);
	s->out += n;
}

static enum scan_token end_of_string(struct scan *s)
{
	bool name = s->expect == NAME || s->expect == FIRST_NAME;

	s->buf[s->out] = '\0';
	s->len = s->out - s->start;
	s->part = BETWEEN;
	s->expect = name ? COLON : s->depth > 0 ? NEXT : NO_MORE;
	return name ? SCAN_NAME : SCAN_STRING;
}

enum scan_token scan_go_on_string(struct scan *s)
{
	const char *wrong;

	for (;;) {
		if (s->special == PLAIN)
			take_run(s);
		if (s->in == s->end)
			return s->last ? scan_fail(s, "string without end") :
			    SCAN_MORE;
		if (s->special == PLAIN && *s->in == '"') {
			s->in++;
			return end_of_string(s);
		}
		wrong = special_byte(s, *s->in);
		if (wrong != NULL)
			return scan_fail(s, wrong);
		s->in++;
	}
}

enum scan_token scan_begin_string(struct scan *s)
{
	s->in++;
	s->start = s->in_place ? (size_t)(s->in - s->buf) : s->used;
	s->out = s->start;
	s->has_nul = false;
	s->special = PLAIN;
	s->surrogate = 0;
	s->part = STRING;
	return scan_go_on_string(s);
}
