/* The other process of scrape_bench.c: reads what it is told to with plain
 * sockets and says how long that took.  It keeps its connections, as scrapers
 * do, unless it is told to make a new one. */
#ifndef BENCH_SCRAPE_CLIENT_H
#define BENCH_SCRAPE_CLIENT_H

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "core/buf.h"

enum { RECEIVE = 1 << 20 };

/* What the client is told to do, and what it found. */
struct order {
	int port;
	char headers[200];
	bool anew;		/* on a new connection */
	bool keep;		/* the body, for the floor to serve */
};

struct found {
	double wall_ms;
	size_t bytes;
};

static _Noreturn void die(const char *what)
{
	perror(what);
	exit(1);
}

static double now_ms(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void read_all(int fd, void *to, size_t n)
{
	for (ssize_t k; n > 0; n -= (size_t)k, to = (char *)to + k)
		if ((k = read(fd, to, n)) <= 0)
			die("read from the other process");
}

static void write_all(int fd, const void *from, size_t n)
{
	for (ssize_t k; n > 0; n -= (size_t)k, from = (const char *)from + k)
		if ((k = write(fd, from, n)) <= 0)
			die("write to the other process");
}

static int connect_to(int port)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)
	};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0)
		die("connect");
	return fd;
}

/* Where the body begins and what its length is said to be: 0 before the
 * headers are there. */
static size_t whole_length(const char *bytes, size_t n)
{
	const char *end = memmem(bytes, n, "\r\n\r\n", 4);
	const char *length = memmem(bytes, n, "Content-Length: ", 16);

	if (end == NULL || length == NULL || length > end)
		return 0;
	return (size_t)(end + 4 - bytes) + strtoul(length + 16, NULL, 10);
}

/* Reads an answer; keeps it in b, if not NULL. */
static size_t receive(int fd, struct buf *b)
{
	static char bytes[RECEIVE];
	size_t n = 0, whole = 0;
	ssize_t k;

	while (whole == 0 || n < whole) {
		k = recv(fd, bytes, sizeof(bytes), 0);
		if (k <= 0)
			die("read an answer");
		if (whole == 0)
			whole = whole_length(bytes, (size_t)k);
		n += (size_t)k;
		if (b != NULL)
			buf_add(b, bytes, (size_t)k);
	}
	return n;
}

static int connection(const struct order *o)
{
	static int kept[1 << 16];

	if (o->anew)
		return connect_to(o->port);
	if (kept[o->port] == 0)
		kept[o->port] = connect_to(o->port);
	return kept[o->port];
}

static void obey(const struct order *o, int answer)
{
	char request[400];
	struct found f;
	struct buf b;
	int fd, n;

	buf_init(&b, (size_t)4 << 30);
	n = snprintf(request, sizeof(request), "GET /metrics HTTP/1.1\r\n"
	    "Host: bench\r\n%s\r\n", o->headers);
	f.wall_ms = -now_ms(CLOCK_MONOTONIC);
	fd = connection(o);
	write_all(fd, request, (size_t)n);
	f.bytes = receive(fd, o->keep ? &b : NULL);
	f.wall_ms += now_ms(CLOCK_MONOTONIC);
	if (o->anew)
		close(fd);
	write_all(answer, &f, sizeof(f));
	if (o->keep)
		write_all(answer, b.data, b.len);
	buf_free(&b);
}

/* Starts the process, before there is any thread: orders go in at *to_r,
 * what was found comes out at *from_r. */
static inline void start_client(int *to_r, int *from_r)
{
	int orders[2], answers[2];
	struct order o;
	pid_t pid;

	if (pipe(orders) != 0 || pipe(answers) != 0)
		die("pipe");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		close(orders[1]);
		while (read(orders[0], &o, sizeof(o)) == sizeof(o))
			obey(&o, answers[1]);
		_exit(0);
	}
	close(orders[0]);
	close(answers[1]);
	*to_r = orders[1];
	*from_r = answers[0];
}

#endif
