/* The calls against a server that replays bytes recorded from etcd, or what
 * the test makes up. */
#include "etcd/call.c"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/guarded_loop.h"
#include "tests/unit/http_script.h"

enum { DEADLINE = 5000 };

static struct script server;
static struct etcd_target target;

/* The last request line, and what to answer it with. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char asked[400];
static const char *reply;
static bool then_silence;

/* What came of the last call. */
static int heads, dones;
static struct etcd_meta head_meta;
static long head_status;
static enum etcd_outcome outcome;
static struct etcd_result seen;		/* its strings are gone */
static char text[320], key[200];
static struct etcd_call *call;

static bool replay(struct script *s, int fd, const char *request, void *arg)
{
	const char *bytes;

	(void)s;
	(void)arg;
	pthread_mutex_lock(&lock);
	snprintf(asked, sizeof(asked), "%.*s", (int)strcspn(request, "\r"),
	    request);
	bytes = reply;
	pthread_mutex_unlock(&lock);
	script_puts(fd, bytes);
	return then_silence ? script_silence(fd) : true;
}

static int begin_test(void **state)
{
	(void)state;
	guarded_loop_begin();
	script_start(&server, replay, NULL);
	target = (struct etcd_target){ .loop = loop, .url = server.url };
	then_silence = false;
	heads = dones = 0;
	return 0;
}

static int end_test(void **state)
{
	(void)state;
	guarded_loop_end();
	script_stop(&server);
	return 0;
}

static void will_answer(const char *bytes)
{
	pthread_mutex_lock(&lock);
	reply = bytes;
	pthread_mutex_unlock(&lock);
}

/* A recorded answer, headers and all, as it came over the wire. */
static const char *recorded(const char *name)
{
	static char bytes[65536];
	char path[200];
	size_t n;
	FILE *in;

	snprintf(path, sizeof(path), "tests/fixtures/%s", name);
	in = fopen(path, "r");
	if (!in)
		fail_msg("cannot open %s: run this in the top directory",
		    path);
	n = fread(bytes, 1, sizeof(bytes) - 1, in);
	fclose(in);
	bytes[n] = '\0';
	return bytes;
}

static void on_call_head(const struct etcd_meta *m, long status, void *arg)
{
	(void)arg;
	assert_int_equal(dones, 0);
	heads++;
	head_meta = *m;
	head_status = status;
}

static void on_call_done(const struct etcd_result *r, void *arg)
{
	(void)arg;
	dones++;
	seen = *r;
	outcome = r->outcome;
	snprintf(text, sizeof(text), "%s", r->text);
	key[0] = '\0';
	if (arg && outcome == ETCD_OK)
		snprintf(key, sizeof(key), "%s", r->event.node.key);
	etcd_cancel(call);		/* of no effect inside done */
	loop_stop(loop);
}

static void run(struct etcd_call *c)
{
	call = c;
	heads = dones = 0;
	loop_run(loop);
	assert_int_equal(dones, 1);
}

static struct etcd_call *ask(struct etcd_request r)
{
	return etcd_start(&target, &r, DEADLINE, on_call_done, NULL);
}

static struct etcd_call *start_watch(const char *path, uint64_t index,
    int64_t deadline_ms, etcd_head *head)
{
	struct etcd_request r = etcd_watch(path, index);
	struct etcd_call *c;

	r.recursive = true;
	c = etcd_start(&target, &r, deadline_ms, on_call_done, &server);
	etcd_on_head(c, head);
	return c;
}

static struct etcd_call *start_list(const char *path, bool quorum,
    etcd_done *done)
{
	struct etcd_request r = etcd_list(path);

	r.recursive = true;
	r.quorum = quorum;
	return etcd_start(&target, &r, DEADLINE, done, NULL);
}

static void watch(const char *path, uint64_t index, int64_t deadline_ms)
{
	run(start_watch(path, index, deadline_ms, on_call_head));
}

