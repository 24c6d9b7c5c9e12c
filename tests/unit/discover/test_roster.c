/* The roster on listings and events made by hand:
 *	what is an instance and what is none; what each action means
 *	directories that come, go, get a TTL and lose it
 *	listings compared; some of them with nodes that make no sense
 *	at random, against a model of etcd's tree */
#include "discover/roster.c"
#include "discover/roster_event.c"
#include "discover/roster_listing.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/unit/seeded.h"
#include "rostered.h"

static const char *const one[] = { "/d" };

static struct rostered *t;

static int setup(void **state)
{
	(void)state;
	clock_set((mono_t){ 1000 }, (wall_t){ 1763000000000 });
	t = rostered_new(one, 1);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rostered_free(t);
	clock_use_real();
	return 0;
}

#define EVENT(action, key, value, ttl) \
	rostered_event(t, 0, ETCD_ ## action, (key), (value), (ttl))
#define ADD(...) rostered_add(t, __VA_ARGS__)
#define LISTED() rostered_listed(t, 0)
#define SAID(text) assert_string_equal(rostered_said(t), (text))

/* The instance ids, in order. */
static const char *ids(const struct roster *r)
{
	static char text[4096];
	struct roster_cursor c = { 0 };
	const struct roster_entry *e;

	text[0] = '\0';
	while ((e = roster_next(r, &c)) != NULL) {
		strcat(text, e->instance_id);
		strcat(text, " ");
	}
	return text;
}

static void test_listing(void **state)
{
	(void)state;
	assert_false(roster_complete(t->roster));
	rostered_list(t);
	ADD("/d/b", "2", 5);
	ADD("/d/a", "1", 0);
	ADD("/d/group", NULL, 0);
	ADD("/d/group/x", "3", 5);
	ADD("/d/_hidden", "4", 5);
	ADD("/d/group/_y", "5", 5);
	ADD("/d/_dir/z", "6", 5);
	LISTED();
	SAID("+a=1 +b=2 +group/x=3 ");
	assert_true(roster_complete(t->roster));
	assert_int_equal(roster_count(t->roster, 0), 3);
	assert_string_equal(ids(t->roster), "a b group/x ");
	rostered_list(t);
	ADD("/d/a", "1", 0);
	ADD("/d/b", "22", 5);
	ADD("/d/c", "3", 5);
	LISTED();
	SAID("~b=22 -group/x(lost) +c=3 ");
	rostered_list(t);
	t->result.listing.missing = true;
	LISTED();
	SAID("-a(lost) -b(lost) -c(lost) ");
	assert_int_equal(roster_count(t->roster, 0), 0);
}

static void test_bad_listing(void **state)
{
	(void)state;
	rostered_list(t);
	ADD("/d/a", "1", 0);
	ADD("/d/b", "2", 0);
	LISTED();
	rostered_list(t);
	ADD("/d/b", "3", 0);
	ADD("/d/c", "4", 0);
	t->result.listing.bad = 1;
	LISTED();
	SAID("+a=1 +b=2 ~b=3 +c=4 ");
	assert_string_equal(ids(t->roster), "a b c ");
	rostered_list(t);
	ADD("/d/b", "3", 0);
	ADD("/d/b", "3", 0);		/* two keys that look the same */
	LISTED();
	SAID("-a(lost) -c(lost) ");
}

static void test_actions(void **state)
{
	(void)state;
	EVENT(SET, "/d/a", "1", 5);
	EVENT(SET, "/d/a", "1", 5);		/* a heartbeat */
	EVENT(CREATE, "/d/b", "1", 5);
	EVENT(UPDATE, "/d/b", "2", 5);
	EVENT(COMPARE_AND_SWAP, "/d/b", "3", 0);
	SAID("+a=1 +b=1 ~b=2 ~b=3 ");
	EVENT(DELETE, "/d/a", "", 0);
	EVENT(DELETE, "/d/a", "", 0);		/* who is not there */
	EVENT(COMPARE_AND_DELETE, "/d/b", "", 0);
	EVENT(SET, "/d/c", "", 5);
	EVENT(EXPIRE, "/d/c", "", 0);
	SAID("-a(deregistered) -b(deregistered) +c= -c(expired) ");
	EVENT(GET, "/d/c", "", 5);
	SAID("");
}

/* What history tells besides: docs/ETCD.md, Watches. */
static void test_events_of_others(void **state)
{
	(void)state;
	EVENT(SET, "/d/a", "1", 5);
	EVENT(SET, "/dx/a", "1", 5);
	EVENT(SET, "/e", "1", 5);
	EVENT(SET, "/d", NULL, 5);
	EVENT(SET, "/d/_h", "1", 5);
	EVENT(SET, "/d/g/_h/a", "1", 5);
	EVENT(DELETE, "/dx", NULL, 0);
	EVENT(EXPIRE, "/", NULL, 0);
	EVENT(DELETE, "/d/_h", "", 0);
	EVENT(DELETE, "/d/a/b", "", 0);
	EVENT(DELETE, "/d/a-b", "", 0);
	SAID("+a=1 ");
}

static void test_directories(void **state)
{
	(void)state;
	EVENT(SET, "/d/g", NULL, 0);
	EVENT(SET, "/d/g/a", "1", 5);
	EVENT(SET, "/d/g/b", "2", 5);
	EVENT(SET, "/d/g-h", "3", 5);
	EVENT(SET, "/d/g0", "4", 5);
	SAID("+g/a=1 +g/b=2 +g-h=3 +g0=4 ");
	EVENT(DELETE, "/d/g", NULL, 0);
	SAID("-g/a(deregistered) -g/b(deregistered) ");
	assert_string_equal(ids(t->roster), "g-h g0 ");
	EVENT(EXPIRE, "/d", NULL, 0);
	SAID("-g-h(expired) -g0(expired) ");
}

/* A directory with a TTL is an instance; what is in it is its own. */
static void test_directory_instances(void **state)
{
	(void)state;
	EVENT(SET, "/d/i", NULL, 5);
	EVENT(SET, "/d/i/host", "x", 0);
	EVENT(SET, "/d/i/sub", NULL, 5);
	EVENT(SET, "/d/i/host", "y", 0);
	EVENT(UPDATE, "/d/i", NULL, 5);
	SAID("+i= ");
	EVENT(EXPIRE, "/d/i/sub", NULL, 0);
	SAID("");
	EVENT(UPDATE, "/d/i", NULL, 0);		/* permanent now */
	SAID("-i(deregistered) +i/host=y ");
	EVENT(UPDATE, "/d/i", NULL, 5);
	SAID("+i= -i/host(deregistered) ");
	EVENT(EXPIRE, "/d/i", NULL, 0);
	SAID("-i(expired) ");
	assert_string_equal(ids(t->roster), "");
}

static void test_key_becomes_directory(void **state)
{
	(void)state;
	EVENT(SET, "/d/a", "1", 5);
	EVENT(SET, "/d/a", NULL, 0);
	EVENT(SET, "/d/a/b", "2", 5);
	SAID("+a=1 -a(deregistered) +a/b=2 ");
	EVENT(DELETE, "/d/a", NULL, 0);
	EVENT(SET, "/d/a", "3", 5);
	EVENT(SET, "/d/a", NULL, 5);
	SAID("-a/b(deregistered) +a=3 ~a= ");
	rostered_list(t);
	ADD("/d/a", NULL, 0);
	ADD("/d/a/b", "4", 5);
	LISTED();
	SAID("-a(lost) +a/b=4 ");
	EVENT(SET, "/d/a", "5", 5);
	SAID("+a=5 -a/b(deregistered) ");
}

static void test_nul(void **state)
{
	(void)state;
	EVENT(SET, "/d/a\xc0\x80" "b", "1", 5);
	EVENT(SET, "/d/a\xc0\x80" "b", "2", 5);
	EVENT(SET, "/d/a", "3", 5);
	EVENT(EXPIRE, "/d/a\xc0\x80" "b", "", 0);
	SAID("+a=3 ");
}

static void test_ttl(void **state)
{
	struct roster_cursor c = { 0 };
	const struct roster_entry *e;

	(void)state;
	EVENT(SET, "/d/a", "10.0.0.7:8008", 5);
	e = roster_next(t->roster, &c);
	assert_string_equal(e->address, "10.0.0.7:8008");
	assert_string_equal(e->service_name, "d");
	assert_string_equal(e->directory, "/d");
	assert_int_equal(roster_ttl_left(e, clock_mono()), 5);
	clock_advance(1999);
	assert_int_equal(roster_ttl_left(e, clock_mono()), 4);
	clock_advance(60000);
	assert_int_equal(roster_ttl_left(e, clock_mono()), 0);
	EVENT(SET, "/d/a", "10.0.0.7:8008", 3);	/* heartbeat */
	assert_int_equal(roster_ttl_left(e, clock_mono()), 3);
	assert_int_equal(e->expiration.ms, clock_wall().ms + 3000);
	assert_int_equal(e->modified_index, t->index);
	EVENT(SET, "/d/a", "10.0.0.7:8008", 0);
	assert_true(e->permanent);
	SAID("+a=10.0.0.7:8008 ");
	EVENT(SET, "/d/a", "other", 0);
	assert_null(e->address);
}

static void test_several_directories(void **state)
{
	static const char *const two[] = { "/z", "/a/b" };
	struct rostered *u = rostered_new(two, 2);

	(void)state;
	rostered_list(u);
	rostered_add(u, "/z/1", "x", 0);
	rostered_add(u, "/z/2", "x", 0);
	rostered_listed(u, 0);
	assert_false(roster_complete(u->roster));
	rostered_list(u);
	rostered_add(u, "/a/b/1", "x", 0);
	rostered_listed(u, 1);
	assert_true(roster_complete(u->roster));
	assert_string_equal(ids(u->roster), "1 2 1 ");
	rostered_said(u);
	rostered_event(u, 1, ETCD_DELETE, "/a", NULL, 0);
	assert_string_equal(rostered_said(u), "-1(deregistered) ");
	assert_int_equal(roster_count(u->roster, 0), 2);
	rostered_free(u);
}

/* --- at random --- */

/* etcd's tree: every path there may be, and what is there now. */
static const char *const names[] = { "a", "a-", "b", "_c" };

enum { NAMES = 4, PATHS = NAMES + NAMES * NAMES + NAMES * NAMES * NAMES };

struct place {
	char path[32];
	enum { NOTHING, KEY, DIRECTORY } is;
	bool ttl;
	char value[8];
};

static struct place places[PATHS];

static void make_places(void)
{
	size_t n = 0, from = 0, to;

	memset(places, 0, sizeof(places));
	for (size_t i = 0; i < NAMES; i++)
		sprintf(places[n++].path, "/d/%s", names[i]);
	for (int depth = 0; depth < 2; depth++) {
		to = n;
		for (; from < to; from++)
			for (size_t i = 0; i < NAMES; i++)
				sprintf(places[n++].path, "%s/%s",
				    places[from].path, names[i]);
	}
	assert_int_equal(n, PATHS);
}

static bool is_below(const struct place *p, const struct place *above)
{
	size_t n = strlen(above->path);

	return strncmp(p->path, above->path, n) == 0 && p->path[n] == '/';
}

/* Makes the directories above; false if a key stands in the way. */
static bool make_above(const struct place *p)
{
	for (size_t i = 0; i < PATHS; i++)
		if (is_below(p, &places[i]) && places[i].is == KEY)
			return false;
	for (size_t i = 0; i < PATHS; i++)
		if (is_below(p, &places[i]))
			places[i].is = DIRECTORY;
	return true;
}

static void remove_place(struct place *p)
{
	for (size_t i = 0; i < PATHS; i++)
		if (&places[i] == p || is_below(&places[i], p)) {
			places[i].is = NOTHING;
			places[i].ttl = false;
		}
}

static bool is_instance(const struct place *p)
{
	if (p->is == NOTHING || (p->is == DIRECTORY && !p->ttl) ||
	    strstr(p->path, "/_") != NULL)
		return false;
	for (size_t i = 0; i < PATHS; i++)
		if (is_below(p, &places[i]) && places[i].ttl)
			return false;
	return true;
}

static void tell_event(bool told, enum etcd_action a, const struct place *p)
{
	if (told)
		rostered_event(t, 0, a, p->path,
		    p->is == DIRECTORY ? NULL : p->value, p->ttl ? 5 : 0);
}

static void write_key(struct place *p, bool told)
{
	if (p->is == DIRECTORY || !make_above(p))
		return;
	p->is = KEY;
	p->ttl = seeded_below(2);
	sprintf(p->value, "%zu", seeded_below(3));
	tell_event(told, seeded_below(2) ? ETCD_SET : ETCD_COMPARE_AND_SWAP,
	    p);
}

static void write_directory(struct place *p, bool told)
{
	if (!make_above(p))
		return;
	p->is = DIRECTORY;
	p->value[0] = '\0';
	p->ttl = seeded_below(3) == 0;
	tell_event(told, ETCD_SET, p);
}

static void end(struct place *p, bool told)
{
	static const enum etcd_action actions[] = { ETCD_DELETE,
	    ETCD_COMPARE_AND_DELETE, ETCD_EXPIRE };

	if (p->is == NOTHING)
		return;
	tell_event(told, actions[seeded_below(p->ttl ? 3 : 1)], p);
	remove_place(p);
}

static void list_all(void)
{
	size_t from = seeded_below(PATHS);

	rostered_list(t);
	for (size_t i = 0; i < PATHS; i++) {
		const struct place *p = &places[(from + i * 5) % PATHS];

		if (p->is != NOTHING && strstr(p->path, "/_") == NULL)
			rostered_add(t, p->path,
			    p->is == DIRECTORY ? NULL : p->value,
			    p->ttl ? 5 : 0);
	}
	LISTED();
}

/* What the roster has, and what it should. */
static void compare(void)
{
	struct roster_cursor c = { 0 };
	const struct roster_entry *e, *before = NULL;
	size_t n = 0;

	for (size_t i = 0; i < PATHS; i++)
		n += is_instance(&places[i]);
	assert_int_equal(roster_count(t->roster, 0), n);
	while ((e = roster_next(t->roster, &c)) != NULL) {
		bool found = false;

		for (size_t i = 0; i < PATHS; i++)
			found = found || (is_instance(&places[i]) &&
			    strcmp(places[i].path, e->key) == 0 &&
			    strcmp(places[i].value, e->value) == 0 &&
			    places[i].ttl == !e->permanent);
		if (!found)
			fail_msg("%s is none", e->key);
		if (before != NULL)
			assert_true(strcmp(before->key, e->key) < 0);
		before = e;
		n--;
	}
	assert_int_equal(n, 0);
}

/* What was told, replayed, gives what is there: nothing is told twice, or of
 * nobody. */
static void replay(const char *said, struct place *known)
{
	char sign, id[32], *end_of_value;
	int used;

	for (; sscanf(said, "%c%31[^=( ]%n", &sign, id, &used) == 2;
	    said = end_of_value + 1) {
		struct place *p = known;

		while (strcmp(p->path + strlen("/d/"), id) != 0)
			p++;
		said += used;
		end_of_value = strchr(said, ' ');
		assert_int_equal(p->is, sign == '+' ? NOTHING : KEY);
		p->is = sign == '-' ? NOTHING : KEY;
		if (sign == '-')
			continue;
		if (sign == '~')
			assert_false(strncmp(p->value, said + 1,
			    strlen(p->value) + 1) == 0);
		snprintf(p->value, sizeof(p->value), "%.*s",
		    (int)(end_of_value - said - 1), said + 1);
	}
}

static void check_known(const struct place *known)
{
	for (size_t i = 0; i < PATHS; i++)
		assert_int_equal(known[i].is == KEY,
		    is_instance(&places[i]));
}

static void test_random(void **state)
{
	static void (*const acts[])(struct place *p, bool told) = {
		write_key, write_key, write_key, write_directory, end,
	};
	static struct place known[PATHS];

	(void)state;
	seeded_start();
	make_places();
	memcpy(known, places, sizeof(known));
	for (int i = 0; i < 20000; i++) {
		bool told = seeded_below(20) > 0;

		acts[seeded_below(5)](&places[seeded_below(PATHS)], told);
		if (!told)
			list_all();
		compare();
		replay(rostered_said(t), known);
		check_known(known);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_listing),
		TEST(test_bad_listing),
		TEST(test_actions),
		TEST(test_events_of_others),
		TEST(test_directories),
		TEST(test_directory_instances),
		TEST(test_key_becomes_directory),
		TEST(test_nul),
		TEST(test_ttl),
		TEST(test_several_directories),
		TEST(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
