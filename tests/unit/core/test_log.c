#include <stddef.h>
#include <sys/types.h>
#include <unistd.h>

static ssize_t write_or_hang(int fd, const void *bytes, size_t n);

#define write write_or_hang
#include "core/log.c"
#undef write

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>

#include <cmocka.h>

#define TS "2026-11-22T07:39:53.365Z"

/* Hangs until the pipe hang_on has an end, as a stopped terminal may. */
static atomic_int hang_on = -1;

static ssize_t write_or_hang(int fd, const void *bytes, size_t n)
{
	char c;

	if (hang_on >= 0)
		assert_int_equal(read(hang_on, &c, 1), 0);
	return write(fd, bytes, n);
}

/* A pipe whose reading end collects what the log writes. */
struct reader {
	int from, to;
	char *text;
	size_t len, cap;
};

static void reader_init(struct reader *r)
{
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	*r = (struct reader){ .from = fds[0], .to = fds[1] };
}

/* Reads once; false at the end of the stream. */
static bool reader_read(struct reader *r)
{
	ssize_t n;

	if (r->cap - r->len < 65536)
		r->text = xrealloc(r->text, r->cap += 1 << 20);
	n = read(r->from, r->text + r->len, 65536);
	assert_true(n >= 0);
	r->len += (size_t)n;
	r->text[r->len] = '\0';
	return n > 0;
}

static void *read_all(void *reader)
{
	while (reader_read(reader))
		;
	return NULL;
}

/* The rest, all writing ends being closed; NUL-terminated. */
static const char *reader_finish(struct reader *r)
{
	close(r->to);
	read_all(r);
	close(r->from);
	return r->text;
}

/* log_stop() with a reader that reads on meanwhile. */
static const char *stop_and_finish(struct reader *r)
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, read_all, r), 0);
	log_stop(20000);
	close(r->to);
	pthread_join(thread, NULL);
	close(r->from);
	return r->text;
}

static int set_clock(void **state)
{
	(void)state;
	clock_set((mono_t){ 1000 }, (wall_t){ 1795333193365 });
	return 0;
}

static int restore(void **state)
{
	(void)state;
	clock_use_real();
	threshold = LEVEL_INFO;
	line_format = LOG_LOGFMT;
	return 0;
}

static void test_lines_in_order(void **state)
{
	struct reader r;

	(void)state;
	reader_init(&r);
	log_start(LEVEL_INFO, LOG_LOGFMT, r.to);
	log_debug("not shown");
	log_info("listing compared", LOG_S("directory", "/login_servers"),
	    LOG_I("missing", 3));
	clock_advance(1);
	log_set_level(LEVEL_DEBUG);
	log_debug("shown");
	log_set_level(LEVEL_ERROR);
	log_warn("not shown");
	log_error("bad");
	log_stop(5000);
	assert_string_equal(reader_finish(&r),
	    "ts=" TS " level=info msg=\"listing compared\" "
	    "directory=/login_servers missing=3\n"
	    "ts=2026-11-22T07:39:53.366Z level=debug msg=\"shown\"\n"
	    "ts=2026-11-22T07:39:53.366Z level=error msg=\"bad\"\n");
	free(r.text);
}

/* Fills the pipe to the brim; its reader has stopped. */
static size_t fill(struct reader *r)
{
	char junk[4096];
	size_t n = 0;
	ssize_t w;

	memset(junk, '#', sizeof(junk));
	junk[sizeof(junk) - 1] = '\n';
	fcntl(r->to, F_SETFL, O_NONBLOCK);
	while ((w = write(r->to, junk, sizeof(junk))) > 0)
		n += (size_t)w;
	fcntl(r->to, F_SETFL, 0);
	return n;
}

static void test_stuck_reader_blocks_nobody(void **state)
{
	uint64_t before = log_dropped();
	int64_t start, worst = 0, us;
	struct reader r;
	int i;

	(void)state;
	clock_use_real();
	reader_init(&r);
	fill(&r);
	log_start(LEVEL_INFO, LOG_LOGFMT, r.to);
	for (i = 0; i < 20000; i++) {
		start = clock_mono_us();
		log_info("a line of about one hundred bytes", LOG_I("n", i));
		us = clock_mono_us() - start;
		worst = us > worst ? us : worst;
	}
	assert_true(worst < 1000000);
	assert_true(log_dropped() - before > 15000);
	assert_true(log_dropped() - before < 20000);
	start = clock_mono_us();
	log_stop(20);
	assert_true(clock_mono_us() - start < 2000000);
	close(r.from);
	close(r.to);
	free(r.text);
}

static void test_stop_leaves_a_hanging_write_behind(void **state)
{
	struct reader hang, r;
	int64_t start;

	(void)state;
	clock_use_real();
	reader_init(&hang);
	reader_init(&r);
	hang_on = hang.from;
	log_start(LEVEL_INFO, LOG_LOGFMT, r.to);
	log_info("hangs");
	log_info("never written");
	start = clock_mono_us();
	log_stop(20);
	assert_true(clock_mono_us() - start < 2000000);
	/* Now it goes on with the line in its hand, and then ends. */
	close(hang.to);
	while (!r.len || r.text[r.len - 1] != '\n')
		assert_true(reader_read(&r));
	assert_non_null(strstr(r.text, "hangs"));
	assert_null(strstr(r.text, "never"));
	hang_on = -1;
	close(r.to);
	close(r.from);
	close(hang.from);
	free(r.text);
}

