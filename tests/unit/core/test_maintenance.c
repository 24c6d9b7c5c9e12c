/* Maintenance windows: when they begin and end, whom they cover, and that each
 * change is told once. */
#include "core/maintenance.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "core/config.h"
#include "core/problems.h"

enum { START = 1000000000, HOUR = 3600 * 1000, MAX_TOLD = 4096 };

struct world {
	struct event_bus *bus;
	struct registry *r;
	struct maintenance *m;
	struct directory *d;
	struct { int64_t id, ended; } told[MAX_TOLD];
	size_t n;
	uint64_t index;
};

static void on_told(void *arg, const struct event *e)
{
	struct world *w = arg;

	if (e->type != EVENT_MAINTENANCE)
		return;
	assert_true(w->n < MAX_TOLD);
	w->told[w->n].id = e->window->id;
	w->told[w->n++].ended = e->window->ended.ms;
}

static int set_up(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));
	char endpoint[] = "http://127.0.0.1:2379", directory[] = "/login";
	char *ep = endpoint, *dp = directory;
	struct string_list endpoints = { &ep, 1 }, directories = { &dp, 1 };
	struct problems p = { 0 };
	struct config *c = config_from_flags(&endpoints, &directories, &p);
	struct event_sink sink = { "test", on_told, NULL, w }, own;

	clock_set((mono_t){ 5000 }, (wall_t){ START });
	w->bus = event_bus_new();
	w->r = registry_new(w->bus);
	w->m = w->r->maintenance;
	own = maintenance_sink(w->m);
	event_bus_add(w->bus, &own);
	event_bus_add(w->bus, &sink);
	registry_configure(w->r, c);
	config_unref(c);
	w->d = w->r->clusters[0]->directories[0];
	*state = w;
	return 0;
}

static int tear_down(void **state)
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

static void put(struct world *w, const char *key)
{
	struct moment m = now_at(w);
	struct key_facts k = { .key = key, .value = "h:1", .has_ttl = true,
		.ttl_s = 10, .expires = wall_add(clock_now(), 10000),
		.renewed = true, .created_index = m.index,
		.modified_index = m.index };

	registry_written(w->d, &k, &m);
	event_flush(w->bus, m.now);
}

static void leave(struct world *w, const char *key, enum cause cause)
{
	struct moment m = now_at(w);

	registry_left(w->d, registry_find(w->d, key), cause, m.seen, &m,
	    (mono_t){ 0 });
	event_flush(w->bus, m.now);
}

static const struct window *start(struct world *w, char *instance,
    int64_t for_ms, bool end_when_back)
{
	char service[] = "login";
	struct window spec = { .service = service, .instance = instance,
		.to = wall_add(clock_now(), for_ms),
		.end_when_back = end_when_back };
	const struct window *one = maintenance_start(w->m, &spec, NULL);

	event_flush(w->bus, clock_mono());
	return one;
}

static bool covers(struct world *w, const char *service, const char *instance)
{
	return maintenance_covers(w->m, "default", service, instance);
}

static void whom_it_covers(void **state)
{
	struct world *w = *state;
	char one[] = "1";

	assert_false(covers(w, "login", "1"));
	start(w, one, HOUR, false);
	assert_true(covers(w, "login", "1"));
	assert_false(covers(w, "login", "2"));
	assert_false(covers(w, "login", NULL));
	assert_false(covers(w, "chat", "1"));
	start(w, NULL, HOUR, false);
	assert_true(covers(w, "login", "2"));
	assert_true(covers(w, "login", NULL));
	assert_false(covers(w, "chat", NULL));
}

static void a_cluster_of_its_own(void **state)
{
	struct world *w = *state;
	char cluster[] = "other", service[] = "login";
	struct window spec = { .cluster = cluster, .service = service,
		.to = wall_add(clock_now(), HOUR) };

	maintenance_start(w->m, &spec, NULL);
	assert_false(covers(w, "login", "1"));
	assert_true(maintenance_covers(w->m, "other", "login", "1"));
}

/* Half-open, and the end is the one that was planned, however late it is
 * noticed. */
static void it_ends_in_time(void **state)
{
	struct world *w = *state;

	start(w, NULL, HOUR, false);
	assert_int_equal(w->n, 1);
	assert_int_equal(w->told[0].ended, 0);
	clock_advance(HOUR - 1);
	assert_int_equal(maintenance_tick(w->m, clock_now()).ms, START + HOUR);
	assert_true(covers(w, "login", "1"));
	clock_advance(1);
	assert_false(covers(w, "login", "1"));
	clock_advance(700);
	assert_int_equal(maintenance_tick(w->m, clock_now()).ms, 0);
	event_flush(w->bus, clock_mono());
	assert_int_equal(w->n, 2);
	assert_int_equal(w->told[1].ended, START + HOUR);
}

static void the_roll_ticks_it(void **state)
{
	struct world *w = *state;
	mono_t now;

	start(w, NULL, 300, false);
	now = clock_mono();
	assert_int_equal(registry_tick(w->r, now).ms, now.ms + 300);
	clock_advance(300);
	registry_tick(w->r, clock_mono());
	event_flush(w->bus, clock_mono());
	assert_int_equal(w->n, 2);
}

