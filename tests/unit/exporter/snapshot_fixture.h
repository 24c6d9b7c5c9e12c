/* Snapshots made by hand or from a seed, for the tests of exporter/. */
#ifndef TESTS_UNIT_EXPORTER_SNAPSHOT_FIXTURE_H
#define TESTS_UNIT_EXPORTER_SNAPSHOT_FIXTURE_H

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

struct fixture {
	struct snapshot snapshot;
	struct snap_block *blocks[64];
	struct snap_service_block *service_blocks[8];
	struct snap_sample samples[512];
};

static inline void fixture_init(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	f->snapshot.refs = 1;
	f->snapshot.number = 1;
	f->snapshot.taken = (wall_t){ 1700000100000 };
	f->snapshot.blocks = f->blocks;
	f->snapshot.service_blocks = f->service_blocks;
	f->snapshot.samples = f->samples;
}

static inline struct snap_instance *fixture_instance(struct fixture *f,
    const char *labels, enum state state)
{
	struct snapshot *s = &f->snapshot;
	struct snap_instance *i;

	if (s->nblocks == 0 || s->blocks[s->nblocks - 1]->n == SNAP_BLOCK)
		s->blocks[s->nblocks++] =
		    xcalloc(1, sizeof(struct snap_block));
	i = &s->blocks[s->nblocks - 1]->v[s->blocks[s->nblocks - 1]->n++];
	i->labels = text(labels);
	i->state = state;
	i->changed_ms = 1700000000250;
	return i;
}

static inline struct snap_service *fixture_service(struct fixture *f,
    const char *labels, size_t up, size_t min)
{
	struct snapshot *s = &f->snapshot;
	struct snap_service *v;

	if (s->nservice_blocks == 0)
		s->service_blocks[s->nservice_blocks++] =
		    xcalloc(1, sizeof(struct snap_service_block));
	v = &s->service_blocks[0]->v[s->service_blocks[0]->n++];
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

static inline void fixture_free(struct fixture *f)
{
	for (size_t b = 0; b < f->snapshot.nblocks; b++) {
		for (size_t i = 0; i < f->blocks[b]->n; i++) {
			free(f->blocks[b]->v[i].labels);
			free(f->blocks[b]->v[i].info);
		}
		free(f->blocks[b]);
	}
	for (size_t b = 0; b < f->snapshot.nservice_blocks; b++) {
		for (size_t i = 0; i < f->service_blocks[b]->n; i++) {
			free(f->service_blocks[b]->v[i].labels);
			free(f->service_blocks[b]->v[i].info);
		}
		free(f->service_blocks[b]);
	}
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
	i = fixture_instance(f, LOGIN ",instance_id=\"0001-0001\"", STATE_UP);
	i->info = text("key=\"/login_servers/0001-0001\","
	    "address=\"10.0.0.1:8000\"");
	i->detail = true;
	i->ttl_s = 30;
	i->expires_ms = 1700000130500;
	i = fixture_instance(f, LOGIN ",instance_id=\"0001-0002\"",
	    STATE_EXPIRED);
	i->info = text("key=\"/login_servers/0001-0002\"");
	i->expirations = 3;
	i->held = i->flapping = true;
	i = fixture_instance(f, LOGIN ",instance_id=\"0001-0003\"",
	    STATE_LOST);
	i = fixture_instance(f, LOGIN ",instance_id=\"0001-0004\"",
	    STATE_DEREGISTERED);
	i->held = true;
	/* A slot that nobody has. */
	i = fixture_instance(f, "", STATE_UP);
	free(i->labels);
	memset(i, 0, sizeof(*i));
	/* What anybody may write to etcd. */
	i = fixture_instance(f, LOGIN ",instance_id="
	    "\"a\\\"b\\\\c\\nd<i>&\xe5\x91\xbc\"", STATE_UP);
	i->info = text("key=\"/x\",address=\"<script>alert(1)</script>\"");

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
