/* As much HTTP/1.1 as fake-etcd needs: many connections on one epoll, kept
 * alive, requests in a row answered in order.  A body of a request is read and
 * dropped.  What is asked and answered is fake-etcd.c's business. */
#include "bench/fake_http.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "core/xalloc.h"

enum {
	MAX_IN = 1 << 20,
	MAX_OUT = 64 << 20,
	ROOM = 1 << 18,			/* less unsent: ask for more */
	GO_CHUNKS_ABOVE = 2048,
	EVENTS = 64,
};

/* --- answers --- */

static const struct {
	int status;
	const char *reason;
} reasons[] = {
	{ 200, "OK" }, { 400, "Bad Request" }, { 404, "Not Found" },
	{ 501, "Not Implemented" },
};

static const char *reason_of(int status)
{
	for (size_t k = 0; k < sizeof(reasons) / sizeof(reasons[0]); k++)
		if (reasons[k].status == status)
			return reasons[k].reason;
	abort();
}

static void add_head(struct conn *c, int status, const char *headers)
{
	static char date[40];
	static time_t of = -1;
	time_t now = time(NULL);
	struct tm tm;

	if (now != of) {
		gmtime_r(&now, &tm);
		strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
		of = now;
	}
	buf_addf(&c->out, "HTTP/1.1 %d %s\r\n%sDate: %s\r\n", status,
	    reason_of(status), headers, date);
}

void conn_begin(struct conn *c, int status, const char *headers)
{
	c->busy = true;
	add_head(c, status, headers);
	buf_adds(&c->out, "Transfer-Encoding: chunked\r\n\r\n");
}

void conn_chunk(struct conn *c, const char *data, size_t len)
{
	buf_addf(&c->out, "%zx\r\n", len);
	buf_add(&c->out, data, len);
	buf_adds(&c->out, "\r\n");
}

static void be_ready(struct conn *c)
{
	if (!c->ready)
		TAILQ_INSERT_TAIL(&c->http->ready, c, next_ready);
	c->ready = true;
}

void conn_end(struct conn *c)
{
	buf_adds(&c->out, "0\r\n\r\n");
	c->busy = false;
	be_ready(c);
}

void conn_answer(struct conn *c, int status, const char *headers,
    const char *body, size_t len)
{
	if (len > GO_CHUNKS_ABOVE) {
		conn_begin(c, status, headers);
		conn_chunk(c, body, len);
		conn_end(c);
		return;
	}
	add_head(c, status, headers);
	buf_addf(&c->out, "Content-Length: %zu\r\n\r\n", len);
	buf_add(&c->out, body, len);
	be_ready(c);
}

/* --- requests --- */

bool http_parameter(const char *query, const char *name, char *value,
    size_t size)
{
	size_t n = strlen(name), len;

	for (; *query; query += strcspn(query, "&"), query += *query == '&') {
		if (strncmp(query, name, n) != 0 || query[n] != '=')
			continue;
		len = strcspn(query + n + 1, "&");
		if (len >= size)
			len = size - 1;
		memcpy(value, query + n + 1, len);
		value[len] = '\0';
		return true;
	}
	return false;
}

/* The value of a header, "" if it is not there. */
static const char *header(const char *head, const char *name)
{
	const char *line = head;
	size_t n = strlen(name);

	while ((line = strstr(line, "\r\n")) != NULL) {
		line += 2;
		if (strncasecmp(line, name, n) == 0)
			return line + n + strspn(line + n, " ");
	}
	return "";
}

/* "GET /path?query HTTP/1.1": cut up in place.  False if it is none. */
static bool read_line(char *head, struct request *r)
{
	char *target = strchr(head, ' '), *end, *query;

	if (!target)
		return false;
	*target++ = '\0';
	end = strchr(target, ' ');
	if (!end || strncmp(end, " HTTP/1.", 8) != 0)
		return false;
	*end = '\0';
	query = strchr(target, '?');
	*r = (struct request){ .method = head, .path = target, .query = "" };
	if (query) {
		*query = '\0';
		r->query = query + 1;
	}
	return true;
}

/* One request out of c->in from *at on; false if it is not all there. */
static bool one_request(struct conn *c, size_t *at)
{
	char *head = c->in.data + *at, *end = strstr(head, "\r\n\r\n");
	struct request r;
	size_t len;

	if (!end)
		return false;
	*end = '\0';
	len = strtoul(header(head, "Content-Length:"), NULL, 10);
	if (c->in.len - (size_t)(end + 4 - c->in.data) < len) {
		*end = '\r';
		return false;
	}
	*at = (size_t)(end + 4 - c->in.data) + len;
	c->last = strncasecmp(header(head, "Connection:"), "close", 5) == 0;
	if (read_line(head, &r))
		c->http->on_request(c, &r, c->http->arg);
	else
		c->dead = true;
	return true;
}

