/* A hash table with string keys: open addressing, linear probing, at most
 * seven eighths full, 32 bits of the hash kept beside each entry.  An entry
 * taken out leaves a mark behind, so nothing ever moves except in table_put();
 * that is what makes deleting during a walk safe.  Marks are swept, and the
 * room fitted to what is held, when the next one is put in.
 *
 * A table of a million is as much in use as one of ten, and none may stop the
 * loop while it grows.  So it consists of parts, each with room of its own,
 * and is split further one part at a time (linear hashing): no call moves more
 * than some 16,000 entries, half a millisecond's work.  The parts of a large
 * table are so large that malloc maps each for itself, and leave no holes
 * behind.
 *
 * Keys come from outsiders (etcd keys, label values), hence SipHash-1-3 with a
 * secret of the process: nobody can choose keys that all collide. */
#include "core/table.h"

#include <assert.h>
#include <endian.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "core/clock.h"
#include "core/xalloc.h"

enum {
	MIN_CAPACITY = 8,
	PART_ENTRIES = 8192,	/* more in the mean: split one */
	SLOT_BITS = 20,		/* of a cursor; the others are the part */
};

/* What a slot's hash says; any other is that of an entry. */
enum { NEVER_USED, TAKEN_OUT, FIRST_HASH };

/* One piece of memory: values, keys if they are kept, hashes. */
struct part {
	void **values;
	const char **keys;
	uint32_t *hashes;
	uint32_t cap;
	uint32_t used;		/* entries and marks */
	uint32_t count;		/* entries */
};

struct table {
	struct part *parts;
	size_t nparts;
	size_t whole;		/* the power of two up to nparts: from there on
				   each part is the second half of one */
	size_t count;
	unsigned moves;
	void (*free_value)(void *);
	const char *(*key_of)(const void *value);	/* NULL: kept */
};

static uint64_t secret[2];
static pthread_once_t secret_once = PTHREAD_ONCE_INIT;

static void make_secret(void)
{
	if (getrandom(secret, sizeof(secret), GRND_NONBLOCK) ==
	    (ssize_t)sizeof(secret))
		return;
	/* Early at boot the kernel may have no randomness yet: then where we
	 * were loaded and when we started must do. */
	secret[0] = (uint64_t)(uintptr_t)&secret * 0x9e3779b97f4a7c15u;
	secret[1] = (uint64_t)clock_mono_us();
}

static uint64_t rotate(uint64_t x, int n)
{
	return x << n | x >> (64 - n);
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] = rotate(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] = rotate(v[2], 32);
}

static void sip_word(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	sip_round(v);
	v[0] ^= word;
}

