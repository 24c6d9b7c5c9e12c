/* cli/im_config.h on any bytes: what is accepted has endpoints that are URLs,
 * and a key and a value as they are registered. */
#include "tests/fuzz/fuzz.h"

#include "cli/im_config.h"
#include "core/address.h"
#include "core/err.h"
#include "core/json.h"
#include "core/url.h"

static const char name[] = "im.conf";

static void check_endpoints(const struct string_list *l)
{
	struct err e;
	char *url;

	for (size_t i = 0; i < l->n; i++) {
		url = url_normalize(l->v[i], NULL, false, &e);
		MUST(url);
		free(url);
	}
}

static void check_seconds(int64_t ms)
{
	bool rounded = false;
	int64_t s = im_config_seconds(ms, &rounded);

	MUST(ms >= 0 && s >= 1);
	MUST(rounded == (s * 1000 != ms));
	MUST(ms == 0 || (s - 1) * 1000 < ms);
}

static void check_missing(const struct err *e)
{
	MUST(strncmp(e->text, name, strlen(name)) == 0);
	MUST(strstr(e->text, " is missing"));
}

static void check_path(const char *path)
{
	MUST(path[0] == '/' && !strstr(path, "//"));
	MUST(is_text(path) && is_one_line(path));
}

static void check_key(const struct im_config *c)
{
	struct err e = { "" };
	char *key = im_config_key(c, &e);

	MUST((key != NULL) == (c->service_dir && c->service_id));
	if (key)
		check_path(key);
	else
		check_missing(&e);
	free(key);
}

static void check_port(const cJSON *tree, const char *member, int64_t port)
{
	int64_t v = 0;

	MUST(port >= 0 && port <= 65535);
	MUST(json_i64(tree, member, &v, NULL) == (port > 0));
	MUST(v == port);
}

static void check_json(const struct im_config *c, char *value)
{
	char *address = address_of_value(value);
	cJSON *tree = json_parse(value, strlen(value), NULL);

	MUST((address != NULL) == (c->client_port > 0));
	MUST(tree);
	MUST(strcmp(json_str(tree, "ip"), c->host_ip) == 0);
	check_port(tree, "port", c->client_port);
	check_port(tree, "http_port", c->http_port);
	check_port(tree, "msg_server_port", c->msg_server_port);
	cJSON_Delete(tree);
	free(address);
}

static void check_value(const struct im_config *c)
{
	struct err e = { "" };
	char *value = im_config_value(c, &e);

	MUST((value != NULL) == (c->host_ip != NULL));
	if (value)
		check_json(c, value);
	else
		check_missing(&e);
	free(value);
}

static void check_accepted(const struct im_config *c)
{
	MUST(strcmp(c->file, name) == 0);
	check_endpoints(&c->endpoints);
	check_seconds(c->register_ttl_ms);
	check_seconds(c->discovery_ttl_ms);
	check_key(c);
	check_value(c);
	if (c->login_service_dir)
		check_path(c->login_service_dir);
	for (size_t i = 0; i < c->warnings.n; i++) {
		MUST(is_text(c->warnings.v[i]));
		MUST(is_one_line(c->warnings.v[i]));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = exactly(data, size);
	struct problems p = { 0 };
	struct im_config *c = im_config_parse(name, text, size, &p);

	free(text);
	if (c)
		check_accepted(c);
	check_problems(&p, c != NULL, name);
	im_config_free(c);
	return 0;
}
