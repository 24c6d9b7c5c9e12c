#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

/* What the fuzzers share.  Each is one LLVMFuzzerTestOneInput(): it hands the
 * input to a reader, checks with MUST() what has to hold whatever the input
 * is, and frees everything.  tests/run-fuzz says what they begin with. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/problems.h"
#include "core/utf8.h"

#define MUST(holds) do { \
	if (!(holds)) { \
		fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, \
		    __LINE__, #holds); \
		abort(); \
	} \
} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Exactly n bytes in memory of their own, so that ASan sees the first step
 * beyond.  Free it. */
static inline char *exactly(const void *bytes, size_t n)
{
	char *copy = malloc(n ? n : 1);

	MUST(copy);
	memcpy(copy, bytes, n);
	return copy;
}

/* UTF-8, or the C0 80 that stands for a NUL. */
static inline bool is_text(const char *s)
{
	size_t left = strlen(s), n;

	for (; left > 0; s += n, left -= n) {
		n = utf8_len(s, left);
		if (n == 0 && left >= 2 && !memcmp(s, "\xc0\x80", 2))
			n = 2;
		if (n == 0)
			return false;
	}
	return true;
}

static inline bool is_one_line(const char *s)
{
	while (*s && (unsigned char)*s >= 0x20 && *s != 0x7f)
		s++;
	return *s == '\0';
}

/* There is something wrong exactly if nothing came out, and each complaint is
 * a line that begins with the file's name.  Frees the problems. */
static inline void check_problems(struct problems *p, bool came,
    const char *file)
{
	MUST(came == (p->count == 0));
	MUST(p->n <= p->count);
	for (size_t i = 0; i < p->n; i++) {
		MUST(is_one_line(p->lines[i]));
		MUST(strncmp(p->lines[i], file, strlen(file)) == 0);
	}
	problems_free(p);
}

#endif
