/* The file of --output:
 *	when it is replaced, with which mode, through links, and when it fails
 *	kept as a list is, on a loop, past failures */
#include "discover/file.c"
#include "discover/output.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <signal.h>
#include <sys/resource.h>
#include <cmocka.h>

static char folder[64], file[128];
static struct err e;

static int setup(void **state)
{
	(void)state;
	umask(022);
	snprintf(folder, sizeof(folder), "/tmp/rollcall-discover-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(file, sizeof(file), "%s/list.json", folder);
	return 0;
}

static int teardown(void **state)
{
	char shell[128];

	(void)state;
	snprintf(shell, sizeof(shell), "rm -rf %s", folder);
	assert_int_equal(system(shell), 0);
	return 0;
}

static const char *content(const char *path)
{
	static char text[4096];
	FILE *f = fopen(path, "r");
	size_t n;

	if (f == NULL)
		return "(none)";
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	fclose(f);
	return text;
}

static unsigned mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static ino_t inode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_ino;
}

/* Files in the folder, temporary ones too. */
static int count_files(void)
{
	char shell[128];
	FILE *f;
	int n;

	snprintf(shell, sizeof(shell), "ls -A %s | wc -l", folder);
	f = popen(shell, "r");
	assert_int_equal(fscanf(f, "%d", &n), 1);
	pclose(f);
	return n;
}

static int put(const char *text)
{
	return discover_file_write(file, text, strlen(text), &e);
}

/* --- files --- */

static void test_file(void **state)
{
	ino_t inode;

	(void)state;
	assert_int_equal(put("one"), 1);
	assert_string_equal(content(file), "one");
	assert_int_equal(mode_of(file), 0644);
	inode = inode_of(file);
	assert_int_equal(put("one"), 0);
	assert_int_equal(inode_of(file), inode);
	assert_int_equal(put("one more"), 1);
	assert_int_equal(put("on"), 1);
	assert_int_equal(put("no"), 1);
	assert_string_equal(content(file), "no");
	assert_int_equal(put(""), 1);
	assert_int_equal(put(""), 0);
	assert_string_equal(content(file), "");
	assert_int_equal(count_files(), 1);
}

static void test_file_mode(void **state)
{
	(void)state;
	umask(077);
	assert_int_equal(put("one"), 1);
	assert_int_equal(mode_of(file), 0600);
	assert_int_equal(chmod(file, 0664), 0);
	assert_int_equal(put("two"), 1);
	assert_int_equal(mode_of(file), 0664);
}

static void test_file_owner(void **state)
{
	struct stat st;

	(void)state;
	if (geteuid() != 0) {
		print_message("only root gives files away\n");
		skip();
	}
	assert_int_equal(put("one"), 1);
	assert_int_equal(chown(file, 65534, 65533), 0);
	assert_int_equal(chmod(file, 0640), 0);
	assert_int_equal(put("two"), 1);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_uid, 65534);
	assert_int_equal(st.st_gid, 65533);
	assert_int_equal(mode_of(file), 0640);
}

static void test_file_link(void **state)
{
	char target[128];
	struct stat st;

	(void)state;
	snprintf(target, sizeof(target), "%s/sub", folder);
	assert_int_equal(mkdir(target, 0755), 0);
	snprintf(target, sizeof(target), "%s/sub/target", folder);
	assert_int_equal(discover_file_write(target, "one", 3, &e), 1);
	assert_int_equal(symlink("sub/target", file), 0);
	assert_int_equal(put("two"), 1);
	assert_string_equal(content(target), "two");
	assert_int_equal(lstat(file, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
}

static void test_file_relative(void **state)
{
	char before[256];

	(void)state;
	assert_non_null(getcwd(before, sizeof(before)));
	assert_int_equal(chdir(folder), 0);
	assert_int_equal(discover_file_write("list.json", "x", 1, &e), 1);
	assert_int_equal(chdir(before), 0);
	assert_string_equal(content(file), "x");
}

static void test_file_failures(void **state)
{
	char *path = xasprintf("%s/none/list", folder);

	(void)state;
	assert_int_equal(discover_file_write(path, "x", 1, &e), -1);
	assert_non_null(strstr(e.text, path));
	assert_non_null(strstr(e.text, "No such file"));
	assert_int_equal(discover_file_write(folder, "x", 1, &e), -1);
	assert_non_null(strstr(e.text, "no regular file"));
	assert_int_equal(discover_file_write("/dev/null", "x", 1, &e), -1);
	assert_non_null(strstr(e.text, "/dev/null: is no regular file"));
	assert_int_equal(count_files(), 0);
	free(path);
}

/* What is there stays, whatever happens to its successor. */
static void test_file_stays(void **state)
{
	struct rlimit old, few;

	(void)state;
	assert_int_equal(put("one"), 1);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	few = old;
	few.rlim_cur = 2;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &few), 0);
	assert_int_equal(put("two"), -1);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_non_null(strstr(e.text, file));
	assert_string_equal(content(file), "one");
	assert_int_equal(count_files(), 1);
}

