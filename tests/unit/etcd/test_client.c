/* Whom the client asks, whom it asks next, and what it never asks twice:
 * against members that do as the test says. */
#include "etcd/client.c"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/guarded_loop.h"
#include "tests/unit/http_script.h"

enum { MEMBERS = 3, DEADLINE = 5000 };

/* --- members --- */

enum way {
	ANSWERS, LOSES, SILENT, NO_V2, NO_QUORUM, RUBBISH, EMPTY, NO_SUCH_KEY,
	WATCHED, BREAKS, WAYS
};

/* An answer to every question, for each decoder takes what it knows. */
static const char any[] = "{\"action\":\"get\",\"node\":{\"key\":\"/a\","
    "\"value\":\"v\",\"dir\":true,\"modifiedIndex\":2,\"createdIndex\":1},"
    "\"health\":\"true\",\"etcdserver\":\"3\",\"etcdcluster\":\"3\","
    "\"members\":[],\"id\":\"1\",\"name\":\"m\",\"state\":\"s\","
    "\"leader\":\"1\",\"followers\":{},\"leaderInfo\":{},"
    "\"startTime\":\"2026-11-22T07:45:32Z\",\"recvAppendRequestCnt\":0,"
    "\"sendAppendRequestCnt\":0,\"getsSuccess\":0,\"getsFail\":0,"
    "\"setsSuccess\":0,\"setsFail\":0,\"deleteSuccess\":0,\"deleteFail\":0,"
    "\"updateSuccess\":0,\"updateFail\":0,\"createSuccess\":0,"
    "\"createFail\":0,\"compareAndSwapSuccess\":0,"
    "\"compareAndSwapFail\":0,\"compareAndDeleteSuccess\":0,"
    "\"compareAndDeleteFail\":0,\"expireCount\":0,\"watchers\":0}\n";

/* Heads, and bodies where there are any. */
static const struct {
	const char *head, *body;
} answers[WAYS] = {
	[ANSWERS] = { "200 OK\r\nX-Etcd-Index: 9", any },
	[NO_V2] = { "404 Not Found\r\nContent-Type: text/plain",
	    "404 page not found\n" },
	[NO_QUORUM] = { "500 X", "{\"errorCode\":300}" },
	[RUBBISH] = { "200 OK", "<html>" },
	[EMPTY] = { "200 OK", "" },
	[NO_SUCH_KEY] = { "404 Not Found", "{\"errorCode\":100}" },
	[WATCHED] = { "200 OK\r\nX-Etcd-Index: 40\r\n"
	    "Transfer-Encoding: chunked", NULL },
	[BREAKS] = { "200 OK\r\nX-Etcd-Index: 40\r\n"
	    "Transfer-Encoding: chunked", NULL },
};

struct member {
	struct script script;
	atomic_int way, asked;
	char line[400];			/* the last request's first */
	bool gone;
};

static struct member members[MEMBERS];

static void answer(int fd, enum way way)
{
	const char *body = answers[way].body;
	char text[1200], length[60] = "";

	if (body)
		snprintf(length, sizeof(length), "\r\nContent-Length: %zu",
		    strlen(body));
	snprintf(text, sizeof(text), "HTTP/1.1 %s%s\r\n\r\n%s",
	    answers[way].head, length, body ? body : "");
	script_puts(fd, text);
}

static bool serve(struct script *s, int fd, const char *request, void *arg)
{
	struct member *m = arg;
	enum way way = (enum way)atomic_load(&m->way);

	(void)s;
	snprintf(m->line, sizeof(m->line), "%.*s",
	    (int)strcspn(request, "\r"), request);
	atomic_fetch_add(&m->asked, 1);
	if (way == LOSES)
		return false;
	if (way == SILENT)
		return script_silence(fd);
	answer(fd, way);
	return way == WATCHED ? script_silence(fd) : way != BREAKS;
}

/* So that nobody listens there. */
static void leave_port(struct member *m)
{
	script_stop(&m->script);
	m->gone = true;
}

/* --- the client under test --- */

static struct etcd_client *client;
static struct etcd_options options;
static int dones;
static struct etcd_result seen;		/* its strings are gone */

