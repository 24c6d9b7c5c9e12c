#ifndef CORE_FETCH_ERROR_H
#define CORE_FETCH_ERROR_H

/* How a request over HTTP ended. */
enum fetch_error {
	FETCH_OK,		/* an answer came, whatever its status */
	FETCH_RESOLVE,		/* the name does not resolve */
	FETCH_CONNECT,		/* refused, unreachable, connect timeout */
	FETCH_TLS,		/* handshake or certificate */
	FETCH_TIMEOUT,		/* the deadline passed */
	FETCH_BROKEN,		/* closed before the end, not HTTP */
	FETCH_TOO_LARGE,	/* body above max_body */
	FETCH_ERRORS
};

/* Word for an error, as used in logs and metrics: "resolve", "timeout"... */
const char *fetch_error_name(enum fetch_error error);

#endif
