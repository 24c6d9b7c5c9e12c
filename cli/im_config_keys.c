/* What the keys of an instant-messaging server's file are called and what
 * their values may be: whole numbers, hosts, paths of etcd.  Called by
 * cli/im_config.c for each line with a key of ours. */
#include "cli/im_config_impl.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/keypath.h"
#include "core/utf8.h"
#include "core/xalloc.h"

enum { MAX_HOSTS = 64, MAX_HOST = 253 };

#define MAX_PORT 65535
#define YEAR_MS (365 * INT64_C(86400000))

#define KEY(name_, type_, field_, max_) \
	{ .name = (name_), .type = IM_ ## type_, \
	  .offset = offsetof(struct im_whole, field_), .max = (max_) }

const struct im_key im_keys[IM_KEYS] = {
	KEY("ClientPort", NUMBER, config.client_port, MAX_PORT),
	KEY("DiscoveryTTL", NUMBER, config.discovery_ttl_ms, YEAR_MS),
	KEY("HostIp", HOST, config.host_ip, 0),
	KEY("HttpPort", NUMBER, config.http_port, MAX_PORT),
	KEY("LoginServiceDir", PATH, config.login_service_dir, 0),
	KEY("MsgServerPort", NUMBER, config.msg_server_port, MAX_PORT),
	KEY("RegisterCenterIp", HOSTS, config.endpoints, 0),
	KEY("RegisterCenterPort", NUMBER, center_port, MAX_PORT),
	KEY("RegisterTTL", NUMBER, config.register_ttl_ms, YEAR_MS),
	KEY("ServiceDir", PATH, config.service_dir, 0),
	KEY("ServiceId", ID, config.service_id, 0),
};

static bool has_control(struct im_span t)
{
	for (size_t i = 0; i < t.n; i++)
		if (iscntrl((unsigned char)t.s[i]))
			return true;
	return false;
}

/* What no value may be, NULL if it may. */
static const char *value_fault(struct im_span value)
{
	if (value.n == 0)
		return "must not be empty";
	if (!utf8_is(value.s, value.n))
		return "not UTF-8 text";
	return has_control(value) ? "has a control character in it" : NULL;
}

/* --- numbers --- */

static void read_number(struct im_reader *r, const struct im_key *k,
    struct im_span value, void *field)
{
	char *text = xstrndup(value.s, value.n), *end;
	long long v;

	errno = 0;
	v = strtoll(text, &end, 10);
	if (end == text || *end)
		IM_SAY(r->p, r, value.s, "%s: expected a whole number, found"
		    " \"%s\"", k->name, text);
	else if (errno || v < 1 || v > k->max)
		IM_SAY(r->p, r, value.s, "%s: %s is not between 1 and"
		    " %" PRId64, k->name, text, k->max);
	else
		*(int64_t *)field = v;
	free(text);
}

/* --- hosts --- */

/* What ends in a number is meant to be an IPv4 address, as in URLs. */
static bool ends_in_number(const char *host)
{
	const char *dot = strrchr(host, '.'), *last = dot ? dot + 1 : host;

	return last[strspn(last, "0123456789")] == '\0' ||
	    strncasecmp(last, "0x", 2) == 0;
}

static bool is_name(const char *host)
{
	size_t n = strlen(host);

	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)host[i]) &&
		    !strchr(".-_", host[i]))
			return false;
	return n > 0 && n <= MAX_HOST && host[0] != '.' &&
	    host[n - 1] != '.' && !strstr(host, "..");
}

static bool is_host(const char *host)
{
	struct in6_addr address;

	if (strchr(host, ':'))
		return inet_pton(AF_INET6, host, &address) == 1;
	if (!is_name(host))
		return false;
	return !ends_in_number(host) ||
	    inet_pton(AF_INET, host, &address) == 1;
}

/* An IPv6 address may stand in brackets, which it loses. */
static char *host_of(struct im_span t)
{
	if (t.n > 2 && t.s[0] == '[' && t.s[t.n - 1] == ']' &&
	    memchr(t.s, ':', t.n))
		return xstrndup(t.s + 1, t.n - 2);
	return xstrndup(t.s, t.n);
}

static bool is_in(const struct string_list *l, const char *host)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcasecmp(l->v[i], host) == 0)
			return true;
	return false;
}

static void read_host(struct im_reader *r, const struct im_key *k,
    struct im_span item, struct string_list *l)
{
	char *host = host_of(item);

	if (item.n == 0)
		IM_SAY(r->p, r, item.s, "%s: an address is missing here",
		    k->name);
	else if (!is_host(host))
		IM_SAY(r->p, r, item.s, "%s: \"%s\" is neither an IP address"
		    " nor a host name", k->name, host);
	else if (is_in(l, host))
		IM_SAY(&r->warnings, r, item.s, "%s: \"%s\" is given twice",
		    k->name, host);
	else {
		im_list_add(l, host);
		return;
	}
	free(host);
}

static void read_hosts(struct im_reader *r, const struct im_key *k,
    struct im_span value, void *field)
{
	struct string_list *l = field;
	size_t items = 1;

	for (size_t i = 0; i < value.n; i++)
		items += value.s[i] == ';';
	if (items > MAX_HOSTS) {
		IM_SAY(r->p, r, value.s, "%s: more than %d addresses",
		    k->name, MAX_HOSTS);
		return;
	}
	while (items-- > 0)
		read_host(r, k, im_cut(&value, ';'), l);
}

/* Only one address can be registered. */
static void read_first_host(struct im_reader *r, const struct im_key *k,
    struct im_span value, void *field)
{
	struct string_list l = { 0 };

	read_hosts(r, k, value, &l);
	if (l.n > 1)
		IM_SAY(&r->warnings, r, value.s, "%s: of several addresses"
		    " only the first is registered, %s", k->name, l.v[0]);
	if (l.n > 0)
		*(char **)field = xstrdup(l.v[0]);
	im_list_free(&l);
}

/* --- paths of etcd --- */

static void read_path(struct im_reader *r, const struct im_key *k,
    struct im_span value, void *field)
{
	char *path = xstrndup(value.s, value.n);
	const char *fault;

	if (value.n > 1 && path[value.n - 1] == '/' &&
	    path[value.n - 2] != '/')
		path[value.n - 1] = '\0';
	fault = keypath_fault(path);
	if (!fault) {
		*(char **)field = path;
		return;
	}
	IM_SAY(r->p, r, value.s, "%s: \"%s\" %s", k->name, path, fault);
	free(path);
}

static void read_id(struct im_reader *r, const struct im_key *k,
    struct im_span value, void *field)
{
	char *id = xstrndup(value.s, value.n);

	if (!strchr(id, '/') && strcmp(id, ".") != 0 &&
	    strcmp(id, "..") != 0) {
		*(char **)field = id;
		return;
	}
	IM_SAY(r->p, r, value.s, "%s: \"%s\" %s", k->name, id,
	    strchr(id, '/') ? "has a slash in it" : "is no name");
	free(id);
}

static void (*const readers[])(struct im_reader *r, const struct im_key *k,
    struct im_span value, void *field) = {
	[IM_HOST] = read_first_host,
	[IM_HOSTS] = read_hosts,
	[IM_ID] = read_id,
	[IM_NUMBER] = read_number,
	[IM_PATH] = read_path,
};

void im_key_read(struct im_reader *r, const struct im_key *k,
    struct im_span value)
{
	const char *fault = value_fault(value);

	if (fault)
		IM_SAY(r->p, r, value.s, "%s: %s", k->name, fault);
	else
		readers[k->type](r, k, value, (char *)r->whole + k->offset);
}
