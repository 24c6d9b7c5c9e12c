/* What is logged of one registration, and of many; nothing is sent. */
#include "cli/register_keep.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/unit/cli/printed.h"

static struct loop *loop;
static struct etcd_client *client;
static struct register_keep *keep;
static int nchanged;
static struct printing_to to;
static char said[16384];

static void on_changed(void *arg)
{
	assert_ptr_equal(arg, &nchanged);
	nchanged++;
}

static void begin(int n)
{
	struct register_plan p = { .ttl_s = 5 };
	char key[32];

	loop = loop_new(NULL);
	client = etcd_open_on(loop, (const char *const[]){
	    "http://127.0.0.1:1" }, 1, NULL, NULL);
	for (int i = 0; i < n; i++) {
		snprintf(key, sizeof(key), "/a/%d", i);
		register_keys_add(&p.keys, key, "v");
	}
	keep = register_keep_new(client, &p, on_changed, &nchanged);
	register_keys_free(&p.keys);
	nchanged = 0;
	to = printed_begin(false);
}

static void end(void)
{
	printed_end(&to, said, sizeof(said));
	register_keep_free(keep);
	etcd_close(client);
	loop_free(loop);
}

static void tell(int i, enum etcd_registration_state s, const char *text)
{
	on_state(keep->v[i].registration, s, text, &keep->v[i]);
}

static int count(const char *words)
{
	int n = 0;

	for (const char *s = said; (s = strstr(s, words)); s++)
		n++;
	return n;
}

static void assert_line(const char *words)
{
	if (count(words) != 1)
		fail_msg("%d times \"%s\" in:\n%s", count(words), words, said);
}

static void test_one(void **state)
{
	(void)state;
	begin(1);
	tell(0, ETCD_REG_CLAIMING, "no way");
	tell(0, ETCD_REG_REGISTERED, "");
	tell(0, ETCD_REG_REGISTERED, "the key had gone");
	tell(0, ETCD_REG_ADRIFT, "silence");
	tell(0, ETCD_REG_REGISTERED, "back");
	assert_int_equal(nchanged, 0);
	assert_int_equal(register_keep_alive(keep), 1);
	tell(0, ETCD_REG_LEFT, "");
	assert_int_equal(nchanged, 1);
	assert_int_equal(register_keep_alive(keep), 0);
	end();
	assert_line("level=warn msg=\"not registered yet\" key=/a/0"
	    " reason=\"no way\"\n");
	assert_line("level=info msg=\"registered\" key=/a/0 ttl_seconds=5\n");
	assert_line("level=warn msg=\"registered\" key=/a/0"
	    " reason=\"the key had gone\"\n");
	assert_line("level=warn msg=\"registration adrift\"");
	assert_line("level=info msg=\"registered\" key=/a/0 reason=");
	assert_line("level=info msg=\"deregistered\" key=/a/0\n");
	assert_int_equal(count("\n"), 6);
}

static void test_one_refused(void **state)
{
	(void)state;
	begin(1);
	tell(0, ETCD_REG_REFUSED, "alive");
	assert_int_equal(register_keep_refused(keep), 1);
	assert_int_equal(register_keep_alive(keep), 0);
	end();
	assert_line("level=error msg=\"registration refused\" key=/a/0"
	    " reason=");
	assert_int_equal(count("\n"), 1);
}

static void test_one_left_to_run_out(void **state)
{
	(void)state;
	begin(1);
	tell(0, ETCD_REG_LEFT, "silence");
	end();
	assert_line("level=warn msg=\"not deregistered\" key=/a/0"
	    " reason=silence\n");
}

static void test_many(void **state)
{
	(void)state;
	begin(50);
	for (int i = 0; i < 49; i++)
		tell(i, ETCD_REG_REGISTERED, "");
	tell(49, ETCD_REG_REFUSED, "alive");	/* the rest is complete */
	for (int i = 0; i < 49; i++)
		tell(i, ETCD_REG_ADRIFT, "silence");
	on_window(keep, clock_mono());
	for (int i = 0; i < 49; i++)
		tell(i, ETCD_REG_REGISTERED, "back");
	for (int i = 0; i < 49; i++)
		tell(i, ETCD_REG_LEFT, i == 7 ? "silence" : "");
	assert_int_equal(nchanged, 50);
	end();
	assert_int_equal(count("msg=\"registered\" keys=49 ttl_seconds=5\n"),
	    2);
	assert_int_equal(count("msg=\"registration refused\""), 1);
	assert_int_equal(count("msg=\"registration adrift\""), 9);
	assert_line("level=warn msg=\"more of the same\" lines=40 registered=0"
	    " adrift=49 waiting=0 claiming=0 refused=1\n");
	assert_int_equal(count("reason=back\n"), 10);
	assert_line("level=info msg=\"deregistered\" keys=48 not=1\n");
	assert_int_equal(count("\n"), 2 + 1 + 9 + 1 + 10 + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one),
		cmocka_unit_test(test_one_refused),
		cmocka_unit_test(test_one_left_to_run_out),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
