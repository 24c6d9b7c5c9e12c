/* Reads the address out of a registration's value.  Whatever is neither JSON
 * with a host nor host:port simply has none: a value is the service's own
 * business and never an error.  Called by the registry when a value changes. */
#include "core/address.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "core/xalloc.h"

enum { MAX_VALUE = 64 * 1024, MAX_HOST = 253 };

static bool is_host(const char *s, size_t n)
{
	if (n == 0 || n > MAX_HOST)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)s[i]) &&
		    strchr(".-_:[]%", s[i]) == NULL)
			return false;
	return true;
}

static bool is_port(const char *s)
{
	size_t n = strspn(s, "0123456789");

	return n >= 1 && n <= 5 && s[n] == '\0' && atol(s) <= 65535;
}

/* Puts IPv6 literals into brackets, so that the result reads back. */
static char *join(const char *host, const char *port)
{
	if (strchr(host, ':') != NULL && host[0] != '[')
		return xasprintf("[%s]:%s", host, port);
	return xasprintf("%s:%s", host, port);
}

static char *from_plain(const char *value)
{
	const char *colon = strrchr(value, ':');

	if (colon == NULL || !is_port(colon + 1) ||
	    !is_host(value, (size_t)(colon - value)))
		return NULL;
	/* 2001:db8::1 without brackets is a host, not host:port. */
	if (memchr(value, ':', (size_t)(colon - value)) != NULL &&
	    value[0] != '[')
		return NULL;
	return xstrdup(value);
}

static char *port_of(const cJSON *object)
{
	const char *text = json_str(object, "port");
	uint64_t port;

	if (text != NULL)
		return is_port(text) ? xstrdup(text) : NULL;
	if (json_u64(object, "port", &port, NULL) == 1 && port <= 65535)
		return xasprintf("%u", (unsigned)port);
	return NULL;
}

static char *from_object(const cJSON *object)
{
	static const char *const names[] = { "host", "ip", "address" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *host = json_str(object, names[i]);

		if (host == NULL || !is_host(host, strlen(host)))
			continue;
		char *port = port_of(object);

		if (port == NULL)
			return from_plain(host);
		char *address = join(host, port);

		free(port);
		return address;
	}
	return NULL;
}

static char *from_json(const char *value, size_t n)
{
	char *text = xstrndup(value, n);
	cJSON *tree = json_parse(text, n, NULL);
	char *address = tree != NULL ? from_object(tree) : NULL;

	cJSON_Delete(tree);
	free(text);
	return address;
}

char *address_of_value(const char *value)
{
	size_t n = strlen(value);
	size_t blank = strspn(value, " \t\r\n");

	if (n > MAX_VALUE)
		return NULL;
	if (value[blank] == '{')
		return from_json(value, n);
	return from_plain(value);
}
