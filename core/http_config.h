#ifndef CORE_HTTP_CONFIG_H
#define CORE_HTTP_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

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
	bool proxy_from_environment;
	bool follow_redirects;
	bool enable_http2;	/* accepted; what is spoken is HTTP/1.1 */
};

/* The values Prometheus has when a key is not given. */
void http_config_init(struct http_config *c);
void http_config_free(struct http_config *c);

struct err;

/* Reads a YAML file with the keys of http_config, and the files it names.
 * Blocks.  -1 with e naming file, line and what is wrong; c is empty then. */
int http_config_load(struct http_config *c, const char *path, struct err *e);

/* Reads every *_file that is named into the field beside it (PEM as it is,
 * others without the last line end); the name stays, for printing.  Blocks;
 * config reader only.  -1 with e naming the file.  Reading the option set
 * http_config_options (core/config.h) has done this already. */
int http_config_load_files(struct http_config *c, struct err *e);

/* The files one by one, for whoever wants to say where each was named. */
struct http_config_file {
	const char *section, *key;	/* "tls_config", "ca_file" */
	size_t name, content;		/* offsets of the char * fields */
	bool pem;
};

enum { HTTP_CONFIG_FILES = 6 };
extern const struct http_config_file http_config_files[HTTP_CONFIG_FILES];

/* Does nothing if that file is not named. */
int http_config_load_file(struct http_config *c,
    const struct http_config_file *f, struct err *e);

/* TLS10..TLS13 as 0..3; -1 if it is none of them. */
int http_config_tls_version(const char *text);

/* Sets the options on a curl handle (a CURL *).  c may be NULL.  The strings
 * are copied by curl; PEM is handed over as blobs, so curl opens no file. */
void http_config_apply(const struct http_config *c, void *curl);

/* Sets the URL; with tls_config.server_name the certificate has to be of that
 * name, and the connection still goes to the URL's host.  lists[0] gets
 * headers added, lists[1] what curl borrows (curl_slist; freed by the caller
 * after the transfer).  0, or a CURLcode. */
int http_config_set_url(const struct http_config *c, void *curl,
    const char *url, void *lists[2]);

#endif