static void open_client(size_t n)
{
	const char *urls[MEMBERS];
	struct err e;

	etcd_close(client);
	for (size_t i = 0; i < n; i++)
		urls[i] = members[i].script.url;
	client = etcd_open_on(loop, urls, n, &options, &e);
	assert_non_null(client);
	assert_int_equal(etcd_client_count(client), n);
	assert_ptr_equal(etcd_client_loop(client), loop);
}

static int begin_test(void **state)
{
	(void)state;
	guarded_loop_begin();
	for (struct member *m = members; m < members + MEMBERS; m++) {
		*m = (struct member){ .way = ANSWERS };
		script_start(&m->script, serve, m);
	}
	options = (struct etcd_options){ .deadline_ms = DEADLINE };
	dones = 0;
	open_client(MEMBERS);
	return 0;
}

static int end_test(void **state)
{
	(void)state;
	etcd_close(client);
	client = NULL;
	guarded_loop_end();
	for (struct member *m = members; m < members + MEMBERS; m++)
		if (!m->gone)
			script_stop(&m->script);
	return 0;
}

static void on_answer_seen(const struct etcd_result *r, void *arg)
{
	(void)arg;
	dones++;
	seen = *r;
	loop_stop(loop);
}

static void ask(struct etcd_request r)
{
	dones = 0;
	etcd_send(client, &r, on_answer_seen, NULL);
	loop_run(loop);
	assert_int_equal(dones, 1);
}

static void forget_asked(void)
{
	for (int i = 0; i < MEMBERS; i++)
		atomic_store(&members[i].asked, 0);
}

static void check_asked(int a, int b, int c)
{
	assert_int_equal(atomic_load(&members[0].asked), a);
	assert_int_equal(atomic_load(&members[1].asked), b);
	assert_int_equal(atomic_load(&members[2].asked), c);
}

static void check_answered_by(int i)
{
	assert_string_equal(seen.endpoint, members[i].script.url);
}

static void stop_the_loop(void *arg, mono_t now)
{
	(void)arg;
	(void)now;
	loop_stop(loop);
}

static void run_for(int64_t ms)
{
	struct timer *t = timer_new(loop, stop_the_loop, NULL);

	timer_set(t, mono_add(clock_mono(), ms));
	loop_run(loop);
	timer_free(t);
}

static void run_until_asked(int i, int n)
{
	while (atomic_load(&members[i].asked) < n)
		run_for(5);
}

/* --- every operation, and whether it may be sent twice --- */

static struct etcd_request operation(int i, bool *again_r)
{
	struct etcd_request r;

	*again_r = false;
	switch (i) {
	case 0:
		return etcd_create("/a", "v");
	case 1:
		return etcd_create_in_order("/q", "v");
	case 2:
		return etcd_compare_and_swap("/a", "v", "old", 0);
	case 3:
		return etcd_compare_and_swap("/a", "v", NULL, 7);
	case 4:
		return etcd_compare_and_delete("/a", "old", 0);
	case 5:
		return etcd_delete("/a");
	case 6:
		return etcd_mkdir("/d");
	case 7:
		return etcd_rmdir("/d");
	case 8:
		return etcd_member_add("http://h:1");
	case 9:
		return etcd_member_remove("1");
	case 10:		/* the second finds another index */
		r = etcd_refresh("/a", 5);
		r.prev_index = 7;
		return r;
	default:
		break;
	}
	*again_r = true;
	switch (i) {
	case 11:
		return etcd_get("/a");
	case 12:
		return etcd_set("/a", "v");
	case 13:
		return etcd_update("/a", "v");
	case 14:
		return etcd_refresh("/a", 5);
	case 15:
		r = etcd_refresh("/a", 5);
		r.prev_value = "v";
		return r;
	case 16:
		return etcd_list("/a");
	case 17:
		return etcd_update_dir("/d", 5);
	case 18:
		return etcd_watch("/a", 1);
	case 19:
		return etcd_health();
	case 20:
		return etcd_version();
	case 21:
		return etcd_members();
	case 22:
		return etcd_leader();
	case 23:
		return etcd_stats_self();
	case 24:
		return etcd_stats_leader();
	case 25:
		return etcd_stats_store();
	case 26:
		return etcd_index();
	default:
		return etcd_member_update("1", "http://h:1");
	}
}

