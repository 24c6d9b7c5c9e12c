/* exporter/queries.c, also under ThreadSanitizer:
 *	each query is run once and its asker woken once
 *	more than may wait are refused
 *	one released while it waits is not run; while it runs, not woken
 *	a session that could not be opened is tried again by the next query
 *	at the end who waits is woken, and was not run */
#include "exporter/queries.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <cmocka.h>

#include "core/err.h"
#include "core/history.h"
#include "core/xalloc.h"

/* --- a source whose sessions are counted --- */

static atomic_int opened, closed, failures, limited;

static void *open_session(const void *arg, struct err *e)
{
	static int session;

	(void)arg;
	if (atomic_load(&failures) > 0) {
		atomic_fetch_sub(&failures, 1);
		err_set(e, "no file");
		return NULL;
	}
	atomic_fetch_add(&opened, 1);
	return &session;
}

static void close_session(void *session)
{
	(void)session;
	atomic_fetch_add(&closed, 1);
}

static void limits(void *session, int64_t limit_ms,
    void (*progress)(double share, void *arg), void *arg)
{
	(void)session;
	(void)progress;
	(void)arg;
	atomic_store(&limited, (int)limit_ms);
}

static const struct history_source source = {
	.open = open_session, .close = close_session, .limits = limits,
};

/* --- queries that can be held --- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t moved = PTHREAD_COND_INITIALIZER;
static bool held;
static int running, ran, woken, dropped, without_session;

static void run(void *session, const struct history_source *s,
    const struct err *e, void *arg)
{
	(void)s;
	(void)arg;
	pthread_mutex_lock(&mutex);
	running++;
	without_session += session == NULL && e->text[0] != '\0';
	pthread_cond_broadcast(&moved);
	while (held)
		pthread_cond_wait(&moved, &mutex);
	running--;
	ran++;
	pthread_cond_broadcast(&moved);
	pthread_mutex_unlock(&mutex);
}

static void drop(void *arg)
{
	free(arg);
	pthread_mutex_lock(&mutex);
	dropped++;
	pthread_cond_broadcast(&moved);
	pthread_mutex_unlock(&mutex);
}

static void wake(void *asker)
{
	(void)asker;
	pthread_mutex_lock(&mutex);
	woken++;
	pthread_cond_broadcast(&moved);
	pthread_mutex_unlock(&mutex);
}

static struct query *start(struct queries *qs)
{
	void *arg = xcalloc(1, 1);
	struct query *q = queries_start(qs, &(struct query_work){
		run, drop, arg, wake, NULL });

	if (q == NULL)
		free(arg);
	return q;
}

/* Until *n is that many. */
static void await_count(const int *n, int count)
{
	pthread_mutex_lock(&mutex);
	while (*n != count)
		pthread_cond_wait(&moved, &mutex);
	pthread_mutex_unlock(&mutex);
}

static void hold(bool on)
{
	pthread_mutex_lock(&mutex);
	held = on;
	pthread_cond_broadcast(&moved);
	pthread_mutex_unlock(&mutex);
}

static struct queries *begin(void)
{
	struct err e;
	struct queries *qs = queries_new(&source, 0, &e);

	assert_non_null(qs);
	held = false;
	running = ran = woken = dropped = without_session = 0;
	atomic_store(&opened, 0);
	atomic_store(&closed, 0);
	return qs;
}

static void end(struct queries *qs)
{
	queries_stop(qs);
	queries_free(qs);
	assert_int_equal(atomic_load(&opened), atomic_load(&closed));
}

static void test_many(void **state)
{
	struct queries *qs = begin();
	struct query *v[QUERIES_MAX];

	(void)state;
	for (int i = 0; i < QUERIES_MAX; i++)
		assert_non_null(v[i] = start(qs));
	await_count(&woken, QUERIES_MAX);
	assert_int_equal(ran, QUERIES_MAX);
	for (int i = 0; i < QUERIES_MAX; i++) {
		assert_true(query_was_run(v[i]));
		query_release(v[i]);
	}
	assert_int_equal(dropped, QUERIES_MAX);
	assert_in_range(atomic_load(&opened), 1, QUERIES_THREADS);
	assert_int_equal(atomic_load(&limited), QUERIES_LIMIT_MS);
	end(qs);
}

static void test_too_many(void **state)
{
	struct queries *qs = begin();
	struct query *v[QUERIES_THREADS + QUERIES_MAX];
	int n = 0;

	(void)state;
	hold(true);
	for (; n < QUERIES_THREADS; n++)
		assert_non_null(v[n] = start(qs));
	await_count(&running, QUERIES_THREADS);
	for (; n < QUERIES_THREADS + QUERIES_MAX; n++)
		assert_non_null(v[n] = start(qs));
	assert_null(start(qs));
	query_release(v[--n]);		/* room again */
	assert_non_null(v[n++] = start(qs));
	hold(false);
	await_count(&woken, n);
	while (n > 0)
		query_release(v[--n]);
	end(qs);
}

static void test_released(void **state)
{
	struct queries *qs = begin();
	struct query *v[QUERIES_THREADS], *waits;

	(void)state;
	hold(true);
	for (int i = 0; i < QUERIES_THREADS; i++)
		v[i] = start(qs);
	await_count(&running, QUERIES_THREADS);
	waits = start(qs);
	query_release(waits);
	assert_int_equal(dropped, 1);	/* never run */
	query_release(v[0]);		/* still needed by its thread */
	assert_int_equal(dropped, 1);
	hold(false);
	await_count(&dropped, 2);
	await_count(&woken, QUERIES_THREADS - 1);
	assert_int_equal(ran, QUERIES_THREADS);
	for (int i = 1; i < QUERIES_THREADS; i++)
		query_release(v[i]);
	end(qs);
}

static void test_opened_again(void **state)
{
	struct queries *qs = begin();
	struct query *q;

	(void)state;
	atomic_store(&failures, 1);
	q = start(qs);
	await_count(&woken, 1);
	assert_true(query_was_run(q));
	assert_int_equal(without_session, 1);
	query_release(q);
	q = start(qs);
	await_count(&woken, 2);
	assert_int_equal(without_session, 1);
	query_release(q);
	end(qs);
}

static void *let_go(void *arg)
{
	await_count(&woken, *(int *)arg);
	hold(false);
	return NULL;
}

static void test_stop(void **state)
{
	struct queries *qs = begin();
	struct query *v[QUERIES_THREADS + 5];
	int n = 0, waiting = 5;
	pthread_t other;

	(void)state;
	hold(true);
	for (; n < QUERIES_THREADS; n++)
		v[n] = start(qs);
	await_count(&running, QUERIES_THREADS);
	for (; n < QUERIES_THREADS + waiting; n++)
		v[n] = start(qs);
	/* Those that wait are woken before those that run have ended. */
	assert_int_equal(pthread_create(&other, NULL, let_go, &waiting), 0);
	queries_stop(qs);
	pthread_join(other, NULL);
	assert_int_equal(woken, n);
	assert_int_equal(ran, QUERIES_THREADS);
	assert_null(start(qs));
	for (int i = 0; i < n; i++) {
		assert_int_equal(query_was_run(v[i]), i < QUERIES_THREADS);
		query_release(v[i]);
	}
	end(qs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_many), cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_released),
		cmocka_unit_test(test_opened_again),
		cmocka_unit_test(test_stop),
	};

	return cmocka_run_group_tests_name("exporter/queries", tests, NULL,
	    NULL);
}
