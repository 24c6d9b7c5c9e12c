/* The roll: what a key in etcd means for an instance, checked through the
 * events it causes and the counts it leaves. */
#include "core/registry_apply.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/buf.h"
#include "core/config.h"
#include "core/pattern.h"
#include "core/problems.h"
#include "core/snapshot.h"

enum { MAX_EVENTS = 4096, START = 1000000000 };

struct seen {
	enum event_type type;
	char identity[64];
	enum state was, state;
	enum cause cause;
	int64_t from, earliest, seen;
};

struct world {
	struct event_bus *bus;
	struct registry *r;
	struct cluster *c;
	struct directory *d;
	struct seen v[MAX_EVENTS];
	size_t n;
	uint64_t index;
};

static void on_event(void *arg, const struct event *e)
{
	struct world *w = arg;
	struct seen *s;

	if (e->type != EVENT_INSTANCE && e->type != EVENT_DROPPED &&
	    e->type != EVENT_HELD)
		return;
	assert_true(w->n < MAX_EVENTS);
	s = &w->v[w->n++];
	*s = (struct seen){
		.type = e->type, .was = e->instance.was,
		.state = e->instance.begun.state,
		.cause = e->instance.begun.cause,
		.from = e->instance.begun.from.ms,
		.earliest = e->instance.noticed.earliest.ms,
		.seen = e->instance.noticed.seen.ms,
	};
	snprintf(s->identity, sizeof(s->identity), "%s",
	    instance_identity(e->instance.instance));
}

static struct config *configure(const char *endpoint, const char *directory)
{
	char *e = xstrdup(endpoint), *d = xstrdup(directory);
	struct string_list endpoints = { &e, 1 }, directories = { &d, 1 };
	struct problems p = { 0 };
	struct config *c = config_from_flags(&endpoints, &directories, &p);

	assert_non_null(c);
	free(e);
	free(d);
	return c;
}

static int setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));
	struct config *c = configure("http://127.0.0.1:2379", "/login");
	struct event_sink sink = { "test", on_event, NULL, w };

	clock_set((mono_t){ 5000 }, (wall_t){ START });
	w->bus = event_bus_new();
	event_bus_add(w->bus, &sink);
	w->r = registry_new(w->bus);
	registry_configure(w->r, c);
	config_unref(c);
	w->c = w->r->clusters[0];
	w->d = w->c->directories[0];
	w->index = 100;
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

static struct moment now_at(struct world *w)
{
	struct moment m = { .seen = clock_now(), .now = clock_mono(),
		.index = ++w->index };

	m.earliest = m.seen;
	return m;
}

static struct key_facts facts(const char *key, int64_t ttl_s)
{
	return (struct key_facts){ .key = key, .value = "10.0.0.7:80",
		.has_ttl = ttl_s > 0, .ttl_s = ttl_s,
		.expires = wall_add(clock_now(), ttl_s * 1000) };
}

static void put(struct world *w, const char *key, int64_t ttl_s, bool renewed)
{
	struct moment m = now_at(w);
	struct key_facts k = facts(key, ttl_s);

	k.renewed = renewed;
	k.created_index = k.modified_index = m.index;
	registry_written(w->d, &k, &m);
	event_flush(w->bus, m.now);
}

static void leave(struct world *w, const char *key, enum cause cause)
{
	struct moment m = now_at(w);
	struct instance *i = registry_find(w->d, key);

	assert_non_null(i);
	registry_left(w->d, i, cause, m.seen, &m, (mono_t){ 0 });
	event_flush(w->bus, m.now);
}

static struct service *login(struct world *w)
{
	return registry_service(w->r, w->c, "login");
}

static void last_is(struct world *w, enum state state, enum cause cause)
{
	size_t n = w->n;

	while (n > 0 && w->v[n - 1].type != EVENT_INSTANCE)
		n--;
	assert_true(n > 0);
	assert_int_equal(w->v[n - 1].state, state);
	assert_int_equal(w->v[n - 1].cause, cause);
}

static void a_heartbeat_is_no_registration(void **state)
{
	struct world *w = *state;

	put(w, "/login/1", 10, true);
	for (int k = 0; k < 5; k++) {
		clock_advance(3000);
		put(w, "/login/1", 10, false);
	}
	assert_int_equal(w->n, 1);
	last_is(w, STATE_UP, CAUSE_REGISTERED);
	assert_int_equal(login(w)->registrations, 1);
	assert_int_equal(login(w)->up, 1);
}

static void expiry_and_return(void **state)
{
	struct world *w = *state;

	put(w, "/login/1", 2, true);
	clock_advance(2300);
	leave(w, "/login/1", CAUSE_EXPIRE);
	last_is(w, STATE_EXPIRED, CAUSE_EXPIRE);
	assert_null(registry_find(w->d, "/login/1"));
	assert_int_equal(login(w)->up, 0);
	assert_int_equal(w->d->vanished, 1);
	put(w, "/login/1", 2, true);
	last_is(w, STATE_UP, CAUSE_REGISTERED);
	assert_int_equal(login(w)->registrations, 2);
	assert_int_equal(login(w)->expirations, 1);
	assert_int_equal(w->d->vanished, 0);
	assert_int_equal(w->n, 3);
}