enum { OPERATIONS = 28 };

/* Nobody listens: certainly not done, so that the next one is asked, whatever
 * it is. */
static void test_not_done(void **state)
{
	bool again;

	(void)state;
	leave_port(&members[0]);
	for (int i = 0; i < OPERATIONS; i++) {
		open_client(MEMBERS);
		forget_asked();
		ask(operation(i, &again));
		check_asked(0, 1, 0);
		check_answered_by(1);
		assert_int_equal(seen.outcome, ETCD_OK);
	}
}

static void test_not_done_without_v2(void **state)
{
	bool again;

	(void)state;
	members[0].way = NO_V2;
	for (int i = 0; i < OPERATIONS; i++) {
		struct etcd_request r = operation(i, &again);

		if (r.kind == ETCD_KIND_HEALTH || r.kind == ETCD_KIND_VERSION)
			continue;
		open_client(MEMBERS);
		forget_asked();
		ask(r);
		check_asked(1, 1, 0);
		check_answered_by(1);
	}
}

/* Nobody knows whether it was done. */
static void lose_with(enum way way, int step)
{
	bool again;

	members[0].way = way;
	for (int i = 0; i < OPERATIONS; i += step) {
		struct etcd_request r = operation(i, &again);

		open_client(MEMBERS);
		forget_asked();
		ask(r);
		if (again) {
			check_asked(1, 1, 0);
			check_answered_by(1);
		} else {
			check_asked(1, 0, 0);
			check_answered_by(0);
			assert_int_not_equal(seen.outcome, ETCD_OK);
		}
	}
}

static void test_answer_lost(void **state)
{
	(void)state;
	lose_with(LOSES, 1);
}

static void test_no_quorum(void **state)
{
	(void)state;
	lose_with(NO_QUORUM, 1);
}

static void test_silent(void **state)
{
	(void)state;
	options.attempt_ms = 200;
	lose_with(SILENT, 5);
}

/* On a connection used before, curl would send it again by itself. */
static void test_answer_lost_on_a_used_connection(void **state)
{
	bool again;

	(void)state;
	open_client(1);
	for (int i = 0; i < OPERATIONS; i++) {
		struct etcd_request r = operation(i, &again);

		if (again)
			continue;
		members[0].way = ANSWERS;
		ask(etcd_get("/a"));
		assert_int_equal(seen.outcome, ETCD_OK);
		ask(r);
		members[0].way = LOSES;
		forget_asked();
		ask(r);
		assert_int_equal(seen.outcome, ETCD_FAILED);
		assert_int_equal(seen.fetch_error, FETCH_BROKEN);
		check_asked(1, 0, 0);
	}
}

/* ... which is why each has a connection of its own.  They are closed, or a
 * program would come to the end of its descriptors. */
static void test_connections_are_given_back(void **state)
{
	(void)state;
	open_client(1);
	for (int i = 0; i < 10; i++) {
		ask(etcd_create("/a", "v"));
		ask(etcd_get("/a"));
		assert_int_equal(seen.outcome, ETCD_OK);
	}
	for (int i = 0; members[0].script.nclosed < 10 && i < 1000; i++)
		usleep(5000);
	assert_int_equal(members[0].script.nclosed, 10);
	assert_int_equal(members[0].script.nconnections, 11);
}

/* An answer is an answer, also one that says no. */
static void test_answers_end_it(void **state)
{
	(void)state;
	members[0].way = NO_SUCH_KEY;
	ask(etcd_get("/a"));
	assert_int_equal(seen.outcome, ETCD_ERROR);
	assert_int_equal(seen.error_code, ETCD_KEY_NOT_FOUND);
	ask(etcd_set("/a", "v"));
	ask(etcd_list("/a"));
	assert_true(seen.listing.missing);
	check_asked(3, 0, 0);
}

