#ifndef DB_SUBJECTS_H
#define DB_SUBJECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sqlite3.h>

#include "core/history.h"
#include "db/room.h"
#include "db/spans.h"

struct err;

/* Who a question is about: services and their instances, when their
 * directories were watched, maintenance was in force, and how many instances
 * were expected.  Read once per question; strings and structs are the
 * subjects' own. */

/* A directory of etcd, and when it was watched. */
struct watched {
	const char *cluster, *directory;
	struct spans spans;
};

struct expectation {
	int64_t from;
	int64_t min;		/* -1: no longer expected */
};

struct subject_service {
	const char *cluster, *name;
	size_t index;			/* when it was made: it stays */
	size_t first, n;		/* its instances, among the subjects */
	struct spans known;		/* when it could be known at all */
	struct spans maintenance;	/* of the service as a whole */
	struct expectation *expected;	/* in order */
	size_t nexpected;
};

/* An identity: it keeps its name through all its lives. */
struct subject {
	struct subject_service *service;
	const char *instance;
	struct spans maintenance;	/* the service's too */
	size_t first, n;		/* its rows, among the roll's */
};

/* A row of the table `roll`. */
struct subject_row {
	int64_t id, last_stay;
	size_t subject;
	const struct watched *watched;
};

struct subjects {
	struct subject *v;
	size_t n;
	struct subject_row *rows;
	size_t nrows;
	int64_t all_rows;		/* how many there are, of anybody */
	struct subject_service **services;	/* by cluster and name */
	size_t nservices;
	int64_t first_id;		/* the smallest id of a row */
	uint32_t *by_id;		/* id - first_id: 1 + index of row */
	size_t nids;
	struct watched **watched;	/* by cluster and directory */
	size_t nwatched;
	const struct watched *latest;	/* while rows are read */
	bool all;			/* nobody was left out */
	struct room names;		/* of instances */
};

/* Names match by fnmatch(3).  Reads in the transaction that is open. */
struct subjects *subjects_load(sqlite3 *db, const struct history_who *who,
    struct err *e);

/* The services' own things: known, maintenance, expected; and those that were
 * expected but never had an instance.  0, or -1 with e. */
int subjects_load_services(struct subjects *s, sqlite3 *db,
    const struct history_who *who, struct err *e);

void subjects_free(struct subjects *s);		/* NULL is a no-op */

/* The row with that id, or NULL. */
static inline const struct subject_row *subjects_row(const struct subjects *s,
    int64_t id)
{
	size_t at = (size_t)(id - s->first_id);

	return id >= s->first_id && at < s->nids && s->by_id[at] != 0 ?
	    &s->rows[s->by_id[at] - 1] : NULL;
}

#endif
