/* A longer way to a server on 127.0.0.1: whatever comes is passed on so many
 * microseconds later, in both directions, on any number of connections.  For
 * bench/watch.py, where the kernel has no netem.
 *
 *	slowline LISTEN-PORT SERVER-PORT MICROSECONDS */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PIECE = 64 * 1024, EVENTS = 64 };

struct end {				/* of a connection */
	int fd;
	struct end *other;
};

struct piece {				/* on its way */
	STAILQ_ENTRY(piece) next;
	int64_t due;
	struct end *to;
	size_t len;			/* 0: the connection ends */
	char bytes[];
};

static STAILQ_HEAD(, piece) way = STAILQ_HEAD_INITIALIZER(way);
static int64_t delay_ns;
static int epoll, listener;
static uint16_t server_port;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static struct sockaddr_in local(uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_port = htons(port) };

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return a;
}

static void watch(int fd, struct end *e)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = e };
	int on = 1;

	if (e)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		die("epoll_ctl");
}

static void accept_one(void)
{
	struct end *v = calloc(2, sizeof(*v));
	struct sockaddr_in a = local(server_port);

	v[0].fd = accept(listener, NULL, NULL);
	v[1].fd = socket(AF_INET, SOCK_STREAM, 0);
	if (v[0].fd < 0 || connect(v[1].fd, (struct sockaddr *)&a,
	    sizeof(a)) < 0)
		die("connect");
	for (int i = 0; i < 2; i++) {
		v[i].other = &v[1 - i];
		watch(v[i].fd, &v[i]);
	}
}

static void take(struct end *e)
{
	struct piece *p = malloc(sizeof(*p) + PIECE);
	ssize_t n = read(e->fd, p->bytes, PIECE);

	p->due = now() + delay_ns;
	p->to = e->other;
	p->len = n > 0 ? (size_t)n : 0;
	if (n <= 0)
		epoll_ctl(epoll, EPOLL_CTL_DEL, e->fd, NULL);
	STAILQ_INSERT_TAIL(&way, p, next);
}

/* Whoever reads too slowly holds up all: these are measurements. */
static void pass_on(const struct piece *p)
{
	size_t done = 0;

	if (p->len == 0)
		shutdown(p->to->fd, SHUT_WR);
	while (done < p->len) {
		ssize_t n = send(p->to->fd, p->bytes + done, p->len - done,
		    MSG_NOSIGNAL);

		if (n <= 0)
			return;
		done += (size_t)n;
	}
}

static void pass_due(void)
{
	struct piece *p;

	while ((p = STAILQ_FIRST(&way)) && p->due <= now()) {
		STAILQ_REMOVE_HEAD(&way, next);
		pass_on(p);
		free(p);
	}
}

static int wait_for(struct epoll_event *events)
{
	const struct piece *p = STAILQ_FIRST(&way);
	int64_t ns = p ? p->due - now() : 1000000000;
	struct timespec t = { ns > 0 ? ns / 1000000000 : 0,
		ns > 0 ? ns % 1000000000 : 0 };

	return epoll_pwait2(epoll, events, EVENTS, &t, NULL);
}

int main(int argc, char **argv)
{
	struct sockaddr_in a;
	int on = 1;

	if (argc != 4) {
		fprintf(stderr, "usage: slowline LISTEN-PORT SERVER-PORT "
		    "MICROSECONDS\n");
		return 2;
	}
	a = local((uint16_t)atoi(argv[1]));
	server_port = (uint16_t)atoi(argv[2]);
	delay_ns = atoll(argv[3]) * 1000;
	epoll = epoll_create1(0);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(listener, (struct sockaddr *)&a, sizeof(a)) < 0 ||
	    listen(listener, 64) < 0)
		die("listen");
	watch(listener, NULL);
	for (;;) {
		struct epoll_event events[EVENTS];
		int n = wait_for(events);

		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr)
				take(events[i].data.ptr);
			else
				accept_one();
		}
		pass_due();
	}
}
