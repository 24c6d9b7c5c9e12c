#include "core/http_config.c"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/yaml.h"
#include "tests/unit/core/config_text.h"

/* A server for a few exchanges: answers each request with the next of
 * `answers` and keeps what was asked. */
struct server {
	int fd;
	char url[64];
	const char *const *answers;
	char asked[4][2048];
	size_t n;
	pthread_t thread;
};

/* Reads up to the blank line; a client that says nothing for 5 s is gone. */
static void read_request(int fd, char *text, size_t size)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	size_t len = 0;
	ssize_t n;

	do {
		n = 0;
		if (poll(&poll_fd, 1, 5000) > 0)
			n = recv(fd, text + len, size - 1 - len, 0);
		len += n > 0 ? (size_t)n : 0;
		text[len] = '\0';
	} while (n > 0 && !strstr(text, "\r\n\r\n"));
}

static void *serve(void *arg)
{
	struct server *s = arg;
	struct pollfd poll_fd = { .fd = s->fd, .events = POLLIN };
	int fd;

	for (; s->answers[s->n]; s->n++) {
		if (poll(&poll_fd, 1, 5000) <= 0)
			break;
		fd = accept(s->fd, NULL, NULL);
		if (fd < 0)
			break;		/* server_stop() */
		read_request(fd, s->asked[s->n], sizeof(s->asked[0]));
		send(fd, s->answers[s->n], strlen(s->answers[s->n]),
		    MSG_NOSIGNAL);
		close(fd);
	}
	return NULL;
}

static void server_start(struct server *s, const char *const *answers)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);

	memset(s, 0, sizeof(*s));
	s->answers = answers;
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s->fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(s->fd, 8), 0);
	getsockname(s->fd, (struct sockaddr *)&a, &len);
	snprintf(s->url, sizeof(s->url), "http://127.0.0.1:%d",
	    ntohs(a.sin_port));
	pthread_create(&s->thread, NULL, serve, s);
}

static void server_stop(struct server *s)
{
	shutdown(s->fd, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->fd);
}

static size_t swallow(char *bytes, size_t size, size_t n, void *arg)
{
	(void)bytes;
	(void)arg;
	return size * n;
}

/* The status of a GET with this configuration, or minus curl's error. */
static long get(const struct http_config *c, const char *url)
{
	CURL *h = curl_easy_init();
	long status;
	CURLcode rc;

	http_config_apply(c, h);
	curl_easy_setopt(h, CURLOPT_URL, url);
	curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, 5000L);
	curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, swallow);
	rc = curl_easy_perform(h);
	curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_cleanup(h);
	return rc == CURLE_OK ? status : -(long)rc;
}

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
#define TO(location) "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n" \
	"Connection: close\r\nLocation: " location "\r\n\r\n"

static struct http_config parse(const char *text)
{
	struct problems p = { 0 };
	char *path = xasprintf("%s/f.yml", folder);
	struct yaml_node *root = yaml_parse(path, text, strlen(text), &p);
	struct http_config c = { 0 };

	options_read(&http_config_options, root, &c, &p);
	assert_no_problem(&p);
	yaml_free(root);
	free(path);
	return c;
}

/* The request the configuration makes; the answer is 200. */
static const char *asked(const char *text)
{
	static const char *const answers[] = { OK, NULL };
	static struct server s;
	struct http_config c = parse(text);

	server_start(&s, answers);
	assert_int_equal(get(&c, s.url), 200);
	server_stop(&s);
	http_config_free(&c);
	return s.asked[0];
}

static void test_basic_auth(void **state)
{
	(void)state;
	assert_non_null(strstr(asked("basic_auth: {username: Aladdin,"
	    " password: 'open sesame'}"),
	    "\r\nAuthorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"));
	assert_non_null(strstr(asked("basic_auth: {username: a}"),
	    "\r\nAuthorization: Basic YTo=\r\n"));
}

static void test_bearer(void **state)
{
	(void)state;
	assert_non_null(strstr(asked("authorization: {credentials: abc}"),
	    "\r\nAuthorization: Bearer abc\r\n"));
	assert_non_null(strstr(asked("authorization: {type: bearer,"
	    " credentials: abc}"), "\r\nAuthorization: Bearer abc\r\n"));
}

static void test_from_files(void **state)
{
	(void)state;
	file_with("user", "Aladdin\r\n");
	file_with("password", "open sesame\n");
	file_with("token", "abc");
	assert_non_null(strstr(asked("basic_auth: {username_file: user,"
	    " password_file: password}"),
	    "\r\nAuthorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"));
	assert_non_null(strstr(asked("authorization: {credentials_file:"
	    " token}"), "\r\nAuthorization: Bearer abc\r\n"));
}

static void test_nothing(void **state)
{
	const char *request = asked("{}");

	(void)state;
	assert_null(strstr(request, "Authorization"));
	assert_int_equal(strncmp(request, "GET / HTTP/1.1\r\n", 16), 0);
}

/* A proxy is used when it is configured, never because the environment of
 * whoever started the program names one. */
