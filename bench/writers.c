/* Writers for bench/watch.py: so many connections, each of which writes plain
 * heartbeats (PUT with a TTL, no refresh) to keys of its own, one after the
 * other as fast as they are answered.  Nothing is pipelined, as with real
 * services.  Every write's index goes to a file, in the order in which the
 * answers came, so that whoever watches can be held to it.  It is that of the
 * headers, which is the write's own: etcd notes it before it lets the next
 * one into the store.
 *
 *	writers HOST:PORT DIRECTORY KEYS CONNECTIONS SECONDS TTL LOG [PAUSE]
 *
 * PAUSE: us of rest before the answers that are there are read and followed by
 * the next writes, a burst of as many as there are CONNECTIONS at most, so that
 * a slower program can be watched.
 * Prints the number of writes, the seconds they took and the last index. */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_WRITERS = 1024, REQUEST = 1024, ANSWER = 4096, EVENTS = 256,
	LOG_BUFFER = 1 << 20 };

struct writer {
	int fd;
	unsigned first, key;		/* of its keys: the first, the next */
	size_t len;			/* of what came of the answer */
	char answer[ANSWER];
};

struct settings {
	const char *address, *directory;
	unsigned keys, writers, ttl, pause_us;
	double seconds;
	FILE *log;
};

static struct settings set;
static uint64_t writes, last_index;

static void die(const char *what)
{
	fprintf(stderr, "writers: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int connected(const char *address)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	const char *colon = strchr(address, ':');
	char host[64];
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	if (!colon || (size_t)(colon - address) >= sizeof(host))
		die(address);
	snprintf(host, sizeof(host), "%.*s", (int)(colon - address), address);
	a.sin_port = htons((uint16_t)atoi(colon + 1));
	if (inet_pton(AF_INET, host, &a.sin_addr) != 1 ||
	    connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		die(address);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

/* Each beats keys `first`, first + writers, ... in turn. */
static void beat(struct writer *w)
{
	char request[REQUEST], body[64];
	int n = snprintf(body, sizeof(body), "value=127.0.0.1%%3A%u&ttl=%u",
	    w->key % 60000, set.ttl);

	n = snprintf(request, sizeof(request), "PUT /v2/keys%s/%06u"
	    "?noValueOnSuccess=true HTTP/1.1\r\nHost: %s\r\n"
	    "Content-Type: application/x-www-form-urlencoded\r\n"
	    "Content-Length: %d\r\n\r\n%s", set.directory, w->key,
	    set.address, n, body);
	if (n >= (int)sizeof(request) || write(w->fd, request, (size_t)n) != n)
		die("write");
}

/* The answers are small and come with a Content-Length. */
static bool is_whole(const struct writer *w)
{
	const char *end = strstr(w->answer, "\r\n\r\n");
	const char *length = strcasestr(w->answer, "\r\nContent-Length: ");

	return end && length && w->len >= (size_t)(end + 4 - w->answer) +
	    strtoul(length + 18, NULL, 10);
}

static void written(struct writer *w)
{
	const char *index = strcasestr(w->answer, "\r\nX-Etcd-Index: ");

	if (strncmp(w->answer, "HTTP/1.1 20", 11) != 0 || !index) {
		fprintf(stderr, "writers: etcd answers: %s\n", w->answer);
		exit(1);
	}
	last_index = strtoull(index + 16, NULL, 10);
	fprintf(set.log, "%" PRIu64 " %s/%06u\n", last_index, set.directory,
	    w->key);
	writes++;
	w->len = 0;
	w->key += set.writers;
	if (w->key >= set.keys)
		w->key = w->first;
}

/* True once the answer is there. */
static bool take(struct writer *w)
{
	ssize_t n = read(w->fd, w->answer + w->len, ANSWER - 1 - w->len);

	if (n <= 0)
		die("read");
	w->len += (size_t)n;
	w->answer[w->len] = '\0';
	return is_whole(w);
}

static void settings(char **argv)
{
	set.address = argv[1];
	set.directory = argv[2];
	set.keys = (unsigned)atoi(argv[3]);
	set.writers = (unsigned)atoi(argv[4]);
	set.seconds = atof(argv[5]);
	set.ttl = (unsigned)atoi(argv[6]);
	set.log = fopen(argv[7], "w");
	set.pause_us = argv[8] != NULL ? (unsigned)atoi(argv[8]) : 0;
	if (!set.log)
		die(argv[7]);
	setvbuf(set.log, NULL, _IOFBF, LOG_BUFFER);
	if (set.writers < 1 || set.writers > MAX_WRITERS ||
	    set.keys < set.writers) {
		fprintf(stderr, "writers: 1 to %d, and a key for each\n",
		    MAX_WRITERS);
		exit(2);
	}
}

static int open_all(struct writer *v)
{
	int epoll = epoll_create1(0);

	for (unsigned i = 0; i < set.writers; i++) {
		struct epoll_event e = { .events = EPOLLIN, .data.ptr = &v[i] };

		v[i].fd = connected(set.address);
		v[i].first = v[i].key = i;
		if (epoll_ctl(epoll, EPOLL_CTL_ADD, v[i].fd, &e) < 0)
			die("epoll");
	}
	return epoll;
}

/* Until the time is over and the last answers are in. */
static void run(struct writer *v, int epoll, double until)
{
	struct epoll_event events[EVENTS];
	unsigned busy = set.writers;

	for (unsigned i = 0; i < set.writers; i++)
		beat(&v[i]);
	while (busy > 0) {
		int n = epoll_wait(epoll, events, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			struct writer *w = events[i].data.ptr;

			if (!take(w))
				continue;
			written(w);
			if (now() < until)
				beat(w);
			else
				busy--;
		}
		if (set.pause_us > 0)
			usleep(set.pause_us);
	}
}

int main(int argc, char **argv)
{
	struct writer *v = calloc(MAX_WRITERS, sizeof(*v));
	double began;

	if (argc < 8 || argc > 9 || !v) {
		fprintf(stderr, "usage: writers HOST:PORT DIRECTORY KEYS "
		    "CONNECTIONS SECONDS TTL LOG [PAUSE]\n");
		return 2;
	}
	settings(argv);
	began = now();
	run(v, open_all(v), began + set.seconds);
	printf("%" PRIu64 " %.3f %" PRIu64 "\n", writes, now() - began,
	    last_index);
	if (fclose(set.log) != 0)
		die(argv[7]);
	free(v);
	return 0;
}
