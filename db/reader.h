#ifndef DB_READER_H
#define DB_READER_H

#include <sqlite3.h>

struct err;

/* A read-only connection to a database of this version, with the function
 * matches(glob, text): fnmatch(3), as the configuration's globs are.  NULL
 * with e naming the path.  Close with sqlite3_close(). */
sqlite3 *reader_open(const char *path, struct err *e);

#endif
