/* What is kept of former scrapes: whatever happens to the registry, a scrape
 * says the same as one rendered from nothing; and how much is done anew. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <zlib.h>

#include "core/config.h"
#include "core/event.h"
#include "core/log.h"
#include "core/maintenance.h"
#include "core/pattern.h"
#include "core/problems.h"
#include "core/registry_impl.h"
#include "core/snapshot_impl.h"
#include "exporter/exposition.h"
#include "exporter/segments.c"
#include "joined.h"
#include "tests/unit/seeded.h"

enum { INSTANCES = 700, SERVICES = 10, STEPS = 400, READERS = 4 };

struct world {
	struct event_bus *bus;
	struct registry *r;
	struct segments *kept;
	uint64_t index;
};

/* --- counting allocations, where nobody else does --- */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static const bool counts_allocations = false;
static atomic_size_t allocations;
#else
static const bool counts_allocations = true;
static atomic_size_t allocations;

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *p, size_t size);

void *malloc(size_t size)
{
	allocations++;
	return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	allocations++;
	return __libc_calloc(count, size);
}

void *realloc(void *p, size_t size)
{
	allocations++;
	return __libc_realloc(p, size);
}
#endif

/* --- the registry --- */

static struct config *configure(void)
{
	char endpoint[] = "http://127.0.0.1:1", a[] = "/a", b[] = "/b";
	char *e = endpoint, *d[] = { a, b };
	struct string_list endpoints = { &e, 1 }, directories = { d, 2 };
	struct problems p = { 0 };
	struct config *c = config_from_flags(&endpoints, &directories, &p);

	assert_non_null(c);
	for (size_t k = 0; k < 2; k++) {
		struct directory_config *dc =
		    config_directory(config_cluster(c, 0), k);

		pattern_free(dc->pattern);
		dc->pattern = pattern_compile("{service_name}/{instance_id}",
		    NULL);
		dc->instance_detail = k == 1;
	}
	return c;
}

static int set_up(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));
	struct config *c = configure();

	clock_set((mono_t){ 5000 }, (wall_t){ 1764139199358 });
	w->bus = event_bus_new();
	w->r = registry_new(w->bus);
	registry_configure(w->r, c);
	config_unref(c);
	w->kept = segments_new();
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	event_flush(w->bus, clock_mono());
	registry_free(w->r);
	event_bus_free(w->bus);
	segments_free(w->kept);
	clock_use_real();
	free(w);
	return 0;
}

static struct directory *directory(struct world *w, size_t k)
{
	return w->r->clusters[0]->directories[k];
}

static struct moment now_at(struct world *w)
{
	struct moment m = { .seen = clock_now(), .now = clock_mono(),
		.index = ++w->index };

	m.earliest = m.seen;
	return m;
}

static const char *key_of(size_t n, char key[40])
{
	snprintf(key, 40, "/%c/s\"%zu/i-%zu", n % 5 == 0 ? 'b' : 'a',
	    n % SERVICES, n);
	return key;
}

static struct directory *directory_of(struct world *w, size_t n)
{
	return directory(w, n % 5 == 0);
}

static struct instance *find(struct world *w, size_t n)
{
	char key[40];

	return registry_find(directory_of(w, n), key_of(n, key));
}

static void put(struct world *w, size_t n, int64_t ttl_s, const char *value)
{
	struct moment m = now_at(w);
	char key[40];
	struct key_facts k = {
		.key = key_of(n, key), .value = value,
		.has_ttl = ttl_s > 0, .ttl_s = ttl_s,
		.expires = wall_add(m.seen, ttl_s * 1000),
		.created_index = m.index, .modified_index = m.index,
		.renewed = find(w, n) == NULL,
	};

	registry_written(directory_of(w, n), &k, &m);
}

static void leave(struct world *w, size_t n, enum cause cause, bool hold)
{
	struct moment m = now_at(w);
	struct instance *i = find(w, n);

	if (i != NULL)
		registry_left(directory_of(w, n), i, cause, m.seen, &m,
		    hold ? mono_add(m.now, 3000) : (mono_t){ 0 });
}

