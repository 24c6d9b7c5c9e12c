/* Snapshots made by hand or from a seed, for the tests of exporter/. */
#ifndef TESTS_UNIT_EXPORTER_SNAPSHOT_FIXTURE_H
#define TESTS_UNIT_EXPORTER_SNAPSHOT_FIXTURE_H

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/labels.h"
#include "core/snapshot.h"
#include "core/xalloc.h"

/* A text that is never freed before the whole fixture. */
static struct rstr *text(const char *s)
{
	struct rstr *r = xmalloc(sizeof(*r) + strlen(s) + 1);

	r->refs = 1;
	strcpy(r->s, s);
	return r;
}

enum { FIXTURE_GROUPS = 2 };

struct fixture {
	struct snapshot snapshot;
	struct snap_sample samples[512];
};

/* No two fixtures are taken for the same moment. */
static uint64_t fixture_number;

static inline void fixture_stamp(uint64_t changed[SNAP_PARTS])
{
	for (int part = 0; part < SNAP_PARTS; part++)
		changed[part] = fixture_number;
}

static inline struct snap_set *fixture_set(void)
{
	struct snap_set *s = xcalloc(1, sizeof(*s) +
	    FIXTURE_GROUPS * sizeof(s->groups[0]));

	s->refs = 1;
	for (size_t g = 0; g < FIXTURE_GROUPS; g++)
		s->groups[g] = xcalloc(1, sizeof(*s->groups[g]));
	fixture_stamp(s->changed);
	return s;
}

/* The last block of the set, with room for one more entry. */
static inline struct snap_block *fixture_block(struct snap_set *s)
{
	struct snap_block *b = s->n > 0 ? snap_block(s, s->n - 1) : NULL;

	if (b != NULL && b->n < SNAP_BLOCK)
		return b;
	assert(s->n < FIXTURE_GROUPS * SNAP_GROUP);
	b = xcalloc(1, sizeof(*b));
	b->refs = 1;
	fixture_stamp(b->changed);
	s->groups[s->n / SNAP_GROUP]->blocks[s->n % SNAP_GROUP] = b;
	s->n++;
	return b;
}

static inline void fixture_init(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	f->snapshot.refs = 1;
	f->snapshot.number = ++fixture_number;
	f->snapshot.taken = (wall_t){ 1700000100000 };
	f->snapshot.instances = fixture_set();
	f->snapshot.services = fixture_set();
	f->snapshot.samples = f->samples;
}

/* Of an instance without a key: fixture_key(). */
static inline struct snap_instance *fixture_instance(struct fixture *f,
    const char *service, const char *id, enum state state)
{
	struct snap_block *b = fixture_block(f->snapshot.instances);
	struct snap_instance *i = &b->instances[b->n++];

	i->service = text(service);
	i->names = names_new(id, "", "", NULL, "");
	i->state = state;
	i->changed_ms = 1700000000250;
	return i;
}

/* address: NULL, none. */
static inline void fixture_key(struct snap_instance *i, const char *key,
    const char *address, const char *extra)
{
	struct names *before = i->names;

	i->names = names_new(names_instance_id(before), key, "{}", address,
	    extra);
	names_unref(before);
}

static inline struct snap_service *fixture_service(struct fixture *f,
    const char *labels, size_t up, size_t min)
{
	struct snap_block *b = fixture_block(f->snapshot.services);
	struct snap_service *v = &b->services[b->n++];

	v->labels = text(labels);
	v->up = up;
	v->min_instances = min;
	v->known = true;
	return v;
}

/* In the order of the table. */
static inline void fixture_sample(struct fixture *f, enum metric_id id,
    const char *labels, double value)
{
	f->samples[f->snapshot.nsamples++] = (struct snap_sample){
		id, labels != NULL ? text(labels) : NULL, value
	};
}

static inline void fixture_free_set(struct snap_set *s)
{
	for (size_t g = 0; g < FIXTURE_GROUPS; g++)
		free(s->groups[g]);
	free(s);
}

