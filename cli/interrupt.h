#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

#include <stdbool.h>

/* For commands that make files which nobody wants half of: Ctrl-C and the like
 * only tell the tools (db/tools.h) to stop, so that these are taken away, and
 * end the program afterwards.  A second one ends it at once. */
void interrupt_begin(void);

/* The signal that came since, or 0. */
int interrupt_signal(void);

/* Ends the program by that signal, if there was one and the work failed: the
 * shell then sees what it would have without all this (130, 143). */
void interrupt_end(bool failed);

#endif