static void turn_flapping(struct world *w, struct instance *i)
{
	struct moment m = now_at(w);

	if (i->flapping)
		flapping_end(i);
	else
		for (int n = 0; n < FLAPPING_EXPIRIES; n++)
			flapping_expired(i, m.seen, &m);
}

/* One thing that may happen. */
static void change(struct world *w)
{
	static const char *const values[] = { "h:1", "h:22", "a\\b\"c", "" };
	static const enum cause causes[] = {
		CAUSE_EXPIRE, CAUSE_DELETE, CAUSE_DIFF, CAUSE_DIR_EXPIRE
	};
	size_t n = seeded_below(INSTANCES);
	struct instance *i = find(w, n);

	switch (seeded_below(8)) {
	case 0:
	case 1:
		leave(w, n, causes[seeded_below(4)],
		    seeded_below(3) == 0);
		break;
	case 2:
		if (i != NULL)
			turn_flapping(w, i);
		break;
	case 3:
		if (i != NULL)
			instance_set_late(i, !i->late);
		break;
	default:
		put(w, n, (int64_t)seeded_below(3) * 15,
		    values[seeded_below(4)]);
	}
}

static struct snapshot *publish(struct world *w)
{
	event_flush(w->bus, clock_mono());
	snapshot_publish(w->r, clock_mono());
	return snapshot_acquire();
}

static struct snapshot *later(struct world *w)
{
	clock_advance((int64_t)seeded_below(1500) + 1000);
	registry_tick(w->r, clock_mono());
	return publish(w);
}

/* --- scraping --- */

static char *scrape(struct segments *c, const struct snapshot *s,
    enum exposition_format f, enum encoding e, size_t *n_r)
{
	struct exposition x = { .snapshot = s };
	struct pieces *p = pieces_new(c, e);

	exposition_write(&x, f, p);
	assert_true(pieces_end(p));
	assert_true(pieces_count(p) <= PIECES_MAX);
	return joined(p, n_r);
}

static char *unpack(char *packed, size_t n, size_t *n_r)
{
	z_stream z = { 0 };
	size_t room = 8 << 20;
	char *out = xmalloc(room);

	assert_int_equal(inflateInit2(&z, 31), Z_OK);
	z.next_in = (Bytef *)packed;
	z.avail_in = (uInt)n;
	z.next_out = (Bytef *)out;
	z.avail_out = (uInt)room;
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(z.avail_in, 0);
	*n_r = z.total_out;
	inflateEnd(&z);
	free(packed);
	return out;
}

static char *unpacked(struct segments *c, const struct snapshot *s,
    enum exposition_format f, size_t *n_r)
{
	size_t n;
	char *packed = scrape(c, s, f, ENCODING_GZIP, &n);

	return unpack(packed, n, n_r);
}

/* The same moment, with nothing taken over from before. */
static struct snapshot *from_nothing(struct world *w)
{
	struct snapshot *s = xcalloc(1, sizeof(*s));
	struct marks all = { 0 };

	s->refs = 1;
	s->instances = snap_instances(w->r, NULL, &all, 1);
	s->services = snap_services(w->r, NULL, &all, 1);
	return s;
}

static void check_format(struct world *w, const struct snapshot *now,
    const struct snapshot *fresh, enum exposition_format f)
{
	struct segments *none = segments_new();
	size_t n[3];
	char *want = scrape(none, fresh, f, ENCODING_PLAIN, &n[0]);
	char *plain = scrape(w->kept, now, f, ENCODING_PLAIN, &n[1]);
	char *gzip = unpacked(w->kept, now, f, &n[2]);

	assert_int_equal(n[1], n[0]);
	assert_memory_equal(plain, want, n[0]);
	assert_int_equal(n[2], n[0]);
	assert_memory_equal(gzip, want, n[0]);
	free(want);
	free(plain);
	free(gzip);
	segments_free(none);
}

static void check(struct world *w, const struct snapshot *now)
{
	struct snapshot *fresh = from_nothing(w);

	check_format(w, now, fresh, EXPOSITION_TEXT);
	check_format(w, now, fresh, EXPOSITION_OPENMETRICS);
	snapshot_release(fresh);
}

/* --- what there is of memory --- */