/* The text of field=... as a number, or -1. */
static long number_of(const char *line, const char *field)
{
	const char *end = strchr(line, '\n'), *p = strstr(line, field);

	assert_non_null(end);
	return p && p < end ? strtol(p + strlen(field), NULL, 10) : -1;
}

/* Reads lines n=0, 1, 2 ... of which some were dropped: what is missing must
 * be said in its place, and by the right number. */
static long check_sequence(const char *text, long *said_r)
{
	long next = 0, n;

	*said_r = 0;
	for (; *text; text = strchr(text, '\n') + 1) {
		assert_int_equal(strncmp(text, "ts=", 3), 0);
		n = number_of(text, " lines=");
		if (n >= 0) {
			*said_r += n;
			next += n;
		} else {
			assert_int_equal(number_of(text, " n="), next++);
		}
	}
	return next;
}

static void test_dropped_lines_are_said(void **state)
{
	uint64_t before = log_dropped();
	struct reader r;
	size_t junk;
	long said;
	int i;

	(void)state;
	reader_init(&r);
	junk = fill(&r);
	log_start(LEVEL_INFO, LOG_LOGFMT, r.to);
	for (i = 0; i < 10000; i++)
		log_info("first half", LOG_I("n", i));
	/* What has come out has left as much room in the ring. */
	while (r.len <= junk + 65536)
		assert_true(reader_read(&r));
	for (; i < 10500; i++)
		log_info("second half", LOG_I("n", i));
	stop_and_finish(&r);
	assert_int_equal(check_sequence(strstr(r.text, "ts="), &said), 10500);
	assert_true(said > 0);
	assert_int_equal(said, log_dropped() - before);
	free(r.text);
}

static void test_dropped_at_the_end_are_said(void **state)
{
	uint64_t before = log_dropped();
	struct reader r;
	long said;
	int i;

	(void)state;
	reader_init(&r);
	fill(&r);
	log_start(LEVEL_INFO, LOG_LOGFMT, r.to);
	for (i = 0; i < 10000; i++)
		log_info("line", LOG_I("n", i));
	stop_and_finish(&r);
	assert_int_equal(check_sequence(strstr(r.text, "ts="), &said), 10000);
	assert_true(said > 0);
	assert_int_equal(said, log_dropped() - before);
	free(r.text);
}

/* No SIGPIPE, and no spinning. */
static void test_reader_gone(void **state)
{
	uint64_t before = log_dropped();
	struct reader r;
	int i;

	(void)state;
	reader_init(&r);
	close(r.from);
	log_start(LEVEL_INFO, LOG_LOGFMT, r.to);
	for (i = 0; i < 10; i++)
		log_info("to nobody");
	log_stop(20000);
	assert_int_equal(log_dropped() - before, 10);
	close(r.to);
}

enum { THREADS = 4, LINES_EACH = 2000 };

static void *write_lines(void *name)
{
	int i;

	for (i = 0; i < LINES_EACH; i++)
		log_info("from a thread", LOG_S("from", name), LOG_I("n", i));
	return NULL;
}

/* Each line is whole and those of one thread are in order. */
static void check_thread_lines(const char *text, long *count_r)
{
	long last[THREADS] = { -1, -1, -1, -1 }, from, n;

	for (*count_r = 0; *text; text = strchr(text, '\n') + 1) {
		assert_int_equal(strncmp(text, "ts=", 3), 0);
		if (number_of(text, " lines=") >= 0)
			continue;
		++*count_r;
		from = number_of(text, " from=");
		n = number_of(text, " n=");
		assert_in_range(from, 0, THREADS - 1);
		assert_true(n > last[from]);
		last[from] = n;
	}
}

static void test_many_threads(void **state)
{
	static char names[THREADS][2] = { "0", "1", "2", "3" };
	uint64_t before = log_dropped();
	pthread_t threads[THREADS];
	struct reader r;
	long count;
	int i;

	(void)state;
	reader_init(&r);
	log_start(LEVEL_INFO, LOG_LOGFMT, r.to);
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
		    write_lines, names[i]), 0);
	while (r.len < 50000)
		assert_true(reader_read(&r));
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	stop_and_finish(&r);
	check_thread_lines(r.text, &count);
	assert_int_equal(count + (long)(log_dropped() - before),
	    THREADS * LINES_EACH);
	free(r.text);
}

static void test_stop_without_start(void **state)
{
	(void)state;
	log_stop(0);
	log_stop(0);
}

#define WITH_CLOCK(test) cmocka_unit_test_setup_teardown(test, set_clock, \
    restore)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_CLOCK(test_lines_in_order),
		WITH_CLOCK(test_stuck_reader_blocks_nobody),
		WITH_CLOCK(test_stop_leaves_a_hanging_write_behind),
		WITH_CLOCK(test_dropped_lines_are_said),
		WITH_CLOCK(test_dropped_at_the_end_are_said),
		WITH_CLOCK(test_reader_gone),
		WITH_CLOCK(test_many_threads),
		WITH_CLOCK(test_stop_without_start),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
