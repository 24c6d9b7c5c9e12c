/* Drives the client of etcd/ from outside: one JSON object a line on stdin says
 * what to ask, one a line on stdout tells all that came of it.
 *
 *	etcd_driver [--http FILE] [--deadline MS] [--attempt MS] URL...
 *
 *	{"op":"set","key":"/a","value":"b","ttl":5}
 *
 * Further wishes have the names of struct etcd_request's members.  "way" is
 * "do" (blocking, the default), "send" (the same on a loop) or "start" (one
 * member, the first URL).  "follow" tells news as they come, up to "count" of
 * them, or to one of the key "until", or until none came for "timeout_ms", and
 * a line {"news":"end"} behind them.  "raw" sends what the typed requests
 * cannot say.  The JSON \u0000 is a NUL of etcd's, in and out. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/err.h"
#include "core/fetch.h"
#include "core/http_config.h"
#include "core/json.h"
#include "core/loop.h"
#include "core/timefmt.h"
#include "etcd/client.h"
#include "etcd/decode.h"
#include "etcd/follow.h"

enum { MAX_LINE = 256 << 20, MAX_BODY = 64 << 20 };

struct driver {
	const char *const *urls;
	size_t n;
	struct etcd_options options;
	struct http_config http;
	struct etcd_client *blocking, *on_loop;
	struct loop *loop;
	const cJSON *ask;		/* the present line */
	size_t told, count;		/* of news */
	struct timer *timer;
	struct etcd_follow *follow;
};

static void die(const char *why)
{
	fprintf(stderr, "etcd_driver: %s\n", why);
	exit(2);
}

/* --- what comes out --- */

/* After an opening bracket nothing, a comma otherwise. */
static void comma(struct buf *b)
{
	if (b->len && !strchr("{[", b->data[b->len - 1]))
		buf_addc(b, ',');
}

static void name(struct buf *b, const char *n)
{
	comma(b);
	if (n) {
		buf_add_json(b, n);
		buf_addc(b, ':');
	}
}

static void put_text(struct buf *b, const char *n, const char *text)
{
	name(b, n);
	if (text)
		buf_add_json(b, text);
	else
		buf_adds(b, "null");
}

static void put_u64(struct buf *b, const char *n, uint64_t v)
{
	name(b, n);
	buf_addu(b, v);
}

static void put_i64(struct buf *b, const char *n, int64_t v)
{
	name(b, n);
	buf_addf(b, "%" PRId64, v);
}

static void put_double(struct buf *b, const char *n, double v)
{
	name(b, n);
	buf_addf(b, "%.17g", v);
}

static void put_bool(struct buf *b, const char *n, bool v)
{
	name(b, n);
	buf_adds(b, v ? "true" : "false");
}

static void open_object(struct buf *b, const char *n)
{
	name(b, n);
	buf_addc(b, '{');
}

static void put_node(struct buf *b, const char *n,
    const struct etcd_node *node)
{
	char date[TIMEFMT_MAX];
	size_t len;

	open_object(b, n);
	put_text(b, "key", node->key);
	put_text(b, "value", node->value);
	free(etcd_unescape_nul(node->value, &len));
	put_u64(b, "value_len", len);
	put_bool(b, "dir", node->dir);
	put_bool(b, "key_has_nul", node->key_has_nul);
	put_bool(b, "value_has_nul", node->value_has_nul);
	put_text(b, "expiration", node->has_expiration ?
	    timefmt_rfc3339(node->expiration, date) : NULL);
	put_i64(b, "expiration_ms", node->expiration.ms);
	put_i64(b, "ttl", node->ttl);
	put_u64(b, "created_index", node->created_index);
	put_u64(b, "modified_index", node->modified_index);
	buf_addc(b, '}');
}

static void put_member(struct buf *b, const char *n,
    const struct etcd_member *m)
{
	open_object(b, n);
	put_text(b, "id", m->id);
	put_text(b, "name", m->name);
	put_text(b, "client_url", m->client_url);
	put_text(b, "peer_url", m->peer_url);
	buf_addc(b, '}');
}

