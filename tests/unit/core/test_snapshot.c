/* Publishing: what did not change is shared with the snapshot before, and
 * what did says so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "core/config.h"
#include "core/event.h"
#include "core/log.h"
#include "core/problems.h"
#include "core/snapshot_blocks.c"
#include "tests/unit/seeded.h"

enum {
	INSTANCES = 5000,
	BLOCKS = (INSTANCES + SNAP_BLOCK - 1) / SNAP_BLOCK,
	GROUPS = (BLOCKS + SNAP_GROUP - 1) / SNAP_GROUP,
};

struct world {
	struct event_bus *bus;
	struct registry *r;
	struct directory *d;
	struct snapshot *before, *now;
	uint64_t index;
	unsigned load;			/* what values say besides */
};

static struct moment now_at(struct world *w)
{
	struct moment m = { .seen = clock_now(), .now = clock_mono(),
		.index = ++w->index };

	m.earliest = m.seen;
	return m;
}

static void put(struct world *w, size_t n, int64_t ttl_s)
{
	struct moment m = now_at(w);
	char key[40], value[64];
	struct key_facts k = {
		.key = key, .value = value, .has_ttl = true, .ttl_s = ttl_s,
		.expires = wall_add(m.seen, 1000),
		.created_index = m.index, .modified_index = m.index,
	};

	snprintf(key, sizeof(key), "/s/%zu", n);
	snprintf(value, sizeof(value), "{\"ip\":\"h\",\"port\":1,"
	    "\"load\":%u}", w->load);
	registry_written(w->d, &k, &m);
}

static struct instance *find(struct world *w, size_t n)
{
	char key[40];

	snprintf(key, sizeof(key), "/s/%zu", n);
	return registry_find(w->d, key);
}

static void leave(struct world *w, size_t n, enum cause cause)
{
	struct moment m = now_at(w);

	registry_left(w->d, find(w, n), cause, m.seen, &m, (mono_t){ 0 });
}

static void publish(struct world *w)
{
	event_flush(w->bus, clock_mono());
	clock_advance(1000);
	snapshot_publish(w->r, clock_mono());
	snapshot_release(w->before);
	w->before = w->now;
	w->now = snapshot_acquire();
}

static int set_up(void **state)
{
	char endpoint[] = "http://127.0.0.1:1", path[] = "/s";
	char *e = endpoint, *d = path;
	struct string_list endpoints = { &e, 1 }, directories = { &d, 1 };
	struct problems p = { 0 };
	struct config *c = config_from_flags(&endpoints, &directories, &p);
	struct world *w = xcalloc(1, sizeof(*w));

	clock_set((mono_t){ 5000 }, (wall_t){ 1000000000 });
	w->bus = event_bus_new();
	w->r = registry_new(w->bus);
	registry_configure(w->r, c);
	config_unref(c);
	w->d = w->r->clusters[0]->directories[0];
	for (size_t n = 0; n < INSTANCES; n++)
		put(w, n, 30);
	publish(w);
	publish(w);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	event_flush(w->bus, clock_mono());
	snapshot_release(w->before);
	snapshot_release(w->now);
	registry_free(w->r);
	event_bus_free(w->bus);
	clock_use_real();
	free(w);
	return 0;
}

/* How many blocks are others than before. */
static size_t new_blocks(const struct world *w)
{
	const struct snap_set *a = w->before->instances;
	const struct snap_set *b = w->now->instances;
	size_t n = 0;

	for (size_t k = 0; k < b->n; k++)
		n += k >= a->n || snap_block(a, k) != snap_block(b, k);
	return n;
}

static size_t new_groups(const struct world *w)
{
	const struct snap_set *a = w->before->instances;
	const struct snap_set *b = w->now->instances;
	size_t n = 0;

	for (size_t g = 0; g < GROUPS; g++)
		n += a->groups[g] != b->groups[g];
	return n;
}

/* The parts that changed with the last publish, as bits. */
static unsigned parts(const struct world *w, const uint64_t changed[])
{
	unsigned bits = 0;

	for (int part = 0; part < SNAP_PARTS; part++)
		bits |= (unsigned)(changed[part] == w->now->number) << part;
	return bits;
}

static void nothing_changed(void **state)
{
	struct world *w = *state;

	assert_int_equal(w->now->instances->n, BLOCKS);
	assert_ptr_equal(w->before->instances, w->now->instances);
	assert_ptr_equal(w->before->services, w->now->services);
	assert_true(w->now->number > w->before->number);
	/* Touched, and yet the same. */
	snapshot_touch_instance(w->r, find(w, 500));
	put(w, 501, 30);
	publish(w);
	assert_ptr_equal(w->before->instances, w->now->instances);
}