static size_t unsent(const struct conn *c)
{
	return c->out.len - c->sent;
}

static void serve(struct conn *c)
{
	size_t at = 0;

	while (!c->busy && !c->dead && !c->last && at < c->in.len &&
	    unsent(c) < ROOM)
		if (!one_request(c, &at))
			break;
	memmove(c->in.data, c->in.data + at, c->in.len - at);
	c->in.len -= at;
	c->in.data[c->in.len] = '\0';
}

/* --- bytes --- */

static void take_in(struct conn *c)
{
	char data[16384];
	ssize_t n;

	while ((n = read(c->fd, data, sizeof(data))) > 0)
		buf_add(&c->in, data, (size_t)n);
	if (n == 0 || (errno != EAGAIN && errno != EINTR) || c->in.failed)
		c->dead = true;
}

static void put_out(struct conn *c)
{
	ssize_t n = 0;

	while (unsent(c) > 0) {
		n = write(c->fd, c->out.data + c->sent, unsent(c));
		if (n < 0)
			break;
		c->sent += (size_t)n;
	}
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		c->dead = true;
	if (c->sent == 0 || (unsent(c) > 0 && c->sent < ROOM))
		return;
	memmove(c->out.data, c->out.data + c->sent, unsent(c));
	c->out.len -= c->sent;
	c->sent = 0;
}

static void watch_for(struct conn *c)
{
	uint32_t events = EPOLLIN | (unsent(c) > 0 ? EPOLLOUT : 0);
	struct epoll_event e = { .events = events, .data.ptr = c };

	if (events == c->events)
		return;
	epoll_ctl(c->http->epoll, c->events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD,
	    c->fd, &e);
	c->events = events;
}

static void close_conn(struct conn *c)
{
	if (c->ready)
		TAILQ_REMOVE(&c->http->ready, c, next_ready);
	c->http->on_close(c, c->http->arg);
	close(c->fd);
	buf_free(&c->in);
	buf_free(&c->out);
	free(c);
}

/* Answers what can be answered now; the rest when there is room again. */
static void go_on(struct conn *c)
{
	if (c->busy && unsent(c) < ROOM)
		c->http->on_room(c, c->http->arg);
	if (c->in.len > 0)
		serve(c);
	put_out(c);
	if (c->dead || c->out.failed ||
	    (c->last && !c->busy && unsent(c) == 0))
		close_conn(c);
	else if (c->listing && unsent(c) == 0)
		be_ready(c);
	else
		watch_for(c);
}

/* --- the turn --- */

static void accept_all(struct http *h)
{
	const int on = 1;
	int fd;

	while ((fd = accept4(h->listener, NULL, NULL,
	    SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct conn *c = xcalloc(1, sizeof(*c));

		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		c->http = h;
		c->fd = fd;
		buf_init(&c->in, MAX_IN);
		buf_init(&c->out, MAX_OUT);
		watch_for(c);
	}
}

static void serve_ready(struct http *h)
{
	struct conn *c;

	for (size_t left = EVENTS; left > 0 &&
	    (c = TAILQ_FIRST(&h->ready)) != NULL; left--) {
		TAILQ_REMOVE(&h->ready, c, next_ready);
		c->ready = false;
		go_on(c);
	}
}

void http_turn(struct http *h, int timeout_ms)
{
	struct epoll_event events[EVENTS];
	int n;

	serve_ready(h);
	n = epoll_wait(h->epoll, events, EVENTS,
	    TAILQ_EMPTY(&h->ready) ? timeout_ms : 0);
	for (int k = 0; k < n; k++) {
		struct conn *c = events[k].data.ptr;

		if (!c) {
			accept_all(h);
			continue;
		}
		if (events[k].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
			take_in(c);
		be_ready(c);
	}
	serve_ready(h);
}

int http_listen(struct http *h, int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
	    .sin_port = htons((uint16_t)port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct epoll_event e = { .events = EPOLLIN };
	const int on = 1;

	TAILQ_INIT(&h->ready);
	h->epoll = epoll_create1(EPOLL_CLOEXEC);
	h->listener = socket(AF_INET,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	setsockopt(h->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(h->listener, (const struct sockaddr *)&a, sizeof(a)) < 0 ||
	    listen(h->listener, 128) < 0)
		return -1;
	return epoll_ctl(h->epoll, EPOLL_CTL_ADD, h->listener, &e);
}
