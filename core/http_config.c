/* How to speak HTTP to somebody, put into force on a curl handle.  Files are
 * read here once, when configuration is read; a transfer never opens one.
 * What the keys are called and which go together is in core/http_options.c. */
#include "core/http_config.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include "core/config.h"
#include "core/err.h"
#include "core/file.h"
#include "core/options.h"
#include "core/xalloc.h"

enum { MAX_PEM = 1 << 20, MAX_SECRET = 64 << 10, MAX_REDIRECTS = 10 };

#define FILE_OF(section_, field_, pem_) \
	{ .section = #section_, .key = #field_ "_file", \
	  .name = offsetof(struct http_config, section_.field_ ## _file), \
	  .content = offsetof(struct http_config, section_.field_), \
	  .pem = (pem_) }

const struct http_config_file http_config_files[HTTP_CONFIG_FILES] = {
	FILE_OF(authorization, credentials, false),
	FILE_OF(basic_auth, password, false),
	FILE_OF(basic_auth, username, false),
	FILE_OF(tls_config, ca, true),
	FILE_OF(tls_config, cert, true),
	FILE_OF(tls_config, key, true),
};

static const struct {
	const char *name;
	long min, max;
} tls_versions[] = {
	{ "TLS10", CURL_SSLVERSION_TLSv1_0, CURL_SSLVERSION_MAX_TLSv1_0 },
	{ "TLS11", CURL_SSLVERSION_TLSv1_1, CURL_SSLVERSION_MAX_TLSv1_1 },
	{ "TLS12", CURL_SSLVERSION_TLSv1_2, CURL_SSLVERSION_MAX_TLSv1_2 },
	{ "TLS13", CURL_SSLVERSION_TLSv1_3, CURL_SSLVERSION_MAX_TLSv1_3 },
};

int http_config_tls_version(const char *text)
{
	for (size_t i = 0; i < sizeof(tls_versions) / sizeof(tls_versions[0]);
	    i++)
		if (strcmp(text, tls_versions[i].name) == 0)
			return (int)i;
	return -1;
}

void http_config_init(struct http_config *c)
{
	*c = (struct http_config){ .follow_redirects = true,
	    .enable_http2 = true };
}

void http_config_free(struct http_config *c)
{
	options_free(&http_config_options, c);
}

static char **field(struct http_config *c, size_t offset)
{
	return (char **)(void *)((char *)c + offset);
}

/* A file made with an editor or echo ends in a line end that is no part of
 * the password. */
static void cut_line_end(char *s)
{
	size_t n = strlen(s);

	if (n > 0 && s[n - 1] == '\n')
		s[--n] = '\0';
	if (n > 0 && s[n - 1] == '\r')
		s[n - 1] = '\0';
}

int http_config_load_file(struct http_config *c,
    const struct http_config_file *f, struct err *e)
{
	const char *path = *field(c, f->name);
	char *bytes;
	size_t len;

	if (!path || !path[0])
		return 0;
	bytes = file_read(path, f->pem ? MAX_PEM : MAX_SECRET, &len, e);
	if (!bytes)
		return -1;
	if (strlen(bytes) != len) {
		free(bytes);
		return err_set(e, "%s: has a NUL byte in it", path);
	}
	if (f->pem && !strstr(bytes, "-----BEGIN ")) {
		free(bytes);
		return err_set(e, "%s: has nothing in PEM form in it", path);
	}
	if (!f->pem)
		cut_line_end(bytes);
	free(*field(c, f->content));
	*field(c, f->content) = bytes;
	return 0;
}

int http_config_load_files(struct http_config *c, struct err *e)
{
	for (size_t i = 0; i < HTTP_CONFIG_FILES; i++)
		if (http_config_load_file(c, &http_config_files[i], e) < 0)
			return -1;
	return 0;
}

/* Only an option this curl was built without can fail, and configuration
 * that asks for one cannot be honoured by anybody: our bug, not the user's. */
#define SET(h, option, value) do { \
	CURLcode rc_ = curl_easy_setopt(h, option, value); \
	assert(rc_ == CURLE_OK); \
	(void)rc_; \
} while (0)

static void set_pem(CURL *h, CURLoption option, char *pem)
{
	struct curl_blob blob = { .flags = CURL_BLOB_COPY };

	if (!pem)
		return;
	blob.data = pem;
	blob.len = strlen(pem);
	SET(h, option, &blob);
}

static void set_versions(const struct http_config *c, CURL *h)
{
	const char *text = c->tls_config.min_version;
	int i = text ? http_config_tls_version(text) : -1;
	long v = i >= 0 ? tls_versions[i].min : CURL_SSLVERSION_TLSv1_2;

	text = c->tls_config.max_version;
	i = text ? http_config_tls_version(text) : -1;
	if (i >= 0)
		v |= tls_versions[i].max;
	SET(h, CURLOPT_SSLVERSION, v);
}