static void it_is_ended(void **state)
{
	struct world *w = *state;
	int64_t id = start(w, NULL, HOUR, false)->id;
	const struct window *one;

	clock_advance(500);
	assert_null(maintenance_end(w->m, id + 1));
	one = maintenance_end(w->m, id);
	assert_int_equal(one->ended.ms, START + 500);
	assert_false(covers(w, "login", "1"));
	clock_advance(500);
	assert_int_equal(maintenance_end(w->m, id)->ended.ms, START + 500);
	event_flush(w->bus, clock_mono());
	assert_int_equal(w->n, 2);
}

static void it_ends_when_all_are_back(void **state)
{
	struct world *w = *state;

	put(w, "/login/1");
	put(w, "/login/2");
	start(w, NULL, HOUR, true);
	leave(w, "/login/1", CAUSE_EXPIRE);
	leave(w, "/login/2", CAUSE_DELETE);
	put(w, "/login/3");		/* was not away */
	put(w, "/login/1");
	assert_int_equal(w->n, 1);
	clock_advance(700);
	put(w, "/login/2");
	assert_int_equal(w->n, 2);
	assert_int_equal(w->told[1].ended, START + 700);
}

static void who_was_away_before_may_come_back(void **state)
{
	struct world *w = *state;

	put(w, "/login/1");
	leave(w, "/login/1", CAUSE_EXPIRE);
	start(w, NULL, HOUR, true);
	put(w, "/login/2");
	assert_int_equal(w->n, 1);
	put(w, "/login/1");
	assert_int_equal(w->n, 2);
}

static void nobody_waits_for_the_forgotten(void **state)
{
	struct world *w = *state;

	put(w, "/login/1");
	put(w, "/login/2");
	start(w, NULL, HOUR, true);
	leave(w, "/login/1", CAUSE_EXPIRE);
	leave(w, "/login/2", CAUSE_EXPIRE);
	put(w, "/login/2");
	assert_int_equal(w->n, 1);
	assert_true(registry_forget(w->r, "default", "login", "1"));
	event_flush(w->bus, clock_mono());
	assert_int_equal(w->n, 2);
}

static void others_do_not_end_it(void **state)
{
	struct world *w = *state;
	char one[] = "1";

	put(w, "/login/1");
	put(w, "/login/2");
	start(w, one, HOUR, true);
	leave(w, "/login/1", CAUSE_EXPIRE);
	leave(w, "/login/2", CAUSE_EXPIRE);
	put(w, "/login/2");
	assert_int_equal(w->n, 1);
}

static void as_it_was_saved(void **state)
{
	struct world *w = *state;
	struct window saved = { .id = 7, .from = { START - HOUR },
		.to = { START + HOUR }, .end_when_back = true };

	saved.service = xstrdup("login");
	maintenance_restore(w->m, &saved);
	maintenance_restore_away(w->m, 7, "default", "login", "1");
	free(saved.service);
	assert_true(covers(w, "login", NULL));
	put(w, "/login/1");		/* new to the roll: it deregistered */
	assert_int_equal(w->n, 1);
	assert_int_equal(w->told[0].id, 7);
	assert_int_equal(start(w, NULL, HOUR, false)->id, 8);
}

static void the_last_ones_are_listed(void **state)
{
	struct world *w = *state;
	struct window_list *l;

	for (int i = 0; i < MAINTENANCE_KEPT + 5; i++)
		maintenance_end(w->m, start(w, NULL, HOUR, false)->id);
	start(w, NULL, HOUR, false);
	l = maintenance_list(w->m);
	assert_int_equal(l->n, MAINTENANCE_KEPT + 1);
	assert_int_equal(l->v[0].id, MAINTENANCE_KEPT + 6);
	assert_int_equal(l->v[0].ended.ms, 0);
	assert_int_equal(l->v[l->n - 1].id, 6);
	assert_string_equal(l->v[1].service, "login");
	window_list_unref(l);
}

static void there_is_an_end_to_their_number(void **state)
{
	struct world *w = *state;
	struct window spec = { .to = wall_add(clock_now(), HOUR) };
	struct err e;

	for (int i = 0; i < MAINTENANCE_MAX; i++)
		assert_non_null(maintenance_start(w->m, &spec, &e));
	assert_null(maintenance_start(w->m, &spec, &e));
	assert_non_null(strstr(e.text, "end some of them"));
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(whom_it_covers), T(a_cluster_of_its_own), T(it_ends_in_time),
		T(the_roll_ticks_it), T(it_is_ended),
		T(it_ends_when_all_are_back),
		T(who_was_away_before_may_come_back),
		T(nobody_waits_for_the_forgotten), T(others_do_not_end_it),
		T(as_it_was_saved), T(the_last_ones_are_listed),
		T(there_is_an_end_to_their_number),
	};

	return cmocka_run_group_tests_name("maintenance", tests, NULL, NULL);
}
