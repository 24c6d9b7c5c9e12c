/* collectors/poller.c, on the real loop against small HTTP servers:
 *	a member that hangs or is not there delays nobody, and never has two
 *	requests of a kind in flight
 *	the probe is told when the registry knows it
 *	what fails is asked less often, but for version, leader and keys
 *	an empty answer is asked again soon
 *	each pair has a moment of the period of its own
 *	one round per interval, failing members included */
#include "collectors/poller.c"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/log.h"
#include "tests/unit/collectors/fixture.h"

/* --- a server that answers by a script, in a thread --- */

enum { MAX_CONNECTIONS = 32 };

struct answer {
	const char *path, *head, *body;
};

static const struct answer answers[] = {
	{ "/health", "200 OK", "{\"health\":\"true\"}" },
	{ "/version", "200 OK",
	  "{\"etcdserver\":\"3.4.23\",\"etcdcluster\":\"3.4.0\"}" },
	{ "/v2/members/leader", "200 OK\r\nContent-Type: application/json",
	  "{\"id\":\"a1\",\"name\":\"m1\",\"peerURLs\":[],"
	  "\"clientURLs\":[]}" },
	{ "/v2/members", "200 OK\r\nContent-Type: application/json",
	  "{\"members\":[]}" },
	{ "/v2/stats/self", "200 OK\r\nContent-Type: application/json",
	  "{\"name\":\"m1\",\"id\":\"a1\",\"state\":\"StateLeader\","
	  "\"startTime\":\"2026-11-22T07:45:32.475111634Z\",\"leaderInfo\":{"
	  "\"leader\":\"a1\",\"uptime\":\"2.5s\","
	  "\"startTime\":\"2026-11-22T07:45:32.679284641Z\"},"
	  "\"recvAppendRequestCnt\":0,\"sendAppendRequestCnt\":5}" },
	{ "/v2/stats/leader", "200 OK\r\nContent-Type: application/json",
	  "{\"leader\":\"a1\",\"followers\":{}}" },
	{ "/v2/stats/store", "200 OK\r\nContent-Type: application/json",
	  "{\"getsSuccess\":1,\"getsFail\":1,\"setsSuccess\":1,"
	  "\"setsFail\":1,\"deleteSuccess\":1,\"deleteFail\":1,"
	  "\"updateSuccess\":1,\"updateFail\":1,\"createSuccess\":1,"
	  "\"createFail\":1,\"compareAndSwapSuccess\":1,"
	  "\"compareAndSwapFail\":1,\"compareAndDeleteSuccess\":1,"
	  "\"compareAndDeleteFail\":1,\"expireCount\":1,\"watchers\":1}" },
	{ "/v2/keys", "200 OK\r\nContent-Type: application/json\r\n"
	  "X-Etcd-Index: 12\r\nX-Raft-Index: 40\r\nX-Raft-Term: 2\r\n"
	  "X-Etcd-Cluster-Id: cc",
	  "" },			/* asked with HEAD */
};
enum { PATHS = sizeof(answers) / sizeof(answers[0]) };

struct server {
	char url[64];
	int listener, stop[2];
	bool hangs;
	atomic_uint empty_self;		/* answer so many with nothing */
	atomic_uint asked[PATHS];
	atomic_uint open;		/* connections now */
	pthread_t thread;
};

static unsigned asked(struct server *s, const char *path)
{
	for (size_t i = 0; i < PATHS; i++)
		if (strcmp(answers[i].path, path) == 0)
			return s->asked[i];
	fail();
	return 0;
}

static void answer(struct server *s, int fd, const char *path)
{
	char head[512];
	const char *body;
	size_t i = 0;

	while (i < PATHS && strncmp(path, answers[i].path,
	    strlen(answers[i].path)) != 0)
		i++;
	assert_true(i < PATHS);
	s->asked[i]++;
	if (s->hangs)
		return;
	body = answers[i].body;
	if (strcmp(answers[i].path, "/v2/stats/self") == 0 &&
	    s->empty_self > 0) {
		s->empty_self--;
		body = "";
	}
	snprintf(head, sizeof(head), "HTTP/1.1 %s\r\nContent-Length: %zu\r\n"
	    "\r\n%s", answers[i].head, strlen(body), body);
	assert_true(write(fd, head, strlen(head)) > 0);
}

