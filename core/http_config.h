#ifndef CORE_HTTP_CONFIG_H
#define CORE_HTTP_CONFIG_H

#include <stdbool.h>

#include <curl/curl.h>

/* How to speak HTTP to somebody: Prometheus' http_config keys.  Filled by the
 * config reader, which also reads the files, so that no file is touched while
 * the loop runs.  Strings are owned, NULL when not given. */
struct http_config {
	struct {
		char *username, *username_file;
		char *password, *password_file;
	} basic_auth;
	struct {
		char *type, *credentials, *credentials_file;
	} authorization;
	struct {
		char *ca, *ca_file, *cert, *cert_file, *key, *key_file;
		char *server_name, *min_version, *max_version;
		bool insecure_skip_verify;
	} tls_config;
	char *proxy_url, *no_proxy;
	bool follow_redirects;
};

/* The values Prometheus has when a key is not given. */
void http_config_init(struct http_config *c);
void http_config_free(struct http_config *c);

struct err;

/* Replaces every *_file by its content (PEM as it is, others without the last
 * line end).  Blocks; config reader only.  -1 with e naming the file. */
int http_config_load_files(struct http_config *c, struct err *e);

/* Sets the options on a curl handle.  c may be NULL.  The strings are copied
 * by curl; PEM is handed over as blobs, so curl opens no file. */
void http_config_apply(const struct http_config *c, CURL *h);

#endif
