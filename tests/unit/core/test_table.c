#include "core/table.c"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/seeded.h"

static int freed;

static void count_free(void *value)
{
	freed++;
	free(value);
}

static void test_empty(void **state)
{
	struct table *t = table_new(NULL);
	size_t cursor = 0;
	void *value;

	(void)state;
	assert_null(table_get(t, "x"));
	assert_null(table_del(t, "x"));
	assert_int_equal(table_count(t), 0);
	assert_false(table_next(t, &cursor, NULL, &value));
	table_free(t);
	table_free(NULL);
}

static void test_put_get_del(void **state)
{
	struct table *t = table_new(NULL);
	char one[] = "v1", two[] = "v2", key[] = "k", same[] = "k";
	const char *found;
	size_t cursor = 0;
	void *value;

	(void)state;
	assert_null(table_put(t, key, one));
	assert_null(table_put(t, "", two));
	assert_ptr_equal(table_get(t, "k"), one);
	assert_ptr_equal(table_get(t, ""), two);
	assert_int_equal(table_count(t), 2);
	assert_ptr_equal(table_del(t, ""), two);
	assert_null(table_get(t, ""));
	/* The key goes with the value it belongs to. */
	assert_ptr_equal(table_put(t, same, two), one);
	assert_int_equal(table_count(t), 1);
	assert_true(table_next(t, &cursor, &found, &value));
	assert_ptr_equal(found, same);
	assert_ptr_equal(value, two);
	table_free(t);
}

static void test_free_takes_what_is_left(void **state)
{
	struct table *t = table_new(count_free);
	char *a = xstrdup("a"), *b = xstrdup("b");

	(void)state;
	freed = 0;
	table_put(t, a, a);
	table_put(t, b, b);
	free(table_del(t, "a"));
	table_free(t);
	assert_int_equal(freed, 1);
}

/* Vectors of another implementation, key zero (CPython 3.11's hash()). */
static void test_siphash(void **state)
{
	static const struct {
		const char *text;
		uint64_t hash;
	} cases[] = {
		{ "a", 0x407448d2b89b1813u },
		{ "abc", 0xc03bc3a0042630f2u },
		{ "abcdefg", 0x6db12aae9070f506u },
		{ "abcdefgh", 0x3f7b849c0b8e35eau },
		{ "/login_servers/0001-0001", 0x4f8ae03330ad4947u },
	};
	static const uint64_t keys[2];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_true(siphash(cases[i].text, strlen(cases[i].text),
		    keys) == cases[i].hash);
}

/* A table that only ever has one entry must not grow for all the marks. */
static void test_churn_does_not_grow(void **state)
{
	struct table *t = table_new(NULL);
	char key[32];
	int i;

	(void)state;
	for (i = 0; i < 100000; i++) {
		snprintf(key, sizeof(key), "key %d", i);
		assert_null(table_put(t, key, t));
		assert_ptr_equal(table_del(t, key), t);
	}
	assert_int_equal(table_count(t), 0);
	assert_true(t->now.cap <= MIN_CAPACITY);
	assert_int_equal(t->old.cap, 0);
	table_free(t);
}

enum { MANY = 20000 };

static char many[MANY][16];

static void put_many(struct table *t, size_t from, size_t to)
{
	for (size_t k = from; k < to; k++) {
		snprintf(many[k], sizeof(many[k]), "%zu", k);
		assert_null(table_put(t, many[k], many[k]));
	}
}

/* However many there are, each put moves few. */
static void test_grows_and_shrinks_bit_by_bit(void **state)
{
	struct table *t = table_new(NULL);
	unsigned moves;

	(void)state;
	for (size_t k = 0; k < MANY; k++) {
		moves = table_moves(t);
		put_many(t, k, k + 1);
		assert_true(table_moves(t) - moves <= MOVED_AT_ONCE + 1);
	}
	assert_true(t->now.cap <= MANY * 4);
	for (size_t k = 0; k < MANY; k++)
		assert_ptr_equal(table_get(t, many[k]), many[k]);
	for (size_t k = 100; k < MANY; k++)
		assert_ptr_equal(table_del(t, many[k]), many[k]);
	for (size_t k = 100; k < MANY; k++) {
		put_many(t, k, k + 1);
		assert_ptr_equal(table_get(t, many[k]), many[k]);
		table_del(t, many[k]);
	}
	assert_true(t->now.cap <= 512);
	assert_int_equal(table_count(t), 100);
	table_free(t);
}

