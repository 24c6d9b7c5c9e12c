/* What may be changed over HTTP: one table of requests, each with a function
 * that reads it and one that applies it.  Who may ask is here, too: whoever
 * can open a socket on this host, unless the flag lets everybody; and no page
 * of another site that a browser on this host happens to show.  Called by
 * server.c. */
#include "exporter/admin.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/err.h"
#include "core/history_rows.h"
#include "core/xalloc.h"
#include "exporter/admin_body.h"
#include "exporter/listing.h"
#include "exporter/routes.h"

enum { REPLY_MAX = 1 << 20 };

struct kind {
	const char *method, *path;	/* ends in /: an id follows */
	/* 0, or -1 with e. */
	int (*read)(struct window *w, const char *rest, const char *body,
	    size_t len, struct err *e);
	enum admin_rc (*apply)(const struct exporter_admin *a,
	    const struct window *asked, struct window *w_r, struct err *e);
	void (*answer)(const struct window *w, struct buf *out);
	const char *rest;		/* what follows the path, in a list */
	const char *what;		/* NULL: routes.c answers there, too */
};

struct change {
	const struct kind *kind;
	struct window asked, got;	/* of a forget only the names */
	enum admin_rc rc;
	struct err e;
};

/* --- reading --- */

static int read_start(struct window *w, const char *rest, const char *body,
    size_t len, struct err *e)
{
	(void)rest;
	return admin_body_start(w, body, len, e);
}

static int read_forget(struct window *w, const char *rest, const char *body,
    size_t len, struct err *e)
{
	(void)rest;
	return admin_body_forget(w, body, len, e);
}

static int read_end(struct window *w, const char *rest, const char *body,
    size_t len, struct err *e)
{
	char *end;

	(void)body;
	(void)len;
	w->id = strtoll(rest, &end, 10);
	if (rest[0] < '0' || rest[0] > '9' || *end != '\0')
		return err_set(e, "\"%.100s\" is no id of a maintenance window"
		    ": it is a number", rest);
	return 0;
}

/* --- applying --- */

static enum admin_rc apply_start(const struct exporter_admin *a,
    const struct window *asked, struct window *w_r, struct err *e)
{
	return a->start(a->arg, asked, w_r, e);
}

static enum admin_rc apply_end(const struct exporter_admin *a,
    const struct window *asked, struct window *w_r, struct err *e)
{
	return a->end(a->arg, asked->id, w_r, e);
}

static enum admin_rc apply_forget(const struct exporter_admin *a,
    const struct window *asked, struct window *w_r, struct err *e)
{
	return a->forget(a->arg, asked, w_r, e);
}

static void answer_window(const struct window *w, struct buf *out)
{
	row_json(out, &window_rows, w);
}

static void answer_forgotten(const struct window *w, struct buf *out)
{
	buf_adds(out, "{\"etcd_cluster\":");
	buf_add_json(out, w->cluster);
	buf_adds(out, ",\"service_name\":");
	buf_add_json(out, w->service);
	buf_adds(out, ",\"instance_id\":");
	buf_add_json(out, w->instance);
	buf_addc(out, '}');
}

#define V1 "/api/registry/v1/"

