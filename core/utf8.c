/* Tells well-formed UTF-8 from bytes, by table 3-7 of the Unicode standard.
 * Keys and values come from etcd, which stores any bytes; JSON, the exposition
 * formats and the log allow only characters.  Used by whatever writes one of
 * those, and by the JSON reader. */
#include "core/utf8.h"

#include <stdint.h>

/* First byte from..to: so many bytes in all, second byte from..to. */
static const struct form {
	uint8_t from, to, len, second_from, second_to;
} forms[] = {
	{ 0x00, 0x7f, 1, 0, 0 },
	{ 0xc2, 0xdf, 2, 0x80, 0xbf },
	{ 0xe0, 0xe0, 3, 0xa0, 0xbf },
	{ 0xe1, 0xec, 3, 0x80, 0xbf },
	{ 0xed, 0xed, 3, 0x80, 0x9f },
	{ 0xee, 0xef, 3, 0x80, 0xbf },
	{ 0xf0, 0xf0, 4, 0x90, 0xbf },
	{ 0xf1, 0xf3, 4, 0x80, 0xbf },
	{ 0xf4, 0xf4, 4, 0x80, 0x8f },
};

/* The form that begins with this byte, or NULL. */
static const struct form *form_of(uint8_t c)
{
	size_t i = 0;

	while (i < sizeof(forms) / sizeof(forms[0]) && c > forms[i].to)
		i++;
	if (i == sizeof(forms) / sizeof(forms[0]) || c < forms[i].from)
		return NULL;
	return &forms[i];
}

size_t utf8_len(const char *s, size_t n)
{
	const struct form *f = n > 0 ? form_of((uint8_t)s[0]) : NULL;
	size_t k;
	uint8_t c;

	if (!f || n < f->len)
		return 0;
	if (f->len == 1)
		return 1;
	c = (uint8_t)s[1];
	if (c < f->second_from || c > f->second_to)
		return 0;
	for (k = 2; k < f->len; k++)
		if (((uint8_t)s[k] & 0xc0) != 0x80)
			return 0;
	return f->len;
}

size_t utf8_rest(unsigned char first, unsigned char *low_r,
    unsigned char *high_r)
{
	const struct form *f = form_of(first);

	if (!f)
		return 0;
	*low_r = f->second_from;
	*high_r = f->second_to;
	return (size_t)f->len - 1;
}

bool utf8_is(const char *s, size_t n)
{
	size_t len;

	for (; n > 0; s += len, n -= len) {
		len = utf8_len(s, n);
		if (len == 0)
			return false;
	}
	return true;
}
