/* The operations of etcd's v2 API, each as a description of what is asked.
 * How it goes over the wire is in etcd/wire.c; nothing here does anything. */
#include "etcd/request.h"

#include <string.h>

static struct etcd_request request(enum etcd_kind kind, const char *method,
    const char *path)
{
	return (struct etcd_request){ .kind = kind, .method = method,
	    .path = path };
}

static struct etcd_request write_key(const char *key, const char *value,
    enum etcd_exist exist)
{
	struct etcd_request r = request(ETCD_KIND_KEY, "PUT", key);

	r.value = value;
	r.prev_exist = exist;
	return r;
}

/* --- keys --- */

struct etcd_request etcd_get(const char *key)
{
	return request(ETCD_KIND_KEY, "GET", key);
}

struct etcd_request etcd_set(const char *key, const char *value)
{
	return write_key(key, value, ETCD_ANY);
}

struct etcd_request etcd_create(const char *key, const char *value)
{
	return write_key(key, value, ETCD_MUST_NOT_EXIST);
}

struct etcd_request etcd_update(const char *key, const char *value)
{
	return write_key(key, value, ETCD_MUST_EXIST);
}

/* Without prevExist it would be a `set`, which changes createdIndex and makes a
 * directory an error. */
struct etcd_request etcd_refresh(const char *key, int64_t ttl_s)
{
	struct etcd_request r = write_key(key, NULL, ETCD_MUST_EXIST);

	r.ttl_s = ttl_s;
	r.refresh = true;
	return r;
}

struct etcd_request etcd_create_in_order(const char *dir, const char *value)
{
	struct etcd_request r = request(ETCD_KIND_KEY, "POST", dir);

	r.value = value;
	return r;
}

struct etcd_request etcd_compare_and_swap(const char *key, const char *value,
    const char *prev_value, uint64_t prev_index)
{
	struct etcd_request r = write_key(key, value, ETCD_ANY);

	r.prev_value = prev_value;
	r.prev_index = prev_index;
	return r;
}

struct etcd_request etcd_compare_and_delete(const char *key,
    const char *prev_value, uint64_t prev_index)
{
	struct etcd_request r = etcd_delete(key);

	r.prev_value = prev_value;
	r.prev_index = prev_index;
	return r;
}

struct etcd_request etcd_delete(const char *key)
{
	return request(ETCD_KIND_KEY, "DELETE", key);
}

/* --- directories --- */

struct etcd_request etcd_list(const char *dir)
{
	return request(ETCD_KIND_LISTING, "GET", dir);
}

struct etcd_request etcd_mkdir(const char *dir)
{
	struct etcd_request r = request(ETCD_KIND_KEY, "PUT", dir);

	r.dir = true;
	return r;
}

struct etcd_request etcd_rmdir(const char *dir)
{
	struct etcd_request r = etcd_delete(dir);

	r.dir = true;
	return r;
}

struct etcd_request etcd_update_dir(const char *dir, int64_t ttl_s)
{
	struct etcd_request r = etcd_mkdir(dir);

	r.prev_exist = ETCD_MUST_EXIST;
	r.ttl_s = ttl_s;
	return r;
}

/* --- watching --- */

struct etcd_request etcd_watch(const char *key, uint64_t wait_index)
{
	struct etcd_request r = request(ETCD_KIND_EVENT, "GET", key);

	r.wait_index = wait_index;
	return r;
}

/* --- the members --- */

struct etcd_request etcd_health(void)
{
	return request(ETCD_KIND_HEALTH, "GET", NULL);
}

struct etcd_request etcd_version(void)
{
	return request(ETCD_KIND_VERSION, "GET", NULL);
}

struct etcd_request etcd_members(void)
{
	return request(ETCD_KIND_MEMBERS, "GET", NULL);
}

struct etcd_request etcd_leader(void)
{
	return request(ETCD_KIND_LEADER, "GET", NULL);
}

struct etcd_request etcd_stats_self(void)
{
	return request(ETCD_KIND_STATS_SELF, "GET", NULL);
}

struct etcd_request etcd_stats_leader(void)
{
	return request(ETCD_KIND_STATS_LEADER, "GET", NULL);
}

struct etcd_request etcd_stats_store(void)
{
	return request(ETCD_KIND_STATS_STORE, "GET", NULL);
}

struct etcd_request etcd_index(void)
{
	return request(ETCD_KIND_INDEX, "GET", NULL);
}

struct etcd_request etcd_member_add(const char *peer_url)
{
	struct etcd_request r = request(ETCD_KIND_MEMBER, "POST", NULL);

	r.value = peer_url;
	return r;
}

struct etcd_request etcd_member_update(const char *id, const char *peer_url)
{
	struct etcd_request r = request(ETCD_KIND_DONE, "PUT", id);

	r.value = peer_url;
	return r;
}

struct etcd_request etcd_member_remove(const char *id)
{
	return request(ETCD_KIND_DONE, "DELETE", id);
}

bool etcd_is_repeatable(const struct etcd_request *r)
{
	if (strcmp(r->method, "GET") == 0)
		return true;
	if (strcmp(r->method, "PUT") != 0)
		return false;
	if (r->prev_index || r->prev_exist == ETCD_MUST_NOT_EXIST)
		return false;
	if (r->dir && r->prev_exist == ETCD_ANY)
		return false;
	return !r->prev_value || r->refresh;
}
