/* db/room.c:
 *	pieces of any size lie apart, aligned, and keep what is in them
 *	few allocations, little more than what was asked for
 *	what is given back is taken again, large pieces go at once */
#include "db/room.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/seeded.h"

static size_t chunks(const struct room *r)
{
	const struct chunk *c;
	size_t n = 0;

	for (c = r->chunks; c != NULL; c = c->before)
		n++;
	return n;
}

static void test_little_room(void **state)
{
	enum { N = 10000, EACH = 100 };
	struct room r = { 0 };

	(void)state;
	room_take(&r, 1);
	assert_true(r.bytes <= FIRST_CHUNK);
	for (int i = 1; i < N; i++)
		room_take(&r, EACH);
	assert_true(chunks(&r) <= 2 + N * (EACH + ROOM_GRAIN) / CHUNK);
	assert_true(r.bytes <= N * (EACH + ROOM_GRAIN));
	room_free(&r);
	assert_int_equal(r.bytes, 0);
	room_free(&r);
}

static void test_taken_again(void **state)
{
	struct room r = { 0 };
	char *small = room_take(&r, 100), *other = room_take(&r, 100);
	size_t bytes = r.bytes;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		room_give(&r, small, 100);
		assert_ptr_equal(room_take(&r, 97), small);
	}
	room_give(&r, small, 97);
	room_give(&r, other, 100);
	assert_int_equal(r.bytes, bytes);
	room_give(&r, room_take(&r, 1 << 20), 1 << 20);
	assert_int_equal(r.bytes, bytes);
	room_free(&r);
}

/* As unit_drop_statistics() does it. */
static void test_moved(void **state)
{
	struct room r = { 0 }, old;
	char *kept;

	(void)state;
	room_take(&r, 1 << 20);
	room_take(&r, 1 << 20);
	old = r;
	r = (struct room){ 0 };
	kept = room_take(&r, 1 << 20);
	room_free(&old);
	room_give(&r, kept, 1 << 20);
	assert_int_equal(r.bytes, 0);
	room_free(&r);
}

/* Each piece is filled with its number, and must still be when it goes. */
static void test_random(void **state)
{
	enum { N = 200 };
	static struct { unsigned char *p; size_t n; } v[N];
	struct room r = { 0 };

	(void)state;
	seeded_start();
	for (int step = 0; step < 20000; step++) {
		unsigned i = (unsigned)seeded_below(N);

		for (size_t k = 0; v[i].p != NULL && k < v[i].n; k++)
			assert_int_equal(v[i].p[k], i);
		if (v[i].p != NULL)
			room_give(&r, v[i].p, v[i].n);
		v[i].n = 1 + (size_t)seeded_below(seeded_below(20) ? 300 :
		    5000);
		v[i].p = room_take(&r, v[i].n);
		assert_int_equal((uintptr_t)v[i].p % ROOM_GRAIN, 0);
		memset(v[i].p, (int)i, v[i].n);
	}
	room_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_little_room),
		cmocka_unit_test(test_taken_again),
		cmocka_unit_test(test_moved),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests_name("room", tests, NULL, NULL);
}
