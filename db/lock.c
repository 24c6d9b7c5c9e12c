/* One rollcall per database: an flock on PATH.lock, which ends with the
 * process whatever way it ends.  The file stays, since removing it would let
 * two processes hold locks on two files of one name.  It says who has it, and
 * whether the writer met damage: the next start then checks the database
 * whole, however long that takes. */
#include "db/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/err.h"
#include "core/xalloc.h"
#include "db/owner.h"

static const char damage_word[] = "damaged\n";

static void read_text(int fd, char *text, size_t size)
{
	ssize_t n = pread(fd, text, size - 1, 0);

	text[n > 0 ? n : 0] = '\0';
}

static int taken(int fd, const char *database, struct err *e)
{
	char text[64];

	read_text(fd, text, sizeof(text));
	text[strcspn(text, "\n")] = '\0';
	return err_set(e, "%s is in use by another rollcall (pid %s)", database,
	    text[0] != '\0' ? text : "unknown");
}

static void write_pid(int fd)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());

	/* Only for people: not being able to write it changes nothing. */
	if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)n, 0) != n)
		return;
}

int lock_take(struct db_lock *l, const char *database, struct err *e)
{
	char *path = xasprintf("%s.lock", database);
	char text[64];
	struct stat st;

	l->was_there = stat(path, &st) == 0;
	l->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (l->fd < 0)
		err_set(e, "open %s: %s", path, strerror(errno));
	else if (!l->was_there)
		owner_as_folder(path);
	free(path);
	if (l->fd < 0)
		return -1;
	if (flock(l->fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno == EWOULDBLOCK)
			taken(l->fd, database, e);
		else
			err_set(e, "lock %s.lock: %s", database,
			    strerror(errno));
		lock_release(l);
		return -1;
	}
	read_text(l->fd, text, sizeof(text));
	l->damage = strstr(text, damage_word) != NULL;
	write_pid(l->fd);
	return 0;
}

void lock_note_damage(const struct db_lock *l)
{
	off_t end = lseek(l->fd, 0, SEEK_END);

	if (pwrite(l->fd, damage_word, strlen(damage_word), end) < 0)
		return;	/* the start without it still does the quick check */
}

void lock_release(struct db_lock *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}
