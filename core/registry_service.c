/* Services: made when first seen or configured, with the minimum that the
 * configuration gives them, and dropped when they have been empty for long
 * enough.  A service knows the directories that feed it, since it is judged
 * only while all of them are looked at. */
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/config.h"
#include "core/event.h"
#include "core/pattern.h"
#include "core/registry_impl.h"
#include "core/snapshot.h"
#include "core/table.h"
#include "core/xalloc.h"

static char *table_key(const struct cluster *c, const char *name)
{
	return xasprintf("%s/%s", c->name, name);
}

struct service *service_find(struct registry *r, const struct cluster *c,
    const char *name)
{
	char *key = table_key(c, name);
	struct service *s = table_get(r->services, key);

	free(key);
	return s;
}

static void emit(struct service *s, enum event_type type)
{
	struct event e = { .type = type, .service = s };

	event_emit(s->cluster->registry->bus, &e);
}

static void configure(struct service *s)
{
	const struct service_config *c =
	    config_service(s->cluster->config, s->name);

	s->min_instances = c != NULL ? (size_t)c->min_instances : 1;
	s->labels = c != NULL && c->labels.n > 0 ? &c->labels : NULL;
}

static struct rstr *render_labels(const struct service *s)
{
	struct buf b;

	buf_init(&b, 64 * 1024);
	labels_render_pair(&b, "etcd_cluster", s->cluster->name);
	buf_addc(&b, ',');
	labels_render_pair(&b, "service_name", s->name);

	struct rstr *text = rstr_new(buf_str(&b));

	buf_free(&b);
	return text;
}

struct service *registry_service(struct registry *r, struct cluster *c,
    const char *name)
{
	struct service *s = service_find(r, c, name);

	if (s != NULL)
		return s;
	s = xcalloc(1, sizeof(*s));
	s->cluster = c;
	s->name = xstrdup(name);
	s->table_key = table_key(c, name);
	s->label_text = render_labels(s);
	configure(s);
	table_put(r->services, s->table_key, s);
	r->service_slots = xreallocarray(r->service_slots,
	    r->nservice_slots + 1, sizeof(*r->service_slots));
	s->slot = r->nservice_slots;
	r->service_slots[r->nservice_slots++] = s;
	snapshot_touch_service(r, s);
	emit(s, EVENT_SERVICE);
	return s;
}

void service_free(void *service)
{
	struct service *s = service;

	rstr_unref(s->label_text);
	free(s->feeds);
	free(s->name);
	free(s->table_key);
	free(s);
}

void service_drop(struct registry *r, struct service *s)
{
	struct service *last = r->service_slots[--r->nservice_slots];

	emit(s, EVENT_SERVICE_DROPPED);
	table_del(r->services, s->table_key);
	snapshot_touch_service(r, last);
	snapshot_touch_service(r, s);
	r->service_slots[s->slot] = last;
	last->slot = s->slot;
	event_after_flush(r->bus, service_free, s);
}

/* --- the directories it comes from --- */

void service_refresh(struct service *s)
{
	size_t blind = 0;
	bool synced = s->nfeeds > 0;

	for (size_t i = 0; i < s->nfeeds; i++) {
		blind += !s->feeds[i].directory->looking;
		synced = synced && s->feeds[i].directory->synced;
	}
	if (blind == s->not_looking && synced == s->synced)
		return;
	s->not_looking = blind;
	if (synced != s->synced)
		snapshot_touch_service(s->cluster->registry, s);
	s->synced = synced;
	emit(s, EVENT_SERVICE);
}

/* Adds to the number of instances that the directory gives to the service;
 * 0 makes the link for a configured service.  A link without instances stays
 * as long as the service: where it came from is where it is missed. */
void service_feed(struct service *s, struct directory *d, int instances)
{
	for (size_t i = 0; i < s->nfeeds; i++) {
		if (s->feeds[i].directory == d) {
			s->feeds[i].instances += (size_t)instances;
			return;
		}
	}
	s->feeds = xreallocarray(s->feeds, s->nfeeds + 1, sizeof(*s->feeds));
	s->feeds[s->nfeeds++] = (struct feed){ d, (size_t)instances };
	service_refresh(s);
}

/* Takes the link out, if no instance needs it. */
void service_unfeed(struct service *s, const struct directory *d)
{
	for (size_t i = 0; i < s->nfeeds; i++) {
		if (s->feeds[i].directory != d || s->feeds[i].instances > 0)
			continue;
		s->feeds[i] = s->feeds[--s->nfeeds];
		service_refresh(s);
		return;
	}
}

/* --- configuration --- */

static bool is_glob(const char *s)
{
	return strpbrk(s, "*?[\\") != NULL;
}

static void configured_name(struct registry *r, struct directory *d,
    const char *name)
{
	struct service *s = registry_service(r, d->cluster, name);

	s->configured = true;
	service_feed(s, d, 0);
}

/* The names a directory's configuration spells out.  Where a pattern or a map
 * gives the names, the directory's own name is nobody's. */
