/* How register and discover reach etcd: endpoints from flags or a file, an
 * http_config in a file of its own, a loop with a client on it.  Everything
 * that is wrong is said before anything is asked. */
#include "cli/etcd_access.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/signals.h"
#include "cli/version.h"
#include "core/buf.h"
#include "core/err.h"
#include "core/fetch.h"
#include "core/loop.h"
#include "core/xalloc.h"

enum { MAX_URLS = 1 << 20 };

static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1,
    SIGUSR2, SIGCHLD };

enum { SIGNALS = sizeof(signals) / sizeof(signals[0]) };

/* Before the first thread is made: signals are read from a descriptor. */
static void block_signals(void)
{
	signals_mask(SIG_BLOCK, signals, SIGNALS);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);	/* ignored, it leaves nobody to wait
					   for */
}

void etcd_access_let_signals(void)
{
	signals_mask(SIG_UNBLOCK, signals, SIGNALS);
}

static int read_http_config(const struct flag_set *set, const char *path,
    struct http_config *c)
{
	struct err e;

	http_config_init(c);
	if (!path || http_config_load(c, path, &e) == 0)
		return -1;
	fprintf(stderr, "rollcall %s: --http.config.file: %s\n",
	    set->command, e.text);
	return EXIT_FAILED;
}

/* With commas between them, as etcdctl takes them, too. */
static char **split_urls(const struct string_list *l, char **text_r,
    size_t *n_r)
{
	struct buf b;
	char **urls = NULL, *save, *url;

	buf_init(&b, MAX_URLS);
	for (size_t i = 0; i < l->n; i++) {
		buf_adds(&b, l->v[i]);
		buf_addc(&b, ',');
	}
	*text_r = buf_take(&b, NULL);
	*n_r = 0;
	for (url = strtok_r(*text_r, ",", &save); url;
	    url = strtok_r(NULL, ",", &save)) {
		urls = xreallocarray(urls, *n_r + 1, sizeof(*urls));
		urls[(*n_r)++] = url;
	}
	return urls;
}

static int open_client(const struct flag_set *set,
    const struct string_list *l, struct etcd_access *a)
{
	struct etcd_options o = { .http = &a->http };
	char agent[64], *text, **urls;
	struct err e;
	size_t n;

	snprintf(agent, sizeof(agent), "rollcall/%s", rollcall_version());
	fetch_set_user_agent(agent);
	a->loop = loop_new(&e);
	urls = split_urls(l, &text, &n);
	if (a->loop)
		a->client = etcd_open_on(a->loop, (const char *const *)urls,
		    n, &o, &e);
	free(urls);
	free(text);
	if (a->client)
		return -1;
	if (a->loop)
		return flags_usage(set, "--etcd.endpoint: %s", e.text);
	fprintf(stderr, "rollcall %s: %s\n", set->command, e.text);
	return EXIT_FAILED;
}

int etcd_access_open(const struct flag_set *set, const struct etcd_flags *f,
    const struct string_list *endpoints, struct etcd_access *a)
{
	const struct string_list *urls = f->endpoints.n > 0 || !endpoints ?
	    &f->endpoints : endpoints;
	int rc;

	*a = (struct etcd_access){ 0 };
	if (urls->n == 0)
		return flags_usage(set, "which etcd?\nGive"
		    " --etcd.endpoint=URL, or RegisterCenterIp in"
		    " --config=FILE.");
	rc = read_http_config(set, f->http_config_file, &a->http);
	if (rc < 0) {
		block_signals();
		rc = open_client(set, urls, a);
	}
	if (rc >= 0)
		etcd_access_close(a);
	return rc;
}

void etcd_access_close(struct etcd_access *a)
{
	etcd_close(a->client);
	loop_free(a->loop);
	http_config_free(&a->http);
	*a = (struct etcd_access){ 0 };
}
