#ifndef CORE_FILE_H
#define CORE_FILE_H

#include <stddef.h>

struct err;

/* The whole file, NUL-terminated behind *len_r bytes; free() it.  NULL with e
 * ("PATH: reason") if it cannot be read or is larger than max.  Blocks. */
char *file_read(const char *path, size_t max, size_t *len_r, struct err *e);

/* Writes all of it to a descriptor that may block.  0, or -1 with errno. */
int file_write_all(int fd, const char *bytes, size_t len);

/* name as seen from the folder that holds file: unchanged if it is absolute
 * or file has no folder.  Free the result. */
char *file_beside(const char *file, const char *name);

#endif
