/* A small compressor for expositions: pieces of some kilobytes whose lines
 * are much like the line before.  zlib makes such a piece hardly smaller and
 * takes five times as long, most of it for clearing tables and for Huffman
 * trees; here the trees are those that RFC 1951 fixes, and one look at where
 * the same four bytes last were finds nearly every repetition.  Any inflater
 * reads it.  Called by gzip.c. */
#include "exporter/deflate.h"

#include <assert.h>
#include <endian.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

enum {
	MIN_MATCH = 4, MAX_MATCH = 258, MAX_DISTANCE = 32768,
	END_OF_BLOCK = 256, LENGTH_CODES = 286, DISTANCE_CODES = 30,
};

/* Bits go out from the lowest on. */
struct bits {
	unsigned char *out;
	uint64_t held;
	unsigned n;		/* less than 8 between two symbols */
};

size_t deflate_bound(size_t n)
{
	/* 9 bits for the rarer bytes, a match is always shorter; the ends of
	 * the blocks; and what is written in advance. */
	return n + n / 8 + 24;
}

/* At most 48 bits at once. */
static void put(struct bits *b, uint64_t value, unsigned n)
{
	uint64_t le;

	b->held |= value << b->n;
	b->n += n;
	le = htole64(b->held);
	memcpy(b->out, &le, sizeof(le));
	b->out += b->n / 8;
	b->held >>= b->n / 8 * 8;
	b->n %= 8;
}

/* The fixed code of each literal, length and distance (RFC 1951, 3.2.6).
 * Codes, unlike all else, go out from the highest bit on. */
static struct {
	uint16_t bits;
	uint8_t n;
} symbols[LENGTH_CODES];
static uint16_t distances[DISTANCE_CODES];

static uint16_t reversed(unsigned code, unsigned n)
{
	unsigned r = 0;

	for (unsigned i = 0; i < n; i++)
		r |= (code >> i & 1) << (n - 1 - i);
	return (uint16_t)r;
}

static void set_symbols(unsigned first, unsigned end, unsigned code,
    unsigned n)
{
	for (unsigned s = first; s < end; s++, code++) {
		symbols[s].bits = reversed(code, n);
		symbols[s].n = (uint8_t)n;
	}
}

static void make_codes(void)
{
	set_symbols(0, 144, 0x30, 8);
	set_symbols(144, 256, 0x190, 9);
	set_symbols(256, 280, 0, 7);
	set_symbols(280, LENGTH_CODES, 0xc0, 8);
	for (unsigned s = 0; s < DISTANCE_CODES; s++)
		distances[s] = reversed(s, 5);
}

static unsigned log2_of(uint32_t v)
{
	return 31 - (unsigned)__builtin_clz(v);
}

static void put_symbol(struct bits *b, unsigned symbol)
{
	put(b, symbols[symbol].bits, symbols[symbol].n);
}

static void put_length(struct bits *b, unsigned length)
{
	unsigned l = length - 3, extra = l < 8 ? 0 : log2_of(l) - 2, symbol;

	if (length == MAX_MATCH) {
		put_symbol(b, 285);
		return;
	}
	symbol = l < 8 ? 257 + l : 257 + 4 * (extra + 1) + (l >> extra & 3);
	put(b, symbols[symbol].bits |
	    (uint64_t)(l & ((1u << extra) - 1)) << symbols[symbol].n,
	    symbols[symbol].n + extra);
}

static void put_distance(struct bits *b, uint32_t distance)
{
	uint32_t d = distance - 1;
	unsigned extra = d < 4 ? 0 : log2_of(d) - 1;
	unsigned symbol = d < 4 ? d : 2 * (extra + 1) + (d >> extra & 1);

	put(b, distances[symbol] |
	    (uint64_t)(d & ((1u << extra) - 1)) << 5, 5 + extra);
}

static uint32_t four_bytes(const char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static size_t hash(uint32_t v)
{
	return v * 2654435761u >> 20;
}

/* How many bytes are the same, at most max. */
static size_t same_bytes(const char *a, const char *b, size_t max)
{
	size_t n = 0;

	for (; n + 8 <= max; n += 8) {
		uint64_t x, y;

		memcpy(&x, a + n, 8);
		memcpy(&y, b + n, 8);
		if (x != y)
			return n + (size_t)__builtin_ctzll(le64toh(x ^ y)) / 8;
	}
	while (n < max && a[n] == b[n])
		n++;
	return n;
}

/* Where the four bytes at `at` were last, and remembers that they are here;
 * false if they were not in this text, or too far away. */
static bool look_up(struct deflate *d, const char *text, size_t at,
    size_t *where_r)
{
	uint32_t v = four_bytes(text + at);
	uint32_t *seen = &d->seen[hash(v)], was = *seen;

	*seen = d->base + (uint32_t)at;
	if (was < d->base || d->base + at - was > MAX_DISTANCE)
		return false;
	*where_r = was - d->base;
	return four_bytes(text + *where_r) == v;
}

static void put_match(struct bits *b, size_t length, size_t distance)
{
	while (length > 0) {
		size_t n = length < MAX_MATCH ? length : MAX_MATCH;

		/* What is left must not be too short to be a match. */
		if (length > n && length - n < MIN_MATCH)
			n -= MIN_MATCH;
		put_length(b, (unsigned)n);
		put_distance(b, (uint32_t)distance);
		length -= n;
	}
}

static void put_text(struct deflate *d, const char *text, size_t n,
    struct bits *b)
{
	size_t at = 0, where, length;

	while (at + MIN_MATCH <= n) {
		if (!look_up(d, text, at, &where)) {
			put_symbol(b, (unsigned char)text[at++]);
			continue;
		}
		length = same_bytes(text + at, text + where, n - at);
		put_match(b, length, at - where);
		at += length;
	}
	while (at < n)
		put_symbol(b, (unsigned char)text[at++]);
}

size_t deflate_piece(struct deflate *d, const char *text, size_t n,
    unsigned char *out)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct bits b = { .out = out };

	pthread_once(&once, make_codes);
	assert(n < UINT32_MAX / 2);
	/* Places of former texts are below the base; 0 is none. */
	if (d->base > UINT32_MAX / 2)
		memset(d->seen, 0, sizeof(d->seen));
	if (d->base == 0 || d->base > UINT32_MAX / 2)
		d->base = 1;
	put(&b, 2, 3);			/* a block with the fixed codes */
	put_text(d, text, n, &b);
	d->base += (uint32_t)n;
	put_symbol(&b, END_OF_BLOCK);
	put(&b, 0, 3);			/* a stored one, empty, which begins */
	put(&b, 0, b.n > 0 ? 8 - b.n : 0);		/* at a whole byte */
	put(&b, 0xffff0000, 32);
	return (size_t)(b.out - out);
}
