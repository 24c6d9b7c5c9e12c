/* Hands a reply to libmicrohttpd: its text, or pieces without copying them.
 * What is said is not its business.  Called by server.c.
 *
 * libmicrohttpd (0.9.75) copies the list of pieces into the memory of the
 * connection and aborts the process if that is full, and it stalls when they
 * are more than IOV_MAX: hence PIECES_MAX, the size of that memory, and that
 * requests which may fill it get no pieces. */
#include "exporter/respond.h"

#include <stdlib.h>

#include "exporter/pieces.h"
#include "exporter/routes.h"
#include "exporter/sending.h"

enum {
	MAX_FIELDS = 100,		/* of a request for metrics */
	MAX_HEADERS = 8 << 10,
};

unsigned long long respond_body_length(struct MHD_Connection *c)
{
	const char *length = MHD_lookup_connection_value(c,
	    MHD_HEADER_KIND, "Content-Length");

	return length != NULL ? strtoull(length, NULL, 10) : 0;
}

bool respond_is_unusual(struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *size = MHD_get_connection_info(c,
	    MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	int fields = MHD_get_connection_values(c, MHD_HEADER_KIND |
	    MHD_COOKIE_KIND | MHD_GET_ARGUMENT_KIND, NULL, NULL);

	return size == NULL || size->header_size > MAX_HEADERS ||
	    fields > MAX_FIELDS || respond_body_length(c) > 0;
}

static void add_header(struct MHD_Response *m, const char *name,
    const char *value)
{
	if (value != NULL)
		MHD_add_response_header(m, name, value);
}

static struct MHD_Response *response_of_pieces(struct sendings *s,
    struct MHD_Connection *c, struct pieces *p)
{
	const union MHD_ConnectionInfo *fd = MHD_get_connection_info(c,
	    MHD_CONNECTION_INFO_CONNECTION_FD);
	struct sending *sending = sending_new(s, fd->connect_fd, p);
	struct MHD_IoVec v[PIECES_MAX];
	struct MHD_Response *m;
	size_t n = pieces_count(p);

	for (size_t i = 0; i < n; i++)
		v[i].iov_base = pieces_get(p, i, &v[i].iov_len);
	m = MHD_create_response_from_iovec(v, (unsigned)n, sending_free,
	    sending);
	if (m == NULL)
		sending_free(sending);
	return m;
}

static struct MHD_Response *response_of_body(struct buf *body)
{
	struct MHD_Response *m;
	size_t len;
	char *bytes = buf_take(body, &len);

	m = MHD_create_response_from_buffer(len, bytes,
	    MHD_RESPMEM_MUST_FREE);
	if (m == NULL)
		free(bytes);
	return m;
}

enum MHD_Result respond(struct sendings *s, struct MHD_Connection *c,
    struct reply *r)
{
	struct MHD_Response *m = r->pieces != NULL ?
	    response_of_pieces(s, c, r->pieces) : response_of_body(&r->body);
	enum MHD_Result done;

	if (m == NULL)
		return MHD_NO;
	add_header(m, "Content-Type", r->content_type);
	add_header(m, "Vary", r->vary);
	add_header(m, "Allow", r->allow);
	add_header(m, "Content-Encoding", r->gzipped ? "gzip" : NULL);
	add_header(m, "Link", r->link);
	/* It is of this moment; what a cache kept would be of another. */
	add_header(m, "Cache-Control", r->cache_control != NULL ?
	    r->cache_control : "no-store");
	add_header(m, "Retry-After", r->retry_after);
	add_header(m, "X-Content-Type-Options", "nosniff");
	add_header(m, "Connection", respond_is_unusual(c) ? "close" : NULL);
	done = MHD_queue_response(c, r->status, m);
	MHD_destroy_response(m);
	free(r->link);
	return done;
}
