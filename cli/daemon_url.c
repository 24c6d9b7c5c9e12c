/* One request to a daemon for the commands that change something in it:
 * `maintenance`, `forget`.  Questions to history are remote.c's. */
#include "cli/daemon_url.h"

#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/json.h"
#include "core/xalloc.h"

enum { PATIENCE_MS = 15000, MAX_BODY = 16 << 20 };

static char *url_of(const struct daemon_url *d, const char *path)
{
	size_t n = strlen(d->url);

	while (n > 0 && d->url[n - 1] == '/')
		n--;
	return xasprintf("%.*s/api/registry/v1/%s", (int)n, d->url, path);
}

static cJSON *ask(const struct http_once *q, struct err *e)
{
	struct http_once_answer a = { .body = NULL };
	cJSON *tree = NULL;

	if (http_once(q, &a, e) == 0) {
		if (a.status / 100 != 2)
			http_once_refused(q, &a, e);
		else if ((tree = json_parse(a.body, a.len, e)) == NULL)
			err_prefix(e, "%s", q->url);
	}
	free(a.body);
	return tree;
}

cJSON *daemon_url_ask(const struct flag_set *set, const struct daemon_url *d,
    const char *method, const char *path, const char *body)
{
	struct http_config http;
	char *url = url_of(d, path);
	cJSON *tree = NULL;
	struct err e;

	http_config_init(&http);
	if (d->http_config_file == NULL ||
	    http_config_load(&http, d->http_config_file, &e) == 0)
		tree = ask(&(struct http_once){
			.method = method, .url = url, .body = body,
			.http = &http, .deadline_ms = PATIENCE_MS,
			.max_body = MAX_BODY,
		}, &e);
	if (tree == NULL)
		fprintf(stderr, "rollcall %s: %s\n", set->command, e.text);
	http_config_free(&http);
	free(url);
	return tree;
}