/* --- on a loop --- */

static struct loop *loop;
static const char *list_text;
static int renders, writes;

static void give_list(void *arg, struct buf *out)
{
	(void)arg;
	renders++;
	buf_adds(out, list_text);
}

static void on_write(void *arg)
{
	(void)arg;
	writes++;
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

#define AWAIT(condition) \
	do { \
		mono_t limit_ = mono_add(clock_mono(), 20000); \
		while (!(condition)) { \
			assert_false(mono_due(limit_, clock_mono())); \
			run_for(5); \
		} \
	} while (0)

static void test_output(void **state)
{
	const struct discover_output_source s = { give_list, on_write, NULL };
	struct discover_output *o;

	(void)state;
	loop = loop_new(&e);
	o = discover_output_new(loop, file, &s);
	renders = writes = 0;
	list_text = "one";
	discover_output_changed(o);
	AWAIT(o->job == NULL);
	assert_int_equal(writes, 1);
	assert_string_equal(content(file), "one");
	discover_output_changed(o);		/* the same content */
	AWAIT(o->job == NULL);
	assert_int_equal(renders, 2);
	assert_int_equal(writes, 1);
	for (int i = 0; i < 10; i++)		/* one, and one for the rest */
		discover_output_changed(o);
	list_text = "two";
	AWAIT(o->job == NULL);
	assert_int_equal(renders, 4);
	assert_int_equal(writes, 2);
	assert_string_equal(content(file), "two");
	discover_output_changed(o);
	discover_output_free(o);		/* while it is written */
	loop_free(loop);
	assert_int_equal(count_files(), 1);
}

/* It may have been replaced right before we were ended, and nobody told. */
static void test_output_is_told_once_though_it_is_the_same(void **state)
{
	const struct discover_output_source s = { give_list, on_write, NULL };
	struct discover_output *o;

	(void)state;
	list_text = "one";
	for (int i = 0; i < 2; i++) {
		loop = loop_new(&e);
		o = discover_output_new(loop, file, &s);
		writes = 0;
		discover_output_changed(o);
		AWAIT(o->job == NULL);
		assert_int_equal(writes, 1);
		discover_output_changed(o);
		AWAIT(o->job == NULL);
		assert_int_equal(writes, 1);
		discover_output_free(o);
		loop_free(loop);
	}
}

static void test_output_failure(void **state)
{
	const struct discover_output_source s = { give_list, on_write, NULL };
	char *below = xasprintf("%s/none", folder);
	char *path = xasprintf("%s/list", below);
	struct discover_output *o;

	(void)state;
	loop = loop_new(&e);
	o = discover_output_new(loop, path, &s);
	writes = 0;
	list_text = "one";
	discover_output_changed(o);
	AWAIT(o->failure != NULL);
	assert_int_equal(mkdir(below, 0755), 0);
	AWAIT(writes == 1);			/* by itself */
	assert_null(o->failure);
	assert_string_equal(content(path), "one");
	discover_output_free(o);
	loop_free(loop);
	free(path);
	free(below);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_file),
		TEST(test_file_mode),
		TEST(test_file_owner),
		TEST(test_file_link),
		TEST(test_file_relative),
		TEST(test_file_failures),
		TEST(test_file_stays),
		TEST(test_output),
		TEST(test_output_is_told_once_though_it_is_the_same),
		TEST(test_output_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