static size_t room_of(struct run *const *runs, size_t n)
{
	size_t room = 0;

	for (size_t k = 0; k < n; k++)
		for (size_t i = 0; runs[k] != NULL && i < runs[k]->n; i++)
			room += segment_room(runs[k]->v[i]);
	return room;
}

/* What is counted as kept is kept, and so much is held beside it. */
static void check_room(struct world *w, size_t held)
{
	struct segments_room room = segments_room(w->kept);

	assert_int_equal(room.kept, room_of(w->kept->heads, SEGMENTS_HEADS) +
	    room_of(&w->kept->latest[0][0], M_COUNT * ENCODINGS));
	assert_int_equal(room.held, held);
}

/* --- the tests --- */

/* An answer on its way, and what it said when it was made. */
struct held {
	struct pieces *pieces;
	char *said;
	size_t n;
};

static void hold(struct held *h, struct world *w, const struct snapshot *s,
    enum encoding e)
{
	struct exposition x = { .snapshot = s };

	h->pieces = pieces_new(w->kept, e);
	exposition_write(&x, EXPOSITION_TEXT, h->pieces);
	assert_true(pieces_end(h->pieces));
	h->said = copied(h->pieces, &h->n);
}

/* It says the same still; ends it. */
static void check_held(struct held *h)
{
	size_t n;
	char *says;

	if (h->pieces == NULL)
		return;
	says = joined(h->pieces, &n);
	assert_int_equal(n, h->n);
	assert_memory_equal(says, h->said, n);
	free(says);
	free(h->said);
	*h = (struct held){ NULL };
}

static void as_if_rendered_anew(void **state)
{
	struct world *w = *state;
	struct held held[4] = { { NULL } };
	struct segments_counts c;

	seeded_start();
	w->kept->limit[ENCODING_PLAIN] = 40;	/* 8 blocks in a segment */
	w->kept->limit[ENCODING_GZIP] = 20;
	for (int step = 0; step < STEPS; step++) {
		struct snapshot *s;
		size_t n = seeded_below(10) == 0 ? 300 : seeded_below(6);

		while (n-- > 0)
			change(w);
		s = later(w);
		check(w, s);
		/* Now and then somebody is still sending former ones. */
		n = seeded_below(20);
		if (n < 4) {
			check_held(&held[n]);
			hold(&held[n], w, s, (enum encoding)(n % 2));
		} else if (n == 4) {
			for (size_t k = 0; k < 4; k++)
				check_held(&held[k]);
			check_room(w, 0);
		}
		check_room(w, segments_room(w->kept).held);
		snapshot_release(s);
	}
	for (size_t k = 0; k < 4; k++)
		check_held(&held[k]);
	check_room(w, 0);
	/* Or nothing was tested. */
	c = segments_counts(w->kept);
	assert_true(c.copied > 10000 && c.rendered > 10000);
}

static void fill(struct world *w, size_t n)
{
	for (size_t k = 0; k < n; k++)
		put(w, k, 30, "h:1");
}

static void scrape_all(struct world *w, const struct snapshot *s)
{
	for (int e = 0; e < ENCODINGS; e++)
		free(scrape(w->kept, s, EXPOSITION_TEXT, (enum encoding)e,
		    NULL));
}

/* How many shares of a block are rendered anew for a family. */
static size_t rendered(struct world *w, const struct snapshot *s,
    enum metric_id id, enum encoding e)
{
	uint64_t before = segments_counts(w->kept).rendered;

	run_unref(segments_run(w->kept, s, id, e));
	return (size_t)(segments_counts(w->kept).rendered - before);
}

/* Of these families of instances so many shares, of the others none. */
static void check_rendered(struct world *w, size_t shares,
    const enum metric_id *ids, size_t n)
{
	struct snapshot *s = publish(w);

	for (int id = 0; id < M_COUNT; id++) {
		size_t want = 0;

		if (metrics[id].source != FROM_INSTANCES)
			continue;
		for (size_t k = 0; k < n; k++)
			want += ids[k] == (enum metric_id)id ? shares : 0;
		for (int e = 0; e < ENCODINGS; e++)
			assert_int_equal(rendered(w, s, id, e), want);
	}
	snapshot_release(s);
	clock_advance(1000);
}

