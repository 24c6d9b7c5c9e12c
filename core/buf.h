#ifndef CORE_BUF_H
#define CORE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A growing run of bytes with a maximum fixed at the start.  Going over the
 * maximum empties it and sets `failed`, which stays set: so a writer may add
 * freely and check once at the end.  Always NUL-terminated behind len. */
struct buf {
	char *data;
	size_t len, cap, max;
	bool failed;
};

/* Makes an empty buffer that holds at most max bytes.  Allocates nothing
 * yet. */
void buf_init(struct buf *b, size_t max);

/* Frees the bytes and leaves an empty buffer with the same maximum. */
void buf_free(struct buf *b);

/* Empties without giving memory back; clears `failed`. */
void buf_reset(struct buf *b);

/* Makes room for n more bytes and the NUL, for a writer that puts them at
 * data + len itself.  false: that would be over the maximum. */
bool buf_reserve(struct buf *b, size_t n);

void buf_add(struct buf *b, const void *bytes, size_t n);
void buf_adds(struct buf *b, const char *s);
void buf_addc(struct buf *b, char c);
void buf_addu(struct buf *b, uint64_t v);		/* decimal */
void buf_addf(struct buf *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Appends s with JSON string escapes, quotes included. */
void buf_add_json(struct buf *b, const char *s);

/* The bytes as a C string, "" when empty; owned by the buffer. */
const char *buf_str(const struct buf *b);

/* Takes the bytes out (free() them); the buffer is empty afterwards.  Never
 * NULL; *len_r may be NULL. */
char *buf_take(struct buf *b, size_t *len_r);

#endif
