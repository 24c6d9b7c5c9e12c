/* The requests that change something, as connections of libmicrohttpd: reads
 * what admin.c wants to know from the headers, collects the body, and suspends
 * the connection while the loop is at it, so that no thread of HTTP stands
 * still.  Called by server.c. */
#include "exporter/upload.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "core/buf.h"
#include "core/xalloc.h"
#include "exporter/admin.h"
#include "exporter/calls.h"
#include "exporter/routes.h"
#include "exporter/visit.h"

struct upload {
	struct visit visit;
	const struct upload_shared *shared;
	struct MHD_Connection *connection;
	struct buf body;
	struct change *change;		/* the call's, once there is one */
	struct call *call;
	bool handed_over;		/* or there was no way to */
};

/* What the loop is handed; it may outlive the connection. */
struct errand {
	const struct exporter_admin *admin;
	struct change *change;
};

/* --- headers --- */

static bool is_loopback(const struct sockaddr *a)
{
	if (a->sa_family == AF_INET) {
		const struct sockaddr_in *v4 = (const void *)a;

		return ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	}
	if (a->sa_family == AF_INET6) {
		const struct in6_addr *v6 =
		    &((const struct sockaddr_in6 *)(const void *)a)->sin6_addr;

		return IN6_IS_ADDR_LOOPBACK(v6) || (IN6_IS_ADDR_V4MAPPED(v6) &&
		    v6->s6_addr[12] == IN_LOOPBACKNET);
	}
	return false;
}

static const char *header(struct MHD_Connection *c, const char *name)
{
	return MHD_lookup_connection_value(c, MHD_HEADER_KIND, name);
}

static bool may(const struct upload_shared *s, struct MHD_Connection *c,
    const char *method, struct reply *r_r)
{
	const union MHD_ConnectionInfo *from = MHD_get_connection_info(c,
	    MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	struct admin_origin o = {
		.loopback = from != NULL && from->client_addr != NULL &&
		    is_loopback(from->client_addr),
		.enabled = s->enabled,
		.host = header(c, "Host"),
		.origin = header(c, "Origin"),
		.content_type = header(c, "Content-Type"),
		.forwarded = header(c, "Forwarded") != NULL ||
		    header(c, "X-Forwarded-For") != NULL ||
		    header(c, "Via") != NULL,
	};

	return admin_may(&o, method, r_r);
}

static bool fits(struct MHD_Connection *c, struct reply *r_r)
{
	const char *length = header(c, "Content-Length");

	if (header(c, "Transfer-Encoding") != NULL)
		routes_error(r_r, 411, "bad_data", "say how long the body is:"
		    " send Content-Length");
	else if (length != NULL &&
	    strtoull(length, NULL, 10) > ADMIN_BODY_MAX)
		routes_error(r_r, 413, "bad_data", "the body must not be "
		    "longer than %d bytes", ADMIN_BODY_MAX);
	else
		return true;
	return false;
}

struct upload *upload_new(const struct upload_shared *s,
    struct MHD_Connection *c, const char *method, struct reply *r_r)
{
	struct upload *u;

	if (!may(s, c, method, r_r) || !fits(c, r_r))
		return NULL;
	u = xcalloc(1, sizeof(*u));
	u->visit.free = upload_free;
	u->shared = s;
	u->connection = c;
	buf_init(&u->body, ADMIN_BODY_MAX);
	return u;
}

void upload_free(void *upload)
{
	struct upload *u = upload;

	call_release(u->call);
	buf_free(&u->body);
	free(u);
}

void upload_add(struct upload *u, const char *bytes, size_t n)
{
	buf_add(&u->body, bytes, n);
}

/* --- to the loop and back --- */

static void run(void *arg)
{
	struct errand *e = arg;

	change_apply(e->change, e->admin);
}

static void drop(void *arg)
{
	struct errand *e = arg;

	change_free(e->change);
	free(e);
}

static void wake(void *connection)
{
	MHD_resume_connection(connection);
}

static void refuse_late(struct reply *r_r)
{
	routes_unavailable(r_r, "rollcall is stopping or too busy: nothing "
	    "was changed, try again");
}

/* Suspended first, since it may be woken at once. */
static void hand_over(struct upload *u)
{
	struct errand *e = xcalloc(1, sizeof(*e));
	struct call_work w = { run, drop, e, wake, u->connection };

	e->admin = u->shared->admin;
	e->change = u->change;
	u->handed_over = true;
	MHD_suspend_connection(u->connection);
	u->call = calls_start(u->shared->calls, &w);
	if (u->call != NULL)
		return;
	drop(e);
	u->change = NULL;
	MHD_resume_connection(u->connection);
}

bool upload_answer(struct upload *u, const char *method, const char *path,
    struct reply *r_r)
{
	if (u->handed_over) {
		if (u->call != NULL && call_was_run(u->call))
			change_reply(u->change, r_r);
		else
			refuse_late(r_r);
		return true;
	}
	u->change = admin_read(method, path, buf_str(&u->body), u->body.len,
	    r_r);
	if (u->change == NULL)
		return true;
	hand_over(u);
	return false;
}
