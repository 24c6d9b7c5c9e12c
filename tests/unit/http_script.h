#ifndef TESTS_UNIT_HTTP_SCRIPT_H
#define TESTS_UNIT_HTTP_SCRIPT_H

/* A web server on 127.0.0.1 that does what a test tells it, down to the byte:
 * one thread accepts, one per connection reads requests and calls the test's
 * function for each. */

#include <netinet/in.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SCRIPT_CONNECTIONS = 64, SCRIPT_REQUEST = 1024 * 1024 };

struct script;

/* Answers one request (its head, and the body as far as Content-Length goes)
 * on fd; false closes the connection.  In a thread of its own. */
typedef bool script_fn(struct script *s, int fd, const char *request,
    void *arg);

struct script_connection {
	struct script *script;
	pthread_t thread;
	int fd;
};

struct script {
	script_fn *fn;
	void *arg;
	int fd, port;
	char url[64];			/* http://127.0.0.1:PORT */
	pthread_t thread;
	struct script_connection connections[SCRIPT_CONNECTIONS];
	atomic_int nconnections, nrequests, nclosed;
};

static inline void script_send(int fd, const void *bytes, size_t n)
{
	const char *p = bytes;
	ssize_t done;

	for (; n > 0; p += done, n -= (size_t)done) {
		done = send(fd, p, n, MSG_NOSIGNAL);
		if (done <= 0)
			return;
	}
}

static inline void script_puts(int fd, const char *text)
{
	script_send(fd, text, strlen(text));
}

/* A whole answer with Content-Length. */
static inline void script_answer(int fd, int status, const char *body)
{
	char head[200];

	snprintf(head, sizeof(head), "HTTP/1.1 %d Word\r\n"
	    "Content-Type: text/plain\r\nContent-Length: %zu\r\n\r\n",
	    status, strlen(body));
	script_puts(fd, head);
	script_puts(fd, body);
}

/* Says nothing until the client goes away or the script ends. */
static inline bool script_silence(int fd)
{
	char c[256];

	while (recv(fd, c, sizeof(c), 0) > 0)
		;
	return false;
}

/* What has come of a connection. */
struct script_input {
	char *bytes;
	size_t n, at;			/* bytes in all; where the request is */
	size_t len;			/* its length; a NUL is behind it, */
	char kept;			/* where this was */
};

/* The request's length, 0 as long as it is not whole. */
static inline size_t script_whole(const struct script_input *in)
{
	char *request = in->bytes + in->at, *body, *length;
	size_t n;

	body = strstr(request, "\r\n\r\n");
	if (*request == 0x16)
		return in->n - in->at;	/* TLS: what follows is no HTTP */
	if (!body)
		return 0;
	n = (size_t)(body + 4 - request);
	*body = '\0';
	length = strcasestr(request, "\r\nContent-Length: ");
	*body = '\r';
	if (length)
		n += strtoul(length + 18, NULL, 10);
	return n <= in->n - in->at ? n : 0;
}

static inline bool script_more(int fd, struct script_input *in)
{
	ssize_t got;

	memmove(in->bytes, in->bytes + in->at, in->n - in->at + 1);
	in->n -= in->at;
	in->at = 0;
	if (in->n == SCRIPT_REQUEST - 1)
		return false;
	got = recv(fd, in->bytes + in->n, SCRIPT_REQUEST - 1 - in->n, 0);
	if (got <= 0)
		return false;
	in->n += (size_t)got;
	in->bytes[in->n] = '\0';
	return true;
}

/* The next request, several of which may have come at once; false at the end
 * of the connection. */
static inline bool script_read(int fd, struct script_input *in)
{
	in->bytes[in->at + in->len] = in->kept;
	in->at += in->len;
	while ((in->len = script_whole(in)) == 0) {
		if (!script_more(fd, in))
			return false;
	}
	in->kept = in->bytes[in->at + in->len];
	in->bytes[in->at + in->len] = '\0';
	return true;
}

static inline void *script_connection(void *arg)
{
	struct script_connection *c = arg;
	struct script *s = c->script;
	struct script_input in = { .bytes = calloc(1, SCRIPT_REQUEST) };

	while (script_read(c->fd, &in)) {
		atomic_fetch_add(&s->nrequests, 1);
		if (!s->fn(s, c->fd, in.bytes + in.at, s->arg))
			break;
	}
	atomic_fetch_add(&s->nclosed, 1);
	shutdown(c->fd, SHUT_RDWR);
	free(in.bytes);
	return NULL;
}

static inline void *script_accept(void *arg)
{
	struct script *s = arg;
	struct script_connection *c;
	int fd;

	while ((fd = accept(s->fd, NULL, NULL)) >= 0) {
		if (s->nconnections == SCRIPT_CONNECTIONS)
			abort();
		c = &s->connections[s->nconnections];
		c->script = s;
		c->fd = fd;
		if (pthread_create(&c->thread, NULL, script_connection, c))
			abort();
		atomic_fetch_add(&s->nconnections, 1);
	}
	return NULL;
}

static inline void script_start(struct script *s, script_fn *fn, void *arg)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);

	memset(s, 0, sizeof(*s));
	s->fn = fn;
	s->arg = arg;
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s->fd = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(s->fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
	    listen(s->fd, 64) < 0 ||
	    getsockname(s->fd, (struct sockaddr *)&a, &len) < 0)
		abort();
	s->port = ntohs(a.sin_port);
	snprintf(s->url, sizeof(s->url), "http://127.0.0.1:%d", s->port);
	if (pthread_create(&s->thread, NULL, script_accept, s))
		abort();
}

static inline void script_stop(struct script *s)
{
	int i;

	shutdown(s->fd, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->fd);
	for (i = 0; i < s->nconnections; i++)
		shutdown(s->connections[i].fd, SHUT_RDWR);
	for (i = 0; i < s->nconnections; i++) {
		pthread_join(s->connections[i].thread, NULL);
		close(s->connections[i].fd);
	}
}

#endif
