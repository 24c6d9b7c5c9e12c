/* From a listen address as people write it to a listening socket.  Called by
 * server.c once per address at start; the socket then is libmicrohttpd's. */
#include "exporter/listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/err.h"
#include "core/xalloc.h"

enum { BACKLOG = 128, HOST_MAX = 256 };

/* Cuts "host:port" in two; the host of "[::1]:80" is "::1".  Returns the
 * port, or NULL with e. */
static const char *split(const char *address, char host[HOST_MAX],
    struct err *e)
{
	const char *colon = strrchr(address, ':');
	size_t n = colon != NULL ? (size_t)(colon - address) : 0;
	bool bracket = address[0] == '[';

	if (colon == NULL || n >= HOST_MAX || (bracket &&
	    (n < 2 || address[n - 1] != ']')) ||
	    (!bracket && memchr(address, ':', n) != NULL)) {
		err_set(e, "listen address \"%s\": expected host:port, "
		    ":port or [IPv6 address]:port", address);
		return NULL;
	}
	memcpy(host, address + bracket, n - 2 * bracket);
	host[n - 2 * bracket] = '\0';
	return colon + 1;
}

static bool valid_port(const char *port)
{
	size_t n = strspn(port, "0123456789");

	return n > 0 && n <= 5 && port[n] == '\0' && atoi(port) <= 65535;
}

/* Binds and listens at one resolved address; -1 with errno. */
static int open_at(const struct addrinfo *a)
{
	int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0), on = 1, off = 0, saved;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (a->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 &&
	    listen(fd, BACKLOG) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

/* The address the socket really has. */
static char *address_of(int fd)
{
	struct sockaddr_storage s;
	socklen_t n = sizeof(s);
	char host[NI_MAXHOST], port[NI_MAXSERV];

	if (getsockname(fd, (struct sockaddr *)&s, &n) != 0 ||
	    getnameinfo((struct sockaddr *)&s, n, host, sizeof(host), port,
	    sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		return xstrdup("?");
	return xasprintf(s.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s",
	    host, port);
}

/* The first address of a family (AF_UNSPEC: any) that can be listened at;
 * -1 with errno. */
static int open_first(const struct addrinfo *list, int family)
{
	int fd = -1;

	errno = EAFNOSUPPORT;
	for (; list != NULL && fd < 0; list = list->ai_next)
		if (family == AF_UNSPEC || list->ai_family == family)
			fd = open_at(list);
	return fd;
}

/* Without a host: an IPv6 socket takes IPv4 too; where there is no IPv6, one
 * for IPv4 alone. */
static int open_any(const struct addrinfo *list)
{
	int fd = open_first(list, AF_INET6);

	if (fd < 0 && errno != EADDRINUSE && errno != EACCES)
		fd = open_first(list, AF_INET);
	return fd;
}

int listen_open(const char *address, char **address_r, struct err *e)
{
	struct addrinfo hints = {
		.ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM
	}, *list;
	char host[HOST_MAX];
	const char *port = split(address, host, e);
	int fd, rc;

	if (port == NULL)
		return -1;
	if (!valid_port(port))
		return err_set(e, "listen address \"%s\": the port must be a "
		    "number from 0 to 65535", address);
	rc = getaddrinfo(host[0] != '\0' ? host : NULL, port, &hints, &list);
	if (rc != 0)
		return err_set(e, "listen address \"%s\": %s", address,
		    gai_strerror(rc));
	fd = host[0] != '\0' ? open_first(list, AF_UNSPEC) : open_any(list);
	rc = errno;
	freeaddrinfo(list);
	if (fd < 0)
		return err_set(e, "listen at %s: %s%s", address, strerror(rc),
		    rc == EADDRINUSE ?
		    " (--web.listen-address names another)" : "");
	*address_r = address_of(fd);
	return fd;
}
