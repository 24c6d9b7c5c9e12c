/* A growing run of bytes with a limit.  Everything that is built piece by
 * piece (requests, JSON, expositions, SQL text) is built in one of these, and
 * checked once at the end.  It knows nothing of what the bytes mean, JSON
 * string escapes excepted. */
#include "core/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/utf8.h"
#include "core/xalloc.h"

enum { FIRST_CAPACITY = 64 };

void buf_init(struct buf *b, size_t max)
{
	assert(max < SIZE_MAX / 4);
	*b = (struct buf){ .max = max };
}

void buf_free(struct buf *b)
{
	free(b->data);
	*b = (struct buf){ .max = b->max };
}

void buf_reset(struct buf *b)
{
	b->len = 0;
	b->failed = false;
	if (b->data)
		b->data[0] = '\0';
}

bool buf_reserve(struct buf *b, size_t n)
{
	size_t need, cap = b->cap ? b->cap : FIRST_CAPACITY;

	if (b->failed)
		return false;
	if (n > b->max - b->len) {
		buf_reset(b);
		b->failed = true;
		return false;
	}
	need = b->len + n + 1;
	if (need <= b->cap)
		return true;
	while (cap < need)
		cap *= 2;
	b->cap = cap > b->max + 1 ? b->max + 1 : cap;
	b->data = xrealloc(b->data, b->cap);
	return true;
}

void buf_add(struct buf *b, const void *bytes, size_t n)
{
	if (!buf_reserve(b, n))
		return;
	if (n)
		memcpy(b->data + b->len, bytes, n);
	b->len += n;
	b->data[b->len] = '\0';
}

void buf_adds(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_addc(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void buf_addu(struct buf *b, uint64_t v)
{
	char digits[20], *p = digits + sizeof(digits);

	do {
		*--p = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	buf_add(b, p, (size_t)(digits + sizeof(digits) - p));
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
	size_t room = b->cap - b->len;
	va_list ap, again;
	int n;

	if (b->failed)
		return;
	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(b->data ? b->data + b->len : NULL, room, fmt, ap);
	assert(n >= 0);
	if ((size_t)n >= room && buf_reserve(b, (size_t)n))
		vsnprintf(b->data + b->len, (size_t)n + 1, fmt, again);
	if (!b->failed)
		b->len += (size_t)n;
	va_end(again);
	va_end(ap);
}

/* The short escape of c, or 0. */
static char short_escape(unsigned char c)
{
	static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
	const char *p = c ? strchr(from, c) : NULL;

	return p ? to[p - from] : 0;
}

static void add_json_ascii(struct buf *b, unsigned char c)
{
	char escape = short_escape(c);

	if (escape) {
		buf_addc(b, '\\');
		buf_addc(b, escape);
	} else {
		buf_addf(b, "\\u%04x", c);
	}
}

static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

void buf_add_json(struct buf *b, const char *s)
{
	size_t left = strlen(s), n;

	buf_addc(b, '"');
	while (left) {
		for (n = 0; n < left && is_plain((unsigned char)s[n]); n++)
			;
		if (n) {
			buf_add(b, s, n);
		} else if ((n = utf8_len(s, left)) == 1) {
			add_json_ascii(b, (unsigned char)*s);
		} else if (n) {
			buf_add(b, s, n);
		} else if (left >= 2 && !memcmp(s, "\xc0\x80", 2)) {
			buf_adds(b, "\\u0000");	/* as json_parse() reads it */
			n = 2;
		} else {
			buf_adds(b, UTF8_REPLACEMENT);
			n = 1;
		}
		s += n;
		left -= n;
	}
	buf_addc(b, '"');
}

const char *buf_str(const struct buf *b)
{
	return b->data ? b->data : "";
}

char *buf_take(struct buf *b, size_t *len_r)
{
	char *data = b->data ? b->data : xstrdup("");

	if (len_r)
		*len_r = b->len;
	b->data = NULL;
	b->len = b->cap = 0;
	return data;
}
