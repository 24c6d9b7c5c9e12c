/* Standard output that is read, slow, full, closed. */
#include "discover/stdout.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <signal.h>
#include <stdio.h>
#include <cmocka.h>

#include "core/err.h"

static struct loop *loop;

static void stop(void *arg, mono_t now)
{
	(void)arg;
	(void)now;
	loop_stop(loop);
}

static void run_for(int64_t ms)
{
	struct timer *end = timer_new(loop, stop, NULL);

	timer_set(end, mono_add(clock_mono(), ms));
	loop_run(loop);
	timer_free(end);
}

#define AWAIT(condition) \
	do { \
		mono_t limit_ = mono_add(clock_mono(), 20000); \
		while (!(condition)) { \
			assert_false(mono_due(limit_, clock_mono())); \
			run_for(5); \
		} \
	} while (0)

static int saved = -1, reader;
static char why[256];

static void on_ended(void *arg, const char *text)
{
	(void)arg;
	assert_string_equal(why, "");		/* once */
	snprintf(why, sizeof(why), "%s", text);
}

/* Standard output is a pipe, or a file that there is. */
static struct discover_stdout *piped(const char *path)
{
	struct err e;
	int fds[2];

	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(fds), 0);
	if (path != NULL) {
		close(fds[1]);
		fds[1] = open(path, O_WRONLY);
	}
	fflush(stdout);
	saved = dup(STDOUT_FILENO);
	dup2(fds[1], STDOUT_FILENO);
	close(fds[1]);
	reader = fds[0];
	why[0] = '\0';
	loop = loop_new(&e);
	return discover_stdout_new(loop, on_ended, NULL);
}

static void unpiped(struct discover_stdout *s)
{
	discover_stdout_free(s);
	close(reader);
	loop_free(loop);
	dup2(saved, STDOUT_FILENO);
	close(saved);
}

static void add(struct discover_stdout *s, const char *text)
{
	struct buf b;

	buf_init(&b, 1024);
	buf_adds(&b, text);
	discover_stdout_add(s, &b);
	buf_free(&b);
}

static void test_stdout(void **state)
{
	struct discover_stdout *s = piped(NULL);
	char text[64] = "";

	(void)state;
	assert_true(discover_stdout_idle(s));
	add(s, "");
	assert_true(discover_stdout_idle(s));
	add(s, "one ");
	add(s, "two ");
	add(s, "three");
	AWAIT(discover_stdout_idle(s));
	assert_int_equal(read(reader, text, sizeof(text) - 1), 13);
	assert_string_equal(text, "one two three");
	unpiped(s);
	assert_string_equal(why, "");
}

static void test_stdout_closed(void **state)
{
	struct discover_stdout *s = piped(NULL);

	(void)state;
	run_for(10);
	assert_string_equal(why, "");
	close(reader);				/* and nothing is written */
	AWAIT(why[0] != '\0');
	assert_non_null(strstr(why, "was closed"));
	add(s, "more");
	assert_true(discover_stdout_idle(s));
	reader = dup(STDIN_FILENO);
	unpiped(s);
}

/* A reader that stands still stops nobody; too much is the end. */
static void test_stdout_slow(void **state)
{
	static char chunk[1 << 20];
	struct discover_stdout *s = piped(NULL);
	struct buf b;

	(void)state;
	memset(chunk, 'x', sizeof(chunk));
	buf_init(&b, sizeof(chunk));
	buf_add(&b, chunk, sizeof(chunk));
	for (int i = 0; i < 60; i++)
		discover_stdout_add(s, &b);
	run_for(20);
	assert_false(discover_stdout_idle(s));
	assert_string_equal(why, "");
	for (int i = 0; i < 10 && why[0] == '\0'; i++)
		discover_stdout_add(s, &b);
	assert_non_null(strstr(why, "64 MiB"));
	buf_free(&b);
	close(reader);				/* lets the thread go */
	reader = dup(STDIN_FILENO);
	unpiped(s);
}

static void test_stdout_full(void **state)
{
	struct discover_stdout *s = piped("/dev/full");

	(void)state;
	add(s, "x");
	AWAIT(why[0] != '\0');
	assert_string_equal(why, "No space left on device");
	unpiped(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stdout),
		cmocka_unit_test(test_stdout_closed),
		cmocka_unit_test(test_stdout_slow),
		cmocka_unit_test(test_stdout_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