/* Requests here are small enough to come in one piece. */
static bool serve(struct server *s, int fd)
{
	char text[4096], path[1024];
	ssize_t n = read(fd, text, sizeof(text) - 1);

	if (n <= 0)
		return false;
	text[n] = '\0';
	if (sscanf(text, "%*s %1023s", path) == 1)
		answer(s, fd, path);
	return true;
}

static void *server_main(void *arg)
{
	struct server *s = arg;
	struct pollfd p[MAX_CONNECTIONS + 2] = {
		{ .fd = s->stop[0], .events = POLLIN },
		{ .fd = s->listener, .events = POLLIN },
	};
	nfds_t n = 2;

	for (;;) {
		s->open = (unsigned)n - 2;
		poll(p, n, -1);
		if (p[0].revents)
			break;
		for (nfds_t i = n; i-- > 2;) {
			if (p[i].revents && !serve(s, p[i].fd)) {
				close(p[i].fd);
				p[i] = p[--n];
			}
		}
		if (p[1].revents && n < MAX_CONNECTIONS + 2)
			p[n++] = (struct pollfd){ .events = POLLIN,
			    .fd = accept(s->listener, NULL, NULL) };
	}
	while (n-- > 2)
		close(p[n].fd);
	return NULL;
}

static int listen_on_loopback(char *url, size_t size)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	snprintf(url, size, "http://127.0.0.1:%d", ntohs(a.sin_port));
	return fd;
}

static void server_start(struct server *s, bool hangs)
{
	memset(s, 0, sizeof(*s));
	s->hangs = hangs;
	s->listener = listen_on_loopback(s->url, sizeof(s->url));
	assert_int_equal(listen(s->listener, 32), 0);
	assert_int_equal(pipe(s->stop), 0);
	pthread_create(&s->thread, NULL, server_main, s);
}

static void server_stop(struct server *s)
{
	close(s->stop[1]);
	pthread_join(s->thread, NULL);
	close(s->stop[0]);
	close(s->listener);
}

/* --- the loop, until something is so --- */

static struct loop *loop;
static struct fixture f;
static struct poller *poller;
static struct server good, bad;
static char dead_url[64];		/* bound, but nobody listens */
static int dead_fd;
static bool (*condition)(void);

static void each_turn(void *arg, mono_t now)
{
	(void)arg;
	event_flush(f.bus, now);
	if (condition && condition())
		loop_stop(loop);
}

static void too_late(void *arg, mono_t now)
{
	(void)now;
	*(bool *)arg = true;
	loop_stop(loop);
}

/* Runs for ms, or until it is so; false: it never was. */
static bool run(int64_t ms, bool (*until)(void))
{
	bool late = false;
	struct timer *t = timer_new(loop, too_late, &late);

	condition = until;
	timer_set(t, mono_add(clock_mono(), ms));
	loop_run(loop);
	timer_free(t);
	return !late;
}