static void test_watch_answered(void **state)
{
	int i;

	(void)state;
	will_answer(recorded("watch_raw_longpoll_set.http"));
	for (i = 0; i < 3; i++) {
		watch("/svc", 18446744073709551615u, DEADLINE);
		assert_int_equal(heads, 1);
		assert_int_equal(head_status, 200);
		assert_int_equal(head_meta.etcd_index, 3);
		assert_int_equal(head_meta.raft_index, 4);
		assert_int_equal(head_meta.raft_term, 2);
		assert_string_equal(head_meta.cluster_id, "303fa6d4b92186ae");
		assert_true(head_meta.date.ms == 1795334736000);
		assert_int_equal(outcome, ETCD_OK);
		assert_string_equal(key, "/svc/web/n1");
		assert_int_equal(seen.event.node.ttl, 30);
		assert_int_equal(seen.meta.etcd_index, 3);
	}
	assert_string_equal(asked, "GET /v2/keys/svc/?wait=true&"
	    "waitIndex=18446744073709551615&recursive=true HTTP/1.1");
	assert_int_equal(server.nconnections, 1);
}

/* How a quiet poll ends: the index it began with is known all the same. */
static void test_watch_quiet(void **state)
{
	(void)state;
	then_silence = true;
	will_answer(recorded("watch_raw_longpoll_blocked_headers_only.http"));
	watch("/quiet", 7, 200);
	assert_int_equal(heads, 1);
	assert_int_equal(outcome, ETCD_FAILED);
	assert_int_equal(seen.fetch_error, FETCH_TIMEOUT);
	assert_true(head_meta.etcd_index > 0);
	assert_int_equal(seen.meta.etcd_index, head_meta.etcd_index);
	assert_string_equal(seen.meta.cluster_id, head_meta.cluster_id);
	assert_int_equal(seen.status, 200);
	assert_memory_equal(text, "/v2/keys/quiet: no end of the answer", 36);
}

static void test_watch_ends(void **state)
{
	(void)state;
	will_answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "0\r\n\r\n");
	watch("/svc", 1, DEADLINE);
	assert_int_equal(outcome, ETCD_EMPTY);
	will_answer("HTTP/1.1 400 Bad Request\r\nX-Etcd-Index: 1457\r\n"
	    "Content-Length: 17\r\n\r\n{\"errorCode\":401}");
	watch("/svc", 1, DEADLINE);
	assert_int_equal(head_status, 400);
	assert_int_equal(outcome, ETCD_ERROR);
	assert_int_equal(seen.error_code, ETCD_INDEX_CLEARED);
	assert_int_equal(seen.meta.etcd_index, 1457);
}

static void test_requests(void **state)
{
	static const struct {
		const char *path;
		bool quorum;
		const char *line;
	} lists[] = {
		{ "/a", false, "GET /v2/keys/a/?recursive=true HTTP/1.1" },
		{ "/a/", true, "GET /v2/keys/a/?recursive=true&quorum=true "
		    "HTTP/1.1" },
		{ "/", false, "GET /v2/keys/?recursive=true HTTP/1.1" },
		{ "", false, "GET /v2/keys/?recursive=true HTTP/1.1" },
		{ "a//", false, "GET /v2/keys/a/?recursive=true HTTP/1.1" },
		{ "/a b/%/?#&\xc3\xa9~", false, "GET /v2/keys/a%20b/%25/%3F"
		    "%23%26%C3%A9~/?recursive=true HTTP/1.1" },
	};
	size_t i;

	(void)state;
	will_answer("HTTP/1.1 404 Not Found\r\nContent-Length: 17\r\n\r\n"
	    "{\"errorCode\":100}");
	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		run(start_list(lists[i].path, lists[i].quorum,
		    on_call_done));
		assert_string_equal(asked, lists[i].line);
		assert_int_equal(outcome, ETCD_OK);
		assert_true(seen.listing.missing);
	}
}