enum { MINUTE = 60 * 1000 };

static struct instance *expire_and_return(struct world *w, const char *key,
    int64_t after_ms)
{
	clock_advance(after_ms);
	leave(w, key, CAUSE_EXPIRE);
	put(w, key, 5, true);
	return registry_find(w->d, key);
}

static void tick_after(struct world *w, int64_t ms)
{
	clock_advance(ms);
	registry_tick(w->r, clock_mono());
	event_flush(w->bus, clock_mono());
}

static void four_expiries_in_ten_minutes_flap(void **state)
{
	struct world *w = *state;
	struct instance *i;

	put(w, "/login/1", 5, true);
	put(w, "/login/2", 5, true);
	for (int n = 0; n < 3; n++)
		i = expire_and_return(w, "/login/1", 3 * MINUTE);
	assert_false(i->flapping);
	i = expire_and_return(w, "/login/1", MINUTE);
	assert_true(i->flapping);
	assert_false(registry_find(w->d, "/login/2")->flapping);
	/* The quarter of an hour is that of the last one. */
	tick_after(w, 14 * MINUTE);
	i = expire_and_return(w, "/login/1", 0);
	tick_after(w, 15 * MINUTE - 1);
	assert_true(i->flapping);
	tick_after(w, 1);
	assert_false(i->flapping);
	assert_true(TAILQ_EMPTY(&w->r->flapping));
}

static void four_expiries_in_more_do_not_flap(void **state)
{
	struct world *w = *state;
	struct instance *i;

	put(w, "/login/1", 5, true);
	for (int n = 0; n < 9; n++) {
		i = expire_and_return(w, "/login/1", 10 * MINUTE / 3 + 1);
		assert_false(i->flapping);
	}
}

/* Hours of expiries, told all at once after an outage. */
static void when_they_expired_counts(void **state)
{
	struct world *w = *state;
	struct key_facts k = facts("/login/1", 5);
	struct instance *i = NULL;
	struct moment m;

	clock_advance(100 * MINUTE);
	m = now_at(w);
	m.earliest = (wall_t){ START };
	k.renewed = true;
	for (int n = 0; n < 9; n++) {
		k.expires = (wall_t){ START + (n + 1) * 4 * MINUTE };
		registry_written(w->d, &k, &m);
		i = registry_find(w->d, "/login/1");
		registry_left(w->d, i, CAUSE_EXPIRE, k.expires, &m,
		    (mono_t){ 0 });
		assert_int_equal(i->period.from.ms, k.expires.ms);
		event_flush(w->bus, m.now);
	}
	assert_int_equal(i->expirations, 9);
	assert_false(i->flapping);
}

/* In the order of their last expiry, whichever began first. */
static void flapping_ends_one_by_one(void **state)
{
	struct world *w = *state;
	struct instance *one, *two;

	put(w, "/login/1", 5, true);
	put(w, "/login/2", 5, true);
	for (int n = 0; n < 4; n++)
		expire_and_return(w, "/login/1", 1000);
	for (int n = 0; n < 4; n++)
		two = expire_and_return(w, "/login/2", 1000);
	one = expire_and_return(w, "/login/1", MINUTE);
	assert_true(one->flapping && two->flapping);
	tick_after(w, 14 * MINUTE);
	assert_true(one->flapping && !two->flapping);
	tick_after(w, MINUTE);
	assert_false(one->flapping);
}

static void what_flaps_may_go(void **state)
{
	struct world *w = *state;

	put(w, "/login/1", 5, true);
	for (int n = 0; n < 4; n++)
		expire_and_return(w, "/login/1", 1000);
	leave(w, "/login/1", CAUSE_DELETE);
	assert_true(TAILQ_EMPTY(&w->r->flapping));
	put(w, "/login/1", 5, true);
	assert_false(registry_find(w->d, "/login/1")->flapping);
}

/* A key set anew after its TTL had run out, before etcd had removed it. */
static void set_over_an_expired_key(void **state)
{
	struct world *w = *state;
	struct moment m;
	struct key_facts k;

	put(w, "/login/1", 2, true);
	clock_advance(2400);
	m = now_at(w);
	k = facts("/login/1", 2);
	k.renewed = true;
	k.lapsed = (wall_t){ START + 2000 };
	registry_written(w->d, &k, &m);
	event_flush(w->bus, m.now);
	assert_int_equal(w->n, 3);
	assert_int_equal(w->v[1].cause, CAUSE_EXPIRE);
	assert_int_equal(w->v[1].from, START + 2000);
	last_is(w, STATE_UP, CAUSE_REGISTERED);
	assert_int_equal(login(w)->up, 1);
}

static void a_write_without_prev_means_a_missed_leave(void **state)
{
	struct world *w = *state;

	put(w, "/login/1", 10, true);
	clock_advance(1000);
	put(w, "/login/1", 10, true);
	assert_int_equal(w->n, 3);
	assert_int_equal(w->v[1].state, STATE_LOST);
	assert_int_equal(w->v[1].from, START + 1000);
	last_is(w, STATE_UP, CAUSE_REGISTERED);
}