/* A walk that pauses sees all that was there from its beginning to its end. */
static void test_walk_with_pauses(void **state)
{
	struct table *t = table_new(NULL);
	size_t cursor = 0, next = MANY / 2, begun = 0;
	static bool seen[MANY];
	unsigned moves;
	const char *key;
	void *value;

	(void)state;
	put_many(t, 0, next);
	while (!table_settle(t, 1000))
		continue;
	moves = table_moves(t) + 1;
	for (size_t pauses = 0;; pauses++) {
		if (moves != table_moves(t)) {
			while (!table_settle(t, 1000))
				continue;
			moves = table_moves(t);
			memset(seen, 0, sizeof(seen));
			cursor = 0;
			begun++;
		}
		if (!table_next(t, &cursor, &key, &value))
			break;
		assert_false(seen[strtoul(key, NULL, 10)]);
		seen[strtoul(key, NULL, 10)] = true;
		if (pauses % 3 == 0 && next < MANY) {
			put_many(t, next, next + 1);
			next++;
		}
	}
	assert_in_range(begun, 1, 4);
	for (size_t k = 0; k < MANY / 2; k++)
		assert_true(seen[k]);
	table_free(t);
}

enum { KEYS = 700 };

struct model {
	char key[KEYS][16];
	char values[KEYS];		/* only their addresses matter */
	void *value[KEYS];
	size_t count;
};

static void check_walk(const struct table *t, const struct model *m)
{
	size_t cursor = 0, seen = 0, i;
	const char *key;
	void *value;

	while (table_next(t, &cursor, &key, &value)) {
		i = strtoul(key, NULL, 10);
		assert_ptr_equal(m->value[i], value);
		seen++;
	}
	assert_int_equal(seen, m->count);
}

/* Deletes about half of all during a walk: each must be seen once. */
static void walk_and_delete(struct table *t, struct model *m)
{
	size_t cursor = 0, seen = 0, before = m->count, i;
	const char *key;
	void *value;

	while (table_next(t, &cursor, &key, &value)) {
		i = strtoul(key, NULL, 10);
		assert_ptr_equal(m->value[i], value);
		seen++;
		if (seeded_below(2)) {
			assert_ptr_equal(table_del(t, key), value);
			m->value[i] = NULL;
			m->count--;
		}
	}
	assert_int_equal(seen, before);
}

static void step(struct table *t, struct model *m)
{
	size_t i = seeded_below(KEYS);
	void *new = &m->values[seeded_below(KEYS)];

	switch (seeded_below(4)) {
	case 0:
	case 1:
		assert_ptr_equal(table_put(t, m->key[i], new), m->value[i]);
		m->count += m->value[i] == NULL;
		m->value[i] = new;
		break;
	case 2:
		assert_ptr_equal(table_del(t, m->key[i]), m->value[i]);
		m->count -= m->value[i] != NULL;
		m->value[i] = NULL;
		break;
	default:
		assert_ptr_equal(table_get(t, m->key[i]), m->value[i]);
	}
	assert_int_equal(table_count(t), m->count);
}

static void test_random_against_model(void **state)
{
	static struct model m;
	struct table *t = table_new(NULL);
	size_t i;

	(void)state;
	seeded_start();
	for (i = 0; i < KEYS; i++)
		snprintf(m.key[i], sizeof(m.key[i]), "%zu", i);
	for (i = 0; i < 200000; i++) {
		step(t, &m);
		if (i % 5000 == 0)
			check_walk(t, &m);
		if (seeded_below(20000) == 0)
			walk_and_delete(t, &m);
	}
	walk_and_delete(t, &m);
	check_walk(t, &m);
	table_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_put_get_del),
		cmocka_unit_test(test_free_takes_what_is_left),
		cmocka_unit_test(test_siphash),
		cmocka_unit_test(test_churn_does_not_grow),
		cmocka_unit_test(test_grows_and_shrinks_bit_by_bit),
		cmocka_unit_test(test_walk_with_pauses),
		cmocka_unit_test(test_random_against_model),
	};

	return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
