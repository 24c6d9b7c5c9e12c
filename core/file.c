/* Small files read whole: configuration and the secrets it names.  Never on
 * the loop, since a disk may hang. */
#include "core/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/err.h"
#include "core/xalloc.h"

static void read_all(FILE *f, struct buf *b)
{
	char chunk[8192];
	size_t n;

	do {
		n = fread(chunk, 1, sizeof(chunk), f);
		buf_add(b, chunk, n);
	} while (n > 0 && !b->failed);
}

char *file_read(const char *path, size_t max, size_t *len_r, struct err *e)
{
	struct buf b;
	char *bytes = NULL;
	FILE *f = fopen(path, "re");

	if (!f) {
		err_set(e, "%s: %s", path, strerror(errno));
		return NULL;
	}
	buf_init(&b, max);
	read_all(f, &b);
	if (ferror(f))
		err_set(e, "%s: %s", path, strerror(errno));
	else if (b.failed)
		err_set(e, "%s: larger than %zu bytes", path, max);
	else
		bytes = buf_take(&b, len_r);
	buf_free(&b);
	fclose(f);
	return bytes;
}

int file_write_all(int fd, const char *bytes, size_t len)
{
	ssize_t n;

	for (; len > 0; bytes += n, len -= (size_t)n) {
		n = write(fd, bytes, len);
		if (n < 0 && errno == EINTR)
			n = 0;
		else if (n < 0)
			return -1;
	}
	return 0;
}

char *file_beside(const char *file, const char *name)
{
	const char *slash = file ? strrchr(file, '/') : NULL;

	if (!slash || name[0] == '/')
		return xstrdup(name);
	return xasprintf("%.*s/%s", (int)(slash - file), file, name);
}