/* SipHash-1-3 of s under the two keys. */
static uint64_t siphash(const char *s, size_t len, const uint64_t keys[2])
{
	uint64_t v[4] = {
		keys[0] ^ 0x736f6d6570736575u, keys[1] ^ 0x646f72616e646f6du,
		keys[0] ^ 0x6c7967656e657261u, keys[1] ^ 0x7465646279746573u,
	};
	uint64_t word = 0;
	size_t left = len;

	for (; left >= 8; left -= 8, s += 8) {
		memcpy(&word, s, 8);
		sip_word(v, le64toh(word));
	}
	word = 0;
	memcpy(&word, s, left);
	sip_word(v, le64toh(word) | (uint64_t)len << 56);
	v[2] ^= 0xff;
	sip_round(v);
	sip_round(v);
	sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* The highest bits choose the slot, the lowest the part. */
static uint32_t hash_of(const char *key)
{
	uint32_t hash;

	pthread_once(&secret_once, make_secret);
	hash = (uint32_t)(siphash(key, strlen(key), secret) >> 32);
	return hash < FIRST_HASH ? hash + FIRST_HASH : hash;
}

/* --- one part --- */

static uint32_t home(const struct part *p, uint32_t hash)
{
	return (uint32_t)((uint64_t)hash * p->cap >> 32);
}

static uint32_t next_slot(const struct part *p, uint32_t i)
{
	return i + 1 == p->cap ? 0 : i + 1;
}

static const char *key_at(const struct table *t, const struct part *p,
    uint32_t i)
{
	return t->key_of ? t->key_of(p->values[i]) : p->keys[i];
}

/* True with the slot that holds key. */
static bool find(const struct table *t, const struct part *p, const char *key,
    uint32_t hash, uint32_t *slot_r)
{
	uint32_t i;

	if (!p->cap)
		return false;
	for (i = home(p, hash); p->hashes[i] != NEVER_USED;
	    i = next_slot(p, i)) {
		if (p->hashes[i] == hash && !strcmp(key_at(t, p, i), key)) {
			*slot_r = i;
			return true;
		}
	}
	return false;
}

static void part_set(struct part *p, uint32_t i, const char *key, void *value)
{
	p->values[i] = value;
	if (p->keys)
		p->keys[i] = key;
}

static void part_add(struct part *p, uint32_t hash, const char *key,
    void *value)
{
	uint32_t i = home(p, hash);

	while (p->hashes[i] != NEVER_USED)
		i = next_slot(p, i);
	p->hashes[i] = hash;
	part_set(p, i, key, value);
	p->used++;
	p->count++;
}

/* An empty one, two thirds full with that many entries. */
static struct part part_for(const struct table *t, uint32_t entries)
{
	struct part p = { .cap = entries + entries / 2 };
	size_t words = t->key_of ? 1 : 2;

	if (p.cap < MIN_CAPACITY)
		p.cap = MIN_CAPACITY;
	assert(p.cap < 1u << SLOT_BITS);
	p.values = xcalloc(p.cap, words * sizeof(void *) + sizeof(uint32_t));
	if (!t->key_of)
		p.keys = (void *)(p.values + p.cap);
	p.hashes = (void *)(p.values + words * p.cap);
	return p;
}

static void part_move(struct part *to, const struct part *from, uint32_t i)
{
	part_add(to, from->hashes[i], from->keys ? from->keys[i] : NULL,
	    from->values[i]);
}

/* Moves everything into room that fits, without the marks. */
static void rebuild(struct table *t, struct part *p)
{
	struct part old = *p;

	t->moves++;
	*p = part_for(t, old.count + 1);
	for (uint32_t i = 0; i < old.cap; i++)
		if (old.hashes[i] >= FIRST_HASH)
			part_move(p, &old, i);
	free(old.values);
}

/* --- the parts of a table --- */

static size_t number_of(const struct table *t, uint32_t hash)
{
	size_t n = hash & (2 * t->whole - 1);

	return n < t->nparts ? n : n - t->whole;
}

static struct part *part_of(const struct table *t, uint32_t hash)
{
	return &t->parts[number_of(t, hash)];
}

/* Adds a part: the next one in turn hands over the half that belongs there. */
static void split(struct table *t)
{
	size_t next = t->nparts - t->whole;
	struct part old = t->parts[next];
	uint32_t leave = 0;

	t->moves++;
	t->parts = xreallocarray(t->parts, ++t->nparts, sizeof(*t->parts));
	for (uint32_t i = 0; i < old.cap; i++)
		leave += old.hashes[i] >= FIRST_HASH &&
		    number_of(t, old.hashes[i]) != next;
	t->parts[next] = part_for(t, old.count - leave);
	t->parts[t->nparts - 1] = part_for(t, leave);
	for (uint32_t i = 0; i < old.cap; i++)
		if (old.hashes[i] >= FIRST_HASH)
			part_move(part_of(t, old.hashes[i]), &old, i);
	free(old.values);
	if (t->nparts == 2 * t->whole)
		t->whole = t->nparts;
}

/* --- what others see --- */

struct table *table_new_of(void (*free_value)(void *),
    const char *(*key_of)(const void *value))
{
	struct table *t = xcalloc(1, sizeof(*t));

	t->parts = xcalloc(1, sizeof(*t->parts));
	t->nparts = t->whole = 1;
	t->free_value = free_value;
	t->key_of = key_of;
	return t;
}

struct table *table_new(void (*free_value)(void *))
{
	return table_new_of(free_value, NULL);
}

static void part_free(const struct table *t, struct part *p)
{
	for (uint32_t i = 0; t->free_value && i < p->cap; i++)
		if (p->hashes[i] >= FIRST_HASH)
			t->free_value(p->values[i]);
	free(p->values);
}

void table_free(struct table *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->nparts; i++)
		part_free(t, &t->parts[i]);
	free(t->parts);
	free(t);
}

void *table_get(const struct table *t, const char *key)
{
	uint32_t hash = hash_of(key), i;
	const struct part *p = part_of(t, hash);

	return find(t, p, key, hash, &i) ? p->values[i] : NULL;
}

void *table_put(struct table *t, const char *key, void *value)
{
	uint32_t hash = hash_of(key), i;
	struct part *p = part_of(t, hash);
	void *replaced;

	assert(value);
	if (find(t, p, key, hash, &i)) {
		replaced = p->values[i];
		part_set(p, i, key, value);
		return replaced;
	}
	if ((p->used + 1) * 8 > p->cap * 7)
		rebuild(t, p);
	part_add(p, hash, key, value);
	if (++t->count > t->nparts * PART_ENTRIES)
		split(t);
	return NULL;
}

void *table_del(struct table *t, const char *key)
{
	uint32_t hash = hash_of(key), i;
	struct part *p = part_of(t, hash);

	if (!find(t, p, key, hash, &i))
		return NULL;
	p->hashes[i] = TAKEN_OUT;
	p->count--;
	t->count--;
	return p->values[i];
}

size_t table_count(const struct table *t)
{
	return t->count;
}

bool table_next(const struct table *t, size_t *cursor, const char **key_r,
    void **value_r)
{
	size_t n = *cursor >> SLOT_BITS;
	uint32_t i = *cursor & ((1u << SLOT_BITS) - 1);

	for (; n < t->nparts; n++, i = 0) {
		const struct part *p = &t->parts[n];

		while (i < p->cap && p->hashes[i] < FIRST_HASH)
			i++;
		if (i == p->cap)
			continue;
		if (key_r)
			*key_r = key_at(t, p, i);
		*value_r = p->values[i];
		*cursor = (n << SLOT_BITS) + i + 1;
		return true;
	}
	*cursor = n << SLOT_BITS;
	return false;
}

unsigned table_moves(const struct table *t)
{
	return t->moves;
}
