/* `rollcall db vacuum`: the file written anew without its free pages.  With the
 * lock, so that no daemon is in the way, nor it in a daemon's. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "core/err.h"
#include "db/file.h"
#include "db/sql.h"
#include "db/tools.h"

static int64_t size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_size : -1;
}

int tool_vacuum(const char *path, int64_t *before_r, int64_t *after_r,
    struct err *e)
{
	struct db_file f;
	int rc;

	*before_r = size_of(path);
	if (*before_r < 0)
		return err_set(e, "%s: %s", path, strerror(errno));
	if (file_open(&f, path, e) != 0)
		return -1;
	rc = sql_exec(f.db, "VACUUM", e);
	file_close(&f);
	*after_r = size_of(path);
	return rc;
}
