/* The head of a request as core/lane.c sends it, the same that libcurl would
 * write for core/fetch.c.  Moves no byte. */
#include "core/http_head.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/fetch.h"
#include "core/http_config.h"
#include "core/xalloc.h"

enum { MAX_HEAD = 256 * 1024 };

static const char *authority(const char *url, size_t *len_r)
{
	const char *p = strstr(url, "://");

	p = p ? p + 3 : url;
	*len_r = strcspn(p, "/?#");
	return p;
}

char *http_head_prefix(const char *url)
{
	size_t n;
	const char *path = authority(url, &n) + n;

	n = strcspn(path, "?#");
	while (n > 0 && path[n - 1] == '/')
		n--;
	return xstrndup(path, n);
}

/* RFC 4648, 4. */
static void add_base64(struct buf *b, const char *text, size_t n)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *p = (const unsigned char *)text;

	for (size_t i = 0; i < n; i += 3) {
		size_t left = n - i;
		uint32_t v = (uint32_t)p[i] << 16;

		v |= left > 1 ? (uint32_t)p[i + 1] << 8 : 0;
		v |= left > 2 ? p[i + 2] : 0;
		buf_addc(b, digits[v >> 18]);
		buf_addc(b, digits[v >> 12 & 63]);
		buf_addc(b, left > 1 ? digits[v >> 6 & 63] : '=');
		buf_addc(b, left > 2 ? digits[v & 63] : '=');
	}
}

static void add_authorization(struct buf *b, const struct http_config *http)
{
	const char *password = http->basic_auth.password;
	char *pair;

	if (http->authorization.credentials) {
		buf_adds(b, "Authorization: Bearer ");
		buf_adds(b, http->authorization.credentials);
		buf_adds(b, "\r\n");
	} else if (http->basic_auth.username) {
		pair = xasprintf("%s:%s", http->basic_auth.username,
		    password ? password : "");
		buf_adds(b, "Authorization: Basic ");
		add_base64(b, pair, strlen(pair));
		buf_adds(b, "\r\n");
		free(pair);
	}
}

char *http_head_lines(const struct http_config *http, const char *url)
{
	struct buf b;
	size_t n;
	const char *host = authority(url, &n);

	buf_init(&b, MAX_HEAD);
	buf_adds(&b, " HTTP/1.1\r\nHost: ");
	buf_add(&b, host, n);
	buf_adds(&b, "\r\nUser-Agent: ");
	buf_adds(&b, fetch_user_agent());
	buf_adds(&b, "\r\nAccept: */*\r\n");
	if (http)
		add_authorization(&b, http);
	buf_adds(&b, "\r\n");
	return buf_take(&b, NULL);
}
