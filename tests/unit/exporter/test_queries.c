/* The queue of questions to history: each is answered once, whoever waits too
 * long, is released or is there at a stop is dropped once, and nobody waits
 * for a query that is cut off.  Also meant to be run under TSan. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "exporter/queries.c"

enum { MANY = 400, ASKERS = 4 };

/* --- a source whose queries last as long as the test wants --- */

struct session {
	int64_t limit_ms;
	mono_t deadline;
	void (*progress)(double share, void *arg);
	void *arg;
};

static atomic_bool closed_file;
static atomic_int sessions;		/* open */
static sem_t begun, go;
static bool endless;

static void *open_session(const void *arg, struct err *e)
{
	(void)arg;
	if (closed_file) {
		err_set(e, "no such file");
		return NULL;
	}
	sessions++;
	return xcalloc(1, sizeof(struct session));
}

static void close_session(void *session)
{
	sessions--;
	free(session);
}

static void limits(void *session, int64_t limit_ms,
    void (*progress)(double share, void *arg), void *arg)
{
	struct session *s = session;

	s->limit_ms = limit_ms;
	s->deadline = mono_add(clock_mono(), limit_ms);
	s->progress = progress;
	s->arg = arg;
}

/* Endless, it goes on until its time is over; else until the test says so. */
static enum history_rc looked(void *session, wall_t *since_r,
    wall_t *until_r, struct err *e)
{
	struct session *s = session;

	(void)since_r;
	(void)until_r;
	sem_post(&begun);
	while (endless) {
		if (s->progress != NULL)
			s->progress(0.5, s->arg);
		if (mono_due(s->deadline, clock_mono())) {
			err_set(e, "too long");
			return HISTORY_TOO_LONG;
		}
	}
	sem_wait(&go);
	return HISTORY_OK;
}

static const struct history_source source = {
	.open = open_session, .close = close_session, .looked = looked,
	.limits = limits,
};

/* --- who asks --- */

struct asker {
	sem_t woken;
	atomic_int runs, drops;
	bool ask_source;
	enum history_rc rc;
	struct err failure;
	struct query *query;
};

static atomic_int runs, drops;

static void run_asker(void *session, const struct history_source *from,
    const struct err *e, void *arg)
{
	struct asker *a = arg;
	wall_t t;

	a->runs++;
	runs++;
	a->failure = *e;
	if (session != NULL && a->ask_source)
		a->rc = from->looked(session, &t, &t, &a->failure);
}

static void drop_asker(void *arg)
{
	struct asker *a = arg;

	a->drops++;
	drops++;
}

static void wake(void *asker)
{
	sem_post(&((struct asker *)asker)->woken);
}

static void begin(struct queries *qs, struct asker *a, bool ask_source)
{
	struct query_work w = { run_asker, drop_asker, a, wake, a };

	*a = (struct asker){ .ask_source = ask_source };
	sem_init(&a->woken, 0, 0);
	a->query = queries_start(qs, &w);
}

/* Waits for it, and lets go of it; whether it was run. */
static bool end(struct asker *a)
{
	bool was;

	assert_non_null(a->query);
	sem_wait(&a->woken);
	was = query_was_run(a->query);
	assert_int_equal(a->drops, 0);
	query_release(a->query);
	assert_int_equal(a->drops, 1);
	assert_true(a->runs == 1 || !was);
	return was;
}

static struct queries *make(int64_t limit_ms)
{
	struct err e;
	struct queries *qs = queries_new(&source, limit_ms, &e);

	assert_non_null(qs);
	return qs;
}

static int set_up(void **state)
{
	(void)state;
	sem_init(&begun, 0, 0);
	sem_init(&go, 0, 0);
	endless = false;
	closed_file = false;
	runs = drops = 0;
	return 0;
}

/* Both threads are at a query that ends when the test says so. */
static void occupy(struct queries *qs, struct asker two[QUERIES_THREADS])
{
	for (int i = 0; i < QUERIES_THREADS; i++)
		begin(qs, &two[i], true);
	for (int i = 0; i < QUERIES_THREADS; i++)
		sem_wait(&begun);
}

static void let_go(void)
{
	for (int i = 0; i < QUERIES_THREADS; i++)
		sem_post(&go);
}

static void finish_all(struct queries *qs)
{
	queries_stop(qs);
	queries_free(qs);
	assert_int_equal(sessions, 0);
}

static void *ask_many(void *queries)
{
	for (int i = 0; i < MANY; i++) {
		struct asker a;

		do
			begin(queries, &a, false);
		while (a.query == NULL);
		if (i % 3 != 0) {
			assert_true(end(&a));
			continue;
		}
		/* It goes away without waiting. */
		query_release(a.query);
		while (a.drops == 0)
			sched_yield();
	}
	return NULL;
}

static void test_load(void **state)
{
	struct queries *qs = make(0);
	pthread_t threads[ASKERS];

	(void)state;
	for (int i = 0; i < ASKERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, ask_many,
		    qs), 0);
	for (int i = 0; i < ASKERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(drops, ASKERS * MANY);
	assert_true(runs <= ASKERS * MANY && runs > 0);
	finish_all(qs);
}

