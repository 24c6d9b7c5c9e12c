/* etcd's v2 API as fake-etcd answers it (docs/ETCD.md): listings and keys of
 * one directory, long polls with etcd's rules of history, and the endpoints
 * that say how a member is.  Nothing can be written; what happens comes in by
 * way of fake_control.c. */
#include "bench/fake_api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/xalloc.h"

enum { SLICE = 512, MAX_BODY = 1 << 20, HEADERS = 512 };

/* A stride prime to any number of keys there can be: a listing of etcd's is
 * in no order. */
static const uint64_t STRIDE = 15485863;

struct listing {
	struct key *keys;
	uint64_t first, count, at;
};

#define CORS "Access-Control-Allow-Headers: accept, content-type, " \
	"authorization\r\n" \
	"Access-Control-Allow-Methods: POST, GET, OPTIONS, PUT, DELETE\r\n" \
	"Access-Control-Allow-Origin: *\r\n"
#define JSON "Content-Type: application/json\r\n"
#define CLUSTER "X-Etcd-Cluster-Id: 646728f5b9ead8fe\r\n"
#define MEMBER "{\"id\":\"429644727fb238d\",\"name\":\"fake\",\"peerURLs\":" \
	"[\"http://127.0.0.1:%d\"],\"clientURLs\":[\"http://127.0.0.1:%d\"]}"

static const char *keys_headers(const struct fake *f, bool raft, char *text)
{
	int n = snprintf(text, HEADERS, CORS JSON CLUSTER
	    "X-Etcd-Index: %llu\r\n", (unsigned long long)f->store.index);

	if (raft)
		snprintf(text + n, (size_t)(HEADERS - n),
		    "X-Raft-Index: %llu\r\nX-Raft-Term: 2\r\n",
		    (unsigned long long)f->store.index + 4);
	return text;
}

static void answer_error(struct fake *f, struct conn *c, int status, int code,
    const char *message, const char *cause)
{
	char headers[HEADERS], body[512];
	int n = snprintf(body, sizeof(body), "{\"errorCode\":%d,\"message\":"
	    "\"%s\",\"cause\":\"%s\",\"index\":%llu}\n", code, message,
	    cause, (unsigned long long)f->store.index);

	conn_answer(c, status, keys_headers(f, false, headers), body,
	    (size_t)n);
}

/* --- long polls --- */

static void tell(struct fake *f, struct conn *c, const struct event *e)
{
	struct buf body;

	buf_init(&body, MAX_BODY);
	store_write_event(&f->store, e, &body);
	conn_chunk(c, body.data, body.len);
	conn_end(c);
	buf_free(&body);
	f->told++;
}

static void stop_waiting(struct conn *c)
{
	if (c->wait_index > 0)
		LIST_REMOVE(c, next_waiting);
	c->wait_index = 0;
}

static void on_event(const struct event *e, void *arg)
{
	struct fake *f = arg;
	struct conn *c = LIST_FIRST(&f->waiting), *next;

	for (; c; c = next) {
		next = LIST_NEXT(c, next_waiting);
		if (c->wait_index > e->index)
			continue;
		stop_waiting(c);
		tell(f, c, e);
	}
}

static void answer_cleared(struct fake *f, struct conn *c, uint64_t index)
{
	char cause[100];

	snprintf(cause, sizeof(cause),
	    "the requested history has been cleared [%llu/%llu]",
	    (unsigned long long)f->store.index - HISTORY + 1,
	    (unsigned long long)index);
	answer_error(f, c, 400, 401, "The event in requested index is "
	    "outdated and cleared", cause);
}

static void wait_for(struct fake *f, struct conn *c, uint64_t index)
{
	char headers[HEADERS];
	const struct event *e;
	bool cleared = false;

	if (index == 0)
		index = f->store.index + 1;
	e = store_since(&f->store, index, &cleared);
	if (cleared) {
		answer_cleared(f, c, index);
		return;
	}
	conn_begin(c, 200, keys_headers(f, true, headers));
	if (e) {
		tell(f, c, e);
		return;
	}
	c->wait_index = index;
	LIST_INSERT_HEAD(&f->waiting, c, next_waiting);
}

void api_feed_readers(struct fake *f)
{
	const struct conn *c;
	uint64_t index = 0;

	LIST_FOREACH(c, &f->waiting, next_waiting)
		if (c->wait_index > index)
			index = c->wait_index;
	if (index > 0)
		jobs_read(&f->jobs, index);
}

/* --- listings: of one moment, though sent piece by piece --- */

static void free_listing(struct conn *c)
{
	if (!c->listing)
		return;
	free(c->listing->keys);
	free(c->listing);
	c->listing = NULL;
}

