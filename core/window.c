/* One maintenance window and lists of them: copies, what it covers, what its
 * fields are called.  Which windows there are is maintenance.c's. */
#include "core/window.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/history_rows.h"
#include "core/xalloc.h"

#define W(name, type, member) { name, type, offsetof(struct window, member) }

static const struct row_field fields[] = {
	W("id", ROW_NUMBER, id),
	W("etcd_cluster", ROW_TEXT, cluster),
	W("service_name", ROW_TEXT, service),
	W("instance_id", ROW_TEXT, instance),
	W("from", ROW_TIME, from),
	W("to", ROW_TIME, to),
	W("ended", ROW_TIME, ended),
	W("end_when_back", ROW_BOOL, end_when_back),
	W("comment", ROW_TEXT, comment),
	W("created_by", ROW_TEXT, created_by),
	W("created", ROW_TIME, created),
};

const struct row_table window_rows = {
	fields, sizeof(fields) / sizeof(fields[0]), sizeof(struct window)
};

static char *copy(const char *s)
{
	return s != NULL ? xstrdup(s) : NULL;
}

void window_copy(struct window *to, const struct window *from)
{
	*to = *from;
	to->cluster = copy(from->cluster);
	to->service = copy(from->service);
	to->instance = copy(from->instance);
	to->comment = xstrdup(from->comment ? from->comment : "");
	to->created_by = xstrdup(from->created_by ? from->created_by : "");
}

void window_fini(struct window *w)
{
	free(w->cluster);
	free(w->service);
	free(w->instance);
	free(w->comment);
	free(w->created_by);
	*w = (struct window){ 0 };
}

bool window_in_force(const struct window *w, wall_t at)
{
	wall_t end = w->ended.ms != 0 ? w->ended : w->to;

	return w->from.ms <= at.ms && at.ms < end.ms;
}

static bool is(const char *wanted, const char *value)
{
	return wanted == NULL ||
	    (value != NULL && strcmp(wanted, value) == 0);
}

bool window_matches(const struct window *w, const char *cluster,
    const char *service, const char *instance)
{
	return is(w->service, service) && is(w->instance, instance) &&
	    is(w->cluster, cluster);
}

/* --- lists --- */

struct window_list *window_list_new(size_t n)
{
	struct window_list *l = xcalloc(1, sizeof(*l) + n * sizeof(l->v[0]));

	atomic_init(&l->refs, 1);
	l->n = n;
	return l;
}

struct window_list *window_list_ref(struct window_list *l)
{
	atomic_fetch_add(&l->refs, 1);
	return l;
}

void window_list_unref(struct window_list *l)
{
	if (l == NULL || atomic_fetch_sub(&l->refs, 1) != 1)
		return;
	for (size_t i = 0; i < l->n; i++)
		window_fini(&l->v[i]);
	free(l);
}
