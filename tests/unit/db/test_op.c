/* db/op.c:
 *	every kind of value comes back as it was
 *	what is small takes little */
#include "db/op.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tests/unit/seeded.h"

static void same(const struct value *v, size_t n)
{
	struct op *op = malloc(op_size(v, n));
	struct value back[OP_MAX_VALUES];

	assert_non_null(op);
	op_set(op, SQL_ALERT, v, n);
	assert_int_equal(op->id, SQL_ALERT);
	assert_int_equal(op->n, n);
	assert_int_equal(op->bytes, op_size(v, n));
	op_values(op, back);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(back[i].type, v[i].type);
		if (v[i].type == VALUE_INT)
			assert_true(back[i].i == v[i].i);
		if (v[i].type != VALUE_TEXT)
			continue;
		assert_ptr_not_equal(back[i].s, v[i].s);
		assert_string_equal(back[i].s, v[i].s);
	}
	free(op);
}

static void test_each_kind(void **state)
{
	const struct value v[] = {
		v_int(0), v_text(""), v_text(NULL), v_int(1), v_int(-1),
		v_int(127), v_int(128), v_int(-128), v_int(-129), v_int(255),
		v_int(256), v_int(INT64_MAX), v_int(INT64_MIN),
		v_int(INT64_C(1763000000000)), v_text("\xff\x01"),
		v_some(0), v_some(5), v_text("/login_servers/0001-0001"),
	};

	(void)state;
	same(v, sizeof(v) / sizeof(v[0]));
	same(v, 0);
}

/* Integers of any length, with one bit more or less. */
static void test_random(void **state)
{
	struct value v[OP_MAX_VALUES];

	(void)state;
	seeded_start();
	for (int step = 0; step < 2000; step++) {
		for (int i = 0; i < OP_MAX_VALUES; i++) {
			int64_t x = INT64_C(1) << seeded_below(63);

			x += (int64_t)seeded_below(3) - 1;
			v[i] = v_int(seeded_below(2) ? x : -x);
		}
		same(v, OP_MAX_VALUES);
	}
}

static void test_small(void **state)
{
	(void)state;
	assert_int_equal(sizeof(struct op), 32);
	assert_int_equal(op_size((struct value[]){ v_text(NULL), v_int(0),
	    v_int(-1), v_int(300), v_text("ab") }, 5), 32 + 1 + 1 + 2 + 3 + 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_kind),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_small),
	};

	return cmocka_run_group_tests_name("op", tests, NULL, NULL);
}