static void test_senseless_answers(void **state)
{
	(void)state;
	members[0].way = RUBBISH;
	members[1].way = EMPTY;
	ask(etcd_get("/a"));
	assert_int_equal(seen.outcome, ETCD_OK);
	check_asked(1, 1, 1);
	check_answered_by(2);
}

/* Each is asked once, and the last failure is told. */
static void test_all_fail(void **state)
{
	(void)state;
	members[0].way = members[2].way = LOSES;
	members[1].way = NO_QUORUM;
	ask(etcd_get("/a"));
	check_asked(1, 1, 1);
	assert_int_equal(seen.outcome, ETCD_FAILED);
	assert_int_equal(seen.fetch_error, FETCH_BROKEN);
	check_answered_by(2);
}

static void test_invalid(void **state)
{
	(void)state;
	ask(etcd_get("/a//b"));
	assert_int_equal(seen.outcome, ETCD_INVALID);
	assert_int_equal(seen.status, 0);
	check_asked(0, 0, 0);
	ask(etcd_get("/a"));
	check_answered_by(0);
}

/* Whatever the key is, what people read is one line of UTF-8. */
static void check_text(const char *want)
{
	if (strncmp(seen.text, want, strlen(want)) != 0)
		fail_msg("\"%s\", not \"%s\"", seen.text, want);
}

static void test_texts(void **state)
{
	static char key[5000];

	(void)state;
	for (int i = 0; i < MEMBERS; i++)
		members[i].way = LOSES;
	ask(etcd_get("/a\nb\xc0\x80\xe6\x9c\x8d\xff"));
	check_text("/v2/keys/a b??\xe6\x9c\x8d?: connection to 127.0.0.1:");
	ask(etcd_get("/a\n/../\xe6"));
	check_text("\"/a /../?\" is no key: a name in it is empty, \".\" or "
	    "\"..\"");
	memset(key, 'x', sizeof(key) - 1);
	memcpy(key, "\n\x01", 2);
	ask(etcd_get(key));
	check_text("the request for /  "
	    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx... makes a line of 5027 "
	    "bytes, and etcd takes 4096: shorten the key");
}

/* Who answered is asked first, until he fails. */
static void test_sticky(void **state)
{
	(void)state;
	members[0].way = LOSES;
	ask(etcd_get("/a"));
	ask(etcd_get("/a"));
	check_asked(1, 2, 0);
	assert_string_equal(etcd_client_target(client).url,
	    members[1].script.url);
	members[1].way = NO_SUCH_KEY;
	ask(etcd_get("/a"));
	check_asked(1, 3, 0);
	members[1].way = LOSES;
	members[0].way = ANSWERS;
	ask(etcd_get("/a"));
	check_answered_by(2);
	members[2].way = LOSES;
	ask(etcd_create("/a", "v"));	/* fails, and the next is in favour */
	assert_int_equal(seen.outcome, ETCD_FAILED);
	ask(etcd_create("/a", "v"));
	check_answered_by(0);
}

static void test_favour_of_others(void **state)
{
	(void)state;
	etcd_client_failed(client, members[1].script.url);
	assert_string_equal(etcd_client_target(client).url,
	    members[0].script.url);
	etcd_client_failed(client, members[0].script.url);
	ask(etcd_get("/a"));
	check_answered_by(1);
}

/* --- deadlines --- */

static int64_t took_ms(struct etcd_request r)
{
	mono_t began = clock_mono();

	ask(r);
	assert_int_equal(seen.outcome, ETCD_FAILED);
	assert_int_equal(seen.fetch_error, FETCH_TIMEOUT);
	return mono_since(began, clock_mono());
}

static void test_deadline_is_total(void **state)
{
	int64_t ms;

	(void)state;
	for (int i = 0; i < MEMBERS; i++)
		members[i].way = SILENT;
	options.deadline_ms = 290;
	options.attempt_ms = 100;
	open_client(MEMBERS);
	ms = took_ms(etcd_get("/a"));
	assert_true(ms >= 235 && ms < 2000);
	run_until_asked(2, 1);
	check_asked(1, 1, 1);
	/* An attempt has a second at least, here more than there is. */
	options.attempt_ms = 0;
	open_client(MEMBERS);
	ms = took_ms(etcd_create("/a", "v"));
	assert_true(ms >= 280 && ms < 2000);
}

