#ifndef EXPORTER_EXPORTER_H
#define EXPORTER_EXPORTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/options.h"

struct err;
struct history_source;
struct loop;
struct snap_sample;
struct window;

/* What requests may change.  All run on the loop; 0, or what is wrong, with
 * e.  w_r gets copies, freed by window_fini(). */
enum admin_rc { ADMIN_OK, ADMIN_BAD, ADMIN_NOT_FOUND, ADMIN_CONFLICT };

struct exporter_admin {
	/* asked->to is the length of the window, as a moment after ms 0. */
	enum admin_rc (*start)(void *arg, const struct window *asked,
	    struct window *w_r, struct err *e);
	enum admin_rc (*end)(void *arg, int64_t id, struct window *w_r,
	    struct err *e);
	/* Of both only the names matter. */
	enum admin_rc (*forget)(void *arg, const struct window *asked,
	    struct window *w_r, struct err *e);
	void *arg;
};

/* Samples that are made elsewhere and now and then: part of every exposition.
 * Called by any thread. */
struct exporter_samples {
	/* In the order of the table, unchanged until they are given back;
	 * NULL: none. */
	const struct snap_sample *(*take)(void *arg, size_t *n_r);
	void (*give_back)(const struct snap_sample *v);
	void *arg;
};

/* The HTTP server: /metrics, /-/healthy, /-/ready, / .  Answers in threads of
 * libmicrohttpd, from snapshots alone. */
struct exporter;

struct exporter_options {
	struct string_list listen;	/* "127.0.0.1:80", ":80", "[::1]:0" */
	const char *telemetry_path;	/* "/metrics" */
	const char *external_url;	/* or NULL */
	unsigned idle_s, total_s;	/* until a reader who reads nothing,
					   or too slowly, is cut off; 0: the
					   usual 30 and 120 */
	const struct exporter_admin *admin;	/* NULL: nothing changes */
	struct loop *loop;		/* it runs on; outlives the exporter */
	const struct history_source *history;	/* copied; NULL: none */
	struct exporter_samples more;	/* take NULL: none */
	int64_t query_limit_ms;		/* for an answer of it; 0: 10 s */
	bool admin_api;			/* changes from everywhere */
	int64_t admin_limit_ms;		/* until the loop has begun; 0: 5 s */
};

/* True for a path that is answered by something else than metrics, so that
 * it cannot be the telemetry path. */
bool exporter_has_path(const char *path);

/* Starts listening.  Until the first snapshot is published /metrics and
 * /-/ready answer 503.  NULL with e naming the address and the reason. */
struct exporter *exporter_start(const struct exporter_options *o,
    struct err *e);

/* The address listened on, with the real port: "127.0.0.1:10379". */
const char *exporter_address(const struct exporter *x, size_t i);

/* /-/ready says 503 from here on (stopping). */
void exporter_stopping(struct exporter *x);
void exporter_stop(struct exporter *x);

#endif