static void deletion_ends_the_instance(void **state)
{
	struct world *w = *state;

	put(w, "/login/1", 10, true);
	leave(w, "/login/1", CAUSE_DELETE);
	assert_int_equal(w->n, 3);
	assert_int_equal(w->v[1].state, STATE_DEREGISTERED);
	assert_int_equal(w->v[2].type, EVENT_DROPPED);
	assert_int_equal(w->r->nslots, 0);
	assert_int_equal(login(w)->known, 0);
	assert_int_equal(login(w)->deregistrations, 1);
}

static void two_keys_one_identity(void **state)
{
	struct world *w = *state;
	struct instance *i;

	/* Only the last part is the identity. */
	pattern_free(w->d->config->pattern);
	w->d->config->pattern = pattern_compile("{zone}/{instance_id}", NULL);
	put(w, "/login/b/1", 10, true);
	put(w, "/login/a/1", 10, true);
	assert_int_equal(w->d->bad_keys, 1);
	i = registry_find(w->d, "/login/b/1");
	assert_non_null(i);
	assert_null(registry_find(w->d, "/login/a/1"));
	leave(w, "/login/b/1", CAUSE_EXPIRE);
	assert_ptr_equal(registry_find(w->d, "/login/a/1"), i);
	assert_int_equal(i->period.state, STATE_UP);
	assert_int_equal(w->n, 1);
	leave(w, "/login/a/1", CAUSE_EXPIRE);
	last_is(w, STATE_EXPIRED, CAUSE_EXPIRE);
}

/* Of several that wait the smallest key is next, whenever it came. */
static void the_first_rival_takes_over(void **state)
{
	static const char *const keys[] = { "/login/c/1", "/login/d/1",
		"/login/a/1", "/login/b/1", "/login/e/1" };
	static const char *const order[] = { "/login/c/1", "/login/a/1",
		"/login/b/1", "/login/d/1", "/login/e/1" };
	struct world *w = *state;

	pattern_free(w->d->config->pattern);
	w->d->config->pattern = pattern_compile("{zone}/{instance_id}", NULL);
	for (size_t k = 0; k < 5; k++)
		put(w, keys[k], 10, true);
	for (size_t k = 0; k < 5; k++)
		leave(w, order[k], CAUSE_EXPIRE);
	assert_int_equal(w->n, 2);
	last_is(w, STATE_EXPIRED, CAUSE_EXPIRE);
}

static const char *extra_of(struct world *w, const char *key)
{
	const struct instance *i = registry_find(w->d, key);

	assert_non_null(i);
	return names_extra(i->names);
}

/* They are read from the key the instance has, not from its first one. */
static void other_names_follow_the_key(void **state)
{
	struct world *w = *state;
	struct restored_instance s = { .id = 7, .cluster = "default",
		.directory = "/login", .service = "login",
		.instance_id = "9", .key = "/login/c/9", .value = "x",
		.period = { 70, STATE_UP, CAUSE_REGISTERED, { 1 } },
		.noticed = { { 1 }, { 2 }, 5 } };

	pattern_free(w->d->config->pattern);
	w->d->config->pattern = pattern_compile("{zone}/{instance_id}", NULL);
	put(w, "/login/a/1", 10, true);
	assert_string_equal(extra_of(w, "/login/a/1"), "zone=\"a\"");
	put(w, "/login/b/1", 10, true);
	leave(w, "/login/a/1", CAUSE_DELETE);
	assert_string_equal(extra_of(w, "/login/b/1"), "zone=\"b\"");
	leave(w, "/login/b/1", CAUSE_EXPIRE);
	put(w, "/login/a/1", 10, true);
	assert_string_equal(extra_of(w, "/login/a/1"), "zone=\"a\"");
	registry_restore_instance(w->r, &s);
	assert_string_equal(extra_of(w, "/login/c/9"), "zone=\"c\"");
}

static void list_key(struct world *w, const char *key, int64_t ttl_s)
{
	struct moment m = now_at(w);
	struct key_facts k = facts(key, ttl_s);

	k.modified_index = 7;
	registry_listed(w->d, &k, &m);
	event_flush(w->bus, m.now);
}

static void the_smaller_key_in_the_first_listing(void **state)
{
	struct world *w = *state;

	pattern_free(w->d->config->pattern);
	w->d->config->pattern = pattern_compile("{zone}/{instance_id}", NULL);
	list_key(w, "/login/c/1", 10);
	list_key(w, "/login/a/1", 10);
	list_key(w, "/login/b/1", 10);
	assert_non_null(registry_find(w->d, "/login/a/1"));
	assert_null(registry_find(w->d, "/login/c/1"));
	assert_int_equal(w->d->bad_keys, 2);
	assert_int_equal(login(w)->up, 1);
	/* From then on the recorded one stays. */
	registry_synced(w->d, clock_now());
	list_key(w, "/login/0/1", 10);
	assert_non_null(registry_find(w->d, "/login/a/1"));
	leave(w, "/login/a/1", CAUSE_EXPIRE);
	assert_non_null(registry_find(w->d, "/login/0/1"));
}

