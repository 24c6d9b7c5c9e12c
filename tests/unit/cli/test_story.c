/* The log of a storm: the first by name, the others by number. */
#include "cli/story.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/collectors/logged.h"

static char im[] = "im", login_name[] = "login", chat_name[] = "chat";
static struct cluster cluster = { .name = im };
static struct service login = { .cluster = &cluster, .name = login_name };
static struct service chat = { .cluster = &cluster, .name = chat_name };
static struct event_sink story;
static mono_t now = { 5000 };

static void told(struct service *s, enum state was, enum state state,
    bool held, unsigned times)
{
	struct instance i = { .service = s, .held = held,
		.names = names_new("1", "/login/1", "{}", NULL, "") };
	struct event e = { .type = EVENT_INSTANCE, .at = now };

	e.instance.instance = &i;
	e.instance.was = was;
	e.instance.begun.state = state;
	e.instance.begun.cause = CAUSE_EXPIRE;
	while (times-- > 0)
		story.on_event(story.arg, &e);
	story.on_unit(story.arg, 1, now);
	names_unref(i.names);
}

static int setup(void **state)
{
	(void)state;
	story = story_sink();
	now.ms += 100000;
	logged_begin(LEVEL_INFO);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	logged_end();
	return 0;
}

static void a_storm_of_the_roll_is_none_of_the_log(void **state)
{
	(void)state;
	for (int turn = 0; turn < 100; turn++)
		told(&login, STATE_UP, STATE_EXPIRED, true, 128);
	assert_int_equal(logged_lines("msg=\"instance expired, held\""),
	    BURST_LINES);
	assert_int_equal(logged_lines("msg"), BURST_LINES);
	now.ms += BURST_MS;
	told(&login, 0, STATE_UP, false, 1);
	assert_int_equal(logged_lines("msg=\"more instances expired, held\""
	    " instances=12780 service_name=login"), 1);
	assert_int_equal(logged_lines("level=warn"), BURST_LINES + 1);
	assert_int_equal(logged_lines("instance registered"), 1);
}

static void of_several_services(void **state)
{
	(void)state;
	told(&login, STATE_UP, STATE_LOST, false, 30);
	told(&chat, STATE_UP, STATE_LOST, false, 30);
	/* Those who come back meanwhile have lines of their own. */
	told(&chat, STATE_LOST, STATE_UP, false, 1);
	assert_int_equal(logged_lines("instance is back"), 1);
	now.ms += BURST_MS;
	told(&chat, STATE_LOST, STATE_UP, false, 0);
	assert_int_equal(logged_lines("msg=\"more instances lost\""
	    " instances=40 service_name=several"), 1);
}

static void debug_tells_all(void **state)
{
	(void)state;
	log_set_level(LEVEL_DEBUG);
	told(&login, STATE_UP, STATE_DEREGISTERED, false, 300);
	assert_int_equal(logged_lines("instance deregistered"), 300);
	assert_int_equal(logged_lines("level=info"), BURST_LINES);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_storm_of_the_roll_is_none_of_the_log),
		TEST(of_several_services),
		TEST(debug_tells_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
