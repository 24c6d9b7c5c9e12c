#ifndef DISCOVER_ROSTER_FORMAT_IMPL_H
#define DISCOVER_ROSTER_FORMAT_IMPL_H

#include "core/buf.h"
#include "discover/roster_format.h"

/* Shared by the formats, discover/roster_format*.c alone. */

enum { ROSTER_NAME_COLUMNS = 3 };

struct roster_writer {
	enum roster_format format;
	size_t width;
	size_t widths[ROSTER_NAME_COLUMNS];	/* of the table so far */
};

typedef void roster_list_fn(struct roster_writer *w, const struct roster *r,
    struct buf *out);
typedef void roster_change_line_fn(struct roster_writer *w,
    enum roster_change c, const struct roster_entry *e, struct buf *out);
typedef const char *roster_unfit_fn(const struct roster_entry *e);

roster_list_fn table_list, table_start;
roster_change_line_fn table_change;

roster_list_fn json_list, json_start;
roster_change_line_fn json_change;

roster_list_fn hosts_list, prometheus_list, env_list;
roster_unfit_fn hosts_unfit, env_unfit;	/* of those with an address */

/* roster_next() without those that the format leaves out. */
const struct roster_entry *roster_next_fit(const struct roster_writer *w,
    const struct roster *r, struct roster_cursor *c);

#endif