static inline void fixture_free(struct fixture *f)
{
	struct snap_set *instances = f->snapshot.instances;
	struct snap_set *services = f->snapshot.services;

	for (size_t k = 0; k < instances->n; k++) {
		struct snap_block *b = snap_block(instances, k);

		for (size_t i = 0; i < b->n; i++) {
			free(b->instances[i].service);
			names_unref(b->instances[i].names);
		}
		free(b);
	}
	for (size_t k = 0; k < services->n; k++) {
		struct snap_block *b = snap_block(services, k);

		for (size_t i = 0; i < b->n; i++) {
			free(b->services[i].labels);
			free(b->services[i].info);
		}
		free(b);
	}
	fixture_free_set(instances);
	fixture_free_set(services);
	for (size_t i = 0; i < f->snapshot.nsamples; i++)
		free(f->samples[i].labels);
}

#define IM "etcd_cluster=\"im\""
#define LOGIN IM ",service_name=\"login_server\""

/* A small registry with one of everything. */
static inline void fixture_registry(struct fixture *f)
{
	struct snap_instance *i;
	struct snap_service *s;

	fixture_init(f);
	i = fixture_instance(f, LOGIN, "0001-0001", STATE_UP);
	fixture_key(i, "/login_servers/0001-0001", "10.0.0.1:8000",
	    "zone=\"cn-1\"");
	i->ttl_s = 30;
	i->expires_ms = 1700000130500;
	i = fixture_instance(f, LOGIN, "0001-0002", STATE_EXPIRED);
	fixture_key(i, "/login_servers/0001-0002", NULL, "");
	i->expirations = 3;
	i->held = i->flapping = true;
	i = fixture_instance(f, LOGIN, "0001-0003", STATE_LOST);
	i = fixture_instance(f, LOGIN, "0001-0004", STATE_DEREGISTERED);
	i->held = true;
	/* A slot that nobody has. */
	i = fixture_instance(f, "", "", STATE_UP);
	free(i->service);
	names_unref(i->names);
	memset(i, 0, sizeof(*i));
	/* What anybody may write to etcd. */
	i = fixture_instance(f, LOGIN, "a\"b\\c\nd<i>&\xe5\x91\xbc",
	    STATE_UP);
	fixture_key(i, "/x", "<script>alert(1)</script>", "zone=\"cn-2\"");

	s = fixture_service(f, LOGIN, 2, 3);
	s->info = text("owner_team=\"im\"");
	s->late = 1;
	s->permanent = 1;
	s->registrations = 7;
	s->expirations = 3;
	s->losses = 1;
	s = fixture_service(f, IM ",service_name=\"msg_server\"", 1, 0);
	s->info = text("");
	fixture_service(f, IM ",service_name=\"file_server\"", 0, 1);
	fixture_service(f, IM ",service_name=\"push_server\"", 0, 0);

	fixture_sample(f, M_mass_vanish, IM, 0);
	fixture_sample(f, M_looking, IM, 1);
	fixture_sample(f, M_directory_last_sync,
	    IM ",directory=\"/login_servers\"", 1700000099.125);
	fixture_sample(f, M_bad_keys, IM ",directory=\"/login_servers\"", 2);
	fixture_sample(f, M_etcd_store_operation_successes,
	    IM ",member=\"a:2379\",operation=\"get\"", 12345678901234.0);
	fixture_sample(f, M_etcd_store_operation_successes,
	    IM ",member=\"a:2379\",operation=\"set\"", 9);
	fixture_sample(f, M_etcd_follower_latency,
	    IM ",member=\"a:2379\",follower=\"b:2379\"", 0.00123);
	fixture_sample(f, M_alerts, "alertname=\"EtcdRegistryInstanceVanished"
	    "\",alertstate=\"firing\",instance_id=\"<0001>\","
	    "severity=\"warning\"", 1);
	fixture_sample(f, M_alerts, "alertname=\"RollcallWatchdog\","
	    "alertstate=\"firing\",severity=\"none\"", 1);
	fixture_sample(f, M_db_up, NULL, 1);
	fixture_sample(f, M_db_size, NULL, 4096);
	fixture_sample(f, M_build_info,
	    "version=\"0.1.0\",revision=\"abc\",compiler=\"cc\"", 1);
}

#endif