static void test_full(void **state)
{
	struct queries *qs = make(0);
	struct asker two[QUERIES_THREADS], v[QUERIES_MAX], more;

	(void)state;
	occupy(qs, two);
	for (int i = 0; i < QUERIES_MAX; i++) {
		begin(qs, &v[i], false);
		assert_non_null(v[i].query);
	}
	begin(qs, &more, false);
	assert_null(more.query);
	assert_int_equal(more.drops, 0);	/* still the caller's */
	query_release(v[5].query);
	assert_int_equal(v[5].drops, 1);
	begin(qs, &v[5], false);		/* room again */
	let_go();
	for (int i = 0; i < QUERIES_MAX; i++)
		assert_true(end(&v[i]));
	assert_true(end(&two[0]) && end(&two[1]));
	begin(qs, &more, false);
	assert_true(end(&more));
	finish_all(qs);
}

/* The source ends a query whose time is over. */
static void test_cut_off(void **state)
{
	struct queries *qs = make(20);
	struct asker a;

	(void)state;
	endless = true;
	begin(qs, &a, true);
	assert_true(end(&a));
	assert_int_equal(a.rc, HISTORY_TOO_LONG);
	assert_string_equal(a.failure.text, "too long");
	finish_all(qs);
}

/* A stop cuts off what would go on for an hour, and wakes who waits. */
static void test_stop(void **state)
{
	struct queries *qs = make(3600000);
	struct asker two[QUERIES_THREADS], v[3];

	(void)state;
	endless = true;
	occupy(qs, two);
	for (int i = 0; i < 3; i++)
		begin(qs, &v[i], false);
	queries_stop(qs);
	for (int i = 0; i < QUERIES_THREADS; i++)
		assert_false(end(&two[i]));
	for (int i = 0; i < 3; i++) {
		assert_false(end(&v[i]));
		assert_int_equal(v[i].runs, 0);
	}
	begin(qs, &v[0], false);
	assert_null(v[0].query);
	queries_free(qs);
	assert_int_equal(sessions, 0);
}

/* A source that does not even notice that it is to end. */
static void test_stop_while_the_disk_hangs(void **state)
{
	struct queries *qs = make(3600000);
	struct asker two[QUERIES_THREADS], waits;

	(void)state;
	occupy(qs, two);
	begin(qs, &waits, false);
	queries_stop(qs);
	sem_wait(&two[0].woken);
	assert_false(query_was_run(two[0].query));
	query_release(two[0].query);	/* its thread still needs it */
	assert_int_equal(two[0].drops, 0);
	sem_wait(&two[1].woken);
	query_release(two[1].query);
	assert_false(end(&waits));
	queries_free(qs);
	let_go();
	while (sessions > 0 || drops < 3)
		sched_yield();
	assert_int_equal(two[0].drops + two[1].drops, 2);
}

static void test_released(void **state)
{
	struct queries *qs = make(0);
	struct asker two[QUERIES_THREADS], waits, after;

	(void)state;
	occupy(qs, two);
	begin(qs, &waits, false);
	query_release(waits.query);
	assert_int_equal(waits.drops, 1);
	query_release(two[0].query);
	assert_int_equal(two[0].drops, 0);	/* it is being run */
	let_go();
	assert_true(end(&two[1]));
	begin(qs, &after, false);
	assert_true(end(&after));
	finish_all(qs);
	assert_int_equal(two[0].drops, 1);
	assert_int_equal(waits.runs, 0);
	query_release(NULL);
	queries_free(NULL);
}

/* Whoever waited as long as a query may take is sent away. */
static void test_waited_too_long(void **state)
{
	struct queries *qs;
	struct asker two[QUERIES_THREADS], early, late;

	(void)state;
	clock_set((mono_t){ 1000 }, (wall_t){ 1700000000000 });
	qs = make(50);
	occupy(qs, two);
	begin(qs, &early, false);
	clock_advance(49);
	begin(qs, &late, false);
	clock_advance(1);
	let_go();
	assert_false(end(&early));
	assert_true(end(&late));
	assert_true(end(&two[0]) && end(&two[1]));
	finish_all(qs);
	clock_use_real();
}

static void test_no_file_yet(void **state)
{
	struct queries *qs = make(0);
	struct asker a;

	(void)state;
	closed_file = true;
	begin(qs, &a, true);
	assert_true(end(&a));
	assert_string_equal(a.failure.text, "no such file");
	closed_file = false;
	sem_post(&go);
	begin(qs, &a, true);
	assert_true(end(&a));
	assert_string_equal(a.failure.text, "");
	finish_all(qs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_load, set_up),
		cmocka_unit_test_setup(test_full, set_up),
		cmocka_unit_test_setup(test_cut_off, set_up),
		cmocka_unit_test_setup(test_stop, set_up),
		cmocka_unit_test_setup(test_stop_while_the_disk_hangs,
		    set_up),
		cmocka_unit_test_setup(test_released, set_up),
		cmocka_unit_test_setup(test_waited_too_long, set_up),
		cmocka_unit_test_setup(test_no_file_yet, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
