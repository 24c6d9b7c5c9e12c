#ifndef TESTS_UNIT_COLLECTORS_FIXTURE_H
#define TESTS_UNIT_COLLECTORS_FIXTURE_H

/* A registry of one cluster, "default", with members at the given URLs and the
 * directory /login_servers, for tests of collectors/. */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/config.h"
#include "core/event.h"
#include "core/problems.h"
#include "core/registry.h"
#include "core/xalloc.h"

struct fixture {
	struct event_bus *bus;
	struct registry *registry;
	struct cluster *cluster;
	unsigned events[EVENT_TYPES];
	unsigned rounds[8];		/* EVENT_MEMBER_STATS by member */
};

static inline void fixture_event(void *arg, const struct event *e)
{
	struct fixture *f = arg;

	f->events[e->type]++;
	if (e->type == EVENT_MEMBER_STATS)
		f->rounds[e->member->number]++;
}

static inline void fixture_init(struct fixture *f, const char *const *urls,
    size_t n)
{
	struct string_list endpoints = { 0 }, directories = { 0 };
	struct event_sink sink = {
		.name = "test", .on_event = fixture_event, .arg = f,
	};
	struct problems p = { 0 };
	struct config *config;
	char *directory = xstrdup("/login_servers");

	*f = (struct fixture){ 0 };
	endpoints.v = xcalloc(n, sizeof(char *));
	for (; endpoints.n < n; endpoints.n++)
		endpoints.v[endpoints.n] = xstrdup(urls[endpoints.n]);
	directories.v = &directory;
	directories.n = 1;
	config = config_from_flags(&endpoints, &directories, &p);
	assert(config);
	f->bus = event_bus_new();
	event_bus_add(f->bus, &sink);
	f->registry = registry_new(f->bus);
	registry_configure(f->registry, config);
	f->cluster = f->registry->clusters[0];
	config_unref(config);
	problems_free(&p);
	while (n-- > 0)
		free(endpoints.v[n]);
	free(endpoints.v);
	free(directory);
}

static inline void fixture_flush(struct fixture *f)
{
	event_flush(f->bus, clock_mono());
}

static inline void fixture_fini(struct fixture *f)
{
	fixture_flush(f);
	registry_free(f->registry);
	event_bus_free(f->bus);
}

#endif