static void test_proxy(void **state)
{
	static const char *const answers[] = { OK, NULL };
	static struct server s;
	struct http_config c = parse("{}");
	char *text;

	(void)state;
	server_start(&s, answers);
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	assert_int_equal(get(&c, s.url), 200);
	server_stop(&s);
	server_start(&s, answers);
	assert_int_equal(get(NULL, s.url), 200);
	server_stop(&s);
	unsetenv("http_proxy");
	http_config_free(&c);

	server_start(&s, answers);
	text = xasprintf("proxy_url: %s\nno_proxy: 127.0.0.2", s.url);
	c = parse(text);
	assert_int_equal(get(&c, "http://127.0.0.3:1/x"), 200);
	assert_int_equal(strncmp(s.asked[0], "GET http://127.0.0.3:1/x ",
	    25), 0);
	assert_int_equal(get(&c, "http://127.0.0.2:1/"),
	    -CURLE_COULDNT_CONNECT);
	server_stop(&s);
	http_config_free(&c);
	free(text);
}

static void test_redirects(void **state)
{
	static const char *const answers[] = { TO("/other"), OK, NULL };
	static const char *const to_file[] = { TO("file:///etc/hostname"),
		NULL };
	static struct server s;
	struct http_config c = parse("{}"), stay;

	(void)state;
	server_start(&s, answers);
	assert_int_equal(get(&c, s.url), 200);
	server_stop(&s);
	assert_int_equal(strncmp(s.asked[1], "GET /other ", 11), 0);

	server_start(&s, to_file);
	assert_int_equal(get(&c, s.url), -CURLE_UNSUPPORTED_PROTOCOL);
	server_stop(&s);

	stay = parse("follow_redirects: false");
	server_start(&s, answers);
	assert_int_equal(get(&stay, s.url), 302);
	server_stop(&s);
	assert_int_equal(get(&c, "file:///etc/hostname"),
	    -CURLE_UNSUPPORTED_PROTOCOL);
	http_config_free(&c);
	http_config_free(&stay);
}

/* Password and all stay with the host they were meant for. */
static void test_credentials_stay_home(void **state)
{
	static const char *const ok[] = { OK, NULL };
	static struct server home, abroad;
	const char *answers[2] = { NULL, NULL };
	struct http_config c = parse("basic_auth: {username: u, password: p}");
	char *there;

	(void)state;
	server_start(&abroad, ok);
	there = xasprintf("HTTP/1.1 302 Found\r\nContent-Length: 0\r\n"
	    "Connection: close\r\nLocation: %s/\r\n\r\n", abroad.url);
	answers[0] = there;
	server_start(&home, answers);
	assert_int_equal(get(&c, home.url), 200);
	server_stop(&home);
	server_stop(&abroad);
	assert_non_null(strstr(home.asked[0], "Authorization: Basic"));
	assert_null(strstr(abroad.asked[0], "Authorization"));
	http_config_free(&c);
	free(there);
}

static void test_load_files(void **state)
{
	struct http_config c;
	struct err e;
	char *expected;

	(void)state;
	http_config_init(&c);
	assert_int_equal(http_config_load_files(&c, &e), 0);
	c.tls_config.ca_file = xstrdup(file_with("ca", "nothing\n"));
	assert_int_equal(http_config_load_files(&c, &e), -1);
	expected = xasprintf("%s: has nothing in PEM form in it",
	    c.tls_config.ca_file);
	assert_string_equal(e.text, expected);
	assert_null(c.tls_config.ca);
	file_with("ca", "# mine\n-----BEGIN CERTIFICATE-----\n");
	assert_int_equal(http_config_load_files(&c, &e), 0);
	assert_string_equal(c.tls_config.ca,
	    "# mine\n-----BEGIN CERTIFICATE-----\n");
	http_config_free(&c);
	http_config_free(&c);
	free(expected);
}

static void test_versions(void **state)
{
	(void)state;
	assert_int_equal(http_config_tls_version("TLS10"), 0);
	assert_int_equal(http_config_tls_version("TLS13"), 3);
	assert_int_equal(http_config_tls_version("tls13"), -1);
	assert_int_equal(http_config_tls_version(""), -1);
}

/* Every option is one that this curl knows (see SET). */
static void test_tls_options_are_known(void **state)
{
	struct http_config c = parse("tls_config: {ca: x, cert: x, key: x,"
	    " min_version: TLS11, max_version: TLS12,"
	    " insecure_skip_verify: true}");
	CURL *h = curl_easy_init();

	(void)state;
	http_config_apply(&c, h);
	curl_easy_cleanup(h);
	http_config_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_basic_auth),
		cmocka_unit_test(test_bearer),
		cmocka_unit_test(test_from_files),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_proxy),
		cmocka_unit_test(test_redirects),
		cmocka_unit_test(test_credentials_stay_home),
		cmocka_unit_test(test_load_files),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_tls_options_are_known),
	};

	curl_global_init(CURL_GLOBAL_DEFAULT);
	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
