/* A hash table with string keys: open addressing, linear probing, at most
 * three quarters full, the full hash kept beside each entry.  An entry taken
 * out leaves a mark behind, so nothing ever moves except in table_put(); that
 * is what makes deleting during a walk safe.  When marks and entries fill it, a
 * new array begins, as large as what it holds needs, and each table_put() moves
 * some entries over: a million at once would take a tenth of a second.  Until
 * they all are, there are two arrays, and an entry is in one of them.
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

struct array {
	struct slot *slots;
	size_t cap;		/* 0 or a power of two */
};

struct table {
	struct array now;
	size_t used;		/* entries and marks in it */
	struct array old;	/* cap 0: none */
	size_t moved;		/* of its slots */
	size_t count;		/* entries in both */
	unsigned moves;
	void (*free_value)(void *);
};

/* An array shrinks to a quarter at most, and can take in a quarter more before
 * it is full again, so that the old one is empty by then. */
enum { MIN_CAPACITY = 16, MAX_SHRINK = 4, MOVED_AT_ONCE = 16 };

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
static struct slot *find_in(const struct array *a, const char *key,
    uint64_t hash)
{
	size_t i;

	if (!a->cap)
		return NULL;
	for (i = hash & (a->cap - 1); a->slots[i].key;
	    i = (i + 1) & (a->cap - 1)) {
		struct slot *s = &a->slots[i];

		if (is_entry(s) && s->hash == hash && !strcmp(s->key, key))
			return s;
	}
	return NULL;
}

static struct slot *find(const struct table *t, const char *key, uint64_t hash)
{
	struct slot *s = find_in(&t->now, key, hash);

	return s ? s : find_in(&t->old, key, hash);
}

static void add(struct table *t, const struct slot *entry)
{
	struct array *a = &t->now;
	size_t i = entry->hash & (a->cap - 1);

	while (a->slots[i].key)
		i = (i + 1) & (a->cap - 1);
	a->slots[i] = *entry;
	t->used++;
}

bool table_settle(struct table *t, size_t n)
{
	for (; t->moved < t->old.cap && n > 0; t->moved++, n--) {
		struct slot *s = &t->old.slots[t->moved];

		if (!is_entry(s))
			continue;
		add(t, s);
		*s = (struct slot){ .key = GONE };
		t->moves++;
	}
	if (t->moved < t->old.cap)
		return false;
	free(t->old.slots);
	t->old = (struct array){ 0 };
	return true;
}

/* Begins a new array that will be at most half full, without the marks. */
static void renew(struct table *t)
{
	size_t cap = MIN_CAPACITY;

	table_settle(t, SIZE_MAX);
	while (cap < (t->count + 1) * 2 || cap < t->now.cap / MAX_SHRINK)
		cap *= 2;
	t->old = t->now;
	t->now.cap = cap;
	t->now.slots = xcalloc(cap, sizeof(*t->now.slots));
	t->moved = t->used = 0;
	t->moves++;
}

struct table *table_new(void (*free_value)(void *))
{
	struct table *t = xcalloc(1, sizeof(*t));

	t->free_value = free_value;
	return t;
}

static void free_values(const struct table *t, const struct array *a)
{
	for (size_t i = 0; t->free_value && i < a->cap; i++)
		if (is_entry(&a->slots[i]))
			t->free_value(a->slots[i].value);
	free(a->slots);
}

void table_free(struct table *t)
{
	if (!t)
		return;
	free_values(t, &t->now);
	free_values(t, &t->old);
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
	if ((t->used + 1) * 4 > t->now.cap * 3)
		renew(t);
	add(t, &entry);
	t->count++;
	table_settle(t, MOVED_AT_ONCE);
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
	while (*cursor < t->old.cap + t->now.cap) {
		size_t i = (*cursor)++;
		const struct slot *s = i < t->old.cap ? &t->old.slots[i] :
		    &t->now.slots[i - t->old.cap];

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
