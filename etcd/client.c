/* The calls: a URL for each kind, the request, the headers, and the decoder's
 * result handed on.  A small body is decoded at once, a large one in a thread
 * of its own, so that a listing of 100,000 keys does not stop the loop; the
 * caller sees no difference.  Keeps no state between calls: what to ask when,
 * and what to make of it, is the collectors' business. */
#include "etcd/etcd.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "core/buf.h"
#include "core/loop.h"
#include "core/xalloc.h"
#include "etcd/decode.h"

enum {
	KIB = 1024, MIB = 1024 * KIB,
	DECODE_AT_ONCE = 64 * KIB,	/* well below a millisecond */
	MAX_URL = 16 * KIB
};

/* The largest body of each kind.  An event carries value and previous value,
 * and etcd takes values of 10 MiB, which escapes can make longer still. */
static const struct {
	const char *path;		/* NULL: by directory */
	size_t max_body;
} kinds[] = {
	[ETCD_KIND_HEALTH] = { "/health", 4 * KIB },
	[ETCD_KIND_VERSION] = { "/version", 4 * KIB },
	[ETCD_KIND_MEMBERS] = { "/v2/members", 1 * MIB },
	[ETCD_KIND_LEADER] = { "/v2/members/leader", 64 * KIB },
	[ETCD_KIND_STATS_SELF] = { "/v2/stats/self", 1 * MIB },
	[ETCD_KIND_STATS_LEADER] = { "/v2/stats/leader", 1 * MIB },
	[ETCD_KIND_STATS_STORE] = { "/v2/stats/store", 1 * MIB },
	[ETCD_KIND_INDEX] = { NULL, 4 * KIB },
	[ETCD_KIND_LISTING] = { NULL, 512 * MIB },
	[ETCD_KIND_EVENT] = { NULL, 32 * MIB },
};

struct etcd_call {
	struct loop *loop;
	enum etcd_kind kind;
	char *base;			/* directory, "" for the root */
	struct fetch *fetch;		/* NULL once it has ended */
	void (*head)(const struct etcd_meta *m, long status, void *arg);
	etcd_done *done;
	void *arg;

	/* While a thread decodes, these are the thread's. */
	char *content_type, *body;
	size_t len;
	struct etcd_result result;
	struct etcd_decoded *decoded;

	bool decoding, telling, cancelled, kept;
};

/* --- what comes back --- */

static void free_call(struct etcd_call *c)
{
	etcd_decoded_free(c->decoded);
	free(c->content_type);
	free(c->body);
	free(c->base);
	free(c);
}

/* Freeing the tree of a large listing takes as long as reading it. */
static void free_in_thread(void *arg)
{
	free_call(arg);
}

static void nothing(void *arg)
{
	(void)arg;
}

/* The end: tells, and frees unless it is kept. */
static void tell(struct etcd_call *c)
{
	c->telling = true;
	c->result.call = c;
	c->done(&c->result, c->arg);
	c->telling = false;
	if (!c->kept)
		etcd_release(c);
}

struct etcd_call *etcd_keep(const struct etcd_result *r)
{
	if (r->call)
		r->call->kept = true;
	return r->call;
}

void etcd_release(struct etcd_call *c)
{
	if (!c)
		return;
	c->kept = false;
	if (c->telling)			/* released before done() is over */
		return;
	if (c->len > DECODE_AT_ONCE)
		loop_offload(c->loop, free_in_thread, nothing, c);
	else
		free_call(c);
}

static uint64_t header_u64(struct fetch *f, const char *name)
{
	const char *text = fetch_header(f, name);
	char *end;
	uint64_t v;

	if (!text || *text < '0' || *text > '9')
		return 0;
	v = strtoull(text, &end, 10);
	return *end ? 0 : v;
}

static wall_t header_date(struct fetch *f)
{
	const char *text = fetch_header(f, "Date");
	time_t t = text ? curl_getdate(text, NULL) : -1;

	return (wall_t){ t > 0 ? (int64_t)t * 1000 : 0 };
}

