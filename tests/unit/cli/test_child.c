/* A command as a child: exit codes, signals, what it inherits and what not. */
#include "cli/child.c"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <cmocka.h>

static struct child child;
static struct child_start_state state_before;
static int signals;

static int setup(void **state)
{
	sigset_t set;

	(void)state;
	signal(SIGCHLD, SIG_IGN);		/* as some parents leave it */
	child_remember(&state_before);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signals = signalfd(-1, &set, SFD_CLOEXEC);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close(signals);
	return 0;
}

static struct signalfd_siginfo next_signal(void)
{
	struct pollfd p = { .fd = signals, .events = POLLIN };
	struct signalfd_siginfo s;

	if (poll(&p, 1, 10000) != 1)
		fail_msg("no signal within 10 s");
	assert_int_equal(read(signals, &s, sizeof(s)), sizeof(s));
	return s;
}

static int start(const char *script)
{
	char sh[] = "sh", c[] = "-c", *text = strdup(script);
	char *argv[] = { sh, c, text, NULL };
	struct err e;
	int rc = child_start(&child, argv, &state_before, &e);

	free(text);
	return rc;
}

static void await_end(void)
{
	while (!child.ended) {
		bool ended;

		assert_int_equal(next_signal().ssi_signo, SIGCHLD);
		ended = child_reap(&child);
		assert_int_equal(ended, child.ended);
	}
	assert_false(child_reap(&child));
}

static void test_exit_code(void **state)
{
	(void)state;
	assert_int_equal(start("exit 7"), 0);
	assert_true(child.pid > 0);
	await_end();
	assert_int_equal(child_exit_code(&child), 7);
	assert_int_equal(child_killed_by(&child), 0);
	child_signal(&child, SIGKILL);		/* of no effect any more */
	assert_int_equal(start("kill -9 $$"), 0);
	await_end();
	assert_int_equal(child_exit_code(&child), 137);
	assert_int_equal(child_killed_by(&child), 9);
	assert_int_equal(start("exit 200"), 0);
	await_end();
	assert_int_equal(child_killed_by(&child), 0);
}

static void test_cannot_run(void **state)
{
	static const struct {
		const char *name;
		int rc;
		const char *words;
	} cases[] = {
		{ "/no/such/file", CHILD_NOT_FOUND, "No such file" },
		{ "no-such-command", CHILD_NOT_FOUND, "No such file" },
		{ "/etc", CHILD_CANNOT_RUN, "Permission denied" },
		{ "/etc/passwd", CHILD_CANNOT_RUN, "Permission denied" },
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *name = strdup(cases[i].name);
		char *argv[] = { name, NULL };

		assert_int_equal(child_start(&child, argv, &state_before, &e),
		    cases[i].rc);
		assert_non_null(strstr(e.text, cases[i].words));
		assert_int_equal(child.pid, 0);
		child_signal(&child, SIGTERM);	/* to nobody */
		free(name);
	}
}

static void test_script_without_interpreter(void **state)
{
	char name[] = "/tmp/rollcall-child-XXXXXX", *argv[] = { name, NULL };
	int fd = mkstemp(name);
	struct err e;

	(void)state;
	assert_int_equal(write(fd, "exit 3\n", 7), 7);
	fchmod(fd, 0700);
	close(fd);
	assert_int_equal(child_start(&child, argv, &state_before, &e),
	    CHILD_CANNOT_RUN);
	assert_non_null(strstr(e.text, "#!/bin/sh"));
	unlink(name);
}

/* SIGUSR1 is blocked here, SIGPIPE ignored, and descriptors are open. */
static void test_clean_start(void **state)
{
	char *text;
	int ours = dup(0);			/* without FD_CLOEXEC */

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_true(asprintf(&text, "[ -e /proc/self/fd/%d ] && exit 1;"
	    " grep -q '^SigBlk:.0*$' /proc/self/status || exit 2;"
	    " kill -PIPE $$; exit 3", ours) > 0);
	assert_int_equal(start(text), 0);
	await_end();
	assert_int_equal(child_exit_code(&child), 128 + SIGPIPE);
	free(text);
	close(ours);
}

/* nohup(1) */
static void test_what_was_ignored_stays_ignored(void **state)
{
	(void)state;
	close(signals);
	signal(SIGHUP, SIG_IGN);
	setup(NULL);
	assert_int_equal(start("kill -HUP $$; exit 4"), 0);
	await_end();
	signal(SIGHUP, SIG_DFL);
	assert_int_equal(child_exit_code(&child), 4);
}

static void test_forward(void **state)
{
	struct signalfd_siginfo s = { .ssi_signo = SIGTERM,
	    .ssi_code = SI_KERNEL };

	(void)state;
	assert_int_equal(start("trap 'exit 5' USR1; kill -USR1 $PPID;"
	    " while :; do sleep 0.01; done"), 0);
	child_forward(&child, &s);	/* the terminal has done it */
	s = next_signal();
	assert_int_equal(s.ssi_signo, SIGUSR1);
	child_forward(&child, &s);
	await_end();
	assert_int_equal(child_exit_code(&child), 5);
}

/* Of a process group of its own, the terminal's signals do not reach it. */
static void test_forward_to_another_group(void **state)
{
	struct signalfd_siginfo s = { .ssi_signo = SIGTERM,
	    .ssi_code = SI_KERNEL };

	(void)state;
	assert_int_equal(start("exec setsid sh -c 'kill -USR1 '$PPID';"
	    " exec sleep 20'"), 0);
	assert_int_equal(next_signal().ssi_signo, SIGUSR1);
	child_forward(&child, &s);
	await_end();
	assert_int_equal(child_exit_code(&child), 128 + SIGTERM);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_exit_code),
		TEST(test_cannot_run),
		TEST(test_script_without_interpreter),
		TEST(test_clean_start),
		TEST(test_what_was_ignored_stays_ignored),
		TEST(test_forward),
		TEST(test_forward_to_another_group),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
