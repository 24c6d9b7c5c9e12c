/* Whatever goes in comes out of zlib's inflate, piece by piece and with
 * several behind each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "core/xalloc.h"
#include "exporter/deflate.c"
#include "tests/unit/seeded.h"

enum { MOST = 200000 };

static struct deflate deflate_state;
static char text[MOST], back[MOST];

static size_t pack(size_t n, unsigned char *out)
{
	size_t room = deflate_bound(n), len;

	memset(out, 0x5a, room + 1);
	len = deflate_piece(&deflate_state, text, n, out);
	assert_true(len <= room);
	assert_int_equal(out[room], 0x5a);	/* nothing behind the room */
	assert_memory_equal(out + len - 4, "\0\0\xff\xff", 4);
	return len;
}

/* Returns the length of the piece. */
static size_t check(size_t n)
{
	unsigned char *out = xmalloc(deflate_bound(n) + 1);
	size_t len = pack(n, out);
	z_stream z = { 0 };

	assert_int_equal(inflateInit2(&z, -15), Z_OK);
	z.next_in = out;
	z.avail_in = (uInt)len;
	z.next_out = (Bytef *)back;
	z.avail_out = MOST;
	assert_int_equal(inflate(&z, Z_SYNC_FLUSH), Z_OK);
	assert_int_equal(z.avail_in, 0);
	assert_int_equal(z.total_out, n);
	assert_memory_equal(back, text, n);
	inflateEnd(&z);
	free(out);
	return len;
}

static void fill_random(size_t n, unsigned kinds)
{
	for (size_t i = 0; i < n; i++)
		text[i] = (char)(kinds < 256 ? 'a' + (int)seeded_below(kinds) :
		    (int)seeded_below(256));
}

/* Repeats what was before, for lengths and over distances of all sizes. */
static void fill_repeating(size_t n)
{
	size_t at = 0;

	while (at < n) {
		size_t most = (size_t)1 << seeded_below(17);
		size_t length = seeded_below(most < 2000 ? most : 2000) + 1;
		size_t distance = seeded_below(most) + 1;

		for (; length > 0 && at < n; length--, at++)
			text[at] = distance <= at ? text[at - distance] :
			    (char)seeded_below(256);
	}
}

static void test_short(void **state)
{
	(void)state;
	for (size_t n = 0; n < 600; n++) {
		memset(text, 'x', n);
		assert_true(check(n) < 40);
		fill_random(n, 2);
		check(n);
		fill_random(n, 256);
		check(n);
	}
}

/* Every length of a match, at every kind of distance. */
static void test_lengths_and_distances(void **state)
{
	(void)state;
	for (size_t length = 3; length < 800; length += 1 + length / 40)
		for (size_t far = length; far < 70000; far = far * 3 / 2 + 1) {
			fill_random(far, 256);
			memcpy(text + far, text, length);
			check(far + length);
		}
}

static void test_random(void **state)
{
	(void)state;
	for (int round = 0; round < 300; round++) {
		size_t n = seeded_below((size_t)1 << seeded_below(18));

		if (n > MOST)
			n = MOST;
		if (round % 3 == 0)
			fill_random(n, 1u << seeded_below(9));
		else
			fill_repeating(n);
		check(n);
	}
}

/* Where the count of places starts anew, nothing of old is believed. */
static void test_very_many(void **state)
{
	(void)state;
	for (uint32_t base = UINT32_MAX / 2 - 3000; base < UINT32_MAX / 2 + 9;
	    base += 7) {
		deflate_state = (struct deflate){ .base = base };
		fill_repeating(2000);
		check(2000);
		check(2000);
	}
}

/* An exposition becomes about a tenth. */
static void test_lines(void **state)
{
	size_t n = 0;

	(void)state;
	for (int k = 0; k < 300; k++)
		n += (size_t)sprintf(text + n, "rollcall_instance_up{etcd_"
		    "cluster=\"im\",service_name=\"login_server\",instance_id"
		    "=\"10.0.3.%d:8080\"} 1\n", k);
	assert_true(check(n) < n / 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_short),
		cmocka_unit_test(test_lengths_and_distances),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_very_many),
		cmocka_unit_test(test_lines),
	};

	seeded_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
