/* A hash table with string keys: open addressing, linear probing, at most
 * three quarters full, the full hash kept beside each entry.  An entry taken
 * out leaves a mark behind, so nothing ever moves except in table_put(); that
 * is what makes deleting during a walk safe.  Marks are swept, and the table
 * grown or shrunk to what it holds, when the next one is put in.
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

struct slot {
	uint64_t hash;
	const char *key;	/* NULL: never used; GONE: taken out */
	void *value;
};

struct table {
	struct slot *slots;
	size_t cap;		/* 0 or a power of two */
	size_t used;		/* entries and marks */
	size_t count;		/* entries */
	unsigned moves;
	void (*free_value)(void *);
};

enum { MIN_CAPACITY = 16 };

/* Not const: a compiler may give a constant the address of a literal "". */
static char gone[1];
#define GONE gone

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

static uint64_t hash_of(const char *key)
{
	pthread_once(&secret_once, make_secret);
	return siphash(key, strlen(key), secret);
}

static bool is_entry(const struct slot *s)
{
	return s->key && s->key != GONE;
}

/* The slot that holds key, or NULL. */
static struct slot *find(const struct table *t, const char *key, uint64_t hash)
{
	size_t i;

	if (!t->cap)
		return NULL;
	for (i = hash & (t->cap - 1); t->slots[i].key;
	    i = (i + 1) & (t->cap - 1)) {
		struct slot *s = &t->slots[i];

		if (is_entry(s) && s->hash == hash && !strcmp(s->key, key))
			return s;
	}
	return NULL;
}

static void add(struct table *t, const struct slot *entry)
{
	size_t i = entry->hash & (t->cap - 1);

	while (t->slots[i].key)
		i = (i + 1) & (t->cap - 1);
	t->slots[i] = *entry;
	t->used++;
	t->count++;
}

/* Moves everything into a table at most half full, without the marks. */
static void rebuild(struct table *t)
{
	struct slot *old = t->slots;
	size_t cap = t->cap, i;

	t->cap = MIN_CAPACITY;
	while (t->cap < (t->count + 1) * 2)
		t->cap *= 2;
	t->slots = xcalloc(t->cap, sizeof(*t->slots));
	t->moves++;
	t->used = t->count = 0;
	for (i = 0; i < cap; i++)
		if (is_entry(&old[i]))
			add(t, &old[i]);
	free(old);
}

struct table *table_new(void (*free_value)(void *))
{
	struct table *t = xcalloc(1, sizeof(*t));

	t->free_value = free_value;
	return t;
}

void table_free(struct table *t)
{
	size_t i;

	if (!t)
		return;
	for (i = 0; t->free_value && i < t->cap; i++)
		if (is_entry(&t->slots[i]))
			t->free_value(t->slots[i].value);
	free(t->slots);
	free(t);
}

void *table_get(const struct table *t, const char *key)
{
	struct slot *s = find(t, key, hash_of(key));

	return s ? s->value : NULL;
}

void *table_put(struct table *t, const char *key, void *value)
{
	struct slot entry = { hash_of(key), key, value };
	struct slot *s = find(t, key, entry.hash);
	void *replaced;

	assert(value);
	if (s) {
		replaced = s->value;
		*s = entry;
		return replaced;
	}
	if ((t->used + 1) * 4 > t->cap * 3)
		rebuild(t);
	add(t, &entry);
	return NULL;
}

void *table_del(struct table *t, const char *key)
{
	struct slot *s = find(t, key, hash_of(key));
	void *value;

	if (!s)
		return NULL;
	value = s->value;
	*s = (struct slot){ .key = GONE };
	t->count--;
	return value;
}

size_t table_count(const struct table *t)
{
	return t->count;
}

bool table_next(const struct table *t, size_t *cursor, const char **key_r,
    void **value_r)
{
	while (*cursor < t->cap) {
		const struct slot *s = &t->slots[(*cursor)++];

		if (!is_entry(s))
			continue;
		if (key_r)
			*key_r = s->key;
		*value_r = s->value;
		return true;
	}
	return false;
}

unsigned table_moves(const struct table *t)
{
	return t->moves;
}
