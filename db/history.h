#ifndef DB_HISTORY_H
#define DB_HISTORY_H

#include "core/history.h"

/* History as the file has it, on a read-only connection, beside a daemon that
 * writes or without one.  The path is borrowed for as long as the source is
 * used. */
struct history_source history_of_file(const char *path);

#endif
