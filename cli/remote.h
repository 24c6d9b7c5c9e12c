#ifndef CLI_REMOTE_H
#define CLI_REMOTE_H

#include "core/history.h"

struct err;

/* History asked of a running daemon, by its API (docs/API.md), for the same
 * questions that a file answers.  http_config_file may be NULL.  On failure
 * .open is NULL and e is set. */
struct history_source remote_history(const char *url,
    const char *http_config_file, struct err *e);

/* Frees what remote_history() made; nothing for another source. */
void remote_history_free(struct history_source *s);

#endif
