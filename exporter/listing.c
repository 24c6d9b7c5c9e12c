/* The answer at the API's own path: which paths there are.  It knows none of
 * them; routes.c, answers.c and admin.c add those of their tables. */
#include "exporter/listing.h"

#include <stdlib.h>

#include "core/buf.h"
#include "core/history_rows.h"
#include "core/xalloc.h"

struct listed {
	const char *path, *methods, *what;
};

#define L(member) { #member, ROW_TEXT, offsetof(struct listed, member) }

static const struct row_field fields[] = {
	L(path), L(methods), L(what),
};

static const struct row_table rows = {
	fields, sizeof(fields) / sizeof(fields[0]), sizeof(struct listed)
};

void listing_begin(struct listing *l, const char *link_prefix,
    struct buf *out)
{
	*l = (struct listing){ .out = out, .link_prefix = link_prefix };
	buf_addc(out, '[');
}

void listing_add(struct listing *l, const char *methods, const char *path,
    const char *rest, const char *what)
{
	char *whole = xasprintf("%s%s%s", l->link_prefix, path, rest);
	struct listed row = { whole, methods, what };

	buf_adds(l->out, l->any ? ",\n" : "\n");
	row_json(l->out, &rows, &row);
	l->any = true;
	free(whole);
}

void listing_end(struct listing *l)
{
	buf_adds(l->out, "\n]\n");
}
