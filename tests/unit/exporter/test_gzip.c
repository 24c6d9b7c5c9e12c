/* What goes in comes out of zlib's own reader. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "exporter/gzip.c"

static void inflate_all(const struct buf *b, char *out, size_t size,
    size_t *n_r)
{
	z_stream z = { 0 };

	assert_int_equal(inflateInit2(&z, GZIP_FORMAT), Z_OK);
	z.next_in = (Bytef *)b->data;
	z.avail_in = (uInt)b->len;
	z.next_out = (Bytef *)out;
	z.avail_out = (uInt)size;
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(z.avail_in, 0);
	*n_r = z.total_out;
	inflateEnd(&z);
}

static void check(const char *bytes, size_t n)
{
	char *out = xmalloc(n + 1);
	struct buf b;
	size_t back;

	buf_init(&b, n);
	buf_add(&b, bytes, n);
	assert_int_equal(gzip_buf(&b), 0);
	assert_true(b.len >= 18);
	assert_memory_equal(b.data, "\x1f\x8b\x08", 3);
	inflate_all(&b, out, n + 1, &back);
	assert_int_equal(back, n);
	assert_memory_equal(out, bytes, n);
	buf_free(&b);
	free(out);
}

static void test_round_trip(void **state)
{
	static char big[1 << 20];
	unsigned seed = 7;

	(void)state;
	check("", 0);
	check("x", 1);
	check(big, sizeof(big));
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (char)((seed = seed * 1103515245 + 12345) >> 16);
	check(big, sizeof(big));	/* grows */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