static void list_slice(struct fake *f, struct conn *c)
{
	struct listing *l = c->listing;
	struct buf out;

	buf_init(&out, MAX_BODY);
	for (unsigned k = 0; k < SLICE && l->at < l->count; k++, l->at++) {
		uint64_t n = l->at * STRIDE % l->count;

		if (l->at > 0)
			buf_addc(&out, ',');
		store_write_node(&f->store, l->first + n, &l->keys[n], &out);
	}
	if (l->at == l->count)
		buf_addf(&out, "]%s}}\n", ",\"modifiedIndex\":4,"
		    "\"createdIndex\":4");
	conn_chunk(c, out.data, out.len);
	buf_free(&out);
}

static void on_room(struct conn *c, void *arg)
{
	if (!c->listing)
		return;
	list_slice(arg, c);
	if (c->listing->at < c->listing->count)
		return;
	free_listing(c);
	conn_end(c);
}

static void list(struct fake *f, struct conn *c)
{
	const struct store *s = &f->store;
	struct listing *l = xcalloc(1, sizeof(*l));
	char headers[HEADERS];
	struct buf head;

	l->first = s->first;
	l->count = s->end - s->first;
	l->keys = xreallocarray(NULL, l->count + 1, sizeof(*l->keys));
	memcpy(l->keys, s->keys + s->first, l->count * sizeof(*l->keys));
	c->listing = l;
	f->listings++;
	buf_init(&head, MAX_BODY);
	buf_addf(&head, "{\"action\":\"get\",\"node\":{\"key\":\"%s\","
	    "\"dir\":true,\"nodes\":[", s->directory);
	conn_begin(c, 200, keys_headers(f, true, headers));
	conn_chunk(c, head.data, head.len);
	buf_free(&head);
	on_room(c, f);
}

/* --- keys --- */

static void answer_root(struct fake *f, struct conn *c)
{
	char headers[HEADERS], body[512];
	int n = snprintf(body, sizeof(body), "{\"action\":\"get\",\"node\":"
	    "{\"dir\":true,\"nodes\":[{\"key\":\"%s\",\"dir\":true,"
	    "\"modifiedIndex\":4,\"createdIndex\":4}]}}\n",
	    f->store.directory);

	conn_answer(c, 200, keys_headers(f, true, headers), body, (size_t)n);
}

static void answer_key(struct fake *f, struct conn *c, const char *key)
{
	const struct store *s = &f->store;
	uint64_t number = strtoull(key, NULL, 10);
	char headers[HEADERS], cause[100];
	struct buf body;

	if (key[strspn(key, "0123456789")] != '\0' || number < s->first ||
	    number >= s->end) {
		snprintf(cause, sizeof(cause), "%s/%.60s", s->directory, key);
		answer_error(f, c, 404, 100, "Key not found", cause);
		return;
	}
	buf_init(&body, MAX_BODY);
	buf_adds(&body, "{\"action\":\"get\",\"node\":");
	store_write_node(s, number, &s->keys[number], &body);
	buf_adds(&body, "}\n");
	conn_answer(c, 200, keys_headers(f, true, headers), body.data,
	    body.len);
	buf_free(&body);
}

static bool is_true(const char *query, const char *name)
{
	char value[8];

	return http_parameter(query, name, value, sizeof(value)) &&
	    strcmp(value, "true") == 0;
}

/* Everything happens in the one directory, so that or the root it must be. */
static void watch(struct fake *f, struct conn *c, const char *path,
    const char *query)
{
	static const char no[] = "fake-etcd has one directory to watch\n";
	size_t n = strlen(path);
	char index[24] = "0";

	while (n > 0 && path[n - 1] == '/')
		n--;
	if (!is_true(query, "recursive") || (n > 0 &&
	    (strncmp(path, f->store.directory, n) != 0 ||
	    f->store.directory[n] != '\0'))) {
		conn_answer(c, 501, "", no, sizeof(no) - 1);
		return;
	}
	http_parameter(query, "waitIndex", index, sizeof(index));
	wait_for(f, c, strtoull(index, NULL, 10));
}

/* A HEAD is answered as a GET whose body is empty: what it is asked for are
 * the headers. */
static void answer_head(struct fake *f, struct conn *c)
{
	char headers[HEADERS];

	conn_answer(c, 200, keys_headers(f, true, headers), "", 0);
}

static void get_key(struct fake *f, struct conn *c, const char *path,
    const char *query)
{
	size_t n = strlen(f->store.directory);

	if (is_true(query, "wait") && !is_true(query, "quorum"))
		watch(f, c, path, query);
	else if (*path == '\0' || strcmp(path, "/") == 0)
		answer_root(f, c);
	else if (strncmp(path, f->store.directory, n) != 0 ||
	    (path[n] && path[n] != '/'))
		answer_error(f, c, 404, 100, "Key not found", path);
	else if (path[n] == '\0' || path[n + 1] == '\0')
		list(f, c);
	else
		answer_key(f, c, path + n + 1);
}

