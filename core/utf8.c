/* Tells well-formed UTF-8 from bytes, by table 3-7 of the Unicode standard.
 * Keys and values come from etcd, which stores any bytes; JSON, the exposition
 * formats and the log allow only characters.  Used by whatever writes one of
 * those, and by the JSON reader. */
#include "core/utf8.h"

#include <stdint.h>

/* First byte from..to: so many bytes in all, second byte from..to. */
static const struct {
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

size_t utf8_len(const char *s, size_t n)
{
	size_t i = 0, k;
	uint8_t c;

	if (n == 0)
		return 0;
	c = (uint8_t)s[0];
	while (i < sizeof(forms) / sizeof(forms[0]) && c > forms[i].to)
		i++;
	if (i == sizeof(forms) / sizeof(forms[0]) || c < forms[i].from ||
	    n < forms[i].len)
		return 0;
	if (forms[i].len == 1)
		return 1;
	c = (uint8_t)s[1];
	if (c < forms[i].second_from || c > forms[i].second_to)
		return 0;
	for (k = 2; k < forms[i].len; k++)
		if (((uint8_t)s[k] & 0xc0) != 0x80)
			return 0;
	return forms[i].len;
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
