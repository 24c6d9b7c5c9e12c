#ifndef DB_LOCK_H
#define DB_LOCK_H

#include <stdbool.h>

struct err;

/* The file PATH.lock, which keeps a second rollcall away from a database and
 * remembers that damage was met. */
struct db_lock {
	int fd;
	bool was_there;		/* a rollcall has been here before */
	bool damage;		/* the last one met damage in the database */
};

/* 0, or -1 with e, which names the process that has it. */
int lock_take(struct db_lock *l, const char *database, struct err *e);

/* Notes for the next start that the database must be checked whole.  Any
 * thread. */
void lock_note_damage(const struct db_lock *l);

void lock_release(struct db_lock *l);

#endif
