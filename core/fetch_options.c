/* A request as options of curl.  Called by core/fetch.c for each. */
#include "core/fetch_impl.h"

#include <stdio.h>
#include <string.h>

#include "core/http_config.h"
#include "core/transport.h"

static char user_agent[64] = "rollcall";

void fetch_set_user_agent(const char *name)
{
	snprintf(user_agent, sizeof(user_agent), "%s", name);
}

const char *fetch_user_agent(void)
{
	return user_agent;
}

static void set_method(struct fetch *f, const struct fetch_request *r)
{
	const char *method = r->method ? r->method : r->body ? "POST" : "GET";
	CURL *h = f->easy;

	f->head_only = strcmp(method, "HEAD") == 0;
	if (f->head_only) {
		curl_easy_setopt(h, CURLOPT_NOBODY, 1L);
		return;
	}
	if (r->body || strcmp(method, "POST") == 0) {
		curl_easy_setopt(h, CURLOPT_POST, 1L);
		curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE,
		    (curl_off_t)(r->body ? r->body_len : 0));
		curl_easy_setopt(h, CURLOPT_COPYPOSTFIELDS,
		    r->body ? r->body : "");
	}
	if (strcmp(method, r->body ? "POST" : "GET") != 0)
		curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, method);
}

static void set_headers(struct fetch *f, const struct fetch_request *r)
{
	struct curl_slist *list = NULL;
	size_t i;

	for (i = 0; r->headers && r->headers[i]; i++)
		list = curl_slist_append(list, r->headers[i]);
	list = curl_slist_append(list, "Expect:");	/* no 100-continue */
	f->request_headers = list;
	curl_easy_setopt(f->easy, CURLOPT_USERAGENT, user_agent);
}

static CURLcode set_url(struct fetch *f, const struct fetch_request *r)
{
	void *lists[2] = { f->request_headers, NULL };
	int rc = http_config_set_url(r->http, f->easy, r->url, lists);

	f->request_headers = lists[0];
	f->connect_to = lists[1];
	curl_easy_setopt(f->easy, CURLOPT_HTTPHEADER, f->request_headers);
	return (CURLcode)rc;
}

CURLcode fetch_set_options(struct fetch *f, const struct fetch_request *r)
{
	transport_apply(f->easy, f->connect_ms);
	curl_easy_setopt(f->easy, CURLOPT_TIMEOUT_MS, (long)f->deadline_ms);
	http_config_apply(r->http, f->easy);	/* protocols, redirects, TLS */
	set_method(f, r);
	set_headers(f, r);
	/* Closed afterwards, or each of them would leave one behind. */
	curl_easy_setopt(f->easy, CURLOPT_FRESH_CONNECT, r->once ? 1L : 0L);
	curl_easy_setopt(f->easy, CURLOPT_FORBID_REUSE, r->once ? 1L : 0L);
	return set_url(f, r);
}
