/* The command of --on-change:
 *	when it is due, under a set clock
 *	what it gets: the list, ROLLCALL_OUTPUT, signals as usual
 *	never two at once, and once more for what changed meanwhile
 *	one that fails, and one that cannot be started */
#include "discover/on_change.c"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/err.h"

/* --- when --- */

static void test_due(void **state)
{
	struct debounce d = { .quiet_ms = 200 };

	(void)state;
	note(&d, (mono_t){ 1000 });
	assert_int_equal(due(&d).ms, 1200);
	note(&d, (mono_t){ 1150 });
	assert_int_equal(due(&d).ms, 1350);
	for (int64_t at = 1300; at <= 2900; at += 100)
		note(&d, (mono_t){ at });
	assert_int_equal(due(&d).ms, 3000);	/* patience is at its end */
	note(&d, (mono_t){ 2950 });
	assert_int_equal(due(&d).ms, 3000);
	d.pending = false;
	note(&d, (mono_t){ 5000 });
	assert_int_equal(due(&d).ms, 5200);
	d.quiet_ms = 0;
	assert_int_equal(due(&d).ms, 5000);
}

/* --- what --- */

static struct loop *loop;
static struct on_change *command;
static int children;
static char folder[64], file[128];
static const char *list_text;
static size_t large;

static void give_list(void *arg, struct buf *out)
{
	(void)arg;
	buf_adds(out, list_text);
	for (size_t i = 0; i < large; i++)
		buf_adds(out, "0123456789abcde\n");
}

static void on_child(void *arg)
{
	struct signalfd_siginfo info;

	(void)arg;
	while (read(children, &info, sizeof(info)) ==
	    (ssize_t)sizeof(info))
		on_change_reap(command);
}