#define CHECK_RENDERED(w, shares, ...) do { \
	static const enum metric_id ids[] = { __VA_ARGS__ }; \
	check_rendered(w, shares, ids, sizeof(ids) / sizeof(ids[0])); \
} while (0)

#define EVERY_FAMILY M_instance_up, M_instance_info, M_instance_changed, \
	M_instance_expirations, M_instance_held, M_instance_flapping, \
	M_instance_maintenance, M_instance_ttl, M_instance_expires

static void maintain(struct world *w, struct instance *i)
{
	struct window spec = { .service = i->service->name,
		.instance = (char *)(uintptr_t)names_instance_id(i->names),
		.to = wall_add(clock_now(), 3600 * 1000) };

	assert_non_null(maintenance_start(w->r->maintenance, &spec, NULL));
	event_flush(w->bus, clock_mono());
}

static void only_what_depends_on_it(void **state)
{
	struct world *w = *state;

	fill(w, INSTANCES);
	CHECK_RENDERED(w, (INSTANCES + SNAP_BLOCK - 1) / SNAP_BLOCK,
	    EVERY_FAMILY);
	check_rendered(w, 0, NULL, 0);
	put(w, 331, 30, "h:1");			/* a heartbeat */
	check_rendered(w, 0, NULL, 0);
	put(w, 330, 30, "h:1");			/* ... with detail */
	CHECK_RENDERED(w, 1, M_instance_expires);
	put(w, 331, 30, "h:2");
	CHECK_RENDERED(w, 1, M_instance_info);
	leave(w, 331, CAUSE_DIFF, false);
	CHECK_RENDERED(w, 1, M_instance_up, M_instance_changed);
	leave(w, 332, CAUSE_EXPIRE, false);
	CHECK_RENDERED(w, 1, M_instance_up, M_instance_changed,
	    M_instance_expirations);
	leave(w, 333, CAUSE_DIFF, true);
	CHECK_RENDERED(w, 1, M_instance_up, M_instance_changed,
	    M_instance_held);
	turn_flapping(w, find(w, 334));
	CHECK_RENDERED(w, 1, M_instance_flapping);
	maintain(w, find(w, 335));
	CHECK_RENDERED(w, 1, M_instance_maintenance);
	/* The last one takes the place of one that ends. */
	leave(w, 336, CAUSE_DELETE, false);
	CHECK_RENDERED(w, 2, EVERY_FAMILY);
}

/* One that changes nothing says so: nothing is copied, and what is allocated
 * does not depend on how many instances there are. */
static size_t cost_of_nothing(struct world *w, size_t n, enum encoding e)
{
	struct exposition x = { 0 };
	struct segments_counts before, after;
	struct pieces *p;
	size_t count;

	fill(w, n);
	x.snapshot = later(w);
	scrape_all(w, x.snapshot);
	snapshot_release((struct snapshot *)(uintptr_t)x.snapshot);
	x.snapshot = later(w);
	before = segments_counts(w->kept);
	count = allocations;
	p = pieces_new(w->kept, e);
	exposition_write(&x, EXPOSITION_TEXT, p);
	assert_true(pieces_end(p));
	count = allocations - count;
	after = segments_counts(w->kept);
	assert_memory_equal(&before, &after, sizeof(after));
	pieces_free(p);
	snapshot_release((struct snapshot *)(uintptr_t)x.snapshot);
	return count;
}

static void nothing_changed(void **state)
{
	struct world *w = *state;

	for (int e = 0; e < ENCODINGS; e++) {
		size_t few = cost_of_nothing(w, INSTANCES, (enum encoding)e);
		size_t many = cost_of_nothing(w, 10 * INSTANCES,
		    (enum encoding)e);

		if (!counts_allocations)
			continue;
		assert_true(few > 0);
		assert_int_equal(many, few);
		assert_true(few < 100);
	}
}

static size_t kept_runs(struct world *w, enum encoding e)
{
	size_t n = 0;

	for (int id = 0; id < M_COUNT; id++)
		n += w->kept->latest[id][e] != NULL;
	return n;
}