static void what_is_no_instance(void **state)
{
	struct world *w = *state;
	struct moment m = now_at(w);
	struct key_facts dir = { .key = "/login/dir", .value = "",
		.is_dir = true };

	put(w, "/login/_hidden", 10, true);
	put(w, "/elsewhere/1", 10, true);
	put(w, "/login", 10, true);
	registry_written(w->d, &dir, &m);
	assert_int_equal(w->d->bad_keys, 0);
	put(w, "/login/a/b", 10, true);
	put(w, "/login/a/b", 10, false);
	put(w, "/login/n\xC0\x80l", 10, true);
	assert_int_equal(w->d->bad_keys, 2);
	assert_int_equal(w->n, 0);
	registry_left_other(w->d, "/login/a/b");
	put(w, "/login/a/b", 10, true);
	assert_int_equal(w->d->bad_keys, 3);
}

/* Below /login: n bytes, the first part of them a zone. */
static char *long_key(size_t n, char c)
{
	char *key = xmalloc(n + 8);

	memcpy(key, "/login/", 7);
	memset(key + 7, c, n);
	key[7 + n / 2] = '/';
	key[7 + n] = '\0';
	return key;
}

/* Quotes are twice as long in a label, and no label text comes out empty. */
static void the_longest_key_has_its_labels(void **state)
{
	struct world *w = *state;
	char *key = long_key(4096, '"'), *longer = long_key(4097, '"');
	struct instance *i;
	struct buf b;

	pattern_free(w->d->config->pattern);
	w->d->config->pattern = pattern_compile("{zone}/{instance_id}", NULL);
	put(w, key, 10, true);
	i = registry_find(w->d, key);
	assert_non_null(i);
	buf_init(&b, 64 * 1024);
	names_render_id(i->names, &b);
	names_render_info(i->names, &b);
	assert_non_null(strstr(buf_str(&b), "instance_id=\""));
	assert_non_null(strstr(buf_str(&b), "zone=\""));
	assert_false(b.failed);
	buf_free(&b);
	assert_int_equal(w->d->bad_keys, 0);
	put(w, longer, 10, true);
	assert_null(registry_find(w->d, longer));
	assert_int_equal(w->d->bad_keys, 1);
	assert_int_equal(w->n, 1);
	free(key);
	free(longer);
}

static void a_huge_key_is_a_short_line(void **state)
{
	struct world *w = *state;
	char *key = long_key(70000, 'k'), line[5000];
	int fds[2];
	ssize_t n;

	assert_int_equal(pipe(fds), 0);
	log_start(LEVEL_WARN, LOG_LOGFMT, fds[1]);
	put(w, key, 10, true);
	log_stop(20000);
	log_set_level(LEVEL_ERROR);
	n = read(fds[0], line, sizeof(line) - 1);
	assert_in_range(n, 200, 500);
	line[n] = '\0';
	assert_non_null(strstr(line, "kkk... reason=\"the key is longer than "
	    "4096 bytes\"\n"));
	assert_int_equal(w->d->bad_keys, 1);
	close(fds[0]);
	close(fds[1]);
	free(key);
}

static void a_directory_with_a_ttl_is_an_instance(void **state)
{
	struct world *w = *state;
	struct moment m = now_at(w);
	struct key_facts k = facts("/login/1", 10);

	k.is_dir = true;
	k.value = "";
	registry_written(w->d, &k, &m);
	event_flush(w->bus, m.now);
	put(w, "/login/1/config", 0, true);
	assert_int_equal(w->d->bad_keys, 0);
	assert_int_equal(w->n, 1);
	leave(w, "/login/1", CAUSE_EXPIRE);
	last_is(w, STATE_EXPIRED, CAUSE_EXPIRE);
}

static void list(struct world *w, int64_t ttl_left_s, uint64_t modified)
{
	struct moment m = now_at(w);
	struct key_facts k = facts("/login/1", ttl_left_s);

	k.modified_index = modified;
	registry_listed(w->d, &k, &m);
	event_flush(w->bus, m.now);
}

static void late_after_two_missed_beats(void **state)
{
	struct world *w = *state;

	list(w, 10, 1);
	for (uint64_t k = 2; k < 6; k++) {
		clock_advance(3000);
		list(w, 10, k);
	}
	assert_int_equal(login(w)->late, 0);
	clock_advance(3000);
	list(w, 7, 5);
	assert_int_equal(login(w)->late, 0);
	clock_advance(4500);
	list(w, 3, 5);
	assert_int_equal(login(w)->late, 1);
	clock_advance(1000);
	list(w, 10, 6);
	assert_int_equal(login(w)->late, 0);
	assert_int_equal(w->n, 1);
}

/* Beats every second, then none for three: how many are late? */
static size_t late_with_ttl(struct world *w, int64_t ttl_s)
{
	for (uint64_t k = 1; k < 4; k++) {
		list(w, ttl_s, k);
		clock_advance(1000);
	}
	clock_advance(2500);
	list(w, ttl_s - 3, 3);
	return login(w)->late;
}

/* Whoever has less than 6 s is gone before lateness says anything. */
static void a_short_ttl_is_never_late(void **state)
{
	assert_int_equal(late_with_ttl(*state, 5), 0);
}