static int setup(void **state)
{
	sigset_t set;
	struct err e;

	(void)state;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigdelset(&set, SIGTERM);
	signal(SIGPIPE, SIG_IGN);
	children = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	loop = loop_new(&e);
	assert_non_null(loop);
	loop_watch_fd(loop, children, on_child, NULL);
	snprintf(folder, sizeof(folder), "/tmp/rollcall-command-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(file, sizeof(file), "%s/said", folder);
	list_text = "the list\n";
	large = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	on_change_free(command);
	loop_free(loop);
	close(children);
	unlink(file);
	rmdir(folder);
	return 0;
}

/* "%s" in the text is the file to write to. */
static void make(const char *text, int64_t quiet_ms, const char *output)
{
	static char filled[512];
	struct on_change_options o = { .command = filled,
	    .quiet_ms = quiet_ms, .output = output, .render = give_list };

	snprintf(filled, sizeof(filled), text, file, file);
	command = on_change_new(loop, &o);
}

static const char *said(void)
{
	static char text[4096];
	FILE *f = fopen(file, "r");
	size_t n = 0;

	if (f != NULL) {
		n = fread(text, 1, sizeof(text) - 1, f);
		fclose(f);
	}
	text[n] = '\0';
	return text;
}

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

/* Runs the loop until the command has ended and nothing is pending. */
static void run_to_the_end(void)
{
	mono_t limit = mono_add(clock_mono(), 20000);

	while (command->pid != 0 || command->changes.pending) {
		assert_false(mono_due(limit, clock_mono()));
		run_for(5);
	}
}

/* The set of signals that the command wrote down under this name. */
static unsigned long long signals(const char *name)
{
	const char *at = strstr(said(), name);

	assert_non_null(at);
	return strtoull(at + strlen(name), NULL, 16);
}

static void test_what_it_gets(void **state)
{
	(void)state;
	setenv("ROLLCALL_OUTPUT", "another's", 1);
	make("exec >%s; cat; echo $ROLLCALL_OUTPUT; grep Sig[BI]"
	    " /proc/self/status | tr -d '\\t'", 0, "x.json");
	on_change_changed(command);
	assert_string_equal(said(), "");	/* not yet: on the loop */
	run_to_the_end();
	assert_non_null(strstr(said(), "the list\nx.json\n"));
	assert_true(signals("SigBlk:") == 0);
	assert_false(signals("SigIgn:") & 1u << (SIGPIPE - 1));
}

static void test_without_output(void **state)
{
	(void)state;
	setenv("ROLLCALL_OUTPUT", "another's", 1);
	make("echo \"(${ROLLCALL_OUTPUT-none})\" >%s; "
	    "set -- $(cat /proc/$$/stat); "	/* 5: its process group */
	    "[ \"$5\" = $$ ] && echo own >>%s", 0, NULL);
	on_change_changed(command);
	run_to_the_end();
	assert_string_equal(said(), "(none)\nown\n");
}

/* A command that reads nothing, and a list that no pipe would take. */
static void test_large_list(void **state)
{
	(void)state;
	large = 100000;
	make("wc -c >%s", 0, NULL);
	on_change_changed(command);
	run_to_the_end();
	assert_int_equal(atol(said()), 1600000 + strlen(list_text));
	on_change_free(command);
	make("echo done >%s", 0, NULL);
	on_change_changed(command);
	run_to_the_end();
	assert_string_equal(said(), "done\n");
}

static void test_gathers(void **state)
{
	(void)state;
	make("echo run >>%s", 60, NULL);
	for (int i = 0; i < 10; i++) {
		on_change_changed(command);
		run_for(5);
	}
	run_to_the_end();
	assert_string_equal(said(), "run\n");
}

/* Without patience it would never run. */
static void test_patience(void **state)
{
	mono_t began = clock_mono();

	(void)state;
	make("echo run >>%s", 30, NULL);
	while (said()[0] == '\0') {
		assert_true(mono_since(began, clock_mono()) < 20000);
		on_change_changed(command);
		run_for(5);
	}
	assert_true(mono_since(began, clock_mono()) >= 300);
	run_to_the_end();
}

static void test_never_two(void **state)
{
	(void)state;
	make("echo begin >>%s; sleep 0.2; cat >>%s", 0, NULL);
	on_change_changed(command);
	while (said()[0] == '\0')
		run_for(5);
	list_text = "the other list\n";
	for (int i = 0; i < 20; i++) {
		on_change_changed(command);
		run_for(2);
	}
	assert_string_equal(said(), "begin\n");
	run_to_the_end();
	assert_string_equal(said(), "begin\nthe list\nbegin\n"
	    "the other list\n");
}

static void test_failure(void **state)
{
	(void)state;
	make("echo run >>%s; exit 3", 0, NULL);
	on_change_changed(command);
	run_to_the_end();
	on_change_changed(command);
	run_to_the_end();
	assert_string_equal(said(), "run\nrun\n");
	on_change_free(command);
	make("kill -9 $$", 0, NULL);
	on_change_changed(command);
	run_to_the_end();
}

/* No descriptor to be had: tried again, nothing is forgotten. */
static void test_cannot_start(void **state)
{
	struct rlimit old, few;
	int fds[256], n = 0;

	(void)state;
	make("echo run >>%s", 0, NULL);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	few = old;
	few.rlim_cur = 256;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	while (n < 256 && (fds[n] = open("/dev/null", O_RDONLY)) >= 0)
		n++;
	run(command);
	assert_int_equal(command->pid, 0);
	on_change_changed(command);
	assert_true(command->changes.pending);
	while (n > 0)
		close(fds[--n]);
	setrlimit(RLIMIT_NOFILE, &old);
	run_to_the_end();
	assert_string_equal(said(), "run\n");
}

/* Whoever stops does not stop the command. */
static void test_left_alone(void **state)
{
	mono_t limit = mono_add(clock_mono(), 20000);

	(void)state;
	make("echo begin >>%s; sleep 0.2; echo end >>%s", 0, NULL);
	on_change_changed(command);
	while (said()[0] == '\0')
		run_for(5);
	on_change_free(command);
	command = NULL;
	while (strcmp(said(), "begin\nend\n") != 0) {
		assert_false(mono_due(limit, clock_mono()));
		usleep(5000);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_due),
		TEST(test_what_it_gets),
		TEST(test_without_output),
		TEST(test_large_list),
		TEST(test_gathers),
		TEST(test_patience),
		TEST(test_never_two),
		TEST(test_failure),
		TEST(test_cannot_start),
		TEST(test_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