static void set_tls(const struct http_config *c, CURL *h)
{
	if (c->tls_config.ca) {
		/* Instead of the system's authorities, not beside them. */
		SET(h, CURLOPT_CAPATH, NULL);
		set_pem(h, CURLOPT_CAINFO_BLOB, c->tls_config.ca);
	}
	set_pem(h, CURLOPT_SSLCERT_BLOB, c->tls_config.cert);
	set_pem(h, CURLOPT_SSLKEY_BLOB, c->tls_config.key);
	if (c->tls_config.insecure_skip_verify) {
		SET(h, CURLOPT_SSL_VERIFYPEER, 0L);
		SET(h, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	set_versions(c, h);
}

/* Neither is sent on to another host that a redirect names: curl sees to
 * that. */
static void set_credentials(const struct http_config *c, CURL *h)
{
	if (c->authorization.credentials) {
		SET(h, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
		SET(h, CURLOPT_XOAUTH2_BEARER, c->authorization.credentials);
	} else if (c->basic_auth.username) {
		SET(h, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
		SET(h, CURLOPT_USERNAME, c->basic_auth.username);
		SET(h, CURLOPT_PASSWORD, c->basic_auth.password ?
		    c->basic_auth.password : "");
	}
}

static void set_proxy(const struct http_config *c, CURL *h)
{
	if (c->proxy_from_environment)
		return;
	SET(h, CURLOPT_PROXY, c->proxy_url ? c->proxy_url : "");
	SET(h, CURLOPT_NOPROXY, c->no_proxy ? c->no_proxy : "");
}

void http_config_apply(const struct http_config *c, void *curl)
{
	static const struct http_config plain = { .follow_redirects = true };
	CURL *h = curl;

	if (!c)
		c = &plain;
	SET(h, CURLOPT_PROTOCOLS_STR, "http,https");
	SET(h, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
	SET(h, CURLOPT_FOLLOWLOCATION, c->follow_redirects ? 1L : 0L);
	SET(h, CURLOPT_MAXREDIRS, (long)MAX_REDIRECTS);
	/* A POST stays one: a GET without the message would be answered with
	 * 200 as well, and the message would count as delivered. */
	SET(h, CURLOPT_POSTREDIR, (long)CURL_REDIR_POST_ALL);
	set_proxy(c, h);
	set_credentials(c, h);
	set_tls(c, h);
}

/* curl verifies the name in the URL: so that becomes the one expected, and
 * where to connect to is said beside it. */
static CURLUcode rename_host(CURLU *u, const char *name, void *lists[2])
{
	char *host = NULL, *port = NULL, *text;
	CURLUcode rc = curl_url_get(u, CURLUPART_HOST, &host, 0);

	if (rc == CURLUE_OK)
		rc = curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT);
	if (rc == CURLUE_OK)
		rc = curl_url_set(u, CURLUPART_HOST, name, 0);
	if (rc == CURLUE_OK) {
		text = xasprintf("%s:%s:%s:%s", name, port, host, port);
		lists[1] = curl_slist_append(NULL, text);
		free(text);
		text = xasprintf("Host: %s:%s", host, port);
		lists[0] = curl_slist_append(lists[0], text);
		free(text);
	}
	curl_free(host);
	curl_free(port);
	return rc;
}

static int set_renamed(const char *name, CURL *h, const char *url,
    void *lists[2])
{
	CURLU *u = curl_url();
	char *text = NULL;
	CURLUcode rc = curl_url_set(u, CURLUPART_URL, url, 0);

	if (rc == CURLUE_OK)
		rc = rename_host(u, name, lists);
	if (rc == CURLUE_OK)
		rc = curl_url_get(u, CURLUPART_URL, &text, 0);
	if (rc == CURLUE_OK) {
		SET(h, CURLOPT_URL, text);
		SET(h, CURLOPT_CONNECT_TO, lists[1]);
	}
	curl_free(text);
	curl_url_cleanup(u);
	return rc == CURLUE_OK ? CURLE_OK : CURLE_URL_MALFORMAT;
}

int http_config_set_url(const struct http_config *c, void *curl,
    const char *url, void *lists[2])
{
	const char *name = c ? c->tls_config.server_name : NULL;

	if (name && name[0] && strncasecmp(url, "https:", 6) == 0)
		return set_renamed(name, curl, url, lists);
	return (int)curl_easy_setopt(curl, CURLOPT_URL, url);
}
