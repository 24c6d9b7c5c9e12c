/* URLs that people write into configuration and flags, checked before anybody
 * connects anywhere.  The parsing is libcurl's, so that what is accepted here
 * is what the transfers will understand. */
#include "core/url.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include "core/err.h"
#include "core/xalloc.h"

/* A part as a string of ours, "" when the URL has none. */
static char *part(CURLU *u, CURLUPart what)
{
	char *text = NULL, *copy;

	if (curl_url_get(u, what, &text, 0) != CURLUE_OK)
		return xstrdup("");
	copy = xstrdup(text);
	curl_free(text);
	return copy;
}

static bool has(CURLU *u, CURLUPart what)
{
	char *text = part(u, what);
	bool there = text[0] != '\0';

	free(text);
	return there;
}

static void cut_slashes(char *path)
{
	size_t n = strlen(path);

	while (n > 0 && path[n - 1] == '/')
		path[--n] = '\0';
}

static bool is_port_zero(CURLU *u)
{
	char *port = part(u, CURLUPART_PORT);
	bool zero = strcmp(port, "0") == 0;

	free(port);
	return zero;
}

/* What curl accepts and we do not; NULL if there is nothing. */
static const char *unwanted(CURLU *u, const char *path, bool with_path)
{
	if (has(u, CURLUPART_USER) || has(u, CURLUPART_PASSWORD))
		return "put the credentials into http_config";
	if (has(u, CURLUPART_QUERY) || has(u, CURLUPART_FRAGMENT))
		return "a query or fragment does not belong here";
	if (path[0] && !with_path)
		return "a path does not belong here";
	return NULL;
}

static char *assemble(CURLU *u, const char *path, const char *default_port)
{
	char *scheme = part(u, CURLUPART_SCHEME), *text;
	char *host = part(u, CURLUPART_HOST), *port = part(u, CURLUPART_PORT);
	const char *p = port[0] || !default_port ? port : default_port;

	for (char *c = host; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	text = xasprintf("%s://%s%s%s%s", scheme, host, p[0] ? ":" : "", p,
	    path);
	free(scheme);
	free(host);
	free(port);
	return text;
}

/* The text for a message, unless it may have a password in it. */
static const char *shown(const char *text)
{
	return strchr(text, '@') ? "..." : text;
}

/* Into u; the reason why not, or NULL. */
static const char *parse(CURLU *u, const char *text)
{
	static const char bad_port[] =
	    "the port is not a number between 1 and 65535";
	CURLUcode rc;

	if (strncasecmp(text, "http://", 7) != 0 &&
	    strncasecmp(text, "https://", 8) != 0)
		return "must begin with http:// or https://";
	rc = curl_url_set(u, CURLUPART_URL, text, 0);
	if (rc == CURLUE_BAD_PORT_NUMBER)
		return bad_port;
	if (rc != CURLUE_OK)
		return "not a valid URL";
	return is_port_zero(u) ? bad_port : NULL;
}

static char *normalize(CURLU *u, const char *text, const char *default_port,
    bool with_path, struct err *e)
{
	char *path, *result = NULL;
	const char *why = parse(u, text);

	if (why) {
		err_set(e, "\"%s\": %s", shown(text), why);
		return NULL;
	}
	path = part(u, CURLUPART_PATH);
	cut_slashes(path);
	why = unwanted(u, path, with_path);
	if (why)
		err_set(e, "\"%s\": %s", shown(text), why);
	else
		result = assemble(u, path, default_port);
	free(path);
	return result;
}

static CURLU *new_url(void)
{
	CURLU *u = curl_url();

	if (!u)
		abort();	/* out of memory, as in core/xalloc.c */
	return u;
}

int url_check(const char *text, struct err *e)
{
	CURLU *u = new_url();
	const char *why = parse(u, text);

	curl_url_cleanup(u);
	return why ? err_set(e, "%s", why) : 0;
}

char *url_normalize(const char *text, const char *default_port,
    bool with_path, struct err *e)
{
	CURLU *u = new_url();
	char *result;

	result = normalize(u, text, default_port, with_path, e);
	curl_url_cleanup(u);
	return result;
}