static void the_shortest_ttl_that_is_late(void **state)
{
	assert_int_equal(late_with_ttl(*state, 6), 1);
}

static void permanent_and_back(void **state)
{
	struct world *w = *state;

	put(w, "/login/1", 0, true);
	assert_int_equal(login(w)->permanent, 1);
	put(w, "/login/1", 10, false);
	assert_int_equal(login(w)->permanent, 0);
	put(w, "/login/1", 0, false);
	assert_int_equal(login(w)->permanent, 1);
	leave(w, "/login/1", CAUSE_DELETE);
	assert_int_equal(login(w)->permanent, 0);
}

static void held_until_it_is_over(void **state)
{
	struct world *w = *state;
	struct moment m;

	put(w, "/login/1", 10, true);
	m = now_at(w);
	registry_left(w->d, registry_find(w->d, "/login/1"), CAUSE_EXPIRE,
	    m.seen, &m, mono_add(m.now, 10000));
	registry_set_mass_vanish(w->c, true);
	assert_int_equal(w->c->held, 1);
	clock_advance(9000);
	registry_tick(w->r, clock_mono());
	assert_int_equal(w->c->held, 1);
	assert_true(w->c->mass_vanish);
	clock_advance(1000);
	registry_tick(w->r, clock_mono());
	event_flush(w->bus, clock_mono());
	assert_int_equal(w->c->held, 0);
	assert_int_equal(w->v[w->n - 1].type, EVENT_HELD);
	registry_tick(w->r, clock_mono());
	assert_false(w->c->mass_vanish);
}

/* So many are held, and let go at the same moment. */
static void hold_many(struct world *w, size_t n)
{
	mono_t until = mono_add(clock_mono(), 10000);
	char key[32];

	for (size_t k = 0; k < n; k++) {
		struct moment m;

		snprintf(key, sizeof(key), "/login/%zu", k);
		put(w, key, 10, true);
		m = now_at(w);
		registry_left(w->d, registry_find(w->d, key), CAUSE_EXPIRE,
		    m.seen, &m, until);
		event_flush(w->bus, m.now);
	}
	registry_set_mass_vanish(w->c, true);
	assert_int_equal(w->c->held, n);
	clock_advance(10000);
	w->n = 0;
}

static void holds_end_in_slices(void **state)
{
	enum { N = 3 * EVENT_SLICE + 1 };
	struct world *w = *state;
	mono_t now;

	hold_many(w, N);
	now = clock_mono();
	for (size_t k = 1; k <= 3; k++) {
		assert_int_equal(registry_tick(w->r, now).ms, now.ms);
		event_flush(w->bus, now);
		assert_int_equal(w->n, k * EVENT_SLICE);
		assert_int_equal(w->c->held, N - k * EVENT_SLICE);
		assert_true(w->c->mass_vanish);
	}
	assert_true(registry_tick(w->r, now).ms > now.ms);
	event_flush(w->bus, now);
	assert_int_equal(w->n, N);
	assert_string_equal(w->v[0].identity, "login/0");
	assert_string_equal(w->v[N - 1].identity, "login/384");
	assert_false(w->c->mass_vanish);
}

/* Where the walk stands is taken out of the roll, and then all behind it. */
static void who_goes_while_the_tick_walks(void **state)
{
	enum { N = 2 * EVENT_SLICE };
	struct world *w = *state;
	char id[32];

	hold_many(w, N);
	registry_tick(w->r, clock_mono());
	for (size_t k = EVENT_SLICE; k < N; k++) {
		snprintf(id, sizeof(id), "%zu", k);
		assert_true(registry_forget(w->r, "default", "login", id));
		event_flush(w->bus, clock_mono());
	}
	assert_int_equal(w->c->held, 0);
	registry_tick(w->r, clock_mono());
	event_flush(w->bus, clock_mono());
	assert_int_equal(w->d->vanished, EVENT_SLICE);
	assert_false(w->c->mass_vanish);
}

static void many_are_forgotten_in_slices(void **state)
{
	enum { N = 3 * EVENT_SLICE };
	struct world *w = *state;
	size_t left = N, ticks = 0;

	hold_many(w, N);
	w->d->config->max_vanished = 3;
	while (left > 3) {
		registry_tick(w->r, clock_mono());
		event_flush(w->bus, clock_mono());
		assert_in_range(left - w->d->vanished, 1, EVENT_SLICE);
		left = w->d->vanished;
		ticks++;
	}
	assert_in_range(ticks, 3, 7);
}

static void forgotten_in_time(void **state)
{
	struct world *w = *state;

	struct moment m;

	put(w, "/login/1", 10, true);
	leave(w, "/login/1", CAUSE_EXPIRE);
	clock_advance(w->d->config->forget_after_ms - 1);
	registry_tick(w->r, clock_mono());
	clock_advance(1000);
	registry_tick(w->r, clock_mono());
	assert_int_equal(w->r->nslots, 1);	/* nobody looks */
	m = now_at(w);
	registry_set_looking(w->d, true, &m);
	clock_advance(1);
	registry_tick(w->r, clock_mono());
	event_flush(w->bus, clock_mono());
	last_is(w, STATE_DEREGISTERED, CAUSE_FORGOTTEN);
	assert_int_equal(w->r->nslots, 0);
	assert_false(registry_forget(w->r, "default", "login", "1"));
}