static void test_index(void **state)
{
	(void)state;
	will_answer("HTTP/1.1 200 OK\r\nX-Etcd-Index: 5\r\nX-Raft-Index: -1"
	    "\r\nX-Raft-Term: 3\r\nX-Etcd-Cluster-Id: 0123456789abcdef01234567"
	    "89abcdef\r\nDate: yesterday\r\nContent-Length: 99999\r\n\r\n");
	run(ask(etcd_index()));
	assert_string_equal(asked, "HEAD /v2/keys/ HTTP/1.1");
	assert_int_equal(outcome, ETCD_OK);
	assert_int_equal(seen.meta.etcd_index, 5);
	assert_int_equal(seen.meta.raft_index, 0);
	assert_int_equal(seen.meta.raft_term, 3);
	assert_int_equal(strlen(seen.meta.cluster_id), 31);
	assert_int_equal(seen.meta.date.ms, 0);
}

/* For who may not read the root: small, however large the directory is. */
static void test_index_below(void **state)
{
	struct etcd_request below = etcd_index();

	(void)state;
	below.path = "/a b/";
	will_answer("HTTP/1.1 404 Not Found\r\nX-Etcd-Index: 5\r\n"
	    "Content-Type: application/json\r\nContent-Length: 17\r\n\r\n"
	    "{\"errorCode\":100}");
	run(ask(below));
	assert_string_equal(asked, "GET /v2/keys/a%20b/_rollcall HTTP/1.1");
	assert_int_equal(outcome, ETCD_OK);
	assert_int_equal(seen.meta.etcd_index, 5);
	assert_int_equal(seen.meta.raft_term, 0);
	will_answer("HTTP/1.1 404 Not Found\r\nContent-Type: application/json"
	    "\r\nContent-Length: 17\r\n\r\n{\"errorCode\":100}");
	run(ask(below));
	assert_int_equal(outcome, ETCD_ERROR);
}

static void test_other_calls(void **state)
{
	static struct etcd_request (*const calls[])(void) = {
		etcd_health, etcd_version, etcd_members, etcd_leader,
		etcd_stats_self, etcd_stats_leader, etcd_stats_store
	};
	static const char *const paths[] = {
		"/health", "/version", "/v2/members", "/v2/members/leader",
		"/v2/stats/self", "/v2/stats/leader", "/v2/stats/store"
	};
	char line[100];
	size_t i;

	(void)state;
	will_answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		run(ask(calls[i]()));
		snprintf(line, sizeof(line), "GET %s HTTP/1.1", paths[i]);
		assert_string_equal(asked, line);
		assert_int_equal(outcome, ETCD_EMPTY);
		assert_memory_equal(text, paths[i], strlen(paths[i]));
	}
}

static void test_failures(void **state)
{
	char large[8192];

	(void)state;
	memset(large, 'x', sizeof(large));
	memcpy(large, "HTTP/1.0 200 OK\r\n\r\n", 19);
	large[sizeof(large) - 1] = '\0';
	will_answer(large);
	run(ask(etcd_health()));
	assert_int_equal(outcome, ETCD_FAILED);
	assert_int_equal(seen.fetch_error, FETCH_TOO_LARGE);
	script_stop(&server);
	run(ask(etcd_health()));
	assert_int_equal(outcome, ETCD_FAILED);
	assert_int_equal(seen.fetch_error, FETCH_CONNECT);
	assert_memory_equal(text, "/health: cannot connect to 127.0.0.1:",
	    37);
	script_start(&server, replay, NULL);
}

/* --- a listing in many pieces --- */

enum { KEYS = 5000 };

enum { LARGE = 200 * KEYS + 200 };

/* The server's threads read these, so they stay as they are. */
static char cut_listing[LARGE], wrong_listing[LARGE];

static const char *large_listing(void)
{
	static char bytes[LARGE];
	size_t n;
	int i;

	if (bytes[0])
		return bytes;

	n = (size_t)sprintf(bytes, "HTTP/1.0 200 OK\r\nX-Etcd-Index: 9\r\n"
	    "\r\n{\"action\":\"get\",\"node\":{\"key\":\"/s\",\"dir\":true,"
	    "\"nodes\":[");
	for (i = 0; i < KEYS; i++)
		n += (size_t)sprintf(bytes + n, "%s{\"key\":\"/s/%d\","
		    "\"value\":\"v\",\"modifiedIndex\":%d,\"createdIndex\":"
		    "%d}", i ? "," : "", i, i + 1, i + 1);
	sprintf(bytes + n, "]}}\n");
	return bytes;
}

