#ifndef EXPORTER_ADMIN_BODY_H
#define EXPORTER_ADMIN_BODY_H

#include <stddef.h>

#include "core/window.h"

struct err;

/* The JSON bodies of requests that change something.  What is there already
 * is overwritten; window_fini() frees it in any case.  0, or -1 with e. */

/* {"service", "for"[, "instance", "cluster", "comment", "created_by",
 * "end_when_back"]}: `to` is set to the length, counted from ms 0. */
int admin_body_start(struct window *w, const char *body, size_t len,
    struct err *e);

/* {"service", "instance"[, "cluster"]} */
int admin_body_forget(struct window *w, const char *body, size_t len,
    struct err *e);

#endif