static void put_health(struct buf *b, const struct etcd_result *r)
{
	put_bool(b, "healthy", r->health.healthy);
}

static void put_version(struct buf *b, const struct etcd_result *r)
{
	put_text(b, "server", r->version.server);
	put_text(b, "cluster", r->version.cluster);
}

static void put_members(struct buf *b, const struct etcd_result *r)
{
	name(b, "members");
	buf_addc(b, '[');
	for (size_t i = 0; i < r->members.n; i++)
		put_member(b, NULL, &r->members.v[i]);
	buf_addc(b, ']');
	put_u64(b, "bad", r->members.bad);
}

static void put_leader(struct buf *b, const struct etcd_result *r)
{
	put_member(b, "leader", &r->leader);
}

static void put_added(struct buf *b, const struct etcd_result *r)
{
	put_member(b, "member", &r->member);
}

static void put_self(struct buf *b, const struct etcd_result *r)
{
	const struct etcd_stats_self *s = &r->self;

	put_text(b, "name", s->name);
	put_text(b, "id", s->id);
	put_text(b, "state", s->state);
	put_text(b, "leader", s->leader);
	put_i64(b, "start_ms", s->start.ms);
	put_i64(b, "leader_start_ms", s->leader_start.ms);
	put_i64(b, "leader_uptime_ms", s->leader_uptime_ms);
	put_u64(b, "recv_appends", s->recv_appends);
	put_u64(b, "send_appends", s->send_appends);
	put_double(b, "recv_pkg_rate", s->recv_pkg_rate);
	put_double(b, "recv_bandwidth_rate", s->recv_bandwidth_rate);
	put_double(b, "send_pkg_rate", s->send_pkg_rate);
	put_double(b, "send_bandwidth_rate", s->send_bandwidth_rate);
}

static void put_follower(struct buf *b, const struct etcd_follower *f)
{
	open_object(b, f->id);
	put_double(b, "current", f->current);
	put_double(b, "average", f->average);
	put_double(b, "stddev", f->stddev);
	put_double(b, "minimum", f->minimum);
	put_double(b, "maximum", f->maximum);
	put_bool(b, "sampled", f->sampled);
	put_u64(b, "fail", f->fail);
	put_u64(b, "success", f->success);
	buf_addc(b, '}');
}

static void put_stats_leader(struct buf *b, const struct etcd_result *r)
{
	const struct etcd_stats_leader *s = &r->stats_leader;

	put_text(b, "leader", s->leader);
	open_object(b, "followers");
	for (size_t i = 0; i < s->n; i++)
		put_follower(b, &s->v[i]);
	buf_addc(b, '}');
	put_u64(b, "bad", s->bad);
}