/* The last one has what the others left. */
static void test_shares(void **state)
{
	int64_t ms;

	(void)state;
	leave_port(&members[0]);
	members[1].way = SILENT;
	options.deadline_ms = 2400;
	open_client(2);
	ms = took_ms(etcd_create("/a", "v"));
	assert_true(ms >= 2300);
}

/* A poll that is quiet is no failure: it goes on with the same member for as
 * long as there is time, from where it was. */
static void test_quiet_watch(void **state)
{
	(void)state;
	members[0].way = WATCHED;
	options.deadline_ms = 1000;
	options.attempt_ms = 250;
	open_client(MEMBERS);
	assert_true(took_ms(etcd_watch("/a", 0)) >= 940);
	assert_int_equal(seen.status, 200);
	assert_int_equal(seen.meta.etcd_index, 40);
	check_asked(atomic_load(&members[0].asked), 0, 0);
	check_answered_by(0);
	assert_string_equal(members[0].line,
	    "GET /v2/keys/a?wait=true&waitIndex=41 HTTP/1.1");
	forget_asked();
	members[0].way = ANSWERS;
	ask(etcd_watch("/a", 0));
	check_answered_by(0);
}

/* A watch for what comes now: what comes while it moves on is not lost. */
static void test_watch_moves_on(void **state)
{
	(void)state;
	members[0].way = BREAKS;
	ask(etcd_watch("/a", 0));
	assert_int_equal(seen.outcome, ETCD_OK);
	check_asked(1, 1, 0);
	assert_string_equal(members[1].line,
	    "GET /v2/keys/a?wait=true&waitIndex=41 HTTP/1.1");
	members[1].way = BREAKS;
	ask(etcd_watch("/a", 7));
	assert_string_equal(members[2].line,
	    "GET /v2/keys/a?wait=true&waitIndex=7 HTTP/1.1");
}

/* --- many at a time --- */

enum { MANY = 150 };

static struct etcd_ask *many[MANY];
static int order[MANY], ended, wanted;

static void on_one_of_many(const struct etcd_result *r, void *arg)
{
	(void)r;
	order[ended++] = (int)((struct etcd_ask **)arg - many);
	if (ended == wanted)
		loop_stop(loop);
}

static void send_many(int n)
{
	struct etcd_request r = etcd_get("/a");

	ended = 0;
	wanted = n;
	for (int i = 0; i < n; i++)
		many[i] = etcd_send(client, &r, on_one_of_many, &many[i]);
}

/* 64 are under way, the rest waits and comes to its turn. */
static void test_queue(void **state)
{
	(void)state;
	members[0].way = SILENT;
	options.attempt_ms = 600;
	open_client(MEMBERS);
	send_many(MANY);
	assert_int_equal(client->nrunning, 64);
	run_until_asked(0, 64);
	check_asked(64, 0, 0);
	loop_run(loop);
	assert_int_equal(ended, MANY);
	assert_int_equal(client->nrunning, 0);
	assert_true(TAILQ_EMPTY(&client->waiting));
	check_asked(64, MANY, 0);
}

static void test_unsend(void **state)
{
	(void)state;
	etcd_unsend(NULL);
	members[0].way = members[1].way = SILENT;
	options.attempt_ms = 600;
	open_client(MEMBERS);
	send_many(66);
	etcd_unsend(many[65]);		/* waits */
	etcd_unsend(many[0]);		/* under way, not sent yet */
	assert_int_equal(client->nrunning, 64);
	etcd_unsend(many[1]);
	assert_int_equal(client->nrunning, 63);
	run_until_asked(0, 63);
	etcd_unsend(many[2]);		/* under way, not answered */
	run_until_asked(1, 62);
	etcd_unsend(many[3]);		/* at the second member */
	wanted = 61;
	loop_run(loop);
	assert_int_equal(ended, 61);
	for (int i = 0; i < ended; i++)
		assert_true(order[i] > 3 && order[i] < 65);
}

