/* Memory of the roll, counted:
 *	what an instance costs, by type, and in the roll and a snapshot of it,
 *	also when its value has changed
 *	names that come and go leave nothing behind, whether or not anybody
 *	looks, and whether instances or services are new each time */
#include "core/registry_text.c"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/config.h"
#include "core/pattern.h"
#include "core/problems.h"

enum {
	MANY = 10000,
	NAMES = 50000,
	/* Tables keep the room they once needed, the heap its odds and
	 * ends; a leak of a byte a name would be more. */
	SLACK = 40000,
};

struct world {
	struct event_bus *bus;
	struct registry *r;
	struct directory *d;
};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
size_t __sanitizer_get_current_allocated_bytes(void);

static size_t live_bytes(void)
{
	return __sanitizer_get_current_allocated_bytes();
}
#else
static size_t live_bytes(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}
#endif

static int setup(void **state)
{
	char endpoint[] = "http://127.0.0.1:2379", path[] = "/login_servers";
	char *e = endpoint, *p = path;
	struct string_list endpoints = { &e, 1 }, directories = { &p, 1 };
	struct problems problems = { 0 };
	struct config *c = config_from_flags(&endpoints, &directories,
	    &problems);
	struct world *w = xcalloc(1, sizeof(*w));

	assert_non_null(c);
	clock_set((mono_t){ 5000 }, (wall_t){ INT64_C(1763000000000) });
	w->bus = event_bus_new();
	w->r = registry_new(w->bus);
	registry_configure(w->r, c);
	config_unref(c);
	event_flush(w->bus, clock_mono());
	w->d = w->r->clusters[0]->directories[0];
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	event_flush(w->bus, clock_mono());
	registry_free(w->r);
	event_bus_free(w->bus);
	clock_use_real();
	free(w);
	return 0;
}

static void use_pattern(struct world *w, const char *pattern)
{
	pattern_free(w->d->config->pattern);
	w->d->config->pattern = pattern_compile(pattern, NULL);
}

static struct moment now_is(void)
{
	return (struct moment){ .earliest = clock_now(), .seen = clock_now(),
		.now = clock_mono(), .index = 7 };
}

static void put_with(struct world *w, const char *key, int n, int load)
{
	struct moment m = now_is();
	char value[80];

	snprintf(value, sizeof(value), "{\"ip\":\"10.0.0.%d\",\"port\":%d,"
	    "\"load\":%d}", n % 250, 8000 + n % 1000, load);
	registry_written(w->d, &(struct key_facts){ .key = key,
	    .value = value, .has_ttl = true, .ttl_s = 30,
	    .expires = wall_add(m.seen, 30000),
	    .renewed = registry_find(w->d, key) == NULL }, &m);
}

static void put(struct world *w, const char *key, int n)
{
	put_with(w, key, n, 10);
}

static void delete(struct world *w, const char *key)
{
	struct instance *i = registry_find(w->d, key);
	struct moment m = now_is();

	assert_non_null(i);
	registry_left(w->d, i, CAUSE_DELETE, m.seen, &m, (mono_t){ 0 });
}

/* What the loop does, a second later. */
static void turn(struct world *w)
{
	mono_t next;

	clock_advance(1000);
	registry_progress(w->d, clock_now(), 7, clock_mono());
	do {
		next = registry_tick(w->r, clock_mono());
		event_flush(w->bus, clock_mono());
	} while (mono_due(next, clock_mono()));
	snapshot_publish(w->r, clock_mono());
}

static void look(struct world *w, bool looking)
{
	struct moment m = now_is();

	registry_set_looking(w->d, looking, &m);
}

/* --- what an instance costs --- */

/* Each 16 bytes here are 16 MB where there are a million. */
static void the_struct_is_small(void **state)
{
	(void)state;
	assert_true(sizeof(struct instance) <= 120);
	assert_int_equal(sizeof(struct period), 16);
	assert_int_equal(sizeof(struct snap_instance), 40);
}

static void put_many(struct world *w, const char *below, int load)
{
	char key[64];

	for (int n = 0; n < MANY; n++) {
		snprintf(key, sizeof(key), "%s/%04d-%04d", below, n / 100,
		    n % 100);
		put_with(w, key, n, load);
		if (n % 100 == 0)
			event_flush(w->bus, clock_mono());
	}
	turn(w);
}

