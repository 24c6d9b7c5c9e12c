#ifndef DISCOVER_FILE_H
#define DISCOVER_FILE_H

#include <stddef.h>

struct err;

/* Makes the file hold these bytes: at any moment it holds all of what it held
 * before, or all of them.  Mode and, if possible, owner of a file that is
 * there stay; a new one gets 0644 less the umask; a symbolic link goes on
 * pointing where it points.  1 if it was written, 0 if it held them already,
 * -1 with e ("PATH: reason").  Blocks. */
int discover_file_write(const char *path, const char *bytes, size_t len,
    struct err *e);

#endif
