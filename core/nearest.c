/* Did you mean ...?  The known word that is nearest to a mistyped one, by the
 * number of letters added, left out, replaced or swapped with their
 * neighbour. */
#include <stdlib.h>
#include <string.h>

#include "core/options.h"

enum { MAX_WORD = 64 };

static size_t least(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

/* Optimal string alignment, with three rows of the matrix. */
static size_t distance(const char *a, const char *b)
{
	size_t rows[3][MAX_WORD + 1], *d = rows[0], *d1 = rows[1];
	size_t *d2 = rows[2], *spare, n = strlen(b);

	for (size_t j = 0; j <= n; j++)
		d1[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		d[0] = i;
		for (size_t j = 1; j <= n; j++) {
			d[j] = least(d1[j] + 1, d[j - 1] + 1,
			    d1[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] && d2[j - 2] + 1 < d[j])
				d[j] = d2[j - 2] + 1;
		}
		spare = d2;
		d2 = d1;
		d1 = d;
		d = spare;
	}
	return d1[n];
}

/* Further off than this the two words have little in common. */
static size_t limit_for(size_t len)
{
	if (len < 6)
		return 1;
	return len < 12 ? len / 3 : 4;
}

const char *options_nearest(const char *text, const char *const *words,
    size_t n)
{
	size_t len = strlen(text), best = limit_for(len) + 1, d;
	const char *nearest = NULL;

	if (len > MAX_WORD)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		if (strlen(words[i]) > MAX_WORD)
			continue;
		d = distance(text, words[i]);
		if (d < best && d < strlen(words[i])) {
			best = d;
			nearest = words[i];
		}
	}
	return nearest;
}