static void the_oldest_are_forgotten_first(void **state)
{
	struct world *w = *state;
	char key[32];

	w->d->config->max_vanished = 3;
	for (int k = 0; k < 5; k++) {
		snprintf(key, sizeof(key), "/login/%d", k);
		put(w, key, 10, true);
	}
	for (int k = 0; k < 5; k++) {
		snprintf(key, sizeof(key), "/login/%d", k);
		leave(w, key, CAUSE_EXPIRE);
		clock_advance(10);
	}
	registry_tick(w->r, clock_mono());
	event_flush(w->bus, clock_mono());
	assert_int_equal(w->d->vanished, 3);
	assert_string_equal(names_instance_id(w->r->oldest->names), "2");
}

static void clamps_times(void **state)
{
	struct world *w = *state;
	struct moment m;

	put(w, "/login/1", 10, true);
	clock_advance(5000);
	m = now_at(w);
	registry_left(w->d, registry_find(w->d, "/login/1"), CAUSE_EXPIRE,
	    (wall_t){ START - 77 }, &m, (mono_t){ 0 });
	event_flush(w->bus, m.now);
	assert_int_equal(w->v[1].from, START);
	assert_int_equal(w->v[1].seen, START + 5000);
}

static void a_removed_directory_is_unwatched(void **state)
{
	struct world *w = *state;
	struct config *c = configure("http://127.0.0.1:2379", "/other");

	put(w, "/login/1", 10, true);
	registry_configure(w->r, c);
	config_unref(c);
	event_flush(w->bus, clock_mono());
	last_is(w, STATE_DEREGISTERED, CAUSE_UNWATCHED);
	assert_int_equal(w->r->nslots, 0);
	assert_string_equal(w->c->directories[0]->path, "/other");
}

/* Reads the configuration anew, with another name for the service. */
static bool seen_as_known(struct world *w, const struct service *s)
{
	struct snapshot *shot;
	bool known;

	clock_advance(1000);
	snapshot_publish(w->r, clock_mono());
	shot = snapshot_acquire();
	known = snap_block(shot->services, 0)->services[s->slot].known;
	snapshot_release(shot);
	return known;
}

static void nothing_is_known_before_the_first_listing(void **state)
{
	static const uint64_t counters[4] = { 1 };
	struct world *w = *state;
	struct service *s = registry_service(w->r, w->c, "configured");

	service_feed(s, w->d, 0);
	assert_false(seen_as_known(w, s));
	registry_synced(w->d, clock_now());
	assert_true(seen_as_known(w, s));
	/* What was registered once is missed wherever it is not. */
	s = registry_service(w->r, w->c, "saved");
	assert_false(seen_as_known(w, s));
	registry_restore_service(w->r, "default", "saved", counters);
	snapshot_touch_service(w->r, s);
	assert_true(seen_as_known(w, s));
}

static void rename_service(struct world *w, const char *name)
{
	struct config *c = configure("http://127.0.0.1:2379", "/login");

	config_directory(config_cluster(c, 0), 0)->service_name =
	    xstrdup(name);
	registry_configure(w->r, c);
	config_unref(c);
	event_flush(w->bus, clock_mono());
}

static const char *service_of(struct world *w, const char *key)
{
	put(w, key, 10, true);
	return registry_find(w->d, key)->service->name;
}

static void the_first_glob_of_the_map_counts(void **state)
{
	struct world *w = *state;
	struct config *c = configure("http://127.0.0.1:2379", "/login");
	struct labels *map =
	    &config_directory(config_cluster(c, 0), 0)->service_map;

	labels_append(map, "0001-*", "login_server");
	labels_append(map, "000*", "msg_server");
	labels_append(map, "00*-?", "msfs");
	registry_configure(w->r, c);
	config_unref(c);
	assert_string_equal(service_of(w, "/login/0001-1"), "login_server");
	assert_string_equal(service_of(w, "/login/0002-1"), "msg_server");
	assert_string_equal(service_of(w, "/login/0012-1"), "msfs");
	assert_string_equal(service_of(w, "/login/1"), "login");
}

static void a_renamed_service_is_read_anew(void **state)
{
	struct world *w = *state;
	struct service *s;

	put(w, "/login/1", 10, true);
	put(w, "/login/2", 10, true);
	put(w, "/login/a/b", 10, true);
	leave(w, "/login/2", CAUSE_EXPIRE);
	registry_synced(w->d, clock_now());
	assert_true(login(w)->synced);
	rename_service(w, "sso");
	last_is(w, STATE_DEREGISTERED, CAUSE_UNWATCHED);
	assert_int_equal(w->r->nslots, 0);
	/* Neither is missed: the one no longer, the other not yet. */
	assert_int_equal(login(w)->nfeeds, 0);
	s = registry_service(w->r, w->c, "sso");
	assert_true(s->configured && !s->synced);
	put(w, "/login/1", 10, false);
	assert_ptr_equal(registry_find(w->d, "/login/1")->service, s);
	/* What stays as it was is left alone, a bad key included. */
	assert_int_equal(w->d->bad_keys, 1);
	registry_synced(w->d, clock_now());
	rename_service(w, "sso");
	assert_true(s->synced);
	put(w, "/login/a/b", 10, true);
	assert_int_equal(w->d->bad_keys, 1);
	assert_int_equal(w->r->nslots, 1);
}

