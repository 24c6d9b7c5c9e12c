/* The keys of http_config and which of them go together.  Used wherever
 * configuration says how to reach somebody: etcd, Alertmanagers, receivers. */
#include <ctype.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "core/config.h"
#include "core/err.h"
#include "core/problems.h"
#include "core/yaml.h"

/* The parts have no type of their own: their options lie in http_config
 * itself, at offset 0. */
#define FIELD(name_, type_, field_) \
	{ .name = (name_), .type = (type_), \
	  .offset = offsetof(struct http_config, field_) }

static const struct option basic_auth_options[] = {
	FIELD("username", OPTION_STRING, basic_auth.username),
	FIELD("username_file", OPTION_PATH, basic_auth.username_file),
	FIELD("password", OPTION_SECRET, basic_auth.password),
	FIELD("password_file", OPTION_PATH, basic_auth.password_file),
};

static const struct option_set basic_auth_set = OPTION_SET("basic_auth",
    struct http_config, basic_auth_options);

static const struct option authorization_options[] = {
	FIELD("type", OPTION_STRING, authorization.type),
	FIELD("credentials", OPTION_SECRET, authorization.credentials),
	FIELD("credentials_file", OPTION_PATH,
	    authorization.credentials_file),
};

static const struct option_set authorization_set = OPTION_SET(
    "authorization", struct http_config, authorization_options);

static const struct option tls_options[] = {
	FIELD("ca", OPTION_STRING, tls_config.ca),
	FIELD("ca_file", OPTION_PATH, tls_config.ca_file),
	FIELD("cert", OPTION_STRING, tls_config.cert),
	FIELD("cert_file", OPTION_PATH, tls_config.cert_file),
	FIELD("key", OPTION_SECRET, tls_config.key),
	FIELD("key_file", OPTION_PATH, tls_config.key_file),
	FIELD("server_name", OPTION_STRING, tls_config.server_name),
	FIELD("insecure_skip_verify", OPTION_BOOL,
	    tls_config.insecure_skip_verify),
	FIELD("min_version", OPTION_STRING, tls_config.min_version),
	FIELD("max_version", OPTION_STRING, tls_config.max_version),
};

static const struct option_set tls_set = OPTION_SET("tls_config",
    struct http_config, tls_options);

#define PART(name_, set_) \
	{ .name = (name_), .type = OPTION_OBJECT, .set = (set_) }

static const struct option options[] = {
	PART("basic_auth", &basic_auth_set),
	PART("authorization", &authorization_set),
	PART("tls_config", &tls_set),
	FIELD("proxy_url", OPTION_STRING, proxy_url),
	FIELD("no_proxy", OPTION_STRING, no_proxy),
	FIELD("proxy_from_environment", OPTION_BOOL, proxy_from_environment),
	FIELD("follow_redirects", OPTION_BOOL, follow_redirects),
	FIELD("enable_http2", OPTION_BOOL, enable_http2),
};

static bool given(const char *text)
{
	return text && text[0];
}

static const char *field(const struct http_config *c, size_t offset)
{
	return *(char *const *)(const void *)((const char *)c + offset);
}

/* The node of a key of a section, or the nearest that is there: a section
 * that is absent has no keys to complain about. */
static const struct yaml_node *node_of(const struct yaml_node *node,
    const char *section, const char *key)
{
	const struct yaml_node *part = yaml_get(node, section);
	const struct yaml_node *value = yaml_get(part, key);

	if (value)
		return value;
	return part ? part : node;
}

/* A value and the file it is in, or one of the two; then reads the file. */
static void check_files(struct http_config *c, const struct yaml_node *node,
    struct problems *p)
{
	const struct http_config_file *f;
	const struct yaml_node *at;
	struct err e;

	for (size_t i = 0; i < HTTP_CONFIG_FILES; i++) {
		f = &http_config_files[i];
		at = node_of(node, f->section, f->key);
		if (!given(field(c, f->name)))
			continue;
		if (field(c, f->content))
			yaml_problem(p, at, "%s: give either %.*s or %s, not"
			    " both", f->section, (int)strlen(f->key) - 5,
			    f->key, f->key);
		else if (http_config_load_file(c, f, &e) < 0)
			yaml_problem(p, at, "%s: %s", f->key, e.text);
	}
}

static bool has_control(const char *s)
{
	for (; *s; s++)
		if (iscntrl((unsigned char)*s))
			return true;
	return false;
}

static void check_basic_auth(const struct http_config *c,
    const struct yaml_node *node, struct problems *p)
{
	const struct yaml_node *at = yaml_get(node, "basic_auth");

	if (!at || at->kind != YAML_MAP)
		return;
	if (!given(c->basic_auth.username) &&
	    !given(c->basic_auth.username_file))
		yaml_problem(p, at, "missing field \"username\" in"
		    " basic_auth");
	if (c->basic_auth.username && strchr(c->basic_auth.username, ':'))
		yaml_problem(p, at, "basic_auth: a user name cannot have a"
		    " colon in it");
}

