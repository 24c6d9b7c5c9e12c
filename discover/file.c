/* A file that others read at any moment: it is written under another name
 * beside it, brought to the disk, and renamed.  Knows nothing of what is in
 * it.  Called by cli/discover_once.c, and by discover/output.c in a
 * thread. */
#include "discover/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/err.h"
#include "core/file.h"
#include "core/xalloc.h"

enum { NEW_MODE = 0644, CHUNK = 65536 };

/* True if the descriptor's file holds these bytes and no more. */
static bool holds(int fd, const char *bytes, size_t len)
{
	char *chunk = xmalloc(CHUNK);
	size_t at = 0;
	ssize_t n;

	do {
		n = read(fd, chunk, CHUNK);
		if (n <= 0 || (size_t)n > len - at ||
		    memcmp(chunk, bytes + at, (size_t)n) != 0)
			break;
		at += (size_t)n;
	} while (true);
	free(chunk);
	return n == 0 && at == len;
}

static bool file_holds(const char *path, const char *bytes, size_t len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool same;

	if (fd < 0)
		return false;
	same = holds(fd, bytes, len);
	close(fd);
	return same;
}

/* A name that no other has: hidden, so that nobody who reads all files of the
 * folder reads it. */
static char *temporary_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path;
	uint64_t random = 0;

	if (getrandom(&random, sizeof(random), 0) < 0)
		random = (uint64_t)getpid();
	return xasprintf("%.*s.%s.%016" PRIx64, (int)(name - path), path,
	    name, random);
}

/* As the file that it will replace, as far as we may. */
static int take_over(int fd, const struct stat *old)
{
	if (fchown(fd, old->st_uid, old->st_gid) != 0 && errno != EPERM)
		return -1;
	return fchmod(fd, old->st_mode & 0777);
}

/* old: what is there now, or NULL. */
static int replace(const char *path, const struct stat *old,
    const char *bytes, size_t len)
{
	char *name = temporary_name(path);
	int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
	    NEW_MODE);
	int rc = fd < 0 ? -1 : 0, reason;

	if (rc == 0 && old != NULL)
		rc = take_over(fd, old);
	if (rc == 0)
		rc = file_write_all(fd, bytes, len);
	if (rc == 0)
		rc = fsync(fd);
	if (rc == 0)
		rc = rename(name, path);
	reason = errno;
	if (fd >= 0) {
		close(fd);
		if (rc != 0)
			unlink(name);
	}
	free(name);
	errno = reason;
	return rc;
}

static int write_to(const char *path, const char *bytes, size_t len,
    struct err *e)
{
	struct stat old;
	bool there = stat(path, &old) == 0;

	if (there && !S_ISREG(old.st_mode))
		return err_set(e, "%s: is no regular file, which could be"
		    " replaced", path);
	if (there && file_holds(path, bytes, len))
		return 0;
	if (replace(path, there ? &old : NULL, bytes, len) != 0)
		return err_set(e, "%s: %s", path, strerror(errno));
	return 1;
}

int discover_file_write(const char *path, const char *bytes, size_t len,
    struct err *e)
{
	char *target = realpath(path, NULL);	/* NULL: not there yet */
	int rc = write_to(target != NULL ? target : path, bytes, len, e);

	free(target);
	return rc;
}
