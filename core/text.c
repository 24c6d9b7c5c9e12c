/* Text of others on a terminal: made visible, measured, cut.  How wide a
 * character is, is what terminals agree on, by two short tables; the C
 * library would ask the locale, which may be anything.  Called by what prints
 * tables: `rollcall events` and `rollcall discover`. */
#include "core/text.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "core/buf.h"
#include "core/utf8.h"

struct range {
	uint32_t from, to;
};

/* Two columns: East Asian wide and fullwidth, and emoji. */
static const struct range wide[] = {
	{ 0x1100, 0x115f }, { 0x231a, 0x231b }, { 0x2e80, 0x303e },
	{ 0x3041, 0xa4cf }, { 0xa960, 0xa97c }, { 0xac00, 0xd7a3 },
	{ 0xf900, 0xfaff }, { 0xfe30, 0xfe6f }, { 0xff00, 0xff60 },
	{ 0xffe0, 0xffe6 }, { 0x1f300, 0x1f64f }, { 0x1f680, 0x1f6ff },
	{ 0x1f900, 0x1f9ff }, { 0x20000, 0x3fffd },
};

/* None: they stand on the character before. */
static const struct range combining[] = {
	{ 0x0300, 0x036f }, { 0x0483, 0x0489 }, { 0x0591, 0x05bd },
	{ 0x064b, 0x065f }, { 0x0e34, 0x0e3a }, { 0x0e47, 0x0e4e },
	{ 0x1ab0, 0x1aff }, { 0x1dc0, 0x1dff }, { 0x20d0, 0x20ff },
	{ 0x302a, 0x302f }, { 0x3099, 0x309a }, { 0xfe00, 0xfe0f },
	{ 0xfe20, 0xfe2f }, { 0xe0100, 0xe01ef },
};

/* Not to be seen, or steering: both sets of controls, what turns the
 * direction of writing, spaces without width, ends of lines, tags. */
static const struct range steering[] = {
	{ 0x0000, 0x001f }, { 0x007f, 0x009f }, { 0x00ad, 0x00ad },
	{ 0x061c, 0x061c }, { 0x180e, 0x180e }, { 0x200b, 0x200f },
	{ 0x2028, 0x202e }, { 0x2060, 0x206f }, { 0xfeff, 0xfeff },
	{ 0xfff9, 0xfffb }, { 0xe0000, 0xe007f },
};

#define IN(ranges, c) in((ranges), sizeof(ranges) / sizeof((ranges)[0]), (c))

static bool in(const struct range *r, size_t n, uint32_t c)
{
	for (size_t i = 0; i < n; i++)
		if (c >= r[i].from && c <= r[i].to)
			return true;
	return false;
}

/* The character of n bytes that s begins with. */
static uint32_t decode(const char *s, size_t n)
{
	static const unsigned char masks[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	uint32_t c = (unsigned char)s[0] & masks[n];

	for (size_t i = 1; i < n; i++)
		c = c << 6 | ((unsigned char)s[i] & 0x3f);
	return c;
}

static void escape(struct buf *out, uint32_t c)
{
	static const char from[] = "\n\r\t", to[] = "nrt";
	const char *known = c > 0 && c < 0x80 ? strchr(from, (int)c) : NULL;

	if (known != NULL)
		buf_addf(out, "\\%c", to[known - from]);
	else if (c < 0x80)
		buf_addf(out, "\\x%02x", (unsigned)c);
	else if (c <= 0xffff)
		buf_addf(out, "\\u%04x", (unsigned)c);
	else
		buf_addf(out, "\\U%08x", (unsigned)c);
}

void text_visible(struct buf *out, const char *s)
{
	size_t left = strlen(s), n;

	for (; left > 0; s += n, left -= n) {
		n = utf8_len(s, left);
		if (n == 0 && left >= 2 && memcmp(s, "\xc0\x80", 2) == 0) {
			buf_adds(out, "\\0");	/* a NUL: etcd/result.h */
			n = 2;
		} else if (n == 0) {
			buf_addf(out, "\\x%02x", (unsigned char)*s);
			n = 1;
		} else if (IN(steering, decode(s, n))) {
			escape(out, decode(s, n));
		} else {
			buf_add(out, s, n);
		}
	}
}

static size_t width(uint32_t c)
{
	if (c < 0x300)
		return 1;
	if (IN(combining, c))
		return 0;
	return IN(wide, c) ? 2 : 1;
}

/* The bytes of the next character, and its columns.  What is no character
 * counts as one, though visible text has none of that. */
static size_t next(const char *s, size_t left, size_t *columns_r)
{
	size_t n = utf8_len(s, left);

	*columns_r = n > 0 ? width(decode(s, n)) : 1;
	return n > 0 ? n : 1;
}

/* The bytes of s that fit into so many columns. */
static size_t fitting(const char *s, size_t columns)
{
	size_t length = strlen(s), at = 0, used = 0, n, wide_by;

	while (at < length) {
		n = next(s + at, length - at, &wide_by);
		used += wide_by;
		if (used > columns)
			break;
		at += n;
	}
	return at;
}

size_t text_columns(const char *s)
{
	size_t left = strlen(s), columns = 0, n, wide_by;

	for (; left > 0; s += n, left -= n) {
		n = next(s, left, &wide_by);
		columns += wide_by;
	}
	return columns;
}

void text_cut(struct buf *out, const char *s, size_t columns)
{
	if (fitting(s, columns) == strlen(s)) {
		buf_adds(out, s);
		return;
	}
	if (columns > 0) {
		buf_add(out, s, fitting(s, columns - 1));
		buf_adds(out, "\u2026");
	}
}

void text_cut_middle(struct buf *out, const char *s, size_t columns)
{
	size_t all = text_columns(s), tail = columns / 2, n, wide_by;

	if (all <= columns) {
		buf_adds(out, s);
		return;
	}
	if (columns == 0)
		return;
	buf_add(out, s, fitting(s, columns - 1 - tail));
	buf_adds(out, "\u2026");
	/* What combines with a character that is left out goes with it. */
	for (; *s != '\0'; s += n, all -= wide_by) {
		n = next(s, strlen(s), &wide_by);
		if (all <= tail && wide_by > 0)
			break;
	}
	buf_adds(out, s);
}

void text_padded(struct buf *out, const char *s, size_t columns)
{
	buf_adds(out, s);
	for (size_t n = text_columns(s); n < columns; n++)
		buf_addc(out, ' ');
}