static void one_expired(void **state)
{
	struct world *w = *state;
	size_t block = find(w, 500)->slot / SNAP_BLOCK;
	unsigned bits = 1 << SNAP_STATE | 1 << SNAP_CHANGED |
	    1 << SNAP_EXPIRATIONS;

	leave(w, 500, CAUSE_EXPIRE);
	publish(w);
	assert_int_equal(new_blocks(w), 1);
	assert_int_equal(new_groups(w), 1);
	assert_int_equal(parts(w, w->now->instances->changed), bits);
	assert_int_equal(parts(w,
	    snap_block(w->now->instances, block)->changed), bits);
	assert_int_equal(parts(w, w->now->services->changed),
	    1 << SNAP_STATE);
	publish(w);
	assert_int_equal(parts(w, w->now->instances->changed), 0);
}

/* What others are told is the same, and the old value is not kept for it. */
static void another_value(void **state)
{
	struct world *w = *state;
	const struct instance *i = find(w, 500);

	w->load++;
	put(w, 500, 30);
	publish(w);
	assert_int_equal(new_blocks(w), 1);
	assert_int_equal(parts(w, w->now->instances->changed), 0);
	assert_int_equal(parts(w, snap_block(w->now->instances,
	    i->slot / SNAP_BLOCK)->changed), 0);
	assert_ptr_equal(snap_block(w->now->instances, i->slot /
	    SNAP_BLOCK)->instances[i->slot % SNAP_BLOCK].names, i->names);
	publish(w);
	assert_ptr_equal(w->before->instances, w->now->instances);
}

/* The set loses its last block, and gets it again: whatever was kept of it
 * is of no use any more. */
static void fewer_and_more(void **state)
{
	struct world *w = *state;
	size_t n = INSTANCES - 1;

	for (; w->r->nslots > (BLOCKS - 1) * SNAP_BLOCK; n--)
		leave(w, n, CAUSE_DELETE);
	publish(w);
	assert_int_equal(w->now->instances->n, BLOCKS - 1);
	assert_int_equal(parts(w, w->now->instances->changed), EVERY_PART);
	put(w, INSTANCES, 30);
	publish(w);
	assert_int_equal(w->now->instances->n, BLOCKS);
	assert_int_equal(new_blocks(w), 1);
	assert_int_equal(parts(w, w->now->instances->changed), EVERY_PART);
	assert_int_equal(parts(w,
	    snap_block(w->now->instances, BLOCKS - 1)->changed), EVERY_PART);
}

/* What the snapshot says is what the registry does, and where a set says that
 * a block is the same, it is. */
static void says_what_is_there(const struct world *w)
{
	const struct snap_set *s = w->now->instances;

	assert_int_equal(s->n, (w->r->nslots + SNAP_BLOCK - 1) / SNAP_BLOCK);
	for (size_t slot = 0; slot < w->r->nslots; slot++) {
		const struct snap_block *b = snap_block(s, slot / SNAP_BLOCK);

		assert_true(slot % SNAP_BLOCK < b->n);
		assert_ptr_equal(b->instances[slot % SNAP_BLOCK].names,
		    w->r->slots[slot]->names);
		assert_int_equal(b->instances[slot % SNAP_BLOCK].state,
		    w->r->slots[slot]->period.state);
	}
	assert_true(s->n == 0 || snap_block(s, s->n - 1)->n ==
	    (w->r->nslots - 1) % SNAP_BLOCK + 1);
}

/* The ends of blocks and of groups are crossed in both directions. */
static void whatever_comes_and_goes(void **state)
{
	struct world *w = *state;

	seeded_start();
	for (int turn = 0; turn < 60; turn++) {
		size_t n = seeded_below(INSTANCES);
		size_t some = seeded_below(3 * SNAP_BLOCK * SNAP_GROUP / 2);
		bool gone = seeded_below(2) == 0;

		w->load = (unsigned)seeded_below(3);
		for (; n < INSTANCES && some > 0; n++, some--) {
			struct instance *i = find(w, n);

			if (gone && i != NULL)
				leave(w, n, CAUSE_DELETE);
			else if (!gone)
				put(w, n, 30);
		}
		publish(w);
		says_what_is_there(w);
	}
}

static void an_instance_is_small(void **state)
{
	(void)state;
	assert_true(sizeof(struct snap_instance) <= 48);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_changed),
		TEST(one_expired),
		TEST(another_value),
		TEST(fewer_and_more),
		TEST(whatever_comes_and_goes),
		cmocka_unit_test(an_instance_is_small),
	};

	log_set_level(LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
