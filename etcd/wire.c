/* From a request to method, path, query and body (docs/ETCD.md, Requests).
 * Text is escaped byte by byte, so that whatever etcd takes as key or value
 * arrives as it is; C0 80 goes out as the NUL it stands for.  Called by
 * etcd/call.c. */
#include "etcd/wire.h"

#include <assert.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/err.h"
#include "core/xalloc.h"

enum {
	MAX_TARGET = 2 << 20,		/* etcd's own limit is about 1 MB */
	MAX_BODY = 64 << 20		/* 10 MiB for the form, escaped */
};

static const char *const paths[ETCD_KINDS] = {
	[ETCD_KIND_HEALTH] = "/health",
	[ETCD_KIND_VERSION] = "/version",
	[ETCD_KIND_MEMBERS] = "/v2/members",
	[ETCD_KIND_LEADER] = "/v2/members/leader",
	[ETCD_KIND_STATS_SELF] = "/v2/stats/self",
	[ETCD_KIND_STATS_LEADER] = "/v2/stats/leader",
	[ETCD_KIND_STATS_STORE] = "/v2/stats/store",
	[ETCD_KIND_INDEX] = "/v2/keys",
	[ETCD_KIND_LISTING] = "/v2/keys",
	[ETCD_KIND_EVENT] = "/v2/keys",
	[ETCD_KIND_KEY] = "/v2/keys",
	[ETCD_KIND_MEMBER] = "/v2/members",
	[ETCD_KIND_DONE] = "/v2/members/",
};

/* --- text --- */

static bool is_nul(const char *p)
{
	return (unsigned char)p[0] == 0xc0 && (unsigned char)p[1] == 0x80;
}

/* Everything but unreserved characters (RFC 3986, 2.3) and what is in
 * `also`. */
static void escape(struct buf *b, const char *text, const char *also)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
	static const char digits[] = "0123456789ABCDEF";

	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (strchr(plain, c) || strchr(also, c)) {
			buf_addc(b, *text);
			continue;
		}
		if (is_nul(text)) {
			c = 0;
			text++;
		}
		buf_addc(b, '%');
		buf_addc(b, digits[c >> 4]);
		buf_addc(b, digits[c & 15]);
	}
}

/* etcd answers a name that is empty, "." or ".." with a redirect to another
 * key. */
static int check_names(const char *name, struct err *e)
{
	const char *part = name;

	while (*part == '/') {
		size_t n = strcspn(++part, "/");

		if (n == 0 || (n == 1 && part[0] == '.') ||
		    (n == 2 && part[0] == '.' && part[1] == '.'))
			return err_set(e, "\"%.100s\" is no key: a name in it "
			    "is empty, \".\" or \"..\"", name);
		part += n;
	}
	return 0;
}

char *etcd_plain_name(const char *path)
{
	size_t n;

	path += strspn(path, "/");
	n = strlen(path);
	while (n > 0 && path[n - 1] == '/')
		n--;
	return n == 0 ? xstrdup("") : xasprintf("/%.*s", (int)n, path);
}

/* --- fields --- */

static void add_field(struct buf *b, const char *name, const char *value)
{
	if (b->len)
		buf_addc(b, '&');
	buf_adds(b, name);
	buf_addc(b, '=');
	escape(b, value, "");
}

static void add_flag(struct buf *b, const char *name, bool on)
{
	if (on)
		add_field(b, name, "true");
}

static void add_number(struct buf *b, const char *name, int64_t v)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, v);
	add_field(b, name, text);
}

static void add_conditions(struct buf *b, const struct etcd_request *r)
{
	static const char *const exist[] = {
		[ETCD_MUST_EXIST] = "true", [ETCD_MUST_NOT_EXIST] = "false",
	};

	if (r->prev_value)
		add_field(b, "prevValue", r->prev_value);
	if (r->prev_index) {
		char text[24];

		snprintf(text, sizeof(text), "%" PRIu64, r->prev_index);
		add_field(b, "prevIndex", text);
	}
	if (exist[r->prev_exist])
		add_field(b, "prevExist", exist[r->prev_exist]);
}

