#ifndef EXPORTER_ROUTES_H
#define EXPORTER_ROUTES_H

#include <stdbool.h>

#include "core/buf.h"
#include "core/metric.h"

/* The methods of what only reads, as the Allow header has them. */
#define ROUTES_READING "GET, HEAD"

struct pieces;
struct segments;
struct snap_sample;
struct snapshot;

/* One request, as far as an answer depends on it.  All borrowed. */
struct request {
	const char *method, *path;	/* path decoded, without the query */
	const char *accept, *accept_encoding;	/* headers, NULL: none */
	bool filtered;			/* there was a name[] */
	bool wanted[M_COUNT];		/* which it named */
	const struct snapshot *snapshot;	/* NULL: none yet */
	const struct snap_sample *more;	/* metrics made elsewhere */
	size_t nmore;
	struct segments *segments;	/* lines kept from former answers */
	const char *telemetry_path;
	const char *link_prefix;	/* in front of links: "" or "/roll" */
	bool stopping;
};

struct reply {
	unsigned status;
	const char *content_type;
	const char *vary, *allow;	/* headers, NULL: none */
	char *link;			/* the same; the caller's to free */
	const char *cache_control;	/* header, NULL: no-store */
	const char *retry_after;	/* as vary */
	bool gzipped;
	struct buf body;		/* the caller's to free, as are */
	struct pieces *pieces;		/* these, if not NULL instead */
};

/* Answers.  Any thread; never blocks but for the time it takes to write. */
void routes_answer(const struct request *q, struct reply *r_r);

/* Compresses a body that may be, for who takes it. */
void routes_pack(const char *accept_encoding, struct reply *r);

/* Starts a reply that says what is wrong in Prometheus' JSON shape; error is
 * printf-like. */
void routes_error(struct reply *r_r, unsigned status, const char *type,
    const char *error, ...) __attribute__((format(printf, 4, 5)));

/* The same for a 503 that passes, with when to try again. */
void routes_unavailable(struct reply *r_r, const char *why);

#endif
