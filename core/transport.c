/* What all connections have in common, whoever makes them: core/fetch.c, one
 * request on each at a time, and core/lane.c, many. */
#include "core/transport.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <curl/curl.h>

enum {
	KEEPALIVE_S = 5,		/* probe a silent peer this often */
	UNACKED_MS = 10000		/* and give it up after this long */
};

/* A peer that vanished without a word is noticed after about ten seconds. */
static int on_socket(void *arg, curl_socket_t fd, curlsocktype purpose)
{
	int ms = UNACKED_MS;

	(void)arg;
	(void)purpose;
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms));
	return CURL_SOCKOPT_OK;
}

void transport_apply(void *curl, int64_t connect_ms)
{
	CURL *h = curl;

	curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(h, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(h, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	/* Reading the system's authorities takes 30 ms.  curl keeps what it
	 * read, but only where they come from the one file alone. */
	curl_easy_setopt(h, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(h, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(h, CURLOPT_TCP_NODELAY, 1L);
	curl_easy_setopt(h, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
	curl_easy_setopt(h, CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_S);
	curl_easy_setopt(h, CURLOPT_TCP_KEEPINTVL, (long)KEEPALIVE_S);
	curl_easy_setopt(h, CURLOPT_SOCKOPTFUNCTION, on_socket);
}