static bool answer_and_close(struct script *s, int fd, const char *request,
    void *arg)
{
	replay(s, fd, request, arg);
	return false;
}

static void check_listing(const struct etcd_result *r, void *arg)
{
	char want[20];
	size_t i;

	assert_int_equal(r->outcome, ETCD_OK);
	assert_int_equal(r->listing.n, KEYS);
	assert_int_equal(r->meta.etcd_index, 9);
	for (i = 0; i < KEYS; i++) {
		snprintf(want, sizeof(want), "/s/%zu", i);
		assert_string_equal(r->listing.v[i].key, want);
	}
	on_call_done(r, arg);
}

static void test_large_listing(void **state)
{
	(void)state;
	server.fn = answer_and_close;
	will_answer(large_listing());
	run(start_list("/s", true, check_listing));
}

static size_t ntold;

static void on_told(const struct etcd_node *n, void *arg)
{
	char want[20];

	(void)arg;
	assert_int_equal(dones, 0);
	assert_true(etcd_is_arriving(call));
	snprintf(want, sizeof(want), "/s/%zu", ntold++);
	assert_string_equal(n->key, want);
}

static void check_told(const struct etcd_result *r, void *arg)
{
	assert_null(r->listing.v);
	assert_int_equal(r->listing.n, 0);
	on_call_done(r, arg);
}

static void run_told(const char *bytes)
{
	server.fn = answer_and_close;
	will_answer(bytes);
	ntold = 0;
	call = start_list("/s", true, check_told);
	etcd_on_nodes(call, on_told);
	run(call);
}

/* Up to the 4000th key, and this behind it. */
static const char *spoil(char *to, const char *end)
{
	strcpy(to, large_listing());
	strcpy(strstr(to, "/s/4000"), end);
	return to;
}

static void test_told_while_it_arrives(void **state)
{
	(void)state;
	run_told(large_listing());
	assert_int_equal(outcome, ETCD_OK);
	assert_int_equal(ntold, KEYS);
	assert_int_equal(seen.meta.etcd_index, 9);
	/* Nobody says how long it is: only its end shows that it is none. */
	run_told(spoil(cut_listing, ""));
	assert_int_equal(outcome, ETCD_BAD);
	assert_int_equal(ntold, 4000);
	assert_int_equal(seen.listing.bad, 0);
	run_told(spoil(wrong_listing, "\\x"));
	assert_int_equal(outcome, ETCD_BAD);
	assert_non_null(strstr(text, "unknown escape at byte"));
}

static void test_listings_that_are_none(void **state)
{
	(void)state;
	run_told("HTTP/1.0 200 OK\r\n\r\n");
	assert_int_equal(outcome, ETCD_EMPTY);
	run_told("HTTP/1.0 404 Not Found\r\n\r\n{\"errorCode\":100}");
	assert_int_equal(outcome, ETCD_OK);
	assert_true(seen.listing.missing);
	run_told("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"action\":");
	assert_int_equal(outcome, ETCD_FAILED);
	run_told("HTTP/1.0 200 OK\r\n\r\n{\"action\":\"get\",\"node\":{\"key\":"
	    "\"/t\",\"dir\":true}}");
	assert_int_equal(outcome, ETCD_BAD);
	assert_string_equal(text, "/v2/keys/s: the answer is about \"/t\"");
	assert_int_equal(ntold, 0);
}

static void stop_when_told(void *arg, mono_t now)
{
	(void)arg;
	(void)now;
	if (ntold > 0)
		loop_stop(loop);
}