static void read_meta(struct fetch *f, struct etcd_meta *m)
{
	const char *id = fetch_header(f, "X-Etcd-Cluster-Id");

	*m = (struct etcd_meta){ 0 };
	m->etcd_index = header_u64(f, "X-Etcd-Index");
	m->raft_index = header_u64(f, "X-Raft-Index");
	m->raft_term = header_u64(f, "X-Raft-Term");
	m->date = header_date(f);
	snprintf(m->cluster_id, sizeof(m->cluster_id), "%s", id ? id : "");
}

static void decode(void *arg)
{
	struct etcd_call *c = arg;

	c->decoded = etcd_decode(c->kind, c->base, c->content_type, c->body,
	    c->len, &c->result);
}

static void decoded_in_thread(void *arg)
{
	struct etcd_call *c = arg;

	c->decoding = false;
	if (!c->cancelled)
		tell(c);
	else
		etcd_release(c);
}

/* The loop ended first: no thread uses c any more. */
static void drop(void *arg)
{
	free_call(arg);
}

static void answered(struct etcd_call *c, struct fetch *f,
    struct fetch_answer *a)
{
	const char *type = fetch_header(f, "Content-Type");

	c->content_type = xstrdup(type);
	c->len = a->len;
	c->body = fetch_take_body(f, a);
	if (c->len > DECODE_AT_ONCE) {
		c->decoding = true;
		loop_offload_or_drop(c->loop, decode, decoded_in_thread, drop,
		    c);
		return;
	}
	decode(c);
	tell(c);
}

static void failed(struct etcd_call *c, const struct fetch_answer *a)
{
	c->result.outcome = ETCD_FAILED;
	snprintf(c->result.text, sizeof(c->result.text), "%s%.50s: %s",
	    kinds[c->kind].path ? kinds[c->kind].path : "/v2/keys", c->base,
	    a->reason);
	tell(c);
}

static void on_done(struct fetch *f, struct fetch_answer *a, void *arg)
{
	struct etcd_call *c = arg;
	struct etcd_result *r = &c->result;

	c->fetch = NULL;
	r->fetch_error = a->error;
	r->status = a->status;
	r->started = a->started;
	r->ended = a->ended;
	r->duration_us = a->duration_us;
	read_meta(f, &r->meta);
	if (a->error == FETCH_OK)
		answered(c, f, a);
	else
		failed(c, a);
}

static void on_head(struct fetch *f, long status, void *arg)
{
	struct etcd_call *c = arg;
	struct etcd_meta m;

	read_meta(f, &m);
	c->head(&m, status, c->arg);	/* may end in etcd_cancel(c) */
}

void etcd_cancel(struct etcd_call *c)
{
	if (!c || c->telling)
		return;
	if (c->decoding) {
		c->cancelled = true;
		return;
	}
	fetch_cancel(c->fetch);
	free_call(c);
}

/* --- what is asked --- */

static struct etcd_call *new_call(const struct etcd_target *t,
    enum etcd_kind kind, etcd_done *done, void *arg)
{
	struct etcd_call *c = xcalloc(1, sizeof(*c));

	assert(t->loop && t->url && done);
	c->loop = t->loop;
	c->kind = kind;
	c->done = done;
	c->arg = arg;
	return c;
}

static void start(struct etcd_call *c, const struct etcd_target *t,
    const char *url, int64_t deadline_ms)
{
	bool root = c->kind == ETCD_KIND_INDEX && c->base[0] == '\0';
	struct fetch_request r = {
		.method = root ? "HEAD" : "GET",
		.url = url, .http = t->http, .deadline_ms = deadline_ms,
		.max_body = kinds[c->kind].max_body,
		.on_head = c->head ? on_head : NULL, .on_done = on_done,
		.arg = c
	};

	c->fetch = fetch_start(t->loop, &r);
}

static struct etcd_call *ask(const struct etcd_target *t, enum etcd_kind kind,
    int64_t deadline_ms, etcd_done *done, void *arg)
{
	struct etcd_call *c = new_call(t, kind, done, arg);
	char *url = xasprintf("%s%s", t->url, kinds[kind].path);

	c->base = xstrdup("");
	start(c, t, url, deadline_ms);
	free(url);
	return c;
}

/* Everything but unreserved characters and the slashes between names. */
static void add_path(struct buf *url, const char *path)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/";

	for (; *path; path++)
		if (strchr(plain, *path))
			buf_addc(url, *path);
		else
			buf_addf(url, "%%%02X", (unsigned char)*path);
}

