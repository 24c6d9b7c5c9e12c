#ifndef CORE_TEXT_H
#define CORE_TEXT_H

#include <stddef.h>

struct buf;

/* Text that anybody may have put into etcd, shown on a terminal. */

/* Appends it on one line: what would steer a terminal, or change the order of
 * what is read on it, is written as \n, \x1b, \u202e. */
void text_visible(struct buf *out, const char *s);

/* How many columns visible text takes; wide characters take two. */
size_t text_columns(const char *s);

/* Appends visible text, the end of it cut off with an ellipsis where it would
 * take more columns than these. */
void text_cut(struct buf *out, const char *s, size_t columns);

/* The same with its middle left out: both ends of a name tell it from
 * others. */
void text_cut_middle(struct buf *out, const char *s, size_t columns);

/* Appends visible text with spaces behind it up to these columns. */
void text_padded(struct buf *out, const char *s, size_t columns);

#endif