static void what_nobody_asks_for_is_not_kept(void **state)
{
	struct world *w = *state;
	struct snapshot *s;

	fill(w, INSTANCES);
	s = later(w);
	scrape_all(w, s);
	clock_advance(SEGMENTS_KEEP_MS / 2);
	free(scrape(w->kept, s, EXPOSITION_TEXT, ENCODING_GZIP, NULL));
	segments_drop_idle(w->kept, clock_mono());
	assert_int_not_equal(kept_runs(w, ENCODING_PLAIN), 0);
	clock_advance(SEGMENTS_KEEP_MS / 2);
	segments_drop_idle(w->kept, clock_mono());
	assert_int_equal(kept_runs(w, ENCODING_PLAIN), 0);
	assert_int_not_equal(kept_runs(w, ENCODING_GZIP), 0);
	check(w, s);
	snapshot_release(s);
}

/* Where nobody sends the last answer, and values change but not their
 * length, only what changed is written. */
static void changed_where_it_lies(void **state)
{
	struct world *w = *state;
	struct segments_counts before, after;
	struct snapshot *s;
	struct run *r;
	const char *bytes;
	size_t n;

	fill(w, INSTANCES);
	s = publish(w);
	r = segments_run(w->kept, s, M_instance_up, ENCODING_PLAIN);
	bytes = run_bytes(r, 0, &n);
	run_unref(r);
	snapshot_release(s);
	clock_advance(1000);
	leave(w, 331, CAUSE_DIFF, false);
	s = publish(w);
	before = segments_counts(w->kept);
	r = segments_run(w->kept, s, M_instance_up, ENCODING_PLAIN);
	after = segments_counts(w->kept);
	assert_int_equal(after.rendered - before.rendered, 1);
	assert_int_equal(after.copied_bytes, before.copied_bytes);
	assert_ptr_equal(run_bytes(r, 0, &n), bytes);
	run_unref(r);
	snapshot_release(s);
}

static struct run *changed_run(struct world *w, size_t instance)
{
	struct snapshot *s;
	struct run *r;

	clock_advance(1000);
	leave(w, instance, CAUSE_DIFF, false);
	s = publish(w);
	r = segments_run(w->kept, s, M_instance_up, ENCODING_PLAIN);
	snapshot_release(s);
	return r;
}

/* Of what changed, each answer on its way holds its own; of all else nothing
 * that is not kept anyway. */
static void only_what_answers_hold(void **state)
{
	struct world *w = *state;
	struct run *r[4];
	size_t last = INSTANCES / SNAP_BLOCK, first_room, last_room, shared;

	fill(w, INSTANCES);
	r[0] = changed_run(w, 1);
	check_room(w, 0);
	r[1] = changed_run(w, 2);		/* in the first segment */
	first_room = segment_room(r[0]->v[0]);
	check_room(w, first_room);
	r[2] = changed_run(w, INSTANCES - 1);	/* in the last */
	assert_ptr_equal(r[2]->v[0], r[1]->v[0]);
	last_room = segment_room(r[1]->v[last]);
	check_room(w, first_room + last_room);
	r[3] = changed_run(w, 3);
	shared = segment_room(r[2]->v[0]);
	check_room(w, first_room + last_room + shared);
	run_unref(r[1]);	/* r[0] has its last one too */
	check_room(w, first_room + last_room + shared);
	run_unref(r[0]);
	check_room(w, shared);
	run_unref(r[2]);
	check_room(w, 0);
	clock_advance(SEGMENTS_KEEP_MS);
	segments_drop_idle(w->kept, clock_mono());
	check_room(w, room_of(&r[3], 1));
	run_unref(r[3]);
	check_room(w, 0);
}

/* Text of its own, and who comes late with what was so before. */
static void what_one_answer_has_alone(void **state)
{
	struct world *w = *state;
	struct snapshot *older;
	struct held h;
	struct run *r;
	size_t others;

	fill(w, INSTANCES);
	older = publish(w);
	run_unref(changed_run(w, 1));
	r = segments_run(w->kept, older, M_instance_up, ENCODING_PLAIN);
	check_room(w, segment_room(r->v[0]));
	run_unref(r);
	check_room(w, 0);
	hold(&h, w, older, ENCODING_GZIP);
	others = segments_room(w->kept).held;
	assert_true(others > sizeof(struct run) && others < 64 << 10);
	check_room(w, others);
	check_held(&h);
	check_room(w, 0);
	snapshot_release(older);
}

