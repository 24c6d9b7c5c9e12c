/* From what libcurl says of a failed transfer to one of our few errors and a
 * line a person can use: what was tried, with whom, what happened.  Knows
 * nothing of requests under way; core/fetch.c calls it once per failure. */
#include "core/fetch_explain.h"

#include <stdio.h>
#include <string.h>

static const char *const names[FETCH_ERRORS] = {
	[FETCH_OK] = "ok",
	[FETCH_RESOLVE] = "resolve",
	[FETCH_CONNECT] = "connect",
	[FETCH_TLS] = "tls",
	[FETCH_TIMEOUT] = "timeout",
	[FETCH_BROKEN] = "broken",
	[FETCH_TOO_LARGE] = "too_large",
};

/* Whatever is not here is FETCH_BROKEN. */
static const struct {
	CURLcode code;
	enum fetch_error error;
} errors[] = {
	{ CURLE_URL_MALFORMAT, FETCH_CONNECT },
	{ CURLE_COULDNT_RESOLVE_PROXY, FETCH_RESOLVE },
	{ CURLE_COULDNT_RESOLVE_HOST, FETCH_RESOLVE },
	{ CURLE_COULDNT_CONNECT, FETCH_CONNECT },
	{ CURLE_INTERFACE_FAILED, FETCH_CONNECT },
	{ CURLE_PROXY, FETCH_CONNECT },
	{ CURLE_SSL_CONNECT_ERROR, FETCH_TLS },
	{ CURLE_SSL_ENGINE_NOTFOUND, FETCH_TLS },
	{ CURLE_SSL_ENGINE_SETFAILED, FETCH_TLS },
	{ CURLE_SSL_CERTPROBLEM, FETCH_TLS },
	{ CURLE_SSL_CIPHER, FETCH_TLS },
	{ CURLE_PEER_FAILED_VERIFICATION, FETCH_TLS },
	{ CURLE_SSL_CACERT_BADFILE, FETCH_TLS },
	{ CURLE_SSL_CRL_BADFILE, FETCH_TLS },
	{ CURLE_SSL_ISSUER_ERROR, FETCH_TLS },
	{ CURLE_SSL_PINNEDPUBKEYNOTMATCH, FETCH_TLS },
	{ CURLE_SSL_CLIENTCERT, FETCH_TLS },
	{ CURLE_FILESIZE_EXCEEDED, FETCH_TOO_LARGE },
};

const char *fetch_error_name(enum fetch_error error)
{
	return (unsigned)error < FETCH_ERRORS ? names[error] : "unknown";
}

static int64_t time_ms(CURL *easy, CURLINFO what)
{
	curl_off_t us = 0;

	curl_easy_getinfo(easy, what, &us);
	return us / 1000 + (us % 1000 != 0);
}

/* curl has one code for both its timeouts.  The one for connecting includes
 * the name and the handshake: tell by how far it came. */
static enum fetch_error which_timeout(const struct fetch_failure *f)
{
	long port = 0;

	if (time_ms(f->easy, CURLINFO_TOTAL_TIME_T) + 2 >= f->deadline_ms)
		return FETCH_TIMEOUT;
	if (time_ms(f->easy, CURLINFO_NAMELOOKUP_TIME_T) == 0)
		return FETCH_RESOLVE;
	curl_easy_getinfo(f->easy, CURLINFO_LOCAL_PORT, &port);
	return port == 0 ? FETCH_CONNECT : FETCH_TLS;
}

/* A server that wants a client certificate says so, in TLS 1.3, only when the
 * first bytes are read.  Whatever else befalls TLS by then may have befallen
 * the answer alone. */
static bool is_tls_alert(const struct fetch_failure *f)
{
	return (f->code == CURLE_RECV_ERROR || f->code == CURLE_SEND_ERROR) &&
	    !f->head && strstr(f->detail, "SSL routines") &&
	    strstr(f->detail, "alert");
}

static enum fetch_error classify(const struct fetch_failure *f)
{
	size_t i;

	if (f->too_large)
		return FETCH_TOO_LARGE;
	if (!f->easy)
		return FETCH_CONNECT;
	if (f->code == CURLE_OPERATION_TIMEDOUT)
		return which_timeout(f);
	if (f->code == CURLE_UNSUPPORTED_PROTOCOL &&
	    time_ms(f->easy, CURLINFO_CONNECT_TIME_T) == 0)
		return FETCH_CONNECT;
	if (is_tls_alert(f))
		return FETCH_TLS;
	for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i].code == f->code)
			return errors[i].error;
	return FETCH_BROKEN;
}

/* host:port of a URL, without user and password. */
static void find_host(const char *url, const char **host_r, int *len_r)
{
	const char *p = strstr(url, "://"), *at;
	size_t n;

	p = p ? p + 3 : url;
	n = strcspn(p, "/?#");
	at = memchr(p, '@', n);
	if (at) {
		n -= (size_t)(at + 1 - p);
		p = at + 1;
	}
	*host_r = p;
	*len_r = n < 100 ? (int)n : 100;
}

static const char *curl_text(const struct fetch_failure *f)
{
	return *f->detail ? f->detail : curl_easy_strerror(f->code);
}

static const char *connect_text(const struct fetch_failure *f)
{
	long number = 0;

	if (f->code == CURLE_OPERATION_TIMEDOUT)
		return "no reply";
	if (f->easy && f->code == CURLE_COULDNT_CONNECT)
		curl_easy_getinfo(f->easy, CURLINFO_OS_ERRNO, &number);
	return number ? strerror((int)number) : curl_text(f);
}

static const char *resolve_text(const struct fetch_failure *f)
{
	return f->code == CURLE_OPERATION_TIMEDOUT ?
	    "no reply from the resolver" : "no such name, or no resolver";
}

static const char *broken_text(const struct fetch_failure *f)
{
	if (f->code == CURLE_PARTIAL_FILE)
		return "closed before the end of the answer";
	if (f->code == CURLE_GOT_NOTHING)
		return "closed without an answer";
	if (f->code == CURLE_WRITE_ERROR)
		return "the headers are too long";
	if (f->code == CURLE_UNSUPPORTED_PROTOCOL)
		return "the answer is not HTTP";
	return curl_text(f);
}

enum fetch_error fetch_explain(const struct fetch_failure *f, char *reason,
    size_t size)
{
	enum fetch_error error = classify(f);
	const char *host;
	int n;

	find_host(f->url, &host, &n);
	switch (error) {
	case FETCH_RESOLVE:
		snprintf(reason, size, "cannot resolve %.*s: %s", n, host,
		    resolve_text(f));
		break;
	case FETCH_CONNECT:
		snprintf(reason, size, "cannot connect to %.*s: %s", n, host,
		    connect_text(f));
		break;
	case FETCH_TLS:
		snprintf(reason, size, "TLS with %.*s failed: %s", n, host,
		    curl_text(f));
		break;
	case FETCH_TIMEOUT:
		snprintf(reason, size, "%s from %.*s within %lld ms",
		    f->head ? "no end of the answer" : "no answer", n, host,
		    (long long)f->deadline_ms);
		break;
	case FETCH_TOO_LARGE:
		snprintf(reason, size, "the answer of %.*s is larger than "
		    "%zu bytes", n, host, f->max_body);
		break;
	default:
		snprintf(reason, size, "connection to %.*s broken: %s", n,
		    host, broken_text(f));
	}
	return error;
}