/* "/a/b", "" for the root: no slash at the end, one in front. */
static char *directory_name(const char *path)
{
	size_t n;

	while (*path == '/')
		path++;
	n = strlen(path);
	while (n > 0 && path[n - 1] == '/')
		n--;
	return n == 0 ? xstrdup("") : xasprintf("/%.*s", (int)n, path);
}

/* With the slash at the end, which permissions of etcd's v2 auth need. */
static void add_directory(struct buf *url, const struct etcd_target *t,
    const char *base)
{
	buf_init(url, MAX_URL);
	buf_adds(url, t->url);
	buf_adds(url, "/v2/keys");
	add_path(url, base);
	buf_addc(url, '/');
}

struct etcd_call *etcd_list(const struct etcd_target *t, const char *path,
    bool quorum, int64_t deadline_ms, etcd_done *done, void *arg)
{
	struct etcd_call *c = new_call(t, ETCD_KIND_LISTING, done, arg);
	struct buf url;

	c->base = directory_name(path);
	add_directory(&url, t, c->base);
	buf_adds(&url, "?recursive=true");
	if (quorum)
		buf_adds(&url, "&quorum=true");
	start(c, t, buf_str(&url), deadline_ms);
	buf_free(&url);
	return c;
}

struct etcd_call *etcd_watch(const struct etcd_target *t, const char *path,
    uint64_t wait_index, int64_t deadline_ms,
    void (*head)(const struct etcd_meta *m, long status, void *arg),
    etcd_done *done, void *arg)
{
	struct etcd_call *c = new_call(t, ETCD_KIND_EVENT, done, arg);
	struct buf url;

	c->base = directory_name(path);
	c->head = head;
	add_directory(&url, t, c->base);
	buf_addf(&url, "?wait=true&recursive=true&waitIndex=%" PRIu64,
	    wait_index);
	start(c, t, buf_str(&url), deadline_ms);
	buf_free(&url);
	return c;
}

struct etcd_call *etcd_health(const struct etcd_target *t,
    int64_t deadline_ms, etcd_done *done, void *arg)
{
	return ask(t, ETCD_KIND_HEALTH, deadline_ms, done, arg);
}

struct etcd_call *etcd_version(const struct etcd_target *t,
    int64_t deadline_ms, etcd_done *done, void *arg)
{
	return ask(t, ETCD_KIND_VERSION, deadline_ms, done, arg);
}

struct etcd_call *etcd_members(const struct etcd_target *t,
    int64_t deadline_ms, etcd_done *done, void *arg)
{
	return ask(t, ETCD_KIND_MEMBERS, deadline_ms, done, arg);
}

struct etcd_call *etcd_leader(const struct etcd_target *t,
    int64_t deadline_ms, etcd_done *done, void *arg)
{
	return ask(t, ETCD_KIND_LEADER, deadline_ms, done, arg);
}

struct etcd_call *etcd_stats_self(const struct etcd_target *t,
    int64_t deadline_ms, etcd_done *done, void *arg)
{
	return ask(t, ETCD_KIND_STATS_SELF, deadline_ms, done, arg);
}

struct etcd_call *etcd_stats_leader(const struct etcd_target *t,
    int64_t deadline_ms, etcd_done *done, void *arg)
{
	return ask(t, ETCD_KIND_STATS_LEADER, deadline_ms, done, arg);
}

struct etcd_call *etcd_stats_store(const struct etcd_target *t,
    int64_t deadline_ms, etcd_done *done, void *arg)
{
	return ask(t, ETCD_KIND_STATS_STORE, deadline_ms, done, arg);
}

/* HEAD is cheap at the root alone: of any other directory etcd writes the whole
 * body first, 30 ms for 20,000 keys, and then drops it. */
struct etcd_call *etcd_index(const struct etcd_target *t,
    int64_t deadline_ms, etcd_done *done, void *arg)
{
	struct etcd_call *c = new_call(t, ETCD_KIND_INDEX, done, arg);
	struct buf url;

	c->base = directory_name(t->below ? t->below : "/");
	add_directory(&url, t, c->base);
	if (c->base[0] != '\0')
		buf_adds(&url, "_rollcall");
	start(c, t, buf_str(&url), deadline_ms);
	buf_free(&url);
	return c;
}
