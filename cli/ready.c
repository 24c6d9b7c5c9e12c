/* --ready-tcp: tries again and again to connect, until that is possible.  Each
 * try runs in a thread, since it resolves a name, which may hang; one that does
 * is left to itself.  That it takes long is said once.  Used by
 * cli/register_run.c. */
#include "cli/ready.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/err.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/xalloc.h"

enum {
	EVERY_MS = 100, TRY_MS = 1000,
	LONG_MS = 10 * 1000,		/* worth a line in the log */
	MAX_PORT = 65535
};

/* One try.  The thread's, except for `ready`, which is the loop's. */
struct try {
	struct ready *ready;		/* NULL: nobody wants to know */
	char *host, *port;
	bool accepted;
	struct err why;
};

struct ready {
	struct loop *loop;
	struct timer *timer;
	char *address;
	struct try *try;		/* under way */
	mono_t began, tried;
	bool complained;
	void (*accepted)(void *arg);
	void *arg;
};

/* --- the address --- */

static bool is_port(const char *s)
{
	size_t n = strspn(s, "0123456789");

	return n > 0 && n <= 5 && s[n] == '\0' && atoi(s) > 0 &&
	    atoi(s) <= MAX_PORT;
}

/* The host, without brackets; NULL if there is none. */
static char *host_of(const char *address, const char *colon)
{
	size_t n = (size_t)(colon - address);

	if (n > 2 && address[0] == '[' && colon[-1] == ']')
		return xstrndup(address + 1, n - 2);
	if (n == 0 || memchr(address, ':', n) || address[0] == '[')
		return NULL;
	return xstrndup(address, n);
}

static int split(const char *address, char **host_r, const char **port_r)
{
	const char *colon = strrchr(address, ':');

	*host_r = NULL;
	if (!colon || !is_port(colon + 1))
		return -1;
	*port_r = colon + 1;
	*host_r = host_of(address, colon);
	return *host_r ? 0 : -1;
}

int ready_check(const char *address, struct err *e)
{
	const char *port;
	char *host;
	int rc = split(address, &host, &port);

	free(host);
	if (rc == 0)
		return 0;
	return err_set(e, "\"%.200s\" is no address: HOST:PORT, such as"
	    " 127.0.0.1:8008 or [::1]:8008", address);
}

/* --- one try, in a thread --- */

static int finish(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	socklen_t len = sizeof(int);
	int error = ETIMEDOUT;

	if (poll(&p, 1, TRY_MS) > 0)
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
	return error;
}

/* Where nobody listens, the kernel may choose the same port for this end, and
 * connect it to itself. */
static bool is_itself(int fd)
{
	struct sockaddr_storage here = { 0 }, there = { 0 };
	socklen_t n = sizeof(here), m = sizeof(there);

	return getsockname(fd, (struct sockaddr *)&here, &n) == 0 &&
	    getpeername(fd, (struct sockaddr *)&there, &m) == 0 &&
	    n == m && memcmp(&here, &there, n) == 0;
}

/* 0, or an errno. */
static int connect_to(const struct addrinfo *a)
{
	int fd = socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, a->ai_protocol);
	int error = 0;

	if (fd < 0)
		return errno;
	if (connect(fd, a->ai_addr, a->ai_addrlen) < 0)
		error = errno == EINPROGRESS ? finish(fd) : errno;
	if (error == 0 && is_itself(fd))
		error = ECONNREFUSED;
	close(fd);
	return error;
}

static void work(void *arg)
{
	struct try *t = arg;
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
	    .ai_flags = AI_NUMERICSERV }, *all, *a;
	int error = getaddrinfo(t->host, t->port, &hints, &all);

	if (error != 0) {
		err_set(&t->why, "%s", gai_strerror(error));
		return;
	}
	for (a = all; a && !t->accepted; a = a->ai_next) {
		error = connect_to(a);
		t->accepted = error == 0;
		err_set(&t->why, "%s", strerror(error));
	}
	freeaddrinfo(all);
}

/* --- again and again --- */

static void free_try(void *arg)
{
	struct try *t = arg;

	free(t->host);
	free(t->port);
	free(t);
}

static void complain(struct ready *r, const struct try *t)
{
	if (r->complained || mono_since(r->began, loop_now(r->loop)) < LONG_MS)
		return;
	r->complained = true;
	log_warn("still waiting for it to accept connections",
	    LOG_S("address", r->address), LOG_S("reason", t->why.text));
}

static void done(void *arg)
{
	struct try *t = arg;
	struct ready *r = t->ready;

	if (!r) {
		free_try(t);
		return;
	}
	r->try = NULL;
	if (t->accepted) {
		free_try(t);
		r->accepted(r->arg);
		return;
	}
	complain(r, t);
	timer_set(r->timer, mono_add(r->tried, EVERY_MS));
	free_try(t);
}

static void start(void *arg, mono_t now)
{
	struct ready *r = arg;
	struct try *t = xcalloc(1, sizeof(*t));
	const char *port = NULL;

	t->ready = r;
	split(r->address, &t->host, &port);
	t->port = xstrdup(port);
	r->try = t;
	r->tried = now;
	loop_offload_or_drop(r->loop, work, done, free_try, t);
}

struct ready *ready_new(struct loop *l, const char *address,
    void (*accepted)(void *arg), void *arg)
{
	struct ready *r = xcalloc(1, sizeof(*r));

	r->loop = l;
	r->address = xstrdup(address);
	r->accepted = accepted;
	r->arg = arg;
	r->began = loop_now(l);
	r->timer = timer_new(l, start, r);
	timer_set(r->timer, r->began);
	return r;
}

void ready_free(struct ready *r)
{
	if (!r)
		return;
	if (r->try)
		r->try->ready = NULL;
	timer_free(r->timer);
	free(r->address);
	free(r);
}
