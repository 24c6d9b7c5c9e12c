/* db/queue.c:
 *	order, batches within both limits, never nothing
 *	statistics dropped above either limit, and counted
 *	units merged above the third, only with what is not taken
 *	what was taken comes back in front; empty units only count on */
#include "db/queue.c"

#include "tests/unit/db/world.h"

static struct unit *unit_of(uint64_t number, int64_t begun, int64_t ended)
{
	struct unit *u = unit_new();

	u->number = number;
	if (ended != 0)
		UNIT_ADD(u, SQL_PERIOD_END, v_int(ended), v_int(5));
	if (begun != 0)
		UNIT_ADD(u, SQL_PERIOD_BEGIN, v_int(begun), v_int(1),
		    v_int(1), v_int(1), v_int(5), v_text(NULL), v_text(NULL),
		    v_text(NULL));
	return u;
}

static struct unit *statistics_of(uint64_t number)
{
	struct unit *u = unit_new();

	u->number = number;
	UNIT_ADD(u, SQL_MEMBER, v_text("im"), v_text("m"), v_int(1));
	return u;
}

/* Takes and frees; checks the last number. */
static size_t take(struct queue *q, size_t units, size_t bytes,
    uint64_t last)
{
	struct units out = TAILQ_HEAD_INITIALIZER(out);
	size_t n = queue_take(q, &out, units, bytes);

	assert_true(n > 0);
	assert_int_equal(queue_done(q, &out), last);
	return n;
}

static void test_batches(void **state)
{
	struct queue *q = queue_new(NULL);
	struct units out = TAILQ_HEAD_INITIALIZER(out);

	(void)state;
	assert_int_equal(queue_take(q, &out, 64, 1000), 0);
	for (uint64_t i = 1; i <= 10; i++)
		queue_push(q, unit_of(i, (int64_t)i, 0));
	assert_int_equal(queue_counts(q).units, 10);
	assert_int_equal(take(q, 3, 1 << 20, 3), 3);
	assert_int_equal(take(q, 64, 1, 4), 1);
	assert_int_equal(take(q, 64, 1 << 20, 10), 6);
	assert_int_equal(queue_counts(q).units, 0);
	assert_int_equal(queue_counts(q).bytes, 0);
	queue_free(q);
	queue_free(NULL);
}

static void test_give_back(void **state)
{
	struct queue *q = queue_new(NULL);
	struct units out = TAILQ_HEAD_INITIALIZER(out);

	(void)state;
	for (uint64_t i = 1; i <= 3; i++)
		queue_push(q, unit_of(i, (int64_t)i, 0));
	queue_take(q, &out, 2, 1 << 20);
	queue_push(q, unit_of(4, 4, 0));
	queue_give_back(q, &out);
	assert_true(TAILQ_EMPTY(&out));
	assert_int_equal(queue_counts(q).units, 4);
	assert_int_equal(take(q, 1, 1 << 20, 1), 1);
	assert_int_equal(take(q, 9, 1 << 20, 4), 3);
	queue_free(q);
}

static void test_empty_units(void **state)
{
	struct queue *q = queue_new(NULL);

	(void)state;
	queue_push(q, unit_of(1, 0, 0));
	queue_push(q, unit_of(2, 0, 0));
	queue_push(q, unit_of(3, 1, 0));
	queue_push(q, unit_of(4, 0, 0));
	assert_int_equal(queue_counts(q).units, 2);
	assert_int_equal(take(q, 9, 1 << 20, 4), 2);
	queue_free(q);
}

static void test_statistics_dropped(void **state)
{
	const struct queue_limits few = { 2, SIZE_MAX, SIZE_MAX };
	const struct queue_limits small = { SIZE_MAX, 300, SIZE_MAX };
	struct queue *q = queue_new(&few);

	(void)state;
	for (uint64_t i = 1; i <= 5; i++)
		queue_push(q, statistics_of(i));
	assert_int_equal(queue_counts(q).statistics_dropped, 2);
	queue_push(q, unit_of(6, 1, 0));
	assert_int_equal(queue_counts(q).units, 4);
	assert_int_equal(take(q, 9, 1 << 20, 6), 4);
	queue_free(q);
	q = queue_new(&small);
	queue_push(q, unit_of(1, 1, 0));
	queue_push(q, unit_of(2, 2, 0));
	queue_push(q, statistics_of(3));
	assert_int_equal(queue_counts(q).statistics_dropped, 1);
	queue_free(q);
}

/* Period n+1 follows n, for ever: memory must not grow, and what is written
 * in the end is the end of the first and the beginning of the last. */
static void test_collapse(void **state)
{
	const struct queue_limits limits = { SIZE_MAX, SIZE_MAX, 2000 };
	struct queue *q = queue_new(&limits);
	struct units out = TAILQ_HEAD_INITIALIZER(out);
	struct queue_counts c;

	(void)state;
	for (uint64_t i = 1; i <= 1000; i++)
		queue_push(q, unit_of(i, (int64_t)i + 1, (int64_t)i));
	c = queue_counts(q);
	assert_true(c.bytes < 3000);
	assert_true(c.transitions_collapsed > 900);

	/* The writer has everything, and the disk hangs. */
	queue_take(q, &out, SIZE_MAX, SIZE_MAX);
	assert_int_equal(TAILQ_LAST(&out, units)->number, 1000);
	for (uint64_t i = 1001; i <= 2000; i++)
		queue_push(q, unit_of(i, (int64_t)i + 1, (int64_t)i));
	assert_int_equal(TAILQ_LAST(&out, units)->number, 1000);
	assert_int_equal(queue_counts(q).units, c.units + 1);
	assert_true(queue_counts(q).bytes < 4000);
	queue_give_back(q, &out);
	assert_true(take(q, SIZE_MAX, SIZE_MAX, 2000) == c.units + 1);
	assert_int_equal(queue_counts(q).bytes, 0);
	queue_free(q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_batches),
		cmocka_unit_test(test_give_back),
		cmocka_unit_test(test_empty_units),
		cmocka_unit_test(test_statistics_dropped),
		cmocka_unit_test(test_collapse),
	};

	return cmocka_run_group_tests_name("db/queue", tests, NULL, NULL);
}