static void check_authorization(const struct http_config *c,
    const struct yaml_node *node, struct problems *p)
{
	const struct yaml_node *at = yaml_get(node, "authorization");
	const char *type = c->authorization.type;

	if (!at || at->kind != YAML_MAP)
		return;
	if (yaml_get(node, "basic_auth"))
		yaml_problem(p, at, "give either basic_auth or authorization,"
		    " not both");
	if (type && strcasecmp(type, "basic") == 0)
		yaml_problem(p, node_of(node, "authorization", "type"),
		    "type: use basic_auth for \"%s\"", type);
	else if (type && strcasecmp(type, "bearer") != 0)
		yaml_problem(p, node_of(node, "authorization", "type"),
		    "type: only \"Bearer\" is supported, found \"%s\"", type);
	if (!given(c->authorization.credentials) &&
	    !given(c->authorization.credentials_file))
		yaml_problem(p, at, "missing field \"credentials\" in"
		    " authorization");
	else if (c->authorization.credentials &&
	    has_control(c->authorization.credentials))
		yaml_problem(p, at, "authorization: the credentials have a"
		    " line end or another control character in them");
}

static int check_version(const char *text, const char *key,
    const struct yaml_node *node, struct problems *p)
{
	int v = text ? http_config_tls_version(text) : -1;

	if (text && v < 0)
		yaml_problem(p, node_of(node, "tls_config", key), "%s:"
		    " expected TLS10, TLS11, TLS12 or TLS13, found \"%s\"",
		    key, text);
	return v;
}

static const char host_characters[] = "abcdefghijklmnopqrstuvwxyz"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:[]";

static void check_tls(const struct http_config *c,
    const struct yaml_node *node, struct problems *p)
{
	int min = check_version(c->tls_config.min_version, "min_version",
	    node, p);
	int max = check_version(c->tls_config.max_version, "max_version",
	    node, p);
	bool cert = given(c->tls_config.cert) ||
	    given(c->tls_config.cert_file);
	bool key = given(c->tls_config.key) || given(c->tls_config.key_file);

	if (max >= 0 && max < (min >= 0 ? min : 2))	/* 2: TLS12 */
		yaml_problem(p, node_of(node, "tls_config", "max_version"),
		    "max_version: %s is below min_version (%s)",
		    c->tls_config.max_version,
		    min >= 0 ? c->tls_config.min_version : "TLS12");
	if (cert != key)
		yaml_problem(p, yaml_get(node, "tls_config"), "tls_config: a"
		    " certificate and its key are needed together (cert%s)",
		    cert ? " without key" : " is missing");
	if (given(c->tls_config.server_name) &&
	    strspn(c->tls_config.server_name, host_characters) !=
	    strlen(c->tls_config.server_name))
		yaml_problem(p, node_of(node, "tls_config", "server_name"),
		    "server_name: \"%s\" is no host name",
		    c->tls_config.server_name);
}

static void check_proxy(const struct http_config *c,
    const struct yaml_node *node, struct problems *p)
{
	static const char *const schemes[] = {
		"http://", "https://", "socks5://", "socks5h://",
	};
	const char *url = c->proxy_url;

	if (c->proxy_from_environment && (given(url) || given(c->no_proxy)))
		yaml_problem(p, yaml_get(node, "proxy_from_environment"),
		    "proxy_from_environment: not together with %s",
		    given(url) ? "proxy_url" : "no_proxy");
	if (!given(url))
		return;
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (strncasecmp(url, schemes[i], strlen(schemes[i])) == 0)
			return;
	yaml_problem(p, yaml_get(node, "proxy_url"), "proxy_url: must begin"
	    " with http://, https://, socks5:// or socks5h://");
}

static void check(void *object, const struct yaml_node *node,
    struct problems *p)
{
	struct http_config *c = object;

	check_files(c, node, p);
	check_basic_auth(c, node, p);
	check_authorization(c, node, p);
	check_tls(c, node, p);
	check_proxy(c, node, p);
}

static void defaults(void *object)
{
	http_config_init(object);
}

const struct option_set http_config_options = OPTION_SET("http_config",
    struct http_config, options, .defaults = defaults, .check = check);

int http_config_load(struct http_config *c, const char *path, struct err *e)
{
	struct problems p = { 0 };
	struct yaml_node *root = yaml_load(path, &p);
	int rc = 0;

	*c = (struct http_config){ 0 };
	if (root)
		options_read(&http_config_options, root, c, &p);
	yaml_free(root);
	if (p.count > 1)
		rc = err_set(e, "%s (and %zu more)", p.lines[0], p.count - 1);
	else if (p.count == 1)
		rc = err_set(e, "%s", p.lines[0]);
	if (rc < 0)
		http_config_free(c);
	problems_free(&p);
	return rc;
}
