/* Changes that somebody asked for over HTTP, applied to the registry on the
 * loop: maintenance begins and ends, a vanished instance is forgotten.  Names
 * are looked up first, since a typing error would else be a window about
 * nobody.  Before the answer leaves, what changed is told to all sinks and
 * published, so that whoever asks next finds it.  Called by the exporter. */
#include "cli/admin.h"

#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/event.h"
#include "core/maintenance.h"
#include "core/options.h"
#include "core/registry.h"
#include "core/snapshot.h"
#include "core/xalloc.h"

/* --- whom it is about --- */

static bool is_of(const struct service *s, const char *cluster)
{
	return cluster == NULL || strcmp(s->cluster->name, cluster) == 0;
}

static enum admin_rc no_service(const struct registry *r,
    const struct window *asked, struct err *e)
{
	const char **names = xcalloc(r->nservice_slots + 1, sizeof(*names));
	const char *near;
	size_t n = 0;

	for (size_t i = 0; i < r->nservice_slots; i++)
		if (is_of(r->service_slots[i], asked->cluster))
			names[n++] = r->service_slots[i]->name;
	near = options_nearest(asked->service, names, n);
	err_set(e, "no service \"%.150s\" is known%s%.100s%s%.100s%s",
	    asked->service, asked->cluster ? " in cluster " : "",
	    asked->cluster ? asked->cluster : "",
	    near ? " (did you mean \"" : "", near ? near : "",
	    near ? "\"?)" : "");
	free(names);
	return ADMIN_NOT_FOUND;
}

/* The one service that is meant. */
static enum admin_rc find_service(const struct registry *r,
    const struct window *asked, struct service **s_r, struct err *e)
{
	struct service *found = NULL;

	for (size_t i = 0; i < r->nservice_slots; i++) {
		struct service *s = r->service_slots[i];

		if (!is_of(s, asked->cluster) ||
		    strcmp(s->name, asked->service) != 0)
			continue;
		if (found != NULL) {
			err_set(e, "service \"%.150s\" is in the clusters"
			    " %.100s and %.100s: name one", asked->service,
			    found->cluster->name, s->cluster->name);
			return ADMIN_BAD;
		}
		found = s;
	}
	*s_r = found;
	return found != NULL ? ADMIN_OK : no_service(r, asked, e);
}

static enum admin_rc find_instance(const struct service *s,
    const char *instance_id, struct instance **i_r, struct err *e)
{
	*i_r = registry_instance(s->cluster, s->name, instance_id);
	if (*i_r != NULL)
		return ADMIN_OK;
	err_set(e, "service \"%.150s\" has no instance \"%.200s\" that is"
	    " registered or vanished", s->name, instance_id);
	return ADMIN_NOT_FOUND;
}

/* --- the changes --- */

static void tell(const struct admin *a)
{
	mono_t now = clock_mono();

	event_flush(a->bus, now);
	snapshot_publish_now(a->registry, now);
}

static enum admin_rc start(void *admin, const struct window *asked,
    struct window *w_r, struct err *e)
{
	struct admin *a = admin;
	struct window spec = *asked;
	const struct window *w;
	struct instance *i;
	struct service *s;
	enum admin_rc rc = find_service(a->registry, asked, &s, e);

	if (rc == ADMIN_OK && asked->instance != NULL)
		rc = find_instance(s, asked->instance, &i, e);
	if (rc != ADMIN_OK)
		return rc;
	spec.cluster = s->cluster->name;
	spec.to = wall_add(clock_now(), asked->to.ms);
	w = maintenance_start(a->registry->maintenance, &spec, e);
	if (w == NULL)
		return ADMIN_CONFLICT;
	window_copy(w_r, w);
	tell(a);
	return ADMIN_OK;
}

static enum admin_rc end(void *admin, int64_t id, struct window *w_r,
    struct err *e)
{
	struct admin *a = admin;
	const struct window *w = maintenance_end(a->registry->maintenance,
	    id);

	if (w == NULL) {
		err_set(e, "there is no maintenance window %lld",
		    (long long)id);
		return ADMIN_NOT_FOUND;
	}
	window_copy(w_r, w);
	tell(a);
	return ADMIN_OK;
}

static enum admin_rc forget(void *admin, const struct window *asked,
    struct window *w_r, struct err *e)
{
	struct admin *a = admin;
	struct window names = { 0 };
	struct instance *i;
	struct service *s;
	enum admin_rc rc = find_service(a->registry, asked, &s, e);

	if (rc == ADMIN_OK)
		rc = find_instance(s, asked->instance, &i, e);
	if (rc != ADMIN_OK)
		return rc;
	/* Only to be copied. */
	names = (struct window){ .cluster = s->cluster->name,
	    .service = s->name,
	    .instance = (char *)(uintptr_t)names_instance_id(i->names) };
	window_copy(w_r, &names);
	if (!registry_forget(a->registry, names.cluster, names.service,
	    names.instance)) {
		err_set(e, "%.150s/%.200s is registered: only who vanished can"
		    " be forgotten", names.service, names.instance);
		return ADMIN_CONFLICT;
	}
	tell(a);
	return ADMIN_OK;
}

void admin_init(struct admin *a)
{
	a->table = (struct exporter_admin){
		.start = start, .end = end, .forget = forget, .arg = a,
	};
}
