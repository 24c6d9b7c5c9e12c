#ifndef CORE_WINDOW_H
#define CORE_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/clock.h"

struct row_table;

/* A maintenance window: from when until when who is in maintenance, half-open,
 * [from, ended or to).  A row of the table maintenance. */
struct window {
	int64_t id;
	char *cluster, *service, *instance;	/* exact; NULL: any */
	wall_t from, to;
	wall_t ended;		/* ms 0: not yet; never behind `to` */
	bool end_when_back;	/* ends when who went away in it is back */
	char *comment, *created_by;	/* "" if not given */
	wall_t created;
};

/* What a window is called outside, for core/history_rows.h. */
extern const struct row_table window_rows;

/* Copies all of it; what is there is not freed. */
void window_copy(struct window *to, const struct window *from);
void window_fini(struct window *w);

/* Begun and not ended. */
bool window_in_force(const struct window *w, wall_t at);

/* True if it is about this one; instance NULL: about the service as a
 * whole. */
bool window_matches(const struct window *w, const char *cluster,
    const char *service, const char *instance);

/* Windows that never change, for any thread: newest first. */
struct window_list {
	_Atomic unsigned refs;
	size_t n;
	struct window v[];
};

struct window_list *window_list_new(size_t n);	/* zeroed, to be filled */
struct window_list *window_list_ref(struct window_list *l);
void window_list_unref(struct window_list *l);	/* NULL is a no-op */

#endif