static void put_store(struct buf *b, const struct etcd_result *r)
{
	const struct etcd_stats_store *s = &r->store;
	const struct {
		const char *name;
		uint64_t v;
	} all[] = {
		{ "get_success", s->get_success }, { "get_fail", s->get_fail },
		{ "set_success", s->set_success }, { "set_fail", s->set_fail },
		{ "delete_success", s->delete_success },
		{ "delete_fail", s->delete_fail },
		{ "update_success", s->update_success },
		{ "update_fail", s->update_fail },
		{ "create_success", s->create_success },
		{ "create_fail", s->create_fail },
		{ "cas_success", s->cas_success }, { "cas_fail", s->cas_fail },
		{ "cad_success", s->cad_success }, { "cad_fail", s->cad_fail },
		{ "expire_count", s->expire_count },
		{ "watchers", s->watchers },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		put_u64(b, all[i].name, all[i].v);
}

static void put_listing(struct buf *b, const struct etcd_result *r)
{
	name(b, "nodes");
	buf_addc(b, '[');
	for (size_t i = 0; i < r->listing.n; i++)
		put_node(b, NULL, &r->listing.v[i]);
	buf_addc(b, ']');
	put_u64(b, "bad", r->listing.bad);
	put_text(b, "first_bad", r->listing.first_bad);
	put_bool(b, "missing", r->listing.missing);
}

static void put_event(struct buf *b, const struct etcd_result *r)
{
	put_text(b, "action", etcd_action_name(r->event.action));
	put_node(b, "node", &r->event.node);
	if (r->event.has_prev)
		put_node(b, "prev", &r->event.prev);
}

static void put_nothing(struct buf *b, const struct etcd_result *r)
{
	(void)b;
	(void)r;
}

static const struct {
	const char *name;
	void (*put)(struct buf *b, const struct etcd_result *r);
} kinds[ETCD_KINDS] = {
	[ETCD_KIND_HEALTH] = { "health", put_health },
	[ETCD_KIND_VERSION] = { "version", put_version },
	[ETCD_KIND_MEMBERS] = { "members", put_members },
	[ETCD_KIND_LEADER] = { "leader", put_leader },
	[ETCD_KIND_STATS_SELF] = { "stats_self", put_self },
	[ETCD_KIND_STATS_LEADER] = { "stats_leader", put_stats_leader },
	[ETCD_KIND_STATS_STORE] = { "stats_store", put_store },
	[ETCD_KIND_INDEX] = { "index", put_nothing },
	[ETCD_KIND_LISTING] = { "listing", put_listing },
	[ETCD_KIND_EVENT] = { "event", put_event },
	[ETCD_KIND_KEY] = { "key", put_event },
	[ETCD_KIND_MEMBER] = { "member", put_added },
	[ETCD_KIND_DONE] = { "done", put_nothing },
};

static void put_error(struct buf *b, const struct etcd_result *r)
{
	put_u64(b, "error_code", (uint64_t)r->error_code);
	put_text(b, "error", etcd_error_name(r->error_code));
	if (r->outcome != ETCD_ERROR && r->outcome != ETCD_UNAUTHORIZED)
		return;
	put_text(b, "message", r->error.message);
	put_text(b, "cause", r->error.cause);
	put_u64(b, "error_index", r->error.index);
}

static void put_meta(struct buf *b, const struct etcd_meta *m)
{
	open_object(b, "meta");
	put_u64(b, "etcd_index", m->etcd_index);
	put_u64(b, "raft_index", m->raft_index);
	put_u64(b, "raft_term", m->raft_term);
	put_text(b, "cluster_id", m->cluster_id);
	put_i64(b, "date_ms", m->date.ms);
	buf_addc(b, '}');
}

static void print(struct buf *b)
{
	fwrite(b->data, 1, b->len, stdout);
	putchar('\n');
	fflush(stdout);
	buf_free(b);
}

static void tell(const char *news, const struct etcd_result *r)
{
	struct buf b;

	buf_init(&b, MAX_LINE);
	buf_addc(&b, '{');
	if (news)
		put_text(&b, "news", news);
	put_text(&b, "kind", kinds[r->kind].name);
	put_text(&b, "outcome", etcd_outcome_name(r->outcome));
	put_u64(&b, "status", (uint64_t)r->status);
	put_text(&b, "fetch_error", fetch_error_name(r->fetch_error));
	put_error(&b, r);
	put_text(&b, "text", r->text);
	put_text(&b, "endpoint", r->endpoint);
	put_meta(&b, &r->meta);
	put_i64(&b, "duration_us", r->duration_us);
	if (r->outcome == ETCD_OK || r->kind == ETCD_KIND_HEALTH)
		kinds[r->kind].put(&b, r);
	buf_addc(&b, '}');
	print(&b);
}

/* --- what comes in --- */

static int64_t get_i64(const cJSON *o, const char *n, int64_t fallback)
{
	int64_t v = fallback;

	if (json_i64(o, n, &v, NULL) < 0)
		die("a number is none");
	return v;
}

/* A number, or a string where a double is not exact. */
static uint64_t get_u64(const cJSON *o, const char *n)
{
	const char *text = json_str(o, n);
	uint64_t v = 0;

	if (text)
		return strtoull(text, NULL, 10);
	if (json_u64(o, n, &v, NULL) < 0)
		die("an index is none");
	return v;
}

static const struct {
	const char *name;
	struct etcd_request (*plain)(void);
	struct etcd_request (*key)(const char *key);
	struct etcd_request (*value)(const char *value);
	struct etcd_request (*key_value)(const char *key, const char *value);
	struct etcd_request (*key_ttl)(const char *key, int64_t ttl_s);
} operations[] = {
	{ .name = "compare_and_delete" },
	{ .name = "compare_and_swap" },
	{ "create", .key_value = etcd_create },
	{ "create_in_order", .key_value = etcd_create_in_order },
	{ "delete", .key = etcd_delete },
	{ "get", .key = etcd_get },
	{ "health", .plain = etcd_health },
	{ "index", .plain = etcd_index },
	{ "leader", .plain = etcd_leader },
	{ "list", .key = etcd_list },
	{ "member_add", .value = etcd_member_add },
	{ "member_remove", .key = etcd_member_remove },
	{ "member_update", .key_value = etcd_member_update },
	{ "members", .plain = etcd_members },
	{ "mkdir", .key = etcd_mkdir },
	{ "refresh", .key_ttl = etcd_refresh },
	{ "rmdir", .key = etcd_rmdir },
	{ "set", .key_value = etcd_set },
	{ "stats_leader", .plain = etcd_stats_leader },
	{ "stats_self", .plain = etcd_stats_self },
	{ "stats_store", .plain = etcd_stats_store },
	{ "update", .key_value = etcd_update },
	{ "update_dir", .key_ttl = etcd_update_dir },
	{ "version", .plain = etcd_version },
	{ .name = "watch" },
};

static struct etcd_request make(const char *op, const cJSON *o)
{
	const char *key = json_str(o, "key"), *value = json_str(o, "value");
	size_t n = sizeof(operations) / sizeof(operations[0]), i = 0;

	while (i < n && strcmp(operations[i].name, op) != 0)
		i++;
	if (i == n)
		die("no such operation");
	if (operations[i].plain)
		return operations[i].plain();
	if (operations[i].key)
		return operations[i].key(key);
	if (operations[i].value)
		return operations[i].value(value);
	if (operations[i].key_value)
		return operations[i].key_value(key, value);
	if (operations[i].key_ttl)
		return operations[i].key_ttl(key, get_i64(o, "ttl", 0));
	if (strcmp(op, "watch") == 0)
		return etcd_watch(key, get_u64(o, "wait_index"));
	if (strcmp(op, "compare_and_swap") == 0)
		return etcd_compare_and_swap(key, value,
		    json_str(o, "prev_value"), get_u64(o, "prev_index"));
	return etcd_compare_and_delete(key, json_str(o, "prev_value"),
	    get_u64(o, "prev_index"));
}

/* What is not an argument of its function is set in the struct. */
static struct etcd_request read_request(const cJSON *o)
{
	struct etcd_request r = make(json_str(o, "op"), o);
	const char *exist = json_str(o, "prev_exist");

	if (r.kind == ETCD_KIND_INDEX)
		r.path = json_str(o, "key");
	if (!r.value)
		r.value = json_str(o, "value");
	r.ttl_s = get_i64(o, "ttl", 0);
	r.prev_value = json_str(o, "prev_value");
	r.prev_index = get_u64(o, "prev_index");
	if (exist)
		r.prev_exist = strcmp(exist, "true") == 0 ? ETCD_MUST_EXIST :
		    ETCD_MUST_NOT_EXIST;
	r.dir = json_bool(o, "dir", r.dir);
	r.recursive = json_bool(o, "recursive", false);
	r.sorted = json_bool(o, "sorted", false);
	r.quorum = json_bool(o, "quorum", false);
	r.refresh = json_bool(o, "refresh", r.refresh);
	r.no_value = json_bool(o, "no_value", false);
	return r;
}

/* --- asking --- */

static void on_done(const struct etcd_result *r, void *arg)
{
	struct driver *d = arg;

	tell(NULL, r);
	loop_stop(d->loop);
}

static void ask(struct driver *d, const char *way)
{
	struct etcd_request r = read_request(d->ask);
	int64_t ms = get_i64(d->ask, "deadline_ms", d->options.deadline_ms);
	struct etcd_target t = {
		.loop = d->loop, .url = d->urls[0], .http = d->options.http
	};

	if (strcmp(way, "do") == 0) {
		tell(NULL, etcd_do(d->blocking, r));
		return;
	}
	if (strcmp(way, "start") == 0)
		etcd_start(&t, &r, ms, on_done, d);
	else
		etcd_send_within(d->on_loop, &r, ms, on_done, d);
	loop_run(d->loop);
}

static void on_raw(struct fetch *f, struct fetch_answer *a, void *arg)
{
	struct driver *d = arg;
	struct etcd_result r = { .status = a->status,
	    .fetch_error = a->error };
	const char *kind = json_str(d->ask, "kind");
	size_t len = a->len;
	char *body = fetch_take_body(f, a);
	struct etcd_decoded *decoded;
	unsigned k = 0;

	while (k < ETCD_KINDS - 1 && strcmp(kinds[k].name, kind) != 0)
		k++;
	snprintf(r.endpoint, sizeof(r.endpoint), "%s", d->urls[0]);
	decoded = etcd_decode((enum etcd_kind)k, json_str(d->ask, "base"),
	    fetch_header(f, "Content-Type"), body, len, &r);
	tell(NULL, &r);
	etcd_decoded_free(decoded);
	free(body);
	loop_stop(d->loop);
}

static void ask_raw(struct driver *d)
{
	static const char *const form[] = {
		"Content-Type: application/x-www-form-urlencoded", NULL
	};
	const char *body = json_str(d->ask, "body");
	char url[4096];
	struct fetch_request r = {
		.method = json_str(d->ask, "method"), .url = url,
		.headers = form, .body = body,
		.body_len = body ? strlen(body) : 0, .http = d->options.http,
		.deadline_ms = d->options.deadline_ms, .max_body = MAX_BODY,
		.on_done = on_raw, .arg = d
	};

	snprintf(url, sizeof(url), "%s%s", d->urls[0],
	    json_str(d->ask, "target"));
	fetch_start(d->loop, &r);
	loop_run(d->loop);
}

/* --- following --- */

static const char *const news_names[] = {
	[ETCD_NEWS_LISTING] = "listing", [ETCD_NEWS_EVENT] = "event",
	[ETCD_NEWS_TROUBLE] = "trouble", [ETCD_NEWS_WELL] = "well",
};

static struct etcd_follow_options follow_options(const cJSON *o)
{
	return (struct etcd_follow_options){
		.from_index = json_bool(o, "from_index", false),
		.index = get_u64(o, "index"),
		.resync_ms = get_i64(o, "resync_ms", 0),
		.stale = json_bool(o, "stale", false),
	};
}

/* True behind the last. */
static bool tell_news(struct driver *d, enum etcd_news news,
    const struct etcd_result *r)
{
	const char *until = json_str(d->ask, "until");
	bool found = false;

	tell(news_names[news], r);
	if (until && news == ETCD_NEWS_EVENT)
		found = strcmp(r->event.node.key, until) == 0;
	if (until && news == ETCD_NEWS_LISTING)
		for (size_t i = 0; i < r->listing.n; i++)
			found |= strcmp(r->listing.v[i].key, until) == 0;
	return found || ++d->told == d->count;
}

static void read_news(struct driver *d)
{
	struct etcd_follow_options options = follow_options(d->ask);
	int64_t timeout = get_i64(d->ask, "timeout_ms", 10000);
	int64_t rest = get_i64(d->ask, "rest_ms", 0);
	struct etcd_reader *reader = etcd_reader_open(d->blocking,
	    json_str(d->ask, "key"), &options);
	const struct etcd_result *r;
	enum etcd_news news;

	while ((r = etcd_reader_next(reader, timeout, &news)) &&
	    !tell_news(d, news, r))
		usleep((useconds_t)rest * 1000);
	etcd_reader_close(reader);
}

static void on_news(enum etcd_news news, const struct etcd_result *r,
    void *arg)
{
	struct driver *d = arg;

	timer_set(d->timer, mono_add(loop_now(d->loop),
	    get_i64(d->ask, "timeout_ms", 10000)));
	if (!tell_news(d, news, r))
		return;
	etcd_follow_stop(d->follow);
	d->follow = NULL;
	loop_stop(d->loop);
}

static void on_timeout(void *arg, mono_t now)
{
	struct driver *d = arg;

	(void)now;
	etcd_follow_stop(d->follow);
	d->follow = NULL;
	loop_stop(d->loop);
}

static void hear_news(struct driver *d)
{
	struct etcd_follow_options options = follow_options(d->ask);

	d->timer = timer_new(d->loop, on_timeout, d);
	timer_set(d->timer, mono_add(clock_mono(),
	    get_i64(d->ask, "timeout_ms", 10000)));
	d->follow = etcd_follow_start(d->on_loop, json_str(d->ask, "key"),
	    &options, on_news, d);
	loop_run(d->loop);
	timer_free(d->timer);
}

static void follow(struct driver *d, bool blocking)
{
	d->told = 0;
	d->count = get_u64(d->ask, "count");
	if (blocking)
		read_news(d);
	else
		hear_news(d);
	puts("{\"news\":\"end\"}");
	fflush(stdout);
}

/* --- birth and end --- */

static void one_line(struct driver *d, char *line, size_t len)
{
	struct err e;
	cJSON *o = json_parse(line, len, &e);
	const char *op = o ? json_str(o, "op") : NULL, *way;

	if (!op)
		die(o ? "no \"op\"" : e.text);
	d->ask = o;
	way = json_str(o, "way") ? json_str(o, "way") : "do";
	if (strcmp(op, "raw") == 0)
		ask_raw(d);
	else if (strcmp(op, "follow") == 0)
		follow(d, strcmp(way, "do") == 0);
	else
		ask(d, way);
	cJSON_Delete(o);
}

static void read_arguments(struct driver *d, int argc, char **argv)
{
	struct err e;
	int i;

	d->options.deadline_ms = 10000;
	for (i = 1; i + 1 < argc && argv[i][0] == '-'; i += 2) {
		if (strcmp(argv[i], "--deadline") == 0)
			d->options.deadline_ms = atoi(argv[i + 1]);
		else if (strcmp(argv[i], "--attempt") == 0)
			d->options.attempt_ms = atoi(argv[i + 1]);
		else if (http_config_load(&d->http, argv[i + 1], &e) < 0)
			die(e.text);
		else
			d->options.http = &d->http;
	}
	d->urls = (const char *const *)(argv + i);
	d->n = (size_t)(argc - i);
}

static void open_clients(struct driver *d)
{
	struct buf list;
	struct err e;

	buf_init(&list, MAX_BODY);
	for (size_t i = 0; i < d->n; i++)
		buf_addf(&list, "%s%s", i ? "," : "", d->urls[i]);
	d->loop = loop_new(&e);
	d->blocking = etcd_open(buf_str(&list), &d->options, &e);
	d->on_loop = etcd_open_on(d->loop, d->urls, d->n, &d->options, &e);
	if (!d->blocking || !d->on_loop)
		die(e.text);
	buf_free(&list);
}

int main(int argc, char **argv)
{
	struct driver d = { .n = 0 };
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	read_arguments(&d, argc, argv);
	open_clients(&d);
	while ((n = getline(&line, &cap, stdin)) > 0)
		one_line(&d, line, (size_t)n);
	free(line);
	etcd_close(d.blocking);
	etcd_close(d.on_loop);
	loop_free(d.loop);
	http_config_free(&d.http);
	return 0;
}
