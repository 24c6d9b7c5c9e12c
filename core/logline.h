#ifndef CORE_LOGLINE_H
#define CORE_LOGLINE_H

#include <stddef.h>

#include "core/log.h"

enum { LOGLINE_MAX = 4096 };	/* PIPE_BUF: a pipe takes such a line whole */

/* Writes one log line, newline included, into line[LOGLINE_MAX], no NUL
 * behind it.  Returns its length.  What does not fit is cut: the value ends
 * with ..., later fields are left out, and truncated=true is the last field.
 * fields[0] is unused. */
size_t logline_format(char *line, enum log_format format,
    enum log_level level, const char *msg, const struct log_field *fields,
    unsigned nfields);

#endif
