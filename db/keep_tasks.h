#ifndef DB_KEEP_TASKS_H
#define DB_KEEP_TASKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What housekeeping does to the tables, one row per thing to do, in the order
 * in which it is done.  keep.c goes through them in slices. */

/* Up to which age rows stay as they are. */
enum keep_age {
	AGE_RAW,		/* 48 h */
	AGE_FINE,		/* 30 d */
	AGE_STATISTICS,		/* as configured */
	AGE_HISTORY,		/* as configured */
	AGE_COUNT
};

enum keep_reason {
	KEEP_THINNED, KEEP_RETENTION,
	KEEP_NOTED,		/* deletes nothing */
	KEEP_REASONS
};

/* A slice is what lies in [?1, ?2) of a table's positions: times, or ids.  ?3
 * is the cutoff, in ms since 1970: what ended before it may go. */
struct keep_task {
	const char *name;
	const char *first;	/* the least position from ?1 on, or NULL */
	const char *stop;	/* no row: the pass ends here; or NULL */
	const char *also;	/* run before `remove`, with it; or NULL */
	const char *remove;
	int64_t grain;		/* slices begin and end at multiples of it */
	enum keep_age age;
	enum keep_reason reason;
	bool by_time;		/* positions are times: up to the cutoff */
	bool daily;		/* as it looks at every row */
	const char *cursor;	/* key in meta: how far it is; or NULL */
};

/* What they need besides the schema; run once per connection. */
extern const char keep_tables[];

extern const struct keep_task keep_tasks[];
extern const size_t keep_ntasks;

#endif