static void configured_from(struct registry *r, struct directory *d)
{
	const struct directory_config *c = d->config;

	for (size_t i = 0; i < c->service_map.n; i++)
		configured_name(r, d, c->service_map.v[i].value);
	if (c->service_name == NULL && (c->service_map.n > 0 ||
	    pattern_has_service(c->pattern)))
		return;
	configured_name(r, d, config_directory_service(c));
}

/* A service named without a glob exists from the start, fed by every
 * directory that could have it. */
static void configured_by_match(struct registry *r, struct cluster *c,
    const struct service_config *sc)
{
	struct service *s;

	if (is_glob(sc->match))
		return;
	s = registry_service(r, c, sc->match);
	s->configured = true;
	if (s->nfeeds > 0)
		return;
	for (size_t i = 0; i < c->ndirectories; i++)
		service_feed(s, c->directories[i], 0);
}

/* Nobody expects it any more: it is missed nowhere, and forgotten. */
static void no_longer_configured(struct service *s)
{
	for (size_t i = s->nfeeds; i-- > 0;)
		service_unfeed(s, s->feeds[i].directory);
	if (s->known == 0)
		s->empty_since = clock_now();
	emit(s, EVENT_SERVICE);
}

static void reconfigure(struct registry *r, struct service *s)
{
	size_t was = s->min_instances;

	s->was_configured = s->configured;
	s->configured = false;
	configure(s);
	snapshot_touch_service(r, s);
	if (s->min_instances != was)
		emit(s, EVENT_SERVICE);
}

void service_configure_all(struct registry *r)
{
	for (size_t i = 0; i < r->nservice_slots; i++)
		reconfigure(r, r->service_slots[i]);
	for (size_t i = 0; i < r->nclusters; i++) {
		struct cluster *c = r->clusters[i];
		struct service_config *sc = c->config->services.v;

		for (size_t k = 0; k < c->ndirectories; k++)
			configured_from(r, c->directories[k]);
		for (size_t k = 0; k < c->config->services.n; k++)
			configured_by_match(r, c, &sc[k]);
	}
	for (size_t i = 0; i < r->nservice_slots; i++) {
		struct service *s = r->service_slots[i];

		if (s->was_configured && !s->configured)
			no_longer_configured(s);
	}
}

/* --- forgetting --- */

static int64_t forget_after(const struct service *s)
{
	int64_t longest = 0;

	for (size_t i = 0; i < s->nfeeds; i++) {
		int64_t ms = s->feeds[i].directory->config->forget_after_ms;

		longest = ms > longest ? ms : longest;
	}
	return longest;
}

static bool is_empty(const struct service *s)
{
	return !s->configured && s->known == 0 && s->empty_since.ms != 0;
}

/* Where it counts. */
static struct directory *home(const struct service *s)
{
	return s->nfeeds > 0 ? s->feeds[0].directory : NULL;
}

static bool crowded(const struct directory *d)
{
	return d != NULL &&
	    d->empty_services > (size_t)d->config->max_vanished;
}

static int by_emptiness(const void *va, const void *vb)
{
	const struct service *a = *(struct service *const *)va;
	const struct service *b = *(struct service *const *)vb;

	return a->empty_since.ms < b->empty_since.ms ? -1 :
	    a->empty_since.ms > b->empty_since.ms;
}

/* As many empty services are kept as vanished instances: who gives each
 * deployment a name of its own would else fill the roll with names.  false
 * when the turn has had enough. */
static bool drop_crowding(struct registry *r, size_t dropped)
{
	size_t n = 0, i;
	struct service **v = xmalloc((r->nservice_slots + 1) * sizeof(*v));

	for (i = 0; i < r->nservice_slots; i++)
		if (is_empty(r->service_slots[i]))
			v[n++] = r->service_slots[i];
	qsort(v, n, sizeof(*v), by_emptiness);
	for (i = 0; i < n && event_room(r->bus, dropped); i++) {
		struct directory *d = home(v[i]);

		if (!crowded(d))
			continue;
		d->empty_services--;
		service_drop(r, v[i]);
		dropped++;
	}
	free(v);
	return i == n;
}

static void count_none(struct registry *r)
{
	for (size_t i = 0; i < r->nclusters; i++)
		for (size_t k = 0; k < r->clusters[i]->ndirectories; k++)
			r->clusters[i]->directories[k]->empty_services = 0;
}

static bool is_due(const struct service *s, wall_t now)
{
	return s->not_looking == 0 &&
	    s->empty_since.ms + forget_after(s) <= now.ms;
}

bool service_tick(struct registry *r, wall_t now)
{
	bool too_many = false;
	size_t dropped = 0;

	count_none(r);
	for (size_t i = r->nservice_slots; i-- > 0;) {
		struct service *s = r->service_slots[i];

		if (!is_empty(s))
			continue;
		if (is_due(s, now)) {
			if (!event_room(r->bus, dropped++))
				return false;
			service_drop(r, s);
		} else if (home(s) != NULL) {
			home(s)->empty_services++;
			too_many = too_many || crowded(home(s));
		}
	}
	return !too_many || drop_crowding(r, dropped);
}
