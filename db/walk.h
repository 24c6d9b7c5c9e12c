#ifndef DB_WALK_H
#define DB_WALK_H

#include <stdint.h>

#include "db/stays.h"
#include "db/subjects.h"
#include "db/tally.h"

/* What each subject did from a moment on, stay by stay: whichever is cheaper,
 * backwards along each of them or once over all. */

/* One stay, with what was before and after it. */
struct step {
	size_t subject;
	const struct subject_row *row;
	struct stay stay;		/* state 0: not there yet */
	unsigned char before;	/* enum state; 0: absent, or not read */
	unsigned char after;	/* the same; 0: it goes on */
	int64_t after_id;
	int64_t earliest_end;	/* the stay may have ended from here on, */
	int64_t to;		/* and did, by the books; INT64_MAX: not yet */
	bool first;		/* the first that was read */
	int64_t before_id;	/* of the stay before, if first; 0: none */
};

/* Calls fn for each stay of each subject that ends after `from`, and maybe for
 * some before: in order for a subject, in no order among them.  enough (may be
 * NULL) is asked once all that was seen since then is told, in a scan: true
 * leaves out those to whom nothing has happened since.  Returns 1, or -1 with
 * e. */
int walk(struct stays *stays, const struct subjects *s, int64_t from,
    void (*fn)(const struct step *step, void *arg),
    bool (*enough)(void *arg), void *arg, struct err *e);

/* Whether maintenance of a subject would excuse that it is not up: it was
 * there once and was not forgotten. */
bool walk_is_known(const struct step *step);

/* Cuts a stay, clipped to [from, to), where a doubt begins or ends.  Nothing
 * is said of watching and maintenance: class is UP, DOWN or ABSENT. */
void walk_pieces(const struct step *step, int64_t from, int64_t to,
    void (*fn)(const struct piece *piece, void *arg), void *arg);

/* Cuts a piece of a step further: unknown where its directory was not watched,
 * which wins over all, and maintenance. */
void walk_cut(const struct subjects *s, const struct step *step,
    const struct piece *piece,
    void (*fn)(const struct piece *piece, void *arg), void *arg);

#endif
