#ifndef CLI_SIGNALS_H
#define CLI_SIGNALS_H

#include <stdbool.h>
#include <stddef.h>

/* Blocks signals, or no longer (how: SIG_BLOCK, SIG_UNBLOCK), in the calling
 * thread.  Threads of core/thread.h have all of them blocked in any case; those
 * that libraries start, what their starter has. */
void signals_mask(int how, const int *signals, size_t n);

/* Whether SIGTERM and SIGINT end the process at once, as they do by default:
 * during what may take long while nobody reads them from a descriptor. */
void signals_can_end(bool yes);

#endif