static void on_keys(struct fake *f, struct conn *c, const struct request *r)
{
	static const char no[] = "fake-etcd takes no writes, see "
	    "fake_control.c\n";

	if (strcmp(r->method, "HEAD") == 0)
		answer_head(f, c);
	else if (strcmp(r->method, "GET") == 0)
		get_key(f, c, r->path + strlen("/v2/keys"), r->query);
	else
		conn_answer(c, 501, "", no, sizeof(no) - 1);
}

/* --- how the member is --- */

static void on_members(struct fake *f, struct conn *c,
    const struct request *r)
{
	bool all = strcmp(r->path, "/v2/members") == 0;
	char body[512];

	conn_answer(c, 200, CORS JSON CLUSTER, body, (size_t)snprintf(body,
	    sizeof(body), all ? "{\"members\":[" MEMBER "]}\n" : MEMBER "\n",
	    f->port + 1, f->port));
}

static void on_stats_store(struct fake *f, struct conn *c,
    const struct request *r)
{
	const uint64_t *n = f->store.counts;
	uint64_t sets = n[ACTION_BEAT] + n[ACTION_REGISTER];
	const struct conn *w;
	unsigned long long watchers = 0;
	char body[1024];

	(void)r;
	LIST_FOREACH(w, &f->waiting, next_waiting)
		watchers++;
	conn_answer(c, 200, CORS JSON, body, (size_t)snprintf(body,
	    sizeof(body), "{\"getsSuccess\":%llu,\"getsFail\":0,"
	    "\"setsSuccess\":%llu,\"setsFail\":0,\"deleteSuccess\":%llu,"
	    "\"deleteFail\":0,\"updateSuccess\":%llu,\"updateFail\":0,"
	    "\"createSuccess\":0,\"createFail\":0,"
	    "\"compareAndSwapSuccess\":0,\"compareAndSwapFail\":0,"
	    "\"compareAndDeleteSuccess\":0,\"compareAndDeleteFail\":0,"
	    "\"expireCount\":%llu,\"watchers\":%llu}",
	    (unsigned long long)f->listings, (unsigned long long)sets,
	    (unsigned long long)n[ACTION_DEREGISTER],
	    (unsigned long long)n[ACTION_REFRESH],
	    (unsigned long long)n[ACTION_EXPIRE], watchers));
}

static const struct route {
	const char *path;
	const char *headers, *body;	/* the same each time; or */
	void (*answer)(struct fake *f, struct conn *c,
	    const struct request *r);
} routes[] = {
	{ "/health", CORS "Content-Type: text/plain; charset=utf-8\r\n",
	    "{\"health\":\"true\"}", NULL },
	{ "/v2/members", NULL, NULL, on_members },
	{ "/v2/members/leader", NULL, NULL, on_members },
	{ "/v2/stats/leader", CORS JSON,
	    "{\"leader\":\"429644727fb238d\",\"followers\":{}}", NULL },
	{ "/v2/stats/self", CORS JSON, "{\"name\":\"fake\",\"id\":"
	    "\"429644727fb238d\",\"state\":\"StateLeader\","
	    "\"startTime\":\"2026-11-22T07:34:58.486636866Z\","
	    "\"leaderInfo\":{\"leader\":\"429644727fb238d\","
	    "\"uptime\":\"1.009278347s\","
	    "\"startTime\":\"2026-11-22T07:34:58.787250972Z\"},"
	    "\"recvAppendRequestCnt\":0,\"sendAppendRequestCnt\":0}", NULL },
	{ "/v2/stats/store", NULL, NULL, on_stats_store },
	{ "/version", CORS JSON,
	    "{\"etcdserver\":\"3.4.23\",\"etcdcluster\":\"3.4.0\"}", NULL },
};

/* --- the whole --- */

static void on_request(struct conn *c, const struct request *r, void *arg)
{
	static const char none[] = "404 page not found\n";
	struct fake *f = arg;

	f->requests++;
	for (size_t k = 0; k < sizeof(routes) / sizeof(routes[0]); k++) {
		const struct route *route = &routes[k];

		if (strcmp(r->path, route->path) != 0)
			continue;
		if (route->answer)
			route->answer(f, c, r);
		else
			conn_answer(c, 200, route->headers, route->body,
			    strlen(route->body));
		return;
	}
	if (strncmp(r->path, "/v2/keys", 8) == 0 &&
	    (r->path[8] == '\0' || r->path[8] == '/'))
		on_keys(f, c, r);
	else if (strncmp(r->path, "/control", 8) == 0)
		control_request(f, c, r);
	else
		conn_answer(c, 404, "Content-Type: text/plain\r\n", none,
		    sizeof(none) - 1);
}

static void on_close(struct conn *c, void *arg)
{
	(void)arg;
	stop_waiting(c);
	free_listing(c);
}

void api_init(struct fake *f)
{
	LIST_INIT(&f->waiting);
	f->http.on_request = on_request;
	f->http.on_room = on_room;
	f->http.on_close = on_close;
	f->http.arg = f;
	f->store.on_event = on_event;
	f->store.arg = f;
	f->jobs.store = &f->store;
}
