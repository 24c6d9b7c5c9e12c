/* The one table of the formats of `rollcall discover`, and the calls into it.
 * Each is written by a file of its own; none knows where the text goes. */
#include <assert.h>
#include <stdlib.h>

#include "core/xalloc.h"
#include "discover/roster_format_impl.h"

const char *const roster_format_names[] = {
	[ROSTER_TABLE] = "table", [ROSTER_JSON] = "json",
	[ROSTER_HOSTS] = "hosts", [ROSTER_PROMETHEUS] = "prometheus",
	[ROSTER_ENV] = "env", NULL
};

static const struct {
	roster_list_fn *list;
	roster_list_fn *start;		/* NULL: the list, an empty line */
	roster_change_line_fn *change;	/* NULL: the list anew */
	bool needs_address;
	roster_unfit_fn *unfit;		/* NULL: no other reason */
} formats[] = {
	[ROSTER_TABLE] = {
		.list = table_list, .start = table_start,
		.change = table_change
	},
	[ROSTER_JSON] = {
		.list = json_list, .start = json_start, .change = json_change
	},
	[ROSTER_HOSTS] = {
		.list = hosts_list, .needs_address = true,
		.unfit = hosts_unfit
	},
	[ROSTER_PROMETHEUS] = {
		.list = prometheus_list, .needs_address = true
	},
	[ROSTER_ENV] = {
		.list = env_list, .needs_address = true, .unfit = env_unfit
	},
};

struct roster_writer *roster_writer_new(enum roster_format f, size_t width)
{
	struct roster_writer *w = xcalloc(1, sizeof(*w));

	assert(f <= ROSTER_ENV);
	*w = (struct roster_writer){ .format = f, .width = width };
	return w;
}

void roster_writer_free(struct roster_writer *w)
{
	free(w);
}

void roster_write_list(struct roster_writer *w, const struct roster *r,
    struct buf *out)
{
	formats[w->format].list(w, r, out);
}

void roster_write_start(struct roster_writer *w, const struct roster *r,
    struct buf *out)
{
	if (formats[w->format].start != NULL) {
		formats[w->format].start(w, r, out);
		return;
	}
	roster_write_list(w, r, out);
	buf_addc(out, '\n');
}

bool roster_write_change(struct roster_writer *w, enum roster_change c,
    const struct roster_entry *e, struct buf *out)
{
	if (formats[w->format].change == NULL)
		return false;
	formats[w->format].change(w, c, e, out);
	return true;
}

const char *roster_unfit(enum roster_format f, const struct roster_entry *e)
{
	assert(f <= ROSTER_ENV);
	if (formats[f].needs_address && e->address == NULL)
		return "its value names no address";
	return formats[f].unfit != NULL ? formats[f].unfit(e) : NULL;
}

const struct roster_entry *roster_next_fit(const struct roster_writer *w,
    const struct roster *r, struct roster_cursor *c)
{
	const struct roster_entry *e;

	do {
		e = roster_next(r, c);
	} while (e != NULL && roster_unfit(w->format, e) != NULL);
	return e;
}
