/* db/unit.c:
 *	ops are copies
 *	progress of a directory is one row in a unit
 *	statistics are taken out, the rest stays
 *	merging: rows written twice are written once, a stay that begins and
 *	ends is left out, the order of the rest stays, sizes add up */
#include "db/unit.c"

#include "tests/unit/db/world.h"

static struct value value(const struct op *op, int i)
{
	static struct value v[OP_MAX_VALUES];

	op_values(op, v);
	return v[i];
}

static size_t count(const struct unit *u, enum statement_id id)
{
	const struct op *op;
	size_t n = 0;

	TAILQ_FOREACH(op, &u->ops, link)
		n += op->id == id;
	return n;
}

static void begin(struct unit *u, int64_t id, int64_t instance)
{
	UNIT_ADD(u, SQL_PERIOD_BEGIN, v_int(id), v_int(instance), v_int(1),
	    v_int(1), v_int(1000 + id), v_text(NULL), v_text(NULL),
	    v_text(NULL));
}

static void end(struct unit *u, int64_t id)
{
	UNIT_ADD(u, SQL_PERIOD_END, v_int(id), v_int(2000 + id));
}

static void test_copies(void **state)
{
	struct unit *u = unit_new();
	char name[] = "login", cluster_name[] = "im";
	const struct op *op;

	(void)state;
	UNIT_ADD(u, SQL_SERVICE_GONE, v_text(cluster_name), v_text(name));
	name[0] = cluster_name[0] = 'x';
	op = TAILQ_FIRST(&u->ops);
	assert_string_equal(value(op, 0).s, "im");
	assert_string_equal(value(op, 1).s, "login");
	unit_free(u);
	unit_free(NULL);
}

static void watch(struct unit *u, int64_t id, int64_t to)
{
	unit_watching(u, (const struct value[6]){ v_int(id), v_text("im"),
	    v_text("/a"), v_int(1), v_int(to), v_int(to * 10) });
}

static void test_progress_is_one_row(void **state)
{
	struct unit *u = unit_new();

	(void)state;
	watch(u, 1, 5);
	watch(u, 2, 6);
	watch(u, 1, 7);
	assert_int_equal(u->nops, 2);
	assert_int_equal(value(TAILQ_FIRST(&u->ops), 4).i, 7);
	assert_int_equal(value(TAILQ_FIRST(&u->ops), 5).i, 70);
	assert_int_equal(value(TAILQ_LAST(&u->ops, op_list), 4).i, 6);
	unit_free(u);
}

static void test_drop_statistics(void **state)
{
	struct unit *u = unit_new();
	size_t before;

	(void)state;
	begin(u, 1, 1);
	UNIT_ADD(u, SQL_MEMBER, v_text("im"), v_text("m"), v_int(1));
	UNIT_ADD(u, SQL_FOLLOWER, v_text("im"), v_text("m"));
	UNIT_ADD(u, SQL_CLOCK_JUMP, v_int(1), v_int(2));
	before = unit_bytes(u);
	assert_int_equal(unit_drop_statistics(u), 2);
	assert_int_equal(u->nops, 2);
	assert_true(unit_bytes(u) < before);
	unit_free(u);
}

static void test_merge_leaves_out_short_stays(void **state)
{
	struct unit *a = unit_new(), *b = unit_new(), *c = unit_new();
	const struct op *op;

	(void)state;
	a->number = 1;
	b->number = 2;
	c->number = 3;
	end(a, 1);		/* written long ago */
	begin(a, 2, 7);
	end(b, 2);
	begin(b, 3, 7);
	begin(b, 4, 8);
	end(c, 3);
	begin(c, 5, 7);
	assert_int_equal(unit_merge(a, b), 1);
	assert_int_equal(unit_merge(a, c), 1);
	assert_int_equal(a->number, 3);
	assert_int_equal(a->nops, 3);
	op = TAILQ_FIRST(&a->ops);
	assert_int_equal(op->id, SQL_PERIOD_END);
	assert_int_equal(value(op, 0).i, 1);
	assert_int_equal(value(op, 1).i, 2001);	/* at the first change */
	op = TAILQ_NEXT(op, link);
	assert_int_equal(value(op, 0).i, 4);
	op = TAILQ_NEXT(op, link);
	assert_int_equal(value(op, 0).i, 5);	/* from the last one */
	unit_free(a);
}

/* However often rows are written, there is room for each once. */
static void test_merged_does_not_grow(void **state)
{
	struct unit *a = unit_new();
	size_t bytes = 0;

	(void)state;
	end(a, 1);
	for (int64_t i = 2; i < 1000; i++) {
		struct unit *b = unit_new();

		begin(b, i, 7);
		UNIT_ADD(b, SQL_SERVICE, v_text("im"), v_text("x"), v_int(i),
		    v_int(0), v_int(0), v_int(0));
		end(b, i);
		unit_merge(a, b);
		if (i == 10)
			bytes = unit_bytes(a);
	}
	assert_int_equal(unit_bytes(a), bytes);
	assert_int_equal(a->nops, 2);
	unit_free(a);
}

static void test_merge_writes_rows_once(void **state)
{
	struct unit *a = unit_new(), *b = unit_new();
	const struct op *op;

	(void)state;
	UNIT_ADD(a, SQL_ALERT_GONE, v_text("f1"));
	UNIT_ADD(a, SQL_OUTBOX_DONE, v_int(1));
	UNIT_ADD(a, SQL_CLOCK_JUMP, v_int(1), v_int(2));
	UNIT_ADD(a, SQL_SERVICE_GONE, v_text("im"), v_text("x"));
	UNIT_ADD(b, SQL_SERVICE, v_text("im"), v_text("x"), v_int(1),
	    v_int(0), v_int(0), v_int(0));
	UNIT_ADD(b, SQL_SERVICE, v_text("im"), v_text("y"), v_int(1),
	    v_int(0), v_int(0), v_int(0));
	UNIT_ADD(b, SQL_CLOCK_JUMP, v_int(1), v_int(2));
	UNIT_ADD(b, SQL_OUTBOX_DONE, v_int(1));
	UNIT_ADD(b, SQL_OUTBOX_DONE, v_int(2));
	assert_int_equal(unit_merge(a, b), 0);
	assert_int_equal(a->nops, 7);
	assert_int_equal(count(a, SQL_SERVICE_GONE), 0);
	assert_int_equal(count(a, SQL_SERVICE), 2);
	assert_int_equal(count(a, SQL_CLOCK_JUMP), 2);
	assert_int_equal(count(a, SQL_OUTBOX_DONE), 2);
	op = TAILQ_FIRST(&a->ops);
	assert_int_equal(op->id, SQL_ALERT_GONE);
	unit_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copies),
		cmocka_unit_test(test_progress_is_one_row),
		cmocka_unit_test(test_drop_statistics),
		cmocka_unit_test(test_merged_does_not_grow),
		cmocka_unit_test(test_merge_leaves_out_short_stays),
		cmocka_unit_test(test_merge_writes_rows_once),
	};

	return cmocka_run_group_tests_name("db/unit", tests, NULL, NULL);
}