static int setup(void **state)
{
	const char *urls[3] = { good.url, bad.url, dead_url };

	(void)state;
	log_set_level(LEVEL_ERROR);
	loop = loop_new(NULL);
	server_start(&good, false);
	server_start(&bad, true);
	dead_fd = listen_on_loopback(dead_url, sizeof(dead_url));
	fixture_init(&f, urls, 3);
	f.cluster->config->poll_interval_ms = 200;
	f.cluster->config->poll_timeout_ms = 600;
	loop_each_turn(loop, each_turn, NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	poller_free(poller);
	poller = NULL;
	loop_free(loop);
	fixture_fini(&f);
	server_stop(&good);
	server_stop(&bad);
	close(dead_fd);
	return 0;
}

static void start_polling(void)
{
	poller = poller_new(loop, f.registry, f.cluster);
}

static struct member *member(size_t i)
{
	return &f.cluster->members[i];
}

static bool good_is_known(void)
{
	for (int e = 0; e < ENDPOINT_COUNT; e++)
		if (!member(0)->endpoints[e].up)
			return false;
	return true;
}

static void test_nobody_is_delayed(void **state)
{
	(void)state;
	start_polling();
	assert_true(run(2000, good_is_known));
	assert_true(f.cluster->has_leader && member(0)->is_leader);
	assert_true(member(0)->up && member(0)->healthy);
	assert_int_equal(member(0)->index, 12);
	assert_false(member(1)->endpoints[ENDPOINT_LEADER].up);
	run(2000, NULL);
	assert_true(asked(&good, "/v2/members/leader") >= 3);
	assert_true(asked(&good, "/version") >= 6);
	assert_int_equal(member(0)->endpoints[ENDPOINT_VERSION].failures, 0);
}

static void test_member_that_hangs(void **state)
{
	const struct endpoint_state *s = member(1)->endpoints;
	unsigned most = 0;

	(void)state;
	start_polling();
	for (int i = 0; i < 25; i++) {
		run(100, NULL);
		if (bad.open > most)
			most = bad.open;
	}
	assert_in_range(most, 1, COLLECTOR_COUNT);
	assert_true(s[ENDPOINT_VERSION].polled && !s[ENDPOINT_VERSION].up);
	/* A deadline of 600 ms, asked again at once. */
	assert_in_range(s[ENDPOINT_VERSION].failures, 2, 5);
	assert_in_range(s[ENDPOINT_LEADER].failures, 1, 3);
	assert_false(member(1)->up);
}

static unsigned probes;

static void on_probe(void *arg, struct member *m, bool answered,
    bool has_leader, mono_t sent, mono_t now)
{
	assert_ptr_equal(arg, &f);
	assert_true(sent.ms <= now.ms);
	if (m == member(0)) {
		assert_true(answered && has_leader);
		assert_true(f.cluster->has_leader);
		probes++;
	} else {
		assert_false(answered || has_leader);
	}
}

static bool probed_thrice(void)
{
	return probes >= 3;
}

static void test_probe_is_told(void **state)
{
	(void)state;
	probes = 0;
	start_polling();
	poller_on_probe(poller, on_probe, &f);
	assert_true(run(4000, probed_thrice));
}

/* 200 ms for version, up to 800 ms for what backs off. */
static void test_backoff(void **state)
{
	const struct endpoint_state *s = member(2)->endpoints;

	(void)state;
	start_polling();
	run(3000, NULL);
	assert_in_range(s[ENDPOINT_VERSION].failures, 8, 16);
	assert_in_range(s[ENDPOINT_STATS_SELF].failures, 2, 6);
	assert_in_range(s[ENDPOINT_STATS_STORE].failures, 2, 6);
	assert_in_range(s[ENDPOINT_MEMBERS].failures, 2, 6);
	assert_in_range(s[ENDPOINT_LEADER].failures, 2, 5);
	assert_in_range(s[ENDPOINT_KEYS].failures, 2, 5);
	/* Every interval, though its statistics are asked less often. */
	assert_in_range(f.rounds[2], 5, 16);
	assert_in_range(f.rounds[0], 5, 16);
}

static bool self_is_known(void)
{
	return member(0)->endpoints[ENDPOINT_STATS_SELF].up;
}

static void test_empty_is_asked_again_soon(void **state)
{
	const struct endpoint_state *s =
	    &member(0)->endpoints[ENDPOINT_STATS_SELF];

	(void)state;
	f.cluster->config->poll_interval_ms = 60000;
	good.empty_self = 1;
	start_polling();
	assert_true(run(1500, self_is_known));
	assert_int_equal(s->requests, 2);
	assert_int_equal(s->request_failures, 0);
}

/* From the first poll to the second: of the pairs polled once per interval not
 * more than a few fall into the same tenth of it. */
static void test_polls_are_spread(void **state)
{
	enum { INTERVAL_MS = 15000, TENTHS = 10 };
	bool hit[TENTHS] = { false };
	int64_t first, wait;
	struct poll *p;
	int hits = 0;

	(void)state;
	f.cluster->config->poll_interval_ms = INTERVAL_MS;
	start_polling();
	for (size_t i = 0; i < poller->n; i++) {
		p = &poller->polls[i];
		if (collector_every_ms(p->collector, f.cluster) !=
		    INTERVAL_MS)
			continue;
		first = p->due.ms;
		schedule(p, p->due);
		wait = p->due.ms - first;
		assert_in_range(wait, FIRST_WITHIN_MS,
		    INTERVAL_MS + FIRST_WITHIN_MS);
		hit[wait % INTERVAL_MS / (INTERVAL_MS / TENTHS)] = true;
	}
	for (int i = 0; i < TENTHS; i++)
		hits += hit[i];
	assert_in_range(hits, 4, TENTHS);
}

static void test_free_at_any_moment(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++) {
		start_polling();
		run(40 * i, NULL);
		poller_free(poller);
	}
	poller = NULL;
	run(20, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(test_nobody_is_delayed),
		T(test_member_that_hangs),
		T(test_probe_is_told),
		T(test_backoff),
		T(test_empty_is_asked_again_soon),
		T(test_polls_are_spread),
		T(test_free_at_any_moment),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