/* Who waited for an identity waits for nothing when that ends. */
static void rivals_are_read_anew(void **state)
{
	struct world *w = *state;

	pattern_free(w->d->config->pattern);
	w->d->config->pattern = pattern_compile("{zone}-{instance_id}", NULL);
	put(w, "/login/a-1", 10, true);
	put(w, "/login/b-1", 10, true);
	assert_int_equal(table_count(w->d->rivals), 1);
	rename_service(w, "login");	/* and by the pattern of old */
	assert_int_equal(table_count(w->d->rivals), 0);
	assert_int_equal(table_count(w->d->bad), 0);
	put(w, "/login/a-1", 10, false);
	put(w, "/login/b-1", 10, false);
	assert_int_equal(login(w)->up, 2);
}

static struct restored_instance saved(const char *directory, const char *id,
    enum state state)
{
	return (struct restored_instance){
		.id = 7, .cluster = "default", .directory = directory,
		.service = "login", .instance_id = id, .key = "/login/9",
		.value = "x", .ttl_s = 10, .expirations = 3,
		.period = { 70, state, CAUSE_EXPIRE, { 1 } },
		.noticed = { { 1 }, { 2 }, 5 },
	};
}

static void restored_as_it_was(void **state)
{
	struct world *w = *state;
	struct restored_instance s = saved("/login", "9", STATE_EXPIRED);
	const uint64_t counters[4] = { 4, 3, 2, 1 };

	registry_restore_instance(w->r, &s);
	registry_restore_service(w->r, "default", "login", counters);
	registry_restore_directory(w->r, &(struct restored_directory){
		"default", "/login", 1, { 3 }, { 9 }, 55 });
	registry_restore_ids(w->r, 8, 71, 2);
	registry_restored(w->r);
	event_flush(w->bus, clock_mono());
	assert_int_equal(w->n, 0);
	assert_int_equal(w->d->applied_index, 55);
	assert_int_equal(login(w)->registrations, 4);
	put(w, "/login/9", 10, true);
	assert_int_equal(w->n, 1);
	assert_int_equal(w->v[0].was, STATE_EXPIRED);
	assert_int_equal(w->r->next_period_id, 72);
}

/* A replay knows when the registration was, but not the delete before it. */
static void write_5_s_ago(struct world *w)
{
	struct moment m = now_at(w);
	struct key_facts k = facts("/login/1", 10);

	k.renewed = true;
	k.expires = wall_add(m.seen, 5000);
	m.earliest = wall_add(m.seen, -20000);
	registry_written(w->d, &k, &m);
	event_flush(w->bus, m.now);
}

static void nothing_begins_before_the_last_end(void **state)
{
	struct world *w = *state;
	struct restored_ended saved = { "default", "/login", "login", "1",
		{ 0 } };

	put(w, "/login/1", 10, true);
	clock_advance(20000);
	leave(w, "/login/1", CAUSE_DELETE);
	write_5_s_ago(w);
	assert_int_equal(w->v[w->n - 1].from, clock_now().ms);

	/* The same, with a kill in between. */
	leave(w, "/login/1", CAUSE_DELETE);
	ended_tick(w->d);
	w->d->watching_to = clock_now();
	ended_tick(w->d);
	assert_int_equal(ended_at(w->d, "login/1").ms, 0);
	w->d->watching_to = wall_add(clock_now(), -10000);
	saved.at = wall_add(clock_now(), -1000);
	registry_restore_ended(w->r, &saved);
	write_5_s_ago(w);
	assert_int_equal(w->v[w->n - 1].from, clock_now().ms - 1000);

	leave(w, "/login/1", CAUSE_DELETE);
	ended_tick(w->d);
	assert_int_equal(ended_at(w->d, "login/1").ms, clock_now().ms);
	w->d->watching_to = clock_now();
	registry_tick(w->r, clock_mono());
	write_5_s_ago(w);
	assert_int_equal(w->v[w->n - 1].from, clock_now().ms - 5000);
}

/* Killed between the replay and looking, it must not be replayed again. */
static void applied_is_kept_before_looking(void **state)
{
	struct world *w = *state;
	struct restored_directory saved = {
		"default", "/login", 1, { 3 }, { 9 }, 55 };

	registry_progress(w->d, (wall_t){ 0 }, 50, clock_mono());
	assert_int_equal(w->d->watching_id, 1);
	assert_int_equal(w->d->watching_from.ms, w->d->watching_to.ms);
	registry_restore_directory(w->r, &saved);
	registry_progress(w->d, clock_now(), 60, clock_mono());
	assert_int_equal(w->d->watching_id, 1);
	assert_int_equal(w->d->watching_to.ms, 9);
	assert_int_equal(w->d->applied_index, 60);
}

