/* What goes in comes out of zlib's own reader. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "exporter/gzip.c"
#include "tests/unit/seeded.h"

enum { GZIP_FORMAT = 31 };		/* windowBits 15 + 16 */

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

/* Pieces kept and put together in any order are one stream, which ends where
 * it says; the sums of runs of them can be added up in groups. */
static void test_pieces(void **state)
{
	enum { KEPT = 8, MOST = 3000 };
	static char text[KEPT][MOST], want[100 * MOST], got[100 * MOST + 1];
	struct packer *p = packer_new();
	struct gzip_sum sums[KEPT];
	struct buf packed[KEPT], out;

	(void)state;
	seeded_start();
	buf_init(&out, 1 << 20);
	for (int k = 0; k < KEPT; k++) {
		size_t n = seeded_below(MOST) * (k > 0);

		for (size_t i = 0; i < n; i++)
			text[k][i] = (char)('a' + seeded_below(k + 1u));
		buf_init(&packed[k], 1 << 16);
		sums[k] = gzip_pack(p, text[k], n, &packed[k]);
		assert_int_equal(sums[k].n, n);
		assert_int_equal(packed[k].len == 0, n == 0);
	}
	for (int round = 0; round < 100; round++) {
		struct gzip_sum sum = { 0 }, group = { 0 };
		size_t len = 0, back;

		buf_reset(&out);
		gzip_begin(&out);
		for (size_t left = seeded_below(100); left > 0; left--) {
			size_t k = seeded_below(KEPT);

			buf_add(&out, buf_str(&packed[k]), packed[k].len);
			memcpy(want + len, text[k], sums[k].n);
			len += sums[k].n;
			gzip_sum_add(&group, &sums[k]);
			if (seeded_below(4) == 0 || left == 1) {
				gzip_sum_done(&group);
				gzip_sum_add(&sum, &group);
				group = (struct gzip_sum){ 0 };
			}
		}
		gzip_end(&out, &sum);
		inflate_all(&out, got, sizeof(got), &back);
		assert_int_equal(back, len);
		assert_memory_equal(got, want, len);
	}
	for (int k = 0; k < KEPT; k++)
		buf_free(&packed[k]);
	buf_free(&out);
	packer_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