static const struct kind kinds[] = {
	{ "POST", V1 "maintenance", read_start, apply_start, answer_window,
	  "", NULL },
	{ "DELETE", V1 "maintenance/", read_end, apply_end, answer_window,
	  "ID", "Ends a maintenance window." },
	{ "POST", V1 "forget", read_forget, apply_forget, answer_forgotten,
	  "", "Forgets an instance that vanished." },
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

/* What follows the path of the kind, or NULL: it is another one. */
static const char *rest_of(const struct kind *k, const char *path)
{
	size_t n = strlen(k->path);

	if (strncmp(path, k->path, n) != 0)
		return NULL;
	return (path[n] != '\0') == (k->path[n - 1] == '/') ? path + n : NULL;
}

static const struct kind *find(const char *method, const char *path)
{
	for (size_t i = 0; i < KINDS; i++)
		if (strcmp(kinds[i].method, method) == 0 &&
		    rest_of(&kinds[i], path) != NULL)
			return &kinds[i];
	return NULL;
}

bool admin_is(const char *method, const char *path)
{
	return find(method, path) != NULL;
}

const char *admin_methods(const char *path)
{
	for (size_t i = 0; i < KINDS; i++)
		if (kinds[i].what != NULL &&
		    rest_of(&kinds[i], path) != NULL)
			return kinds[i].method;
	return NULL;
}

void admin_list(struct listing *l)
{
	for (size_t i = 0; i < KINDS; i++)
		if (kinds[i].what != NULL)
			listing_add(l, kinds[i].method, kinds[i].path,
			    kinds[i].rest, kinds[i].what);
}

/* --- who may --- */

static bool is_literal(const char *authority)
{
	size_t n = strcspn(authority, ":");

	return authority[0] == '[' || strspn(authority, "0123456789.") == n ||
	    (n == 9 && strncasecmp(authority, "localhost", 9) == 0);
}

/* A browser names the page's site.  Where everybody on this host may ask, a
 * name that an attacker's DNS points here is not this host's, either. */
static bool is_own_site(const struct admin_origin *o)
{
	const char *at = strstr(o->origin, "://");

	if (at == NULL || o->host == NULL ||
	    strcasecmp(at + 3, o->host) != 0)
		return false;
	return o->enabled || is_literal(o->host);
}

static bool is_json(const char *type)
{
	static const char json[] = "application/json";
	size_t n = sizeof(json) - 1;

	return type != NULL && strncasecmp(type, json, n) == 0 &&
	    (type[n] == '\0' || type[n] == ';' || type[n] == ' ');
}

bool admin_may(const struct admin_origin *o, const char *method,
    struct reply *r_r)
{
	if (!o->enabled && (!o->loopback || o->forwarded))
		routes_error(r_r, 403, "forbidden", "changes are taken from "
		    "this host only (127.0.0.1, ::1), and not through a "
		    "proxy, unless rollcall serve is started with "
		    "--web.enable-admin-api");
	else if (o->origin != NULL && !is_own_site(o))
		routes_error(r_r, 403, "forbidden", "this request comes from "
		    "a page of another site: %.200s", o->origin);
	else if (strcmp(method, "POST") == 0 && !is_json(o->content_type))
		routes_error(r_r, 415, "bad_data", "send JSON, with the "
		    "header Content-Type: application/json");
	else
		return true;
	return false;
}

/* --- a change --- */

struct change *admin_read(const char *method, const char *path,
    const char *body, size_t len, struct reply *r_r)
{
	const struct kind *k = find(method, path);
	struct change *c = xcalloc(1, sizeof(*c));

	c->kind = k;
	if (k->read(&c->asked, rest_of(k, path), body, len, &c->e) == 0)
		return c;
	routes_error(r_r, 400, "bad_data", "%s", c->e.text);
	change_free(c);
	return NULL;
}

void change_free(void *change)
{
	struct change *c = change;

	window_fini(&c->asked);
	window_fini(&c->got);
	free(c);
}

void change_apply(struct change *c, const struct exporter_admin *a)
{
	c->rc = c->kind->apply(a, &c->asked, &c->got, &c->e);
}

void change_reply(const struct change *c, struct reply *r_r)
{
	static const struct {
		unsigned status;
		const char *type;
	} of[] = {
		[ADMIN_BAD] = { 400, "bad_data" },
		[ADMIN_NOT_FOUND] = { 404, "not_found" },
		[ADMIN_CONFLICT] = { 409, "conflict" },
	};

	if (c->rc != ADMIN_OK) {
		routes_error(r_r, of[c->rc].status, of[c->rc].type, "%s",
		    c->e.text);
		return;
	}
	*r_r = (struct reply){
		.status = 200, .content_type = "application/json"
	};
	buf_init(&r_r->body, REPLY_MAX);
	c->kind->answer(&c->got, &r_r->body);
	buf_addc(&r_r->body, '\n');
}
