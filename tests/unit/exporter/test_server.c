/* The server over real sockets on loopback, against a snapshot of the test's
 * own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <zlib.h>

#include "core/snapshot.h"

static struct snapshot *test_acquire(void);
static void test_release(struct snapshot *s);

#define snapshot_acquire test_acquire
#define snapshot_release test_release
#include "exporter/server.c"
#undef snapshot_acquire
#undef snapshot_release
#include "snapshot_fixture.h"

static struct fixture fixture;
static struct snapshot *_Atomic current;
static atomic_int acquired;

static struct snapshot *test_acquire(void)
{
	acquired += current != NULL;
	return current;
}

static void test_release(struct snapshot *s)
{
	acquired -= s != NULL;
}

/* With other limits for readers, in seconds, or 0. */
static struct exporter *start_with(const char *address, unsigned idle_s,
    unsigned total_s)
{
	char *listen_at = xstrdup(address);
	struct exporter_options o = {
		.listen = { &listen_at, 1 },
		.telemetry_path = "/metrics",
		.external_url = "https://example.org/roll/",
		.idle_s = idle_s, .total_s = total_s,
	};
	struct err e = { "" };
	struct exporter *x = exporter_start(&o, &e);

	free(listen_at);
	if (x == NULL)
		fail_msg("%s", e.text);
	return x;
}

static struct exporter *start(const char *address)
{
	return start_with(address, 0, 0);
}

static int connect_to(const char *address)
{
	const char *colon = strrchr(address, ':');
	bool v6 = address[0] == '[';
	char *host = xstrndup(address + v6,
	    (size_t)(colon - address) - 2 * v6);
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
	    .ai_flags = AI_NUMERICHOST }, *list;
	struct timeval limit = { .tv_sec = 10 };
	int fd;

	assert_int_equal(getaddrinfo(host, colon + 1, &hints, &list), 0);
	fd = socket(list->ai_family, SOCK_STREAM, 0);
	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	assert_int_equal(connect(fd, list->ai_addr, list->ai_addrlen), 0);
	freeaddrinfo(list);
	free(host);
	return fd;
}

/* Sends bytes, returns everything that comes until the other side closes. */
static char *talk(const struct exporter *x, const char *bytes, size_t *n_r)
{
	int fd = connect_to(exporter_address(x, 0));
	char *got = xmalloc(1 << 20);
	ssize_t n;
	size_t len = 0;

	send(fd, bytes, strlen(bytes), MSG_NOSIGNAL);
	while ((n = recv(fd, got + len, (1 << 20) - 1 - len, 0)) > 0)
		len += (size_t)n;
	close(fd);
	got[len] = '\0';
	if (n_r != NULL)
		*n_r = len;
	return got;
}

/* One request with `Connection: close`; headers end in \r\n or are "". */
static char *ask(const struct exporter *x, const char *line,
    const char *headers)
{
	char request[1024];

	snprintf(request, sizeof(request), "%s HTTP/1.1\r\nHost: a\r\n"
	    "Connection: close\r\n%s\r\n", line, headers);
	return talk(x, request, NULL);
}

static void assert_has(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("\"%s\" is not in:\n%s", part, text);
}

static void check(const struct exporter *x, const char *line,
    const char *status, const char *part)
{
	char *got = ask(x, line, "");

	assert_true(strncmp(got, "HTTP/1.1 ", 9) == 0);
	assert_true(strncmp(got + 9, status, 3) == 0);
	assert_has(got, part);
	free(got);
}

static int set_up(void **state)
{
	fixture_registry(&fixture);
	current = &fixture.snapshot;
	*state = start("127.0.0.1:0");
	return 0;
}

static int tear_down(void **state)
{
	exporter_stop(*state);
	assert_int_equal(acquired, 0);
	fixture_free(&fixture);
	return 0;
}