static void restored_holds_are_a_mass_vanish(void **state)
{
	struct world *w = *state;
	struct restored_instance s = saved("/login", "9", STATE_EXPIRED);

	s.held_until = wall_add(clock_now(), 5000);
	registry_restore_instance(w->r, &s);
	assert_false(w->c->mass_vanish);
	s.instance_id = "10";
	registry_restore_instance(w->r, &s);
	assert_true(w->c->mass_vanish);
}

static void restored_but_no_longer_configured(void **state)
{
	struct world *w = *state;
	struct restored_instance s = saved("/gone", "9", STATE_UP);

	registry_restore_instance(w->r, &s);
	registry_restore_ids(w->r, 8, 71, 2);
	registry_restored(w->r);
	event_flush(w->bus, clock_mono());
	last_is(w, STATE_DEREGISTERED, CAUSE_UNWATCHED);
	assert_int_equal(w->r->nslots, 0);
	assert_int_equal(w->c->ndirectories, 1);
}

static void check_counts(struct world *w)
{
	size_t up = 0, vanished = 0, held = 0, permanent = 0;

	for (size_t k = 0; k < w->r->nslots; k++) {
		const struct instance *i = w->r->slots[k];

		assert_int_equal(i->slot, k);
		up += i->period.state == STATE_UP;
		vanished += i->period.state != STATE_UP;
		held += i->held;
		permanent += i->period.state == STATE_UP && i->ttl_s == 0;
		assert_true(i->present == (i->period.state == STATE_UP));
	}
	assert_int_equal(login(w)->up, up);
	assert_int_equal(w->c->up, up);
	assert_int_equal(w->d->vanished, vanished);
	assert_int_equal(w->c->held, held);
	assert_int_equal(login(w)->permanent, permanent);
	assert_int_equal(table_count(w->d->by_key), up);
}

/* Random life: the counts always agree with a walk over all instances. */
static void counts_agree_with_a_walk(void **state)
{
	static const enum cause causes[] = { CAUSE_EXPIRE, CAUSE_DELETE,
		CAUSE_DIFF, CAUSE_ETCD_OUTAGE, CAUSE_DIR_DELETE };
	struct world *w = *state;
	const char *env = getenv("SEED");
	unsigned seed = env ? (unsigned)atol(env) : 20261123u;
	char key[32];

	printf("seed %u\n", seed);
	srand(seed);
	for (int k = 0; k < 4000; k++) {
		int n = rand() % 40;
		struct instance *i;

		snprintf(key, sizeof(key), "/login/%d", n);
		i = registry_find(w->d, key);
		clock_advance(rand() % 2000);
		if (i != NULL && rand() % 2) {
			struct moment m = now_at(w);
			mono_t hold = mono_add(m.now, rand() % 3000);

			registry_left(w->d, i, causes[rand() % 5], m.seen, &m,
			    hold);
		} else {
			put(w, key, rand() % 3 * 5,
			    i == NULL || rand() % 9 == 0);
		}
		if (rand() % 7 == 0)
			registry_tick(w->r, clock_mono());
		event_flush(w->bus, clock_mono());
		snapshot_publish(w->r, clock_mono());
		w->n = 0;
		check_counts(w);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_heartbeat_is_no_registration),
		TEST(expiry_and_return),
		TEST(four_expiries_in_ten_minutes_flap),
		TEST(four_expiries_in_more_do_not_flap),
		TEST(when_they_expired_counts),
		TEST(flapping_ends_one_by_one),
		TEST(what_flaps_may_go),
		TEST(set_over_an_expired_key),
		TEST(a_write_without_prev_means_a_missed_leave),
		TEST(deletion_ends_the_instance),
		TEST(two_keys_one_identity),
		TEST(the_first_rival_takes_over),
		TEST(other_names_follow_the_key),
		TEST(the_smaller_key_in_the_first_listing),
		TEST(what_is_no_instance),
		TEST(the_longest_key_has_its_labels),
		TEST(a_huge_key_is_a_short_line),
		TEST(a_directory_with_a_ttl_is_an_instance),
		TEST(late_after_two_missed_beats),
		TEST(a_short_ttl_is_never_late),
		TEST(the_shortest_ttl_that_is_late),
		TEST(permanent_and_back),
		TEST(held_until_it_is_over),
		TEST(holds_end_in_slices),
		TEST(who_goes_while_the_tick_walks),
		TEST(many_are_forgotten_in_slices),
		TEST(forgotten_in_time),
		TEST(the_oldest_are_forgotten_first),
		TEST(clamps_times),
		TEST(a_removed_directory_is_unwatched),
		TEST(nothing_is_known_before_the_first_listing),
		TEST(the_first_glob_of_the_map_counts),
		TEST(a_renamed_service_is_read_anew),
		TEST(rivals_are_read_anew),
		TEST(restored_as_it_was),
		TEST(nothing_begins_before_the_last_end),
		TEST(applied_is_kept_before_looking),
		TEST(restored_holds_are_a_mass_vanish),
		TEST(restored_but_no_longer_configured),
		TEST(counts_agree_with_a_walk),
	};

	log_set_level(LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