static void must_be_small(struct world *w, const char *below, size_t most)
{
	size_t before = live_bytes(), each, then;

	put_many(w, below, 10);
	each = (live_bytes() - before) / MANY;
	assert_int_equal(w->r->nslots, MANY);
	assert_true(each > 100);	/* it was counted at all */
	if (each > most)
		fail_msg("an instance takes %zu bytes", each);
	put_many(w, below, 99);
	then = (live_bytes() - before) / MANY;
	if (then > each + 1)
		fail_msg("it takes %zu bytes with another value", then);
}

static void an_instance_is_small(void **state)
{
	must_be_small(*state, "/login_servers", 330);
}

static void with_other_labels_too(void **state)
{
	struct world *w = *state;

	use_pattern(w, "{zone}/{instance_id}");
	must_be_small(w, "/login_servers/zone-7", 362);
}

/* --- names that come and go --- */

static void come_and_go(struct world *w, int from, int to)
{
	char key[64];

	for (int n = from; n < to; n++) {
		snprintf(key, sizeof(key), "/login_servers/%d/%d", n, n);
		put(w, key, n);
		if (n % 3 == 0)
			event_flush(w->bus, clock_mono());
		delete(w, key);
		if (n % 100 == 0)
			turn(w);
	}
	turn(w);
}

static void must_not_grow(struct world *w)
{
	size_t before, after;

	come_and_go(w, 0, NAMES / 2);
	before = live_bytes();
	come_and_go(w, NAMES / 2, NAMES);
	after = live_bytes();
	if (after > before + SLACK)
		fail_msg("%zu bytes became %zu", before, after);
	assert_int_equal(w->r->nslots, 0);
}

static void new_instances_leave_nothing(void **state)
{
	struct world *w = *state;

	use_pattern(w, "{zone}/{instance_id}");
	look(w, true);
	must_not_grow(w);
	assert_int_equal(w->r->nservice_slots, 1);
}

/* Events go on being applied while a cluster has no leader, say. */
static void nor_while_nobody_looks(void **state)
{
	struct world *w = *state;

	use_pattern(w, "{zone}/{instance_id}");
	look(w, true);
	turn(w);
	look(w, false);
	must_not_grow(w);
}

static void new_services_are_limited(void **state)
{
	struct world *w = *state;
	struct cluster *c = w->d->cluster;
	size_t left = 501;

	use_pattern(w, "{service_name}/{instance_id}");
	w->d->config->max_vanished = 500;
	look(w, true);
	must_not_grow(w);
	/* The configured one, and those emptied last. */
	assert_int_equal(w->r->nservice_slots, 501);
	assert_null(service_find(w->r, c, "0"));
	assert_non_null(service_find(w->r, c, "49999"));
	assert_non_null(service_find(w->r, c, "login_servers"));
	/* All go when their time is up, some in each turn. */
	clock_advance(w->d->config->forget_after_ms + 1000);
	while (w->r->nservice_slots > 1) {
		registry_tick(w->r, clock_mono());
		event_flush(w->bus, clock_mono());
		assert_in_range(left - w->r->nservice_slots, 1, EVENT_SLICE);
		left = w->r->nservice_slots;
	}
}

static void new_vanished_are_limited(void **state)
{
	struct world *w = *state;
	size_t bytes = 0;
	char key[64];

	w->d->config->max_vanished = 500;
	look(w, true);
	for (int n = 0; n < 20000; n++) {
		struct moment m = now_is();

		snprintf(key, sizeof(key), "/login_servers/%d", n);
		put(w, key, n);
		registry_left(w->d, registry_find(w->d, key), CAUSE_EXPIRE,
		    m.seen, &m, (mono_t){ 0 });
		if (n % 100 == 0)
			turn(w);
		if (n == 10000)
			bytes = live_bytes();
	}
	turn(w);
	assert_int_equal(w->r->nslots, 500);
	assert_true(live_bytes() <= bytes + SLACK);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_struct_is_small),
		TEST(an_instance_is_small),
		TEST(with_other_labels_too),
		TEST(new_instances_leave_nothing),
		TEST(nor_while_nobody_looks),
		TEST(new_services_are_limited),
		TEST(new_vanished_are_limited),
	};

	return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