static void test_paths(void **state)
{
	struct exporter *x = *state;

	check(x, "GET /metrics", "200", "\nrollcall_db_up 1\n");
	check(x, "GET /metrics", "200",
	    "\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n");
	check(x, "GET /metrics", "200",
	    "\r\nVary: Accept, Accept-Encoding\r\n");
	check(x, "GET /", "200", "<a href=\"/roll/metrics\">");
	check(x, "GET /", "200", "Content-Type: text/html; charset=utf-8\r\n");
	check(x, "GET /", "200", "\r\nCache-Control: no-store\r\n");
	check(x, "GET /-/healthy", "200", "healthy");
	check(x, "GET /-/healthy", "200", "\r\nCache-Control: no-store\r\n");
	check(x, "GET /-/ready", "200", "ready");
	check(x, "GET /nothing", "404", "\r\nCache-Control: no-store\r\n");
	check(x, "GET /nothing", "404", "\"errorType\":\"not_found\"");
	check(x, "GET /metrics/", "404", "\"no page at /metrics/\"");
	check(x, "GET /%ff%22", "404", "not_found");
	check(x, "DELETE /metrics", "405", "\r\nAllow: GET, HEAD\r\n");
	check(x, "BREW /", "405", "method_not_allowed");
}

static void test_openmetrics(void **state)
{
	char *got = ask(*state, "GET /metrics",
	    "Accept: application/openmetrics-text;version=1.0.0,"
	    "application/openmetrics-text;version=0.0.1;q=0.75,"
	    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1\r\n");

	assert_has(got, "\r\nContent-Type: application/openmetrics-text; "
	    "version=1.0.0; charset=utf-8\r\n");
	assert_string_equal(got + strlen(got) - 6, "# EOF\n");
	free(got);
}

static void test_head(void **state)
{
	char *got = ask(*state, "HEAD /metrics", "");
	char *end = strstr(got, "\r\n\r\n");

	assert_has(got, "HTTP/1.1 200");
	assert_has(got, "\r\nContent-Length: ");
	assert_non_null(end);
	assert_string_equal(end, "\r\n\r\n");
	free(got);
}

static void test_gzip(void **state)
{
	static char text[1 << 20];
	z_stream z = { 0 };
	size_t n;
	char *got = talk(*state, "GET /metrics HTTP/1.1\r\nHost: a\r\n"
	    "Accept-Encoding: gzip\r\nConnection: close\r\n\r\n", &n);
	char *body = strstr(got, "\r\n\r\n");

	assert_has(got, "\r\nContent-Encoding: gzip\r\n");
	assert_non_null(body);
	body += 4;
	inflateInit2(&z, 31);
	z.next_in = (Bytef *)body;
	z.avail_in = (uInt)(got + n - body);
	z.next_out = (Bytef *)text;
	z.avail_out = sizeof(text) - 1;
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	inflateEnd(&z);
	assert_has(text, "\nrollcall_db_up 1\n");
	free(got);
}

static void test_filter(void **state)
{
	char *got = ask(*state, "GET /metrics?name%5B%5D=rollcall_db_up&"
	    "name[]=process_cpu_seconds_total&name[]=no_such&x=y", "");

	assert_has(got, "\nrollcall_db_up 1\n");
	assert_has(got, "\nprocess_cpu_seconds_total ");
	assert_null(strstr(got, "rollcall_looking"));
	assert_null(strstr(got, "process_max_fds"));
	free(got);
}

static void test_not_ready(void **state)
{
	struct exporter *x = *state;

	current = NULL;
	check(x, "GET /metrics", "503", "Not ready");
	check(x, "GET /-/ready", "503", "starting");
	check(x, "GET /-/healthy", "200", "healthy");
	check(x, "GET /", "200", "Starting");
	current = &fixture.snapshot;
	check(x, "GET /-/ready", "200", "ready");
	exporter_stopping(x);
	check(x, "GET /-/ready", "503", "stopping");
	check(x, "GET /metrics", "200", "rollcall_db_up 1");
}

/* No request has use for a body; none does harm. */
static void test_bodies(void **state)
{
	struct exporter *x = *state;
	char *got = talk(x, "GET /-/healthy HTTP/1.1\r\nHost: a\r\n"
	    "Content-Length: 5\r\nConnection: close\r\n\r\nhello", NULL);

	assert_has(got, "HTTP/1.1 200");
	free(got);
	got = ask(x, "GET /metrics", "Content-Length: 0\r\n");
	assert_has(got, "HTTP/1.1 200");
	free(got);
	got = talk(x, "GET /-/healthy HTTP/1.1\r\nHost: a\r\n"
	    "Content-Length: 99999999\r\n\r\n", NULL);
	assert_has(got, "HTTP/1.1 413");
	free(got);
	got = talk(x, "GET /-/healthy HTTP/1.1\r\nHost: a\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n", NULL);
	assert_has(got, "HTTP/1.1 400");
	free(got);
	got = talk(x, "POST /metrics HTTP/1.1\r\nHost: a\r\n"
	    "Content-Length: 2\r\nConnection: close\r\n\r\nhi", NULL);
	assert_has(got, "HTTP/1.1 405");
	free(got);
	check(x, "GET /-/healthy", "200", "healthy");
}

static void test_rubbish(void **state)
{
	struct exporter *x = *state;
	static char big[200000];

	free(talk(x, "\r\n\r\nrubbish\r\n\r\n", NULL));
	memset(big, 'a', sizeof(big));
	memcpy(big, "GET /", 5);
	big[sizeof(big) - 1] = '\0';
	free(talk(x, big, NULL));
	close(connect_to(exporter_address(x, 0)));
	check(x, "GET /-/healthy", "200", "healthy");
}

/* Two requests on one connection. */
static void test_keep_alive(void **state)
{
	char *got = talk(*state, "GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n"
	    "GET /-/ready HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
	    NULL);

	assert_has(got, "healthy");
	assert_has(got, "ready.");
	free(got);
}

static void test_addresses(void **state)
{
	struct exporter *x;

	(void)state;
	fixture_init(&fixture);
	current = &fixture.snapshot;
	x = start("[::1]:0");
	assert_true(strncmp(exporter_address(x, 0), "[::1]:", 6) == 0);
	assert_string_not_equal(exporter_address(x, 0), "[::1]:0");
	assert_null(exporter_address(x, 1));
	check(x, "GET /-/healthy", "200", "healthy");
	exporter_stop(x);
	fixture_free(&fixture);
}

/* The socket of ":port" takes IPv4 as well. */
static void test_every_address(void **state)
{
	struct exporter *x;
	char *port, v4[40];

	(void)state;
	x = start(":0");
	port = strrchr(exporter_address(x, 0), ':');
	snprintf(v4, sizeof(v4), "127.0.0.1%s", port);
	close(connect_to(v4));
	exporter_stop(x);
}

/* --- large answers --- */

/* 24 MB in as many pieces as there can be, so that no socket's buffer takes
 * it. */
static void fill_fixture(void)
{
	static char id[1000];
	struct snap_instance *i;

	fixture_init(&fixture);
	memset(id, 'x', sizeof(id));
	for (int k = 0; k < 100 * SNAP_BLOCK; k++) {
		snprintf(id + sizeof(id) - 14, 14, "%d", k);
		i = fixture_instance(&fixture, "a=\"\"", id, STATE_UP);
		i->held = i->flapping = true;
		i->ttl_s = 5;
		i->expires_ms = 1;
	}
	current = &fixture.snapshot;
}

/* Until nobody is connected any more. */
static void await_nobody(const struct exporter *x)
{
	for (int k = 0; k < 3000; k++) {
		if (MHD_get_daemon_info(x->daemons[0],
		    MHD_DAEMON_INFO_CURRENT_CONNECTIONS)->num_connections ==
		    0)
			return;
		usleep(10000);
	}
	fail_msg("the reader is not cut off");
}

static int ask_for_metrics(const struct exporter *x, int room)
{
	static const char request[] = "GET /metrics HTTP/1.1\r\nHost: a\r\n"
	    "Connection: close\r\n\r\n";
	int fd = connect_to(exporter_address(x, 0));

	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	send(fd, request, strlen(request), MSG_NOSIGNAL);
	return fd;
}

static void test_who_reads_nothing_is_cut_off(void **state)
{
	struct exporter *x;
	char c;
	int fd;

	(void)state;
	fill_fixture();
	x = start_with("127.0.0.1:0", 1, 0);
	fd = ask_for_metrics(x, 4096);
	assert_int_equal(recv(fd, &c, 1, 0), 1);	/* it has begun */
	await_nobody(x);
	close(fd);
	exporter_stop(x);
	fixture_free(&fixture);
}

static void test_who_reads_slowly_is_cut_off(void **state)
{
	char bytes[1000];
	struct exporter *x;
	int fd;

	(void)state;
	fill_fixture();
	x = start_with("127.0.0.1:0", 3600, 1);
	fd = ask_for_metrics(x, 4096);
	/* At this pace it would take two minutes, and never stand still. */
	for (;;) {
		if (recv(fd, bytes, sizeof(bytes), 0) <= 0 ||
		    MHD_get_daemon_info(x->daemons[0],
		    MHD_DAEMON_INFO_CURRENT_CONNECTIONS)->num_connections ==
		    0)
			break;
		usleep(5000);
	}
	await_nobody(x);
	close(fd);
	exporter_stop(x);
	fixture_free(&fixture);
}

/* Everything changes: the next answer has nothing in common with the last. */
static void change_fixture(void)
{
	struct snap_set *set = fixture.snapshot.instances;

	while (atomic_load(&acquired) > 0)
		usleep(1000);
	fixture.snapshot.number = ++fixture_number;
	fixture_stamp(set->changed);
	for (size_t b = 0; b < set->n; b++)
		fixture_stamp(snap_block(set, b)->changed);
}

static size_t read_to_the_end(int fd)
{
	static char bytes[1 << 20];
	size_t all = 0;
	ssize_t n;

	while ((n = recv(fd, bytes, sizeof(bytes), 0)) > 0)
		all += (size_t)n;
	return all;
}

/* Until no more is held than may be, where an exposition is 24 MB. */
static void await_room(const struct exporter *x)
{
	for (int k = 0; k < 3000; k++) {
		if (segments_room(x->segments).held <= 64 << 20)
			return;
		usleep(10000);
	}
	fail_msg("what is held is not freed");
}

/* Each holds 24 MB that nobody else needs, and two of them may be. */
static void test_who_holds_too_much_is_cut_off(void **state)
{
	enum { STALLED = 8 };
	struct exporter *x;
	size_t half, got;
	char c;
	int fd[STALLED];

	(void)state;
	fill_fixture();
	x = start_with("127.0.0.1:0", 3600, 3600);
	for (int k = 0; k < STALLED; k++) {
		change_fixture();
		fd[k] = ask_for_metrics(x, 256 << 10);
		assert_int_equal(recv(fd[k], &c, 1, 0), 1);
		await_room(x);
	}
	change_fixture();
	got = read_to_the_end(fd[STALLED - 1]);	/* who came last is there */
	half = fixture.snapshot.instances->n * SNAP_BLOCK * 1000 * 4;
	assert_true(got > half);
	for (int k = 0; k < STALLED - 1; k++) {
		got = read_to_the_end(fd[k]);
		assert_int_equal(got > half, k >= STALLED - 3);
		close(fd[k]);
	}
	close(fd[STALLED - 1]);
	exporter_stop(x);
	fixture_free(&fixture);
}

/* --- an answer that takes long to write: until it may go on --- */

static atomic_bool held_up;
static atomic_int written;	/* so many answers were begun */

static const struct snap_sample *take_none(void *arg, size_t *n_r)
{
	(void)arg;
	written++;
	while (held_up)
		usleep(1000);
	*n_r = 0;
	return NULL;
}

static void give_back_none(const struct snap_sample *v)
{
	(void)v;
}

static struct exporter *start_held_up(void)
{
	char at[] = "127.0.0.1:0", *listen_at = at;
	struct exporter_options o = {
		.listen = { &listen_at, 1 },
		.telemetry_path = "/metrics",
		.more = { take_none, give_back_none, NULL },
	};
	struct err e = { "" };
	struct exporter *x;

	fill_fixture();
	held_up = true;
	written = 0;
	x = exporter_start(&o, &e);
	assert_non_null(x);
	return x;
}

static void await_written(int n)
{
	for (int k = 0; k < 3000 && written < n; k++)
		usleep(10000);
	assert_int_equal(written, n);
}

/* However many ask for it, all else is answered meanwhile, on the connections
 * that there are and on new ones. */
static void test_nobody_waits_for_a_long_answer(void **state)
{
	enum { SCRAPERS = 12 };
	static const char request[] = "GET /-/healthy HTTP/1.1\r\nHost: a\r\n"
	    "\r\n";
	struct exporter *x = start_held_up();
	int fd[SCRAPERS], kept[SCRAPERS];
	char c;

	(void)state;
	for (int k = 0; k < SCRAPERS; k++) {
		kept[k] = connect_to(exporter_address(x, 0));
		fd[k] = ask_for_metrics(x, 256 << 10);
	}
	await_written(1);
	for (int k = 0; k < SCRAPERS; k++) {
		send(kept[k], request, strlen(request), MSG_NOSIGNAL);
		assert_int_equal(recv(kept[k], &c, 1, 0), 1);
		close(kept[k]);
		check(x, "GET /-/healthy", "200", "healthy");
		check(x, "GET /", "200", "<html");
		assert_int_equal(recv(fd[k], &c, 1, MSG_DONTWAIT), -1);
	}
	assert_int_equal(written, 1);
	held_up = false;
	for (int k = 0; k < SCRAPERS; k++) {
		assert_true(read_to_the_end(fd[k]) > 20 << 20);
		close(fd[k]);
	}
	assert_int_equal(written, SCRAPERS);
	exporter_stop(x);
	fixture_free(&fixture);
}

static void *stop_it(void *x)
{
	exporter_stop(x);
	return NULL;
}

/* Those whose answer is not begun are told; that which is, ends. */
static void test_stopping_while_answers_are_written(void **state)
{
	struct exporter *x = start_held_up();
	pthread_t thread;
	char status[13] = "";
	int fd[3];

	(void)state;
	fd[0] = ask_for_metrics(x, 4096);
	await_written(1);
	fd[1] = ask_for_metrics(x, 4096);
	fd[2] = ask_for_metrics(x, 4096);
	while (x->visits < 3)
		usleep(1000);
	assert_int_equal(pthread_create(&thread, NULL, stop_it, x), 0);
	for (int k = 1; k < 3; k++) {
		assert_int_equal(recv(fd[k], status, 12, MSG_WAITALL), 12);
		assert_string_equal(status, "HTTP/1.1 503");
	}
	held_up = false;
	pthread_join(thread, NULL);
	for (int k = 0; k < 3; k++)
		close(fd[k]);
	assert_int_equal(written, 1);
	fixture_free(&fixture);
}

static void test_stopping_ends_answers_on_their_way(void **state)
{
	struct exporter *x;
	char c;
	int fd;

	(void)state;
	fill_fixture();
	x = start("127.0.0.1:0");
	fd = ask_for_metrics(x, 4096);
	assert_int_equal(recv(fd, &c, 1, 0), 1);
	exporter_stop(x);
	close(fd);
	fixture_free(&fixture);
}

/* Both have to fit into libmicrohttpd's memory of a connection, which ends
 * the process where they do not: the pieces, and what a client sends. */
static char *ask_at_length(const struct exporter *x, size_t header,
    size_t behind, size_t *n_r)
{
	struct buf b;
	int fd = connect_to(exporter_address(x, 0));
	char *got = xmalloc(64 << 20);
	ssize_t n;

	buf_init(&b, 1 << 20);
	buf_adds(&b, "GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n"
	    "GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n");
	while (b.len + 60 < header)
		buf_addf(&b, "X-%05zu: %048d\r\n", b.len, 0);
	buf_adds(&b, "\r\nGET /-/healthy?");
	while (behind-- > 0)
		buf_addc(&b, 'z');
	send(fd, b.data, b.len, MSG_NOSIGNAL);
	*n_r = 0;
	while ((n = recv(fd, got + *n_r, (64 << 20) - 1 - *n_r, 0)) > 0)
		*n_r += (size_t)n;
	got[*n_r] = '\0';
	close(fd);
	buf_free(&b);
	return got;
}

/* Each field takes room of its own, however short it is. */
static void test_many_fields_for_long_answers(void **state)
{
	struct exporter *x;

	(void)state;
	fill_fixture();
	x = start("127.0.0.1:0");
	for (size_t fields = 80; fields < 200; fields += 9) {
		struct buf b;
		int fd = connect_to(exporter_address(x, 0));
		char start[13] = "";

		buf_init(&b, 1 << 20);
		buf_adds(&b, "GET /metrics HTTP/1.1\r\nHost: a\r\n"
		    "Connection: close\r\n");
		for (size_t k = 2; k < fields; k++)
			buf_adds(&b, k % 9 == 0 ? "Cookie: a=b\r\n" :
			    "a: b\r\n");
		buf_adds(&b, "\r\n");
		send(fd, b.data, b.len, MSG_NOSIGNAL);
		assert_int_equal(recv(fd, start, 12, MSG_WAITALL), 12);
		if (fields < 90)
			assert_string_equal(start, "HTTP/1.1 200");
		else if (fields > 100)
			assert_string_equal(start, "HTTP/1.1 431");
		while (recv(fd, start, 12, 0) > 0)
			;
		close(fd);
		buf_free(&b);
	}
	exporter_stop(x);
	fixture_free(&fixture);
}

static void test_long_requests_for_long_answers(void **state)
{
	static const size_t headers[] = { 100, 5000, 9000, 60000, 200000 };
	static const size_t behind[] = { 0, 30000, 49000, 200000 };
	struct exporter *x;
	size_t n;

	(void)state;
	fill_fixture();
	x = start("127.0.0.1:0");
	for (size_t h = 0; h < 5; h++)
		for (size_t b = 0; b < 4; b++) {
			char *got = ask_at_length(x, headers[h], behind[b],
			    &n);

			if (headers[h] < 8000 && behind[b] == 0)
				assert_true(n > (20 << 20));
			else if (headers[h] > 8000)
				assert_true(n < 2000);
			free(got);
		}
	check(x, "GET /-/healthy", "200", "healthy");
	exporter_stop(x);
	fixture_free(&fixture);
}

static void check_refused(const char *address, const char *path,
    const char *part)
{
	char *at = xstrdup(address);
	struct exporter_options o = {
		.listen = { &at, 1 }, .telemetry_path = path
	};
	struct err e = { "" };

	assert_null(exporter_start(&o, &e));
	assert_has(e.text, part);
	if (path[0] == '/')
		assert_has(e.text, address);
	free(at);
}

static void test_errors(void **state)
{
	struct exporter *x = *state;

	check_refused("127.0.0.1", "/m", "expected host:port");
	check_refused("::1:80", "/m", "expected host:port");
	check_refused("[::1:80", "/m", "expected host:port");
	check_refused("127.0.0.1:", "/m", "0 to 65535");
	check_refused("127.0.0.1:65536", "/m", "0 to 65535");
	check_refused("127.0.0.1:http", "/m", "0 to 65535");
	check_refused("", "/m", "expected host:port");
	check_refused("127.0.0.1:0", "metrics", "must begin with /");
	check_refused(exporter_address(x, 0), "/m",
	    "in use (--web.listen-address names another)");
}

static void test_prefix(void **state)
{
	static const char *const cases[][2] = {
		{ NULL, "" }, { "", "" }, { "http://a:1", "" },
		{ "http://a:1/", "" }, { "http://a/b/c//", "/b/c" },
		{ "http://a/b?x=/y", "/b" }, { "/roll/", "/roll" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *got = prefix_of(cases[i][0]);

		assert_string_equal(got, cases[i][1]);
		free(got);
	}
}

#define SERVED(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVED(test_paths), SERVED(test_openmetrics),
		SERVED(test_head), SERVED(test_gzip), SERVED(test_filter),
		SERVED(test_not_ready), SERVED(test_bodies),
		SERVED(test_rubbish), SERVED(test_keep_alive),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_every_address),
		cmocka_unit_test(test_who_reads_nothing_is_cut_off),
		cmocka_unit_test(test_who_reads_slowly_is_cut_off),
		cmocka_unit_test(test_who_holds_too_much_is_cut_off),
		cmocka_unit_test(test_nobody_waits_for_a_long_answer),
		cmocka_unit_test(test_stopping_while_answers_are_written),
		cmocka_unit_test(test_stopping_ends_answers_on_their_way),
		cmocka_unit_test(test_long_requests_for_long_answers),
		cmocka_unit_test(test_many_fields_for_long_answers),
		SERVED(test_errors), cmocka_unit_test(test_prefix),
	};

	log_set_level(LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
