/* collectors/journal.c: what is written comes back, whatever it is, and takes
 * few bytes where nodes are alike. */
#include "collectors/journal.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "tests/unit/seeded.h"

enum { NODES = 4000, TEXT = 64 };

struct stored {
	struct etcd_node n;
	bool value;
	char key[TEXT], text[TEXT];
};

static struct stored v[NODES];

static void random_text(char *to, size_t like)
{
	size_t n = seeded_below(TEXT), same = 0;

	if (like > 0 && seeded_below(4) != 0)
		same = seeded_below(n + 1);
	for (size_t k = 0; k < n; k++)
		to[k] = (char)('a' + seeded_below(3));
	if (like > 0)
		memcpy(to, v[like - 1].key, same);
	to[n] = '\0';
}

static uint64_t random_number(void)
{
	return seeded() >> (11 + seeded_below(53));
}

static void random_node(size_t at)
{
	struct stored *s = &v[at];

	random_text(s->key, at);
	random_text(s->text, at);
	s->value = seeded_below(4) != 0;
	s->n = (struct etcd_node){
		.key = s->key, .value = s->text,
		.dir = seeded_below(2), .has_expiration = seeded_below(3),
		.key_has_nul = seeded_below(2),
		.value_has_nul = seeded_below(2),
		.ttl = (int64_t)random_number() - (int64_t)random_number(),
		.created_index = random_number(),
		.modified_index = random_number(),
	};
	if (s->n.has_expiration)
		s->n.expiration.ms = (int64_t)random_number() -
		    (int64_t)random_number();
}

static void check_next(struct journal *j, const struct stored *s)
{
	struct etcd_node n;

	assert_true(journal_next(j, &n));
	assert_string_equal(n.key, s->key);
	if (s->value)
		assert_string_equal(n.value, s->text);
	else
		assert_null(n.value);
	assert_int_equal(n.dir, s->n.dir);
	assert_int_equal(n.has_expiration, s->n.has_expiration);
	assert_int_equal(n.key_has_nul, s->n.key_has_nul);
	assert_int_equal(n.value_has_nul, s->n.value_has_nul);
	assert_int_equal(n.expiration.ms, s->n.expiration.ms);
	assert_int_equal(n.ttl, s->n.ttl);
	assert_int_equal(n.created_index, s->n.created_index);
	assert_int_equal(n.modified_index, s->n.modified_index);
}

static void comes_back(void **state)
{
	struct etcd_node n;
	size_t empty = sizeof(struct journal);

	(void)state;
	seeded_start();
	for (int round = 0; round < 5; round++) {
		struct journal *j = journal_new();

		assert_int_equal(journal_bytes(j), empty);
		for (size_t k = 0; k < NODES; k++) {
			random_node(k);
			journal_add(j, &v[k].n, v[k].value);
		}
		for (size_t k = 0; k < NODES; k++)
			check_next(j, &v[k]);
		assert_false(journal_next(j, &n));
		assert_false(journal_next(j, &n));
		assert_true(journal_bytes(j) <= 4 * TEXT + empty);
		journal_free(j);
	}
}

static void long_ones(void **state)
{
	struct journal *j = journal_new();
	struct etcd_node n = { .key = "/a", .modified_index = 7 }, got;
	size_t len = 3 * BLOCK;
	char *value = xmalloc(len + 1);

	(void)state;
	memset(value, 'x', len);
	value[len] = '\0';
	n.value = value;
	for (int k = 0; k < 3; k++)
		journal_add(j, &n, true);
	for (int k = 0; k < 3; k++) {
		assert_true(journal_next(j, &got));
		assert_string_equal(got.value, value);
	}
	assert_false(journal_next(j, &got));
	journal_free(j);
	journal_free(NULL);
	free(value);
}

static void half_read(void **state)
{
	struct journal *j = journal_new();
	struct etcd_node got;

	(void)state;
	for (size_t k = 0; k < NODES; k++) {
		random_node(k);
		journal_add(j, &v[k].n, true);
	}
	for (size_t k = 0; k < NODES / 2; k++)
		assert_true(journal_next(j, &got));
	journal_free(j);
}

/* As a site's directory is: names and addresses of one kind, in no order. */
static void takes_few_bytes(void **state)
{
	struct journal *j = journal_new();
	char key[TEXT], value[TEXT];
	size_t body = 0;

	(void)state;
	seeded_start();
	for (uint64_t k = 0; k < 20000; k++) {
		struct etcd_node n = { .key = key, .value = value,
			.has_expiration = true, .ttl = 27,
			.expiration = { 1795335156455 +
			    (int64_t)seeded_below(30000) },
			.modified_index = 1000000 + seeded_below(1000000),
		};

		n.created_index = n.modified_index;
		snprintf(key, sizeof(key), "/services/svc-%03u/inst-%07u",
		    (unsigned)seeded_below(100),
		    (unsigned)seeded_below(1000000));
		snprintf(value, sizeof(value), "{\"host\":\"10.%u.%u.%u\","
		    "\"port\":8080}", (unsigned)seeded_below(256),
		    (unsigned)seeded_below(256), (unsigned)seeded_below(256));
		body += strlen(key) + strlen(value) + 140;
		journal_add(j, &n, true);
	}
	assert_true(journal_bytes(j) * 10 < body * 3);
	journal_free(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_back),
		cmocka_unit_test(long_ones),
		cmocka_unit_test(half_read),
		cmocka_unit_test(takes_few_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
