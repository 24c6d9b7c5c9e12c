/* The nodes of a listing in few bytes.  A record is a byte of flags, then the
 * key and the value, each as how much it has in common with the one before it
 * at its beginning and its end and what is in between, then the numbers as
 * differences; all of them in groups of seven bits, the low ones first.  Only
 * within one process: nothing of it is stored.  Used by collectors/sync.c. */
#include "collectors/journal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/xalloc.h"

enum {
	BLOCK = 32 * 1024,
	MAX_NUMBERS = 10 * 10,		/* bytes of all numbers of a record */
};

enum {
	IS_DIR = 1, HAS_EXPIRATION = 2, HAS_VALUE = 4, NUL_IN_KEY = 8,
	NUL_IN_VALUE = 16,
};

struct block {
	struct block *next;
	size_t size, used;
	unsigned char bytes[];
};

struct text {
	char *s;
	size_t len, cap;
};

struct journal {
	struct block *first, *last;
	size_t at;			/* in the first: where reading is */
	bool reading;
	size_t bytes;
	struct text key, value;		/* of the record before */
	int64_t expiration;
	uint64_t modified;
};

struct journal *journal_new(void)
{
	return xcalloc(1, sizeof(struct journal));
}

static void drop_first(struct journal *j)
{
	struct block *b = j->first;

	j->first = b->next;
	j->at = 0;
	if (j->first == NULL)
		j->last = NULL;
	j->bytes -= sizeof(*b) + b->size;
	free(b);
}

void journal_free(struct journal *j)
{
	if (j == NULL)
		return;
	while (j->first != NULL)
		drop_first(j);
	free(j->key.s);
	free(j->value.s);
	free(j);
}

size_t journal_bytes(const struct journal *j)
{
	return sizeof(*j) + j->bytes + j->key.cap + j->value.cap;
}

/* --- the text of the record before --- */

static void reserve(struct text *t, size_t len)
{
	if (len + 1 <= t->cap)
		return;
	t->cap = (len + 1) * 2;
	t->s = xrealloc(t->s, t->cap);
}

static size_t common_prefix(const struct text *t, const char *s, size_t len)
{
	size_t n = 0, most = len < t->len ? len : t->len;

	while (n < most && t->s[n] == s[n])
		n++;
	return n;
}

static size_t common_suffix(const struct text *t, const char *s, size_t len)
{
	size_t n = 0, most = len < t->len ? len : t->len;

	while (n < most && t->s[t->len - 1 - n] == s[len - 1 - n])
		n++;
	return n;
}

/* --- writing --- */

static void put(struct block *b, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		b->bytes[b->used++] = (unsigned char)(v | 0x80);
	b->bytes[b->used++] = (unsigned char)v;
}

/* Small numbers of either sign. */
static void put_signed(struct block *b, int64_t v)
{
	put(b, (uint64_t)v << 1 ^ (v < 0 ? UINT64_MAX : 0));
}

static void put_text(struct block *b, struct text *before, const char *s,
    size_t len)
{
	size_t from = common_prefix(before, s, len), to;

	to = common_suffix(before, s + from, len - from);
	if (to > before->len - from)
		to = before->len - from;
	put(b, from);
	put(b, to);
	put(b, len - from - to);
	memcpy(b->bytes + b->used, s + from, len - from - to);
	b->used += len - from - to;
	reserve(before, len);
	memcpy(before->s, s, len + 1);
	before->len = len;
}

static struct block *room_for(struct journal *j, size_t n)
{
	struct block *b = j->last;
	size_t size = n > BLOCK ? n : BLOCK;

	if (b != NULL && b->size - b->used >= n)
		return b;
	b = xmalloc(sizeof(*b) + size);
	b->next = NULL;
	b->size = size;
	b->used = 0;
	if (j->last != NULL)
		j->last->next = b;
	else
		j->first = b;
	j->last = b;
	j->bytes += sizeof(*b) + size;
	return b;
}

void journal_add(struct journal *j, const struct etcd_node *n, bool value)
{
	size_t key_len = strlen(n->key);
	size_t value_len = value ? strlen(n->value) : 0;
	struct block *b = room_for(j, MAX_NUMBERS + key_len + value_len);

	assert(!j->reading);
	put(b, (n->dir ? IS_DIR : 0u) | (value ? HAS_VALUE : 0u) |
	    (n->has_expiration ? HAS_EXPIRATION : 0u) |
	    (n->key_has_nul ? NUL_IN_KEY : 0u) |
	    (n->value_has_nul ? NUL_IN_VALUE : 0u));
	put_text(b, &j->key, n->key, key_len);
	if (value)
		put_text(b, &j->value, n->value, value_len);
	if (n->has_expiration) {
		put_signed(b, n->expiration.ms - j->expiration);
		j->expiration = n->expiration.ms;
	}
	put_signed(b, n->ttl);
	put_signed(b, (int64_t)(n->modified_index - j->modified));
	put_signed(b, (int64_t)(n->modified_index - n->created_index));
	j->modified = n->modified_index;
}

/* --- reading --- */

static uint64_t get(struct journal *j)
{
	uint64_t v = 0;
	unsigned char c;
	int shift = 0;

	do {
		c = j->first->bytes[j->at++];
		v |= (uint64_t)(c & 0x7f) << shift;
		shift += 7;
	} while ((c & 0x80) != 0);
	return v;
}

static int64_t get_signed(struct journal *j)
{
	uint64_t v = get(j);

	return (int64_t)(v >> 1 ^ ((v & 1) != 0 ? UINT64_MAX : 0));
}

static const char *get_text(struct journal *j, struct text *t)
{
	size_t from = get(j), to = get(j), middle = get(j);
	size_t len = from + middle + to;

	reserve(t, len);
	memmove(t->s + from + middle, t->s + t->len - to, to);
	memcpy(t->s + from, j->first->bytes + j->at, middle);
	j->at += middle;
	t->s[len] = '\0';
	t->len = len;
	return t->s;
}

/* The records are read as they were written, behind an empty one. */
static void begin_reading(struct journal *j)
{
	j->reading = true;
	j->key.len = j->value.len = 0;
	j->expiration = 0;
	j->modified = 0;
}

bool journal_next(struct journal *j, struct etcd_node *n)
{
	unsigned flags;

	if (!j->reading)
		begin_reading(j);
	while (j->first != NULL && j->at == j->first->used)
		drop_first(j);
	if (j->first == NULL)
		return false;
	flags = (unsigned)get(j);
	*n = (struct etcd_node){
		.dir = (flags & IS_DIR) != 0,
		.has_expiration = (flags & HAS_EXPIRATION) != 0,
		.key_has_nul = (flags & NUL_IN_KEY) != 0,
		.value_has_nul = (flags & NUL_IN_VALUE) != 0,
	};
	n->key = get_text(j, &j->key);
	if ((flags & HAS_VALUE) != 0)
		n->value = get_text(j, &j->value);
	if (n->has_expiration)
		n->expiration.ms = j->expiration += get_signed(j);
	n->ttl = get_signed(j);
	n->modified_index = j->modified += (uint64_t)get_signed(j);
	n->created_index = n->modified_index - (uint64_t)get_signed(j);
	return true;
}