static void unsend_the_next(const struct etcd_result *r, void *arg)
{
	(void)r;
	(void)arg;
	dones++;
	for (int i = 1; i < MANY; i++)
		etcd_unsend(many[i]);
	loop_stop(loop);
}

/* Those under way and those that wait, by one that is told before. */
static void test_unsend_inside_done(void **state)
{
	struct etcd_request r = etcd_get("/a");

	(void)state;
	members[0].way = SILENT;
	for (int i = 1; i < MANY; i++) {
		if (i == 64) {
			etcd_client_failed(client, members[0].script.url);
			etcd_send(client, &r, unsend_the_next, NULL);
		}
		many[i] = etcd_send(client, &r, on_one_of_many, &many[i]);
	}
	loop_run(loop);
	assert_int_equal(dones, 1);
	assert_int_equal(client->nrunning, 0);
	assert_true(TAILQ_EMPTY(&client->waiting));
	run_for(50);
	assert_int_equal(dones, 1);
}

static void test_close(void **state)
{
	(void)state;
	etcd_close(NULL);
	members[0].way = SILENT;
	send_many(MANY);
	run_for(50);
	etcd_close(client);
	client = NULL;
	run_for(50);
	assert_int_equal(ended, 0);
}

static void close_client(const struct etcd_result *r, void *arg)
{
	(void)arg;
	assert_int_equal(r->outcome, ETCD_OK);
	dones++;
	etcd_close(client);
	client = NULL;
	loop_stop(loop);
}

static void test_close_inside_done(void **state)
{
	struct etcd_request r = etcd_get("/a");

	(void)state;
	etcd_send(client, &r, close_client, NULL);
	send_many(MANY);
	wanted = 0;
	while (dones == 0)
		loop_run(loop);
	run_for(50);
	assert_int_equal(dones, 1);
}

static void send_another(const struct etcd_result *r, void *arg)
{
	struct etcd_request next = etcd_get(r->event.node.key);

	(void)arg;
	if (++dones == 5)
		loop_stop(loop);
	else
		etcd_send(client, &next, send_another, NULL);
}

static void test_send_inside_done(void **state)
{
	struct etcd_request r = etcd_get("/a");

	(void)state;
	etcd_send(client, &r, send_another, NULL);
	loop_run(loop);
	check_asked(5, 0, 0);
}

/* The strings of a request need not outlive etcd_send(). */
static void test_strings_are_copied(void **state)
{
	char key[] = "/a", value[] = "v", old[] = "o";
	struct etcd_request r = etcd_compare_and_swap(key, value, old, 0);

	(void)state;
	r.refresh = true;		/* may go out on a kept connection */
	for (int i = 0; i < 66; i++)
		etcd_send(client, &r, on_answer_seen, NULL);
	key[1] = value[0] = old[0] = 'X';
	while (dones < 66)
		loop_run(loop);
	assert_string_equal(members[0].line, "PUT /v2/keys/a HTTP/1.1");
}

/* --- urls --- */

static void test_urls(void **state)
{
	const char *const good[] = { "HTTP://Host", "https://h:1/" };
	const char *const bad[] = { "http://h", "ftp://h" };
	struct etcd_client *c;
	struct err e;

	(void)state;
	c = etcd_open_on(loop, good, 2, NULL, &e);
	assert_non_null(c);
	assert_string_equal(etcd_client_target(c).url, "http://host:2379");
	etcd_client_failed(c, "http://host:2379");
	assert_string_equal(etcd_client_target(c).url, "https://h:1");
	assert_int_equal(c->deadline_ms, 10000);
	etcd_close(c);
	assert_null(etcd_open_on(loop, bad, 2, NULL, &e));
	assert_non_null(strstr(e.text, "ftp://h"));
	assert_null(etcd_open_on(loop, bad, 0, NULL, &e));
	assert_string_equal(e.text, "no URL of a member of etcd is given");
}

/* --- blocking --- */

static struct etcd_client *open_blocking(void)
{
	struct etcd_client *c;
	struct err e;
	char *list = xasprintf("%s, %s", members[0].script.url,
	    members[1].script.url);

