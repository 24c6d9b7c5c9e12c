#ifndef CORE_UTF8_H
#define CORE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* The length (1 to 4) of the character that s[0..n) begins with, or 0 if it
 * begins with none: a stray or missing continuation byte, an overlong form, a
 * surrogate, anything above U+10FFFF, or n is 0.  A NUL is a character. */
size_t utf8_len(const char *s, size_t n);

/* For whoever gets a character byte by byte: how many bytes must follow this
 * one, which is not ASCII, and what the first of them may be (all others: 80 to
 * BF); 0 if no character begins with it. */
size_t utf8_rest(unsigned char first, unsigned char *low_r,
    unsigned char *high_r);

/* Whether s[0..n) is characters from end to end. */
bool utf8_is(const char *s, size_t n);

/* U+FFFD, put where a byte is no character. */
#define UTF8_REPLACEMENT "\xef\xbf\xbd"

#endif