static void test_cancel_while_it_arrives(void **state)
{
	(void)state;
	server.fn = replay;
	then_silence = true;
	will_answer(cut_listing[0] ? cut_listing : spoil(cut_listing, ""));
	ntold = 0;
	call = start_list("/s", true, check_told);
	etcd_on_nodes(call, on_told);
	loop_each_turn(loop, stop_when_told, NULL);
	loop_run(loop);
	assert_true(etcd_is_arriving(call));
	etcd_cancel(call);
	assert_int_equal(dones, 0);
}

/* --- an event large enough for a thread --- */

static const char *large_event(void)
{
	static char bytes[300 * 1024];
	size_t n;

	n = (size_t)sprintf(bytes, "HTTP/1.0 200 OK\r\nX-Etcd-Index: 9\r\n"
	    "\r\n{\"action\":\"set\",\"node\":{\"key\":\"/s\","
	    "\"modifiedIndex\":9,\"createdIndex\":9,\"value\":\"");
	memset(bytes + n, 'x', 200 * 1024);
	strcpy(bytes + n + 200 * 1024, "\"}}\n");
	return bytes;
}

static void check_event(const struct etcd_result *r, void *arg)
{
	assert_int_equal(r->outcome, ETCD_OK);
	assert_int_equal(strlen(r->event.node.value), 200 * 1024);
	on_call_done(r, arg);
}

static struct etcd_call *start_large_event(etcd_done *fn)
{
	struct etcd_request r = etcd_watch("/s", 9);

	server.fn = answer_and_close;
	will_answer(large_event());
	return etcd_start(&target, &r, DEADLINE, fn, NULL);
}

static void test_large_event(void **state)
{
	(void)state;
	run(start_large_event(check_event));
	assert_int_equal(dones, 1);
}

static void stop_when_decoding(void *arg, mono_t now)
{
	(void)arg;
	(void)now;
	if (call->decoding)
		loop_stop(loop);
}

static void stop_later(void *arg, mono_t now)
{
	(void)arg;
	(void)now;
	loop_stop(loop);
}

/* Cancelled while the thread is at it: never told, nothing leaks. */
static void test_cancel_while_decoding(void **state)
{
	struct timer *t = timer_new(loop, stop_later, NULL);

	(void)state;
	call = start_large_event(check_event);
	loop_each_turn(loop, stop_when_decoding, NULL);
	loop_run(loop);
	assert_true(call->decoding);
	etcd_cancel(call);
	call = &(struct etcd_call){ 0 };
	timer_set(t, mono_add(clock_mono(), 100));
	loop_run(loop);
	assert_int_equal(dones, 0);
	timer_free(t);
}

static void test_loop_freed_while_decoding(void **state)
{
	call = start_large_event(check_event);
	loop_each_turn(loop, stop_when_decoding, NULL);
	loop_run(loop);
	etcd_cancel(call);
	end_test(state);
	assert_int_equal(dones, 0);
	begin_test(state);
}

static void cancel_at_head(const struct etcd_meta *m, long status, void *arg)
{
	(void)m;
	(void)status;
	(void)arg;
	heads++;
	etcd_cancel(call);
	loop_stop(loop);
}

static void test_cancel(void **state)
{
	(void)state;
	etcd_cancel(NULL);
	will_answer(recorded("watch_raw_longpoll_set.http"));
	call = start_watch("/svc", 1, DEADLINE, cancel_at_head);
	loop_run(loop);
	assert_int_equal(heads, 1);
	assert_int_equal(dones, 0);
	call = ask(etcd_health());
	etcd_cancel(call);
	run(ask(etcd_health()));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, begin_test, end_test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_watch_answered),
		TEST(test_watch_quiet),
		TEST(test_watch_ends),
		TEST(test_requests),
		TEST(test_index),
		TEST(test_index_below),
		TEST(test_other_calls),
		TEST(test_failures),
		TEST(test_large_listing),
		TEST(test_told_while_it_arrives),
		TEST(test_listings_that_are_none),
		TEST(test_cancel_while_it_arrives),
		TEST(test_large_event),
		TEST(test_cancel_while_decoding),
		TEST(test_loop_freed_while_decoding),
		TEST(test_cancel),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