	c = etcd_open(list, &options, &e);
	free(list);
	assert_non_null(c);
	return c;
}

static void test_blocking(void **state)
{
	struct etcd_client *c = open_blocking();
	const struct etcd_result *r;

	(void)state;
	r = etcd_do(c, etcd_get("/a"));
	assert_int_equal(r->outcome, ETCD_OK);
	assert_string_equal(r->event.node.value, "v");
	members[0].way = LOSES;
	r = etcd_do(c, etcd_get("/a"));
	assert_string_equal(r->endpoint, members[1].script.url);
	assert_int_equal(r->outcome, ETCD_OK);
	r = etcd_do(c, etcd_get("/a/.."));
	assert_int_equal(r->outcome, ETCD_INVALID);
	etcd_close(c);
}

/* What the last answer told is often what is asked next. */
static void test_blocking_asks_with_an_answer(void **state)
{
	struct etcd_client *c = open_blocking();
	const struct etcd_result *r = etcd_do(c, etcd_get("/a"));

	(void)state;
	for (int i = 0; i < 3; i++) {
		r = etcd_do(c, etcd_compare_and_swap(r->event.node.key, "w",
		    r->event.node.value, 0));
		assert_int_equal(r->outcome, ETCD_OK);
		assert_string_equal(members[0].line,
		    "PUT /v2/keys/a HTTP/1.1");
	}
	etcd_close(c);
}

static void stop_its_loop(void *arg, mono_t now)
{
	(void)now;
	dones++;
	loop_stop(etcd_client_loop(arg));
}

static void never(const struct etcd_result *r, void *arg)
{
	(void)r;
	(void)arg;
	fail_msg("told after the end");
}

/* Also while others use its loop, and stop it before there is an answer. */
static void test_blocking_beside_others(void **state)
{
	struct etcd_client *c = open_blocking();
	struct timer *t = timer_new(etcd_client_loop(c), stop_its_loop, c);
	struct etcd_request others = etcd_get("/a");

	(void)state;
	for (int i = 1; i <= 10; i++) {
		struct etcd_request r = i % 2 ? etcd_get("/a") :
		    etcd_version();

		timer_set(t, clock_mono());
		assert_int_equal(etcd_do(c, r)->kind, r.kind);
		assert_int_equal(dones, i);
	}
	timer_free(t);
	etcd_send(c, &others, never, NULL);
	etcd_close(c);
}

static void test_blocking_urls(void **state)
{
	char list[ETCD_MAX_MEMBERS * 12 + 20] = "";
	struct err e;

	(void)state;
	assert_null(etcd_open("", NULL, &e));
	assert_null(etcd_open(" , ", NULL, &e));
	assert_string_equal(e.text, "no URL of a member of etcd is given");
	assert_null(etcd_open("http://a,b", NULL, &e));
	for (int i = 0; i <= ETCD_MAX_MEMBERS; i++)
		strcat(list, "http://a:1,");
	assert_null(etcd_open(list, NULL, &e));
	assert_string_equal(e.text, "more than 64 URLs are given");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, begin_test, end_test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_not_done),
		TEST(test_not_done_without_v2),
		TEST(test_answer_lost),
		TEST(test_answer_lost_on_a_used_connection),
		TEST(test_connections_are_given_back),
		TEST(test_no_quorum),
		TEST(test_silent),
		TEST(test_answers_end_it),
		TEST(test_senseless_answers),
		TEST(test_all_fail),
		TEST(test_invalid),
		TEST(test_texts),
		TEST(test_sticky),
		TEST(test_favour_of_others),
		TEST(test_deadline_is_total),
		TEST(test_shares),
		TEST(test_quiet_watch),
		TEST(test_watch_moves_on),
		TEST(test_queue),
		TEST(test_unsend),
		TEST(test_unsend_inside_done),
		TEST(test_close),
		TEST(test_close_inside_done),
		TEST(test_send_inside_done),
		TEST(test_strings_are_copied),
		TEST(test_urls),
		TEST(test_blocking),
		TEST(test_blocking_asks_with_an_answer),
		TEST(test_blocking_beside_others),
		TEST(test_blocking_urls),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
