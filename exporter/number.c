/* Numbers as the exposition formats have them.  Nearly all are whole, or
 * Unix times with milliseconds: those are written digit by digit, since
 * printf takes ten times as long and a scrape has hundreds of thousands.
 * Called by lines.c. */
#include "exporter/number.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 15 significant digits: as many as every double carries. */
static const double exact = 1e15;

static size_t write_word(char *out, const char *word)
{
	return (size_t)(stpcpy(out, word) - out);
}

static size_t write_whole(char *out, uint64_t v)
{
	char digits[20];
	size_t n = 0;

	do {
		digits[sizeof(digits) - ++n] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	memcpy(out, digits + sizeof(digits) - n, n);
	return n;
}

/* v thousandths, without zeros at the end. */
static size_t write_thousandths(char *out, uint64_t v)
{
	size_t n = write_whole(out, v / 1000);
	unsigned rest = (unsigned)(v % 1000);

	out[n++] = '.';
	for (; rest > 0; rest = rest * 10 % 1000)
		out[n++] = (char)('0' + rest / 100);
	return n;
}

static size_t write_any(char *out, double v)
{
	char text[NUMBER_MAX];

	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, v);
		if (strtod(text, NULL) == v)
			break;
	}
	return write_word(out, text);
}

static size_t write_special(char *out, double v)
{
	return write_word(out, isnan(v) ? "NaN" : v > 0 ? "+Inf" : "-Inf");
}

size_t number_write(char out[NUMBER_MAX], double v)
{
	double size = v < 0 ? -v : v;
	size_t sign = v < 0;
	uint64_t whole, thousandths;

	out[0] = '-';
	if (!isfinite(v))
		return write_special(out, v);
	if (size >= exact)
		return write_any(out, v);
	whole = (uint64_t)size;
	if ((double)whole == size)
		return sign + write_whole(out + sign, whole);
	thousandths = (uint64_t)(size * 1000 + 0.5);
	if (size < exact / 1000 && (double)thousandths / 1000 == size)
		return sign + write_thousandths(out + sign, thousandths);
	return write_any(out, v);
}