static void add_watch(struct buf *b, const struct etcd_request *r)
{
	char text[24];

	if (r->kind != ETCD_KIND_EVENT)
		return;
	snprintf(text, sizeof(text), "%" PRIu64, r->wait_index);
	add_field(b, "wait", "true");
	add_field(b, "waitIndex", text);
}

static void add_fields(struct buf *b, const struct etcd_request *r)
{
	if (r->value)
		add_field(b, "value", r->value);
	if (r->ttl_s)
		add_number(b, "ttl", r->ttl_s);
	add_conditions(b, r);
	add_watch(b, r);
	add_flag(b, "dir", r->dir);
	add_flag(b, "recursive", r->recursive);
	add_flag(b, "sorted", r->sorted);
	add_flag(b, "quorum", r->quorum);
	add_flag(b, "refresh", r->refresh);
	add_flag(b, "noValueOnSuccess", r->no_value);
}

/* --- the two families --- */

/* A directory with the slash at its end, which permissions of etcd's v2 auth
 * need.  HEAD is cheap at the root alone: of any other directory etcd writes
 * the whole body first, 30 ms for 20,000 keys; a key that is not there does
 * as well. */
static const char *tail_of(const struct etcd_request *r, const char *name)
{
	if (r->kind == ETCD_KIND_INDEX)
		return *name ? "/_rollcall" : "/";
	if (!*name || r->kind == ETCD_KIND_LISTING ||
	    (r->kind == ETCD_KIND_EVENT && r->recursive))
		return "/";
	return "";
}

static bool has_body(const struct etcd_request *r)
{
	return r->method[0] == 'P';		/* PUT, POST */
}

static int make_keys(const struct etcd_request *r, struct etcd_wire *w,
    struct buf *target, struct buf *fields, struct err *e)
{
	w->name = etcd_plain_name(r->path ? r->path : "/");
	if (check_names(w->name, e) < 0)
		return -1;
	if (r->kind == ETCD_KIND_INDEX && !*w->name)
		w->method = "HEAD";
	escape(target, w->name, "/");
	buf_adds(target, tail_of(r, w->name));
	add_fields(fields, r);
	if (has_body(r)) {
		w->type = "application/x-www-form-urlencoded";
	} else if (fields->len) {
		buf_addc(target, '?');
		buf_add(target, fields->data, fields->len);
		buf_reset(fields);
	}
	return 0;
}

static void make_member(const struct etcd_request *r, struct etcd_wire *w,
    struct buf *target, struct buf *body)
{
	w->name = xstrdup(r->path ? r->path : "");
	escape(target, w->name, "");
	if (!r->value)
		return;
	w->type = "application/json";
	buf_adds(body, "{\"peerURLs\":[");
	buf_add_json(body, r->value);
	buf_adds(body, "]}");
}

static int fill(const struct etcd_request *r, struct etcd_wire *w,
    struct buf *target, struct buf *body, struct err *e)
{
	buf_adds(target, w->path);
	if (strcmp(w->path, "/v2/keys") != 0)
		make_member(r, w, target, body);
	else if (make_keys(r, w, target, body, e) < 0)
		return -1;
	if (target->failed || body->failed)
		return err_set(e, "the %s is longer than etcd takes",
		    target->failed ? "key" : "value");
	return 0;
}

int etcd_wire_make(const struct etcd_request *r, struct etcd_wire *w,
    struct err *e)
{
	struct buf target, body;
	int rc;

	assert((unsigned)r->kind < ETCD_KINDS && r->method);
	*w = (struct etcd_wire){ .method = r->method, .path = paths[r->kind] };
	buf_init(&target, MAX_TARGET);
	buf_init(&body, MAX_BODY);
	rc = fill(r, w, &target, &body, e);
	if (rc == 0) {
		w->target = buf_take(&target, NULL);
		if (w->type)
			w->body = buf_take(&body, &w->body_len);
	} else {
		etcd_wire_free(w);
	}
	buf_free(&target);
	buf_free(&body);
	return rc;
}

void etcd_wire_free(struct etcd_wire *w)
{
	free(w->name);
	free(w->target);
	free(w->body);
	w->name = w->target = w->body = NULL;
}