/* Two ask at once, and who has the older snapshot comes second: what he does
 * not have in common with the other is rendered for him, and nothing kept. */
static void an_older_snapshot(void **state)
{
	struct world *w = *state;
	struct snapshot *older, *s;

	fill(w, INSTANCES);
	older = publish(w);
	clock_advance(1000);
	leave(w, 331, CAUSE_DIFF, false);
	s = publish(w);
	scrape_all(w, s);
	for (int e = 0; e < ENCODINGS; e++) {
		assert_int_equal(rendered(w, older, M_instance_up, e), 1);
		assert_int_equal(rendered(w, older, M_instance_info, e), 0);
		assert_int_equal(rendered(w, s, M_instance_up, e), 0);
	}
	check_format(w, older, older, EXPOSITION_TEXT);
	snapshot_release(older);
	snapshot_release(s);
}

static void ready_is_what_needs_no_rendering(void **state)
{
	struct world *w = *state;
	struct snapshot *s;

	fill(w, INSTANCES);
	s = publish(w);
	assert_false(segments_ready(w->kept, s, ENCODING_GZIP));
	free(scrape(w->kept, s, EXPOSITION_OPENMETRICS, ENCODING_GZIP, NULL));
	assert_true(segments_ready(w->kept, s, ENCODING_GZIP));
	assert_false(segments_ready(w->kept, s, ENCODING_PLAIN));
	pthread_mutex_lock(&w->kept->lock);
	assert_false(segments_ready(w->kept, s, ENCODING_GZIP));
	pthread_mutex_unlock(&w->kept->lock);
	snapshot_release(s);
	leave(w, 331, CAUSE_DIFF, false);
	s = later(w);
	assert_false(segments_ready(w->kept, s, ENCODING_GZIP));
	snapshot_release(s);
}

/* However many there are, no answer has more pieces than can be sent. */
static void never_too_many_pieces(void **state)
{
	struct world *w = *state;
	size_t n = SNAP_BLOCK;

	for (; n < 800 * SNAP_BLOCK; n = n * 7 / 3) {
		struct snapshot *s;

		fill(w, n);
		s = later(w);
		scrape_all(w, s);
		snapshot_release(s);
	}
}

/* --- several threads --- */

static atomic_bool stop;

static void *read_on(void *arg)
{
	struct world *w = arg;

	while (!stop) {
		struct snapshot *s = snapshot_acquire();
		size_t n[2];
		char *plain = scrape(w->kept, s, EXPOSITION_TEXT,
		    ENCODING_PLAIN, &n[0]);
		char *gzip = unpacked(w->kept, s, EXPOSITION_TEXT, &n[1]);

		assert_int_equal(n[0], n[1]);
		assert_memory_equal(plain, gzip, n[0]);
		free(plain);
		free(gzip);
		snapshot_release(s);
	}
	return NULL;
}

static void readers_during_changes(void **state)
{
	struct world *w = *state;
	pthread_t threads[READERS];

	seeded_start();
	fill(w, INSTANCES);
	snapshot_release(later(w));
	stop = false;
	for (int k = 0; k < READERS; k++)
		assert_int_equal(pthread_create(&threads[k], NULL, read_on,
		    w), 0);
	for (int step = 0; step < STEPS; step++) {
		change(w);
		snapshot_release(later(w));
		segments_drop_idle(w->kept, clock_mono());
	}
	stop = true;
	for (int k = 0; k < READERS; k++)
		pthread_join(threads[k], NULL);
	check_room(w, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(as_if_rendered_anew),
		TEST(only_what_depends_on_it),
		TEST(nothing_changed),
		TEST(changed_where_it_lies),
		TEST(only_what_answers_hold),
		TEST(what_one_answer_has_alone),
		TEST(an_older_snapshot),
		TEST(ready_is_what_needs_no_rendering),
		TEST(what_nobody_asks_for_is_not_kept),
		TEST(never_too_many_pieces),
		TEST(readers_during_changes),
	};

	log_set_level(LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
