/* --ready-tcp: waits for a listener that comes later, once; names that do not
 * resolve; freed while a try is under way. */
#include "cli/ready.c"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct loop *loop;
static struct ready *ready;
static struct timer *later;
static int listener, naccepted;
static char address[64];

static void on_accepted(void *arg)
{
	assert_ptr_equal(arg, &naccepted);
	naccepted++;
	ready_free(ready);
	ready = NULL;
	loop_stop(loop);
}

static void end(void *arg, mono_t now)
{
	(void)arg;
	(void)now;
	loop_stop(loop);
}

static void run_for(int ms)
{
	timer_set(later, mono_add(clock_mono(), ms));
	loop_run(loop);
	timer_clear(later);
}

/* A port that is ours, and does not listen yet. */
static int setup(void **state)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);

	(void)state;
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	loop = loop_new(NULL);
	later = timer_new(loop, end, NULL);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&a, sizeof(a)), 0);
	getsockname(listener, (struct sockaddr *)&a, &len);
	snprintf(address, sizeof(address), "localhost:%d",
	    ntohs(a.sin_port));
	naccepted = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	ready_free(ready);
	ready = NULL;
	timer_free(later);
	loop_free(loop);
	close(listener);
	return 0;
}

static void test_comes_later(void **state)
{
	(void)state;
	ready = ready_new(loop, address, on_accepted, &naccepted);
	run_for(250);
	assert_int_equal(naccepted, 0);
	assert_non_null(ready);
	listen(listener, 1);
	run_for(5000);
	assert_int_equal(naccepted, 1);
	run_for(250);
	assert_int_equal(naccepted, 1);
}

static void test_is_there(void **state)
{
	mono_t began = clock_mono();

	(void)state;
	listen(listener, 1);
	ready = ready_new(loop, address, on_accepted, &naccepted);
	assert_int_equal(naccepted, 0);
	run_for(5000);
	assert_int_equal(naccepted, 1);
	assert_true(mono_since(began, clock_mono()) < 3000);
}

static void test_no_such_name(void **state)
{
	(void)state;
	ready = ready_new(loop, "[nowhere]:80", on_accepted, &naccepted);
	run_for(300);
	assert_int_equal(naccepted, 0);
}

static void test_freed_under_way(void **state)
{
	(void)state;
	ready = ready_new(loop, address, on_accepted, &naccepted);
	run_for(10);
	listen(listener, 1);
	ready_free(ready);
	ready = NULL;
	ready_free(NULL);
	run_for(200);
	assert_int_equal(naccepted, 0);
}

/* What the kernel does where the port is one it gives out itself. */
static void test_not_taken_in_by_itself(void **state)
{
	struct sockaddr_in a;
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	(void)state;
	getsockname(listener, (struct sockaddr *)&a, &len);
	close(listener);
	listener = -1;
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_true(is_itself(fd));
	close(fd);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_comes_later),
		TEST(test_is_there),
		TEST(test_no_such_name),
		TEST(test_freed_under_way),
		TEST(test_not_taken_in_by_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
